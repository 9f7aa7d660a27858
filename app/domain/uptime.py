"""Uptime from snapshots: how long a component was in which state, and what share of the known time it was up.

Source: design/domain.md, "Component status and guards". A snapshot holds until the next one, but no longer than its
freshness window; after that, and while the status is unknown, there is no data, which is left out of the share and
shown as such. A major outage weighs 1, a partial one 0.5, all else 0: maintenance is announced, so it counts as up.
What an alert or incident told holds until the same one tells otherwise, whatever is seen in between (`causes`).
Exact to the microsecond; the SQL that answers over many snapshots must come to the same to the minute.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.domain.causes import is_observation, outages
from app.domain.components import ComponentState
from app.domain.digests import aware
from app.domain.facts import ComponentFacts, current
from app.domain.spans import Span, overlaid, worst

WINDOWS: Mapping[str, timedelta] = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
"""The windows that uptime is told for, each ending now."""

LONGEST_HISTORY = 90
"""Days of daily buckets."""

HALVES = {ComponentState.MAJOR_OUTAGE: 2, ComponentState.PARTIAL_OUTAGE: 1}
"""How much of a time in a state counts as down, in halves; nothing for other states."""

WORST_FIRST = (
    ComponentState.MAJOR_OUTAGE,
    ComponentState.PARTIAL_OUTAGE,
    ComponentState.DEGRADED_PERFORMANCE,
    ComponentState.UNKNOWN,
    ComponentState.UNDER_MAINTENANCE,
    ComponentState.OPERATIONAL,
)
"""For roll-ups: known trouble wins, and no data is never shown as running."""


@dataclass(frozen=True, slots=True)
class Uptime:
    """How long a component was in each state between two times; `by_state` names only states that occurred."""

    start: datetime
    end: datetime
    by_state: Mapping[ComponentState, timedelta]

    @property
    def known(self) -> timedelta:
        """Time with data."""
        return sum((each for state, each in self.by_state.items() if state is not ComponentState.UNKNOWN), timedelta())

    @property
    def no_data(self) -> timedelta:
        """Time without data."""
        return self.by_state.get(ComponentState.UNKNOWN, timedelta())

    @property
    def down(self) -> timedelta:
        """Time down, by weight."""
        return sum((each * HALVES[state] for state, each in self.by_state.items() if state in HALVES), timedelta()) / 2

    @property
    def share(self) -> float | None:
        """The part of the known time, 0 to 1, that it was up; None without data."""
        return None if not self.known else 1 - self.down / self.known

    @property
    def worst(self) -> ComponentState:
        """The worst state that occurred; unknown only where there was no data at all."""
        seen = [state for state in WORST_FIRST if state in self.by_state and state is not ComponentState.UNKNOWN]
        return seen[0] if seen else ComponentState.UNKNOWN


def spans(
    snapshots: Iterable[ComponentFacts], start: datetime, end: datetime, freshness: timedelta | None
) -> tuple[Span, ...]:
    """One component's states from start to end, without gaps: what was seen, and over it the outages that alerts and
    incidents told of. Of snapshots observed at the same time the one with the greatest id counts; those superseded or
    retracted do not. `freshness` None: what was seen holds until the next snapshot."""
    start, end = aware(start), aware(end)
    rows = current(snapshots)
    seen = _seen([row for row in rows if is_observation(row)], start, end, freshness)
    return overlaid(seen, worst(outages(rows, end), start, end))


def _seen(rows: list[ComponentFacts], start: datetime, end: datetime, freshness: timedelta | None) -> list[Span]:
    latest = {aware(row.observed_at): row for row in rows}  # in the order of ids, so the greatest stays
    moments = sorted(moment for moment in latest if moment < end)
    found: list[Span] = []
    reached = start
    for place, moment in enumerate(moments):
        until = moments[place + 1] if place + 1 < len(moments) else end
        if freshness is not None and until - moment > freshness:
            until = moment + freshness
        since, until = max(moment, reached), min(until, end)
        if until <= since:
            continue
        if since > reached:
            found.append(Span(reached, since, ComponentState.UNKNOWN))
        found.append(Span(since, until, latest[moment].status))
        reached = until
    if reached < end:
        found.append(Span(reached, end, ComponentState.UNKNOWN))
    return found


def uptime(snapshots: Iterable[ComponentFacts], start: datetime, end: datetime, freshness: timedelta | None) -> Uptime:
    """One component's time in each state from start to end."""
    by_state: dict[ComponentState, timedelta] = {}
    for span in spans(snapshots, start, end, freshness):
        by_state[span.status] = by_state.get(span.status, timedelta()) + (span.end - span.start)
    return Uptime(aware(start), aware(end), by_state)


def windows(snapshots: Iterable[ComponentFacts], at: datetime, freshness: timedelta | None) -> Mapping[str, Uptime]:
    """One component's uptime over each of WINDOWS."""
    rows = tuple(snapshots)
    return {name: uptime(rows, at - length, at, freshness) for name, length in WINDOWS.items()}


def days(
    snapshots: Iterable[ComponentFacts], at: datetime, freshness: timedelta | None, count: int = LONGEST_HISTORY
) -> tuple[Uptime, ...]:
    """One component's uptime per calendar day in UTC, oldest first; the last is the day of `at`, up to then."""
    rows = tuple(snapshots)
    now = aware(at).astimezone(UTC)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    starts = [today - timedelta(days=back) for back in range(count - 1, -1, -1)]
    return tuple(uptime(rows, start, min(start + timedelta(days=1), now), freshness) for start in starts)


def roll_up(states: Iterable[ComponentState]) -> ComponentState:
    """The state of an environment: the worst of its components'; unknown when there is none."""
    return min(states, key=WORST_FIRST.index, default=ComponentState.UNKNOWN)
