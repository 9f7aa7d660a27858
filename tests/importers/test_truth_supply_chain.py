"""Trivy, Grype, CycloneDX, OpenVEX and in-toto against the ground truth of the shared artifact set, where it is there.

The truth's own words for a severity are compared with the tallies that the payload keeps; the counts of findings are
derived from the truth here, by hand, and compared as well.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from app.importers import registry
from app.importers.base import Artifact, ImportBatch, Reject, Rejected
from app.importers.describe import describe

SET = Path(__file__).resolve().parents[3] / "shared" / "artifacts"

if not (SET / "INDEX.json").exists():
    pytest.skip("the shared artifact set is not here", allow_module_level=True)

FILES: list[dict[str, Any]] = json.loads((SET / "INDEX.json").read_text("utf-8"))["files"]
FORMATS = ("trivy", "grype", "cyclonedx", "openvex", "intoto")

NOT_TOLD_BY_CONTENT = {
    "trivy/defectdojo.django-defectdojo__legacy_no_vuln.json": "the file is the word null; nothing says whose",
    "openvex/defectdojo.django-defectdojo__openvex_not_a_document.json": "an array of words, no document",
}
RATED_BY_SCORE_ONLY = {
    "cyclonedx/defectdojo.django-defectdojo__no-severity.json": "critical"  # a CVSS score of 10.0 and no word
}

OF_LICENCES_ALONE = "trivy/defectdojo.django-defectdojo__license_scheme.json"

SEVERITIES = ("critical", "high", "medium", "low", "info", "unknown")
WORDS = {"negligible": "info", "none": "info", "unrated": "unknown"}


def files(format: str) -> list[Any]:
    return [
        pytest.param(f["file"], f["truth"], id=f["file"].partition("__")[2])
        for f in FILES
        if f["format"] == format and f["file"] not in NOT_TOLD_BY_CONTENT
    ]


def told(file: str) -> dict[str, Any]:
    outcome = registry.read(Artifact.of_bytes(Path(file).name, (SET / file).read_bytes()))
    assert isinstance(outcome, ImportBatch), outcome
    assert outcome.format == file.partition("/")[0]
    return describe(file, outcome)


def item(file: str) -> dict[str, Any]:
    (one,) = told(file)["items"]
    assert isinstance(one, dict)
    return one


def counted(*tallies: dict[str, int], absent: str = "None") -> dict[str, int]:
    """Findings by severity from tallies by word; `absent` is the truth's word for none given."""
    total: Counter[str] = Counter()
    for tally in tallies:
        for word, count in tally.items():
            plain = "unknown" if word == absent else WORDS.get(word.lower(), word.lower())
            total[plain] += count
    return {severity: total[severity] for severity in SEVERITIES}


def open_findings(one: dict[str, Any]) -> dict[str, int]:
    return {severity: one["findings"][severity] for severity in SEVERITIES}


@pytest.mark.parametrize(("file", "truth"), files("trivy"))
def test_trivy(file: str, truth: dict[str, Any]) -> None:
    if file == OF_LICENCES_ALONE:
        outcome = registry.read(Artifact.of_bytes(Path(file).name, (SET / file).read_bytes()))
        assert isinstance(outcome, Rejected)
        assert "no scan" in outcome.reason
        return
    one = item(file)
    payload = one["payload"]
    spoken = {"None" if word == "none given" else word: n for word, n in payload["by_severity"].items()}
    assert spoken == truth["by_severity"]
    for name in ("vulnerabilities", "misconfigurations_by_status", "misconfig_fail_by_severity", "secrets", "licenses"):
        assert payload[name] == truth[name], name
    assert payload["results"] == truth["results"]
    assert open_findings(one) == counted(truth["by_severity"], truth["misconfig_fail_by_severity"])
    assert (one["completed_at"] is None) == (truth.get("CreatedAt") is None)


@pytest.mark.parametrize(("file", "truth"), files("grype"))
def test_grype(file: str, truth: dict[str, Any]) -> None:
    one = item(file)
    assert one["payload"]["matches"] == truth["matches"]
    assert one["payload"]["by_severity"] == truth["by_severity"]
    assert one["payload"]["fix_states"] == truth["fix_states"]
    assert open_findings(one) == counted(truth["by_severity"])
    assert one["findings"]["suppressed"] == truth["ignored_matches"]
    assert (truth["version"] or "") in one["producer"]


