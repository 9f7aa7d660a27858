"""Guard reports against the ground truth that an independent script counted."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from app.importers import guard, registry
from app.importers.base import Reject
from tests.importers import truth

pytestmark = truth.needs_artifacts

EMPTY_LIST = "guard/defectdojo.django-defectdojo__no_violation.json"
"""An empty list: the tool that wrote it cannot be known, so nothing is taken."""

UNSTATED = ("policyreport.json", "policyreport.yaml")
"""No result of these says how it ended (by_result None); the 14 findings are open, the outcome is the summary's."""


def _entries(*kinds: str) -> list[dict[str, Any]]:
    found = [entry for entry in truth.entries("guard") if entry["file"] != EMPTY_LIST]
    return [entry for entry in found if entry["truth"].get("kind", "yaml") in kinds]


def _reports(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """The guard reports of a file, after what holds for each: an item beside it says the same."""
    told = truth.inspect(entry)
    assert (told["accepted"], told["format"], told["gates"], told["components"]) == (True, "guard", [], [])
    assert len(told["items"]) == len(told["guards"])
    for item, report in zip(told["items"], told["guards"], strict=True):
        assert item["evidence_type"] == "guard"
        assert (item["result"], item["findings"]) == (report["result"], report["findings"])
        assert item["payload"]["checks"] == report["summary"]["checks"]
        assert item["completed_at"] == report["generated_at"]
    assert len({item["source_key"] for item in told["items"]}) == len(told["items"])
    assert len({report["guard"] for report in told["guards"]}) == len(told["guards"])
    reports: list[dict[str, Any]] = told["guards"]
    return reports


def _open(report: dict[str, Any]) -> int:
    return sum(count for severity, count in report["findings"].items() if severity != "suppressed")


@pytest.mark.parametrize("entry", _entries("checkov"), ids=truth.short)
def test_checkov(entry: dict[str, Any]) -> None:
    (report,), stated = _reports(entry), entry["truth"]
    assert report["summary"]["checks"].get("failed", 0) == stated["failed_checks"] == _open(report)
    assert report["mode"] == "blocking"
    assert report["result"] == ("failed" if stated["failed_checks"] else "inconclusive")
    differs = stated["summary"]["failed"] != stated["failed_checks"]
    assert ("declared" in report["summary"]) == differs


@pytest.mark.parametrize("entry", _entries("checkov-list"), ids=truth.short)
def test_checkov_list(entry: dict[str, Any]) -> None:
    reports, stated = _reports(entry), entry["truth"]
    assert [report["guard"] for report in reports] == [f"checkov/{name}" for name in stated["frameworks"]]
    for report, summary in zip(reports, stated["summaries"], strict=True):
        assert report["summary"]["checks"] == {name: summary[name] for name in ("passed", "failed")}


@pytest.mark.parametrize("entry", _entries("conftest"), ids=truth.short)
def test_conftest(entry: dict[str, Any]) -> None:
    (report,), stated = _reports(entry), entry["truth"]
    findings, checks = report["findings"], Counter(report["summary"]["checks"])
    assert (findings["high"], findings["medium"], findings["suppressed"]) == (
        stated["failures"],
        stated["warnings"],
        stated["exceptions"],
    )
    assert (checks["passed"], checks["failed"], checks["warned"]) == (
        stated["successes"],
        stated["failures"],
        stated["warnings"],
    )
    assert report["summary"]["files"] == stated["files"]


@pytest.mark.parametrize("entry", _entries("kube-bench"), ids=truth.short)
def test_kube_bench(entry: dict[str, Any]) -> None:
    (report,), stated = _reports(entry), entry["truth"]
    words = {"FAIL": "failed", "PASS": "passed", "WARN": "warned", "INFO": "skipped"}
    assert report["summary"]["checks"] == {words[word]: count for word, count in stated["by_status"].items()}
    assert len(report["summary"]["controls"]) == stated["controls"]


@pytest.mark.parametrize("entry", _entries("kube-linter"), ids=truth.short)
def test_kube_linter(entry: dict[str, Any]) -> None:
    (report,), stated = _reports(entry), entry["truth"]
    assert _open(report) == report["findings"]["high"] == stated["reports"]
    assert report["result"] == stated["checksStatus"].lower()


@pytest.mark.parametrize("entry", _entries("anchorectl", "anchorectl-new"), ids=truth.short)
def test_anchore(entry: dict[str, Any]) -> None:
    reports, stated = _reports(entry), entry["truth"]
    assert len(reports) == sum(stated["by_status"].values())
    assert sum(map(_open, reports)) == stated["details"]
    assert Counter(report["summary"]["final_action"] for report in reports) == Counter(stated["by_final_action"])
    words = {"fail": "failed", "pass": "passed"}
    assert [report["result"] for report in reports] == [words[word] for word in stated["by_status"]]


@pytest.mark.parametrize("entry", _entries("Report", "PolicyReport", "List"), ids=truth.short)
def test_policy_reports_in_json(entry: dict[str, Any]) -> None:
    _policy_reports(entry, [entry["truth"]])


@pytest.mark.parametrize("entry", _entries("yaml"), ids=truth.short)
def test_policy_reports_in_yaml(entry: dict[str, Any]) -> None:
    stated = entry["truth"]["reports"]
    assert len(stated) == entry["truth"]["documents"]
    _policy_reports(entry, stated)


def _policy_reports(entry: dict[str, Any], stated: list[dict[str, Any]]) -> None:
    reports = _reports(entry)
    by_result: Counter[str] = Counter()
    for report in stated:
        by_result.update(report["by_result"])
    # The truth of a YAML list does not look inside; it holds one report.
    wanted = sum(report.get("items", 1) for report in stated)
    assert len(reports) == wanted
    assert {report["mode"] for report in reports} == {"report_only"}
    checks: Counter[str] = Counter()
    for report in reports:
        checks.update(report["summary"]["checks"])
    if entry["file"].endswith("__res.yaml"):
        assert checks == {"failed": 3}
    elif entry["file"].endswith(UNSTATED):
        assert (checks, reports[0]["summary"]["without_result"]) == (Counter(), by_result["None"])
        assert (reports[0]["result"], _open(reports[0])) == ("error", 14)
    else:
        words = {"fail": "failed", "warn": "warned", "pass": "passed"}
        assert checks == {words[word]: count for word, count in by_result.items()}
        assert sum(map(_open, reports)) == by_result["fail"] + by_result["warn"]


@pytest.mark.parametrize("entry", _entries("terraform-plan"), ids=truth.short)
def test_terraform_plan(entry: dict[str, Any]) -> None:
    (report,), stated = _reports(entry), entry["truth"]
    assert report["summary"]["actions"] == stated["actions"]
    assert (report["guard"], report["mode"], report["result"]) == ("terraform-plan", "report_only", "passed")
    assert truth.inspect(entry)["items"][0]["producer"] == f"terraform {stated['terraform_version']}"


@pytest.mark.parametrize("entry", _entries("dependency-cruiser"), ids=truth.short)
def test_dependency_cruiser(entry: dict[str, Any]) -> None:
    (report,), stated = _reports(entry), entry["truth"]
    findings = report["findings"]
    assert (findings["high"], findings["medium"], findings["info"]) == (stated["error"], stated["warn"], stated["info"])
    assert findings["suppressed"] == (stated["ignore"] or 0)
    assert _open(report) + findings["suppressed"] == stated["violations"]
    assert report["summary"]["modules"] == stated["modules"]
    assert report["result"] == ("failed" if stated["error"] else "inconclusive")


@pytest.mark.parametrize("entry", _entries("list"), ids=truth.short)
def test_known_violations(entry: dict[str, Any]) -> None:
    """They are the violations that a team agreed to live with, so none of them is open."""
    (report,), stated = _reports(entry), entry["truth"]
    assert (report["findings"]["suppressed"], _open(report)) == (stated["entries"], 0)
    assert report["summary"]["by_severity"] == stated["by_rule_severity"]


@pytest.mark.parametrize("entry", _entries("other"), ids=truth.short)
def test_kubearmor(entry: dict[str, Any]) -> None:
    (report,) = _reports(entry)
    assert (report["guard"], report["mode"]) == ("kubearmor/ksp-group-1-proc-path-block", "blocking")
    assert (report["result"], report["findings"]["medium"]) == ("failed", 1)


def test_every_file_is_tested() -> None:
    kinds = {entry["truth"].get("kind", "yaml") for entry in truth.entries("guard")}
    known = (
        "checkov checkov-list conftest kube-bench kube-linter anchorectl anchorectl-new Report PolicyReport List yaml"
    )
    assert kinds <= {*known.split(), "terraform-plan", "dependency-cruiser", "list", "other"}


def test_no_file_of_another_format_is_claimed() -> None:
    claimed = []
    for entry in truth.others("guard"):
        try:
            found = registry.probe(truth.artifact(entry))
        except Reject:
            continue
        if guard.detect(found):
            claimed.append(entry["file"])
    assert claimed == []
