"""Stretches of time in one state, and how those that were told of lie over those that were seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from app.domain.components import TROUBLED, ComponentState, outweighs


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in one state; unknown stands for no data. The end does not belong to it."""

    start: datetime
    end: datetime
    status: ComponentState


def worst(troubles: Iterable[Span], start: datetime, end: datetime) -> tuple[Span, ...]:
    """From start to end, the worst of the troubled spans at each time, in order and apart. They may overlap."""
    changes: list[tuple[datetime, ComponentState, int]] = []
    for each in troubles:
        since, until = max(each.start, start), min(each.end, end)
        if since < until:
            changes += [(since, each.status, 1), (until, each.status, -1)]
    changes.sort(key=lambda change: change[0])
    going_on = dict.fromkeys(TROUBLED, 0)
    found: list[Span] = []
    for place, (moment, status, step) in enumerate(changes):
        going_on[status] += step
        until = changes[place + 1][0] if place + 1 < len(changes) else moment
        state = next((each for each in TROUBLED if going_on[each]), None)
        if state is not None and moment < until:
            _append(found, Span(moment, until, state))
    return tuple(found)


def overlaid(seen: Iterable[Span], troubles: Iterable[Span]) -> tuple[Span, ...]:
    """What was seen, with each trouble in place of all that is no worse. Both in order and apart; the seen without
    gaps, and the troubles no further than the seen."""
    found: list[Span] = []
    waiting = iter(troubles)
    trouble = next(waiting, None)
    for each in seen:
        reached = each.start
        while trouble is not None and trouble.start < each.end:
            if reached < trouble.start:
                _append(found, Span(reached, trouble.start, each.status))
            since, until = max(reached, trouble.start), min(each.end, trouble.end)
            state = each.status if outweighs(each.status, trouble.status) else trouble.status
            _append(found, Span(since, until, state))
            reached = until
            if trouble.end > each.end:
                break
            trouble = next(waiting, None)
        if reached < each.end:
            _append(found, Span(reached, each.end, each.status))
    return tuple(found)


def _append(found: list[Span], span: Span) -> None:
    """Add a span, to the last one where that goes on in the same state."""
    if found and found[-1].end == span.start and found[-1].status is span.status:
        span = Span(found.pop().start, span.end, span.status)
    found.append(span)
