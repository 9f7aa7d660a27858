"""Facts from database rows, currency, and the canonical spelling of values."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from app.domain.components import ComponentState
from app.domain.digests import canonical, digest, plain, unordered
from app.domain.evidence import BundleKind, EvidenceType, FindingCounts, Result, TestCounts
from app.domain.facts import (
    BundleFacts,
    ComponentFacts,
    GateFacts,
    GuardFacts,
    Inputs,
    InvariantFacts,
    ItemFacts,
    current,
    made_at,
    of_row,
)
from app.domain.gates import Enforcement, Gate

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ID, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)


def test_facts_are_made_from_rows() -> None:
    common = {"id": ID, "recorded_at": NOW, "supersedes_id": OTHER, "retracted": False, "actor": "alice", "reason": "r"}
    item = of_row(
        ItemFacts,
        common
        | {
            "evidence_type": "ci",
            "source_key": "ci/junit/unit",
            "result": "failed",
            "completed_at": None,
            "payload": json.dumps({"capacity": {}, "troubled_tests": [1]}),
            "tests_total": 3,
            "tests_passed": 2,
            "tests_failed": 1,
            "tests_flaky": None,
            "findings_high": None,
            "recorded_xid": 7,
        },
    )
    assert item.id == str(ID)
    assert item.supersedes_id == str(OTHER)
    assert (item.evidence_type, item.result) == (EvidenceType.CI, Result.FAILED)
    assert item.tests == TestCounts(total=3, passed=2, failed=1)
    assert item.findings is None
    assert item.payload == {"capacity": {}}
    gate = of_row(
        GateFacts,
        common
        | {"gate": "uat", "source_key": "k", "result": "passed", "enforcement": "blocking", "item_ids": [OTHER, ID]}
        | {"details": {"a": 1}, "waived": True, "expires_at": NOW},
    )
    assert gate.item_ids == (str(ID), str(OTHER))
    assert (gate.gate, gate.enforcement, gate.details) == (Gate.UAT, Enforcement.BLOCKING, {"a": 1})
    guard = of_row(
        GuardFacts,
        common
        | {
            "guard": "g",
            "source_key": "k",
            "mode": "warning",
            "result": "passed",
            "bundle_id": None,
            "findings_low": 2,
        },
    )
    assert (guard.mode, guard.bundle_id, guard.findings) == (Enforcement.WARNING, None, FindingCounts(low=2))
    component = of_row(
        ComponentFacts,
        common | {"environment": "e", "component": "c", "status": "operational", "observed_at": NOW},
    )
    assert component.status is ComponentState.OPERATIONAL
    invariant = of_row(InvariantFacts, common | {"invariant_id": "PI-X-001", "source_key": "k", "result": "passed"})
    assert invariant.evidence_item_id is None
    bundle = of_row(
        BundleFacts,
        common | {"bundle_key": "b", "kind": "uat_package", "environment": "e", "profile": "p", "product": "x"},
    )
    assert (bundle.kind, bundle.actor) == (BundleKind.UAT_PACKAGE, "alice")
    with pytest.raises(KeyError, match="InvariantFacts needs the column result"):
        of_row(InvariantFacts, common | {"invariant_id": "PI-X-001", "source_key": "k"})


def row(id: str, **more: Any) -> InvariantFacts:
    return InvariantFacts(id, "PI-X-001", "k", Result.PASSED, NOW, **more)


def test_current_keeps_what_nothing_supersedes_and_nobody_withdrew() -> None:
    chain = [row("1"), row("2", supersedes_id="1"), row("3", supersedes_id="2", retracted=True), row("4")]
    assert [each.id for each in current(chain)] == ["4"]
    assert [each.id for each in current(chain[:2] + chain[:2])] == ["2"]
    twins = [row("1"), row("1", title="another")]
    assert current(twins) == current(twins[::-1])


def test_evidence_is_never_younger_than_its_record() -> None:
    assert made_at(None, NOW) == NOW
    assert made_at(NOW - timedelta(days=1), NOW) == NOW - timedelta(days=1)
    assert made_at(NOW + timedelta(days=1), NOW) == NOW
    assert made_at(NOW.replace(tzinfo=None), NOW) == NOW


def test_what_another_run_confirmed_counts_from_when_it_did() -> None:
    assert made_at(NOW - timedelta(days=1), NOW, True) == NOW
    assert made_at(None, NOW, True) == NOW


def test_whole_chains_and_current_rows_have_one_digest() -> None:
    bundle = BundleFacts("b", "key", BundleKind.UAT_PACKAGE, "e", "p", "x")
    chain = [row("1"), row("2", supersedes_id="1")]
    whole = Inputs("e", "p", "x", bundle, invariants=tuple(chain))
    assert whole.digest() == Inputs.of_bundle(bundle, invariants=chain[1:]).digest()
    assert whole.digest() != replace(whole, profile="q").digest()


BUNDLE = BundleFacts("b", "key", BundleKind.UAT_PACKAGE, "e", "p", "x", "1.0", "a" * 40, "ada")


def item(id: str, **more: Any) -> ItemFacts:
    return replace(ItemFacts(id, EvidenceType.CI, "k", Result.PASSED, NOW), **more)


def pinned_before() -> Inputs:
    """Rows of every kind as they were before evidence had a subject and a run."""
    payload = {"capacity": {"thresholds": []}, "other": 1}
    unit = ItemFacts("1", EvidenceType.CI, "ci/junit/unit", Result.FAILED, NOW, NOW, "Unit", "junit", "d" * 64)
    unit = replace(unit, tests=TestCounts(3, 2, 1), findings=FindingCounts(high=1), payload=payload, actor="ci")
    uat = GateFacts("2", Gate.UAT, "k", Result.PASSED, Enforcement.BLOCKING, NOW)
    return Inputs.of_bundle(
        BUNDLE,
        items=[unit],
        gates=[replace(uat, policy_digest="0" * 64, item_ids=("1",))],
        invariants=[InvariantFacts("3", "PI-X-001", "k", Result.PASSED, NOW, evidence_item_id="1")],
        guards=[GuardFacts("4", "g", "k", Enforcement.WARNING, Result.WARNED, NOW, bundle_id="b")],
        components=[ComponentFacts("5", "e", "c", ComponentState.OPERATIONAL, NOW, NOW, "up")],
    )


def test_digests_that_verdicts_pinned_before_stay_as_they_were() -> None:
    rows = pinned_before()
    assert rows.digest() == "a0dbeecd2297f32b2cb59715b35d6052bdbe1244b72b07164297e38860469af1"
    assert digest(rows.items[0]) == "116b9f61f696069555e632b54f7da54200a74527257d74483e560412f0937395"
    assert digest(rows.gates[0]) == "fa35f1923b91f90bc21cd8e17e7c2d4a8b256ec9aad11823844d3fb62e7f2707"
    assert digest(rows.invariants[0]) == "6d4cfd3edc2ed3711680f8cbe93f317df1d79104505badc7576d4d97166a7ef8"
    assert digest(rows.guards[0]) == "35f6c76c2658421e833d81e11fc433ee63f9c5089cfdab7cca707b5fd53ac4d7"
    assert digest(rows.components[0]) == "f7e0aea9b920192016df7b439a02a5bff8985f2ecb1f20cb9b305b15c4bdb091"


@pytest.mark.parametrize("name", ["items", "gates", "invariants", "guards"])
@pytest.mark.parametrize("said", [{"mismatched": "commit b, not a"}, {"confirms": True}])
def test_what_decides_more_than_before_is_in_the_digest(name: str, said: dict[str, Any]) -> None:
    rows = pinned_before()
    [row] = getattr(rows, name)
    changed: dict[str, Any] = {name: (replace(row, **said),)}
    assert replace(rows, **changed).digest() != rows.digest()


def test_a_late_report_is_in_the_digest_and_what_tells_checks_apart_is_not() -> None:
    rows = pinned_before()
    late = item("6", late=True)
    assert replace(rows, late=(late,)).digest() == replace(rows, items=(*rows.items, late)).digest() != rows.digest()
    told = replace(rows.items[0], identity='{"tool":"pytest"}')
    assert replace(rows, items=(told,)).digest() == rows.digest()


def late_of(*rows: ItemFacts) -> list[str]:
    found = Inputs.of_bundle(BUNDLE, items=rows)
    assert [row.id for row in Inputs.of_bundle(BUNDLE, items=rows[::-1]).late] == [row.id for row in found.late]
    assert found.current() == found
    assert not any(row.late for row in found.items)
    return [row.id for row in found.late]


def test_what_came_late_is_told_until_its_check_has_news() -> None:
    def at(minute: int) -> datetime:
        return NOW + timedelta(minutes=minute)

    first, late = item("1", recorded_at=at(1)), item("2", recorded_at=at(2), late=True)
    news = item("3", recorded_at=at(3), supersedes_id="1")
    assert late_of(first, late) == ["2"]
    assert late_of(first, late, news) == []
    # Those of another check, or of another commit, are no news of this one.
    assert late_of(first, late, replace(news, source_key="k~b", supersedes_id=None)) == ["2"]
    assert late_of(first, late, replace(news, supersedes_id=None, mismatched="commit b, not a")) == ["2"]
    withdrawn = item("4", recorded_at=at(4), supersedes_id="3", retracted=True)
    assert late_of(first, late, news, withdrawn) == ["2"]
    assert late_of(first, late, item("5", supersedes_id="2", retracted=True)) == []
    good, bad = replace(late, id="6", recorded_at=at(6)), replace(late, id="7", result=Result.FAILED)
    assert late_of(first, late, good, bad) == ["7"]
    assert late_of(first, late, good) == ["6"]


def test_what_is_of_another_commit_is_current_and_does_not_match() -> None:
    rows = Inputs.of_bundle(BUNDLE, items=[item("1"), item("2", mismatched="commit b, not a")])
    assert [row.id for row in rows.items] == ["1", "2"]
    assert [row.id for row in rows.matching().items] == ["1"]


def test_one_spelling_for_equal_values() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert canonical({"b": 1, "a": NOW}) == canonical({"a": NOW.astimezone(tokyo), "b": 1})
    assert canonical(NOW.replace(tzinfo=None)) == canonical(NOW)
    assert canonical({Result.PASSED, Result.FAILED}) == '["failed","passed"]'
    assert canonical(timedelta(minutes=1)) == "60"
    assert canonical("é\ud800") == '"\\u00e9\\ud800"'
    assert canonical(ID) == f'"{ID}"'
    assert canonical(datetime.max.replace(tzinfo=timezone(timedelta(hours=-9)))).startswith('"9999-12-31')
    assert plain((None, True, 2.5)) == [None, True, 2.5]
    assert digest([1, 2]) != digest([2, 1])
    assert unordered([{"a": 2}, {"a": 1}, {"a": 2}]) == sorted([digest({"a": 1}), digest({"a": 2})])
