"""Guard reports: what samples beside this file cannot show, such as limits, secrets and the link to the item."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.importers import registry
from app.importers.base import TOP_FINDINGS, Artifact, ImportBatch, Rejected
from app.importers.describe import describe
from app.importers.guard_report import REPORT_LIMIT, SUMMARY_FINDINGS


def _read(document: Any, format: str | None = None) -> ImportBatch | Rejected:
    text = document if isinstance(document, str) else json.dumps(document)
    return registry.read(Artifact.of_bytes("guard.json", text.encode()), format)


def _report(number: int) -> dict[str, Any]:
    return {
        "apiVersion": "wgpolicyk8s.io/v1alpha2",
        "kind": "PolicyReport",
        "metadata": {"name": f"r{number}", "namespace": "shop"},
        "results": [{"policy": "p", "result": "pass"}],
    }


def test_values_of_a_plan_never_come_out() -> None:
    change = {"actions": ["update"], "before": {"password": "hunter2"}, "after": {"password": "hunter3"}}
    plan = {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "variables": {"token": {"value": "hunter4"}},
        "planned_values": {"outputs": {"key": {"value": "hunter5"}}},
        "resource_changes": [{"address": "db.main", "change": change}],
    }
    outcome = _read(plan)
    assert isinstance(outcome, ImportBatch)
    assert "hunter" not in json.dumps(describe("plan", outcome))


def test_each_report_points_at_its_item() -> None:
    outcome = _read({"apiVersion": "v1", "kind": "List", "items": [_report(1), _report(2)]})
    assert isinstance(outcome, ImportBatch)
    assert [report.item for report in outcome.guards] == [0, 1]
    assert [item.key for item in outcome.items] == ["shop/r1", "shop/r2"]


def test_reports_of_one_name_are_told_apart() -> None:
    outcome = _read({"apiVersion": "v1", "kind": "List", "items": [_report(1), _report(1)]})
    assert isinstance(outcome, ImportBatch)
    assert [report.guard for report in outcome.guards] == ["policy-report/shop/r1", "policy-report/shop/r1#2"]
    assert [item.key for item in outcome.items] == ["shop/r1", "shop/r1#2"]


def test_the_number_of_reports_is_limited() -> None:
    outcome = _read({"apiVersion": "v1", "kind": "List", "items": [_report(n) for n in range(REPORT_LIMIT + 1)]})
    assert isinstance(outcome, Rejected)
    assert "more than 2,000 reports" in outcome.reason


def test_findings_are_all_counted_and_few_kept() -> None:
    failures = [{"msg": f"m{number}"} for number in range(TOP_FINDINGS + 30)]
    outcome = _read([{"filename": "a.yaml", "namespace": "main", "successes": 0, "failures": failures}])
    assert isinstance(outcome, ImportBatch)
    (item,), (report,) = outcome.items, outcome.guards
    assert item.findings is not None
    assert item.findings.high == report.findings.high == TOP_FINDINGS + 30
    assert len(item.payload["top_findings"]) == TOP_FINDINGS
    assert len(report.summary["top_findings"]) == SUMMARY_FINDINGS


@pytest.mark.parametrize("document", ["[]", "{}", "null", "3", '"guard"', "[[]]", '{"results": []}'])
def test_what_is_no_report_is_rejected_when_called_one(document: str) -> None:
    outcome = _read(document, "guard")
    assert isinstance(outcome, Rejected)
    assert outcome.format == "guard"


@pytest.mark.parametrize(
    ("action", "mode"),
    [("Enforce", "blocking"), ("audit", "report_only"), ("Warn", "warning"), ("dance", "report_only")],
)
def test_the_mode_of_a_policy_report_is_the_action_it_names(action: str, mode: str) -> None:
    report = _report(1)
    report["metadata"]["annotations"] = {"policies.kyverno.io/validation-failure-action": action}
    outcome = _read(report)
    assert isinstance(outcome, ImportBatch)
    assert outcome.guards[0].mode.value == mode


def test_a_very_long_line_of_printed_output_is_no_contract() -> None:
    text = (
        "Analyzed 1 files, 0 dependencies.\n" + "Layers KEPT (" * 100_000 + "\nA KEPT\n\nContracts: 1 kept, 0 broken.\n"
    )
    outcome = _read(text)
    assert isinstance(outcome, ImportBatch)
    assert outcome.items[0].payload["checks"] == {"passed": 1}
