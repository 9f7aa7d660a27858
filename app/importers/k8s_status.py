"""Kubernetes objects as `kubectl get -o json` or `-o yaml` gives them: a snapshot of each object's status.

Single objects, lists and streams of YAML documents. A component is named `namespace/Kind/name`. No parser library
serves: the clients' models reject unknown fields and versions, and what counts here is a handful of status fields.

A status says what is, not when it was looked at: the moments in it tell when something last changed. So a snapshot
counts as observed when it was imported, but for a Node (the kubelet's last heartbeat) and an Event (its last time).
A manifest is no answer: nothing is taken from an object without a status, and a file of such objects is rejected. In a
list, objects that say nothing of how they do, such as a Service, and events that are no warnings are passed over when
others do.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.importers.base import Artifact, ImportBatch, Probe, Reject, Rejected, clip
from app.importers.documents import as_count, as_dict, as_list, as_text, read_documents
from app.importers.k8s_objects import holds_statuses, kube_objects, object_name
from app.importers.k8s_rules import RULES, conditions_of, judge, truth
from app.importers.moments import moment
from app.importers.snapshots import Snapshots

FORMAT = "k8s-status"

_WORKLOADS = RULES.keys() - {"Service"}
"""Kinds that are never passed over: with a status that says nothing they are unknown."""

CONDITIONS_KEPT = 12
IMAGES_KEPT = 10

_COUNTS = (
    "replicas",
    "readyReplicas",
    "availableReplicas",
    "updatedReplicas",
    "unavailableReplicas",
    "desiredNumberScheduled",
    "numberReady",
    "numberAvailable",
    "updatedNumberScheduled",
    "currentReplicas",
    "desiredReplicas",
    "desiredHealthy",
    "currentHealthy",
    "expectedPods",
    "disruptionsAllowed",
    "active",
    "succeeded",
    "failed",
)


def detect(probe: Probe) -> bool:
    """Objects with apiVersion, kind and a name, none of which is a policy report."""
    if probe.kind == "json":
        return holds_statuses([probe.document])
    return probe.kind in ("yaml", "jsonl") and isinstance(probe.document, list) and holds_statuses(probe.document)


def parse(artifact: Artifact) -> ImportBatch | Rejected:
    """One snapshot for each object that says how it does."""
    documents = read_documents(artifact)
    if not holds_statuses(documents):
        raise Reject("no Kubernetes object with a status: apiVersion, kind and metadata.name are wanted")
    objects = list(kube_objects(documents))
    if not objects:
        raise Reject("the list of Kubernetes objects is empty")
    judged = [(value, judge(value)) for value in objects if _is_answer(value)]
    if not judged:
        first = next((value for value in objects if "spec" in value), objects[0])
        what = f"{as_text(first.get('kind'))} {as_text(as_dict(first.get('metadata')).get('name'))}"
        raise Reject(
            f"manifests, such as {clip(what, 200)}, say what is wanted, not how it runs: none of the objects has a"
            " status; kubectl get -o json gives them with theirs"
        )
    reporting = [(value, found) for value, found in judged if found.states or value["kind"] in _WORKLOADS]
    snapshots = Snapshots(artifact)
    for value, found in reporting or judged:
        state, message = found.verdict()
        snapshots.add(object_name(value), state, message, observed_at=_observed_at(value), details=_details(value))
    return snapshots.batch(FORMAT, clip(as_text(objects[0].get("kind")), 60) if len(objects) == 1 else "List")


def _is_answer(value: dict[str, Any]) -> bool:
    """Whether an object is as a cluster tells of it, not as somebody wants it to be."""
    told = value.get("kind") == "Event" or as_dict(value.get("metadata")).get("deletionTimestamp")
    return bool(told or as_dict(value.get("status")) or conditions_of(value))


def _observed_at(value: dict[str, Any]) -> datetime | None:
    kind = value.get("kind")
    if kind == "Node":
        beats = (moment(condition.get("lastHeartbeatTime")) for condition in conditions_of(value))
        return max((beat for beat in beats if beat), default=None)
    if kind == "Event":
        series = as_dict(value.get("series"))
        times = (series.get("lastObservedTime"), value.get("lastTimestamp"), value.get("eventTime"))
        return next((found for time in times if (found := moment(time))), None)
    return None


def _details(value: dict[str, Any]) -> dict[str, Any]:
    """The facts the state was judged by, small."""
    metadata, status, spec = (as_dict(value.get(key)) for key in ("metadata", "status", "spec"))
    counts = {key: count for key in _COUNTS if (count := as_count(status.get(key))) is not None}
    facts: dict[str, Any] = {
        "kind": clip(as_text(value.get("kind")), 100),
        "api_version": clip(as_text(value.get("apiVersion")), 100),
        "version": clip(as_text(as_dict(metadata.get("labels")).get("app.kubernetes.io/version")), 100),
        "images": _images(spec),
        "phase": clip(as_text(status.get("phase")), 60),
        "generation": as_count(metadata.get("generation")),
        "observed_generation": as_count(status.get("observedGeneration")),
        "wanted_replicas": as_count(spec.get("replicas")),
        "counts": counts,
        "conditions": [_condition(condition) for condition in conditions_of(value)[:CONDITIONS_KEPT]],
    }
    return {key: fact for key, fact in facts.items() if fact not in (None, "", [], {})}


def _condition(condition: dict[str, Any]) -> dict[str, str]:
    told = {
        "type": clip(as_text(condition.get("type")), 100),
        "status": clip(truth(condition), 20),
        "reason": clip(as_text(condition.get("reason")), 100),
        "since": clip(as_text(condition.get("lastTransitionTime")), 40),
    }
    return {key: text for key, text in told.items() if text}


def _images(spec: dict[str, Any]) -> list[str]:
    pod = as_dict(as_dict(spec.get("template")).get("spec")) or spec
    containers = (as_dict(container) for container in as_list(pod.get("containers"))[:IMAGES_KEPT])
    return [image for container in containers if (image := clip(as_text(container.get("image")), 300))]
