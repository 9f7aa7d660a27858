"""How a gate weighs in a verdict: its results held against the current evidence, its approvals and its waivers.

An evaluated gate is as fresh as its evidence, and stale as soon as the current evidence would give a worse result;
a gate that a producer decided is as fresh as the decision.
"""

from __future__ import annotations

from app.domain.digests import aware
from app.domain.evaluation import EVALUATED, gather, judge
from app.domain.evidence import RESULT_ORDER, Result
from app.domain.facts import GateFacts, made_at
from app.domain.gate_rules import Evidence
from app.domain.gates import Enforcement, Gate
from app.domain.verdict import Reason, ReasonCode, ReasonSeverity, SubjectType, said
from app.domain.waivers import refusal, tally_approvals, waives_gate
from app.domain.weighing import BAD, Case, Look, Subject, Weighed, weigh


def weigh_gate(case: Case, gate: Gate) -> Weighed:
    """The gate's reasons and proofs. A waiver of the whole gate turns its other reasons into remarks."""
    rows = [row for row in case.inputs.gates if row.gate is gate]
    must = case.required.gates.named.get(gate.value)
    looks = [_look(case, row) for row in rows if not row.waived]
    if gate is Gate.APPROVAL and must is not None:
        looks = _approvals(case, [row for row in rows if not row.waived], looks)
    covering: list[GateFacts] = []
    for waiver in (row for row in rows if row.waived):
        if waives_gate(waiver) and refusal(waiver, case.required, case.at) is None:
            covering.append(waiver)
        else:
            looks.append(_waiver(case, waiver))
    hint = " Its evidence is recorded: evaluate the bundle." if gate in EVALUATED and _evidence(case, gate) else ""
    subject = Subject(SubjectType.GATE, gate.value, f"The gate {gate.value}", must, case.bundle_id, hint)
    weighed = weigh(subject, looks)
    if not covering:
        return weighed
    waived = weighed.softened()
    reasons = (*waived.reasons, *(_waived(case, subject, waiver, weighed.worst()) for waiver in covering))
    return Weighed(reasons, waived.proofs, waived.positive, waived=True)


def _look(case: Case, row: GateFacts) -> Look:
    enforcement = case.required.gates.of(row.gate.value, row.enforcement)
    told, stale = row.summary, ""
    if row.policy_digest is not None and row.gate in EVALUATED:
        evidence = _evidence(case, row.gate)
        now = judge(row.gate, evidence, case.required)
        if now is not None and RESULT_ORDER.index(now.result) < RESULT_ORDER.index(row.result):
            stale = f"the current evidence gives {now.result.value} ({now.summary.rstrip('.')}), so evaluate it again"
        elif now is not None and now.result is not row.result:
            told = f"{told} The current evidence gives {now.result.value}, so evaluate it again.".strip()
        stale = stale or _evidence_age(case, evidence)
    elif lost := case.lost(row.item_ids):
        stale = f"it rests on evidence that {lost}"
    else:
        made = made_at(row.evaluated_at, row.recorded_at, row.confirms)
        age = case.age(made, case.required.freshness.of_gate(row.gate))
        stale = f"that was {age}" if age else ""
    if row.expires_at is not None and aware(row.expires_at) <= case.at:
        stale = f"that expired at {said(row.expires_at)}"
    return Look(row.id, row.result, enforcement, told=told, stale=stale)


def _evidence(case: Case, gate: Gate) -> Evidence:
    return gather(gate, case.bundle_id or "", case.inputs.items, case.inputs.guards)


def _evidence_age(case: Case, evidence: Evidence) -> str:
    """Why the evidence under an evaluated gate is too old; empty while all of it is fresh."""
    ages = {
        f"{item.title or item.source_key} was made {age}" for item in evidence.items if (age := case.item_age(item))
    }
    ages |= {f"the guard {each.guard} reported {age}" for each in evidence.guards if (age := case.guard_age(each))}
    return f"its evidence is old: {min(ages)}" if ages else ""


def _approvals(case: Case, rows: list[GateFacts], looks: list[Look]) -> list[Look]:
    """Approvals count together: enough fresh ones make old ones a remark; too few prove nothing."""
    given = {look.row_id: look for look in looks if look.result not in BAD}
    fresh = [
        row
        for row in rows
        if row.id in given and not given[row.id].stale and row.result in (Result.PASSED, Result.WARNED)
    ]
    tally = tally_approvals(fresh, case.given, case.required)
    short, refused = tally.shortfall, {row.id for row in tally.refused}
    counted = {row.id for row in tally.counted}
    judged: list[Look] = []
    for look in looks:
        if look.row_id in refused:
            who = next(row.actor for row in rows if row.id == look.row_id)
            words = f"the approval by {who} does not count, as they may not approve here"
            judged.append(Look(look.row_id, Result.SKIPPED, look.enforcement, look.told, instead=words))
        elif look.row_id in counted and short:
            judged.append(Look(look.row_id, Result.SKIPPED, look.enforcement, instead=short))
        elif look.row_id in given and look.stale and not short:
            judged.append(Look(look.row_id, look.result, Enforcement.REPORT_ONLY, look.told, stale=look.stale))
        else:
            judged.append(look)
    return judged


def _waiver(case: Case, waiver: GateFacts) -> Look:
    """A waiver that does not cover the whole gate: it holds for its own result, or it does not hold at all."""
    enforcement = case.required.gates.of(waiver.gate.value, waiver.enforcement)
    refused = refusal(waiver, case.required, case.at)
    if refused is None:
        counts = ReasonSeverity.of(case.required.waivers.counts_as)
        if waiver.result not in BAD and case.required.gates.named.get(waiver.gate.value) is None:
            counts = ReasonSeverity.INFO  # nothing was asked for, and nothing is wrong
        return Look(waiver.id, waiver.result, enforcement, instead=_terms(waiver), waived=counts)
    if waiver.result in BAD and not waives_gate(waiver):
        told = f"{waiver.summary} {refused.words[0].upper()}{refused.words[1:]}.".strip()
        return Look(waiver.id, waiver.result, enforcement, told=told)
    return Look(waiver.id, Result.SKIPPED, enforcement, instead=refused.words, code=refused.code)


def _waived(case: Case, subject: Subject, waiver: GateFacts, worst: ReasonSeverity) -> Reason:
    severity = worst.at_most(ReasonSeverity.of(case.required.waivers.counts_as))
    return subject.reason(ReasonCode.WAIVED, severity, waiver.id, f"{subject.label} {_terms(waiver)}")


def _terms(waiver: GateFacts) -> str:
    end = said(waiver.expires_at) if waiver.expires_at else "further notice"
    return f"is waived by {waiver.actor} until {end}: {waiver.reason or 'no reason given'}"
