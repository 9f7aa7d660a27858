"""Ready or not, and why: `decide(inputs, policy, at)`, pure and total.

Source: design/domain.md, "Readiness". A verdict is blocked by any blocking reason; unknown when nothing is recorded,
or nothing that the policy requires is proved; at risk with any warning; ready otherwise. What weighs how much is in
`weighing`, and for gates in `gate_readiness`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from app.domain.causes import standing
from app.domain.components import ComponentState
from app.domain.digests import aware
from app.domain.evaluation import gates_fed_by
from app.domain.evidence import RESULT_ORDER, EvidenceType, Result, worst_result
from app.domain.facts import ComponentFacts, GateFacts, GuardFacts, Inputs, InvariantFacts, ItemFacts, made_at
from app.domain.gate_readiness import weigh_gate
from app.domain.gates import Enforcement, Gate
from app.domain.moments import iso
from app.domain.policy import Policy
from app.domain.verdict import Proof, Readiness, Reason, ReasonCode, ReasonSeverity, SubjectType, Verdict, combine, said
from app.domain.weighing import Case, Look, Subject, Weighed, weigh

_TROUBLE = {
    ComponentState.DEGRADED_PERFORMANCE: (ReasonCode.WARNED, "is degraded"),
    ComponentState.PARTIAL_OUTAGE: (ReasonCode.FAILED, "has a partial outage"),
    ComponentState.MAJOR_OUTAGE: (ReasonCode.FAILED, "has a major outage"),
    ComponentState.UNDER_MAINTENANCE: (ReasonCode.PENDING, "is under maintenance"),
    ComponentState.UNKNOWN: (ReasonCode.UNKNOWN, "reports no status"),
}

_MILD = (ReasonCode.WARNED, ReasonCode.PENDING)
"""Degraded, or down on purpose: never more than a warning."""

_MILD_STATES = tuple(state for state, (code, _words) in _TROUBLE.items() if code in _MILD)


def decide(inputs: Inputs, policy: Policy, at: datetime) -> Verdict:
    """The verdict on one bundle, or on an environment without one, at a time. Never raises; the order of rows never
    matters, and equal inputs give equal bytes."""
    kept = inputs.current()
    required = policy.requirements(
        kind=kept.bundle.kind.value if kept.bundle else "",
        environment=kept.environment,
        profile=kept.profile,
        product=kept.product,
    )
    case = Case(kept.matching(), kept, required, aware(at))
    parts = [
        *_mismatched(case),
        *_late(case),
        *_evidence(case),
        *(weigh_gate(case, gate) for gate in Gate),
        *_invariants(case),
        *_guards(case),
        *_components(case),
    ]
    reasons = {reason for part in parts for reason in part.reasons}
    proofs = {proof for part in parts for proof in part.proofs}
    state, why = _state(case, parts, reasons)
    return Verdict(
        state=state,
        reasons=tuple(sorted(reasons | why, key=Reason.order)),
        proofs=tuple(sorted(proofs, key=Proof.order)),
        environment=kept.environment,
        profile=kept.profile,
        product=kept.product,
        bundle_ids=(kept.bundle.id,) if kept.bundle else (),
        policy_digest=policy.digest,
        inputs_digest=kept.digest(),
        evaluated_at=case.at,
    )


def decide_all(inputs: Iterable[Inputs], policy: Policy, at: datetime, *, environment: str) -> Verdict:
    """One verdict over an environment: the worst over its bundles, one `Inputs` each. Give every one of them the
    environment's components and platform guards; what they share is said once. Without any, it is unknown."""
    verdicts = [decide(each, policy, at) for each in inputs]
    return combine(verdicts, environment=environment, at=aware(at), policy_digest=policy.digest)


def _mismatched(case: Case) -> Iterator[Weighed]:
    """What is of another commit or version than the bundle: shown, and counted nowhere else."""
    rows = case.given
    proved = rows.invariants
    guards = [row for row in rows.guards if row.bundle_id in (None, case.bundle_id)]
    named: list[tuple[SubjectType, str, str, ItemFacts | GateFacts | InvariantFacts | GuardFacts]] = [
        *((SubjectType.EVIDENCE, row.evidence_type.value, "", row) for row in rows.items),
        *((SubjectType.GATE, row.gate.value, f"The gate {row.gate.value} by ", row) for row in rows.gates),
        *((SubjectType.INVARIANT, row.invariant_id, f"The invariant {row.invariant_id} by ", row) for row in proved),
        *((SubjectType.GUARD, row.guard, f"The guard {row.guard} by ", row) for row in guards),
    ]
    severity = ReasonSeverity.of(case.required.counting.mismatched)
    for type_, name, label, row in named:
        if row.mismatched:
            subject = Subject(type_, name, f"{label}{row.source_key}", None, case.bundle_id)
            sentence = f"{subject.label} is of {row.mismatched} as the bundle: it is shown, and proves nothing."
            yield Weighed((subject.reason(ReasonCode.MISMATCHED, severity, row.id, sentence),))