@pytest.mark.parametrize(("file", "truth"), files("cyclonedx"))
def test_cyclonedx(file: str, truth: dict[str, Any]) -> None:
    one = item(file)
    payload = one["payload"]
    assert payload["vulnerabilities"] == truth["vulnerabilities"]
    assert one["evidence_type"] == ("security" if truth["vulnerabilities"] else "artifact")
    if truth["encoding"] == "xml":
        # The truth counts every element of that name, the BOM's own subject in its metadata included.
        subject = 1 if file.endswith("multiple_cwes_fabricated.xml") else 0
        assert payload["components"] == truth["components"] - subject
    else:
        assert payload["components_top_level"] == truth["components_top_level"]
        assert payload["components"] == truth["components_including_nested"]
        assert payload["spec_version"] == truth["specVersion"]
        assert (one["completed_at"] is None) == (truth["timestamp"] is None)
    if not truth["vulnerabilities"]:
        assert one["findings"] is None
        return
    states = {"None" if state == "none given" else state: n for state, n in payload["analysis_states"].items()}
    if truth["encoding"] == "json":
        assert payload["by_worst_rating"] == truth["by_worst_rating"]
        assert states == truth["analysis_states"]
    closed = sum(n for state, n in states.items() if state.startswith(("not_affected", "false_positive", "resolved")))
    assert one["findings"]["suppressed"] == closed
    assert sum(open_findings(one).values()) == truth["vulnerabilities"] - closed
    if closed == 0:
        expected = counted(payload["by_worst_rating"])
        if file in RATED_BY_SCORE_ONLY:
            expected = counted({RATED_BY_SCORE_ONLY[file]: truth["vulnerabilities"]})
        assert open_findings(one) == expected
    if file.partition("__")[2].startswith("spec1"):
        assert payload["by_worst_rating"] == {"critical": 1}


@pytest.mark.parametrize(("file", "truth"), files("openvex"))
def test_openvex(file: str, truth: dict[str, Any]) -> None:
    one = item(file)
    assert one["payload"]["statements"] == truth["statements"]
    assert one["payload"]["by_status"] == truth["by_status"]
    by_status = Counter(truth["by_status"])
    assert one["findings"]["suppressed"] == by_status["not_affected"] + by_status["fixed"]
    assert open_findings(one) == counted({"unknown": by_status["affected"] + by_status["under_investigation"]})


@pytest.mark.parametrize(("file", "truth"), files("intoto"))
def test_intoto(file: str, truth: dict[str, Any]) -> None:
    items = told(file)["items"]
    expected = truth.get("attestations") or truth.get("provenances") or [truth]
    assert len(items) == len(expected)
    for one, wanted in zip(items, expected, strict=True):
        payload = one["payload"]
        assert one["evidence_type"] == "artifact"
        assert payload["payload_type"] == wanted["payloadType"]
        assert payload["signatures"] == wanted["signatures"]
        assert payload["subjects_total"] == wanted["subjects"]
        assert list(payload["subjects"][0]["digest"]) == wanted["first_subject"]["digest_algorithms"]
        if "left out" not in wanted["first_subject"]["name"]:
            assert payload["subjects"][0]["name"] == wanted["first_subject"]["name"]
        assert payload["wrapper"].endswith(wanted.get("wrapper", "dsse" if "wrapper" not in truth else "gcloud"))
        states = {name: payload[name]["state"] for name in ("digest", "signature", "certificate")}
        assert states["certificate"] != "verified"
        assert (one["result"] == "failed") == ("failed" in states.values())
        assert one["result"] != "passed" or states["signature"] == "verified"


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("gundam-visor-cli-v1-tag-invalidsigprov.tgz.json", [1]),
        ("gundam-visor-cli-v1-tag-invalidsigpub.tgz.json", [0]),
        ("provenance-npm-test-cli-v02-prega-invalidsigprov.tgz.json", [1]),
        ("provenance-npm-test-cli-v02-prega-invalidsigpub.tgz.json", [0]),
        ("provenance-npm-test-cli-v1-prega-invalidsigprov.tgz.json", [1]),
        ("provenance-npm-test-cli-v1-prega-invalidsigpub.tgz.json", [0]),
        ("gcloud-container-empty-signature.json", [0]),
        ("gcloud-container-invalid-signature-encoding.json", [0]),
        ("gcloud-container-mismatch-metadata-urisha256.json", [0]),
        ("gcloud-container-mismatch-payload-builderid.json", [0]),
    ],
)
def test_intoto_tampered(name: str, wrong: list[int]) -> None:
    items = told(f"intoto/slsa-framework.slsa-verifier__{name}")["items"]
    assert [place for place, one in enumerate(items) if one["result"] == "failed"] == wrong


@pytest.mark.parametrize("file", sorted(NOT_TOLD_BY_CONTENT))
def test_what_content_does_not_tell(file: str) -> None:
    data = (SET / file).read_bytes()
    outcome = registry.read(Artifact.of_bytes("x.json", data))
    assert isinstance(outcome, Rejected)
    assert "unknown format" in outcome.reason
    assert isinstance(registry.read(Artifact.of_bytes("x.json", data), file.partition("/")[0]), Rejected)


def test_no_file_of_another_format_is_claimed() -> None:
    claimed = []
    for file in FILES:
        if file["format"] in FORMATS:
            continue
        try:
            found = registry.probe(Artifact.of_bytes("x", (SET / file["file"]).read_bytes()))
        except Reject:
            continue
        claimed += [(file["file"], name) for name in FORMATS if registry.FORMATS[name].detect(found)]
    assert claimed == []
