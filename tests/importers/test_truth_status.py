"""Alerts, Kubernetes objects and health documents against the ground truth that an independent script counted."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from app.importers import alertmanager, health, k8s_status, registry
from app.importers.base import Reject
from tests.importers import truth

pytestmark = truth.needs_artifacts

HEALTH = {"UP": "operational", "DOWN": "major_outage", "pass": "operational", "warn": "degraded_performance"}

KUBERNETES = {
    "CronJob/hello": "unknown",  # it was scheduled; how its runs ended is not there
    "Event/hello-1567197780-mn4mv.15bfce150bd764dd": "unknown",  # an event is no status
    "HorizontalPodAutoscaler/nginx": "degraded_performance",  # AbleToScale is False, in an annotation
    "PodDisruptionBudget/fred": "major_outage",  # none of the two wanted pods is there
}
"""Objects that are not plainly well, by what they are; all others of the set are."""


@pytest.mark.parametrize("entry", truth.entries("alertmanager"), ids=truth.short)
def test_alertmanager(entry: dict[str, Any]) -> None:
    told, stated = truth.inspect(entry), entry["truth"]
    assert (told["accepted"], told["format"], told["items"]) == (True, "alertmanager", [])
    counts: Counter[str] = Counter()
    for component in told["components"]:
        counts.update(component["details"]["counts"])
        assert component["details"]["group_key"] == stated["groupKey"]
        # All of them fire: seen when they come in, and told with when they began.
        assert component["observed_at"] is None
        assert component["details"]["began_at"].replace("+00:00", "Z") in {_utc(text) for text in stated["startsAt"]}
    assert counts == Counter(stated["by_status"])
    assert counts.total() == stated["alerts"]
    named = [alert for component in told["components"] for alert in component["details"]["alerts"]]
    assert sum("fingerprint" not in alert for alert in named) == stated["without_fingerprint"]


@pytest.mark.parametrize("entry", truth.entries("k8s-status"), ids=truth.short)
def test_k8s_status(entry: dict[str, Any]) -> None:
    told, stated = truth.inspect(entry), entry["truth"]
    assert (told["accepted"], told["format"], told["items"]) == (True, "k8s-status", [])
    (component,) = told["components"]
    name, details = f"{stated['kind']}/{stated['name']}", component["details"]
    assert component["component"].endswith(name)
    assert (details["kind"], details["api_version"]) == (stated["kind"], stated["apiVersion"])
    assert component["status"] == KUBERNETES.get(name, "operational")
    for ours, theirs in (("generation", "generation"), ("observed_generation", "observedGeneration")):
        if theirs in stated:
            assert details[ours] == stated[theirs]
    for count in ("readyReplicas", "availableReplicas", "updatedReplicas", "desiredNumberScheduled", "numberReady"):
        assert details.get("counts", {}).get(count) == stated.get(count)
    if "conditions" in stated:
        assert {one["type"]: one["status"] for one in details["conditions"]} == stated["conditions"]
    if "phase" in stated:
        assert details["phase"] == stated["phase"]
        ready = sum(one["ready"] for one in stated["containers"])
        assert f"{ready} of {len(stated['containers'])} containers ready" in component["message"]


@pytest.mark.parametrize("entry", truth.entries("health"), ids=truth.short)
def test_health(entry: dict[str, Any]) -> None:
    told, stated = truth.inspect(entry), entry["truth"]
    assert (told["accepted"], told["format"], told["items"]) == (True, "health", [])
    if stated["kind"] == "statuspage":
        _statuspage(told, stated)
        return
    whole, *parts = told["components"]
    assert whole["status"] == HEALTH[stated["status"]]
    got = {part["component"].removeprefix(f"{whole['component']}/"): part["status"] for part in parts}
    if stated["kind"] == "ietf-health":
        order = ["operational", "degraded_performance"]
        worst = {
            name: max((HEALTH[word] for word in words), key=order.index) for name, words in stated["checks"].items()
        }
        assert got == worst
        seen = {part["component"].rpartition("/")[2]: len(part["details"]["observations"]) for part in parts}
        assert seen == {name: len(words) for name, words in stated["checks"].items()}
    else:
        assert got == {name: HEALTH[word] for name, word in stated["components"].items()}
    if "timestamp" in stated:
        assert {component["observed_at"] for component in told["components"]} == {_utc(stated["timestamp"])}


def _statuspage(told: dict[str, Any], stated: dict[str, Any]) -> None:
    """A document that lists no components speaks of the page itself."""
    components = told["components"]
    if stated["components_by_status"]:
        assert Counter(component["status"] for component in components) == Counter(stated["components_by_status"])
    else:
        (page,) = components
        assert (page["component"], stated["indicator"], page["status"]) == (stated["page"], "none", "operational")
    # What a page shows is true now, whenever it changed last.
    assert {component["observed_at"] for component in components} == {None}
    assert {component["details"]["updated_at"] for component in components} == {stated["updated_at"]}


def _utc(text: str) -> str:
    moment = datetime.fromisoformat(text[:26] + text[29:] if text[19:20] == "." and len(text) > 29 else text)
    return (
        moment.astimezone(datetime.fromisoformat("1970-01-01T00:00:00Z").tzinfo).replace(tzinfo=None).isoformat() + "Z"
    )


def test_no_file_of_another_format_is_claimed() -> None:
    claimed = []
    for entry in truth.others("alertmanager", "health", "k8s-status"):
        try:
            found = registry.probe(truth.artifact(entry))
        except Reject:
            continue
        claimed += [entry["file"] for one in (alertmanager, health, k8s_status) if one.detect(found)]
    assert claimed == []
