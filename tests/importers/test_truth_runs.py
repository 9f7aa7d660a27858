"""The test-run formats against counts made by an independent script, where the artifact set is at hand.

The set lies beside the repository and is not part of it; without it these tests are skipped.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from app.importers import registry
from app.importers.base import Artifact, Reject
from app.importers.describe import describe
from tests.importers import truth

pytestmark = truth.needs_artifacts

OURS = ("cucumber-json", "cucumber-messages", "mochawesome", "playwright-json", "xunit-other")

REJECTED = {
    "daun.playwright-report-summary__report-invalid.json": "has a list of suites; this one has none",
    "enricomi.publish-unit-test-result-action__NUnit-sec1752-file.xml": "entities or external references",
}
"""Files of these formats that are refused, and why."""

NOT_PROVEN = {"cucumber.cucumber-json-converter__2.0.0-json-scenario-outline-with-decaying-background.json"}
"""cucumber-ruby 2 wrote this outline as a template: its own step has no result, only the background before it has
one. By the worst status the scenario passed, and the tally says so; as a test it is not counted as passed."""


def of(format: str) -> Any:
    """A test for each file of a format that is accepted."""
    accepted = [entry for entry in truth.entries(format) if Path(entry["file"]).name not in REJECTED]
    return pytest.mark.parametrize("entry", accepted, ids=truth.short)


def described(entry: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The only item of a file, detected by its content, and the batch."""
    told = truth.inspect(entry)
    assert told["accepted"], told
    assert told["format"] == entry["format"]
    assert len(told["items"]) == 1
    return told["items"][0], told


@of("cucumber-json")
def test_cucumber_json(entry: dict[str, Any]) -> None:
    item, _ = described(entry)
    stated: Counter[str] = Counter(entry["truth"]["scenarios_by_worst_status"])
    assert item["payload"]["scenarios_by_worst_status"] == stated
    assert item["payload"]["features"] == entry["truth"]["features"]
    tests = item["tests"]
    assert tests["total"] == entry["truth"]["scenarios"]
    unproven = stated["passed"] if Path(entry["file"]).name in NOT_PROVEN else 0
    assert tests["passed"] == stated["passed"] - unproven
    assert tests["failed"] == stated["failed"]
    assert tests["error"] == stated["undefined"] + stated["ambiguous"]
    assert tests["skipped"] == stated["skipped"] + stated["pending"] + stated["other"] + unproven
    assert tests["flaky"] == 0


@of("cucumber-messages")
def test_cucumber_messages(entry: dict[str, Any]) -> None:
    item, _ = described(entry)
    stated = entry["truth"]
    assert item["payload"]["scenarios_by_worst_status"] == stated["final_test_cases_by_worst_status"]
    assert item["payload"]["attempts_that_were_retried"] == stated["attempts_that_will_be_retried"]
    assert item["tests"]["total"] == sum(stated["final_test_cases_by_worst_status"].values())


@of("mochawesome")
def test_mochawesome(entry: dict[str, Any]) -> None:
    item, _ = described(entry)
    stated: Counter[str] = Counter(entry["truth"]["tests_by_state"])
    assert item["payload"]["outcomes"] == stated
    tests = item["tests"]
    assert tests["total"] == stated.total() == entry["truth"]["declared_stats"]["tests"]
    assert tests["passed"] == stated["passed"]
    assert tests["failed"] == stated["failed"]
    assert tests["skipped"] == stated["pending"] + stated["skipped"]


@of("playwright-json")
def test_playwright(entry: dict[str, Any]) -> None:
    item, _ = described(entry)
    stated = entry["truth"]
    statuses: Counter[str] = Counter(stated["tests_by_status"])
    assert item["payload"]["outcomes"] == statuses
    assert item["payload"]["attempts_by_status"] == stated["attempts_by_status"]
    assert item["payload"]["tests_by_attempt_count"] == stated["tests_by_attempt_count"]
    tests = item["tests"]
    assert tests["total"] == statuses.total()
    assert tests["passed"] == statuses["expected"] + statuses["flaky"]
    assert tests["flaky"] == statuses["flaky"]
    assert tests["failed"] == statuses["unexpected"]
    assert tests["skipped"] == statuses["skipped"]


@of("xunit-other")
def test_xunit_other(entry: dict[str, Any]) -> None:
    item, told = described(entry)
    stated, tests = entry["truth"], item["tests"]
    outcomes: Counter[str] = Counter(stated.get("unit_test_outcomes") or stated.get("result_attr") or {})
    bad = tests["failed"] + tests["error"]
    if told["dialect"] in ("trx", "xunit"):
        assert item["payload"]["outcomes"] == outcomes
        assert tests["total"] == outcomes.total()
        assert tests["passed"] == outcomes["Passed"] + outcomes["Pass"]
        assert bad == outcomes["Failed"] + outcomes["Fail"]
        assert tests["skipped"] == outcomes["NotExecuted"] + outcomes["Skip"]
    elif told["dialect"] == "nunit2":
        assert tests["total"] == stated["tests"]
        assert bad == stated["declared"]["failures"] + stated["declared"].get("errors", 0)
        assert tests["skipped"] == stated["declared"]["not-run"]
    elif told["dialect"] == "mocha":
        assert (tests["total"], bad, tests["skipped"]) == (stated["tests"], stated["failures"], stated["pending"])
    else:
        assert told["dialect"] == "dart"
        assert tests["passed"] + tests["skipped"] == stated["testDone"]["success"]
        assert tests["failed"] == stated["testDone"]["failure"]
        assert tests["error"] == stated["testDone"]["error"]


@pytest.mark.parametrize("name", sorted(REJECTED))
def test_rejected(name: str) -> None:
    (entry,) = (entry for entry in truth.entries(*OURS) if Path(entry["file"]).name == name)
    told = truth.inspect(entry)
    assert not told["accepted"]
    assert REJECTED[name] in told["reason"]


def test_no_other_file_is_claimed() -> None:
    importers = [registry.FORMATS[format] for format in OURS]
    wrong = []
    for entry in truth.entries():
        try:
            found = registry.probe(truth.artifact(entry))
        except Reject:
            continue
        claims = {importer.FORMAT for importer in importers if importer.detect(found)}
        if claims - {entry["format"]}:
            wrong.append((entry["file"], claims))
    assert wrong == []


def test_hostile_files_are_no_test_runs() -> None:
    for entry in truth.index()["hostile"]:
        data = (truth.ARTIFACTS / entry["file"]).read_bytes()
        for format in OURS:
            told = describe(entry["file"], registry.read(Artifact.of_bytes(entry["file"], data), format))
            assert not told["accepted"], (entry["file"], format)
