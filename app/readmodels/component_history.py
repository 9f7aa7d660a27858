"""How components did over time: uptime over windows, day by day, and the state of whole environments.

The rules are those of app/domain/uptime.py, over however many snapshots: months are read from the summaries of days
(migration 0003), and from the snapshots where a summary is not of what was known then. Trouble that causes told of is
laid over what was seen: it takes a statement of its own, which a component without any answers from an empty index, and
what was seen meanwhile is read once more, since the worse of the two counts.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import cast

from app.db.pool import Database, Row
from app.db.queries import load
from app.domain.causes import standing
from app.domain.components import ComponentState, outweighs
from app.domain.errors import Invalid, NotFound
from app.domain.facts import ComponentFacts, made_at
from app.domain.policy import Policy
from app.domain.requirements import Freshness
from app.domain.spans import Span, worst
from app.domain.uptime import LONGEST_HISTORY, WINDOWS, Uptime, roll_up
from app.readmodels.nouns import COMPONENT
from app.readmodels.predicates import Parameters, Scope, current
from app.readmodels.readiness import Source, latest_components, moment
from app.readmodels.rows import Columns, Reader, rows_by_ids

_SQL = load("app.readmodels", "component_history")
_CAUSES = load("app.readmodels", "causes")
_STATES = tuple(state for state in ComponentState if state is not ComponentState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Asked:
    """A component, and for how long a snapshot of it holds; None: until the next one."""

    environment: str
    component: str
    freshness: timedelta | None


@dataclass(frozen=True, slots=True)
class Health:
    """The snapshot that says how a component stands at a time, and how long it holds; None: until the next one. Trouble
    that a cause told and that is not over is `open`: it holds until it is told to be over."""

    snapshot: ComponentFacts
    freshness: timedelta | None
    at: datetime
    open: bool = False

    @property
    def fresh(self) -> bool:
        """Whether it still holds."""
        return self.open or is_fresh(_made(self.snapshot), self.freshness, self.at)

    @property
    def fresh_until(self) -> datetime | None:
        """The last moment at which it holds; None: until the next one, or until it is told to be over."""
        return None if self.open else fresh_until(_made(self.snapshot), self.freshness)

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

    Eight statements at most, all on one snapshot of the database. `as_of` must be settled, see Database.settle.
    """
    async with reader.database.snapshot() as source:
        at = as_of or await moment(source)
        found = await latest_components(source, reader.scope, [environment], at, component)
        if environment not in found:
            raise NotFound(f"there is no component {component[:200]!r} in {environment[:200]!r}", field="component")
        asked = [Asked(environment, component, freshness_of(policy, environment, component))]
        [health] = _healths(found[environment], freshness_in(policy, environment), at)
        # A transaction runs statements as a database does, which is all that reading rows by id wants.
        inside = Reader(cast("Database", source), reader.scope)
        rows = await rows_by_ids(inside, COMPONENT, [health.snapshot.id], columns, at)
        [by_window] = await uptimes(source, asked, at)
        [by_day] = await daily(source, asked, at, count)
    return History(rows[health.snapshot.id], health, by_window, by_day)


async def environment_healths(
    source: Source, scope: Scope, policy: Policy, environments: Sequence[str] | None, at: datetime
) -> list[EnvironmentHealth]:
    """The state of environments as of a time, by name: of those asked for, known or not, else of all that are known."""
    found = await latest_components(source, scope, environments, at)
    names = sorted(found) if environments is None else list(dict.fromkeys(environments))
    return [EnvironmentHealth(name, _healths(found.get(name, ()), freshness_in(policy, name), at)) for name in names]


def _healths(facts: Iterable[ComponentFacts], freshness: Freshness, at: datetime) -> tuple[Health, ...]:
    """How the components of an environment stand, by name."""
    by_name: dict[str, list[ComponentFacts]] = {}
    for fact in facts:
        by_name.setdefault(fact.component, []).append(fact)

    def fresh(row: ComponentFacts) -> bool:
        return is_fresh(_made(row), freshness.of_component(row.component), at)

    now = [standing(by_name[name], fresh) for name in sorted(by_name)]
    return tuple(
        Health(each.row, freshness.of_component(each.row.component), at, each.open) for each in now if each is not None
    )


async def open_news(source: Source, snapshot_ids: Sequence[str], at: datetime) -> set[str]:
    """Those of some snapshots of causes, by id, that are still the last that their cause told, as of a time."""
    parameters = Parameters()
    asked = {name: f"asked.{name}" for name in ("environment", "component", "cause")}
    sql = _CAUSES["last_news"].fill(
        ids=parameters.add(list(snapshot_ids), "uuid[]"),
        news=_CAUSES["news"].fill(**asked, current=current(COMPONENT, at, parameters)),
    )
    return {row["id"] for row in await source.fetch(sql, *parameters.values)}


def _made(snapshot: ComponentFacts) -> datetime:
    return made_at(snapshot.observed_at, snapshot.recorded_at)


