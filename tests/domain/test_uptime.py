"""Uptime from snapshots, against a naive count of minutes."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.domain.components import ComponentState
from app.domain.facts import ComponentFacts
from app.domain.spans import Span
from app.domain.uptime import HALVES, days, roll_up, spans, uptime, windows

AT = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)
UP, DEGRADED, PARTIAL, MAJOR, MAINTENANCE, UNKNOWN = (
    ComponentState.OPERATIONAL,
    ComponentState.DEGRADED_PERFORMANCE,
    ComponentState.PARTIAL_OUTAGE,
    ComponentState.MAJOR_OUTAGE,
    ComponentState.UNDER_MAINTENANCE,
    ComponentState.UNKNOWN,
)


CAUSES = ("", "", "alert:1", "alert:2")


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def snapshot(before: float, status: ComponentState, id: str = "", cause: str = "") -> ComponentFacts:
    moment = AT - minutes(before)
    return ComponentFacts(id or f"s{before:09}", "production", "api", status, moment, moment, cause=cause)


def told(found: tuple[Span, ...]) -> list[tuple[float, str]]:
    return [((span.end - span.start) / minutes(1), span.status.value) for span in found]


def test_a_snapshot_holds_until_the_next_but_not_beyond_its_window() -> None:
    rows = [snapshot(60, UP), snapshot(50, MAJOR), snapshot(20, UP)]
    found = spans(rows, AT - minutes(65), AT, minutes(15))
    assert told(found) == [
        (5, "unknown"),
        (10, "operational"),
        (15, "major_outage"),
        (15, "unknown"),
        (15, "operational"),
        (5, "unknown"),
    ]
    assert told(spans(rows, AT - minutes(65), AT, None)) == [
        (5, "unknown"),
        (10, "operational"),
        (30, "major_outage"),
        (20, "operational"),
    ]


def test_what_was_seen_before_the_window_reaches_into_it() -> None:
    rows = [snapshot(70, PARTIAL)]
    assert told(spans(rows, AT - minutes(60), AT, minutes(30))) == [(20, "partial_outage"), (40, "unknown")]
    assert told(spans(rows, AT - minutes(40), AT, minutes(30))) == [(40, "unknown")]


def test_the_future_and_what_was_withdrawn_do_not_count() -> None:
    rows = [
        snapshot(60, UP, "a"),
        snapshot(30, MAJOR, "b"),
        replace(snapshot(30, MAJOR, "c"), supersedes_id="b", retracted=True),
        snapshot(-5, MAJOR, "d"),
    ]
    assert told(spans(rows, AT - minutes(60), AT, None)) == [(60, "operational")]


def test_of_two_snapshots_at_one_time_the_greater_id_counts() -> None:
    rows = [snapshot(60, MAJOR, "a"), snapshot(60, UP, "b")]
    for order in (rows, rows[::-1]):
        assert told(spans(order, AT - minutes(60), AT, None)) == [(60, "operational")]


def test_an_outage_that_was_told_holds_whatever_is_seen_meanwhile_and_however_long() -> None:
    rows = [snapshot(300, MAJOR, cause="alert:1"), *(snapshot(before, UP) for before in range(200, 0, -10))]
    assert told(spans(rows, AT - minutes(120), AT, minutes(15))) == [(120, "major_outage")]
    ended = [*rows, snapshot(60, UP, "end", "alert:1")]
    assert told(spans(ended, AT - minutes(120), AT, minutes(15))) == [(60, "major_outage"), (60, "operational")]


def test_one_cause_does_not_end_another_and_the_worst_of_all_counts() -> None:
    rows = [
        snapshot(100, DEGRADED, cause="alert:1"),
        snapshot(80, MAJOR, cause="alert:2"),
        snapshot(70, UNKNOWN, cause="alert:2"),  # tells nothing
        snapshot(60, UP, cause="alert:2"),
        snapshot(50, PARTIAL),
        snapshot(40, UP),
        snapshot(20, UP, cause="alert:1"),
    ]
    assert told(spans(rows, AT - minutes(110), AT, minutes(15))) == [
        (10, "unknown"),
        (20, "degraded_performance"),
        (20, "major_outage"),
        (10, "degraded_performance"),
        (10, "partial_outage"),
        (20, "degraded_performance"),
        (15, "operational"),
        (5, "unknown"),
    ]


def test_an_alert_that_tells_its_beginning_and_its_end_counts_for_all_of_it_once() -> None:
    """It fired at 10:00, which was learned at 10:05, and was over at 11:30."""
    told_whole = [snapshot(150, MAJOR, "b", "alert:1"), snapshot(60, UP, "c", "alert:1")]
    for rows in (told_whole, [snapshot(145, MAJOR, "a", "alert:1"), *told_whole]):
        for order in (rows, rows[::-1]):
            found = uptime(order, AT - minutes(180), AT, minutes(15))
            assert found.down == minutes(90)
            assert found.by_state == {MAJOR: minutes(90), UP: minutes(15), UNKNOWN: minutes(75)}


def test_maintenance_that_was_told_is_not_missing_data_and_hides_no_outage() -> None:
    rows = [snapshot(60, MAINTENANCE, cause="page:1"), snapshot(30, MAJOR), snapshot(20, UNKNOWN)]
    assert told(spans(rows, AT - minutes(60), AT, minutes(15))) == [
        (30, "under_maintenance"),
        (10, "major_outage"),
        (20, "under_maintenance"),
    ]


def test_news_of_a_cause_counts_no_later_than_it_was_learned() -> None:
    """A producer whose clock runs ahead neither keeps an outage open nor shuts one that comes after."""
    learned = AT - minutes(30)
    ahead = replace(snapshot(-1000, UP, "b", "alert:1"), recorded_at=learned)
    rows = [snapshot(60, MAJOR, "a", "alert:1"), ahead]
    assert uptime(rows, AT - minutes(60), AT, None).by_state[MAJOR] == minutes(30)
    again = snapshot(10, MAJOR, "c", "alert:1")
    assert uptime([*rows, again], AT - minutes(60), AT, None).by_state[MAJOR] == minutes(40)


def test_weights() -> None:
    def share(*states: ComponentState) -> float | None:
        rows = [snapshot(60 - 10 * place, state) for place, state in enumerate(states)]
        return uptime(rows, AT - minutes(60), AT - minutes(60 - 10 * len(states)), None).share

    assert share(UP, MAJOR) == 0.5
    assert share(UP, PARTIAL) == 0.75
    assert share(UP, DEGRADED) == 1
    assert share(UP, MAINTENANCE) == 1
    assert share(MAJOR) == 0
    assert share(UP, UNKNOWN, MAJOR, UNKNOWN) == 0.5
    assert share(UNKNOWN) is None
    assert uptime([], AT - minutes(9), AT, None).share is None


def test_times_and_worst() -> None:
    rows = [snapshot(60, UP), snapshot(40, DEGRADED), snapshot(30, UNKNOWN)]
    found = uptime(rows, AT - minutes(60), AT, None)
    assert (found.known, found.no_data, found.down) == (minutes(30), minutes(30), timedelta())
    assert found.worst is DEGRADED
    assert uptime([], AT - minutes(60), AT, None).worst is UNKNOWN


def test_windows_end_now() -> None:
    found = windows([snapshot(60 * 24 * 40, UP), snapshot(90, MAJOR), snapshot(30, UP)], AT, None)
    assert {name: each.down for name, each in found.items()} == {
        "1h": minutes(30),
        "24h": minutes(60),
        "7d": minutes(60),
        "30d": minutes(60),
    }
    assert found["30d"].start == AT - timedelta(days=30)


def test_days_are_days_in_utc_and_the_last_is_not_over() -> None:
    rows = [snapshot(60 * 13, MAJOR), snapshot(60 * 12, UP)]  # 23:30 to 00:30
    found = days(rows, AT.astimezone(timezone(timedelta(hours=9))), None, count=3)
    assert [each.start.day for each in found] == [30, 31, 1]
    assert [each.down for each in found] == [timedelta(), minutes(30), minutes(30)]
    assert [each.no_data for each in found] == [timedelta(days=1), minutes(23 * 60 + 30), timedelta()]
    assert found[-1].end == AT
    assert len(days(rows, AT, None)) == 90


def test_roll_up_takes_the_worst_and_never_hides_missing_data() -> None:
    assert roll_up([UP, PARTIAL, MAJOR, UNKNOWN]) is MAJOR
    assert roll_up([UP, DEGRADED, UNKNOWN]) is DEGRADED
    assert roll_up([UP, MAINTENANCE, UNKNOWN]) is UNKNOWN
    assert roll_up([UP, MAINTENANCE]) is MAINTENANCE
    assert roll_up([UP, UP]) is UP
    assert roll_up([]) is UNKNOWN


@given(st.integers(0, 2**48))
def test_it_equals_a_count_of_minutes(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - draws test data
    window = chance.choice([None, 1, 7, 30])
    rows = [
        snapshot(chance.randrange(-20, 200), chance.choice(list(ComponentState)), f"s{number}", chance.choice(CAUSES))
        for number in range(chance.randrange(12))
    ]
    counted = dict.fromkeys(ComponentState, 0)
    for minute in range(120):
        now = AT - minutes(120) + minutes(minute)
        by_now = sorted((row for row in rows if row.observed_at <= now), key=lambda row: (row.observed_at, row.id))
        seen = [row for row in by_now if row.cause == "" or row.status is UP][-1:]
        states = [row.status for row in seen if window is None or now - row.observed_at < minutes(window)]
        for cause in CAUSES[2:]:
            told = [row.status for row in by_now if row.cause == cause and row.status is not UNKNOWN][-1:]
            states += [state for state in told if state is not UP]
        counted[next((state for state in (MAJOR, PARTIAL, DEGRADED, MAINTENANCE, UP) if state in states), UNKNOWN)] += 1
    found = uptime(rows, AT - minutes(120), AT, None if window is None else minutes(window))
    assert {state: minutes(count) for state, count in counted.items() if count} == found.by_state
    known = 120 - counted[UNKNOWN]
    halves = sum(counted[state] * weight for state, weight in HALVES.items())
    assert found.share == (None if not known else 1 - halves / 2 / known)
    pieces = spans(rows, AT - minutes(120), AT, None if window is None else minutes(window))
    assert pieces[0].start == AT - minutes(120)
    assert pieces[-1].end == AT
    assert all(one.end == other.start for one, other in pairwise(pieces))
