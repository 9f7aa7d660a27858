"""How a component stands, by what was seen and what alerts and incidents told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.causes import standing
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


def test_nothing_is_known_of_a_component_without_snapshots() -> None:
    assert standing([], within(15)) is None
