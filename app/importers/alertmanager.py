"""Prometheus alerts, as Alertmanager, Grafana and Prometheus itself hand them out: component snapshots.

Read: the webhook payload (Alertmanager documentation, "webhook_config", version 4; Grafana alerting sends the same
with version 1), the alerts and alert groups of API v2 and of `amtool -o json`, API v1, and `GET /api/v1/alerts` of
Prometheus. No parser library serves: the clients for Python speak to the API, none reads its documents.

A component is named by the first label present of COMPONENT_LABELS. Every alert is a cause of its own, known by its
fingerprint: one that is over ends no other. A firing alert is true now, so it is observed when it was last sent, where
the API tells that, else when it comes in, and its details tell when it began; one that is over tells both its beginning
and its end, and makes a snapshot of each. Silenced and inhibited alerts keep their severity: the cause is still there,
only the notice is not. A list of alerts, as the APIs answer, does not tell which are over: trouble that it told of
stays until a webhook ends it, or somebody retracts it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from app.domain.components import ComponentState
from app.domain.moments import iso
from app.importers.base import Artifact, ImportBatch, Probe, Reject, Rejected, clip, link
from app.importers.documents import as_count, as_dict, as_list, as_text, read_json
from app.importers.moments import moment
from app.importers.snapshots import STATE_ORDER, Snapshots, cause_of

FORMAT = "alertmanager"

COMPONENT_LABELS = (
    "service",
    "service_name",
    "component",
    "app",
    "app_kubernetes_io_name",
    "application",
    "job",
    "alertname",
)
"""The first of these labels that an alert carries names its component."""

STATE_BY_SEVERITY = {
    "critical": ComponentState.MAJOR_OUTAGE,
    "page": ComponentState.MAJOR_OUTAGE,
    "fatal": ComponentState.MAJOR_OUTAGE,
    "emergency": ComponentState.MAJOR_OUTAGE,
    "disaster": ComponentState.MAJOR_OUTAGE,
    "p1": ComponentState.MAJOR_OUTAGE,
    "p2": ComponentState.PARTIAL_OUTAGE,
    "high": ComponentState.PARTIAL_OUTAGE,
    "major": ComponentState.PARTIAL_OUTAGE,
    "error": ComponentState.PARTIAL_OUTAGE,
    "info": ComponentState.OPERATIONAL,
    "informational": ComponentState.OPERATIONAL,
    "information": ComponentState.OPERATIONAL,
    "notice": ComponentState.OPERATIONAL,
    "debug": ComponentState.OPERATIONAL,
    "none": ComponentState.OPERATIONAL,
}
"""What a firing alert of a severity says; any other severity, and none, means degraded performance."""

HASHED_LIMIT = 20_000
"""Bytes of labels that an identity is made of as Alertmanager does, which takes a step for each."""

ALERTS_KEPT = 20
"""Alerts that a snapshot's details name, worst first; the counts are of all."""

_STATUS_WORDS = {
    "": "firing",
    "firing": "firing",
    "alerting": "firing",
    "resolved": "resolved",
    "ok": "resolved",
    "normal": "resolved",
    "pending": "pending",
    "suppressed": "suppressed",
    "inactive": "inactive",
}

_GROUP_KEYS = {"groupKey", "groupLabels", "commonLabels", "commonAnnotations", "truncatedAlerts"}


def detect(probe: Probe) -> bool:
    """A webhook payload, a list of alerts or alert groups, or an API answer that holds alerts."""
    return probe.kind == "json" and _dialect(probe.document) != ""


