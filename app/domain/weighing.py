"""How the rows of one subject (a gate, an invariant, a guard, a type of evidence) weigh in a verdict.

Bad news does not age: a failed row counts until it is superseded. Good news does: passed and stale is no evidence.
Every row counts, so the worst decides; skipped and not applicable prove nothing either way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.domain.evidence import Result
from app.domain.facts import GuardFacts, Inputs, ItemFacts, made_at
from app.domain.gate_rules import SILENT
from app.domain.gates import Enforcement
from app.domain.requirements import Asked, Requirements
from app.domain.verdict import Proof, Reason, ReasonCode, ReasonSeverity, SubjectType, said

BAD = {
    Result.FAILED: ReasonCode.FAILED,
    Result.ERROR: ReasonCode.ERROR,
    Result.PENDING: ReasonCode.PENDING,
    Result.INCONCLUSIVE: ReasonCode.UNKNOWN,
}
"""Results that are trouble, and what a reason calls them."""

_WORDS = {
    Result.PASSED: "passed",
    Result.WARNED: "passed with warnings",
    Result.FAILED: "failed",
    Result.ERROR: "broke before it could pass or fail",
    Result.PENDING: "is pending",
    Result.INCONCLUSIVE: "came to no result",
    Result.SKIPPED: "was skipped",
    Result.NOT_APPLICABLE: "is said not to apply",
}

SENTENCE_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Look:
    """One row as the verdict sees it."""

    row_id: str
    result: Result
    enforcement: Enforcement
    """How hard it bites, by the policy where it speaks, else by the row."""
    told: str = ""
    """What the row says of itself."""
    stale: str = ""
    """Why a pass does not count any more, as the end of a sentence; empty when it does."""
    judged_elsewhere: bool = False
    """A gate judges the row, so that its result is no reason of its own; its age is."""
    instead: str = ""
    """What stands in for the result's words: the row does not hold, whatever it says."""
    code: ReasonCode = ReasonCode.MISSING
    """What the reason is called when nothing but silent rows is there."""
    waived: ReasonSeverity | None = None
    """The row is waived, and weighs at most this."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """The reasons and proofs of one subject."""

    reasons: tuple[Reason, ...] = ()
    proofs: tuple[Proof, ...] = ()
    positive: bool = False
    """Something of the bundle's own that the policy requires, more than report-only, is proved."""
    waived: bool = False

    def worst(self) -> ReasonSeverity:
        """The heaviest reason's severity; info when there is none."""
        return min(
            (reason.severity for reason in self.reasons), key=list(ReasonSeverity).index, default=ReasonSeverity.INFO
        )

    def softened(self) -> Weighed:
        """The same, every reason a remark."""
        return replace(self, reasons=tuple(replace(each, severity=ReasonSeverity.INFO) for each in self.reasons))


@dataclass(frozen=True, slots=True)
class Subject:
    """What rows are weighed for. `must` is the enforcement when the policy requires it, else None."""

    type: SubjectType
    name: str
    label: str
    must: Asked
    bundle_id: str | None
    hint: str = ""
    """What to do when there is no row."""

    def reason(self, code: ReasonCode, severity: ReasonSeverity, row_id: str | None, sentence: str) -> Reason:
        """A reason about this subject."""
        text = sentence if len(sentence) <= SENTENCE_LIMIT else f"{sentence[: SENTENCE_LIMIT - 1]}…"
        return Reason(code, severity, self.type, self.name, row_id, text, self.bundle_id)


def weigh(subject: Subject, looks: Sequence[Look]) -> Weighed:
    """The reasons of all rows; proofs only where nothing but warnings and waivers speaks against them."""
    reasons: list[Reason] = []
    proofs: list[Proof] = []
    speaking = [look for look in looks if look.waived is not None or look.result not in SILENT]
    for look in speaking:
        reason = _reason(subject, look)
        if reason is not None:
            reasons.append(reason)
        if subject.must and look.waived is None and look.result not in BAD and not look.stale:
            proofs.append(Proof(subject.type, subject.name, look.row_id, subject.bundle_id))
    for look in looks:
        if look not in speaking and (look.instead or not speaking):
            reasons.extend(_silence(subject, look, alone=not speaking))
    if subject.must and not looks:
        what = "status of it" if subject.type is SubjectType.COMPONENT else "result"
        sentence = f"{subject.label} is required, and there is no {what}.{subject.hint}"
        reasons.append(subject.reason(ReasonCode.MISSING, ReasonSeverity.of(subject.must), None, sentence))
    contested = any(
        reason.severity is not ReasonSeverity.INFO and reason.code not in (ReasonCode.WARNED, ReasonCode.WAIVED)
        for reason in reasons
    )
    return Weighed(
        tuple(reasons),
        () if contested else tuple(proofs),
        positive=bool(proofs)
        and not contested
        and subject.must is not Enforcement.REPORT_ONLY
        and subject.bundle_id is not None,
        waived=any(look.waived is not None for look in looks),
    )


