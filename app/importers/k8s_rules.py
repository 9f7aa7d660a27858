"""How a Kubernetes object is doing, by its kind: one rule a kind, and a general one over conditions and phases.

Sources: the API reference's status fields; "Deployment status" and "Pod Lifecycle" of the Kubernetes documentation;
for other kinds the API conventions ("Typical status properties": conditions, observedGeneration).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from app.domain.components import ComponentState
from app.importers.base import clip
from app.importers.documents import as_count, as_dict, as_list, as_text
from app.importers.snapshots import worst_state

UP = ComponentState.OPERATIONAL
DEGRADED = ComponentState.DEGRADED_PERFORMANCE
PARTIAL = ComponentState.PARTIAL_OUTAGE
MAJOR = ComponentState.MAJOR_OUTAGE
MAINTENANCE = ComponentState.UNDER_MAINTENANCE
UNKNOWN = ComponentState.UNKNOWN


@dataclass(slots=True)
class Finding:
    """What was noticed on one object: states, each with the sentence for it, and notes that change no state."""

    states: list[ComponentState] = field(default_factory=list)
    said: list[tuple[ComponentState, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def see(self, state: ComponentState, sentence: str = "") -> None:
        self.states.append(state)
        if sentence:
            self.said.append((state, sentence))

    def verdict(self) -> tuple[ComponentState, str]:
        """The worst state, and what was said of it first."""
        if not self.states:
            return UNKNOWN, "; ".join(["no status reported", *self.notes])
        worst = worst_state(self.states)
        worst_first = [text for state, text in self.said if state is worst]
        others = [text for state, text in self.said if state is not worst and (state is not UP or worst is UP)]
        return worst, "; ".join([*worst_first, *others, *self.notes][:6])


def conditions_of(value: dict[str, Any]) -> list[dict[str, Any]]:
    """The conditions of an object: under status, at the top (ComponentStatus), or in the annotation by which
    autoscaling/v1 carries those of a HorizontalPodAutoscaler."""
    found = as_list(as_dict(value.get("status")).get("conditions")) or as_list(value.get("conditions"))
    if not found:
        annotations = as_dict(as_dict(value.get("metadata")).get("annotations"))
        text = annotations.get("autoscaling.alpha.kubernetes.io/conditions")
        if isinstance(text, str) and len(text) < 100_000:
            try:
                found = as_list(json.loads(text))
            except (ValueError, RecursionError):
                found = []
    return [condition for condition in found if isinstance(condition, dict)]


def truth(condition: dict[str, Any]) -> str:
    """True, False or Unknown; YAML written by hand has booleans."""
    status = condition.get("status")
    return str(status) if isinstance(status, bool) else as_text(status)


def judge(value: dict[str, Any]) -> Finding:
    """What one object says of how it is doing; no states when it says nothing of that."""
    found = Finding()
    kind = as_text(value.get("kind"))
    status = as_dict(value.get("status"))
    if kind == "Event":
        _event(value, found)
    elif as_dict(value.get("metadata")).get("deletionTimestamp"):
        found.see(MAINTENANCE, "being deleted")  # what stops on the way is meant to stop
    elif status or conditions_of(value):
        RULES.get(kind, _general)(value, status, found)
        _generation(value, status, found)
    return found


def _generation(value: dict[str, Any], status: dict[str, Any], found: Finding) -> None:
    """A status of an older generation tells of what was, not of what was asked for."""
    wanted = as_count(as_dict(value.get("metadata")).get("generation"))
    observed = as_count(status.get("observedGeneration"))
    if wanted is not None and observed is not None and observed < wanted:
        found.see(DEGRADED, f"the status is of generation {observed}, the object is at {wanted}")


def _condition(value: dict[str, Any], name: str) -> tuple[str, str]:
    """The truth of a condition, "" when it is not there, and its reason or message."""
    for condition in conditions_of(value):
        if condition.get("type") == name:
            why = ": ".join(filter(None, (as_text(condition.get("reason")), as_text(condition.get("message")))))
            return truth(condition), clip(why, 200)
    return "", ""


def _replicas(found: Finding, ready: int, wanted: int, noun: str = "replicas") -> None:
    """All, more than half, fewer than half or none of what was wanted."""
    sentence = f"{ready} of {wanted} {noun} ready"
    if ready >= wanted:
        found.see(UP, sentence)
    elif ready == 0:
        found.see(MAJOR, sentence)
    else:
        found.see(PARTIAL if ready * 2 < wanted else DEGRADED, sentence)


def _replicated(value: dict[str, Any], status: dict[str, Any], found: Finding) -> None:
    """Deployment, StatefulSet, ReplicaSet, ReplicationController. Replicas that spec leaves out are 1."""
    kind, spec = as_text(value.get("kind")), as_dict(value.get("spec"))
    wanted = as_count(spec.get("replicas"))
    if wanted is None:
        wanted = as_count(status.get("replicas")) if "spec" not in value else 1
    wanted = wanted or 0
    ready = as_count(status.get("readyReplicas")) or 0
    if wanted == 0:
        # An old ReplicaSet of a Deployment keeps standing at 0; a Deployment does so only when told to.
        found.see(UP if kind in ("ReplicaSet", "ReplicationController") else MAINTENANCE, "scaled to 0 replicas")
        return
    _replicas(found, ready, wanted)
    available, why = _condition(value, "Available")
    if available == "False":
        found.see(MAJOR, f"not available ({why})")
    elif available == "Unknown":
        found.see(UNKNOWN, f"availability unknown ({why})")
    if _condition(value, "Progressing")[0] == "False":
        found.see(DEGRADED, f"rollout stuck ({_condition(value, 'Progressing')[1]})")
    if _condition(value, "ReplicaFailure")[0] == "True":
        found.see(DEGRADED, f"replicas cannot be made ({_condition(value, 'ReplicaFailure')[1]})")
    _rollout(value, status, found, wanted)


def _rollout(value: dict[str, Any], status: dict[str, Any], found: Finding, wanted: int) -> None:
    kind, spec = as_text(value.get("kind")), as_dict(value.get("spec"))
    if kind not in ("Deployment", "StatefulSet"):
        return
    updated = as_count(status.get("updatedReplicas")) or 0
    strategy = as_dict(spec.get("updateStrategy"))
    held = strategy.get("type") == "OnDelete" or as_count(as_dict(strategy.get("rollingUpdate")).get("partition"))
    if updated < wanted and held:
        found.notes.append(f"{updated} of {wanted} replicas updated, the rest held back by its strategy")
    elif updated < wanted and spec.get("paused") is True:
        found.notes.append(f"rollout paused with {updated} of {wanted} replicas updated")
    elif updated < wanted:
        found.see(DEGRADED, f"rollout under way, {updated} of {wanted} replicas updated")


def _daemon_set(value: dict[str, Any], status: dict[str, Any], found: Finding) -> None:
    wanted = as_count(status.get("desiredNumberScheduled"))
    if wanted is None:
        found.see(UNKNOWN, "the number of wanted pods is not reported")
        return
    if wanted == 0:
        found.see(UP, "no node is to run it")
        return
    _replicas(found, as_count(status.get("numberReady")) or 0, wanted, "pods")
    updated = as_count(status.get("updatedNumberScheduled")) or 0
    on_delete = as_dict(as_dict(value.get("spec")).get("updateStrategy")).get("type") == "OnDelete"
    if updated < wanted and "updatedNumberScheduled" in status and not on_delete:
        found.see(DEGRADED, f"rollout under way, {updated} of {wanted} pods updated")


def _disruption_budget(_value: dict[str, Any], status: dict[str, Any], found: Finding) -> None:
    wanted = as_count(status.get("desiredHealthy"))
    if wanted is None:
        found.see(UNKNOWN, "the number of wanted pods is not reported")
    elif wanted == 0:
        found.see(UP, "no pod is asked for")
    else:
        _replicas(found, as_count(status.get("currentHealthy")) or 0, wanted, "wanted pods")
    if as_count(status.get("expectedPods")) == 0:
        found.notes.append("no pod matches the selector")


BROKEN_WAITING = {
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImagePull",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "RegistryUnavailable",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "StartError",
    "PreCreateHookError",
    "PostStartHookError",
}
"""Reasons for which a container waits and will not start by itself."""


def _containers(status: dict[str, Any]) -> Iterator[tuple[dict[str, Any], bool]]:
    """Each container's status, and whether it is one that runs for the pod's life."""
    for key in ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"):
        for container in as_list(status.get(key)):
            if isinstance(container, dict):
                yield container, key == "containerStatuses"


def _pod(value: dict[str, Any], status: dict[str, Any], found: Finding) -> None:
    phase = as_text(status.get("phase"))
    restarts, running, lasting = 0, 0, 0
    for container, lasts in _containers(status):
        name = clip(as_text(container.get("name")), 100)
        restarts += as_count(container.get("restartCount")) or 0
        lasting += lasts
        running += lasts and container.get("ready") is True
        state = as_dict(container.get("state"))
        reason = clip(as_text(as_dict(state.get("waiting")).get("reason")), 100)
        if reason in BROKEN_WAITING:
            found.see(MAJOR, f"container {name}: {reason}")
        ended = as_dict(state.get("terminated"))
        if as_count(ended.get("exitCode")) and phase in ("Running", "Pending"):
            why = clip(as_text(ended.get("reason")), 100) or "ended"
            found.see(PARTIAL, f"container {name}: {why}, exit code {as_count(ended.get('exitCode'))}")
    why = ": ".join(filter(None, (as_text(status.get("reason")), as_text(status.get("message")))))
    if phase == "Succeeded":
        found.see(UP, "completed")
    elif phase == "Failed":
        found.see(MAJOR, f"failed ({clip(why, 200) or 'no reason given'})")
    elif phase == "Pending":
        scheduled, unscheduled_why = _condition(value, "PodScheduled")
        stuck = scheduled == "False" and "Unschedulable" in unscheduled_why
        found.see(MAJOR if stuck else DEGRADED, f"not started ({unscheduled_why})" if stuck else "starting")
    elif phase == "Running":
        _running_pod(value, found, running, lasting)
    else:
        found.see(UNKNOWN, f"phase {clip(phase, 60) or 'not reported'} {clip(why, 200)}".rstrip())
    if restarts:
        found.notes.append(f"{restarts} restarts")


def _running_pod(value: dict[str, Any], found: Finding, running: int, lasting: int) -> None:
    ready, why = _condition(value, "Ready")
    if ready == "True":
        found.see(UP, f"running, {running} of {lasting} containers ready")
    elif ready == "False":
        found.see(PARTIAL if running else MAJOR, f"{running} of {lasting} containers ready ({why})")
    elif ready == "Unknown" or not lasting:
        found.see(UNKNOWN, f"running, readiness unknown ({why})")
    else:
        _replicas(found, running, lasting, "containers")


def _node(value: dict[str, Any], _status: dict[str, Any], found: Finding) -> None:
    ready, why = _condition(value, "Ready")
    if ready == "True":
        found.see(UP, "ready")
    elif ready:
        found.see(MAJOR, f"not ready ({why})")
    else:
        found.see(UNKNOWN, "readiness is not reported")
    for condition in conditions_of(value):
        # All conditions of a node but Ready are troubles, so True is the bad news.
        name = clip(as_text(condition.get("type")), 100)
        if name not in ("", "Ready") and truth(condition) == "True":
            found.see(MAJOR if name == "NetworkUnavailable" else DEGRADED, name)
    if as_dict(value.get("spec")).get("unschedulable") is True:
        found.see(MAINTENANCE, "cordoned: no new pods are placed here")


def _job(value: dict[str, Any], status: dict[str, Any], found: Finding) -> None:
    failed, why = _condition(value, "Failed")
    tries = as_count(status.get("failed")) or 0
    if failed == "True":
        found.see(MAJOR, f"failed ({why})")
    elif _condition(value, "Complete")[0] == "True":
        found.see(UP, f"complete, {as_count(status.get('succeeded')) or 0} succeeded")
    elif _condition(value, "Suspended")[0] == "True":
        found.see(MAINTENANCE, "suspended")
    elif as_count(status.get("active")):
        found.see(DEGRADED if tries else UP, f"running, {as_count(status.get('active'))} active, {tries} failed")
    else:
        found.see(UNKNOWN, "neither running, complete nor failed")


def _cron_job(value: dict[str, Any], status: dict[str, Any], found: Finding) -> None:
    last, good = as_text(status.get("lastScheduleTime")), as_text(status.get("lastSuccessfulTime"))
    if as_dict(value.get("spec")).get("suspend") is True:
        found.see(MAINTENANCE, "suspended")
    elif not good:
        found.see(UNKNOWN, f"last scheduled {clip(last, 40) or 'never'}; how its runs ended is not reported")
    elif good >= last or as_list(status.get("active")):  # both are RFC 3339 in UTC, which sorts as text
        found.see(UP, f"last success {clip(good, 40)}")
    else:
        found.see(DEGRADED, f"scheduled {clip(last, 40)}, last success {clip(good, 40)}")


def _autoscaler(value: dict[str, Any], status: dict[str, Any], found: Finding) -> None:
    for name in ("AbleToScale", "ScalingActive"):
        state, why = _condition(value, name)
        if state == "False" and not why.startswith("ScalingDisabled"):
            found.see(DEGRADED, f"{name} is False ({why})")
        elif state:
            found.see(UP)
    if _condition(value, "ScalingLimited")[0] == "True":
        found.notes.append(f"limited ({_condition(value, 'ScalingLimited')[1]})")
    current, wanted = as_count(status.get("currentReplicas")), as_count(status.get("desiredReplicas"))
    counts = f"{current} replicas, {wanted} wanted" if current is not None and wanted is not None else ""
    if current and current == wanted:
        found.see(UP, counts)
    elif not found.states:
        found.see(UNKNOWN, counts or "its counts are not reported")


def _service(value: dict[str, Any], status: dict[str, Any], found: Finding) -> None:
    balanced = as_list(as_dict(status.get("loadBalancer")).get("ingress"))
    if balanced:
        found.see(UP, "its load balancer has an address")
    elif as_dict(value.get("spec")).get("type") == "LoadBalancer":
        found.see(DEGRADED, "waits for the address of its load balancer")
    else:
        found.notes.append("an object of this kind does not report how it is doing")


def _event(value: dict[str, Any], found: Finding) -> None:
    about = as_dict(value.get("involvedObject")) or as_dict(value.get("regarding"))
    subject = "/".join(filter(None, (as_text(about.get(key)) for key in ("namespace", "kind", "name"))))
    text = as_text(value.get("message")) or as_text(value.get("note"))
    sentence = clip(f"{as_text(value.get('reason'))} on {subject}: {text}", 400)
    if as_text(value.get("type")) == "Warning":
        found.see(DEGRADED, sentence)
    else:
        found.notes.append(f"an event is no status ({sentence})")


_PHASES = {
    "active": UP,
    "available": UP,
    "bound": UP,
    "complete": UP,
    "completed": UP,
    "deployed": UP,
    "healthy": UP,
    "ready": UP,
    "released": UP,
    "running": UP,
    "succeeded": UP,
    "synced": UP,
    "creating": DEGRADED,
    "degraded": PARTIAL,
    "pending": DEGRADED,
    "progressing": DEGRADED,
    "provisioning": DEGRADED,
    "updating": DEGRADED,
    "paused": MAINTENANCE,
    "suspended": MAINTENANCE,
    "terminating": MAINTENANCE,
    "error": MAJOR,
    "failed": MAJOR,
    "lost": MAJOR,
    "missing": MAJOR,
}
_SERVING = {"Ready", "Available", "Healthy"}
_DONE = {"Accepted", "Established", "Programmed", "Reconciled", "ResolvedRefs", "Succeeded", "Synced", "Complete"}
_TROUBLE = {"Degraded": PARTIAL, "Failed": MAJOR, "Failure": MAJOR, "Stalled": DEGRADED, "Error": MAJOR}
_AT_WORK = {"Progressing", "Reconciling", "Updating"}


def _general(value: dict[str, Any], status: dict[str, Any], found: Finding) -> None:
    """Any other kind: the conditions that the API conventions and the common operators use, else its phase."""
    for condition in conditions_of(value):
        name, state = clip(as_text(condition.get("type")), 100), truth(condition)
        why = clip(as_text(condition.get("reason")) or as_text(condition.get("message")), 200)
        if name in _SERVING | _DONE:
            bad = MAJOR if name in _SERVING else DEGRADED
            found.see({"True": UP, "False": bad}.get(state, UNKNOWN), f"{name} is {state} ({why})")
        elif name in _TROUBLE and state == "True":
            found.see(_TROUBLE[name], f"{name} ({why})")
        elif name in _AT_WORK and state == "True":
            found.notes.append(f"{name} ({why})")
    health = as_text(as_dict(status.get("health")).get("status"))  # Argo CD
    phase = as_text(status.get("phase")) or as_text(status.get("state"))
    for word in filter(None, (health, phase)):
        known = _PHASES.get(word.lower())
        if known is not None:
            found.see(known, clip(word, 100))
        elif not found.states:
            found.see(UNKNOWN, f"phase {clip(word, 100)}")
    if not found.states and as_list(as_dict(status.get("loadBalancer")).get("ingress")):
        found.see(UP, "its load balancer has an address")
    if not found.states:
        found.notes.append("its status has no condition or phase that is known")


RULES: dict[str, Callable[[dict[str, Any], dict[str, Any], Finding], None]] = {
    "CronJob": _cron_job,
    "DaemonSet": _daemon_set,
    "Deployment": _replicated,
    "HorizontalPodAutoscaler": _autoscaler,
    "Job": _job,
    "Node": _node,
    "Pod": _pod,
    "PodDisruptionBudget": _disruption_budget,
    "ReplicaSet": _replicated,
    "ReplicationController": _replicated,
    "Service": _service,
    "StatefulSet": _replicated,
}
"""The rule of each kind that has its own."""
