"""What must hold of any verdict, whatever the rows and the policy."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.evidence import Result
from app.domain.policy import Policy
from app.domain.readiness import decide, decide_all
from app.domain.verdict import Readiness, ReasonCode, ReasonSeverity, SubjectType, Verdict, combine
from tests.domain.inputs import AT, Drawing, changed

ROWS = ("items", "gates", "invariants", "guards", "components")

seeds = given(st.integers(0, 2**48))
often = settings(max_examples=600, deadline=None)


def goodness(verdict: Verdict) -> int:
    return -list(Readiness).index(verdict.state)


def test_the_drawn_situations_are_worth_drawing() -> None:
    states = Counter(decide(*Drawing(seed).situation(), AT).state for seed in range(500))
    assert all(states[state] >= 10 for state in Readiness), states


@often
@seeds
def test_any_inputs_give_a_verdict_that_says_why(seed: int) -> None:
    rows, policy = Drawing(seed).situation()
    verdict = decide(rows, policy, AT)
    severities = {reason.severity for reason in verdict.reasons}
    if verdict.state is Readiness.READY:
        assert severities <= {ReasonSeverity.INFO}
        assert verdict.proofs
    if verdict.state is Readiness.AT_RISK:
        assert ReasonSeverity.WARNING in severities
        assert ReasonSeverity.BLOCKING not in severities
    if verdict.state in (Readiness.BLOCKED, Readiness.UNKNOWN):
        assert ReasonSeverity.BLOCKING in severities
    if verdict.state is Readiness.UNKNOWN:
        assert ReasonCode.UNKNOWN in {reason.code for reason in verdict.reasons}
    known = {row.id for name in ROWS for row in getattr(rows, name)} | {"b"}
    assert {reason.row_id for reason in verdict.reasons if reason.row_id} <= known


@often
@seeds
def test_the_order_of_rows_never_matters(seed: int) -> None:
    drawing = Drawing(seed)
    rows, policy = drawing.situation()

    def shuffled(some: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(drawing.chance.sample([*some, *some[:1]], len(some) + len(some[:1])))

    other = changed(rows, {name: shuffled(getattr(rows, name)) for name in ROWS})
    assert decide(other, policy, AT).to_json() == decide(rows, policy, AT).to_json()


@seeds
def test_the_zone_of_a_time_never_matters(seed: int) -> None:
    drawing = Drawing(seed)
    rows, policy = drawing.situation()
    zone = timezone(timedelta(hours=drawing.chance.randrange(-12, 13)))

    def moved(row: Any) -> Any:
        times = {name: getattr(row, name) for name in row.__dataclass_fields__}
        moments = {name: each.astimezone(zone) for name, each in times.items() if isinstance(each, datetime)}
        return replace(row, **moments)

    other = changed(rows, {name: tuple(moved(row) for row in getattr(rows, name)) for name in ROWS})
    assert decide(other, policy, AT.astimezone(zone)).to_json() == decide(rows, policy, AT).to_json()


@often
@seeds
def test_a_failing_blocking_row_never_improves_a_verdict(seed: int) -> None:
    drawing = Drawing(seed)
    rows, policy = drawing.situation()
    worse = drawing.with_a_failure(rows)
    assert goodness(decide(worse, policy, AT)) <= goodness(decide(rows, policy, AT))


@often
@seeds
def test_what_is_of_another_commit_or_came_late_never_improves_a_verdict(seed: int) -> None:
    drawing = Drawing(seed)
    rows, policy = drawing.situation()
    more, added = drawing.with_what_does_not_count(rows)
    before, after = decide(rows, policy, AT), decide(more, policy, AT)
    assert goodness(after) <= goodness(before)
    assert added not in {proof.row_id for proof in after.proofs}
    assert set(after.proofs) <= set(before.proofs)


@often
@seeds
def test_what_is_of_another_commit_is_never_passed_over_in_silence(seed: int) -> None:
    rows, policy = Drawing(seed).situation()
    verdict = decide(rows, policy, AT)
    foreign = {row.id for name in ROWS[:3] for row in getattr(rows.current(), name) if row.mismatched}
    assert {each.row_id for each in verdict.reasons if each.code is ReasonCode.MISMATCHED} >= foreign
    assert not foreign & {proof.row_id for proof in verdict.proofs}


@often
@seeds
def test_superseding_a_failure_with_a_fresh_pass_never_worsens_a_verdict(seed: int) -> None:
    drawing = Drawing(seed)
    rows, policy = drawing.situation()
    better = drawing.with_a_fix(rows)
    if better is not None:
        assert goodness(decide(better, policy, AT)) >= goodness(decide(rows, policy, AT))


@often
@seeds
def test_time_alone_never_improves_a_verdict(seed: int) -> None:
    drawing = Drawing(seed)
    rows, policy = drawing.situation()
    later = AT + timedelta(minutes=drawing.one(1, 100, 1000, 10_000, 100_000))
    assert goodness(decide(rows, policy, later)) <= goodness(decide(rows, policy, AT))


@seeds
def test_digests_are_equal_for_equal_inputs_and_no_others(seed: int) -> None:
    rows, policy = Drawing(seed).situation()
    again = changed(rows, {name: tuple(replace(row) for row in getattr(rows, name)) for name in ROWS})
    assert again.digest() == rows.digest() == decide(rows, policy, AT).inputs_digest
    kept = rows.current()
    if kept.gates:
        other = replace(kept, gates=(replace(kept.gates[0], summary="something else"), *kept.gates[1:]))
        assert other.digest() != rows.digest()
    for name in ROWS:
        if getattr(kept, name):
            fewer = changed(kept, {name: getattr(kept, name)[1:]})
            assert fewer.digest() != rows.digest()


@seeds
def test_an_environment_is_as_bad_as_its_worst_bundle(seed: int) -> None:
    drawing = Drawing(seed)
    policy: Policy = drawing.policy()
    many = [drawing.inputs() for _ in drawing.few()]
    together = decide_all(many, policy, AT, environment="staging")
    each = [decide(one, policy, AT) for one in many]
    assert goodness(together) == min(map(goodness, each), default=-list(Readiness).index(Readiness.UNKNOWN))
    assert {reason for one in each for reason in one.reasons} <= set(together.reasons)
    drawing.chance.shuffle(each)
    again = combine(each, environment="staging", at=AT, policy_digest=policy.digest)
    assert again.to_json() == together.to_json()


@often
@seeds
def test_a_gate_is_never_proved_by_less_than_a_pass(seed: int) -> None:
    rows, policy = Drawing(seed).situation()
    passed = {row.id for row in rows.gates if row.result in (Result.PASSED, Result.WARNED) and not row.waived}
    proofs = decide(rows, policy, AT).proofs
    assert {proof.row_id for proof in proofs if proof.subject_type is SubjectType.GATE} <= passed
