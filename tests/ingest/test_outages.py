"""Stories of outages that were told, by the command line up to the verdict and the uptime they must end in."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.db.pool import Database
from app.domain.components import ComponentState
from app.domain.uptime import Uptime
from app.readmodels.component_history import Asked, daily, uptimes
from tests.conftest import Run
from tests.ingest.reports import rows

NOW = datetime.now(UTC).replace(microsecond=0)
"""The stories are of the past hours and days, before the tests began."""


def alert(name: str, status: str, starts: timedelta, ends: timedelta | None = None) -> dict[str, Any]:
    """A webhook with one critical alert on the API, that began and ended so long ago."""
    return {
        "version": "4",
        "groupKey": "{}",
        "alerts": [
            {
                "status": status,
                "labels": {"alertname": name, "service": "api", "severity": "critical"},
                "startsAt": (NOW - starts).isoformat(),
                "endsAt": "0001-01-01T00:00:00Z" if ends is None else (NOW - ends).isoformat(),
            }
        ],
    }


def page(status: str, component: str = "api") -> dict[str, Any]:
    """A status page that shows one component."""
    shown = {"id": component, "name": component, "status": status, "updated_at": (NOW - 3 * DAY).isoformat()}
    return {"page": {"id": "p1", "name": "Acme", "updated_at": (NOW - 3 * DAY).isoformat()}, "components": [shown]}


DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
UP, DOWN = {"status": "UP"}, {"status": "DOWN"}


class Story:
    """Files that come in one after the other, for one environment."""

    def __init__(self, run: Run, folder: Path) -> None:
        self.run, self.folder = run, folder

    def take(self, document: Any, name: str = "api.json") -> None:
        path = self.folder / name
        path.write_text(json.dumps(document))
        done = self.run("import", path, "--environment", "staging")
        assert done.exit_code == 0, done.output

    def troubles(self) -> list[tuple[str, str, str]]:
        """What the verdict says of components."""
        done = self.run("readiness", "--environment", "staging", "--format", "json")
        reasons = [each for each in json.loads(done.output)["reasons"] if each["subject_type"] == "component"]
        return [(each["code"], each["subject"], each["sentence"]) for each in reasons]

    def codes(self) -> list[str]:
        return [code for code, _subject, _sentence in self.troubles()]


@pytest.fixture
def story(run: Run, tmp_path: Path) -> Story:
    return Story(run, tmp_path)


def _uptime(dsn: str) -> Uptime:
    async def read() -> Uptime:
        database = await Database.connect(dsn)
        try:
            at = await database.fetchval("SELECT clock_timestamp()")
            asked = [Asked("staging", "api", 15 * MINUTE)]
            [by_window] = await uptimes(database, asked, at)
            [by_day] = await daily(database, asked, at, 7)
            assert sum((day.down for day in by_day), timedelta()) == by_window["7d"].down
            return by_window["7d"]
        finally:
            await database.close()

    return asyncio.run(read())


def test_an_alert_that_fires_since_a_week_is_neither_stale_nor_outvoted(story: Story) -> None:
    story.take(alert("Down", "firing", 7 * DAY), "alert.json")
    story.take(UP)
    [(code, subject, sentence)] = story.troubles()
    assert (code, subject) == ("failed", "api")
    assert f"has a major outage since {(NOW - 7 * DAY).isoformat()}, told by alertmanager:" in sentence
    story.take(alert("Down", "resolved", 7 * DAY, MINUTE), "alert.json")
    assert story.troubles() == []


def test_one_alert_that_is_over_does_not_clear_another_nor_a_failing_probe(story: Story) -> None:
    story.take(alert("Down", "firing", HOUR), "down.json")
    story.take(alert("Slow", "firing", HOUR), "slow.json")
    story.take(alert("Slow", "resolved", HOUR, MINUTE), "slow.json")
    assert story.codes() == ["failed"]
    story.take(DOWN)
    story.take(alert("Down", "resolved", HOUR, -MINUTE), "down.json")  # its clock runs ahead
    [(code, _subject, sentence)] = story.troubles()
    assert code == "failed"
    assert "told by" not in sentence
    story.take(UP)
    assert story.troubles() == []


@pytest.mark.parametrize("told", ["whole", "firing first", "firing again"])
def test_an_outage_counts_from_its_beginning_to_its_end_and_once(story: Story, dsn: str, told: str) -> None:
    """It fired three hours ago, and was over one and a half hours later."""
    if told != "whole":
        story.take(alert("Down", "firing", 3 * HOUR), "a.json")
    if told == "firing again":
        story.take(alert("Down", "firing", 3 * HOUR), "b.json")
    story.take(alert("Down", "resolved", 3 * HOUR, 1.5 * HOUR), "c.json")
    found = _uptime(dsn)
    assert found.by_state[ComponentState.MAJOR_OUTAGE] == 1.5 * HOUR
    assert found.by_state[ComponentState.OPERATIONAL] == 15 * MINUTE
    assert story.codes() == ["stale"]  # nobody has looked since


def test_the_same_end_told_twice_changes_nothing(story: Story, dsn: str) -> None:
    over = alert("Down", "resolved", 3 * HOUR, 1.5 * HOUR)
    for _ in range(2):
        story.take(over, "a.json")
    assert _uptime(dsn).by_state[ComponentState.MAJOR_OUTAGE] == 1.5 * HOUR
    assert len(asyncio.run(rows(dsn, "platform_status_component_status"))) == 2


def test_a_page_that_shows_an_outage_is_believed_until_it_shows_none(story: Story) -> None:
    story.take(page("partial_outage"), "page.json")
    story.take(UP)
    [(code, subject, sentence)] = story.troubles()
    assert (code, subject) == ("failed", "api")
    assert "has a partial outage since" in sentence
    assert "told by statuspage:p1:api" in sentence
    story.take(page("a word of its own"), "page.json")
    assert story.codes() == ["failed"]
    story.take(page("under_maintenance"), "page.json")
    assert story.codes() == ["pending"]
    # A page that has not changed for days shows what is true now.
    story.take(page("operational"), "page.json")
    assert story.troubles() == []


def test_a_calm_page_hides_no_failing_probe(story: Story) -> None:
    story.take(DOWN)
    story.take(page("operational"), "page.json")
    assert story.codes() == ["failed"]


def test_two_namespaces_are_two_components(story: Story) -> None:
    def pod(namespace: str, phase: str) -> dict[str, Any]:
        metadata = {"name": "web", "namespace": namespace}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": {"phase": phase}}

    story.take(pod("shop", "Failed"), "pod.json")
    story.take(pod("mail", "Succeeded"), "pod.json")
    assert [(code, subject) for code, subject, _ in story.troubles()] == [("failed", "shop/Pod/web")]
