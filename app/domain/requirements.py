"""What a policy asks of one bundle, once its rules are laid over each other: plain typed values, no TOML.

Durations are timedeltas and limits are counts; None stands for unlimited. An enforcement of None stands for `off`:
the rule says aloud that the thing is not asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase

from app.domain.evidence import EvidenceType, Severity
from app.domain.gates import Enforcement, Gate

Asked = Enforcement | None


@dataclass(frozen=True, slots=True)
class Subjects:
    """Enforcement by name, and `other` for those that turn up without being named; None there means: their own."""

    named: Mapping[str, Asked] = field(default_factory=dict)
    other: Asked = None

    def required(self) -> dict[str, Enforcement]:
        """The names that must be there, with how hard each bites."""
        return {name: asked for name, asked in sorted(self.named.items()) if asked is not None}

    def of(self, name: str, own: Enforcement) -> Enforcement:
        """How hard a row of this name bites, required or not; `own` is what it has when the policy is silent."""
        if name in self.named:
            return self.named[name] or Enforcement.REPORT_ONLY
        return self.other or own


@dataclass(frozen=True, slots=True)
class Freshness:
    """How long evidence counts after it was made."""

    evidence: Mapping[EvidenceType, timedelta | None] = field(default_factory=dict)
    gate: timedelta | None = None
    gates: Mapping[Gate, timedelta | None] = field(default_factory=dict)
    invariant: timedelta | None = None
    component: timedelta | None = None
    components: Mapping[str, timedelta | None] = field(default_factory=dict)
    guards: Mapping[str, timedelta | None] = field(default_factory=dict)

    def of_evidence(self, kind: EvidenceType) -> timedelta | None:
        """For an item."""
        return self.evidence.get(kind)

    def of_gate(self, gate: Gate) -> timedelta | None:
        """For a gate result that its producer decided; an evaluated one is as fresh as the items it used."""
        return self.gates.get(gate, self.gate)

    def of_invariant(self, proved_by: EvidenceType | None) -> timedelta | None:
        """For an invariant result; where the policy gives none, that of the item that proves it."""
        if self.invariant is not None or proved_by is None:
            return self.invariant
        return self.evidence.get(proved_by)

    def of_component(self, component: str) -> timedelta | None:
        """For a snapshot."""
        return self.components.get(component, self.component)

    def of_guard(self, guard: str) -> timedelta | None:
        """For a guard summary; unless named, that of guard evidence."""
        return self.guards.get(guard, self.evidence.get(EvidenceType.GUARD))


@dataclass(frozen=True, slots=True)
class ContractDriftLimits:
    """Breaking changes that are let through."""

    max_breaking: int | None = 0


@dataclass(frozen=True, slots=True)
class SecurityLimits:
    """Open findings that are let through, by severity."""

    max_findings: Mapping[Severity, int | None] = field(
        default_factory=lambda: {Severity.CRITICAL: 0, Severity.HIGH: 0}
    )

    def limit(self, severity: Severity) -> int | None:
        """None where any number is let through."""
        return self.max_findings.get(severity)


@dataclass(frozen=True, slots=True)
class CapacityLimits:
    """What a load test may show: failed thresholds of its own, a share of failed requests (0 to 1), percentiles in ms
    by name, such as {"p95": 800.0}."""

    max_failed_thresholds: int | None = 0
    max_error_rate: float | None = None
    max_percentiles_ms: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UatLimits:
    """The share of run tests (0 to 1) that must pass in each UAT item, and how many in all may pass only on a retry."""

    min_pass_rate: float = 1.0
    max_flaky: int | None = None


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """Guards in blocking mode that may fail."""

    max_failed: int | None = 0


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """Who approves. With `four_eyes`, those who recorded the bundle's evidence cannot approve it alone."""

    approvers: int = 1
    four_eyes: bool = False
    by: tuple[str, ...] = ("*",)


@dataclass(frozen=True, slots=True)
class WaiverRule:
    """Who may waive which gates, and for how long from the moment the waiver was recorded.

    `counts_as` is how much a waived blocking gate still weighs: warning (at risk) or report_only (a remark).
    """

    by: tuple[str, ...] = ()
    gates: tuple[str, ...] = ("*",)
    max_duration: timedelta | None = None
    counts_as: Enforcement = Enforcement.WARNING


@dataclass(frozen=True, slots=True)
class CountingRule:
    """How much evidence weighs that does not count: of another commit or version than the bundle's, and reports that
    came late and are worse than the one in force."""

    mismatched: Enforcement = Enforcement.BLOCKING
    late: Enforcement = Enforcement.WARNING


@dataclass(frozen=True, slots=True)
class Requirements:
    """All that the policy asks of a bundle. `rules` names the rules that took part, least specific first."""

    gates: Subjects = field(default_factory=Subjects)
    invariants: Subjects = field(default_factory=Subjects)
    guards: Subjects = field(default_factory=Subjects)
    components: Subjects = field(default_factory=Subjects)
    evidence: Subjects = field(default_factory=Subjects)
    freshness: Freshness = field(default_factory=Freshness)
    contract_drift: ContractDriftLimits = field(default_factory=ContractDriftLimits)
    security: SecurityLimits = field(default_factory=SecurityLimits)
    capacity: CapacityLimits = field(default_factory=CapacityLimits)
    uat: UatLimits = field(default_factory=UatLimits)
    guard: GuardLimits = field(default_factory=GuardLimits)
    approval: ApprovalRule = field(default_factory=ApprovalRule)
    waivers: WaiverRule = field(default_factory=WaiverRule)
    counting: CountingRule = field(default_factory=CountingRule)
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rules: tuple[str, ...] = ()

    def is_one_of(self, actor: str, patterns: tuple[str, ...]) -> bool:
        """Whether a named actor fits a pattern: a name, a name with * and ?, or role:NAME. Case does not matter."""
        name = actor.strip().casefold()
        if not name:
            return False
        spelled = [
            member
            for pattern in patterns
            for member in (self.roles.get(pattern[5:], ()) if pattern.startswith("role:") else (pattern,))
        ]
        return any(fnmatchcase(name, pattern.casefold()) for pattern in spelled)
