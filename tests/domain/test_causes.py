"""How a component stands, by what was seen and what alerts and incidents told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.causes import outages, standing
from app.domain.components import ComponentState
from app.domain.facts import ComponentFacts

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
WEEK = 7 * 24 * 60


def snapshot(before: float, status: str, cause: str = "") -> ComponentFacts:
    moment = AT - timedelta(minutes=before)
    return ComponentFacts(
        f"{cause}@{before:g}", "production", "api", ComponentState(status), moment, moment, cause=cause
    )


def within(minutes: float) -> Callable[[ComponentFacts], bool]:
    return lambda row: row.observed_at >= AT - timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("story", "rows", "expected"),
    [
        (
            "a critical alert that fired a week ago, with healthy probes since",
            [snapshot(WEEK, "major_outage", "alert:1"), snapshot(1, "operational")],
            ("major_outage", True),
        ),
        (
            "it is over, and the probe is healthy",
            [
                snapshot(WEEK, "major_outage", "alert:1"),
                snapshot(5, "operational", "alert:1"),
                snapshot(1, "operational"),
            ],
            ("operational", False),
        ),
        (
            "an alert is over, another is not",
            [
                snapshot(60, "major_outage", "alert:1"),
                snapshot(60, "degraded_performance", "alert:2"),
                snapshot(5, "operational", "alert:1"),
            ],
            ("degraded_performance", True),
        ),
        (
            "a latency alert is over while the probe sees the service down",
            [
                snapshot(30, "degraded_performance", "alert:1"),
                snapshot(10, "major_outage"),
                snapshot(5, "operational", "alert:1"),
            ],
            ("major_outage", False),
        ),
        (
            "the same with a probe that went silent while it failed: nobody saw it work",
            [snapshot(WEEK, "major_outage"), snapshot(5, "operational", "alert:1")],
            ("major_outage", False),
        ),
        (
            "an alert is over, and nobody asks the component",
            [snapshot(30, "major_outage", "alert:1"), snapshot(5, "operational", "alert:1")],
            ("operational", False),
        ),
        (
            "a probe that sees worse than the alert says",
            [snapshot(30, "degraded_performance", "alert:1"), snapshot(5, "major_outage")],
            ("major_outage", False),
        ),
        (
            "that probe went silent, the alert did not end",
            [snapshot(30, "degraded_performance", "alert:1"), snapshot(20, "major_outage")],
            ("degraded_performance", True),
        ),
        (
            "an incident whose state nobody understands any more is not over",
            [snapshot(30, "partial_outage", "page:1"), snapshot(5, "unknown", "page:1")],
            ("partial_outage", True),
        ),
        ("nothing but that", [snapshot(5, "unknown", "page:1")], ("unknown", False)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_stories(story: str, rows: list[ComponentFacts], expected: tuple[str, bool]) -> None:
    for order in (rows, rows[::-1]):
        now = standing(order, within(15))
        assert now is not None
        assert (now.row.status.value, now.open) == expected, story


def test_an_end_that_is_told_later_holds_of_what_came_in_after_it() -> None:
    """An alert fired at 10:00 and was over at 11:30. That it fires came in at 11:45, that it is over at 11:50."""
    began = "2026-06-01T10:00:00+00:00"
    fires = replace(snapshot(15, "major_outage", "alert:1"), began_at=began)
    start = replace(snapshot(120, "major_outage", "alert:1"), recorded_at=AT - timedelta(minutes=10), began_at=began)
    over = replace(snapshot(30, "operational", "alert:1"), recorded_at=AT - timedelta(minutes=10), began_at=began)

    def told(*rows: ComponentFacts) -> tuple[bool, list[float]]:
        now = standing(rows, within(60))
        assert now is not None
        return now.open, sorted((span.end - span.start) / timedelta(minutes=1) for span in outages(rows, AT))

    assert told(fires) == (True, [15])
    assert told(fires, start, over) == (False, [90])
    # It says so anew: the sender gave it up too early, and it goes on.
    anew = replace(snapshot(5, "major_outage", "alert:1"), began_at=began)
    assert told(fires, start, over, anew) == (True, [5, 90])
    # What began at another time, or is of another alert, is not over.
    other = replace(snapshot(20, "major_outage", "alert:1"), began_at="2026-06-01T11:35:00+00:00")
    assert told(fires, start, over, other) == (True, [20, 90])
    another = replace(fires, id="another", cause="alert:2")
    assert told(another, start, over) == (True, [15, 90])


def test_nothing_is_known_of_a_component_without_snapshots() -> None:
    assert standing([], within(15)) is None
