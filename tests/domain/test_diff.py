"""What changed between two bundles."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.domain.changes import TROUBLE, Change, Diff, Entry
from app.domain.diff import diff
from app.domain.evidence import BundleKind, EvidenceType, FindingCounts, Result
from app.domain.facts import BundleFacts, GateFacts, Inputs, InvariantFacts, ItemFacts
from app.domain.gates import Enforcement, Gate
from tests.domain.inputs import Drawing

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def bundle(*rows: Any, environment: str = "staging") -> Inputs:
    facts = BundleFacts("b", f"release/{environment}", BundleKind.RELEASE_CANDIDATE, environment, "standard", "app")
    return Inputs.of_bundle(
        facts,
        items=[row for row in rows if isinstance(row, ItemFacts)],
        gates=[row for row in rows if isinstance(row, GateFacts)],
        invariants=[row for row in rows if isinstance(row, InvariantFacts)],
    )


def gate(name: Gate, result: Result, id: str = "", **more: Any) -> GateFacts:
    return GateFacts(id or f"g-{name}", name, "k", result, Enforcement.BLOCKING, NOW, **more)


def invariant(id: str, result: Result) -> InvariantFacts:
    return InvariantFacts(f"i-{id}", id, "k", result, NOW)


def scan(key: str, *findings: tuple[Any, ...], counts: FindingCounts | None = None, **more: Any) -> ItemFacts:
    """A scan listing findings as (severity, id, location, package)."""
    listed = [dict(zip(("severity", "id", "location", "package"), each, strict=False)) for each in findings]
    tally: dict[str, int] = {}
    for each in listed:
        tally[each["severity"]] = tally.get(each["severity"], 0) + 1
    payload = {"top_findings": listed} | more.pop("payload", {})
    return ItemFacts(
        f"s-{key}",
        EvidenceType.SECURITY,
        key,
        Result.FAILED,
        NOW,
        findings=counts or FindingCounts(**tally),
        payload=payload,
        **more,
    )


def changes(entries: tuple[Entry, ...]) -> dict[str, Change]:
    return {entry.name: entry.change for entry in entries}


def findings(found: Diff) -> dict[str, Change]:
    return {f"{each.id}@{each.location}" if each.location else each.id: each.change for each in found.findings}


def test_gates_and_invariants_by_name() -> None:
    base = bundle(
        gate(Gate.UAT, Result.PASSED),
        gate(Gate.SECURITY, Result.FAILED),
        gate(Gate.CAPACITY, Result.FAILED),
        gate(Gate.APPROVAL, Result.PENDING),
        gate(Gate.GUARD, Result.PASSED),
        invariant("PI-A-001", Result.PASSED),
        invariant("PI-A-002", Result.FAILED),
    )
    head = bundle(
        gate(Gate.UAT, Result.FAILED),
        gate(Gate.SECURITY, Result.PASSED),
        gate(Gate.CAPACITY, Result.ERROR),
        gate(Gate.CONTRACT_DRIFT, Result.FAILED),
        gate(Gate.GUARD, Result.PASSED),
        invariant("PI-A-001", Result.WARNED),
        invariant("PI-A-003", Result.PASSED),
        environment="production",
    )
    found = diff(base, head)
    assert changes(found.gates) == {
        "uat": Change.REGRESSED,
        "contract_drift": Change.NEW,
        "capacity": Change.PERSISTING,
        "security": Change.FIXED,
        "approval": Change.GONE,
        "guard": Change.UNCHANGED,
    }
    assert [entry.name for entry in found.gates][:2] == ["uat", "contract_drift"]
    assert changes(found.invariants) == {
        "PI-A-001": Change.REGRESSED,
        "PI-A-003": Change.NEW,
        "PI-A-002": Change.GONE,
    }
    assert found.is_worse()
    assert found.counts()["gates"]["regressed"] == 1
    assert found.base is not None
    assert found.head is not None
    assert (found.base.environment, found.head.environment) == ("staging", "production")


def test_the_worst_of_several_rows_stands_for_a_gate_and_waivers_stand_aside() -> None:
    failed = gate(Gate.UAT, Result.FAILED, "g1", summary="3 of 9 failed")
    waiver = gate(Gate.UAT, Result.SKIPPED, "g2", waived=True)
    [entry] = diff(bundle(gate(Gate.UAT, Result.PASSED)), bundle(failed, waiver)).gates
    assert entry.change is Change.REGRESSED
    assert entry.head is not None
    assert (entry.head.result, entry.head.waived, entry.head.row_ids) == (Result.FAILED, True, ("g1", "g2"))
    assert entry.head.title == "3 of 9 failed"


def test_items_by_source_key() -> None:
    one = ItemFacts("1", EvidenceType.CI, "ci/junit/unit", Result.FAILED, NOW, title="Unit tests")
    two = replace(one, id="2", result=Result.PASSED)
    [entry] = diff(bundle(one), bundle(two)).items
    assert (entry.name, entry.change) == ("ci/junit/unit", Change.FIXED)
    assert entry.base is not None
    assert entry.base.title == "Unit tests"


def test_findings_by_id_and_location() -> None:
    base = bundle(
        scan(
            "sast",
            ("high", "R1", "a.py:10"),
            ("high", "R1", "b.py:3"),
            ("medium", "R2", "a.py:5"),
            ("low", "R3", "c.py"),
            ("unknown", "R4", "d.py"),
        )
    )
    head = bundle(
        scan(
            "sast",
            ("high", "R1", "a.py:10"),
            ("critical", "R2", "a.py:5"),
            ("low", "R3", "c.py"),
            ("low", "R3", "c.py"),
            ("high", "R4", "d.py"),
            ("medium", "R9", "e.py"),
        )
    )
    found = diff(base, head)
    told = [(each.change.value, each.id, each.location) for each in found.findings]
    assert told == [
        ("regressed", "R2", "a.py:5"),
        ("new", "R9", "e.py"),
        ("new", "R3", "c.py"),
        ("persisting", "R1", "a.py:10"),
        ("persisting", "R4", "d.py"),
        ("persisting", "R3", "c.py"),
        ("fixed", "R1", "b.py:3"),
    ]
    assert found.findings[0].base_severity == "medium"
    assert [(each.severity.value, each.base, each.head) for each in found.finding_totals] == [
        ("critical", 0, 1),
        ("high", 2, 2),
        ("medium", 1, 1),
        ("low", 1, 2),
        ("unknown", 1, 0),
    ]
    assert found.undecided == 0


def test_a_line_that_moved_is_no_new_finding_and_a_package_tells_them_apart() -> None:
    base = bundle(scan("s", ("high", "R1", "a.py:10:2"), ("high", "CVE-1", "image", "p1"), ("high", "R2", "x#L3")))
    head = bundle(scan("s", ("high", "R1", "a.py:12:4"), ("high", "CVE-1", "image", "p2"), ("high", "R2", "x#L9-L12")))
    assert [(each.change.value, each.id, each.package) for each in diff(base, head).findings] == [
        ("new", "CVE-1", "p2"),
        ("persisting", "R1", ""),
        ("persisting", "R2", ""),
        ("fixed", "CVE-1", "p1"),
    ]


def test_a_list_that_was_cut_short_proves_no_fix_and_no_news() -> None:
    whole = scan("s", ("high", "H1", ""), ("low", "L1", ""))
    cut = scan("s", ("high", "H2", ""), counts=FindingCounts(high=1, low=7))
    found = diff(bundle(whole), bundle(cut))
    assert findings(found) == {"H1": Change.FIXED, "H2": Change.NEW}
    assert found.undecided == 1
    back = diff(bundle(cut), bundle(whole))
    assert findings(back) == {"H1": Change.NEW, "H2": Change.FIXED}
    assert back.undecided == 1
    assert [(each.severity.value, each.base, each.head) for each in back.finding_totals][1] == ("low", 7, 1)


def test_what_was_not_scanned_again_is_gone_not_fixed() -> None:
    base = bundle(scan("dast", ("high", "H1", ""), format="zap"))
    assert findings(diff(base, bundle())) == {"H1": Change.GONE}
    assert findings(diff(base, bundle(scan("sast", format="semgrep")))) == {"H1": Change.GONE}
    assert findings(diff(base, bundle(scan("dast")))) == {"H1": Change.FIXED}
    assert findings(diff(base, bundle(scan("dast-renamed", format="zap")))) == {"H1": Change.FIXED}


def test_a_first_scan_brings_news() -> None:
    found = diff(bundle(), bundle(scan("dast", ("high", "H1", ""))))
    assert findings(found) == {"H1": Change.NEW}
    assert found.is_worse()


def test_a_statement_fixes_what_is_still_found() -> None:
    finding = ("high", "CVE-1", "image", "p")
    statement = {"vulnerability": "CVE-1", "products": ["img"], "status": "not_affected"}
    base = bundle(scan("s", finding, payload={"subject": ["img"]}))
    head = bundle(scan("s", finding, payload={"subject": ["img"], "vex_statements": [statement]}))
    found = diff(base, head)
    [entry] = found.findings
    assert (entry.change, entry.answered) == (Change.FIXED, True)
    assert [(each.severity.value, each.base, each.head) for each in found.finding_totals] == [("high", 1, 0)]
    assert findings(diff(head, base)) == {"CVE-1@image": Change.NEW}


def test_findings_of_any_shape_are_survived() -> None:
    odd = ItemFacts(
        "1",
        EvidenceType.SECURITY,
        "s",
        Result.FAILED,
        NOW,
        findings=FindingCounts(high=1),
        payload={
            "top_findings": [3, {"severity": ["x"], "id": None, "title": {"a": 1}}],
            "subject": 4,
            "vex_statements": "?",
        },
    )
    found = diff(bundle(odd), bundle())
    assert [each.severity.value for each in found.findings] == ["unknown"]
    assert found.to_json() == diff(bundle(odd), bundle()).to_json()


def drawn(seed: int) -> tuple[Inputs, Inputs]:
    return Drawing(seed).inputs(), Drawing(seed + 1).inputs()


@given(st.integers(0, 2**48))
def test_against_itself_nothing_changed(seed: int) -> None:
    rows, _ = drawn(seed)
    found = diff(rows, rows)
    for entry in (*found.gates, *found.invariants, *found.items):
        assert entry.head is not None
        clean = not TROUBLE[entry.head.result]
        assert entry.change is (Change.UNCHANGED if clean else Change.PERSISTING)
    assert {each.change for each in found.findings} <= {Change.PERSISTING}
    assert all(each.base == each.head for each in found.finding_totals)
    assert not found.is_worse()


@given(st.integers(0, 2**48))
def test_turned_round_the_changes_turn_round(seed: int) -> None:
    base, head = drawn(seed)
    there, back = diff(base, head), diff(head, base)
    for one, other in ((there.gates, back.gates), (there.invariants, back.invariants), (there.items, back.items)):
        forth, reverse = changes(one), changes(other)
        assert forth.keys() == reverse.keys()
        for name, change in forth.items():
            if change is Change.NEW:
                assert reverse[name] is Change.GONE
            if change is Change.FIXED:
                assert reverse[name] is Change.REGRESSED
            if change is Change.UNCHANGED:
                assert reverse[name] is Change.UNCHANGED
    assert [(each.severity, each.head, each.base) for each in there.finding_totals] == [
        (each.severity, each.base, each.head) for each in back.finding_totals
    ]
    shuffled = replace(head, items=head.items[::-1], gates=head.gates[::-1], invariants=head.invariants[::-1])
    assert diff(base, shuffled).to_json() == there.to_json()
