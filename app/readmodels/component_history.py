"""How components did over time: uptime over windows, day by day, and the state of whole environments.

The rules are those of app/domain/uptime.py, over however many snapshots: months are read from the summaries of days
(migration 0003), and from the snapshots where a summary is not of what was known then. One statement each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from app.db.pool import Database, Row
from app.db.queries import load
from app.domain.components import ComponentState
from app.domain.errors import Invalid, NotFound
from app.domain.facts import ComponentFacts, made_at
from app.domain.policy import Policy
from app.domain.requirements import Freshness
from app.domain.uptime import LONGEST_HISTORY, WINDOWS, Uptime, roll_up
from app.readmodels.nouns import COMPONENT
from app.readmodels.predicates import Parameters, Scope, current
from app.readmodels.readiness import Source, latest_components, moment
from app.readmodels.rows import Columns, Reader, rows_by_ids

_SQL = load("app.readmodels", "component_history")
_STATES = tuple(state for state in ComponentState if state is not ComponentState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Asked:
    """A component, and for how long a snapshot of it holds; None: until the next one."""

    environment: str
    component: str
    freshness: timedelta | None


@dataclass(frozen=True, slots=True)
class Health:
    """The latest snapshot of a component at a time, and how long it holds; None: until the next one."""

    snapshot: ComponentFacts
    freshness: timedelta | None
    at: datetime

    @property
    def fresh(self) -> bool:
        """Whether it still holds."""
        return is_fresh(made_at(self.snapshot.observed_at, self.snapshot.recorded_at), self.freshness, self.at)

    @property
    def fresh_until(self) -> datetime | None:
        """The last moment at which it holds; None: until the next one."""
        return fresh_until(made_at(self.snapshot.observed_at, self.snapshot.recorded_at), self.freshness)

    @property
    def status(self) -> ComponentState:
        """The state by now: unknown when the snapshot holds no more."""
        return self.snapshot.status if self.fresh else ComponentState.UNKNOWN


@dataclass(frozen=True, slots=True)
class EnvironmentHealth:
    """An environment and its components by name. The worst of them is its state; without any, there is no data."""

    environment: str
    components: tuple[Health, ...]

    @property
    def status(self) -> ComponentState:
        """The state."""
        return roll_up(each.status for each in self.components)

    @property
    def counts(self) -> dict[ComponentState, int]:
        """How many components are in each state; states without any are left out."""
        states = [each.status for each in self.components]
        return {state: states.count(state) for state in ComponentState if state in states}


@dataclass(frozen=True, slots=True)
class History:
    """How a component is doing, and how it did until then; `row` is its latest snapshot, with the columns asked for."""

    row: Row
    health: Health
    uptimes: Mapping[str, Uptime]
    daily: tuple[Uptime, ...]


def freshness_in(policy: Policy, environment: str) -> Freshness:
    """How long snapshots hold by the rules that speak of the environment, whatever product runs there."""
    return policy.requirements(kind="", environment=environment, profile="", product="").freshness


def freshness_of(policy: Policy, environment: str, component: str) -> timedelta | None:
    """How long a snapshot of a component holds."""
    return freshness_in(policy, environment).of_component(component)


def is_fresh(made: datetime, freshness: timedelta | None, at: datetime) -> bool:
    """Whether a snapshot still holds at a time; exactly as old as its window, it does."""
    return freshness is None or at - made <= freshness


def fresh_until(made: datetime, freshness: timedelta | None) -> datetime | None:
    """The last moment at which a snapshot holds; None: until the next one."""
    return None if freshness is None else made + freshness


async def history(
    reader: Reader,
    policy: Policy,
    environment: str,
    component: str,
    as_of: datetime | None,
    count: int,
    columns: Columns,
) -> History:
    """One component as of a time, else as of now, with `count` days. NotFound where no snapshot of it is known.

    Five statements at most, all on one snapshot of the database. `as_of` must be settled, see Database.settle.
    """
    async with reader.database.snapshot() as source:
        at = as_of or await moment(source)
        found = await latest_components(source, reader.scope, [environment], at, component)
        if environment not in found:
            raise NotFound(f"there is no component {component[:200]!r} in {environment[:200]!r}", field="component")
        latest = found[environment][0]
        asked = [Asked(environment, component, freshness_of(policy, environment, component))]
        # A transaction runs statements as a database does, which is all that reading rows by id wants.
        inside = Reader(cast("Database", source), reader.scope)
        rows = await rows_by_ids(inside, COMPONENT, [latest.id], columns, at)
        [by_window] = await uptimes(source, asked, at)
        [by_day] = await daily(source, asked, at, count)
    return History(rows[latest.id], Health(latest, asked[0].freshness, at), by_window, by_day)


async def environment_healths(
    source: Source, scope: Scope, policy: Policy, environments: Sequence[str] | None, at: datetime
) -> list[EnvironmentHealth]:
    """The state of environments as of a time, by name: of those asked for, known or not, else of all that are known."""
    found = await latest_components(source, scope, environments, at)
    names = sorted(found) if environments is None else list(dict.fromkeys(environments))
    told = []
    for name in names:
        facts = sorted(found.get(name, ()), key=lambda each: each.component)
        freshness = freshness_in(policy, name)
        healths = tuple(Health(fact, freshness.of_component(fact.component), at) for fact in facts)
        told.append(EnvironmentHealth(name, healths))
    return told


async def uptimes(source: Source, asked: Sequence[Asked], at: datetime) -> list[dict[str, Uptime]]:
    """The uptime of each component over each of WINDOWS, as of a time."""
    starts = {at - length: name for name, length in WINDOWS.items()}
    told = [{name: Uptime(start, at, {}) for start, name in starts.items()} for _ in asked]
    for row in await _fetch("uptimes", source, asked, list(starts), at):
        start = row["start"]
        told[row["place"] - 1][starts[start]] = _uptime(row, start, at)
    return [{name: _with_no_data(each) for name, each in windows.items()} for windows in told]


async def daily(
    source: Source, asked: Sequence[Asked], at: datetime, count: int = LONGEST_HISTORY
) -> list[tuple[Uptime, ...]]:
    """The uptime of each component on each of the last `count` days in UTC, oldest first; the last is the day of `at`,
    up to then. Invalid when that is more than LONGEST_HISTORY."""
    if not 1 <= count <= LONGEST_HISTORY:
        raise Invalid(f"days must lie between 1 and {LONGEST_HISTORY}, not {count}", field="days")
    today = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    starts = [today - timedelta(days=back) for back in range(count - 1, -1, -1)]
    told = [{start: Uptime(start, min(start + timedelta(days=1), at), {}) for start in starts} for _ in asked]
    for row in await _fetch("daily", source, asked, [starts[0]], at):
        days, start = told[row["place"] - 1], row["starts"]
        if start in days:
            days[start] = _uptime(row, start, days[start].end)
    return [tuple(_with_no_data(each) for each in days.values()) for days in told]


async def _fetch(
    name: str, source: Source, asked: Sequence[Asked], starts: Sequence[datetime], at: datetime
) -> Sequence[Row]:
    if not asked:
        return []
    parameters = Parameters()
    blocks = _SQL["blocks"].fill(
        environments=parameters.add([each.environment for each in asked], "text[]"),
        components=parameters.add([each.component for each in asked], "text[]"),
        freshness=parameters.add([each.freshness for each in asked], "interval[]"),
        starts=parameters.add(list(starts), "timestamptz[]"),
        at=parameters.add(at, "timestamptz"),
        current=current(COMPONENT, at, parameters),
    )
    return await source.fetch(_SQL[name].fill(blocks=blocks), *parameters.values)


def _uptime(row: Row, start: datetime, end: datetime) -> Uptime:
    return Uptime(start, end, {state: row[state.value] for state in _STATES if row[state.value]})


def _with_no_data(told: Uptime) -> Uptime:
    """The same, with the time that no state accounts for."""
    left = told.end - told.start - sum(told.by_state.values(), timedelta())
    return Uptime(told.start, told.end, {**told.by_state, ComponentState.UNKNOWN: left} if left else told.by_state)