async def uptimes(source: Source, asked: Sequence[Asked], at: datetime) -> list[dict[str, Uptime]]:
    """The uptime of each component over each of WINDOWS, as of a time. Two statements."""
    starts = {name: at - length for name, length in WINDOWS.items()}
    troubles = await _troubles(source, asked, min(starts.values()), at, list(starts.values()))
    pieces = [Piece(each, start, at) for each in asked for start in starts.values()]
    seen = await _seen(source, [*pieces, *_pieces(asked, troubles)], at)
    of_windows, meanwhile = iter(seen[: len(pieces)]), iter(seen[len(pieces) :])
    told = []
    for spans in troubles:
        held = [(span, next(meanwhile)) for span in spans]
        told.append({name: _with_troubles(next(of_windows), held) for name in starts})
    return told


async def daily(
    source: Source, asked: Sequence[Asked], at: datetime, count: int = LONGEST_HISTORY
) -> list[tuple[Uptime, ...]]:
    """The uptime of each component on each of the last `count` days in UTC, oldest first; the last is the day of `at`,
    up to then. Invalid when that is more than LONGEST_HISTORY. Two statements, and one more where causes told of
    trouble."""
    if not 1 <= count <= LONGEST_HISTORY:
        raise Invalid(f"days must lie between 1 and {LONGEST_HISTORY}, not {count}", field="days")
    today = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    starts = [today - timedelta(days=back) for back in range(count - 1, -1, -1)]
    troubles = await _troubles(source, asked, starts[0], at, starts)
    told = [{start: Uptime(start, min(start + timedelta(days=1), at), {}) for start in starts} for _ in asked]
    for row in await _fetch("daily", source, [Piece(each, starts[0], at) for each in asked], at):
        days, start = told[row["place"] - 1], row["starts"]
        if start in days:
            days[start] = _uptime(row, start, days[start].end)
    meanwhile = iter(await _seen(source, _pieces(asked, troubles), at))
    found = []
    for days, spans in zip(told, troubles, strict=True):
        held: dict[datetime, list[tuple[Span, Uptime]]] = {}
        for span in spans:
            held.setdefault(starts[bisect_right(starts, span.start) - 1], []).append((span, next(meanwhile)))
        found.append(tuple(_with_troubles(_with_no_data(day), held.get(start, [])) for start, day in days.items()))
    return found


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a component's time."""

    asked: Asked
    start: datetime
    finish: datetime


async def _troubles(
    source: Source, asked: Sequence[Asked], start: datetime, at: datetime, cuts: Sequence[datetime]
) -> list[list[Span]]:
    """The trouble that causes told of each component, the worst at each time, in pieces that no cut lies within."""
    if not asked:
        return []
    parameters = Parameters()
    by_now = current(COMPONENT, at, parameters)
    place = {"environment": "given.environment", "component": "given.component"}
    sql = _SQL["outages"].fill(
        causes=_CAUSES["causes_of_component"].fill(**place),
        news=_CAUSES["news"].fill(**place, cause="known.cause", current=by_now),
        environments=parameters.add([each.environment for each in asked], "text[]"),
        components=parameters.add([each.component for each in asked], "text[]"),
        start=parameters.add(start, "timestamptz"),
        at=parameters.add(at, "timestamptz"),
    )
    told: list[list[Span]] = [[] for _ in asked]
    for row in await source.fetch(sql, *parameters.values):
        told[row["place"] - 1].append(Span(row["since"], row["until"], ComponentState(row["status"])))
    marks = sorted(cuts)
    return [[piece for span in worst(spans, start, at) for piece in _cut(span, marks)] for spans in told]


def _cut(span: Span, marks: Sequence[datetime]) -> Iterator[Span]:
    inside = marks[bisect_right(marks, span.start) : bisect_left(marks, span.end)]
    for start, end in pairwise([span.start, *inside, span.end]):
        yield Span(start, end, span.status)


def _pieces(asked: Sequence[Asked], troubles: Sequence[Sequence[Span]]) -> list[Piece]:
    return [Piece(each, span.start, span.end) for each, spans in zip(asked, troubles, strict=True) for span in spans]


def _with_troubles(seen: Uptime, held: Sequence[tuple[Span, Uptime]]) -> Uptime:
    """What was seen, with each trouble in place of all that is no worse; beside each, what was seen meanwhile."""
    by_state = dict(seen.by_state)
    for span, meanwhile in held:
        if span.start < seen.start:
            continue
        for state, time in meanwhile.by_state.items():
            if not outweighs(state, span.status):
                by_state[state] -= time
                by_state[span.status] = by_state.get(span.status, timedelta()) + time
    return Uptime(seen.start, seen.end, {state: time for state, time in by_state.items() if time})


async def _seen(source: Source, pieces: Sequence[Piece], at: datetime) -> list[Uptime]:
    """What was seen in each piece."""
    told = [Uptime(piece.start, piece.finish, {}) for piece in pieces]
    for row in await _fetch("uptimes", source, pieces, at):
        place = row["place"] - 1
        told[place] = _uptime(row, told[place].start, told[place].end)
    return [_with_no_data(each) for each in told]


async def _fetch(name: str, source: Source, pieces: Sequence[Piece], at: datetime) -> Sequence[Row]:
    if not pieces:
        return []
    parameters = Parameters()
    blocks = _SQL["blocks"].fill(
        environments=parameters.add([each.asked.environment for each in pieces], "text[]"),
        components=parameters.add([each.asked.component for each in pieces], "text[]"),
        freshness=parameters.add([each.asked.freshness for each in pieces], "interval[]"),
        starts=parameters.add([each.start for each in pieces], "timestamptz[]"),
        finishes=parameters.add([each.finish for each in pieces], "timestamptz[]"),
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
