"""How a component does: whether a snapshot still holds, uptime over windows and day by day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import strawberry

from app.db.pool import Row
from app.domain.components import TROUBLED
from app.domain.facts import made_at
from app.domain.uptime import LONGEST_HISTORY, Uptime
from app.graphql_api.context import Context
from app.graphql_api.vocabularies import ComponentState
from app.readmodels.component_history import (
    Asked,
    daily,
    fresh_until,
    is_fresh,
    open_news,
    uptimes,
)

_KNOWN = "Time with data, in seconds."
_NO_DATA = "Time without data, in seconds: no snapshot held, or it said unknown."
_DOWN = "Time down, in seconds: a major outage counts in full, a partial one by half, other states not."
_RATIO = "The part of the time with data, 0 to 1, that it was up; null without data."
_WORST = "The worst state that occurred; UNKNOWN only where there was no data at all."


@strawberry.type(description="How a component did over a window that ends now, or at `asOf`.")
class ComponentUptime:
    """A domain Uptime over a window."""

    window: str = strawberry.field(description="How long the window is: 1h, 24h, 7d or 30d.")
    start: datetime = strawberry.field(description="When it begins.")
    end: datetime = strawberry.field(description="When it ends.")
    ratio: float | None = strawberry.field(description=_RATIO)
    worst: ComponentState = strawberry.field(description=_WORST)
    down_seconds: float = strawberry.field(description=_DOWN)
    known_seconds: float = strawberry.field(description=_KNOWN)
    no_data_seconds: float = strawberry.field(description=_NO_DATA)


@strawberry.type(description="How a component did on a calendar day in UTC; today up to now, or to `asOf`.")
class ComponentDay:
    """A domain Uptime over a day."""

    date: str = strawberry.field(description="The day, such as `2026-06-01`.")
    start: datetime = strawberry.field(description="When it begins.")
    end: datetime = strawberry.field(description="When it ends.")
    ratio: float | None = strawberry.field(description=_RATIO)
    worst: ComponentState = strawberry.field(description=_WORST)
    down_seconds: float = strawberry.field(description=_DOWN)
    known_seconds: float = strawberry.field(description=_KNOWN)
    no_data_seconds: float = strawberry.field(description=_NO_DATA)


def _figures(told: Uptime) -> dict[str, Any]:
    return {
        "start": told.start,
        "end": told.end,
        "ratio": told.share,
        "worst": told.worst,
        "down_seconds": told.down.total_seconds(),
        "known_seconds": told.known.total_seconds(),
        "no_data_seconds": told.no_data.total_seconds(),
    }


@strawberry.type(description="What a snapshot is worth by now, and how its component did over time.")
class ComponentHealth:
    """Judged from one snapshot; the history is the component's."""

    context: strawberry.Private[Context]
    environment: strawberry.Private[str]
    component: strawberry.Private[str]
    last_status: strawberry.Private[ComponentState]
    made: strawberry.Private[datetime]
    freshness: strawberry.Private[timedelta | None]
    at: strawberry.Private[datetime]
    open: strawberry.Private[bool]

    @strawberry.field(description="The state by now: that of the snapshot while it is fresh, else UNKNOWN.")
    def status(self) -> ComponentState:
        """The state."""
        return self.last_status if self._holds() else ComponentState.UNKNOWN

    @strawberry.field(
        description="Whether the snapshot is no older than the policy lets it be, or trouble that an alert or incident"
        " told and that is not over."
    )
    def fresh(self) -> bool:
        """Whether it holds."""
        return self._holds()

    @strawberry.field(
        description="When the snapshot stops to hold; null where it holds until the next one, or until it is told over."
    )
    def fresh_until(self) -> datetime | None:
        """The end of its window."""
        return None if self.open else fresh_until(self.made, self.freshness)

    def _holds(self) -> bool:
        return self.open or is_fresh(self.made, self.freshness, self.at)

    @strawberry.field(description="Uptime of the component over 1h, 24h, 7d and 30d.")
    async def uptimes(self) -> list[ComponentUptime]:
        """Windows that end now."""
        at = self.at

        async def batch(keys: Sequence[str]) -> dict[str, dict[str, Uptime]]:
            told = await uptimes(self.context.reader.database, [self._asked(key) for key in keys], at)
            return dict(zip(keys, told, strict=True))

        windows: dict[str, Uptime] = await self.context.loader(("uptimes", at), batch).load(self._key())
        return [ComponentUptime(window=name, **_figures(told)) for name, told in windows.items()]

    @strawberry.field(description="Uptime of the component day by day, oldest first; today is the last.")
    async def daily(
        self,
        days: Annotated[int, strawberry.argument(description="How many days, 1 to 90.")] = LONGEST_HISTORY,
    ) -> list[ComponentDay]:
        """Days of history."""
        at = self.at

        async def batch(keys: Sequence[str]) -> dict[str, tuple[Uptime, ...]]:
            told = await daily(self.context.reader.database, [self._asked(key) for key in keys], at, days)
            return dict(zip(keys, told, strict=True))

        found: tuple[Uptime, ...] = await self.context.loader(("daily", at, days), batch).load(self._key())
        return [ComponentDay(date=told.start.date().isoformat(), **_figures(told)) for told in found]

    def _key(self) -> str:
        return f"{self.environment}\0{self.component}"  # a NUL is in no text of the database

    def _asked(self, key: str) -> Asked:
        environment, _, component = key.partition("\0")
        return Asked(environment, component, self.context.freshness_in(environment).of_component(component))


async def health_of(context: Context, row: Row, as_of: datetime | None) -> ComponentHealth:
    """The health that a snapshot's row tells of, judged at `as_of`, else at the time of asking."""
    environment, component = row["environment"], row["component"]
    status, at = ComponentState(row["status"]), as_of or await context.now()

    async def batch(keys: Sequence[str]) -> dict[str, bool]:
        return dict.fromkeys(await open_news(context.reader.database, keys, at), True)

    told = bool(row["cause"]) and status in TROUBLED
    return ComponentHealth(
        context=context,
        environment=environment,
        component=component,
        last_status=status,
        made=made_at(row["observed_at"], row["recorded_at"]),
        freshness=context.freshness_in(environment).of_component(component),
        at=at,
        open=told and bool(await context.loader(("open", at), batch).load(row["id"])),
    )