def _late(case: Case) -> Iterator[Weighed]:
    """Reports that came after a newer one of their check. One that tells of trouble which the newer one does not have,
    or that no newer one speaks against any more, deserves a look."""
    in_force: dict[tuple[str, str], list[Result]] = {}
    for item in case.given.items:
        in_force.setdefault(item.check, []).append(item.result)
    for item in case.given.late:
        key = item.source_key
        standing = worst_result(in_force[item.check]) if item.check in in_force else None
        good = min(RESULT_ORDER.index(each) for each in (standing or Result.PASSED, Result.PASSED))
        worse = RESULT_ORDER.index(item.result) < good
        severity = ReasonSeverity.of(case.required.counting.late) if worse else ReasonSeverity.INFO
        subject = Subject(SubjectType.EVIDENCE, item.evidence_type.value, key, None, case.bundle_id)
        told = f"{item.result.value}, made {said(made_at(item.completed_at, item.recorded_at))}"
        counts = f"the one that counts is {standing.value}" if standing else "none of that check counts now"
        sentence = f"An older report of {key} ({told}) came after the newer one, so it does not count; {counts}."
        yield Weighed((subject.reason(ReasonCode.LATE, severity, item.id, sentence),))


def _state(case: Case, parts: list[Weighed], reasons: set[Reason]) -> tuple[Readiness, set[Reason]]:
    """The state, and what is to be said of the bundle as a whole."""
    inputs = case.given
    blocking = [reason for reason in reasons if reason.severity is ReasonSeverity.BLOCKING]
    own_guards = [guard for guard in inputs.guards if guard.bundle_id is not None]
    if inputs.bundle is None or not (inputs.items or inputs.gates or inputs.invariants or own_guards):
        what = f"the bundle {inputs.bundle.bundle_key}" if inputs.bundle else f"any bundle in {inputs.environment}"
        bad_news = any(reason.code in (ReasonCode.FAILED, ReasonCode.ERROR) for reason in blocking)
        state = Readiness.BLOCKED if bad_news else Readiness.UNKNOWN
        return state, {_of_bundle(case, ReasonSeverity.BLOCKING, f"Nothing is recorded for {what}.")}
    if blocking:
        return Readiness.BLOCKED, set()
    if not any(part.positive for part in parts):
        if not any(part.waived for part in parts):
            sentence = "Nothing that the policy requires of the bundle is proved."
            return Readiness.UNKNOWN, {_of_bundle(case, ReasonSeverity.BLOCKING, sentence)}
        sentence = "What the policy requires of the bundle is waived, not proved."
        return Readiness.AT_RISK, {_of_bundle(case, ReasonSeverity.WARNING, sentence)}
    warned = any(reason.severity is ReasonSeverity.WARNING for reason in reasons)
    return (Readiness.AT_RISK if warned else Readiness.READY), set()


def _of_bundle(case: Case, severity: ReasonSeverity, sentence: str) -> Reason:
    bundle = case.inputs.bundle
    name = bundle.bundle_key if bundle else case.inputs.environment
    return Reason(ReasonCode.UNKNOWN, severity, SubjectType.BUNDLE, name, case.bundle_id, sentence, case.bundle_id)


def _evidence(case: Case) -> Iterator[Weighed]:
    """Items by their type. One that feeds a gate the policy asks for is judged by that gate."""
    asked = case.required.evidence
    gates = {Gate(name) for name in case.required.gates.required()}
    for kind in EvidenceType:
        items = [item for item in case.inputs.items if item.evidence_type is kind]
        subject = Subject(
            SubjectType.EVIDENCE, kind.value, f"The {kind.value} evidence", asked.named.get(kind.value), case.bundle_id
        )
        enforcement = asked.of(kind.value, Enforcement.REPORT_ONLY)
        yield weigh(subject, [_look_at_item(case, item, enforcement, gates) for item in items])


def _look_at_item(case: Case, item: ItemFacts, enforcement: Enforcement, gates: set[Gate]) -> Look:
    age = case.item_age(item)
    return Look(
        item.id,
        item.result,
        enforcement,
        told=item.title or item.source_key,
        stale=f"that was {age}" if age else "",
        judged_elsewhere=bool(gates_fed_by(item) & gates),
    )


def _invariants(case: Case) -> Iterator[Weighed]:
    asked = case.required.invariants
    found = {row.invariant_id for row in case.inputs.invariants}
    for name in sorted(found | asked.named.keys()):
        rows = [row for row in case.inputs.invariants if row.invariant_id == name]
        subject = Subject(SubjectType.INVARIANT, name, f"The invariant {name}", asked.named.get(name), case.bundle_id)
        enforcement = asked.of(name, Enforcement.REPORT_ONLY)
        yield weigh(subject, [_look_at_invariant(case, row, enforcement) for row in rows])


