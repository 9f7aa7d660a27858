"""Bundles: what a release candidate, UAT package, security review or production change is known by."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated, Any, ClassVar

import strawberry

from app.domain.paging import Order
from app.graphql_api.connections import (
    AFTER,
    BEFORE,
    CURSOR,
    EDGES,
    FIRST,
    LAST,
    NODE,
    NODES,
    SUPERSEDED_TOO,
    Connection,
    Count,
    listing,
)
from app.graphql_api.context import Info
from app.graphql_api.counts import BundleCounts
from app.graphql_api.filters import BooleanFilter, DateTimeFilter, EnumFilter, IDFilter, StringFilter
from app.graphql_api.gates import GateResult, GateResultConnection, GateResultFilter, GateResultOrder
from app.graphql_api.guards import GuardReport, GuardReportConnection, GuardReportFilter, GuardReportOrder
from app.graphql_api.invariants import (
    InvariantResult,
    InvariantResultConnection,
    InvariantResultFilter,
    InvariantResultOrder,
)
from app.graphql_api.items import EvidenceItem, EvidenceItemConnection, EvidenceItemFilter, EvidenceItemOrder
from app.graphql_api.readiness import Verdict, readiness_of_bundle
from app.graphql_api.records import (
    Evidence,
    column,
    history,
    needs_of,
    predecessor,
    successor,
)
from app.graphql_api.scalars import JSON
from app.graphql_api.vocabularies import (
    BundleKind,
    Direction,
)
from app.readmodels.nouns import BUNDLE


@strawberry.input(description="Which items a bundle must have, or must not.")
class EvidenceItemRelation:
    """Conditions on the rows of a relation; only current rows count."""

    some: EvidenceItemFilter | None = strawberry.field(default=strawberry.UNSET, description="At least one such row.")
    none: EvidenceItemFilter | None = strawberry.field(default=strawberry.UNSET, description="No such row.")


@strawberry.input(description="Which gate results a bundle must have, or must not.")
class GateResultRelation:
    """Conditions on the rows of a relation; only current rows count."""

    some: GateResultFilter | None = strawberry.field(default=strawberry.UNSET, description="At least one such row.")
    none: GateResultFilter | None = strawberry.field(default=strawberry.UNSET, description="No such row.")


@strawberry.input(description="Which invariant results a bundle must have, or must not.")
class InvariantResultRelation:
    """Conditions on the rows of a relation; only current rows count."""

    some: InvariantResultFilter | None = strawberry.field(
        default=strawberry.UNSET, description="At least one such row."
    )
    none: InvariantResultFilter | None = strawberry.field(default=strawberry.UNSET, description="No such row.")


@strawberry.input(description="Which guard reports a bundle must have, or must not.")
class GuardReportRelation:
    """Conditions on the rows of a relation; only current rows count."""

    some: GuardReportFilter | None = strawberry.field(default=strawberry.UNSET, description="At least one such row.")
    none: GuardReportFilter | None = strawberry.field(default=strawberry.UNSET, description="No such row.")


@strawberry.input(description="Which bundles to list: every condition that is given must hold.")
class EvidenceBundleFilter:
    """Conditions by column, combined."""

    id: IDFilter | None = strawberry.field(default=strawberry.UNSET, description="The id.")
    bundle_key: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="The stable human name.")
    kind: EnumFilter[BundleKind] | None = strawberry.field(
        default=strawberry.UNSET, description="What the evidence is for."
    )
    environment: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="Where it is to run.")
    profile: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="The deployment profile.")
    product: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="The product that ships.")
    version: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="The version that ships.")
    commit_sha: StringFilter | None = strawberry.field(
        default=strawberry.UNSET, description="The commit it was built from."
    )
    created_at: DateTimeFilter | None = strawberry.field(default=strawberry.UNSET, description="When it came to be.")
    updated_at: DateTimeFilter | None = strawberry.field(
        default=strawberry.UNSET, description="When its latest row was recorded."
    )
    recorded_at: DateTimeFilter | None = strawberry.field(
        default=strawberry.UNSET, description="When the platform learned it."
    )
    actor: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="Who recorded it.")
    retracted: BooleanFilter | None = strawberry.field(
        default=strawberry.UNSET,
        description="Whether the row is a retraction; matters where superseded rows are listed.",
    )
    items: EvidenceItemRelation | None = strawberry.field(default=strawberry.UNSET, description="By its items.")
    gates: GateResultRelation | None = strawberry.field(default=strawberry.UNSET, description="By its gate results.")
    invariants: InvariantResultRelation | None = strawberry.field(
        default=strawberry.UNSET, description="By its invariant results."
    )
    guard_reports: GuardReportRelation | None = strawberry.field(
        default=strawberry.UNSET, description="By its guard reports."
    )

    and_: list[EvidenceBundleFilter] | None = strawberry.field(
        default=strawberry.UNSET, name="and", description="All of these hold."
    )
    or_: list[EvidenceBundleFilter] | None = strawberry.field(
        default=strawberry.UNSET, name="or", description="At least one of these holds."
    )
    not_: EvidenceBundleFilter | None = strawberry.field(
        default=strawberry.UNSET, name="not", description="This does not hold."
    )


@strawberry.enum(description="What bundles can be ordered by; the id settles ties.")
class EvidenceBundleOrderField(Enum):
    """Sortable columns."""

    UPDATED_AT = strawberry.enum_value("updated_at", description="When the latest row of the bundle was recorded.")
    CREATED_AT = strawberry.enum_value("created_at", description="When it came to be.")
    RECORDED_AT = strawberry.enum_value("recorded_at", description="When the platform learned of it.")
    BUNDLE_KEY = strawberry.enum_value("bundle_key", description="The stable human name.")


@strawberry.input(description="An order of bundles.")
class EvidenceBundleOrder:
    """A column and a direction."""

    field: EvidenceBundleOrderField = strawberry.field(
        default=EvidenceBundleOrderField.UPDATED_AT, description="The column."
    )
    direction: Direction = strawberry.field(default=Direction.DESC, description="Which end comes first.")

    def order(self) -> Order:
        """The order as the read models take it."""
        return Order(str(self.field.value), self.direction)


@strawberry.type(
    description="All evidence for one release candidate, UAT package, security review or production-impacting change."
)
class EvidenceBundle(Evidence):
    """A row of BUNDLE."""

    noun: ClassVar[Any] = BUNDLE
    needs: ClassVar[Any] = needs_of(BUNDLE, counts="id", readiness="id")

    bundle_key: str = column("The stable human name its producer gives it, such as `release/portal/2.14.0-rc.3`.")
    revision: int = column("Counts the rows of one key from 1; the highest is what the key means.")
    kind: BundleKind = column("What the evidence is for.")
    environment: str = column("Where it is to run, such as `staging`.")
    profile: str = column("The deployment profile within the environment, such as `standard`.")
    product: str = column("The product that ships.")
    title: str = column("One line for a person.")
    version: str = column("The version that ships, as its producer writes it.")
    commit_sha: str = column("The commit it was built from.")
    summary: JSON = column("What the producer says of the bundle as a whole.")
    created_at: datetime = column("When the candidate, package, review or change came to be.")
    updated_at: datetime = column("When the latest row of the bundle was recorded.")

    @strawberry.field(description="How its current rows stand, by result.")
    def counts(self, info: Info) -> BundleCounts:
        """Counts by result, read only for the relations selected."""
        return BundleCounts(context=info.context, bundle_id=self.row["id"], as_of=self.as_of)

    @strawberry.field(description="Whether it is ready, and why; `asOf` of the root where one is given.")
    async def readiness(self, info: Info) -> Verdict:
        """The verdict on this bundle."""
        return await readiness_of_bundle(info.context, self.row["id"], self.as_of)

    @strawberry.field(description="Its pieces of evidence.")
    def items(
        self,
        info: Info,
        filter: Annotated[EvidenceItemFilter | None, strawberry.argument(description="Which to list.")] = None,
        order_by: Annotated[
            EvidenceItemOrder | None, strawberry.argument(description="As they were recorded, unless told.")
        ] = None,
        first: Annotated[int | None, strawberry.argument(description=FIRST)] = None,
        after: Annotated[str | None, strawberry.argument(description=AFTER)] = None,
        last: Annotated[int | None, strawberry.argument(description=LAST)] = None,
        before: Annotated[str | None, strawberry.argument(description=BEFORE)] = None,
        include_superseded: Annotated[bool, strawberry.argument(description=SUPERSEDED_TOO)] = False,
    ) -> EvidenceItemConnection:
        """Children of this bundle."""
        return EvidenceItemConnection(
            listing=listing(
                info,
                EvidenceItem,
                order=(order_by or EvidenceItemOrder()).order(),
                filter=filter,
                first=first,
                after=after,
                last=last,
                before=before,
                as_of=self.as_of,
                superseded=include_superseded,
                bundle_id=self.row["id"],
            )
        )

    @strawberry.field(description="Its gate results.")
    def gates(
        self,
        info: Info,
        filter: Annotated[GateResultFilter | None, strawberry.argument(description="Which to list.")] = None,
        order_by: Annotated[
            GateResultOrder | None, strawberry.argument(description="As they were recorded, unless told.")
        ] = None,
        first: Annotated[int | None, strawberry.argument(description=FIRST)] = None,
        after: Annotated[str | None, strawberry.argument(description=AFTER)] = None,
        last: Annotated[int | None, strawberry.argument(description=LAST)] = None,
        before: Annotated[str | None, strawberry.argument(description=BEFORE)] = None,
        include_superseded: Annotated[bool, strawberry.argument(description=SUPERSEDED_TOO)] = False,
    ) -> GateResultConnection:
        """Children of this bundle."""
        return GateResultConnection(
            listing=listing(
                info,
                GateResult,
                order=(order_by or GateResultOrder()).order(),
                filter=filter,
                first=first,
                after=after,
                last=last,
                before=before,
                as_of=self.as_of,
                superseded=include_superseded,
                bundle_id=self.row["id"],
            )
        )

    @strawberry.field(description="Its invariant results.")
    def invariants(
        self,
        info: Info,
        filter: Annotated[InvariantResultFilter | None, strawberry.argument(description="Which to list.")] = None,
        order_by: Annotated[
            InvariantResultOrder | None, strawberry.argument(description="As they were recorded, unless told.")
        ] = None,
        first: Annotated[int | None, strawberry.argument(description=FIRST)] = None,
        after: Annotated[str | None, strawberry.argument(description=AFTER)] = None,
        last: Annotated[int | None, strawberry.argument(description=LAST)] = None,
        before: Annotated[str | None, strawberry.argument(description=BEFORE)] = None,
        include_superseded: Annotated[bool, strawberry.argument(description=SUPERSEDED_TOO)] = False,
    ) -> InvariantResultConnection:
        """Children of this bundle."""
        return InvariantResultConnection(
            listing=listing(
                info,
                InvariantResult,
                order=(order_by or InvariantResultOrder()).order(),
                filter=filter,
                first=first,
                after=after,
                last=last,
                before=before,
                as_of=self.as_of,
                superseded=include_superseded,
                bundle_id=self.row["id"],
            )
        )

    @strawberry.field(description="The guard reports made for it.")
    def guard_reports(
        self,
        info: Info,
        filter: Annotated[GuardReportFilter | None, strawberry.argument(description="Which to list.")] = None,
        order_by: Annotated[
            GuardReportOrder | None, strawberry.argument(description="The latest first, unless told.")
        ] = None,
        first: Annotated[int | None, strawberry.argument(description=FIRST)] = None,
        after: Annotated[str | None, strawberry.argument(description=AFTER)] = None,
        last: Annotated[int | None, strawberry.argument(description=LAST)] = None,
        before: Annotated[str | None, strawberry.argument(description=BEFORE)] = None,
        include_superseded: Annotated[bool, strawberry.argument(description=SUPERSEDED_TOO)] = False,
    ) -> GuardReportConnection:
        """Children of this bundle."""
        return GuardReportConnection(
            listing=listing(
                info,
                GuardReport,
                order=(order_by or GuardReportOrder()).order(),
                filter=filter,
                first=first,
                after=after,
                last=last,
                before=before,
                as_of=self.as_of,
                superseded=include_superseded,
                bundle_id=self.row["id"],
            )
        )

    @strawberry.field(description="The row that this one replaced; null at the start of a chain.")
    async def supersedes(self, info: Info) -> EvidenceBundle | None:
        """One step back along the chain."""
        return await predecessor(info, self)

    @strawberry.field(description="The row that replaced this one; null while it is the last of its chain.")
    async def superseded_by(self, info: Info) -> EvidenceBundle | None:
        """One step on along the chain."""
        return await successor(info, self)

    @strawberry.field(description="The whole chain that this row belongs to, oldest first, itself included.")
    async def history(self, info: Info) -> list[EvidenceBundle]:
        """The chain."""
        return await history(info, self)


@strawberry.type(description="A row of a page with its cursor.")
class EvidenceBundleEdge:
    """Relay's edge."""

    cursor: str = strawberry.field(description=CURSOR)
    node: EvidenceBundle = strawberry.field(description=NODE)


