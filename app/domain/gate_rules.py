"""What makes each gate pass or fail: its rows' figures against the policy's limits. One function a gate.

Pure, and blind to age and to who asks; `evaluation` gathers the rows and pins the inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.domain import vex
from app.domain.evidence import SEVERITY_ORDER, Result, Severity, worst_result
from app.domain.facts import GuardFacts, ItemFacts
from app.domain.gates import Enforcement, Gate
from app.domain.requirements import Requirements

SILENT = (Result.SKIPPED, Result.NOT_APPLICABLE)
"""Results that prove nothing either way."""

UNCLEAR = (Result.ERROR, Result.PENDING, Result.INCONCLUSIVE)
"""Results of checks that came to no end."""

NAMED_LIMIT = 20
"""How many names a summary or its details list."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one gate's figures come down to."""

    result: Result
    summary: str
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The rows that a gate is decided from."""

    items: tuple[ItemFacts, ...] = ()
    guards: tuple[GuardFacts, ...] = ()
    statements: tuple[ItemFacts, ...] = ()
    """Items whose VEX statements answer findings."""

    def __bool__(self) -> bool:
        return bool(self.items or self.guards)


def _contract_drift(evidence: Evidence, required: Requirements) -> Outcome:
    limit = required.contract_drift.max_breaking
    breaking, unclear = 0, []
    for item in evidence.items:
        found = _whole(item.payload["contract_drift"].get("breaking"))
        breaking += found or 0
        # A contract that failed verification without a list of changes is broken all the same.
        if not found and item.result is Result.FAILED:
            breaking += 1
        elif found is None or item.result in UNCLEAR:
            unclear.append(item)
    figures = {"breaking": breaking, "max_breaking": limit, "comparisons": len(evidence.items)}
    told = (
        f"{_counted(breaking, 'breaking change')} in {_counted(len(evidence.items), 'comparison')}; {_allowed(limit)}."
    )
    if limit is not None and breaking > limit:
        return Outcome(Result.FAILED, told, figures)
    if unclear:
        return Outcome(_worst_unclear(unclear), f"Could not be told from {_titles(unclear)}.", figures)
    return Outcome(Result.PASSED, told, figures)


def _security(evidence: Evidence, required: Requirements) -> Outcome:
    counts: dict[Severity, int] = dict.fromkeys(SEVERITY_ORDER, 0)
    answered = 0
    for scan in evidence.items:
        for severity, count in open_findings(scan, evidence.statements).items():
            counts[severity] += count
            answered += (getattr(scan.findings, severity.value) if scan.findings else 0) - count
    over = [
        each for each in SEVERITY_ORDER if (limit := required.security.limit(each)) is not None and counts[each] > limit
    ]
    figures = {
        "findings": {severity.value: count for severity, count in counts.items()},
        "limits": {severity.value: required.security.limit(severity) for severity in SEVERITY_ORDER},
        "answered": answered,
        "scans": len(evidence.items),
    }
    told = ", ".join(f"{counts[each]} {each.value}" for each in SEVERITY_ORDER if counts[each]) or "no open findings"
    told += f" in {_counted(len(evidence.items), 'scan')}"
    if answered:
        told += f", {answered} more answered by VEX statements"
    if over:
        allowed = ", ".join(f"at most {required.security.limit(each)} {each.value}" for each in over)
        return Outcome(Result.FAILED, f"{told}; allowed are {allowed}.", figures)
    unclear = [scan for scan in evidence.items if scan.findings is None or scan.result in UNCLEAR]
    if unclear:
        return Outcome(_worst_unclear(unclear), f"No findings can be told from {_titles(unclear)}.", figures)
    return Outcome(Result.PASSED, f"{told}; within the limits.", figures)


def open_findings(scan: ItemFacts, statements: Iterable[ItemFacts]) -> dict[Severity, int]:
    """A scan's open findings by severity, less those that VEX statements answer.

    Only findings that the payload lists can be answered, as a count alone does not say which vulnerability it is of."""
    counts = {each: getattr(scan.findings, each.value) if scan.findings else 0 for each in SEVERITY_ORDER}
    said = [each for item in statements for each in _mappings(item.payload.get("vex_statements"))]
    listed = _mappings(scan.payload.get("top_findings"))
    if said and listed:
        closed = vex.answered(listed, said, _texts(scan.payload.get("subject"))).by_severity()
        for each in SEVERITY_ORDER:
            counts[each] = max(0, counts[each] - closed.get(each.value, 0))
    return counts


def _capacity(evidence: Evidence, required: Requirements) -> Outcome:
    limits = required.capacity
    failed, held, unknown, rates = 0, 0, 0, []
    over: list[str] = []
    unanswered: list[str] = []
    silent = []
    for item in evidence.items:
        load = item.payload["capacity"]
        marks = [threshold.get("ok") for threshold in _mappings(load.get("thresholds"))]
        broken = _whole(load.get("thresholds_failed"))
        failed += marks.count(False) if broken is None else broken
        kept = _whole(load.get("thresholds_passed"))
        held += marks.count(True) if kept is None else kept
        unknown += len(marks) - marks.count(True) - marks.count(False)
        rate = _number(load.get("error_rate"))
        percentiles = load.get("percentiles_ms")
        percentiles = percentiles if isinstance(percentiles, Mapping) else {}
        # A report answers by what is held to a limit, its own or the policy's.
        answers = len(marks) + (rate is not None and limits.max_error_rate is not None)
        if rate is not None:
            rates.append(rate)
            if limits.max_error_rate is not None and rate > limits.max_error_rate:
                told = f"{rate:.2%}" if rate >= 0.0001 else "under 0.01%"
                over.append(f"{told} of requests failed, at most {limits.max_error_rate:.2%} may")
        elif limits.max_error_rate is not None:
            unanswered.append("error rate")
        for name, limit in sorted(limits.max_percentiles_ms.items()):
            value = _number(percentiles.get(name))
            answers += value is not None and limit is not None
            if limit is not None and value is None:
                unanswered.append(name)
            elif limit is not None and value is not None and value > limit:
                over.append(f"{name} was {value:g} ms, at most {limit:g} ms")
        if not answers or item.result in (Result.ERROR, Result.PENDING):
            silent.append(item)
    if limits.max_failed_thresholds is not None and failed > limits.max_failed_thresholds:
        over.insert(0, f"{_counted(failed, 'threshold')} failed, at most {limits.max_failed_thresholds} may")
    figures: dict[str, Any] = {
        "load_tests": len(evidence.items),
        "thresholds": {"passed": held, "failed": failed, "unknown": unknown},
        "error_rate": max(rates, default=None),
        "exceeded": over[:NAMED_LIMIT],
        "unanswered": sorted(set(unanswered)),
    }
    if over:
        return Outcome(Result.FAILED, f"{'; '.join(over[:3])}.", figures)
    if silent:
        return Outcome(_worst_unclear(silent), f"No limit can be judged from {_titles(silent)}.", figures)
    if unknown:
        return Outcome(Result.INCONCLUSIVE, f"{_counted(unknown, 'threshold')} could not be told.", figures)
    told = f"{_counted(held, 'threshold')} held in {_counted(len(evidence.items), 'load test')}"
    if unanswered:
        missing = ", ".join(figures["unanswered"])
        return Outcome(Result.WARNED, f"{told}; not every test gives a figure for: {missing}.", figures)
    return Outcome(Result.PASSED, f"{told}; within the limits.", figures)


def _uat(evidence: Evidence, required: Requirements) -> Outcome:
    limits = required.uat
    tested = [item.tests for item in evidence.items if item.tests is not None]
    ran = sum(max(0, each.total - each.skipped) for each in tested)
    passed = sum(each.passed for each in tested)
    flaky = sum(each.flaky for each in tested)
    results = {item.id: _uat_result(item, limits.min_pass_rate) for item in evidence.items}
    below = [item for item in evidence.items if results[item.id] is Result.FAILED]
    figures = {
        "items": len(evidence.items),
        "ran": ran,
        "passed": passed,
        "flaky": flaky,
        "pass_rate": round(passed / ran, 6) if ran else None,
        "min_pass_rate": limits.min_pass_rate,
        "max_flaky": limits.max_flaky,
        "below": [item.source_key for item in below][:NAMED_LIMIT],
    }
    told = (
        f"{passed} of {_counted(ran, 'test')} passed"
        if tested
        else _counted(len(evidence.items), "UAT entry", "UAT entries")
    )
    if below:
        wanted = f"; {limits.min_pass_rate:.4g} of each must pass" if limits.min_pass_rate < 1 else ""
        return Outcome(Result.FAILED, f"{told}; not good enough: {_titles(below)}{wanted}.", figures)
    if limits.max_flaky is not None and flaky > limits.max_flaky:
        return Outcome(Result.FAILED, f"{told}, {flaky} only on a retry; at most {limits.max_flaky} may.", figures)
    result = worst_result([each for each in results.values() if each not in SILENT])
    if result in (Result.ERROR, Result.INCONCLUSIVE, Result.PENDING):
        unclear = [item for item in evidence.items if results[item.id] is result] or list(evidence.items)
        return Outcome(result, f"{told}; no outcome of {_titles(unclear)}.", figures)
    if flaky:
        return Outcome(Result.WARNED, f"{told}, {flaky} of them only on a retry.", figures)
    return Outcome(result, f"{told}.", figures)


def _uat_result(item: ItemFacts, min_pass_rate: float) -> Result:
    tests = item.tests
    if tests is None or not (tests.failed or tests.error):
        return item.result  # a producer that calls a run failed without a failed test is taken at its word
    ran = tests.total - tests.skipped
    if ran <= 0:
        return Result.SKIPPED
    if tests.passed / ran < min_pass_rate:
        return Result.FAILED
    return Result.WARNED if tests.flaky else Result.PASSED


def _guard(evidence: Evidence, required: Requirements) -> Outcome:
    # An item without a summary does not say its mode; it is taken at the hardest.
    posture = [(each.guard, required.guards.of(each.guard, each.mode), each.result) for each in evidence.guards]
    posture += [(each.title or each.source_key, Enforcement.BLOCKING, each.result) for each in evidence.items]
    bad = (Result.FAILED, Result.ERROR)
    blocking = sorted(name for name, mode, result in posture if mode is Enforcement.BLOCKING and result in bad)
    warning = sorted(
        name
        for name, mode, result in posture
        if (mode is Enforcement.WARNING and result in bad)
        or (mode is not Enforcement.REPORT_ONLY and result is Result.WARNED)
    )
    unclear = sorted(
        name
        for name, mode, result in posture
        if mode is not Enforcement.REPORT_ONLY and result in (Result.PENDING, Result.INCONCLUSIVE)
    )
    good = sum(result in (Result.PASSED, Result.WARNED) for _name, _mode, result in posture)
    limit = required.guard.max_failed
    figures = {
        "guards": len(posture),
        "passed": good,
        "failed": blocking[:NAMED_LIMIT],
        "warned": warning[:NAMED_LIMIT],
        "unclear": unclear[:NAMED_LIMIT],
        "max_failed": limit,
    }
    told = f"{good} of {_counted(len(posture), 'guard')} passed"
    if limit is not None and len(blocking) > limit:
        return Outcome(Result.FAILED, f"{told}; failed in blocking mode: {', '.join(blocking[:3])}.", figures)
    if unclear or not good:
        which = f"; no outcome of {', '.join(unclear[:3])}" if unclear else ""
        return Outcome(Result.INCONCLUSIVE, f"{told}{which}.", figures)
    if blocking or warning:
        return Outcome(Result.WARNED, f"{told}; with warnings: {', '.join([*blocking, *warning][:3])}.", figures)
    return Outcome(Result.PASSED, f"{told}.", figures)


JUDGES: dict[Gate, Callable[[Evidence, Requirements], Outcome]] = {
    Gate.CONTRACT_DRIFT: _contract_drift,
    Gate.SECURITY: _security,
    Gate.CAPACITY: _capacity,
    Gate.UAT: _uat,
    Gate.GUARD: _guard,
}
"""The gates that evidence can decide, and how; each takes evidence that is not empty."""


def _worst_unclear(items: Iterable[ItemFacts]) -> Result:
    unclear = (Result.ERROR, Result.INCONCLUSIVE, Result.PENDING)
    return worst_result([item.result if item.result in unclear else Result.INCONCLUSIVE for item in items])


def _titles(items: Sequence[ItemFacts]) -> str:
    told = ", ".join((item.title or item.source_key)[:120] for item in items[:3])
    return f"{told} and {len(items) - 3} more" if len(items) > 3 else told


def _counted(count: int, thing: str, things: str | None = None) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {things or thing + 's'}"


def _allowed(limit: int | None) -> str:
    return "any number is allowed" if limit is None else f"at most {limit} allowed"


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [dict(each) for each in value if isinstance(each, Mapping)] if isinstance(value, list | tuple) else []


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list | tuple) else []


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
