"""Detection over the whole artifact set: each file is claimed by the importer of its own format, and by no other."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import pytest

from app.importers import registry
from app.importers.base import Artifact, Reject, Rejected
from app.importers.describe import describe
from tests.importers import truth

pytestmark = truth.needs_artifacts

_STORED = "says what the broker stored, not whether a provider honours it"

RIGHTLY_REJECTED: dict[str, str] = {
    "contract-drift/pact-foundation.pact_broker__get_provider_pacts_for_verification.approved.json": "holds no result",
    "contract-drift/pact-foundation.pact_broker__publish_contract_no_branch.approved.json": _STORED,
    "contract-drift/pact-foundation.pact_broker__publish_contract_nothing_exists.approved.json": _STORED,
    "contract-drift/pact-foundation.pact_broker__publish_contract_nothing_exists_with_webhook.approved.json": _STORED,
    "contract-drift/pact-foundation.pact_broker__publish_contract_verification_already_exists.approved.json": _STORED,
    "contract-drift/pact-foundation.pact_broker__publish_contract_with_validation_error.approved.json": "answered 400",
    "contract-drift/pact-foundation.pact_broker__publish_contracts_results_decorator.approved.json": _STORED,
    "gitlab-api/xanzy.go-gitlab__get_branch.json": "a branch states no result",
    "gitlab-security/defectdojo.django-defectdojo__gitlab_api_fuzzing_invalid.json": "no list of vulnerabilities",
    "guard/defectdojo.django-defectdojo__no_violation.json": "ambiguous",  # an empty list
    "junit/ctrf-io.junit-to-ctrf__not-junit.xml": "root element <catalog>",
    "junit/enricomi.publish-unit-test-result-action__non-junit.xml": "root element <suites>",
    "openvex/defectdojo.django-defectdojo__openvex_not_a_document.json": "unknown format: a JSON array",
    "playwright-json/daun.playwright-report-summary__report-invalid.json": "this one has none",
    "trivy/defectdojo.django-defectdojo__license_scheme.json": "licences alone",
    "trivy/defectdojo.django-defectdojo__legacy_no_vuln.json": "unknown format",  # the word null
}
"""Files that parse, of which nothing may be taken all the same: what the rejection says."""


def _rightly(name: str, reason: str) -> bool:
    return name in RIGHTLY_REJECTED and RIGHTLY_REJECTED[name] in reason


@pytest.mark.parametrize("format", sorted(registry.FORMATS))
def test_each_file_is_taken_for_what_it_is(format: str) -> None:
    wrong: dict[str, list[str]] = defaultdict(list)
    for entry in truth.entries(format):
        told = truth.inspect(entry)
        taken_for, name = told["format"], entry["file"]
        if taken_for not in (None, format):
            wrong[f"taken for {taken_for}"].append(name)
        elif told["accepted"] and (name in RIGHTLY_REJECTED or not entry["truth"].get("parses")):
            wrong["accepted, though nothing may be taken of it"].append(name)
        elif not told["accepted"] and entry["truth"].get("parses") and not _rightly(name, told["reason"]):
            wrong[told["reason"]].append(name)
    assert not wrong, "\n".join(f"{reason}\n  " + "\n  ".join(files) for reason, files in sorted(wrong.items()))


def test_only_the_importer_of_its_format_claims_a_file() -> None:
    """Files of formats that have no importer are claimed by nobody."""
    wrong = []
    for entry in truth.entries():
        try:
            found = registry.probe(truth.artifact(entry))
        except Reject:
            continue
        claims = [importer.FORMAT for importer in registry.IMPORTERS if importer.detect(found)]
        if any(claim != entry["format"] for claim in claims) and entry["file"] not in RIGHTLY_REJECTED:
            wrong.append(f"{entry['file']}: {', '.join(claims)}")
    assert not wrong, "\n".join(wrong)


def test_the_whole_folder_is_read_without_an_exception() -> None:
    """What comes out is plain JSON, whatever the file; the hostile ones and the index itself among them. Run with
    -s, it prints what was rejected."""
    rejected = []
    for path in sorted(truth.ARTIFACTS.rglob("*")):
        if path.is_file():
            name = path.relative_to(truth.ARTIFACTS).as_posix()
            outcome = registry.read(Artifact.of_bytes(name, path.read_bytes()))
            json.dumps(describe(name, outcome), allow_nan=False)
            if isinstance(outcome, Rejected):
                rejected.append(f"{outcome.format or '-'}: {name}: {outcome.reason[:100]}")
    print("\n".join(sorted(rejected)))  # noqa: T201


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("# made by hand\n\napiVersion: v1\nkind: Pod\n", "yaml"),
        ("%YAML 1.1\n---\nkind: Pod\n", "yaml"),
        ("--- # first\nkind: Pod\n---\nkind: Service\n", "yaml"),
        ("- name: one\n- name: two\n", "yaml"),
        ('"quoted": 1\n', "yaml"),
        ("\ufeffkind: Pod\n", "yaml"),
        ("Label,time\nhome,12\n", "csv"),
        ("kind: [Pod\n", "text"),
        ("Contracts\n---------\n", "text"),
        ('{"a": 1}\n{"a": 2}\n', "jsonl"),
        ('{"a":\n1}\n', "json"),
    ],
)
def test_kinds_of_content(text: str, kind: str) -> None:
    assert registry.probe(Artifact.of_bytes("x", text.encode())).kind == kind


def test_broken_yaml_is_told_with_its_place() -> None:
    outcome = registry.read(Artifact.of_bytes("x.yaml", b"apiVersion: v1\nkind: [Pod\nmetadata:\n"))
    assert isinstance(outcome, Rejected)
    assert "not valid YAML" in outcome.reason
    assert outcome.line == 3


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: 1\na: 2\n", "given twice"),
        ("a: &x [1]\nb: *x\n", "aliases"),
        ("a: .nan\n", "not a number"),
        ("a: !!python/name:os.system x\n", "tags are refused"),
        ("a: " + "[" * 200 + "]" * 200 + "\n", "nested deeper"),
        ("a: 1e999\n", "not a number"),
        ("a: " + "9" * 6000 + "\n", "not a number"),
        ("a: 1\n? [a]\n: b\n", "a key is a list"),
        ("a: 1\n---\n" * 20_001, "documents in one file"),
    ],
)
def test_yaml_that_could_mean_two_things_or_harm_is_refused(text: str, reason: str) -> None:
    outcome = registry.read(Artifact.of_bytes("x.yaml", text.encode()))
    assert isinstance(outcome, Rejected)
    assert reason in outcome.reason


def test_yaml_is_read_as_json_would_be() -> None:
    text = b"at: 2026-01-02T03:04:05Z\non: no\n1: 0x1f\nn: [-3, +1.5e3, .5, 010, 1_0, ~, 'null', !!str 1]\nt: |\n  x\n"
    document: Any = registry.probe(Artifact.of_bytes("x", text)).document
    numbers = [-3, 1500.0, 0.5, 10, "1_0", None, "null", "1"]
    assert document == [{"at": "2026-01-02T03:04:05Z", "on": "no", "1": "0x1f", "n": numbers, "t": "x\n"}]
