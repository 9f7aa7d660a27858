"""Component snapshots as they are gathered: one for each component, cause and time, the worst where several tell.

A component that a document does not name is named after the document's file: a made-up name would be everybody's, and
one service that is up would hide another that is down.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from app.domain.components import ComponentState
from app.importers.base import Artifact, ComponentSnapshot, ImportBatch, Reject, clip
from app.importers.sources import stem_of

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

SNAPSHOT_LIMIT = 20_000
"""Snapshots of one artifact: a component may have many alerts, and an alert that is over has a beginning and an end."""

NAME_LIMIT = 300
STEM_LIMIT = 120
CAUSE_PART_LIMIT = 64

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


def cause_of(producer: str, *parts: str) -> str:
    """The name of a cause, such as `statuspage:kctbh9vrtdwd:8l4ygp009s5s`. Causes stand in indexes, so a part that is
    long, empty or no plain word goes by its digest."""
    return ":".join([producer, *(part if _is_word(part) else _digest(part) for part in parts)])


def _digest(part: str) -> str:
    return sha256(part.encode(errors="surrogatepass")).hexdigest()[:32]


def _is_word(part: str) -> bool:
    return 0 < len(part) <= CAUSE_PART_LIMIT and part.isascii() and part.replace("-", "").replace("_", "").isalnum()


class Snapshots:
    """The snapshots of one artifact in file order, those of a component and cause in the order of time."""

    def __init__(self, artifact: Artifact) -> None:
        self._stem = clip(stem_of(artifact.name.replace("\\", "/").rpartition("/")[2]), STEM_LIMIT)
        self._stem_is_used = False
        self._found: dict[str, dict[tuple[str, datetime | None], ComponentSnapshot]] = {}
        self._count = 0

    def name(self, given: str) -> str:
        """What a component is called: as the document says, else after its file."""
        name = clip(given, NAME_LIMIT)
        self._stem_is_used = self._stem_is_used or not name
        return name or self._stem

    def add(
        self,
        component: str,
        status: ComponentState,
        message: str = "",
        *,
        observed_at: datetime | None = None,
        details: dict[str, Any] | None = None,
        cause: str = "",
        url: str = "",
    ) -> None:
        """Take one in. A component told of before, by the same cause and of the same time, keeps the worse of the two;
        one seen by asking has one status, whatever its parts say of the time."""
        name = self.name(component)
        if name not in self._found and len(self._found) >= COMPONENT_LIMIT:
            raise Reject(f"more than {COMPONENT_LIMIT:,} components in one file")
        told = self._found.setdefault(name, {})
        key = (cause, observed_at if cause else None)
        known = told.get(key)
        if known is not None and STATE_ORDER.index(known.status) <= STATE_ORDER.index(status):
            return
        self._count += known is None
        if self._count > SNAPSHOT_LIMIT:
            raise Reject(f"more than {SNAPSHOT_LIMIT:,} snapshots of components in one file")
        told[key] = ComponentSnapshot(name, status, clip(message), observed_at, details or {}, cause, url)

    def __len__(self) -> int:
        return self._count

    def batch(self, format: str, dialect: str) -> ImportBatch:
        """The batch of these components. Raises Reject when there is none."""
        if not self._found:
            raise Reject("no component is named: there is nothing whose status this could be")
        components = [snapshot for told in self._found.values() for snapshot in sorted(told.values(), key=_when)]
        unnamed = self._stem if self._stem_is_used else ""
        return ImportBatch(format, dialect, components=tuple(components), unnamed=unnamed)


def _when(snapshot: ComponentSnapshot) -> tuple[bool, datetime]:
    """What says no time is of now, and last."""
    at = snapshot.observed_at
    return at is None, at or datetime.min.replace(tzinfo=UTC)
