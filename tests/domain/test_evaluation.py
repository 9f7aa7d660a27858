"""Gates as current evidence decides them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.evaluation import EVALUATED, GateDecision, evaluate_gate
from app.domain.evidence import BundleKind, EvidenceType, FindingCounts, Result, TestCounts
from app.domain.facts import BundleFacts, GuardFacts, ItemFacts
from app.domain.gates import Enforcement, Gate
from app.domain.policy import parse_policy
from tests.domain.inputs import Drawing

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
BUNDLE = BundleFacts("b", "release/app/1.0.0", BundleKind.RELEASE_CANDIDATE, "staging", "standard", "app")
GATES = """[rules.gates]
security = "blocking"
uat = "blocking"
contract_drift = "blocking"
capacity = "blocking"
guard = "blocking"
[[rules]]
product = "app"
"""


def item(kind: EvidenceType, result: Result = Result.PASSED, *, id: str = "i", **more: Any) -> ItemFacts:
    return ItemFacts(id, kind, f"{kind}/{id}", result, AT - timedelta(hours=1), **more)


def guard(name: str, mode: Enforcement, result: Result, **more: Any) -> GuardFacts:
    return GuardFacts(f"g-{name}", name, "guard", mode, result, AT, **{"bundle_id": "b", **more})


def decided(gate: Gate, *items: ItemFacts, rules: str = "", guards: tuple[GuardFacts, ...] = ()) -> GateDecision:
    policy = parse_policy(f"version = 1\n[[rules]]\n{GATES}{rules}", "p")
    decision = evaluate_gate(gate, BUNDLE, items, guards, policy, AT)
    assert decision is not None
    return decision


@pytest.mark.parametrize("gate", list(Gate))
def test_without_evidence_a_gate_is_pending_if_asked_for_and_else_not_decided(gate: Gate) -> None:
    policy = parse_policy(f"version = 1\n[[rules]]\n{GATES}", "p")
    asked = evaluate_gate(gate, BUNDLE, [], [], policy, AT)
    if gate in EVALUATED:
        assert asked is not None
        assert asked.result is Result.PENDING
        assert asked.item_ids == ()
        assert asked.summary.startswith("No ")
    else:
        assert asked is None
    for quiet in ("version = 1\n[[rules]]", f'version = 1\n[[rules]]\ngates.{gate.value} = "off"'):
        assert evaluate_gate(gate, BUNDLE, [], [], parse_policy(quiet, "q"), AT) is None


def test_a_gate_that_nobody_asked_for_is_decided_for_the_report() -> None:
    quiet = parse_policy("version = 1\n[[rules]]", "q")
    decision = evaluate_gate(Gate.UAT, BUNDLE, [item(EvidenceType.UAT, Result.FAILED)], [], quiet, AT)
    assert decision is not None
    assert (decision.result, decision.enforcement) == (Result.FAILED, Enforcement.REPORT_ONLY)


DRIFT = [
    ([0], "", Result.PASSED, "0 breaking changes in 1 comparison; at most 0 allowed."),
    ([2], "", Result.FAILED, "2 breaking changes in 1 comparison; at most 0 allowed."),
    ([2, 1], "thresholds.contract_drift.max_breaking = 3", Result.PASSED, "3 breaking changes in 2 comparisons"),
    ([2, 2], "thresholds.contract_drift.max_breaking = 3", Result.FAILED, "4 breaking changes"),
    ([9], 'thresholds.contract_drift.max_breaking = "unlimited"', Result.PASSED, "any number is allowed"),
    ([None], "", Result.INCONCLUSIVE, "Could not be told from ci/0."),
    (["many"], "", Result.INCONCLUSIVE, "Could not be told"),
    ([True], "", Result.INCONCLUSIVE, "Could not be told"),
    ([0, None], "", Result.INCONCLUSIVE, "Could not be told from ci/1."),
    ([3, None], "", Result.FAILED, "3 breaking changes"),
]


@pytest.mark.parametrize(("breaking", "rules", "result", "summary"), DRIFT)
def test_contract_drift(breaking: list[Any], rules: str, result: Result, summary: str) -> None:
    items = [
        item(EvidenceType.CI, id=str(number), payload={"contract_drift": {"breaking": each}})
        for number, each in enumerate(breaking)
    ]
    decision = decided(Gate.CONTRACT_DRIFT, *items, item(EvidenceType.CI, id="other"), rules=rules)
    assert decision.result is result
    assert summary in decision.summary
    assert decision.item_ids == tuple(str(number) for number in range(len(breaking)))


@pytest.mark.parametrize(
    ("given_result", "breaking", "result"),
    [
        (Result.FAILED, 0, Result.FAILED),
        (Result.FAILED, None, Result.FAILED),
        (Result.ERROR, 0, Result.ERROR),
        (Result.INCONCLUSIVE, 0, Result.INCONCLUSIVE),
        (Result.WARNED, 0, Result.PASSED),
        (Result.SKIPPED, 0, Result.PENDING),
    ],
)
def test_a_comparison_that_came_to_no_end_is_no_pass(
    given_result: Result, breaking: int | None, result: Result
) -> None:
    payload = {"contract_drift": {"breaking": breaking}}
    assert decided(Gate.CONTRACT_DRIFT, item(EvidenceType.CI, given_result, payload=payload)).result is result


def scan(id: str, result: Result = Result.PASSED, **counts: int) -> ItemFacts:
    return item(EvidenceType.SECURITY, result, id=id, findings=FindingCounts(**counts))


def test_security_counts_over_all_scans_against_the_limits() -> None:
    rules = "thresholds.security = { max_high = 2, max_medium = 5 }"
    good = decided(Gate.SECURITY, scan("1", high=1, low=40), scan("2", high=1, medium=5), rules=rules)
    assert good.result is Result.PASSED
    assert good.summary == "2 high, 5 medium, 40 low in 2 scans; within the limits."
    bad = decided(Gate.SECURITY, scan("1", high=2), scan("2", high=1, medium=6), rules=rules)
    assert bad.result is Result.FAILED
    assert bad.summary == "3 high, 6 medium in 2 scans; allowed are at most 2 high, at most 5 medium."
    assert bad.details["findings"]["high"] == 3
    assert bad.item_ids == ("1", "2")
    assert decided(Gate.SECURITY, scan("1", critical=1)).result is Result.FAILED
    assert decided(Gate.SECURITY, scan("1", unknown=9, medium=9)).result is Result.PASSED


def test_security_takes_a_scan_that_told_nothing_for_no_pass() -> None:
    broken = scan("2", Result.ERROR)
    assert decided(Gate.SECURITY, scan("1"), broken).result is Result.ERROR
    assert decided(Gate.SECURITY, scan("1"), item(EvidenceType.SECURITY, id="2")).result is Result.INCONCLUSIVE
    assert decided(Gate.SECURITY, scan("1", critical=1), broken).result is Result.FAILED
    assert decided(Gate.SECURITY, scan("1", Result.SKIPPED)).result is Result.PENDING


def test_security_takes_off_what_vex_statements_answer() -> None:
    findings = [
        {"id": "CVE-1", "severity": "critical", "package": "left-pad", "version": "1.0"},
        {"id": "CVE-2", "severity": "critical", "package": "left-pad", "version": "1.0"},
        "not a finding",
    ]
    scanned = item(
        EvidenceType.SECURITY, id="scan", findings=FindingCounts(critical=2), payload={"top_findings": findings}
    )

    def vex_item(*statements: Any) -> ItemFacts:
        payload = {"vex_statements": list(statements), "top_findings": []}
        return item(EvidenceType.SECURITY, id="vex", findings=FindingCounts(), payload=payload)

    def statement(name: str, status: str = "not_affected") -> dict[str, Any]:
        return {"vulnerability": name, "products": ["pkg:npm/left-pad@1.0"], "status": status}

    one = decided(Gate.SECURITY, scanned, vex_item(statement("CVE-1"), 7))
    assert one.result is Result.FAILED
    assert one.details["answered"] == 1
    both = decided(Gate.SECURITY, scanned, vex_item(statement("CVE-1"), statement("CVE-2", "fixed")))
    assert both.result is Result.PASSED
    assert "2 more answered by VEX statements" in both.summary
    assert both.item_ids == ("scan", "vex")
    assert decided(Gate.SECURITY, scanned, vex_item(statement("CVE-1", "affected"))).details["answered"] == 0
    alone = decided(Gate.SECURITY, vex_item(statement("CVE-1")))
    assert alone.result is Result.PENDING


def load(id: str = "i", result: Result = Result.PASSED, **capacity: Any) -> ItemFacts:
    return item(EvidenceType.CI, result, id=id, payload={"capacity": capacity})


def ok(*marks: bool | None) -> list[dict[str, Any]]:
    return [{"metric": "m", "expression": "e", "ok": mark} for mark in marks]


P95 = "thresholds.capacity = { max_percentiles_ms = { p95 = 800 } }"
RATE = "thresholds.capacity = { max_error_rate = 0.01 }"

LOADS = [
    ("", {"thresholds": ok(True, True)}, Result.PASSED, "2 thresholds held in 1 load test; within the limits."),
    ("", {"thresholds": ok(True, False)}, Result.FAILED, "1 threshold failed, at most 0 may."),
    (
        "thresholds.capacity.max_failed_thresholds = 1",
        {"thresholds": ok(True, False)},
        Result.PASSED,
        "1 threshold held",
    ),
    ("", {"thresholds": ok(True, None)}, Result.INCONCLUSIVE, "1 threshold could not be told."),
    ("", {"thresholds": ok(True), "thresholds_failed": 4}, Result.FAILED, "4 thresholds failed"),
    ("", {"thresholds": []}, Result.INCONCLUSIVE, "No limit can be judged from ci/i."),
    ("", {"thresholds": "?"}, Result.INCONCLUSIVE, "No limit can be judged"),
    ("", {"thresholds": [], "error_rate": 0.0}, Result.INCONCLUSIVE, "No limit can be judged"),
    (RATE, {"thresholds": [], "error_rate": 0.01}, Result.PASSED, "within the limits"),
    (RATE, {"thresholds": [], "error_rate": 0.011}, Result.FAILED, "1.10% of requests failed, at most 1.00% may."),
    (RATE, {"thresholds": ok(True)}, Result.WARNED, "not every test gives a figure for: error rate."),
    (RATE, {"thresholds": [], "percentiles_ms": {"p95": 3}}, Result.INCONCLUSIVE, "No limit can be judged"),
    (P95, {"thresholds": [], "percentiles_ms": {"p95": 800}}, Result.PASSED, "within the limits"),
    (P95, {"thresholds": [], "percentiles_ms": {"p95": 801.5}}, Result.FAILED, "p95 was 801.5 ms, at most 800 ms."),
    (P95, {"thresholds": ok(True), "percentiles_ms": {"p90": 1}}, Result.WARNED, "figure for: p95."),
    (P95, {"thresholds": ok(True), "percentiles_ms": None}, Result.WARNED, "figure for: p95."),
]


@pytest.mark.parametrize(("rules", "capacity", "result", "summary"), LOADS)
def test_capacity(rules: str, capacity: dict[str, Any], result: Result, summary: str) -> None:
    decision = decided(Gate.CAPACITY, load(**capacity), rules=rules)
    assert (decision.result, summary in decision.summary) == (result, True), decision.summary


def test_one_failing_load_test_is_not_averaged_away() -> None:
    good, bad = load("1", thresholds=ok(True), error_rate=0), load("2", thresholds=ok(True), error_rate=0.5)
    assert decided(Gate.CAPACITY, good, bad, rules=RATE).result is Result.FAILED
    silent = load("2", thresholds=[])
    assert decided(Gate.CAPACITY, good, silent, rules=RATE).result is Result.INCONCLUSIVE


def ran(passed: int, failed: int = 0, error: int = 0, skipped: int = 0, flaky: int = 0) -> TestCounts:
    return TestCounts(passed + failed + error + skipped, passed, failed, error, skipped, flaky)


UAT = "thresholds.uat = { min_pass_rate = 0.9, max_flaky = 2 }"

UATS = [
    ("", [(Result.PASSED, ran(10))], Result.PASSED, "10 of 10 tests passed."),
    ("", [(Result.FAILED, ran(9, 1))], Result.FAILED, "9 of 10 tests passed; not good enough: uat/0."),
    (UAT, [(Result.FAILED, ran(9, 1))], Result.PASSED, "9 of 10 tests passed."),
    (UAT, [(Result.ERROR, ran(8, 1, 1))], Result.FAILED, "8 of 10"),
    (UAT, [(Result.PASSED, ran(100)), (Result.FAILED, ran(1, 1))], Result.FAILED, "not good enough: uat/1"),
    (UAT, [(Result.FAILED, ran(9, 1, skipped=90))], Result.PASSED, "9 of 10 tests passed."),
    (UAT, [(Result.WARNED, ran(10, flaky=2))], Result.WARNED, "2 of them only on a retry."),
    (UAT, [(Result.WARNED, ran(10, flaky=2)), (Result.WARNED, ran(1, flaky=1))], Result.FAILED, "at most 2 may."),
    ("", [(Result.WARNED, ran(10, flaky=9))], Result.WARNED, "9 of them only on a retry."),
    ("", [(Result.SKIPPED, ran(0, skipped=5))], Result.PENDING, "No UAT result is recorded."),
    ("", [(Result.INCONCLUSIVE, ran(0))], Result.INCONCLUSIVE, "no outcome of uat/0"),
    ("", [(Result.PASSED, None)], Result.PASSED, "1 UAT entry."),
    ("", [(Result.FAILED, None)], Result.FAILED, "not good enough: uat/0"),
    ("", [(Result.PENDING, None), (Result.PASSED, ran(1))], Result.PENDING, "no outcome of uat/0"),
    ("", [(Result.ERROR, ran(3))], Result.ERROR, "no outcome of uat/0"),
    ("", [(Result.FAILED, ran(3))], Result.FAILED, "not good enough: uat/0"),
]


@pytest.mark.parametrize(("rules", "runs", "result", "summary"), UATS)
def test_uat(rules: str, runs: list[tuple[Result, TestCounts | None]], result: Result, summary: str) -> None:
    items = [item(EvidenceType.UAT, each, id=str(number), tests=counts) for number, (each, counts) in enumerate(runs)]
    decision = decided(Gate.UAT, *items, rules=rules)
    assert (decision.result, summary in decision.summary) == (result, True), decision.summary


BLOCKING, WARNING, REPORT = Enforcement.BLOCKING, Enforcement.WARNING, Enforcement.REPORT_ONLY

GUARDS = [
    ("", [(BLOCKING, Result.PASSED)], Result.PASSED, "1 of 1 guard passed."),
    ("", [(BLOCKING, Result.PASSED), (BLOCKING, Result.FAILED)], Result.FAILED, "failed in blocking mode: n1."),
    ("", [(BLOCKING, Result.PASSED), (BLOCKING, Result.ERROR)], Result.FAILED, "failed in blocking mode: n1."),
    ("", [(BLOCKING, Result.PASSED), (WARNING, Result.FAILED)], Result.WARNED, "with warnings: n1."),
    ("", [(BLOCKING, Result.PASSED), (REPORT, Result.FAILED)], Result.PASSED, "1 of 2 guards passed."),
    ("", [(BLOCKING, Result.PASSED), (BLOCKING, Result.WARNED)], Result.WARNED, "with warnings: n1."),
    ("", [(BLOCKING, Result.PASSED), (BLOCKING, Result.PENDING)], Result.INCONCLUSIVE, "no outcome of n1."),
    ("", [(REPORT, Result.FAILED)], Result.INCONCLUSIVE, "0 of 1 guard passed."),
    ("", [(BLOCKING, Result.SKIPPED)], Result.PENDING, "No guard report is recorded."),
    ('guards.n1 = "blocking"', [(BLOCKING, Result.PASSED), (REPORT, Result.FAILED)], Result.FAILED, "n1"),
    ('guards.n1 = "off"', [(BLOCKING, Result.PASSED), (BLOCKING, Result.FAILED)], Result.PASSED, "1 of 2"),
    ("thresholds.guard.max_failed = 1", [(BLOCKING, Result.PASSED), (BLOCKING, Result.FAILED)], Result.WARNED, "n1"),
]


@pytest.mark.parametrize(("rules", "reports", "result", "summary"), GUARDS)
def test_guards(rules: str, reports: list[tuple[Enforcement, Result]], result: Result, summary: str) -> None:
    guards = tuple(guard(f"n{number}", mode, each) for number, (mode, each) in enumerate(reports))
    decision = decided(Gate.GUARD, rules=rules, guards=guards)
    assert (decision.result, summary in decision.summary) == (result, True), decision.summary


def test_a_guards_item_counts_once_and_other_bundles_guards_not_at_all() -> None:
    own = guard("n", BLOCKING, Result.PASSED, evidence_item_id="i")
    platform = guard("p", BLOCKING, Result.PASSED, bundle_id=None)
    foreign = guard("x", BLOCKING, Result.FAILED, bundle_id="another")
    decision = decided(Gate.GUARD, item(EvidenceType.GUARD, Result.FAILED), guards=(own, platform, foreign))
    assert decision.result is Result.PASSED
    assert (decision.item_ids, decision.guard_ids) == ((), ("g-n", "g-p"))
    alone = decided(Gate.GUARD, item(EvidenceType.GUARD, Result.FAILED), guards=(platform,))
    assert alone.result is Result.FAILED
    assert alone.item_ids == ("i",)


def test_superseded_and_retracted_rows_decide_nothing() -> None:
    old = scan("1", critical=1)
    new = replace(scan("2"), supersedes_id="1")
    assert decided(Gate.SECURITY, old, new).item_ids == ("2",)
    withdrawn = replace(new, retracted=True)
    assert decided(Gate.SECURITY, old, withdrawn).result is Result.PENDING


@pytest.mark.parametrize("result", [Result.PASSED, Result.FAILED])
def test_what_is_of_another_commit_or_came_late_decides_nothing(result: Result) -> None:
    own = scan("1", critical=int(result is Result.PASSED))
    other = replace(scan("2", critical=int(result is Result.FAILED)), mismatched="commit b, not a")
    decision = decided(Gate.SECURITY, own, other)
    assert decision == decided(Gate.SECURITY, own)
    assert decided(Gate.SECURITY, other).result is Result.PENDING
    late = replace(other, mismatched="", late=True)
    assert decided(Gate.SECURITY, own, late) == decision
    assert decided(Gate.SECURITY, late).result is Result.PENDING
    foreign = guard("f", Enforcement.BLOCKING, result, mismatched="commit b, not a")
    ran = guard("n", Enforcement.BLOCKING, Result.PASSED)
    assert decided(Gate.GUARD, guards=(ran, foreign)) == decided(Gate.GUARD, guards=(ran,))
    assert decided(Gate.GUARD, guards=(foreign,)).result is Result.PENDING


def test_statements_of_another_commit_answer_nothing() -> None:
    found = scan("1", critical=1)
    listed = {"id": "CVE-1", "severity": "critical", "package": "p", "version": "1"}
    found = replace(found, payload={"top_findings": [listed]})
    said = {"vulnerability": "CVE-1", "products": ["pkg:npm/p@1"], "status": "not_affected"}
    answer = item(EvidenceType.SECURITY, id="vex", payload={"vex_statements": [said]})
    assert decided(Gate.SECURITY, found, answer).result is Result.PASSED
    foreign = replace(answer, mismatched="commit b, not a")
    assert decided(Gate.SECURITY, found, foreign).result is Result.FAILED


def test_the_same_inputs_are_recognised_and_a_change_is_a_row_of_its_own() -> None:
    one, same = decided(Gate.SECURITY, scan("1"), scan("2")), decided(Gate.SECURITY, scan("2"), scan("1"))
    later = replace(same, evaluated_at=AT + timedelta(days=1))
    assert later.same_as(one.policy_digest, one.details)
    assert one.inputs_digest == same.inputs_digest
    other = decided(Gate.SECURITY, scan("1"))
    assert not other.same_as(one.policy_digest, one.details)
    stricter = decided(Gate.SECURITY, scan("1"), scan("2"), rules="thresholds.security.max_low = 0")
    assert not stricter.same_as(one.policy_digest, one.details)
    digests = {one.source_digest(), one.source_digest("row-1"), other.source_digest("row-1"), stricter.source_digest()}
    assert len(digests) == 4
    assert same.source_digest("row-1") == one.source_digest("row-1")


def test_payload_that_no_gate_reads_makes_no_difference() -> None:
    plain = scan("1")
    rich = replace(plain, payload={"troubled_tests": [1, 2, 3]})
    assert decided(Gate.SECURITY, plain).inputs_digest == decided(Gate.SECURITY, rich).inputs_digest


@given(st.integers(0, 2**48))
def test_whatever_the_evidence_a_gate_is_decided_the_same_way_in_any_order(seed: int) -> None:
    drawing = Drawing(seed)
    rows, policy = drawing.situation()
    if rows.bundle is None:
        return
    for gate in Gate:
        one = evaluate_gate(gate, rows.bundle, rows.items, rows.guards, policy, AT)
        other = evaluate_gate(gate, rows.bundle, rows.items[::-1], rows.guards[::-1], policy, AT)
        assert one == other
        if one is not None and one.result in (Result.PASSED, Result.WARNED):
            assert one.item_ids or one.guard_ids
