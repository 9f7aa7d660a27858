"""Scans that say themselves that they could not look are not clean, what is no scan is refused, and titles end."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from app.domain.evidence import Result
from app.importers import registry
from app.importers.base import Artifact, Rejected
from tests.importers.scans import batch, bom, gitlab, grype, image, provenance, sarif, trivy, vex, webhook


def test_a_gate_that_holds_after_a_failed_analysis_proves_nothing() -> None:
    found = batch(webhook("OK", status="FAILED"))
    assert found.gates[0].result is found.items[0].result is Result.INCONCLUSIVE
    assert batch(webhook("OK", status="SUCCESS")).gates[0].result is Result.PASSED


@pytest.mark.parametrize(
    ("scan", "result"),
    [
        ({}, Result.PASSED),
        ({"status": "failure"}, Result.ERROR),
        ({"status": "running"}, Result.INCONCLUSIVE),
        ({"messages": [{"level": "error", "value": "no network"}]}, Result.INCONCLUSIVE),
        ({"scanned_resources": []}, Result.INCONCLUSIVE),
        ({"scanned_resources": [{"url": "https://a.example"}]}, Result.PASSED),
    ],
)
def test_a_gitlab_scan_that_did_not_look_is_not_clean(scan: dict[str, Any], result: Result) -> None:
    assert batch(gitlab("zaproxy", "dast", **scan)).items[0].result is result


@pytest.mark.parametrize(
    ("report", "result"),
    [
        ({}, Result.PASSED),
        ({"descriptor": {"name": "grype", "db": {"error": "failed to load"}}}, Result.INCONCLUSIVE),
        ({"descriptor": {"name": "grype", "db": {"status": {"valid": False}}}}, Result.INCONCLUSIVE),
        ({"descriptor": {"name": "grype", "db": {"status": {"valid": True, "error": ""}}}}, Result.PASSED),
        ({"alertsByPackage": [{"alerts": [{"type": "distro-eol"}]}]}, Result.WARNED),
    ],
)
def test_a_grype_scan_that_could_not_look_well_is_not_clean(report: dict[str, Any], result: Result) -> None:
    assert batch(grype(image("shop:1"), **report)).items[0].result is result


def misconfigured(failures: int, *statuses: str) -> dict[str, Any]:
    found = [{"Status": status, "Severity": "LOW", "ID": "X"} for status in statuses]
    summary = {"Successes": 3, "Failures": failures}
    report = trivy(kind="config", target="Dockerfile")
    report["Results"][0] |= {"MisconfSummary": summary, "Misconfigurations": found}
    return report


def test_misconfigurations_that_trivy_counts_and_does_not_list() -> None:
    lost = batch(misconfigured(2)).items[0]
    assert lost.result is Result.INCONCLUSIVE
    assert "2 failed misconfigurations are counted and not listed" in lost.title
    assert batch(misconfigured(1, "FAIL", "PASS")).items[0].result is Result.WARNED
    assert batch(misconfigured(0, "PASS")).items[0].result is Result.PASSED


def test_an_operating_system_past_its_end_is_not_clean() -> None:
    told = batch(trivy(Metadata={"OS": {"Family": "alpine", "EOSL": True}})).items[0]
    assert told.result is Result.WARNED
    assert "no more security updates" in told.title


def test_licences_alone_are_no_scan() -> None:
    licences = trivy(kind="license")
    refused = registry.read(Artifact.of_bytes("r.json", json.dumps(licences).encode()))
    assert isinstance(refused, Rejected)
    assert "licences alone" in refused.reason
    both = deepcopy(licences)
    both["Results"].append({"Target": "go.mod", "Class": "lang-pkgs", "Packages": [{"Name": "a"}]})
    assert batch(both).items[0].result is Result.PASSED


@pytest.mark.parametrize("context", ["", None, []])
def test_vex_without_a_context_is_told_by_its_statements(context: Any) -> None:
    item = batch(vex("x", "pkg:oci/shop", status="not_affected") | {"@context": context}).items[0]
    assert item.findings is not None
    assert item.findings.suppressed == 1
    stranger = vex("x", "pkg:oci/shop", status="maybe") | {"@context": context}
    assert isinstance(registry.read(Artifact.of_bytes("r", json.dumps(stranger).encode())), Rejected)
    named = registry.read(Artifact.of_bytes("r", json.dumps(stranger).encode()), "openvex")
    assert isinstance(named, Rejected)
    assert "no @context" in named.reason


@pytest.mark.parametrize(
    "document",
    [
        provenance("https://registry.example/" + "a/" * 400 + "shop:1"),
        provenance("shop", kind="https://example.org/" + "x" * 900),
        sarif("S" * 90, "error") | {"runs": [sarif(f"{n}" * 90, "error")["runs"][0] for n in range(9)]},
        trivy("r/" * 400 + "shop:1", "HIGH"),
        grype(image("r/" * 400 + "shop:1"), "High"),
        webhook("OK", "k" * 900),
        bom("n" * 900),
        vex("x", "a", author="A" * 900),
        gitlab("s" * 900, "sast", "High"),
    ],
)
def test_a_long_name_leaves_the_end_of_a_title(document: Any) -> None:
    for item in batch(document).items:
        assert len(item.title) <= 320
        assert item.title.partition("…")[2] or "and 6 more" in item.title
        last = item.title.rpartition(": ")[2]
        assert any(word in last for word in ("open finding", "not checked", "quality gate", "component")), item.title
