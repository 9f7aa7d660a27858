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


TROUBLED: tuple[ComponentState, ...] = (
    ComponentState.MAJOR_OUTAGE,
    ComponentState.PARTIAL_OUTAGE,
    ComponentState.DEGRADED_PERFORMANCE,
    ComponentState.UNDER_MAINTENANCE,
)
"""States that hold until they are told to be over, where what tells of changes alone told them; worst first."""


def outweighs(state: ComponentState, other: ComponentState) -> bool:
    """Whether a state is worse than a troubled one."""
    return state in TROUBLED and TROUBLED.index(state) < TROUBLED.index(other)
