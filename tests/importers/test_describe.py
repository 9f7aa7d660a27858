"""What `evidence inspect` prints of a batch or a rejection."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

from app.domain.components import ComponentState
from app.domain.evidence import EvidenceType, FindingCounts, Result, TestCounts
from app.domain.gates import Enforcement, Gate
from app.importers.base import (
    ComponentSnapshot,
    GateResult,
    GuardReport,
    ImportBatch,
    InvariantResult,
    Item,
    Rejected,
)
from app.importers.describe import describe

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def test_a_batch_with_everything() -> None:
    item = Item(
        EvidenceType.CI,
        "Unit tests",
        Result.PASSED,
        "pytest",
        TestCounts(total=1, passed=1),
        FindingCounts(suppressed=2),
        NOON,
        NOON + timedelta(microseconds=5),
        {"n": 1},
        "part",
    )
    told = describe(
        "out/unit.xml",
        ImportBatch(
            "junit",
            "pytest",
            (item,),
            (GateResult(Gate.UAT, Result.PASSED, Enforcement.BLOCKING, "Signed off", "ok", "ann", NOON, {"a": 1}),),
            (
                InvariantResult("PI-LAUNCH-001", Result.WARNED, "starts", NOON),
                InvariantResult("PI-X-001", Result.PASSED),
            ),
            (
                ComponentSnapshot(
                    "api", ComponentState.OPERATIONAL, "fine", NOON.astimezone(timezone(timedelta(hours=2)))
                ),
            ),
            (GuardReport("lint", Enforcement.WARNING, Result.FAILED, FindingCounts(high=1), NOON, {"b": 2}, 0),),
        ),
    )
    assert told == {
        "file": "out/unit.xml",
        "format": "junit",
        "dialect": "pytest",
        "accepted": True,
        "subject": "",
        "commit": "",
        "version": "",
        "items": [
            {
                "evidence_type": "ci",
                "source_key": "ci/junit/out/unit#part",
                "title": "Unit tests",
                "result": "passed",
                "producer": "pytest",
                "tests": {"total": 1, "passed": 1, "failed": 0, "error": 0, "skipped": 0, "flaky": 0},
                "findings": {
                    "critical": 0, "high": 0, "medium": 0, "low": 0, "info": 0, "unknown": 0, "suppressed": 2,
                },
                "started_at": "2024-05-01T12:00:00Z",
                "completed_at": "2024-05-01T12:00:00.000005Z",
                "payload": {"n": 1},
                "url": "",
            }
        ],
        "gates": [
            {
                "gate": "uat",
                "result": "passed",
                "enforcement": "blocking",
                "summary": "Signed off",
                "reason": "ok",
                "actor": "ann",
                "evaluated_at": "2024-05-01T12:00:00Z",
                "details": {"a": 1},
                "url": "",
            }
        ],
        "invariants": [
            {
                "invariant_id": "PI-LAUNCH-001",
                "area": "launch",
                "result": "warned",
                "title": "starts",
                "evaluated_at": "2024-05-01T12:00:00Z",
                "item": 0,
                "details": {},
            },
            {
                "invariant_id": "PI-X-001",
                "area": None,
                "result": "passed",
                "title": "",
                "evaluated_at": None,
                "item": 0,
                "details": {},
            },
        ],
        "components": [
            {
                "component": "api",
                "status": "operational",
                "message": "fine",
                "observed_at": "2024-05-01T12:00:00Z",
                "details": {},
                "cause": "",
                "url": "",
            }
        ],
        "guards": [
            {
                "guard": "lint",
                "mode": "warning",
                "result": "failed",
                "findings": {"critical": 0, "high": 1, "medium": 0, "low": 0, "info": 0, "unknown": 0, "suppressed": 0},
                "generated_at": "2024-05-01T12:00:00Z",
                "summary": {"b": 2},
                "url": "",
            }
        ],
    }  # fmt: skip
    json.dumps(told)


def test_a_batch_with_nothing() -> None:
    told = describe("a.json", ImportBatch("sarif", items=(Item(EvidenceType.SECURITY, "t", Result.INCONCLUSIVE),)))
    (item,) = told["items"]
    assert (item["tests"], item["findings"], item["started_at"], item["completed_at"]) == (None, None, None, None)
    assert all(told[part] == [] for part in ("gates", "invariants", "components", "guards"))


def test_a_stem_for_files_that_came_together() -> None:
    batch = ImportBatch("junit", items=(Item(EvidenceType.CI, "t", Result.PASSED),))
    assert describe("a.xml", batch, stem="a.xml")["items"][0]["source_key"] == "ci/junit/a.xml"


def test_rejections() -> None:
    assert describe("a.xml", Rejected("broken", 3, 4, "junit")) == {
        "file": "a.xml", "format": "junit", "accepted": False, "reason": "broken", "line": 3, "column": 4,
    }  # fmt: skip
    assert describe("a", Rejected("unknown format")) == {
        "file": "a", "format": None, "accepted": False, "reason": "unknown format",
    }  # fmt: skip