def _reason(subject: Subject, look: Look) -> Reason | None:
    """Why the row is not clean; None when it is."""
    severity = ReasonSeverity.of(look.enforcement)
    told = f": {look.told}" if look.told else "."
    if look.waived is not None:
        return subject.reason(
            ReasonCode.WAIVED, severity.at_most(look.waived), look.row_id, f"{subject.label} {look.instead}"
        )
    words = look.instead or _WORDS[look.result]
    if look.result in BAD and not look.judged_elsewhere:
        return subject.reason(BAD[look.result], severity, look.row_id, f"{subject.label} {words}{told}")
    if subject.must and look.stale:
        sentence = f"{subject.label} {words}, but {look.stale}{told}"
        return subject.reason(ReasonCode.STALE, severity, look.row_id, sentence)
    if look.result is Result.WARNED and not look.judged_elsewhere:
        warning = severity.at_most(ReasonSeverity.WARNING)
        return subject.reason(ReasonCode.WARNED, warning, look.row_id, f"{subject.label} {words}{told}")
    return None


def _silence(subject: Subject, look: Look, *, alone: bool) -> Iterable[Reason]:
    """A row that proves nothing: as bad as none when a required subject has no other, else at most a remark."""
    words = look.instead or _WORDS[look.result]
    told = f": {look.told}" if look.told else "."
    if subject.must and alone:
        sentence = f"{subject.label} is required, and {words}{told}"
        yield subject.reason(look.code, ReasonSeverity.of(look.enforcement), look.row_id, sentence)
    elif look.instead:
        yield subject.reason(look.code, ReasonSeverity.INFO, look.row_id, f"{subject.label}: {words}{told}")


@dataclass(frozen=True, slots=True)
class Case:
    """What is being decided: the current rows that count, what the policy asks of them, and the time. `given` are all
    current rows, also those that are of another commit or version and so count nowhere."""

    inputs: Inputs
    given: Inputs
    required: Requirements
    at: datetime

    @property
    def bundle_id(self) -> str | None:
        """The bundle's id, where there is a bundle."""
        return self.inputs.bundle.id if self.inputs.bundle else None

    def lost(self, item_ids: Iterable[str]) -> str:
        """Why items do not count, as the end of a sentence; empty while all of them do."""
        missing = set(item_ids) - {item.id for item in self.inputs.items}
        if not missing:
            return ""
        shown = missing <= {item.id for item in self.given.items}
        return "is of another commit or version" if shown else "has been replaced or withdrawn since"

    def age(self, made: datetime, window: timedelta | None) -> str:
        """How old something is when its window has passed, such as `at 2026-06-01 12:00 UTC, more than 7d ago`;
        empty while it is fresh. Exactly as old as the window is still fresh."""
        if window is None or self.at - made <= window:
            return ""
        return f"at {said(made)}, more than {duration_text(window)} ago"

    def item_age(self, item: ItemFacts) -> str:
        """`age` of an item."""
        window = self.required.freshness.of_evidence(item.evidence_type)
        return self.age(made_at(item.completed_at, item.recorded_at, item.confirms), window)

    def guard_age(self, guard: GuardFacts) -> str:
        """`age` of a guard's report."""
        made = made_at(guard.generated_at, guard.recorded_at, guard.confirms)
        return self.age(made, self.required.freshness.of_guard(guard.guard))


def duration_text(window: timedelta) -> str:
    """As a policy writes it, such as 1d12h or 15m."""
    left, told = int(window.total_seconds()), ""
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        number, left = divmod(left, size)
        told += f"{number}{unit}" if number else ""
    return told or "0s"
