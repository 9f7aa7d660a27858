"""Release gates: what is checked before shipping, and how hard the check bites."""

from __future__ import annotations

from enum import StrEnum


class Gate(StrEnum):
    """The seven gates of the seed."""

    CONTRACT_DRIFT = "contract_drift"
    UAT = "uat"
    SECURITY = "security"
    CAPACITY = "capacity"
    APPROVAL = "approval"
    GUARD = "guard"
    ENVIRONMENT_PROFILE = "environment_profile"


class Enforcement(StrEnum):
    """What a failure does: nothing but a line in a report, a warning, or a stop."""

    REPORT_ONLY = "report_only"
    WARNING = "warning"
    BLOCKING = "blocking"