def parse(artifact: Artifact) -> ImportBatch | Rejected:
    """The snapshots of each component that an alert names, and of each of its alerts."""
    document = read_json(artifact)
    dialect = _dialect(document)
    if not dialect:
        raise Reject("no alerts: neither a webhook payload nor an answer of the Alertmanager or Prometheus API")
    snapshots = Snapshots(artifact)
    alerts: dict[tuple[str, str], _Alert] = {}
    for alert, default_status in _alerts(document, dialect):
        labels = as_dict(alert.get("labels"))
        if not labels:
            raise Reject("an alert has no labels, so nothing says what it is about")
        name = next((text for label in COMPONENT_LABELS if (text := as_text(labels.get(label)).strip())), "")
        identity = as_text(alert.get("fingerprint")) or fingerprint(labels)
        alerts.setdefault((snapshots.name(name), identity), _Alert()).add(alert, labels, default_status)
    if not alerts:
        raise Reject("the list of alerts is empty: no component is named")
    about = _about(document) if dialect in ("webhook", "grafana") else {}
    for (name, identity), told in alerts.items():
        told.give(name, cause_of(FORMAT, identity), snapshots, about)
    return snapshots.batch(FORMAT, dialect)


def fingerprint(labels: dict[str, Any]) -> str:
    """An alert's identity, as Alertmanager makes it of its labels (prometheus/common, model/signature.go): FNV-1a."""
    named = [(name.encode(errors="replace"), as_text(labels[name]).encode(errors="replace")) for name in sorted(labels)]
    text = b"".join(part + b"\xff" for pair in named for part in pair)
    if len(text) > HASHED_LIMIT:
        return sha256(text).hexdigest()[:32]
    found = 14695981039346656037
    for byte in text:
        found = (found ^ byte) * 1099511628211 % 2**64
    return f"{found:016x}"


def _dialect(document: Any) -> str:
    if isinstance(document, dict):
        if isinstance(document.get("alerts"), list) and _GROUP_KEYS & document.keys():
            return "grafana" if "orgId" in document else "webhook"
        data = document.get("data")
        if document.get("status") == "success" and "data" in document:
            if isinstance(data, dict) and isinstance(data.get("alerts"), list):
                return "prometheus"
            return "api-v1" if isinstance(data, list) and data and _is_alert(data[0]) else ""
        return ""
    if not isinstance(document, list) or not document:
        return ""
    if _is_alert(document[0]):
        return "api-v2"
    first = as_dict(document[0])
    alerts = as_list(first.get("alerts"))
    return "api-v2-groups" if "labels" in first and "receiver" in first and alerts and _is_alert(alerts[0]) else ""


def _is_alert(value: Any) -> bool:
    known = as_dict(value)
    return isinstance(known.get("labels"), dict) and ("startsAt" in known or "activeAt" in known)


def _alerts(document: Any, dialect: str) -> Iterator[tuple[dict[str, Any], Any]]:
    """Each alert, with the status its surroundings give it."""
    if dialect == "api-v2-groups":
        groups = [(as_list(as_dict(group).get("alerts")), None) for group in document]
    elif dialect in ("webhook", "grafana"):
        groups = [(document["alerts"], document.get("status"))]
    elif dialect == "prometheus":
        groups = [(document["data"]["alerts"], None)]
    else:
        groups = [(document["data"] if dialect == "api-v1" else document, None)]
    for alerts, status in groups:
        for alert in alerts:
            if not isinstance(alert, dict):
                raise Reject("the list of alerts holds something that is no alert")
            yield alert, status


def _about(document: dict[str, Any]) -> dict[str, Any]:
    facts = {
        "receiver": clip(as_text(document.get("receiver")), 200),
        "group_key": clip(as_text(document.get("groupKey"))),
        "truncated_alerts": as_count(document.get("truncatedAlerts")),
    }
    return {key: value for key, value in facts.items() if value}


