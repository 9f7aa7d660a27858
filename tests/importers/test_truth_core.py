"""JUnit, GitLab security and SARIF against the ground truth that an independent script counted."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

import pytest

from app.importers import gitlab_security, junit, registry, sarif
from app.importers.base import Reject
from tests.importers import truth

pytestmark = truth.needs_artifacts

DISABLED = "a case whose status is disabled did not run; the ground truth looks at child elements only"
ABSENT = "a result whose baselineState is absent is no longer there; the ground truth counts it by its level"
BELIEVED_WRONG = {
    "junit/enricomi.publish-unit-test-result-action__disabled.xml": DISABLED,
    "junit/mikepenz.action-junit-report__testDisabled.xml": DISABLED,
    "sarif/microsoft.sarif-sdk__TEST1007.ValidateBaseline.LessResultsThanBaseline.sarif": ABSENT,
}
"""Where the ground truth and the importer differ, and why; each is pinned below to what the importer says."""

CUT_BY_HAND = {
    "junit/enricomi.publish-unit-test-result-action__xunit.xml",
    "junit/mikepenz.action-junit-report__mocha.xml",
    "junit/mikepenz.action-junit-report__multi-level.xml",
    "junit/mikepenz.action-junit-report__test.xml",
}
"""Reports that their projects shortened for a test and left the root's total as it was: cases are lost, none failed."""

NOT_THE_FORMAT = {
    "junit/ctrf-io.junit-to-ctrf__not-junit.xml": "root element <catalog>",
    "junit/enricomi.publish-unit-test-result-action__non-junit.xml": "root element <suites>",
    "gitlab-security/defectdojo.django-defectdojo__gitlab_api_fuzzing_invalid.json": "no list of vulnerabilities",
}
"""Files that parse, yet are not what they are filed under."""


def _refused(entry: dict[str, Any], told: dict[str, Any]) -> bool:
    """Whether the file is one to refuse; asserts that it was, with the place where the truth knows one."""
    if entry["truth"].get("parses"):
        reason = NOT_THE_FORMAT.get(entry["file"])
        if reason is None:
            return False
        assert reason in told["reason"]
    elif "line " in entry["truth"]["parse_error"] and entry["bytes"]:
        said = entry["truth"]["parse_error"]
        if "syntax error" not in said:  # not XML at all: no format claims it
            assert f"line {told['line']}, " in said or f"line {told['line']} " in said
    assert not told["accepted"]
    return True


@pytest.mark.parametrize("entry", truth.entries("junit"), ids=truth.short)
def test_junit(entry: dict[str, Any]) -> None:
    told = truth.inspect(entry)
    if _refused(entry, told):
        return
    assert told["format"] == "junit"
    (item,) = told["items"]
    counted, stated = item["tests"], entry["truth"]
    by_status = stated["cases_by_worst_status"]
    assert counted["total"] == stated["testcases"]
    assert counted["failed"] == by_status.get("failure", 0)
    assert counted["error"] == by_status.get("error", 0)
    if entry["file"] in BELIEVED_WRONG:
        disabled = stated["status_attribute"]["disabled"]
        assert counted["skipped"] == by_status.get("skipped", 0) + disabled
        assert counted["passed"] == by_status["passed"] - disabled
    else:
        assert counted["skipped"] == by_status.get("skipped", 0)
        assert counted["passed"] == by_status.get("passed", 0)
    assert item["payload"]["suites"] == stated["testsuites"]
    reruns = stated.get("rerun_flaky_elements", {})
    assert bool(counted["flaky"]) == bool(reruns.get("flakyFailure", 0) + reruns.get("flakyError", 0))
    unproven = stated["testcases"] == 0 or entry["file"] in CUT_BY_HAND
    assert (item["result"] == "inconclusive") == unproven
    assert ("declares" in item["title"]) == ("declared_by_suites" in item["payload"])
    if entry["file"] in CUT_BY_HAND:
        assert stated["declared_on_root"]["tests"] > stated["testcases"]
        assert str(stated["declared_on_root"]["tests"]) in item["title"].replace(",", "")


