"""Evidence items: the single entries that a bundle is made of."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import strawberry

from app.domain.paging import Order
from app.graphql_api.connections import CURSOR, EDGES, NODE, NODES, Connection, Count
from app.graphql_api.context import Info
from app.graphql_api.filters import BooleanFilter, DateTimeFilter, EnumFilter, IDFilter, StringFilter
from app.graphql_api.owners import load_bundle
from app.graphql_api.records import (
    Evidence,
    FindingCounts,
    TestCounts,
    column,
    finding_counts,
    history,
    needs_of,
    predecessor,
    successor,
    test_counts,
)
from app.graphql_api.scalars import JSON
from app.graphql_api.vocabularies import (
    Direction,
    EvidenceType,
    Result,
)
from app.readmodels.nouns import ITEM

if TYPE_CHECKING:
    from app.graphql_api.bundles import EvidenceBundle


@strawberry.input(description="Which items to list: every condition that is given must hold.")
class EvidenceItemFilter:
    """Conditions by column, combined."""

    id: IDFilter | None = strawberry.field(default=strawberry.UNSET, description="The id.")
    evidence_type: EnumFilter[EvidenceType] | None = strawberry.field(
        default=strawberry.UNSET, description="What sort of evidence."
    )
    result: EnumFilter[Result] | None = strawberry.field(default=strawberry.UNSET, description="The outcome.")
    source_key: StringFilter | None = strawberry.field(
        default=strawberry.UNSET, description="The check's name within its bundle."
    )
    source_digest: StringFilter | None = strawberry.field(
        default=strawberry.UNSET, description="SHA-256 of the raw artifact."
    )
    format: StringFilter | None = strawberry.field(
        default=strawberry.UNSET, description="The importer, such as `junit`."
    )
    producer: StringFilter | None = strawberry.field(
        default=strawberry.UNSET, description="The tool that made the artifact."
    )
    started_at: DateTimeFilter | None = strawberry.field(default=strawberry.UNSET, description="When the check began.")
    completed_at: DateTimeFilter | None = strawberry.field(
        default=strawberry.UNSET, description="When the check ended."
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
    and_: list[EvidenceItemFilter] | None = strawberry.field(
        default=strawberry.UNSET, name="and", description="All of these hold."
    )
    or_: list[EvidenceItemFilter] | None = strawberry.field(
        default=strawberry.UNSET, name="or", description="At least one of these holds."
    )
    not_: EvidenceItemFilter | None = strawberry.field(
        default=strawberry.UNSET, name="not", description="This does not hold."
    )


@strawberry.enum(description="What items can be ordered by; the id settles ties.")
class EvidenceItemOrderField(Enum):
    """Sortable columns."""

    RECORDED_AT = strawberry.enum_value("recorded_at", description="When the platform learned it.")
    COMPLETED_AT = strawberry.enum_value(
        "completed_at", description="When the check ended; those without an end come as if before all others."
    )
    SOURCE_KEY = strawberry.enum_value("source_key", description="The check's name.")
    EVIDENCE_TYPE = strawberry.enum_value("evidence_type", description="What sort of evidence.")


@strawberry.input(description="An order of items.")
class EvidenceItemOrder:
    """A column and a direction."""

    field: EvidenceItemOrderField = strawberry.field(
        default=EvidenceItemOrderField.RECORDED_AT, description="The column."
    )
    direction: Direction = strawberry.field(default=Direction.ASC, description="Which end comes first.")

    def order(self) -> Order:
        """The order as the read models take it."""
        return Order(str(self.field.value), self.direction)


@strawberry.type(
    description="One piece of evidence: a CI run, a scan, a UAT report, a guard report, a smoke test, an artifact, "
    "an operator's words."
)
class EvidenceItem(Evidence):
    """A row of ITEM."""

    noun: ClassVar[Any] = ITEM
    needs: ClassVar[Any] = needs_of(ITEM)

    bundle_id: strawberry.ID = column("Id of the bundle it belongs to.")
    evidence_type: EvidenceType = column("What sort of evidence it is.")
    source_key: str = column("Names the check within its bundle, such as `ci/junit/unit-tests`.")
    source_digest: str = column("SHA-256 of the raw artifact, in hex.")
    format: str = column("The importer that read the artifact, such as `junit`; empty where there was none.")
    title: str = column("One line for a person.")
    result: Result = column("The outcome.")
    producer: str = column("The tool that made the artifact, with its version where it says so.")
    artifact_path: str = column("Where the raw artifact lies.")
    payload: JSON = column("What the producer says in detail: top findings, troubled tests, measurements.")
    started_at: datetime | None = column("When the check began; null where the artifact does not say.")
    completed_at: datetime | None = column("When the check ended; null where the artifact does not say.")
    run: str = column("The run of the pipeline that brought it; empty where none is known.")
    job: str = column("The CI's job that brought it; empty where none is known.")
    late: bool = column("Whether it was made before the row in force when it came: kept, never current.")
    mismatched: str = column("What it is of and its bundle is not, such as a commit: no proof; empty where all agrees.")
    confirms: bool = column("Whether it repeats its predecessor from another run, and is fresh from when it came.")
    subject: str = column("What the artifact itself says it reports on; empty where it says nothing.")
    url: str = column("Where a person sees the run, job or report, http or https; empty where none is named.")

    @strawberry.field(description="Test cases by outcome; null where the artifact holds no tests.")
    def tests(self) -> TestCounts | None:
        """Counts of test cases."""
        return test_counts(self.row)

    @strawberry.field(description="Findings by severity; null where the artifact is no scan.")
    def findings(self) -> FindingCounts | None:
        """Counts of findings."""
        return finding_counts(self.row)

    @strawberry.field(description="The bundle it belongs to.")
    async def bundle(self, info: Info) -> Annotated[EvidenceBundle, strawberry.lazy("app.graphql_api.bundles")]:
        """The owner."""
        owner: EvidenceBundle = await load_bundle(info, self)
        return owner

    @strawberry.field(description="The row that this one replaced; null at the start of a chain.")
    async def supersedes(self, info: Info) -> EvidenceItem | None:
        """One step back along the chain."""
        return await predecessor(info, self)

    @strawberry.field(description="The row that replaced this one; null while it is the last of its chain.")
    async def superseded_by(self, info: Info) -> EvidenceItem | None:
        """One step on along the chain."""
        return await successor(info, self)

    @strawberry.field(description="The whole chain that this row belongs to, oldest first, itself included.")
    async def history(self, info: Info) -> list[EvidenceItem]:
        """The chain."""
        return await history(info, self)


@strawberry.type(description="A row of a page with its cursor.")
class EvidenceItemEdge:
    """Relay's edge."""

    cursor: str = strawberry.field(description=CURSOR)
    node: EvidenceItem = strawberry.field(description=NODE)


@strawberry.type(description="A page of items.")
class EvidenceItemConnection(Connection):
    """Relay's connection."""

    @strawberry.field(description=NODES)
    async def nodes(self) -> list[EvidenceItem]:
        """The rows."""
        return await self._nodes()

    @strawberry.field(description=EDGES)
    async def edges(self) -> list[EvidenceItemEdge]:
        """The rows with cursors."""
        return await self._edges(EvidenceItemEdge)

    @strawberry.field(
        description="How many items of the whole list have each evidence type; does not depend on the page."
    )
    async def counts_by_type(self) -> list[Count]:
        """Groups over all pages."""
        return await self.listing.groups("evidence_type", EvidenceType)

    @strawberry.field(description="How many items of the whole list have each result; does not depend on the page.")
    async def counts_by_result(self) -> list[Count]:
        """Groups over all pages."""
        return await self.listing.groups("result", Result)

    @strawberry.field(description="How many items of the whole list have each format; does not depend on the page.")
    async def counts_by_format(self) -> list[Count]:
        """Groups over all pages."""
        return await self.listing.groups("format")
