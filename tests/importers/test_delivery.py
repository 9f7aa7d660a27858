"""Rules of contracts, pipelines, approvals, quality gates and coverage that single samples do not show."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.importers import registry
from app.importers.base import Artifact, ImportBatch, Rejected


def _read(document: Any, format: str | None = None) -> ImportBatch:
    outcome = registry.read(Artifact.of_bytes("document.json", json.dumps(document).encode()), format)
    assert isinstance(outcome, ImportBatch), outcome
    return outcome


def _refused(document: Any, format: str | None = None) -> Rejected:
    outcome = registry.read(Artifact.of_bytes("document.json", json.dumps(document).encode()), format)
    assert isinstance(outcome, Rejected), outcome
    return outcome


@pytest.mark.parametrize("format", ["code-quality", "contract-drift"])
def test_an_empty_array_is_clean_only_where_its_format_is_named(format: str) -> None:
    (item,) = _read([], format).items
    assert item.result == "passed"
    assert item.findings is not None
    assert item.findings.open == 0
    assert "ambiguous" in _refused([]).reason


@pytest.mark.parametrize("format", ["cobertura", "github-checks", "gitlab-api", "k6", "load-stats", "sonar-gate"])
def test_an_empty_array_says_nothing_to_the_others(format: str) -> None:
    _refused([], format)


@pytest.mark.parametrize(
    ("status", "allowed", "result"),
    [
        ("success", False, "passed"),
        ("failed", False, "failed"),
        ("failed", True, "warned"),
        ("canceled", False, "error"),
        ("canceled", True, "warned"),
        ("skipped", False, "skipped"),
        ("manual", False, "pending"),
        ("waiting_for_resource", False, "pending"),
    ],
)
def test_gitlab_job_states(status: str, allowed: bool, result: str) -> None:
    job = {"id": 1, "name": "unit", "stage": "test", "status": status, "allow_failure": allowed, "pipeline": {"id": 2}}
    (item,) = _read(job).items
    assert item.result == result
    # A job that waits for somebody, and may be left out, does not hold up the others.
    (item,) = _read([job, {**job, "id": 2, "name": "deploy", "status": "manual", "allow_failure": True}]).items
    assert item.result == result


@pytest.mark.parametrize(
    ("conclusion", "result"),
    [
        ("success", "passed"),
        ("failure", "failed"),
        ("neutral", "inconclusive"),
        ("cancelled", "error"),
        ("skipped", "skipped"),
        ("timed_out", "error"),
        ("action_required", "pending"),
        ("stale", "inconclusive"),
        ("startup_failure", "error"),
        ("something_new", "inconclusive"),
        (None, "inconclusive"),
    ],
)
def test_github_conclusions(conclusion: str | None, result: str) -> None:
    run = {"id": 1, "name": "unit", "head_sha": "a", "status": "completed", "conclusion": conclusion}
    assert _read({"action": "completed", "check_run": run}).items[0].result == result
    assert _read({"total_count": 1, "check_runs": [run]}).items[0].result == result
    assert _read({"action": "created", "check_run": {**run, "status": "queued"}}).items[0].result == "pending"


@pytest.mark.parametrize(
    ("status", "result"), [("OK", "passed"), ("WARN", "warned"), ("ERROR", "failed"), ("NONE", "inconclusive")]
)
def test_sonar_states(status: str, result: str) -> None:
    batch = _read({"projectStatus": {"status": status, "conditions": []}})
    assert [gate.result for gate in batch.gates] == [result]
    assert [item.result for item in batch.items] == [result]


def test_conditions_that_sonar_ignored_do_not_contradict_the_gate() -> None:
    gate = {"status": "OK", "conditions": [{"status": "ERROR", "metricKey": "coverage"}], "ignoredConditions": True}
    assert _read({"projectStatus": gate}).gates[0].result == "passed"


def test_counts_are_of_all_findings_and_the_worst_are_kept() -> None:
    issues = [
        {"description": str(n), "severity": "blocker" if n == 9_999 else "info", "location": {"path": "a", "lines": {}}}
        for n in range(10_000)
    ]
    (item,) = _read(issues).items
    assert item.findings is not None
    assert (item.findings.critical, item.findings.info) == (1, 9_999)
    kept = item.payload["top_findings"]
    assert (len(kept), kept[0]["severity"]) == (50, "critical")


@pytest.mark.parametrize(
    ("deployable", "result"), [(True, "passed"), (False, "failed"), (None, "inconclusive"), ("yes", "inconclusive")]
)
def test_can_i_deploy(deployable: Any, result: str) -> None:
    (item,) = _read({"summary": {"deployable": deployable, "reason": "", "success": 1}, "matrix": []}).items
    assert item.result == result


@pytest.mark.parametrize(
    "root",
    [
        '<coverage clover="4" generated="1"><project name="p"/></coverage>',
        '<coverage version="1"><file path="a"/></coverage>',
        '<report name="jacoco"/>',
    ],
)
def test_other_coverage_reports_are_not_cobertura(root: str) -> None:
    outcome = registry.read(Artifact.of_bytes("coverage.xml", root.encode()))
    assert isinstance(outcome, Rejected)
    assert outcome.reason.startswith("unknown format")