@pytest.mark.parametrize("entry", truth.entries("gitlab-security"), ids=truth.short)
def test_gitlab_security(entry: dict[str, Any]) -> None:
    told = truth.inspect(entry)
    if _refused(entry, told):
        return
    assert told["format"] == "gitlab-security"
    (item,) = told["items"]
    stated = entry["truth"]
    expected = Counter({word.lower(): count for word, count in stated["by_severity"].items()})
    expected["unknown"] += expected.pop("none", 0)  # the truth writes None where a finding has no severity
    assert Counter(item["findings"]) == expected
    assert item["findings"]["suppressed"] == 0
    assert sum(item["findings"].values()) == stated["findings"]
    assert item["payload"]["flagged_false_positive"] == stated["flagged_false_positive"]
    assert item["payload"]["remediations"] == stated["remediations"]
    for key, said in (("started_at", "start_time"), ("completed_at", "end_time")):
        assert item[key] == (f"{stated[said]}Z" if stated[said] else None)


@pytest.mark.parametrize("entry", truth.entries("sarif"), ids=truth.short)
def test_sarif(entry: dict[str, Any]) -> None:
    told = truth.inspect(entry)
    if _refused(entry, told):
        return
    assert told["format"] == "sarif"
    (item,) = told["items"]
    stated, payload, findings = entry["truth"], item["payload"], item["findings"]
    assert payload["levels"] == stated["effective_level"]
    assert payload["results"] == stated["results"]
    assert payload["runs"] == stated["runs"]
    assert findings["suppressed"] == stated["suppressed"]
    gone = payload.get("baseline", {}).get("absent", 0)
    assert bool(gone) == (entry["file"] in BELIEVED_WRONG)
    # What passed is a result and no finding.
    nothing = sum(payload.get("kinds", {}).get(kind, 0) for kind in ("pass", "notApplicable", "informational"))
    assert sum(findings.values()) == stated["results"] - gone - nothing
    if False in stated.get("executionSuccessful", []):
        assert item["result"] == "error"


@pytest.mark.parametrize("entry", truth.entries("sarif"), ids=truth.short)
def test_sarif_severities(entry: dict[str, Any]) -> None:
    """Severity recomputed here in another way, from the rules' ids alone; every rule of the set is found by its id."""
    told = truth.inspect(entry)
    if not told["accepted"] or told["dialect"] != "2.1.0":
        return
    document = json.loads((truth.ARTIFACTS / entry["file"]).read_text("utf-8-sig"))
    expected: Counter[str] = Counter()
    for run in document["runs"]:
        rules = {rule["id"]: rule for rule in run["tool"]["driver"].get("rules", [])}
        for result in run["results"]:
            if result.get("baselineState") == "absent" or result.get("kind") == "pass":
                continue
            if result.get("suppressions") and all(
                s.get("status", "accepted") == "accepted" for s in result["suppressions"]
            ):
                expected["suppressed"] += 1
                continue
            name = result.get("ruleId") or ""
            rule = rules.get(name) or rules.get(name.rpartition("/")[0]) or {}
            level = result.get("level") or rule.get("defaultConfiguration", {}).get("level") or "warning"
            score = float(rule.get("properties", {}).get("security-severity", math.nan))
            by_level = {"error": "high", "warning": "medium", "note": "low", "none": "info"}[level]
            bands = ((9, "critical"), (7, "high"), (4, "medium"), (-1, "low"))
            expected[next((word for least, word in bands if score >= least), by_level)] += 1
    assert Counter(told["items"][0]["findings"]) == expected


@pytest.mark.parametrize("entry", truth.others("junit", "gitlab-security", "sarif"), ids=truth.short)
def test_no_other_file_is_claimed(entry: dict[str, Any]) -> None:
    try:
        probe = registry.probe(truth.artifact(entry))
    except Reject:
        return
    claims = [importer.FORMAT for importer in (junit, gitlab_security, sarif) if importer.detect(probe)]
    assert claims == []
