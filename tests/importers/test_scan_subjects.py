"""Which scans are of one check: a clean report replaces the failing one of its scanner and target, and no other."""

from __future__ import annotations

from typing import Any

import pytest

from app.domain.checks import same_check
from app.importers import registry
from app.importers.base import Artifact, ImportBatch
from tests.importers.scans import (
    COMMIT,
    IMAGE,
    OTHER,
    batch,
    bom,
    category,
    gitlab,
    grype,
    image,
    origin,
    provenance,
    sarif,
    trivy,
    vex,
    webhook,
)

MADE_ID = "https://openvex.dev/docs/public/vex-"

ONE_CHECK = {
    "sarif, another version": (sarif("CodeQL", "error"), sarif("CodeQL", version="2.0.0")),
    "sarif, the version within the name": (sarif("Gitleaks v8.1.0", "error"), sarif("Gitleaks v8.2.0")),
    "sarif, run by another program": (sarif("Trivy", "error"), sarif("Trivy (MegaLinter REPOSITORY_TRIVY)")),
    "sarif, two dates of one category": (
        sarif("Semgrep", "error", **category("shop/api/2026-01-01T10:00:00Z")),
        sarif("Semgrep", **category("shop/api/2026-01-02T10:00:00Z")),
    ),
    "sarif, a category with nothing behind it": (
        sarif("CodeQL", "error", **category("/language:java/")),
        sarif("CodeQL", **category("/language:java/")),
    ),
    "sarif, ids of runs alone": (
        sarif("Semgrep", "error", **category("70d0f865-f0e4-406c-8837-40852afccaeb")),
        sarif("Semgrep", **category("build 17")),
    ),
    "sarif, one repository reached twice": (
        sarif("Semgrep", "error", **origin("https://ci@git.example/team/shop.git")),
        sarif("Semgrep", **origin("git@git.example:team/shop", OTHER)),
    ),
    "sarif, tags of one image": (
        sarif("Trivy", "error", properties={"imageName": f"{IMAGE}:1"}),
        sarif("Trivy", properties={"imageName": f"{IMAGE}:2"}),
    ),
    "trivy, tags of one image": (trivy(f"{IMAGE}:1", "HIGH"), trivy(f"{IMAGE}@sha256:{'a' * 64}")),
    "trivy, one image by its id": (
        trivy("a" * 64, "HIGH", Metadata={"RepoTags": ["shop:1"]}),
        trivy("b" * 64, Metadata={"RepoTags": ["shop:2"]}),
    ),
    "trivy, a folder of two machines": (
        trivy("/home/one/work/shop", "HIGH", ArtifactType="filesystem"),
        trivy("/builds/7/shop", ArtifactType="filesystem"),
    ),
    "trivy, the working folder": (
        trivy(".", "HIGH", ArtifactType="filesystem"),
        trivy(".", ArtifactType="filesystem"),
    ),
    "trivy, a secret beside the packages": (
        trivy() | {"Results": [{"Target": "go.mod", "Class": "lang-pkgs"}, {"Target": "x", "Class": "secret"}]},
        trivy(),
    ),
    "grype, tags of one image": (grype(image("shop:1"), "High"), grype(image("shop:2"))),
    "grype, one folder": (
        grype({"type": "directory", "target": "./api"}, "High"),
        grype({"type": "directory", "target": "api/"}),
    ),
    "gitlab, clean": (gitlab("trivy", "container_scanning", "High"), gitlab("trivy", "container_scanning")),
    "gitlab, one more lock file": (
        gitlab("gemnasium", "dependency_scanning", "High", files=("a/go.sum",)),
        gitlab("gemnasium", "dependency_scanning", files=("a/go.sum", "b/go.sum")),
    ),
    "sonar, gate": (webhook("ERROR"), webhook("OK")),
    "bom, another version": (bom("shop", "1"), bom("shop", "2")),
    "bom, tags of one image": (bom(f"{IMAGE}:1", kind="container"), bom(f"{IMAGE}:2", kind="container")),
    "vex, one document": (vex("https://example.org/vex", "a"), vex("https://example.org/vex", "b")),
    "vex, ids made of the content": (
        vex(MADE_ID + "1" * 64, "pkg:oci/shop@1"),
        vex(MADE_ID + "2" * 64, "pkg:oci/shop@2"),
    ),
    "in-toto, another version of a package": (provenance("pkg:npm/%40a/shop@1.0"), provenance("pkg:npm/%40a/shop@1.1")),
    "in-toto, tags of one image": (provenance(f"https://{IMAGE}:1"), provenance(f"{IMAGE}@sha256:00")),
}

