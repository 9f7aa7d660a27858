"""Components over time and whole environments in the shapes of the contract."""

from __future__ import annotations

from typing import Any

from app.domain.moments import iso
from app.domain.uptime import Uptime
from app.readmodels.component_history import EnvironmentHealth, Health, History
from app.rest_v3.presenters import presenter

SNAPSHOT = "V3PlatformComponentStatus"
"""The schema of a history's latest snapshot."""


def present_history(history: History) -> dict[str, Any]:
    """V3PlatformComponentHistory."""
    return {
        "snapshot": presenter(SNAPSHOT).present(history.row),
        **_worth(history.health),
        "uptimes": [{"window": name, **_figures(told)} for name, told in history.uptimes.items()],
        "daily": [{"date": told.start.date().isoformat(), **_figures(told)} for told in history.daily],
    }


def present_environment(found: EnvironmentHealth) -> dict[str, Any]:
    """V3PlatformEnvironmentStatus."""
    return {
        "environment": found.environment,
        "status": found.status.value,
        "countsByStatus": [{"status": state.value, "count": count} for state, count in found.counts.items()],
        "components": [_component(each) for each in found.components],
    }


def _component(health: Health) -> dict[str, Any]:
    snapshot = health.snapshot
    return {
        "snapshotId": snapshot.id,
        "component": snapshot.component,
        "observedAt": iso(snapshot.observed_at),
        "lastStatus": snapshot.status.value,
        **_worth(health),
    }


def _worth(health: Health) -> dict[str, Any]:
    until = health.fresh_until
    return {
        "status": health.status.value,
        "fresh": health.fresh,
        "freshUntil": None if until is None else iso(until),
    }


def _figures(told: Uptime) -> dict[str, Any]:
    return {
        "start": iso(told.start),
        "end": iso(told.end),
        "ratio": told.share,
        "worst": told.worst.value,
        "downSeconds": told.down.total_seconds(),
        "knownSeconds": told.known.total_seconds(),
        "noDataSeconds": told.no_data.total_seconds(),
    }
