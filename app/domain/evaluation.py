"""Gates that evidence can decide (contract drift, security, capacity, UAT, guards), from current rows and policy.

Pure, and blind to age: how fresh the evidence is, the verdict judges each time it is asked. What is missing makes a
gate pending or inconclusive, never passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domain.digests import digest, unordered
from app.domain.evidence import EvidenceType, Result
from app.domain.facts import BundleFacts, GuardFacts, ItemFacts, current, pinned
from app.domain.gate_rules import JUDGES, SILENT, Evidence, Outcome
from app.domain.gates import Enforcement, Gate
from app.domain.policy import Policy
from app.domain.requirements import Requirements

EVALUATED = tuple(JUDGES)
"""The gates that evidence can decide; the others come from producers and people."""


@dataclass(frozen=True, slots=True)
class GateDecision:
    """A gate as the current evidence decides it. `details` holds the figures; ids are sorted."""

    gate: Gate
    result: Result
    enforcement: Enforcement
    summary: str
    details: Mapping[str, Any]
    item_ids: tuple[str, ...]
    guard_ids: tuple[str, ...]
    policy_digest: str
    inputs_digest: str
    evaluated_at: datetime

    def source_digest(self, supersedes_id: str | None = None) -> str:
        """Identifies the row that records this decision in place of another: evidence may come back to what it was
        before, and that is a new row again. Nothing is to be recorded while `same_as` the current row."""
        return digest([self.gate, self.policy_digest, self.inputs_digest, supersedes_id])

    def same_as(self, policy_digest: str | None, details: Mapping[str, Any]) -> bool:
        """Whether a recorded row was decided from the same inputs under the same policy."""
        return policy_digest == self.policy_digest and details.get("inputs_digest") == self.inputs_digest


def evaluate_gate(
    gate: Gate,
    bundle: BundleFacts,
    items: Iterable[ItemFacts],
    guards: Iterable[GuardFacts],
    policy: Policy,
    at: datetime,
) -> GateDecision | None:
    """The gate as current evidence decides it under the policy; None when it is not one that evidence decides, or the
    policy does not ask for it and there is no evidence. A gate that is not asked for comes out report-only."""
    required = policy.requirements(
        kind=bundle.kind.value, environment=bundle.environment, profile=bundle.profile, product=bundle.product
    )
    # What is of another commit decides nothing here; the verdict says that it is there.
    ours = [item for item in current(items) if not item.mismatched]
    reports = [guard for guard in current(guards) if not guard.mismatched]
    evidence = gather(gate, bundle.id, ours, reports)
    outcome = judge(gate, evidence, required)
    if outcome is None:
        return None
    used = [*evidence.items, *evidence.statements]
    inputs_digest = digest(
        {
            "gate": gate,
            "bundle": bundle.id,
            "items": unordered(pinned(item) for item in used),
            "guards": unordered(evidence.guards),
        }
    )
    return GateDecision(
        gate=gate,
        result=outcome.result,
        enforcement=required.gates.named.get(gate.value) or Enforcement.REPORT_ONLY,
        summary=outcome.summary,
        details={**outcome.figures, "inputs_digest": inputs_digest},
        item_ids=tuple(sorted({item.id for item in used})),
        guard_ids=tuple(sorted({guard.id for guard in evidence.guards})),
        policy_digest=policy.digest,
        inputs_digest=inputs_digest,
        evaluated_at=at,
    )


def gates_fed_by(item: ItemFacts) -> frozenset[Gate]:
    """The gates that the item is evidence for."""
    fed = {
        EvidenceType.SECURITY: {Gate.SECURITY},
        EvidenceType.UAT: {Gate.UAT},
        EvidenceType.GUARD: {Gate.GUARD},
    }.get(item.evidence_type, set())
    by_payload = {
        gate for gate in (Gate.CONTRACT_DRIFT, Gate.CAPACITY) if isinstance(item.payload.get(gate.value), Mapping)
    }
    return frozenset(fed | by_payload)


def gather(gate: Gate, bundle_id: str, items: Sequence[ItemFacts], guards: Sequence[GuardFacts]) -> Evidence:
    """The current rows that decide the gate. A guard's item is left out where the guard's summary is there."""
    used = tuple(item for item in items if gate in gates_fed_by(item) and item.result not in SILENT)
    if gate is Gate.SECURITY:
        scans = tuple(item for item in used if not _only_statements(item))
        return Evidence(items=scans, statements=tuple(item for item in items if item.payload.get("vex_statements")))
    if gate is Gate.GUARD:
        reports = tuple(each for each in guards if each.bundle_id in (None, bundle_id) and each.result not in SILENT)
        summarised = {report.evidence_item_id for report in reports}
        return Evidence(items=tuple(item for item in used if item.id not in summarised), guards=reports)
    return Evidence(items=used)


def judge(gate: Gate, evidence: Evidence, required: Requirements) -> Outcome | None:
    """What the evidence comes down to under the policy's limits; None as for `evaluate_gate`."""
    if gate not in JUDGES:
        return None
    if not evidence:
        if required.gates.named.get(gate.value) is None:
            return None
        return Outcome(Result.PENDING, f"No {_WANTED[gate]} is recorded.")
    return JUDGES[gate](evidence, required)


_WANTED = {
    Gate.CONTRACT_DRIFT: "comparison of interfaces",
    Gate.SECURITY: "security scan",
    Gate.CAPACITY: "load test",
    Gate.UAT: "UAT result",
    Gate.GUARD: "guard report",
}


def _only_statements(item: ItemFacts) -> bool:
    """A VEX document says which findings do not count; it is no scan, so it proves nothing by itself."""
    return bool(item.payload.get("vex_statements")) and not item.payload.get("top_findings")
