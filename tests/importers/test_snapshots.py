"""Component snapshots: what samples beside this file cannot show, such as limits and the worst of two."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from app.domain.components import ComponentState
from app.importers import registry
from app.importers.alertmanager import ALERTS_KEPT, fingerprint
from app.importers.base import Artifact, ComponentSnapshot, ImportBatch, Reject, Rejected
from app.importers.snapshots import COMPONENT_LIMIT, STATE_ORDER, Snapshots, cause_of, known_state, worst_state


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


def _alert(name: str, status: str, **more: Any) -> dict[str, Any]:
    labels = {"alertname": name, "service": "api", "severity": "critical"}
    return {"labels": labels, "status": status, "startsAt": "2026-01-01T10:00:00Z", **more}


def _webhook(*alerts: dict[str, Any]) -> dict[str, Any]:
    return {"version": "4", "groupKey": "{}", "alerts": list(alerts)}


def test_a_firing_alert_is_seen_when_it_comes_in_and_tells_when_it_began() -> None:
    (component,) = _components(_webhook(_alert("Down", "firing", generatorURL="https://prometheus.example/graph")))
    assert (component.status, component.observed_at) == (ComponentState.MAJOR_OUTAGE, None)
    assert component.details["began_at"] == "2026-01-01T10:00:00+00:00"
    assert component.url == "https://prometheus.example/graph"


def test_an_alert_that_is_over_tells_its_beginning_and_its_end() -> None:
    down, up = _components(_webhook(_alert("Down", "resolved", endsAt="2026-01-01T11:30:00Z")))
    assert [(one.status.value, str(one.observed_at)) for one in (down, up)] == [
        ("major_outage", "2026-01-01 10:00:00+00:00"),
        ("operational", "2026-01-01 11:30:00+00:00"),
    ]
    assert down.cause == up.cause
    assert down.details["began_at"] == up.details["began_at"]
    # One that fired without meaning trouble was none.
    mild = _alert("Down", "resolved", endsAt="2026-01-01T11:30:00Z")
    mild["labels"]["severity"] = "info"
    assert [one.status for one in _components(_webhook(mild))] == [ComponentState.OPERATIONAL]


def test_alerts_of_one_component_are_causes_of_their_own() -> None:
    fires, over = _alert("Down", "firing"), _alert("Slow", "resolved", endsAt="2026-01-01T11:00:00Z")
    told = _components(_webhook(fires, over))
    assert {one.component for one in told} == {"api"}
    assert [one.status.value for one in told] == ["major_outage", "operational", "major_outage"]
    assert told[0].cause == told[1].cause != told[2].cause
    # Fired, over, and firing again: in the order of time, what is true now last.
    again = _components(_webhook(fires, _alert("Down", "resolved", endsAt="2026-01-01T11:00:00Z")))
    assert [one.status.value for one in again] == ["major_outage", "operational", "major_outage"]
    assert [one.observed_at is None for one in again] == [False, False, True]
    assert len({one.cause for one in again}) == 1


def test_an_alert_is_known_by_the_same_name_with_and_without_a_fingerprint() -> None:
    # The first two are those of prometheus/common, model/signature_test.go.
    assert int(fingerprint({}), 16) == 14695981039346656037
    assert int(fingerprint({"name": "garland, briggs", "fear": "love is not enough"}), 16) == 5799056148416392346
    labels = {"alertname": "Down", "service": "api"}
    bare, named = {"labels": labels, "status": "firing"}, {"labels": labels, "fingerprint": fingerprint(labels)}
    assert [one.cause for one in _components(_webhook(bare))] == [one.cause for one in _components(_webhook(named))]
    assert len(fingerprint({"alertname": "x" * 1_000_000})) == 32


def test_causes_fit_an_index() -> None:
    for part in ("", "x" * 65, "ä" * 64, "a:b", "a b", "\ud800", "\x00"):
        assert re.fullmatch("page:[0-9a-f]{32}", cause_of("page", part)), part
    assert cause_of("page", "kctbh9vrtdwd", "8l4y-gp_9") == "page:kctbh9vrtdwd:8l4y-gp_9"
    assert cause_of("page", "a:b") != cause_of("page", "a", "b")


@pytest.mark.parametrize(
    ("document", "names", "unnamed"),
    [
        ({"status": "UP", "components": {"db": {"status": "UP"}}}, ["api", "api/db"], "api"),
        ({"status": "pass"}, ["api"], "api"),
        ({"status": "pass", "serviceId": "orders"}, ["orders"], ""),
        ({"status": "pass", "serviceID": "orders"}, ["orders"], ""),
        ({"version": "4", "groupKey": "{}", "alerts": [{"labels": {"severity": "page"}}]}, ["api"], "api"),
    ],
)
def test_what_nothing_names_is_named_after_its_file(document: Any, names: list[str], unnamed: str) -> None:
    for path in ("api.json", "health/api.json", "C:\\checks\\api.json"):
        outcome = registry.read(Artifact.of_bytes(path, json.dumps(document).encode()))
        assert isinstance(outcome, ImportBatch), outcome
        assert ([one.component for one in outcome.components], outcome.unnamed) == (names, unnamed)


def test_an_instance_of_spring_boot_admin_is_a_cause() -> None:
    instance = {"id": "0f", "registration": {"name": "orders", "serviceUrl": "http://orders.example"}}
    status = {"statusInfo": {"status": "DOWN"}, "statusTimestamp": "2026-01-01T10:00:00Z"}
    (now,) = _components([instance | status])
    assert (now.cause, now.observed_at, now.url) == ("spring-boot-admin:0f", None, "http://orders.example")
    assert now.details["began_at"] == "2026-01-01T10:00:00+00:00"
    event = {"instance": "0f", "timestamp": "2026-01-01T11:30:00Z", "statusInfo": {"status": "UP"}}
    (changed,) = _components(event)
    assert (changed.cause, str(changed.observed_at)) == ("spring-boot-admin:0f", "2026-01-01 11:30:00+00:00")


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
