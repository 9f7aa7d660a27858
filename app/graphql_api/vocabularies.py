"""The vocabularies of design/domain.md as GraphQL enums: upper-case names over the values the database holds."""

from __future__ import annotations

import strawberry

from app.domain.components import ComponentState
from app.domain.evidence import BundleKind, EvidenceType, Result, Severity
from app.domain.gates import Enforcement, Gate
from app.domain.invariants import InvariantArea
from app.domain.paging import Direction

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

__all__ = [
    "BundleKind",
    "ComponentState",
    "Direction",
    "Enforcement",
    "EvidenceType",
    "Gate",
    "InvariantArea",
    "Result",
    "Severity",
]
