"""The answer to `is it ready`: a state, a reason for everything that is not clean, and what it rests on.

Source: design/domain.md, "Readiness". Beside the codes named there, `warned` is for results that passed with a
warning, such as a flaky test, which none of the other codes says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.domain.digests import canonical, digest, plain, spelled
from app.domain.gates import Enforcement


class Readiness(StrEnum):
    """Best first. Blocked outweighs unknown, as known trouble outweighs ignorance; neither lets a release through."""

    READY = "ready"
    AT_RISK = "at_risk"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"


class ReasonCode(StrEnum):
    """Why something is not clean."""

    MISSING = "missing"
    """Required, and there is no result: nothing recorded, skipped, not applicable, or too few approvals."""
    FAILED = "failed"
    ERROR = "error"
    STALE = "stale"
    """Too old for its freshness window, expired, or decided from evidence that has been replaced since."""
    PENDING = "pending"
    WAIVED = "waived"
    UNKNOWN = "unknown"
    """Inconclusive, or no data."""
    WARNED = "warned"
    MISMATCHED = "mismatched"
    """Of another commit or version than the bundle: shown, never proof."""
    LATE = "late"
    """Older than the report in force, and received after it."""


class ReasonSeverity(StrEnum):
    """What a reason does to the verdict: blocking blocks, warning puts at risk, info does nothing."""

    BLOCKING = "blocking"
    WARNING = "warning"
    INFO = "info"

    @classmethod
    def of(cls, enforcement: Enforcement) -> ReasonSeverity:
        """The severity of a failure at this enforcement."""
        return {Enforcement.BLOCKING: cls.BLOCKING, Enforcement.WARNING: cls.WARNING}.get(enforcement, cls.INFO)

    def at_most(self, other: ReasonSeverity) -> ReasonSeverity:
        """The milder of the two."""
        return max(self, other, key=list(ReasonSeverity).index)


class SubjectType(StrEnum):
    """What a reason speaks of, and so which table `row_id` is of; evidence means a type of item."""

    BUNDLE = "bundle"
    EVIDENCE = "evidence"
    GATE = "gate"
    INVARIANT = "invariant"
    GUARD = "guard"
    COMPONENT = "component"


# Where each stands in its vocabulary: reasons and proofs are sorted by the thousand.
_SEVERITIES = {each: place for place, each in enumerate(ReasonSeverity)}
_SUBJECTS = {each: place for place, each in enumerate(SubjectType)}
_CODES = {each: place for place, each in enumerate(ReasonCode)}


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that is not clean. `subject` is a name: of a gate, an invariant, a guard, a component, a type of
    evidence, or a bundle's key. `row_id` is None where the trouble is that there is no row. `bundle_id` is None for
    what belongs to the environment."""

    code: ReasonCode
    severity: ReasonSeverity
    subject_type: SubjectType
    subject: str
    row_id: str | None
    sentence: str
    bundle_id: str | None = None

    def order(self) -> tuple[Any, ...]:
        """Worst first, then by what it speaks of."""
        return (
            _SEVERITIES[self.severity],
            _SUBJECTS[self.subject_type],
            self.subject,
            _CODES[self.code],
            self.bundle_id or "",
            self.row_id or "",
            self.sentence,
        )


@dataclass(frozen=True, slots=True)
class Proof:
    """One required thing that is as it should be, and the row that says so."""

    subject_type: SubjectType
    subject: str
    row_id: str
    bundle_id: str | None = None

    def order(self) -> tuple[Any, ...]:
        """By what it speaks of."""
        return (_SUBJECTS[self.subject_type], self.subject, self.bundle_id or "", self.row_id)


@dataclass(frozen=True, slots=True)
class Verdict:
    """State, reasons (worst first) and proofs, with all that is needed to decide the same again.

    `profile` and `product` are empty in a verdict over several of them.
    """

    state: Readiness
    reasons: tuple[Reason, ...]
    proofs: tuple[Proof, ...]
    environment: str
    profile: str
    product: str
    bundle_ids: tuple[str, ...]
    policy_digest: str
    inputs_digest: str
    evaluated_at: datetime

    def to_dict(self) -> dict[str, Any]:
        """Plain values under the field names; times in ISO 8601, UTC."""
        told: dict[str, Any] = plain(self)
        return told

    def to_json(self) -> str:
        """The same bytes for the same verdict: sorted keys, no spaces, ASCII."""
        return canonical(self)

    def count(self, severity: ReasonSeverity) -> int:
        """How many reasons are of this severity."""
        return sum(reason.severity is severity for reason in self.reasons)

    def headline(self) -> str:
        """One line, such as: blocked: 2 blocking, 1 warning, 5 proved."""
        told = [f"{count} {each.value}" for each in ReasonSeverity if (count := self.count(each))]
        return f"{self.state.value.replace('_', ' ')}: {', '.join([*told, f'{len(self.proofs)} proved'])}"


def combine(verdicts: Iterable[Verdict], *, environment: str, at: datetime, policy_digest: str) -> Verdict:
    """One verdict over several bundles of an environment: the worst state, every reason once.

    Without any verdict it is unknown. `policy_digest` is that of the policy that decided them all; the inputs digest
    covers theirs, whatever their order.
    """
    given = list(verdicts)
    reasons = {reason for verdict in given for reason in verdict.reasons}
    if not given:
        reasons.add(
            Reason(
                ReasonCode.UNKNOWN,
                ReasonSeverity.BLOCKING,
                SubjectType.BUNDLE,
                environment,
                None,
                f"Nothing is recorded for {environment or 'any environment'}.",
            )
        )
    states = [verdict.state for verdict in given]
    return Verdict(
        state=max(states, key=list(Readiness).index, default=Readiness.UNKNOWN),
        reasons=tuple(sorted(reasons, key=Reason.order)),
        proofs=tuple(sorted({proof for verdict in given for proof in verdict.proofs}, key=Proof.order)),
        environment=environment,
        profile=_only({verdict.profile for verdict in given}),
        product=_only({verdict.product for verdict in given}),
        bundle_ids=tuple(sorted({id for verdict in given for id in verdict.bundle_ids})),
        policy_digest=policy_digest,
        inputs_digest=digest(sorted({verdict.inputs_digest for verdict in given})),
        evaluated_at=at,
    )


def said(moment: datetime) -> str:
    """A time as sentences tell it, to the minute, such as 2026-06-01 12:00 UTC."""
    return f"{spelled(moment)[:16].replace('T', ' ')} UTC"


def _only(names: set[str]) -> str:
    return names.pop() if len(names) == 1 else ""