@strawberry.type(description="A page of bundles.")
class EvidenceBundleConnection(Connection):
    """Relay's connection."""

    @strawberry.field(description=NODES)
    async def nodes(self) -> list[EvidenceBundle]:
        """The rows."""
        return await self._nodes()

    @strawberry.field(description=EDGES)
    async def edges(self) -> list[EvidenceBundleEdge]:
        """The rows with cursors."""
        return await self._edges(EvidenceBundleEdge)

    @strawberry.field(description="How many bundles of the whole list have each kind; does not depend on the page.")
    async def counts_by_kind(self) -> list[Count]:
        """Groups over all pages."""
        return await self.listing.groups("kind", BundleKind)

    @strawberry.field(
        description="How many bundles of the whole list have each environment; does not depend on the page."
    )
    async def counts_by_environment(self) -> list[Count]:
        """Groups over all pages."""
        return await self.listing.groups("environment")

    @strawberry.field(description="How many bundles of the whole list have each profile; does not depend on the page.")
    async def counts_by_profile(self) -> list[Count]:
        """Groups over all pages."""
        return await self.listing.groups("profile")

    @strawberry.field(description="How many bundles of the whole list have each product; does not depend on the page.")
    async def counts_by_product(self) -> list[Count]:
        """Groups over all pages."""
        return await self.listing.groups("product")