@dataclass(slots=True)
class _Alert:
    """One alert, as often as the document tells of it."""

    _by_state: dict[ComponentState, list[dict[str, str]]] = field(default_factory=dict)
    _by_status: Counter[str] = field(default_factory=Counter)
    _over: list[tuple[datetime | None, datetime, ComponentState]] = field(default_factory=list)
    _is_now: bool = False
    _sent: datetime | None = None
    _url: str = ""

    def add(self, alert: dict[str, Any], labels: dict[str, Any], default_status: Any) -> None:
        status = _status(alert, default_status)
        severity = as_text(labels.get("severity") or labels.get("priority")).strip()
        starts, ends = moment(alert.get("startsAt") or alert.get("activeAt")), moment(alert.get("endsAt"))
        self._by_status[status] += 1
        self._url = self._url or link(alert.get("generatorURL"), alert.get("panelURL"), alert.get("dashboardURL"))
        if status == "resolved" and ends is not None:
            self._over.append((starts, ends, _state("firing", severity)))
        else:
            self._is_now = True
            sent = moment(alert.get("updatedAt"))
            self._sent = max(sent, self._sent) if sent and self._sent else sent or self._sent
        kept = self._by_state.setdefault(_state(status, severity), [])
        if len(kept) < ALERTS_KEPT:
            kept.append(_told(alert, labels, status, severity, starts))

    def give(self, name: str, cause: str, snapshots: Snapshots, about: dict[str, Any]) -> None:
        worst = next(state for state in STATE_ORDER if state in self._by_state)
        first = self._by_state[worst][0]
        total = sum(self._by_status.values())
        message = f"{first.get('alertname', 'alert')} {first['status']}"
        if first.get("summary"):
            message += f": {first['summary']}"
        if total > 1:
            message += f" ({total} alerts: {_counts(self._by_status)})"
        if about.get("truncated_alerts"):
            message += f"; {about['truncated_alerts']} more alerts of the group were cut off"
        kept = [told for state in STATE_ORDER for told in self._by_state.get(state, [])][:ALERTS_KEPT]
        details = {"alerts": kept, "counts": dict(self._by_status)} | about
        if first.get("started_at"):
            details["began_at"] = first["started_at"]
        self._over.sort(key=lambda over: over[1])
        for number, (starts, ends, state) in enumerate(self._over, start=1):
            alert = first.get("alertname", "alert")
            if starts is not None and starts < ends and state is not ComponentState.OPERATIONAL:
                fired = {"began_at": starts.isoformat(), "ended_at": ends.isoformat()}
                sentence = f"{alert} fired until {iso(ends)}"
                snapshots.add(name, state, sentence, observed_at=starts, details=fired, cause=cause, url=self._url)
            is_last = number == len(self._over) and not self._is_now
            over, told = (message, details) if is_last else (f"{alert} resolved", {"ended_at": ends.isoformat()})
            snapshots.add(
                name, ComponentState.OPERATIONAL, over, observed_at=ends, details=told, cause=cause, url=self._url
            )
        if self._is_now:
            snapshots.add(name, worst, message, observed_at=self._sent, details=details, cause=cause, url=self._url)


def _status(alert: dict[str, Any], default: Any) -> str:
    """firing, resolved, pending (not long enough yet), suppressed (silenced or inhibited), inactive, or other."""
    stated = alert.get("status") or alert.get("state") or default
    if isinstance(stated, dict):  # API v2 and v1
        stated = {"active": "firing", "unprocessed": "firing"}.get(as_text(stated.get("state")), stated.get("state"))
    word = as_text(stated).strip().lower()
    return _STATUS_WORDS.get(word, "other")


def _state(status: str, severity: str) -> ComponentState:
    if status in ("resolved", "pending", "inactive"):
        return ComponentState.OPERATIONAL
    return STATE_BY_SEVERITY.get(severity.lower(), ComponentState.DEGRADED_PERFORMANCE)


def _told(
    alert: dict[str, Any], labels: dict[str, Any], status: str, severity: str, starts: datetime | None
) -> dict[str, str]:
    notes = as_dict(alert.get("annotations"))
    words = (as_text(notes.get(key)).strip() for key in ("summary", "message", "description", "title"))
    told = {
        "alertname": clip(as_text(labels.get("alertname")), 200),
        "status": status,
        "severity": clip(severity, 40),
        "summary": clip(next((text for text in words if text), ""), 300),
        "instance": clip(as_text(labels.get("instance")), 200),
        "fingerprint": clip(as_text(alert.get("fingerprint")), 64),
        "started_at": starts.isoformat() if starts else "",
    }
    return {key: value for key, value in told.items() if value}


def _counts(by_status: Counter[str]) -> str:
    return ", ".join(f"{count} {status}" for status, count in sorted(by_status.items()))
