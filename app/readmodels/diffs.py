"""What changed between two bundles, read in a fixed number of statements."""

from __future__ import annotations

from datetime import datetime

from app.domain.changes import Diff
from app.domain.diff import diff
from app.readmodels.readiness import inputs_of_pair, moment
from app.readmodels.rows import Reader


async def bundle_diff(reader: Reader, base: str, head: str, as_of: datetime | None = None) -> Diff:
    """What changed from one bundle to another, each by id or key, in one snapshot of the database; NotFound names the
    one that there is not. `as_of` must be settled, see Database.settle."""
    async with reader.database.snapshot() as source:
        before, now = await inputs_of_pair(source, reader.scope, base, head, as_of or await moment(source))
    return diff(before, now)
