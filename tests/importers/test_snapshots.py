"""Component snapshots: what samples beside this file cannot show, such as limits and the worst of two."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.domain.components import ComponentState
from app.importers import registry
from app.importers.alertmanager import ALERTS_KEPT
from app.importers.base import Artifact, ComponentSnapshot, ImportBatch, Reject, Rejected
from app.importers.snapshots import COMPONENT_LIMIT, STATE_ORDER, Snapshots, known_state, worst_state


def _read(document: Any, format: str | None = None) -> ImportBatch | Rejected:
    text = document if isinstance(document, str) else json.dumps(document)
    return registry.read(Artifact.of_bytes("status.json", text.encode()), format)


def _components(document: Any) -> tuple[ComponentSnapshot, ...]:
    outcome = _read(document)
    assert isinstance(outcome, ImportBatch), outcome
    return outcome.components


def test_every_state_has_its_place() -> None:
    assert sorted(STATE_ORDER) == sorted(ComponentState)
    assert worst_state([]) is ComponentState.UNKNOWN
    assert worst_state([ComponentState.OPERATIONAL, ComponentState.UNKNOWN]) is ComponentState.UNKNOWN


@pytest.mark.parametrize("word", ["odd", "", None, 3, ["up"]])
def test_a_word_nobody_knows_has_no_state(word: Any) -> None:
    assert known_state(word) is None


def test_the_worse_of_two_is_kept() -> None:
    snapshots = Snapshots(Artifact.of_bytes("db.json", b""))
    for state in (ComponentState.DEGRADED_PERFORMANCE, ComponentState.MAJOR_OUTAGE, ComponentState.OPERATIONAL):
        snapshots.add("db", state, state.value)
    (component,) = snapshots.batch("health", "").components
    assert (component.status, component.message) == (ComponentState.MAJOR_OUTAGE, "major_outage")
    assert len(snapshots) == 1


def test_no_component_is_a_rejection() -> None:
    with pytest.raises(Reject, match="no component is named"):
        Snapshots(Artifact.of_bytes("db.json", b"")).batch("health", "")


def test_the_number_of_components_is_limited() -> None:
    parts = {f"part{number}": {"status": "UP"} for number in range(COMPONENT_LIMIT)}
    outcome = _read({"status": "UP", "components": parts})
    assert isinstance(outcome, Rejected)
    assert "more than 5,000 components" in outcome.reason


def test_alerts_are_all_counted_and_few_kept() -> None:
    alert = {"labels": {"alertname": "A", "service": "api"}, "startsAt": "2026-01-01T00:00:00Z", "status": "firing"}
    (component,) = _components({"version": "4", "groupKey": "{}", "alerts": [alert] * (ALERTS_KEPT + 5)})
    assert component.details["counts"] == {"firing": ALERTS_KEPT + 5}
    assert len(component.details["alerts"]) == ALERTS_KEPT


@pytest.mark.parametrize(
    ("severity", "state"),
    [("critical", "major_outage"), ("PAGE", "major_outage"), ("error", "partial_outage"), ("info", "operational"),
     ("warning", "degraded_performance"), ("purple", "degraded_performance"), (None, "degraded_performance")],
)  # fmt: skip
def test_what_a_firing_alert_says_by_its_severity(severity: str | None, state: str) -> None:
    labels = {"alertname": "A"} | ({"severity": severity} if severity else {})
    (component,) = _components({"version": "4", "groupKey": "{}", "alerts": [{"labels": labels, "status": "firing"}]})
    assert (component.status.value, component.observed_at) == (state, None)


def test_an_object_told_twice_counts_by_its_worse_status() -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}
    items = [pod | {"status": {"phase": "Failed"}}, pod | {"status": {"phase": "Succeeded"}}]
    (component,) = _components({"apiVersion": "v1", "kind": "List", "items": items})
    assert (component.component, component.status) == ("Pod/a", ComponentState.MAJOR_OUTAGE)


@pytest.mark.parametrize("document", ["[]", "{}", "null", "3", '"up"', '{"status": 200}', '{"status": "success"}'])
@pytest.mark.parametrize("format", ["alertmanager", "health", "k8s-status"])
def test_what_is_no_status_is_rejected_when_called_one(document: str, format: str) -> None:
    outcome = _read(document, format)
    assert isinstance(outcome, Rejected)
    assert outcome.format == format