TWO_CHECKS = {
    "sarif, two scanners": (sarif("CodeQL", "error"), sarif("Semgrep")),
    "sarif, two categories": (
        sarif("CodeQL", "error", **category("/language:java/")),
        sarif("CodeQL", **category("/language:go/")),
    ),
    "sarif, names that are no runs": (
        sarif("Semgrep", "error", **category("team/api")),
        sarif("Semgrep", **category("team/web")),
    ),
    "sarif, two repositories": (
        sarif("Semgrep", "error", **origin("https://git.example/a")),
        sarif("Semgrep", **origin("https://git.example/b")),
    ),
    "sarif, two images": (
        sarif("Trivy", "error", properties={"imageName": "api:1"}),
        sarif("Trivy", properties={"imageName": "web:1"}),
    ),
    "trivy, two images": (trivy("api:1", "HIGH"), trivy("web:1")),
    "trivy, packages and configuration": (trivy(f"{IMAGE}:1", "HIGH"), trivy(f"{IMAGE}:1", kind="config")),
    "trivy, two working folders": (
        trivy(".", "HIGH", ArtifactType="filesystem", target="api/go.mod"),
        trivy(".", ArtifactType="filesystem", target="web/go.mod"),
    ),
    "grype, two images": (grype(image("api:1"), "High"), grype(image("web:1"))),
    "gitlab, two types of scan": (gitlab("trivy", "container_scanning", "High"), gitlab("trivy", "sast")),
    "gitlab, two scanners": (gitlab("semgrep", "sast", "High"), gitlab("gosec", "sast")),
    "gitlab, lock files of two services": (
        gitlab("gemnasium", "dependency_scanning", "High", files=("a/go.sum",)),
        gitlab("gemnasium", "dependency_scanning", files=("b/go.sum",)),
    ),
    "gitlab, two sites": (
        gitlab("zaproxy", "dast", "High", scanned_resources=[{"url": "https://a.example/x"}]),
        gitlab("zaproxy", "dast", scanned_resources=[{"url": "https://b.example/x"}]),
    ),
    "sonar, two projects": (webhook("ERROR"), webhook("OK", "till")),
    "sonar, two branches": (webhook("ERROR"), webhook("OK", on="next")),
    "sonar, a gate and hotspots": (
        webhook("ERROR"),
        {"paging": {"total": 0}, "hotspots": [], "components": [], "project": {"key": "shop"}},
    ),
    "bom, two products": (bom("shop"), bom("till")),
    "vex, two authors": (vex(MADE_ID + "1" * 64, "a"), vex(MADE_ID + "2" * 64, "a", author="Bob")),
    "vex, two products": (vex(MADE_ID + "1" * 64, "a"), vex(MADE_ID + "2" * 64, "b")),
    "in-toto, two kinds": (provenance("shop"), provenance("shop", kind="https://spdx.dev/Document")),
    "in-toto, two packages": (provenance("pkg:npm/a@1"), provenance("pkg:npm/b@1")),
}


@pytest.mark.parametrize("name", ONE_CHECK)
@pytest.mark.parametrize("named", [True, False])
def test_one_check(name: str, named: bool) -> None:
    failing, clean = (batch(document) for document in ONE_CHECK[name])
    assert same_check(failing.subject, clean.subject, named=named)
    assert same_check(clean.subject, failing.subject, named=named)
    assert [item.evidence_type for item in failing.items] == [item.evidence_type for item in clean.items]


@pytest.mark.parametrize("name", TWO_CHECKS)
@pytest.mark.parametrize("named", [True, False])
def test_two_checks(name: str, named: bool) -> None:
    failing, clean = (batch(document) for document in TWO_CHECKS[name])
    assert not same_check(failing.subject, clean.subject, named=named)
    assert not same_check(clean.subject, failing.subject, named=named)


def test_an_empty_code_quality_report_is_of_the_check_that_had_issues() -> None:
    issue = {"description": "d", "severity": "major", "location": {"path": "a", "lines": {"begin": 1}}}
    failing = batch([issue | {"engine_name": "pylint"}])
    clean = registry.read(Artifact.of_bytes("gl-code-quality-report.json", b"[]"), "code-quality")
    assert isinstance(clean, ImportBatch)
    assert same_check(failing.subject, clean.subject, named=False)


