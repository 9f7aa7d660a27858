"""The vocabularies of design/domain.md as GraphQL enums: upper-case names over the values the database holds."""

from __future__ import annotations

import strawberry

from app.domain.changes import Change
from app.domain.components import ComponentState
from app.domain.evidence import BundleKind, EvidenceType, Result, Severity
from app.domain.gates import Enforcement, Gate
from app.domain.invariants import InvariantArea
from app.domain.paging import Direction
from app.domain.verdict import Readiness as ReadinessState
from app.domain.verdict import ReasonCode, ReasonSeverity, SubjectType

# strawberry.enum marks the domain's own enums in place, so both rooms speak of the same classes.
strawberry.enum(BundleKind, description="What a bundle collects evidence for.")
strawberry.enum(EvidenceType, description="What sort of evidence an item is.")
strawberry.enum(
    Result,
    description="The outcome of an item, gate or invariant. A flaky pass is WARNED; what could not be told is "
    "INCONCLUSIVE. Waived, stale, superseded and retracted are facts beside a result.",
)
strawberry.enum(Severity, description="How bad a finding is.")
strawberry.enum(Gate, description="What is checked before shipping.")
strawberry.enum(Enforcement, description="What a failure does: a line in a report, a warning, or a stop.")
strawberry.enum(InvariantArea, description="The product behaviour that an invariant speaks of.")
strawberry.enum(ComponentState, description="How a component is doing, in status-page words.")
strawberry.enum(Direction, description="Which end of an order comes first.")
strawberry.enum(
    ReadinessState,
    name="ReadinessState",
    description="Whether a bundle or an environment may ship. READY needs positive evidence; UNKNOWN is no data.",
)
strawberry.enum(
    ReasonCode,
    description="Why something is not clean. MISSING: required, and there is no result. STALE: too old, expired, or "
    "decided from evidence that has been replaced. UNKNOWN: inconclusive, or no data.",
)
strawberry.enum(
    ReasonSeverity,
    description="What a reason does to the verdict: BLOCKING blocks, WARNING puts at risk, INFO does nothing.",
)
strawberry.enum(SubjectType, description="What a reason or a proof speaks of; EVIDENCE is a type of item.")
strawberry.enum(
    Change,
    description="How something in the head stands against the base. REGRESSED was better, NEW is only in the head, "
    "PERSISTING is trouble in both, FIXED was trouble and is none, GONE is only in the base, UNCHANGED clean in both.",
)

__all__ = [
    "BundleKind",
    "Change",
    "ComponentState",
    "Direction",
    "Enforcement",
    "EvidenceType",
    "Gate",
    "InvariantArea",
    "ReadinessState",
    "ReasonCode",
    "ReasonSeverity",
    "Result",
    "Severity",
    "SubjectType",
]
