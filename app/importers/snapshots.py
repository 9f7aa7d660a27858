"""Component snapshots as they are gathered: one for each component, the worst where several tell of the same one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.components import ComponentState
from app.importers.base import ComponentSnapshot, ImportBatch, Reject, clip

STATE_ORDER: tuple[ComponentState, ...] = (
    ComponentState.MAJOR_OUTAGE,
    ComponentState.PARTIAL_OUTAGE,
    ComponentState.DEGRADED_PERFORMANCE,
    ComponentState.UNDER_MAINTENANCE,
    ComponentState.UNKNOWN,
    ComponentState.OPERATIONAL,
)
"""Worst first; not knowing is worse than good news."""

COMPONENT_LIMIT = 5000
"""Components of one artifact."""

NAME_LIMIT = 300

_WORDS = {
    "up": ComponentState.OPERATIONAL,
    "ok": ComponentState.OPERATIONAL,
    "pass": ComponentState.OPERATIONAL,
    "healthy": ComponentState.OPERATIONAL,
    "operational": ComponentState.OPERATIONAL,
    "warn": ComponentState.DEGRADED_PERFORMANCE,
    "warning": ComponentState.DEGRADED_PERFORMANCE,
    "degraded": ComponentState.DEGRADED_PERFORMANCE,
    "degraded_performance": ComponentState.DEGRADED_PERFORMANCE,
    "restricted": ComponentState.DEGRADED_PERFORMANCE,
    "partial_outage": ComponentState.PARTIAL_OUTAGE,
    "down": ComponentState.MAJOR_OUTAGE,
    "fail": ComponentState.MAJOR_OUTAGE,
    "error": ComponentState.MAJOR_OUTAGE,
    "fatal": ComponentState.MAJOR_OUTAGE,
    "offline": ComponentState.MAJOR_OUTAGE,
    "unhealthy": ComponentState.MAJOR_OUTAGE,
    "major_outage": ComponentState.MAJOR_OUTAGE,
    "out_of_service": ComponentState.UNDER_MAINTENANCE,
    "maintenance": ComponentState.UNDER_MAINTENANCE,
    "under_maintenance": ComponentState.UNDER_MAINTENANCE,
    "shutting_down": ComponentState.UNDER_MAINTENANCE,
    "unknown": ComponentState.UNKNOWN,
}


def known_state(word: Any) -> ComponentState | None:
    """The state that a health endpoint's or status page's word means; None when it is none of the common words."""
    return _WORDS.get(word.strip().lower()) if isinstance(word, str) else None


def worst_state(states: list[ComponentState]) -> ComponentState:
    """The worst of several states; unknown when there is none."""
    return min(states, key=STATE_ORDER.index, default=ComponentState.UNKNOWN)


@dataclass(slots=True)
class Snapshots:
    """The components in file order."""

    _found: dict[str, ComponentSnapshot] = field(default_factory=dict)

    def add(
        self,
        component: str,
        status: ComponentState,
        message: str = "",
        *,
        observed_at: datetime | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        """Take one in. A component told of before keeps the worse of the two."""
        name = clip(component, NAME_LIMIT) or "unnamed"
        told = ComponentSnapshot(name, status, clip(message), observed_at, details or {})
        known = self._found.get(name)
        if known is not None and STATE_ORDER.index(known.status) <= STATE_ORDER.index(status):
            return
        if known is None and len(self._found) >= COMPONENT_LIMIT:
            raise Reject(f"more than {COMPONENT_LIMIT:,} components in one file")
        self._found[name] = told

    def __len__(self) -> int:
        return len(self._found)

    def batch(self, format: str, dialect: str) -> ImportBatch:
        """The batch of these components. Raises Reject when there is none."""
        if not self._found:
            raise Reject("no component is named: there is nothing whose status this could be")
        return ImportBatch(format, dialect, components=tuple(self._found.values()))