def _look_at_invariant(case: Case, row: InvariantFacts, enforcement: Enforcement) -> Look:
    item = next((each for each in case.inputs.items if each.id == row.evidence_item_id), None)
    window = case.required.freshness.of_invariant(item.evidence_type if item else None)
    age = case.age(made_at(row.evaluated_at, row.recorded_at, row.confirms), window)
    stale = f"that was {age}" if age else ""
    if row.evidence_item_id is not None and (lost := case.lost([row.evidence_item_id])):
        stale = f"the evidence that proved it {lost}"
    return Look(row.id, row.result, enforcement, told=row.title, stale=stale)


def _guards(case: Case) -> Iterator[Weighed]:
    """Guards of the bundle and of the platform. Where the guard gate lets some fail, it judges those not named."""
    asked = case.required.guards
    lenient = case.required.gates.named.get(Gate.GUARD.value) is not None and case.required.guard.max_failed != 0
    found: dict[str, list[GuardFacts]] = {name: [] for name in asked.named}
    for row in case.inputs.guards:
        if row.bundle_id in (None, case.bundle_id):
            found.setdefault(row.guard, []).append(row)
    for name, rows in sorted(found.items()):
        of_platform = bool(rows) and all(row.bundle_id is None for row in rows)
        bundle_id = None if of_platform else case.bundle_id
        subject = Subject(SubjectType.GUARD, name, f"The guard {name}", asked.named.get(name), bundle_id)
        looks = []
        for row in rows:
            own = Enforcement.REPORT_ONLY if lenient else row.mode
            age = case.guard_age(row)
            looks.append(Look(row.id, row.result, asked.of(name, own), stale=f"that was {age}" if age else ""))
        yield weigh(subject, looks)


def _components(case: Case) -> Iterator[Weighed]:
    """Every component of the environment: what was seen last, which past its window is no status, or trouble that was
    told and is not over, which has no window."""
    found: dict[str, list[ComponentFacts]] = {}
    for row in case.inputs.components:
        if row.environment == case.inputs.environment:
            found.setdefault(row.component, []).append(row)
    asked = case.required.components
    for name in sorted(found.keys() | asked.named.keys()):
        subject = Subject(SubjectType.COMPONENT, name, f"The component {name}", asked.named.get(name), None)
        now = standing(found.get(name, ()), lambda row: not _component_age(case, row))
        if now is None:
            yield weigh(subject, [])
            continue
        if now.open:
            yield _open(case, subject, now.row)
            if not subject.must or now.row.status not in _MILD_STATES or now.seen is None:
                continue
            if _component_age(case, now.seen):  # a mild trouble does not make up for a look that is missing
                yield _component(case, subject, now.seen)
        else:
            yield _component(case, subject, now.row)


def _component_age(case: Case, row: ComponentFacts) -> str:
    return case.age(made_at(row.observed_at, row.recorded_at), case.required.freshness.of_component(row.component))


def _open(case: Case, subject: Subject, row: ComponentFacts) -> Weighed:
    """Trouble that an alert or incident told, and that is not over: it does not age."""
    severity = ReasonSeverity.of(case.required.components.of(subject.name, Enforcement.REPORT_ONLY))
    code, words = _TROUBLE[row.status]
    severity = severity.at_most(ReasonSeverity.WARNING) if code in _MILD else severity
    since = row.began_at or iso(made_at(row.observed_at, row.recorded_at))
    told = f": {row.message}" if row.message else "."
    sentence = f"{subject.label} {words} since {since}, told by {row.cause}{told}"
    return Weighed((subject.reason(code, severity, row.id, sentence),))


def _component(case: Case, subject: Subject, row: ComponentFacts) -> Weighed:
    severity = ReasonSeverity.of(case.required.components.of(subject.name, Enforcement.REPORT_ONLY))
    told = f": {row.message}" if row.message else "."
    age = _component_age(case, row)
    if age:
        if not subject.must and row.status not in _TROUBLE:
            severity = ReasonSeverity.INFO  # it may be gone for good
        elif not subject.must and _TROUBLE[row.status][0] in _MILD:
            severity = severity.at_most(ReasonSeverity.WARNING)
        sentence = f"{subject.label} was {row.status.value} when last seen {age}; how it is now is unknown."
        return Weighed((subject.reason(ReasonCode.STALE, severity, row.id, sentence),))
    if row.status in _TROUBLE:
        code, words = _TROUBLE[row.status]
        severity = severity.at_most(ReasonSeverity.WARNING) if code in _MILD else severity
        return Weighed((subject.reason(code, severity, row.id, f"{subject.label} {words}{told}"),))
    # A component that runs says nothing of the release, so it is a proof but not what makes a bundle ready.
    proof = Proof(SubjectType.COMPONENT, subject.name, row.id, None)
    return Weighed(proofs=(proof,) if subject.must else ())
