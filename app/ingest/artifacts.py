"""Import one artifact: detect, parse, one idempotent transaction."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from uuid import UUID

from app.db.pool import Database
from app.domain.errors import Conflict, Invalid
from app.domain.evidence import EvidenceType
from app.importers.base import Artifact, ImportBatch, Rejected
from app.ingest.batches import Status, write_batch
from app.ingest.bundles import BundleRequest, Incomplete, Refused, ensure_bundle
from app.ingest.parsing import Parsed, read_artifact
from app.ingest.rows import Origin

ATTEMPTS = 5
"""How often a transaction that lost against another writer is run."""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What is the same for all artifacts of an import. `actor` is who brings them, and is never empty.

    `evidence_type` overrides what the importers see, `format` their detection, `source_key` the key made from an
    artifact's name; a source key is for one artifact.
    """

    bundle: BundleRequest
    actor: str
    evidence_type: EvidenceType | None = None
    format: str | None = None
    source_key: str | None = None

    def __post_init__(self) -> None:
        """Raises Invalid for a source key or an actor that cannot be recorded."""
        if not self.actor.strip():
            raise Invalid("actor is empty", field="actor")
        key = self.source_key
        if key is not None and (not key.strip() or len(key) > 200 or "#" in key or not key.isprintable()):
            raise Invalid("source-key must have 1 to 200 printable characters, and no #", field="source_key")


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What became of one artifact. `rows` counts the rows written by table; `seconds` is reading and writing.

    A rejected one has `reason` and, where known, `line` and `column`, counted from 1.
    """

    name: str
    status: Status
    format: str | None = None
    source_key: str | None = None
    item_ids: tuple[UUID, ...] = ()
    rows: dict[str, int] = field(default_factory=dict)
    reason: str | None = None
    line: int | None = None
    column: int | None = None
    seconds: float = 0.0

    @property
    def created(self) -> bool:
        """Whether the artifact was new here."""
        return self.status in (Status.CREATED, Status.SUPERSEDED)


async def import_artifact(
    database: Database, request: ImportRequest, artifact: Artifact, *, stem: str | None = None
) -> ImportOutcome:
    """Read an artifact in a thread and record it. What it holds never raises; see `record` for what does."""
    parsed = await asyncio.to_thread(read_artifact, artifact, request.format)
    return await record(database, request, parsed, stem=stem)


async def record(
    database: Database, request: ImportRequest, parsed: Parsed, *, stem: str | None = None
) -> ImportOutcome:
    """Record what was read: all of it or none of it, in one transaction, tried again when another writer was faster.

    Raises Incomplete, Refused or NotFound where the bundle does not allow it, Unavailable when the database cannot
    be reached; a value that cannot be stored rejects the artifact.
    """
    batch = parsed.outcome
    if isinstance(batch, Rejected):
        return _rejected(parsed, batch.reason, batch.format, batch.line, batch.column)
    start = time.perf_counter()
    origin = Origin(parsed.name, parsed.digest, request.actor, request.source_key, stem, request.evidence_type)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await _once(database, request, parsed, batch, origin, start)
        except (Incomplete, Refused):
            raise
        except Conflict as error:
            if attempt == ATTEMPTS:
                return _rejected(parsed, error.message, batch.format)
            await asyncio.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - spreads writers, hides nothing
        except Invalid as error:
            return _rejected(parsed, error.message, batch.format)
    raise AssertionError("the last attempt returns")


async def _once(
    database: Database, request: ImportRequest, parsed: Parsed, batch: ImportBatch, origin: Origin, start: float
) -> ImportOutcome:
    async with database.transaction() as transaction:
        bundle = await ensure_bundle(transaction, request.bundle, request.actor)
        written = await write_batch(transaction, bundle, batch, origin)
    return ImportOutcome(
        name=parsed.name,
        status=written.status,
        format=batch.format,
        source_key=written.source_key,
        item_ids=written.item_ids,
        rows=written.rows | ({"bundles": 1} if bundle.created else {}),
        seconds=parsed.seconds + time.perf_counter() - start,
    )


def _rejected(
    parsed: Parsed, reason: str, format: str | None, line: int | None = None, column: int | None = None
) -> ImportOutcome:
    return ImportOutcome(
        parsed.name, Status.REJECTED, format, reason=reason, line=line, column=column, seconds=parsed.seconds
    )
