"""Guard reports: the classified posture of platform-foundation checks."""

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
    FindingCounts,
    column,
    finding_counts,
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
    Result,
)
from app.readmodels.nouns import GUARD, ITEM

if TYPE_CHECKING:
    from app.graphql_api.bundles import EvidenceBundle


@strawberry.input(description="Which guard reports to list: every condition that is given must hold.")
class GuardReportFilter:
    """Conditions by column, combined."""

    id: IDFilter | None = strawberry.field(default=strawberry.UNSET, description="The id.")
    bundle_id: IDFilter | None = strawberry.field(
        default=strawberry.UNSET,
        description="The bundle it was made for; null asks for reports on the platform itself.",
    )
    guard: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="The guard's name.")
    mode: EnumFilter[Enforcement] | None = strawberry.field(default=strawberry.UNSET, description="How hard it bites.")
    result: EnumFilter[Result] | None = strawberry.field(default=strawberry.UNSET, description="The outcome.")
    source_key: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="The check's name.")
    generated_at: DateTimeFilter | None = strawberry.field(
        default=strawberry.UNSET, description="When the report was made."
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
    and_: list[GuardReportFilter] | None = strawberry.field(
        default=strawberry.UNSET, name="and", description="All of these hold."
    )
    or_: list[GuardReportFilter] | None = strawberry.field(
        default=strawberry.UNSET, name="or", description="At least one of these holds."
    )
    not_: GuardReportFilter | None = strawberry.field(
        default=strawberry.UNSET, name="not", description="This does not hold."
    )


@strawberry.enum(description="What guard reports can be ordered by; the id settles ties.")
class GuardReportOrderField(Enum):
    """Sortable columns."""

    GENERATED_AT = strawberry.enum_value(
        "generated_at", description="When the report was made; undated ones come as if before all others."
    )
    RECORDED_AT = strawberry.enum_value("recorded_at", description="When the platform learned it.")
    GUARD = strawberry.enum_value("guard", description="The guard's name.")


@strawberry.input(description="An order of guard reports.")
class GuardReportOrder:
    """A column and a direction."""

    field: GuardReportOrderField = strawberry.field(
        default=GuardReportOrderField.GENERATED_AT, description="The column."
    )
    direction: Direction = strawberry.field(default=Direction.DESC, description="Which end comes first.")

    def order(self) -> Order:
        """The order as the read models take it."""
        return Order(str(self.field.value), self.direction)


@strawberry.type(description="The summary of one guard's report.")
class GuardReport(Evidence):
    """A row of GUARD."""

    noun: ClassVar[Any] = GUARD
    needs: ClassVar[Any] = needs_of(GUARD)

    bundle_id: strawberry.ID | None = column("Id of the bundle it was made for; null for the platform itself.")
    evidence_item_id: strawberry.ID | None = column("Id of the item that stands for the same report.")
    guard: str = column("The guard's stable name.")
    source_key: str = column("Names the check within its bundle, such as `ci/junit/unit-tests`.")
    source_digest: str = column("SHA-256 of the raw artifact, in hex.")
    mode: Enforcement = column("How hard the guard bites.")
    result: Result = column("The classified outcome.")
    artifact_path: str = column("Where the raw report lies.")
    generated_at: datetime | None = column("When the report was made; null where it does not say.")
    summary: JSON = column("The producer's details: the top findings.")
    run: str = column("The run of the pipeline that brought it; empty where none is known.")
    job: str = column("The CI's job that brought it; empty where none is known.")
    late: bool = column("Whether it was made before the row in force when it came: kept, never current.")
    mismatched: str = column("What it is of and its bundle is not, such as a commit: no proof; empty where all agrees.")
    confirms: bool = column("Whether it repeats its predecessor from another run, and is fresh from when it came.")
    subject: str = column("What the artifact itself says it reports on; empty where it says nothing.")
    url: str = column("Where a person sees the run, job or report, http or https; empty where none is named.")

    @strawberry.field(description="Findings by severity; null where the guard counts none.")
    def findings(self) -> FindingCounts | None:
        """Counts of findings."""
        return finding_counts(self.row)

    @strawberry.field(description="The item that stands for the same report.")
    async def evidence_item(self, info: Info) -> EvidenceItem | None:
        """The item behind it."""
        item_id = self.row["evidence_item_id"]
        if item_id is None:
            return None
        columns = EvidenceItem.columns(info)
        return EvidenceItem.wrap(await load_row(info.context, ITEM, item_id, columns, self.as_of), self.as_of)

    @strawberry.field(description="The bundle it was made for; null for the platform itself.")
    async def bundle(self, info: Info) -> Annotated[EvidenceBundle, strawberry.lazy("app.graphql_api.bundles")] | None:
        """The owner."""
        owner: EvidenceBundle | None = await load_bundle(info, self)
        return owner

    @strawberry.field(description="The row that this one replaced; null at the start of a chain.")
    async def supersedes(self, info: Info) -> GuardReport | None:
        """One step back along the chain."""
        return await predecessor(info, self)

    @strawberry.field(description="The row that replaced this one; null while it is the last of its chain.")
    async def superseded_by(self, info: Info) -> GuardReport | None:
        """One step on along the chain."""
        return await successor(info, self)

    @strawberry.field(description="The whole chain that this row belongs to, oldest first, itself included.")
    async def history(self, info: Info) -> list[GuardReport]:
        """The chain."""
        return await history(info, self)


@strawberry.type(description="A row of a page with its cursor.")
class GuardReportEdge:
    """Relay's edge."""

    cursor: str = strawberry.field(description=CURSOR)
    node: GuardReport = strawberry.field(description=NODE)


@strawberry.type(description="A page of guard reports.")
class GuardReportConnection(Connection):
    """Relay's connection."""

    @strawberry.field(description=NODES)
    async def nodes(self) -> list[GuardReport]:
        """The rows."""
        return await self._nodes()

    @strawberry.field(description=EDGES)
    async def edges(self) -> list[GuardReportEdge]:
        """The rows with cursors."""
        return await self._edges(GuardReportEdge)

    @strawberry.field(
        description="How many guard reports of the whole list have each guard; does not depend on the page."
    )
    async def counts_by_guard(self) -> list[Count]:
        """Groups over all pages."""
        return await self.listing.groups("guard")

    @strawberry.field(
        description="How many guard reports of the whole list have each mode; does not depend on the page."
    )
    async def counts_by_mode(self) -> list[Count]:
        """Groups over all pages."""
        return await self.listing.groups("mode", Enforcement)

    @strawberry.field(
        description="How many guard reports of the whole list have each result; does not depend on the page."
    )
    async def counts_by_result(self) -> list[Count]:
        """Groups over all pages."""
        return await self.listing.groups("result", Result)
