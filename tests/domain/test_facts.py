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


def test_whole_chains_and_current_rows_have_one_digest() -> None:
    bundle = BundleFacts("b", "key", BundleKind.UAT_PACKAGE, "e", "p", "x")
    chain = [row("1"), row("2", supersedes_id="1")]
    whole = Inputs("e", "p", "x", bundle, invariants=tuple(chain))
    assert whole.digest() == Inputs.of_bundle(bundle, invariants=chain[1:]).digest()
    assert whole.digest() != replace(whole, profile="q").digest()


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
