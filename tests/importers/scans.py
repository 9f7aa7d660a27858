"""Small scans, gates, bills of materials and attestations, as their tools write them."""

from __future__ import annotations

import json
from typing import Any

from app.importers import registry
from app.importers.base import Artifact, ImportBatch

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER = "f" * 40
IMAGE = "registry.example:5000/team/shop"


def batch(document: Any) -> ImportBatch:
    outcome = registry.read(Artifact.of_bytes("results", json.dumps(document).encode()))
    assert isinstance(outcome, ImportBatch), outcome
    return outcome


def sarif(tool: str, *levels: str, version: str = "1.0.0", **run: Any) -> dict[str, Any]:
    results = [{"ruleId": "A", "level": level, "message": {"text": "m"}} for level in levels]
    driver = {"name": tool, "version": version}
    return {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results} | run]}


def category(id: str) -> dict[str, Any]:
    return {"automationDetails": {"id": id}}


def origin(repository: str, revision: str = COMMIT) -> dict[str, Any]:
    return {"versionControlProvenance": [{"repositoryUri": repository, "revisionId": revision}]}


def trivy(
    name: str = f"{IMAGE}:1.0", *severities: str, kind: str = "lang-pkgs", target: str = "go.mod", **report: Any
) -> dict[str, Any]:
    found = [{"VulnerabilityID": "CVE-1", "Severity": severity} for severity in severities]
    result: dict[str, Any] = {"Target": target, "Class": kind}
    if found:
        result["Vulnerabilities"] = found
    told = {"SchemaVersion": 2, "ArtifactName": name, "ArtifactType": "container_image", "Results": [result]}
    return told | report


def grype(source: Any, *severities: str, **report: Any) -> dict[str, Any]:
    matches = [{"vulnerability": {"id": "CVE-1", "severity": severity}, "artifact": {}} for severity in severities]
    return {"matches": matches, "source": source, "distro": {}, "descriptor": {"name": "grype"}} | report


def image(reference: str) -> dict[str, Any]:
    return {"type": "image", "target": {"userInput": reference}}


def gitlab(scanner: str, scan_type: str, *severities: str, files: tuple[str, ...] = (), **scan: Any) -> dict[str, Any]:
    found = [
        {"severity": s, "identifiers": [], "location": {"image": IMAGE}, "category": scan_type} for s in severities
    ]
    told = {"scanner": {"id": scanner, "version": "9"}, "type": scan_type, "status": "success"}
    report = {"version": "15.0.0", "vulnerabilities": found, "scan": told | scan}
    return report | ({"dependency_files": [{"path": path} for path in files]} if files else {})


def webhook(gate: str, key: str = "shop", on: str = "main", **told: Any) -> dict[str, Any]:
    return {
        "serverUrl": "https://sonar.example",
        "taskId": "1",
        "analysedAt": "2026-01-01T10:00:00+0000",
        "project": {"key": key, "name": key.title()},
        "branch": {"name": on},
        "qualityGate": {"name": "Gate", "status": gate, "conditions": []},
    } | told


def bom(name: str, version: str = "1", kind: str = "application", **component: Any) -> dict[str, Any]:
    about = {"name": name, "version": version, "type": kind} | component
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "metadata": {"component": about, "tools": [{"name": "syft", "version": version}]},
        "components": [{"name": "left-pad", "version": version}],
    }


def vex(id: str, *products: str, author: str = "Ada", status: str = "fixed") -> dict[str, Any]:
    statement = {"vulnerability": {"name": "CVE-1"}, "status": status, "products": [{"@id": one} for one in products]}
    return {"@context": "https://openvex.dev/ns/v0.2.0", "@id": id, "author": author, "statements": [statement]}


SLSA = "https://slsa.dev/provenance/v1"


def provenance(*names: str, kind: str = SLSA, predicate: Any = None) -> dict[str, Any]:
    subjects = [{"name": name, "digest": {"sha256": "aa"}} for name in names]
    statement = {"_type": "https://in-toto.io/Statement/v1", "predicateType": kind}
    return statement | {"subject": subjects, "predicate": predicate or {}}
