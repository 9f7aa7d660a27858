"""What alerts and incidents told of components: outages that hold until the same cause tells otherwise.

Source: design/domain.md, "Component status and guards", second edition. A snapshot with a `cause` tells of a change.
Trouble that it tells of goes on until the same cause tells that it is over, however long, and whatever is seen in
between; an unknown tells nothing. That a cause is over is good news, seen then, and ages like any other observation.

News that trouble goes on is seen when it comes in, which may be after it was over. So where a cause tells later that
what began at a time is over, that holds of what it told before of the same beginning, whenever that came in. Told anew
after that, it is trouble again: in doubt it goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from app.domain.components import TROUBLED, ComponentState, outweighs
from app.domain.digests import aware
from app.domain.facts import ComponentFacts, made_at
from app.domain.spans import Span


@dataclass(frozen=True, slots=True)
class Standing:
    """How a component stands: the snapshot that says so, whether that is trouble told and not over, which no time ends,
    and the latest of what was seen, where anything was."""

    row: ComponentFacts
    open: bool
    seen: ComponentFacts | None


def is_observation(row: ComponentFacts) -> bool:
    """Whether a snapshot is of what was seen then: by asking, or as the good news of a cause."""
    return not row.cause or row.status is ComponentState.OPERATIONAL


def outages(rows: Iterable[ComponentFacts], end: datetime) -> list[Span]:
    """The trouble that causes told of, of current snapshots of one component, up to `end`. Spans may overlap."""
    told: dict[str, list[ComponentFacts]] = {}
    for row in _without_answered(rows):
        if row.cause and row.status is not ComponentState.UNKNOWN and _made(row) < end:
            told.setdefault(row.cause, []).append(row)
    found = []
    for news in told.values():
        ends = [*(_made(row) for row in news[1:]), end]
        found += [
            Span(_made(row), until, row.status)
            for row, until in zip(news, ends, strict=True)
            if row.status in TROUBLED and _made(row) < until
        ]
    return found


def standing(rows: Iterable[ComponentFacts], fresh: Callable[[ComponentFacts], bool]) -> Standing | None:
    """How one component stands by its current snapshots; None without any. Of what was seen and what causes tell, the
    worst counts; what was seen, only while it is `fresh`. Good news of a cause says nothing of trouble that was seen by
    asking: that an alert is over does not make a probe that fails pass."""
    latest: dict[str, ComponentFacts] = {}
    good: ComponentFacts | None = None
    silent: ComponentFacts | None = None
    for row in _without_answered(rows):
        if row.cause and row.status is ComponentState.UNKNOWN:
            silent = row
            continue
        latest[row.cause] = row
        if row.cause and row.status is ComponentState.OPERATIONAL:
            good = row
    seen = latest.pop("", None)
    if good is not None and (seen is None or (_order(good) > _order(seen) and seen.status not in TROUBLED)):
        seen = good
    troubles = [row for row in latest.values() if row.status in TROUBLED]
    if troubles:
        first = min(TROUBLED.index(row.status) for row in troubles)
        row = max((row for row in troubles if row.status is TROUBLED[first]), key=_order)
        if seen is None or not outweighs(seen.status, row.status) or not fresh(seen):
            return Standing(row, True, seen)
    told = seen or silent
    return None if told is None else Standing(told, False, seen)


def _without_answered(rows: Iterable[ComponentFacts]) -> list[ComponentFacts]:
    """The snapshots in the order of time, but for trouble that was told before the same cause told that it is over."""
    ordered = sorted(rows, key=_order)
    over: dict[tuple[str, str], list[ComponentFacts]] = {}
    for row in ordered:
        if row.cause and row.began_at and row.status is ComponentState.OPERATIONAL:
            over.setdefault((row.cause, row.began_at), []).append(row)
    return [
        row
        for row in ordered
        if row.status not in TROUBLED
        or not any(
            _made(end) <= _made(row) and aware(end.recorded_at) >= aware(row.recorded_at)
            for end in over.get((row.cause, row.began_at), ())
        )
    ]


def _made(row: ComponentFacts) -> datetime:
    return made_at(row.observed_at, row.recorded_at)


def _order(row: ComponentFacts) -> tuple[datetime, datetime, str]:
    return _made(row), aware(row.observed_at), row.id
