"""Invariant results: product behaviour proved by tests that name it."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import strawberry

from app.domain.paging import Order
from app.graphql_api.connections import CURSOR, EDGES, NODE, NODES, Connection, Count
from app.graphql_api.context import Info
from app.graphql_api.filters import BooleanFilter, DateTimeFilter, EnumFilter, IDFilter, StringFilter
from app.graphql_api.items import EvidenceItem
from app.graphql_api.owners import load_bundle
from app.graphql_api.records import (
    Evidence,
    column,
    history,
    load_row,
    needs_of,
    predecessor,
    successor,
)
from app.graphql_api.scalars import JSON
from app.graphql_api.vocabularies import (
    Direction,
    InvariantArea,
    Result,
)
from app.readmodels.nouns import INVARIANT, ITEM

if TYPE_CHECKING:
    from app.graphql_api.bundles import EvidenceBundle


@strawberry.input(description="Which invariant results to list: every condition that is given must hold.")
class InvariantResultFilter:
    """Conditions by column, combined."""

    id: IDFilter | None = strawberry.field(default=strawberry.UNSET, description="The id.")
    invariant_id: StringFilter | None = strawberry.field(
        default=strawberry.UNSET, description="The invariant, such as `PI-LAUNCH-001`."
    )
    area: EnumFilter[InvariantArea] | None = strawberry.field(
        default=strawberry.UNSET, description="The behaviour it speaks of."
    )
    result: EnumFilter[Result] | None = strawberry.field(default=strawberry.UNSET, description="The outcome.")
    source_key: StringFilter | None = strawberry.field(
        default=strawberry.UNSET, description="The check's name within its bundle."
    )
    evidence_item_id: IDFilter | None = strawberry.field(
        default=strawberry.UNSET, description="The item that proves it."
    )
    evaluated_at: DateTimeFilter | None = strawberry.field(
        default=strawberry.UNSET, description="When its tests ended."
    )
    recorded_at: DateTimeFilter | None = strawberry.field(
        default=strawberry.UNSET, description="When the platform learned it."
    )
    actor: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="Who recorded it.")
    retracted: BooleanFilter | None = strawberry.field(
        default=strawberry.UNSET,
        description="Whether the row is a retraction; matters where superseded rows are listed.",
    )
    late: BooleanFilter | None = strawberry.field(
        default=strawberry.UNSET,
        description="Whether it came after a newer one; matters where superseded rows are listed.",
    )
    mismatched: StringFilter | None = strawberry.field(
        default=strawberry.UNSET, description='What it is of and its bundle is not; not "" asks for what is foreign.'
    )
    and_: list[InvariantResultFilter] | None = strawberry.field(
        default=strawberry.UNSET, name="and", description="All of these hold."
    )
    or_: list[InvariantResultFilter] | None = strawberry.field(
        default=strawberry.UNSET, name="or", description="At least one of these holds."
    )
    not_: InvariantResultFilter | None = strawberry.field(
        default=strawberry.UNSET, name="not", description="This does not hold."
    )


@strawberry.enum(description="What invariant results can be ordered by; the id settles ties.")
class InvariantResultOrderField(Enum):
    """Sortable columns."""

    RECORDED_AT = strawberry.enum_value("recorded_at", description="When the platform learned it.")
    EVALUATED_AT = strawberry.enum_value(
        "evaluated_at", description="When its tests ended; undated ones come as if before all others."
    )
    INVARIANT_ID = strawberry.enum_value("invariant_id", description="The invariant's id.")


@strawberry.input(description="An order of invariant results.")
class InvariantResultOrder:
    """A column and a direction."""

    field: InvariantResultOrderField = strawberry.field(
        default=InvariantResultOrderField.RECORDED_AT, description="The column."
    )
    direction: Direction = strawberry.field(default=Direction.ASC, description="Which end comes first.")

    def order(self) -> Order:
        """The order as the read models take it."""
        return Order(str(self.field.value), self.direction)


@strawberry.type(description="What the tests of one artifact say of a product invariant.")
class InvariantResult(Evidence):
    """A row of INVARIANT."""

    noun: ClassVar[Any] = INVARIANT
    needs: ClassVar[Any] = needs_of(INVARIANT)

    bundle_id: strawberry.ID = column("Id of the bundle it belongs to.")
    invariant_id: str = column("Stable id, such as `PI-LAUNCH-001`.")
    source_key: str = column("Names the check within its bundle, such as `ci/junit/unit-tests`.")
    source_digest: str = column("SHA-256 of the raw artifact, in hex.")
    area: InvariantArea | None = column("The product behaviour it speaks of; null where nobody says.")
    title: str = column("The invariant's statement, or the name of the test that proves it.")
    result: Result = column("The worst outcome over all tests that name it; a flaky pass is WARNED.")
    evidence_item_id: strawberry.ID | None = column("Id of the item that proves it.")
    details: JSON = column("The tests that name it, with their outcomes.")
    evaluated_at: datetime | None = column("When its tests ended; null where the artifact does not say.")
    run: str = column("The run of the pipeline that brought it; empty where none is known.")
    job: str = column("The CI's job that brought it; empty where none is known.")
    late: bool = column("Whether it was made before the row in force when it came: kept, never current.")
    mismatched: str = column("What it is of and its bundle is not, such as a commit: no proof; empty where all agrees.")
    confirms: bool = column("Whether it repeats its predecessor from another run, and is fresh from when it came.")

    @strawberry.field(description="The item that proves it.")
    async def evidence_item(self, info: Info) -> EvidenceItem | None:
        """The item behind it."""
        item_id = self.row["evidence_item_id"]
        if item_id is None:
            return None
        columns = EvidenceItem.columns(info)
        return EvidenceItem.wrap(await load_row(info.context, ITEM, item_id, columns, self.as_of), self.as_of)

    @strawberry.field(description="The bundle it belongs to.")
    async def bundle(self, info: Info) -> Annotated[EvidenceBundle, strawberry.lazy("app.graphql_api.bundles")]:
        """The owner."""
        owner: EvidenceBundle = await load_bundle(info, self)
        return owner

    @strawberry.field(description="The row that this one replaced; null at the start of a chain.")
    async def supersedes(self, info: Info) -> InvariantResult | None:
        """One step back along the chain."""
        return await predecessor(info, self)

    @strawberry.field(description="The row that replaced this one; null while it is the last of its chain.")
    async def superseded_by(self, info: Info) -> InvariantResult | None:
        """One step on along the chain."""
        return await successor(info, self)

    @strawberry.field(description="The whole chain that this row belongs to, oldest first, itself included.")
    async def history(self, info: Info) -> list[InvariantResult]:
        """The chain."""
        return await history(info, self)


@strawberry.type(description="A row of a page with its cursor.")
class InvariantResultEdge:
    """Relay's edge."""

    cursor: str = strawberry.field(description=CURSOR)
    node: InvariantResult = strawberry.field(description=NODE)


@strawberry.type(description="A page of invariant results.")
class InvariantResultConnection(Connection):
    """Relay's connection."""

    @strawberry.field(description=NODES)
    async def nodes(self) -> list[InvariantResult]:
        """The rows."""
        return await self._nodes()

    @strawberry.field(description=EDGES)
    async def edges(self) -> list[InvariantResultEdge]:
        """The rows with cursors."""
        return await self._edges(InvariantResultEdge)

    @strawberry.field(
        description="How many invariant results of the whole list have each invariant id; does not depend on the page."
    )
    async def counts_by_invariant(self) -> list[Count]:
        """Groups over all pages."""
        return await self.listing.groups("invariant_id")

    @strawberry.field(
        description="How many invariant results of the whole list have each area; does not depend on the page."
    )
    async def counts_by_area(self) -> list[Count]:
        """Groups over all pages."""
        return await self.listing.groups("area", InvariantArea)

    @strawberry.field(
        description="How many invariant results of the whole list have each result; does not depend on the page."
    )
    async def counts_by_result(self) -> list[Count]:
        """Groups over all pages."""
        return await self.listing.groups("result", Result)