def test_a_log_of_several_tools_is_known_by_all_of_them() -> None:
    both = sarif("Semgrep") | {"runs": sarif("Semgrep")["runs"] + sarif("CodeQL", **category("x/"))["runs"]}
    assert (batch(both).subject.tool, batch(both).subject.target) == ("CodeQL, Semgrep", "x")


@pytest.mark.parametrize(
    ("document", "commit"),
    [
        (sarif("CodeQL", **origin("https://git.example/a")), COMMIT),
        (sarif("CodeQL", **origin("https://git.example/a", COMMIT.upper())), COMMIT),
        (sarif("CodeQL", **origin("https://git.example/a", "r1234567")), ""),
        (sarif("CodeQL", **origin("https://git.example/a", "12345678")), ""),
        (webhook("OK", revision=COMMIT), COMMIT),
        (webhook("OK"), ""),
        (trivy("https://git.example/a", ArtifactType="repository", Metadata={"Commit": COMMIT}), COMMIT),
        (bom("shop", externalReferences=[{"type": "vcs", "url": f"git+https://git.example/a@{COMMIT}"}]), COMMIT),
        (bom("shop", externalReferences=[{"type": "website", "url": f"https://git.example/a#{COMMIT}"}]), ""),
        (bom("shop", purl=f"pkg:npm/a@1?vcs_url=git%2Bhttps://git.example/a%40{COMMIT}"), COMMIT),
    ],
)
def test_commits(document: Any, commit: str) -> None:
    assert batch(document).commit == commit


def test_two_repositories_are_of_no_commit() -> None:
    document = sarif("CodeQL", **origin("https://git.example/a"))
    document["runs"][0]["versionControlProvenance"] += origin("https://git.example/b", OTHER)[
        "versionControlProvenance"
    ]
    assert batch(document).commit == ""


def git(commit: str, address: str = "git+https://git.example/shop", kind: str = "sha1") -> dict[str, Any]:
    return {"uri": address, "digest": {kind: commit}}


@pytest.mark.parametrize(
    ("predicate", "commit"),
    [
        ({"buildDefinition": {"resolvedDependencies": [git(COMMIT, kind="gitCommit")]}}, COMMIT),
        ({"materials": [git(COMMIT), {"uri": "pkg:docker/base", "digest": {"sha256": "00"}}]}, COMMIT),
        ({"materials": [git(COMMIT), git(OTHER)]}, ""),
        ({"materials": [{"uri": "pkg:docker/base", "digest": {"sha1": COMMIT}}]}, ""),
        ({"materials": [{"uri": "pkg:docker/base"}, git(COMMIT)]}, ""),
        ({"materials": [git(COMMIT)], "invocation": {"configSource": git(OTHER)}}, ""),
        ({"materials": [{"uri": f"https://git.example/shop/commit/{COMMIT}"}]}, COMMIT),
        ({}, ""),
    ],
)
def test_commits_of_provenance(predicate: dict[str, Any], commit: str) -> None:
    assert batch(provenance("shop", predicate=predicate)).commit == commit
    other = provenance("shop", kind="https://example.org/other", predicate=predicate)
    assert batch(other).commit == ""


@pytest.mark.parametrize(
    ("told", "url"),
    [
        ({"branch": {"name": "main", "url": "https://sonar.example/b"}}, "https://sonar.example/b"),
        ({"dashboardUrl": "https://sonar.example/d"}, "https://sonar.example/d"),
        ({}, "https://sonar.example/dashboard?id=shop&branch=main"),
        ({"branch": {"url": "javascript:alert(1)"}}, "https://sonar.example/dashboard?id=shop"),
        ({"serverUrl": "file:///etc"}, ""),
        ({"serverUrl": ""}, ""),
    ],
)
def test_the_page_in_sonarqube(told: dict[str, Any], url: str) -> None:
    found = batch(webhook("OK", **told))
    assert [item.url for item in found.items] == [gate.url for gate in found.gates] == [url]


def test_the_page_of_a_build() -> None:
    page = "https://ci.example/runs/7"
    build = {"runDetails": {"metadata": {"invocationId": page}}}
    assert batch(provenance("shop", predicate=build)).items[0].url == page
    assert batch(provenance("shop", predicate={"runDetails": {"metadata": {"invocationId": "7"}}})).items[0].url == ""
