"""Gate results: what stands between a bundle and shipping."""

from __future__ import annotations

import asyncio
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
    Enforcement,
    Gate,
    Result,
)
from app.readmodels.nouns import GATE, ITEM

if TYPE_CHECKING:
    from app.graphql_api.bundles import EvidenceBundle


@strawberry.input(description="Which gate results to list: every condition that is given must hold.")
class GateResultFilter:
    """Conditions by column, combined."""

    id: IDFilter | None = strawberry.field(default=strawberry.UNSET, description="The id.")
    gate: EnumFilter[Gate] | None = strawberry.field(default=strawberry.UNSET, description="Which gate.")
    result: EnumFilter[Result] | None = strawberry.field(default=strawberry.UNSET, description="The outcome.")
    enforcement: EnumFilter[Enforcement] | None = strawberry.field(
        default=strawberry.UNSET, description="What a failure does."
    )
    waived: BooleanFilter | None = strawberry.field(
        default=strawberry.UNSET, description="Whether the row is a waiver."
    )
    source_key: StringFilter | None = strawberry.field(
        default=strawberry.UNSET, description="The check's name within its bundle."
    )
    policy_digest: StringFilter | None = strawberry.field(
        default=strawberry.UNSET, description="The policy that decided it."
    )
    evaluated_at: DateTimeFilter | None = strawberry.field(default=strawberry.UNSET, description="When it was decided.")
    expires_at: DateTimeFilter | None = strawberry.field(
        default=strawberry.UNSET, description="When a waiver or approval ends."
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
    and_: list[GateResultFilter] | None = strawberry.field(
        default=strawberry.UNSET, name="and", description="All of these hold."
    )
    or_: list[GateResultFilter] | None = strawberry.field(
        default=strawberry.UNSET, name="or", description="At least one of these holds."
    )
    not_: GateResultFilter | None = strawberry.field(
        default=strawberry.UNSET, name="not", description="This does not hold."
    )


@strawberry.enum(description="What gate results can be ordered by; the id settles ties.")
class GateResultOrderField(Enum):
    """Sortable columns."""

    RECORDED_AT = strawberry.enum_value("recorded_at", description="When the platform learned it.")
    EVALUATED_AT = strawberry.enum_value(
        "evaluated_at", description="When it was decided; undated ones come as if before all others."
    )
    GATE = strawberry.enum_value("gate", description="The gate's name.")


@strawberry.input(description="An order of gate results.")
class GateResultOrder:
    """A column and a direction."""

    field: GateResultOrderField = strawberry.field(default=GateResultOrderField.RECORDED_AT, description="The column.")
    direction: Direction = strawberry.field(default=Direction.ASC, description="Which end comes first.")

    def order(self) -> Order:
        """The order as the read models take it."""
        return Order(str(self.field.value), self.direction)


@strawberry.type(description="The state of one release gate of a bundle.")
class GateResult(Evidence):
    """A row of GATE."""

    noun: ClassVar[Any] = GATE
    needs: ClassVar[Any] = needs_of(GATE, items="item_ids")

    bundle_id: strawberry.ID = column("Id of the bundle it belongs to.")
    gate: Gate = column("Which gate.")
    source_key: str = column("Names the check within its bundle, such as `ci/junit/unit-tests`.")
    source_digest: str = column("SHA-256 of the raw artifact, in hex.")
    result: Result = column("The outcome.")
    enforcement: Enforcement = column("What a failure does: nothing, a warning, or a stop.")
    summary: str = column("One sentence for a person.")
    waived: bool = column("True on a waiver: the result does not block until it expires.")
    expires_at: datetime | None = column("When a waiver or an approval stops counting; null where it does not.")
    policy_digest: str | None = column("SHA-256 of the policy that decided it; null where a producer decided.")
    item_ids: list[strawberry.ID] = column("Ids of the items that it was decided from.")
    details: JSON = column("The producer's details, or the figures that the evaluation used.")
    evaluated_at: datetime | None = column("When it was decided; null where the artifact does not say.")
    run: str = column("The run of the pipeline that brought it; empty where none is known.")
    job: str = column("The CI's job that brought it; empty where none is known.")
    late: bool = column("Whether it was made before the row in force when it came: kept, never current.")
    mismatched: str = column("What it is of and its bundle is not, such as a commit: no proof; empty where all agrees.")
    confirms: bool = column("Whether it repeats its predecessor from another run, and is fresh from when it came.")
    subject: str = column("What the artifact itself says it reports on; empty where it says nothing.")
    url: str = column("Where a person sees the run, job or report, http or https; empty where none is named.")

    @strawberry.field(description="The items that it was decided from, in the order of `itemIds`.")
    async def items(self, info: Info) -> list[EvidenceItem]:
        """The items used."""
        columns = EvidenceItem.columns(info)
        found = await asyncio.gather(
            *(load_row(info.context, ITEM, row_id, columns, self.as_of) for row_id in self.row["item_ids"])
        )
        return [EvidenceItem(row=row, as_of=self.as_of) for row in found if row is not None]

    @strawberry.field(description="The bundle it belongs to.")
    async def bundle(self, info: Info) -> Annotated[EvidenceBundle, strawberry.lazy("app.graphql_api.bundles")]:
        """The owner."""
        owner: EvidenceBundle = await load_bundle(info, self)
        return owner

    @strawberry.field(description="The row that this one replaced; null at the start of a chain.")
    async def supersedes(self, info: Info) -> GateResult | None:
        """One step back along the chain."""
        return await predecessor(info, self)

    @strawberry.field(description="The row that replaced this one; null while it is the last of its chain.")
    async def superseded_by(self, info: Info) -> GateResult | None:
        """One step on along the chain."""
        return await successor(info, self)

    @strawberry.field(description="The whole chain that this row belongs to, oldest first, itself included.")
    async def history(self, info: Info) -> list[GateResult]:
        """The chain."""
        return await history(info, self)


@strawberry.type(description="A row of a page with its cursor.")
class GateResultEdge:
    """Relay's edge."""

    cursor: str = strawberry.field(description=CURSOR)
    node: GateResult = strawberry.field(description=NODE)


@strawberry.type(description="A page of gate results.")
class GateResultConnection(Connection):
    """Relay's connection."""

    @strawberry.field(description=NODES)
    async def nodes(self) -> list[GateResult]:
        """The rows."""
        return await self._nodes()

    @strawberry.field(description=EDGES)
    async def edges(self) -> list[GateResultEdge]:
        """The rows with cursors."""
        return await self._edges(GateResultEdge)

    @strawberry.field(
        description="How many gate results of the whole list have each gate; does not depend on the page."
    )
    async def counts_by_gate(self) -> list[Count]:
        """Groups over all pages."""
        return await self.listing.groups("gate", Gate)

    @strawberry.field(
        description="How many gate results of the whole list have each result; does not depend on the page."
    )
    async def counts_by_result(self) -> list[Count]:
        """Groups over all pages."""
        return await self.listing.groups("result", Result)

    @strawberry.field(
        description="How many gate results of the whole list have each enforcement; does not depend on the page."
    )
    async def counts_by_enforcement(self) -> list[Count]:
        """Groups over all pages."""
        return await self.listing.groups("enforcement", Enforcement)
