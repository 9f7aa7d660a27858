"""How environments do: the worst of its components is the state of each."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import strawberry

from app.domain.errors import Invalid
from app.graphql_api.components import ComponentStatus
from app.graphql_api.context import Info
from app.graphql_api.records import load_row
from app.graphql_api.vocabularies import ComponentState
from app.readmodels.component_history import EnvironmentHealth, environment_healths
from app.readmodels.nouns import COMPONENT
from app.readmodels.rows import ID_LIMIT


@strawberry.type(description="How many components are in a state.")
class ComponentStateCount:
    """One group."""

    status: ComponentState = strawberry.field(description="The state.")
    count: int = strawberry.field(description="How many components are in it by now.")


@strawberry.type(description="An environment: the worst of its components is its state; no data is UNKNOWN.")
class EnvironmentStatus:
    """A read model's EnvironmentHealth."""

    health: strawberry.Private[EnvironmentHealth]
    as_of: strawberry.Private[datetime | None]

    @strawberry.field(description="The environment.")
    def environment(self) -> str:
        """Its name."""
        return self.health.environment

    @strawberry.field(description="The worst state of its components by now; a snapshot that is stale is UNKNOWN.")
    def status(self) -> ComponentState:
        """The roll-up."""
        return self.health.status

    @strawberry.field(description="How many of its components are in each state by now; states without any left out.")
    def counts_by_status(self) -> list[ComponentStateCount]:
        """Counts of components."""
        return [ComponentStateCount(status=state, count=count) for state, count in self.health.counts.items()]

    @strawberry.field(description="The latest snapshot of each of its components, by name.")
    async def components(self, info: Info) -> list[ComponentStatus]:
        """Rows of snapshots."""
        columns = ComponentStatus.columns(info)
        ids = [each.snapshot.id for each in self.health.components]
        found = await asyncio.gather(
            *(load_row(info.context, COMPONENT, row_id, columns, self.as_of) for row_id in ids)
        )
        return [ComponentStatus(row=row, as_of=self.as_of) for row in found if row is not None]


async def environments_of(
    info: Info, environments: Sequence[str] | None, as_of: datetime | None
) -> list[EnvironmentStatus]:
    """How environments are doing. Invalid for more names than one read takes."""
    if environments is not None and len(environments) > ID_LIMIT:
        raise Invalid(f"environmentStatuses takes at most {ID_LIMIT} names", field="environments")
    reader = info.context.reader
    at = as_of or await info.context.now()
    found = await environment_healths(reader.database, reader.scope, info.context.policy, environments, at)
    return [EnvironmentStatus(health=each, as_of=as_of) for each in found]
