"""Status of running components: snapshots, of which the latest per environment and component is the status."""

from __future__ import annotations

from enum import StrEnum


class ComponentState(StrEnum):
    """How a component is doing; the words of public status pages."""

    OPERATIONAL = "operational"
    DEGRADED_PERFORMANCE = "degraded_performance"
    PARTIAL_OUTAGE = "partial_outage"
    MAJOR_OUTAGE = "major_outage"
    UNDER_MAINTENANCE = "under_maintenance"
    UNKNOWN = "unknown"
