"""How a bundle's current rows stand: one grouped statement a relation for all bundles of a page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry

from app.domain.paging import Order
from app.graphql_api.context import Context
from app.graphql_api.vocabularies import Result
from app.readmodels import rows
from app.readmodels.nouns import CHILDREN
from app.readmodels.rows import RowQuery


@strawberry.type(description="How many rows have a result.")
class ResultCount:
    """One group."""

    result: Result = strawberry.field(description="The result.")
    count: int = strawberry.field(description="How many current rows have it.")


@strawberry.type(description="How a bundle's current rows stand, by result, most first.")
class BundleCounts:
    """Counts by relation; each is read when selected."""

    context: strawberry.Private[Context]
    bundle_id: strawberry.Private[str]
    as_of: strawberry.Private[datetime | None]

    @strawberry.field(description="Items by result.")
    async def items(self) -> list[ResultCount]:
        """Groups of items."""
        return await self._groups("items")

    @strawberry.field(description="Gate results by result.")
    async def gates(self) -> list[ResultCount]:
        """Groups of gate results."""
        return await self._groups("gates")

    @strawberry.field(description="Invariant results by result.")
    async def invariants(self) -> list[ResultCount]:
        """Groups of invariant results."""
        return await self._groups("invariants")

    @strawberry.field(description="Guard reports by result.")
    async def guard_reports(self) -> list[ResultCount]:
        """Groups of guard reports."""
        return await self._groups("guard_reports")

    async def _groups(self, relation: str) -> list[ResultCount]:
        noun, reader = CHILDREN[relation], self.context.reader
        query = RowQuery(Order("recorded_at"), as_of=self.as_of)

        async def batch(ids: Any) -> dict[str, list[rows.Count]]:
            return await rows.groups_by_bundle_ids(reader, noun, ids, query, "result")

        counts = await self.context.loader(("counts", relation, query), batch).load(self.bundle_id)
        return [ResultCount(result=Result(c.value), count=c.count) for c in counts]
