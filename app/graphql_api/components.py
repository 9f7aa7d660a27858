"""Component status: the latest snapshot per environment and component, or all of them."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any, ClassVar

import strawberry

from app.domain.paging import Order
from app.graphql_api.component_health import ComponentHealth, health_of
from app.graphql_api.connections import CURSOR, EDGES, NODE, NODES, Connection, Count
from app.graphql_api.context import Info
from app.graphql_api.filters import BooleanFilter, DateTimeFilter, EnumFilter, IDFilter, StringFilter
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
    ComponentState,
    Direction,
)
from app.readmodels.nouns import COMPONENT


@strawberry.input(description="Which component snapshots to list: every condition that is given must hold.")
class ComponentStatusFilter:
    """Conditions by column, combined."""

    id: IDFilter | None = strawberry.field(default=strawberry.UNSET, description="The id.")
    environment: StringFilter | None = strawberry.field(
        default=strawberry.UNSET, description="Where the component runs."
    )
    component: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="The component's name.")
    status: EnumFilter[ComponentState] | None = strawberry.field(
        default=strawberry.UNSET, description="How it is doing."
    )
    source_key: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="The probe or artifact.")
    observed_at: DateTimeFilter | None = strawberry.field(default=strawberry.UNSET, description="When it was observed.")
    recorded_at: DateTimeFilter | None = strawberry.field(
        default=strawberry.UNSET, description="When the platform learned it."
    )
    actor: StringFilter | None = strawberry.field(default=strawberry.UNSET, description="Who recorded it.")
    retracted: BooleanFilter | None = strawberry.field(
        default=strawberry.UNSET,
        description="Whether the row is a retraction; matters where superseded rows are listed.",
    )
    and_: list[ComponentStatusFilter] | None = strawberry.field(
        default=strawberry.UNSET, name="and", description="All of these hold."
    )
    or_: list[ComponentStatusFilter] | None = strawberry.field(
        default=strawberry.UNSET, name="or", description="At least one of these holds."
    )
    not_: ComponentStatusFilter | None = strawberry.field(
        default=strawberry.UNSET, name="not", description="This does not hold."
    )


@strawberry.enum(description="What component snapshots can be ordered by; the id settles ties.")
class ComponentStatusOrderField(Enum):
    """Sortable columns."""

    COMPONENT = strawberry.enum_value("component", description="The component's name.")
    ENVIRONMENT = strawberry.enum_value("environment", description="Where it runs.")
    OBSERVED_AT = strawberry.enum_value("observed_at", description="When it was observed.")
    RECORDED_AT = strawberry.enum_value("recorded_at", description="When the platform learned it.")


@strawberry.input(description="An order of component snapshots.")
class ComponentStatusOrder:
    """A column and a direction."""

    field: ComponentStatusOrderField = strawberry.field(
        default=ComponentStatusOrderField.COMPONENT, description="The column."
    )
    direction: Direction = strawberry.field(default=Direction.ASC, description="Which end comes first.")

    def order(self) -> Order:
        """The order as the read models take it."""
        return Order(str(self.field.value), self.direction)


_HEALTH = frozenset({"environment", "component", "status", "observed_at", "recorded_at", "cause"})
"""What a snapshot's health is judged from."""


@strawberry.type(description="A snapshot of how one component was doing.")
class ComponentStatus(Evidence):
    """A row of COMPONENT."""

    noun: ClassVar[Any] = COMPONENT
    needs: ClassVar[Any] = needs_of(COMPONENT) | {"health": _HEALTH}

    environment: str = column("Where the component runs.")
    component: str = column("The component's stable name.")
    status: ComponentState = column("How it was doing.")
    message: str = column("One sentence for a person.")
    observed_at: datetime = column("When it was observed.")
    source_key: str | None = column("The probe or artifact that said so; null for snapshots without one.")
    source_digest: str | None = column("SHA-256 of the raw artifact, in hex.")
    details: JSON = column("The producer's details of the probe.")
    cause: str = column("The alert or incident that told it, which holds until it tells otherwise; empty for polls.")
    url: str = column("Where a person sees it, http or https; empty where no place is named.")

    @strawberry.field(description="What this snapshot is worth by now, and how its component did over time.")
    async def health(self, info: Info) -> ComponentHealth:
        """Judged at `asOf`, else at the time of asking."""
        return await health_of(info.context, self.row, self.as_of)

    @strawberry.field(description="The row that this one replaced; null at the start of a chain.")
    async def supersedes(self, info: Info) -> ComponentStatus | None:
        """One step back along the chain."""
        return await predecessor(info, self)

    @strawberry.field(description="The row that replaced this one; null while it is the last of its chain.")
    async def superseded_by(self, info: Info) -> ComponentStatus | None:
        """One step on along the chain."""
        return await successor(info, self)

    @strawberry.field(description="The whole chain that this row belongs to, oldest first, itself included.")
    async def history(self, info: Info) -> list[ComponentStatus]:
        """The chain."""
        return await history(info, self)


@strawberry.type(description="A row of a page with its cursor.")
class ComponentStatusEdge:
    """Relay's edge."""

    cursor: str = strawberry.field(description=CURSOR)
    node: ComponentStatus = strawberry.field(description=NODE)


@strawberry.type(description="A page of component snapshots.")
class ComponentStatusConnection(Connection):
    """Relay's connection."""

    @strawberry.field(description=NODES)
    async def nodes(self) -> list[ComponentStatus]:
        """The rows."""
        return await self._nodes()

    @strawberry.field(description=EDGES)
    async def edges(self) -> list[ComponentStatusEdge]:
        """The rows with cursors."""
        return await self._edges(ComponentStatusEdge)

    @strawberry.field(
        description="How many component snapshots of the whole list have each environment; does not depend on the page."
    )
    async def counts_by_environment(self) -> list[Count]:
        """Groups over all pages."""
        return await self.listing.groups("environment")

    @strawberry.field(
        description="How many component snapshots of the whole list have each status; does not depend on the page."
    )
    async def counts_by_status(self) -> list[Count]:
        """Groups over all pages."""
        return await self.listing.groups("status", ComponentState)
