"""Statements gathered from one report answer the findings gathered from another."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.domain.vex import answered
from app.importers import registry, vex_statements
from app.importers.base import Artifact, ImportBatch, Reject
from app.importers.vex_statements import PRODUCT_LIMIT, STATEMENT_LIMIT, Statements


def payload_of(document: Any) -> dict[str, Any]:
    outcome = registry.read(Artifact.of_bytes("x.json", json.dumps(document).encode()))
    assert isinstance(outcome, ImportBatch), outcome
    return outcome.items[0].payload


MUSL = "pkg:apk/alpine/musl@1.2.4-r1?arch=x86_64&distro=3.18.0"


def trivy() -> dict[str, Any]:
    found = {"VulnerabilityID": "CVE-2026-1", "Severity": "HIGH", "PkgIdentifier": {"PURL": MUSL}}
    return {
        "SchemaVersion": 2,
        "ArtifactName": "registry.example/shop:2",
        "Metadata": {"RepoDigests": ["registry.example/shop@sha256:ab12"]},
        "Results": [{"Target": "shop", "Class": "os-pkgs", "Vulnerabilities": [found, found | {"Severity": "LOW"}]}],
    }


def openvex(*products: Any, status: str = "not_affected") -> dict[str, Any]:
    said = {"vulnerability": {"name": "CVE-2026-1"}, "products": list(products), "status": status}
    return {"@context": "https://openvex.dev/ns/v0.2.0", "author": "Shop", "statements": [said]}


@pytest.mark.parametrize(
    ("product", "status", "count"),
    [
        ({"@id": "pkg:apk/alpine/musl@1.2.4-r1"}, "not_affected", 2),
        ({"@id": "pkg:oci/shop@sha256%3Aab12", "subcomponents": [{"@id": "pkg:apk/alpine/musl"}]}, "fixed", 2),
        ({"@id": "shop", "identifiers": {"purl": "pkg:oci/shop@sha256:ab12"}}, "not_affected", 2),
        ({"@id": "pkg:oci/shop@sha256%3Aff", "subcomponents": [{"@id": MUSL}]}, "not_affected", 0),
        ({"@id": "pkg:apk/alpine/musl@1.2.4-r1"}, "affected", 0),
        ({"@id": "pkg:apk/alpine/busybox"}, "not_affected", 0),
    ],
)
def test_openvex_answers_trivy(product: Any, status: str, count: int) -> None:
    report, vex = payload_of(trivy()), payload_of(openvex(product, status=status))
    split = answered(report["top_findings"], vex["vex_statements"], report["subject"])
    assert len(split.answered) == count
    assert split.by_severity() == ({"high": 1, "low": 1} if count else {})


def test_cyclonedx_answers_grype() -> None:
    grype = {
        "matches": [
            {
                "vulnerability": {"id": "GHSA-1", "severity": "High"},
                "relatedVulnerabilities": [{"id": "CVE-2026-1"}],
                "artifact": {"name": "a", "version": "1", "purl": "pkg:npm/a@1"},
            }
        ]
    }
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "components": [{"bom-ref": "a", "purl": "pkg:npm/a@1"}],
        "vulnerabilities": [{"id": "CVE-2026-1", "analysis": {"state": "resolved"}, "affects": [{"ref": "a"}]}],
    }
    split = answered(payload_of(grype)["top_findings"], payload_of(bom)["vex_statements"])
    assert [finding["id"] for finding, _statement in split.answered] == ["GHSA-1"]


def add(statements: Statements, number: int, status: str, **more: Any) -> None:
    statements.add(**({"vulnerability": f"CVE-{number}", "products": ["pkg:npm/a"], "status": status} | more))


def test_closing_statements_are_the_first_to_go() -> None:
    statements = Statements()
    for number in range(STATEMENT_LIMIT):
        add(statements, number, "not_affected")
    add(statements, 9999, "affected")
    kept = statements.kept()
    assert len(kept) == STATEMENT_LIMIT
    assert kept[-1]["vulnerability"] == "CVE-9999"
    assert kept[-2]["vulnerability"] == f"CVE-{STATEMENT_LIMIT - 2}"
    assert statements.kept(without=[STATEMENT_LIMIT])[-1]["vulnerability"] == f"CVE-{STATEMENT_LIMIT - 1}"


def test_identifiers_are_kept_whole_or_not_at_all() -> None:
    statements = Statements()
    products = ["pkg:npm/a\x00b", "x" * 501, " pkg:npm/c ", "pkg:npm/c", *(f"pkg:npm/{n}" for n in range(90))]
    add(statements, 1, "fixed", products=products)
    kept = statements.kept()[0]["products"]
    assert kept[:2] == ["pkg:npm/c", "pkg:npm/0"]
    assert len(kept) == PRODUCT_LIMIT


def test_no_end_of_statements_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vex_statements, "GATHERED_LIMIT", 2)
    statements = Statements()
    add(statements, 1, "fixed")
    add(statements, 2, "fixed")
    with pytest.raises(Reject, match="more than 2 statements"):
        add(statements, 3, "fixed")
