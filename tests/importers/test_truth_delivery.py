"""Contracts, pipelines, checks, quality gates and coverage of the artifact set give what an independent count gave."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.importers.truth import entries, inspect, needs_artifacts, others, short

pytestmark = needs_artifacts

FORMATS = ("contract-drift", "gitlab-api", "github-checks", "sonar-gate", "code-quality", "cobertura")

WITHOUT_RESULT = {
    "get_provider_pacts_for_verification.approved.json": "still to be verified",
    "publish_contract_no_branch.approved.json": "publication",
    "publish_contract_nothing_exists.approved.json": "publication",
    "publish_contract_nothing_exists_with_webhook.approved.json": "publication",
    "publish_contract_verification_already_exists.approved.json": "publication",
    "publish_contract_with_validation_error.approved.json": "pacticipantVersionNumber is missing",
    "publish_contracts_results_decorator.approved.json": "publication",
    "get_branch.json": "a branch states no result",
}
"""Files that state no result, and a part of the sentence that says so."""

KEYS_LISTED = 14
"""How many of a document's keys the index lists."""

GITHUB_RESULTS = {"success": "passed", "failure": "failed", "neutral": "inconclusive", None: "pending"}
GITLAB_RESULTS = {"success": "passed", "running": "pending", "created": "pending", "manual": "pending"}


def _item(entry: dict[str, Any]) -> dict[str, Any]:
    told = inspect(entry)
    assert told["format"] == entry["format"], told
    assert told["accepted"], told
    (item,) = told["items"]
    return dict(item)


@pytest.mark.parametrize("entry", [e for e in entries() if short(e) in WITHOUT_RESULT], ids=short)
def test_what_states_no_result_is_refused_by_name(entry: dict[str, Any]) -> None:
    told = inspect(entry)
    assert (told["format"], told["accepted"]) == (entry["format"], False)
    assert WITHOUT_RESULT[short(entry)] in told["reason"]


def _telling(format: str) -> list[dict[str, Any]]:
    return [entry for entry in entries(format) if short(entry) not in WITHOUT_RESULT]


@pytest.mark.parametrize("entry", _telling("contract-drift"), ids=short)
def test_contract_drift(entry: dict[str, Any]) -> None:
    truth, item = entry["truth"], _item(entry)
    drift = item["payload"]["contract_drift"]
    if "level" in truth:
        (change,) = drift["changes"]
        assert (drift["breaking"], change["id"], item["result"]) == (1, truth["id"], "failed")
    elif "success" in truth:
        assert item["result"] == ("passed" if truth["success"] else "failed")
    elif truth["keys"] == ["request", "response"]:
        # Counted by hand in the recorded matrix: one row each verified, failed and without a verification.
        assert (drift["verified"], drift["breaking"], drift["unknown"]) == (1, 1, 1)
        assert "declared" not in drift
    else:
        decided = drift["verified"] + drift["breaking"] + drift["unknown"] + drift.get("without_answer", 0)
        assert min(decided, KEYS_LISTED) == len(truth["keys"])


@pytest.mark.parametrize("entry", _telling("gitlab-api"), ids=short)
def test_gitlab_api(entry: dict[str, Any]) -> None:
    truth, item = entry["truth"], _item(entry)
    kind = truth.get("object_kind")
    if "test_cases_by_status" in truth:
        cases = truth["test_cases_by_status"]
        assert item["tests"]["total"] == sum(cases.values())
        assert (item["tests"]["passed"], item["tests"]["error"]) == (cases["success"], cases["error"])
        assert item["payload"]["declared"]["total_count"] == truth["total_count"]
    elif kind == "pipeline":
        assert item["result"] == GITLAB_RESULTS[truth["object_attributes"]["status"]]
        assert item["payload"]["jobs_by_status"] == truth["builds_by_status"]
        assert item["payload"]["sha"] == truth["object_attributes"]["sha"]
    elif kind == "build":
        assert item["result"] == GITLAB_RESULTS[truth["build_status"]]
        assert item["payload"]["allow_failure"] is truth["build_allow_failure"]
        assert item["payload"].get("duration_s") == truth["build_duration"]
    elif kind == "merge_request":
        assert item["result"] == "pending"
    elif kind == "release":
        assert item["evidence_type"] == "artifact"
    elif "pipeline_status" in truth:
        assert item["result"] == GITLAB_RESULTS[truth["pipeline_status"]]
    else:
        assert item["result"] == GITLAB_RESULTS[truth["status"]]


@pytest.mark.parametrize("entry", entries("github-checks"), ids=short)
def test_github_checks(entry: dict[str, Any]) -> None:
    truth, item = entry["truth"], _item(entry)
    if "deployment_status" in truth:
        state = truth["deployment_status"]["state"]
        assert item["result"] == ("pending" if state == "in_progress" else GITHUB_RESULTS[state])
        return
    for kind in ("check_run", "workflow_job", "workflow_run", "check_suite"):
        if kind in truth:
            told = truth[kind]
            assert item["result"] == GITHUB_RESULTS[told["conclusion"]]
            assert item["payload"]["sha"] == told["head_sha"]
            assert item["payload"]["status"] == told["status"]
            return
    assert item["result"] == GITHUB_RESULTS[truth["state"]]
    assert item["payload"]["sha"] == truth["sha"]


@pytest.mark.parametrize("entry", entries("sonar-gate"), ids=short)
def test_sonar_gate(entry: dict[str, Any]) -> None:
    truth = entry["truth"]
    told, item = inspect(entry), _item(entry)
    findings = item["findings"]
    if "issues" in truth:
        assert sum(findings.values()) == truth["issues"]
        assert item["payload"]["by_severity"] == truth["by_severity"]
        states = Counter[str]()
        for state, number in item["payload"]["by_status"].items():
            states[state.split()[0]] += number
        assert states == truth["by_status"]
        assert findings["suppressed"] == truth["by_status"].get("CLOSED", 0)
    gates = [(gate["details"]["status"], gate["details"]["conditions"]) for gate in told["gates"]]
    expected = [(truth["gate"]["status"], truth["gate"]["conditions"])] if "gate" in truth else []
    assert gates == expected
    assert all(gate["result"] == "passed" and gate["enforcement"] == "blocking" for gate in told["gates"])


@pytest.mark.parametrize("entry", entries("code-quality"), ids=short)
def test_code_quality(entry: dict[str, Any]) -> None:
    truth, item = entry["truth"], _item(entry)
    assert sum(item["findings"].values()) == truth["issues"]
    assert item["payload"]["by_severity"] == truth["by_severity"]
    assert item["payload"].get("repeated_fingerprints", 0) == truth["duplicate_fingerprints"]


@pytest.mark.parametrize("entry", entries("cobertura"), ids=short)
def test_cobertura(entry: dict[str, Any]) -> None:
    truth, item = entry["truth"], _item(entry)
    coverage = item["payload"]["coverage"]
    for key in ("declared", "classes", "class_level_line_entries", "class_level_lines_hit"):
        assert coverage[key] == truth[key]
    counted = truth["class_level_line_entries"] + coverage.get("method_level_line_entries", 0)
    assert item["result"] == ("passed" if counted else "inconclusive")


@pytest.mark.parametrize("entry", others(*FORMATS), ids=short)
def test_no_other_file_is_taken_for_one_of_these(entry: dict[str, Any]) -> None:
    assert inspect(entry)["format"] not in FORMATS
