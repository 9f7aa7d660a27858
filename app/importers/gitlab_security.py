"""GitLab security reports: SAST, DAST, dependency, container, cluster and secret scanning, API and coverage fuzzing.

Source: the published report schemas, 2.x to 15.x, and the array of findings that came before them. No published
parser library covers them; the fields that matter here have kept their names, so one reading serves all versions:
`vulnerabilities`, `scan` (absent before 3.0), and `category` per finding where `scan.type` is absent.

A finding that a scanner flags as a likely false positive stays open: the flag is the scanner's guess, and nobody
has dismissed the finding. Only exports of findings carry a dismissal, as `state` or `dismissal_feedback`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from app.domain.checks import Subject, subject_of
from app.domain.evidence import EvidenceType, FindingCounts, Result, worst_result
from app.importers.base import Artifact, ImportBatch, Item, Probe, Reject, clip
from app.importers.documents import as_dict, as_list, as_text, read_json
from app.importers.findings import Findings, open_sentence, severity_of
from app.importers.moments import moment
from app.importers.names import listed, only, shorten

FORMAT = "gitlab-security"

SCAN_TYPES = {
    "api_fuzzing": "API fuzzing",
    "cluster_image_scanning": "Cluster image scanning",
    "container_scanning": "Container scanning",
    "container_scanning_for_registry": "Container scanning",
    "coverage_fuzzing": "Coverage fuzzing",
    "dast": "DAST",
    "dependency_scanning": "Dependency scanning",
    "sast": "SAST",
    "secret_detection": "Secret detection",
}

_KNOWN_KEYS = {"version", "schema", "scan", "vulnerabilities", "remediations", "dependency_files"}
_FALSE_POSITIVE = "flagged-as-likely-false-positive"
_CLOSED = ("dismissed", "resolved")


def detect(probe: Probe) -> bool:
    """A report, told by its findings or its scan; an empty one by having no keys but a report's."""
    if probe.kind != "json":
        return False
    document = probe.document
    if isinstance(document, list):
        return bool(document) and _is_finding(document[0])
    if not isinstance(document, dict) or "bomFormat" in document:
        return False
    scan = as_dict(document.get("scan"))
    if as_text(scan.get("type")) in SCAN_TYPES or ("status" in scan and isinstance(scan.get("scanner"), dict)):
        return True
    findings = document.get("vulnerabilities")
    if not isinstance(findings, list):
        return False
    if findings:
        return _is_finding(findings[0])
    return all(key in _KNOWN_KEYS or key.startswith(("_", "$")) for key in document)


def _is_finding(value: Any) -> bool:
    """A finding has identifiers and a location, whatever its version."""
    finding = as_dict(value)
    return (
        isinstance(finding.get("identifiers"), list)
        and isinstance(finding.get("location"), dict)
        and any(key in finding for key in ("category", "cve", "scanner", "report_type", "severity"))
    )


def parse(artifact: Artifact) -> ImportBatch:
    """One item: findings by severity, the worst kept. A report without its list of findings is rejected."""
    document = read_json(artifact)
    report = {"vulnerabilities": document} if isinstance(document, list) else as_dict(document)
    found = report.get("vulnerabilities")
    if not isinstance(found, list):
        raise Reject("the security report has no list of vulnerabilities; without it nothing says what the scan found")
    scan = as_dict(report.get("scan"))
    findings, flagged, categories, scanners = Findings(), 0, Counter[str](), dict[str, None]()
    for number, finding in enumerate(found):
        if not isinstance(finding, dict):
            raise Reject(f"vulnerabilities[{number}] is not an object")
        flagged += any(as_dict(flag).get("type") == _FALSE_POSITIVE for flag in as_list(finding.get("flags")))
        categories[as_text(finding.get("category")) or as_text(finding.get("report_type"))] += 1
        if len(scanners) < 5:
            scanners[_tool(as_dict(finding.get("scanner")))] = None
        _count(findings, finding)
    counts = findings.counts()
    scan_type = as_text(scan.get("type")) or (categories.most_common(1)[0][0] if categories else "")
    status = as_text(scan.get("status"))
    tools = [_tool(as_dict(scan.get("scanner"))), _tool(as_dict(scan.get("analyzer")))]
    producer = next(filter(None, tools), "") or listed(scanners)
    title = SCAN_TYPES.get(scan_type, "Security scan")
    item = Item(
        evidence_type=EvidenceType.SECURITY,
        title=clip(f"{title}{f' by {shorten(producer)}' if producer else ''}: {open_sentence(counts)}"),
        result=_result(counts, scan) if scan or found or "version" in report else Result.INCONCLUSIVE,
        producer=clip(producer, 200),
        findings=counts,
        started_at=moment(scan.get("start_time")),
        completed_at=moment(scan.get("end_time")),
        payload=_facts(report, scan, scan_type, status)
        | {"flagged_false_positive": flagged, "top_findings": findings.top()},
    )
    return ImportBatch(
        FORMAT,
        dialect=scan_type if scan_type in SCAN_TYPES else "",
        items=(item,),
        subject=_subject(report, scan),
    )


def _subject(report: dict[str, Any], scan: dict[str, Any]) -> Subject:
    """Scanner and type of scan, as the scan itself names them: a clean report has no finding to tell them. A scan of
    dependencies is known by the lock files that it read as well, where it lists them, and one of a site by its host."""
    named = (as_dict(scan.get(key)) for key in ("scanner", "analyzer"))
    scanner = next((name for one in named if (name := as_text(one.get("id")) or as_text(one.get("name")))), "")
    scan_type = as_text(scan.get("type"))
    files = [as_text(as_dict(one).get("path")) for one in as_list(report.get("dependency_files"))]
    if scan_type == "dependency_scanning":
        return subject_of(f"{scanner} {scan_type}", holds=files)
    return subject_of(scanner, scan_type, only(_hosts(scan)))


def _hosts(scan: dict[str, Any]) -> Iterator[str]:
    for resource in as_list(scan.get("scanned_resources"))[:1000]:
        with suppress(ValueError):
            yield urlsplit(as_text(as_dict(resource).get("url"))).netloc.rpartition("@")[2]


def _count(findings: Findings, finding: dict[str, Any]) -> None:
    if finding.get("state") in _CLOSED or as_dict(finding.get("dismissal_feedback")):
        findings.suppress()
        return
    location = as_dict(finding.get("location"))
    dependency = as_dict(location.get("dependency"))
    package = as_text(as_dict(dependency.get("package")).get("name"))
    # Before 2.0 a finding had `priority`, and `message` was all of its name.
    severity = as_text(finding.get("severity")) or as_text(finding.get("priority"))
    findings.add(
        severity_of(severity),
        id=_identifier(finding),
        title=next(filter(None, (as_text(finding.get(key)) for key in ("name", "message", "description"))), ""),
        location=_place(location),
        package=package,
        version=as_text(dependency.get("version")) if package else "",
        solution=as_text(finding.get("solution")),
    )


def _identifier(finding: dict[str, Any]) -> str:
    """The CVE where there is one, else the first identifier: the scanner's own rule."""
    identifiers = [as_dict(one) for one in as_list(finding.get("identifiers"))]
    names = [as_text(one.get("name")) or as_text(one.get("value")) for one in identifiers]
    return (
        next((n for n in names if re.match(r"CVE-\d", n)), "")
        or next(filter(None, names), "")
        or as_text(finding.get("id"))
    )


def _place(location: dict[str, Any]) -> str:
    """Where it is, as the scan type says it: file and line, method and address, image, or Kubernetes resource."""
    file, line = as_text(location.get("file")), as_text(location.get("start_line"))
    if file:
        return f"{file}:{line}" if line else file
    if host := as_text(location.get("hostname")):
        return f"{as_text(location.get('method'))} {host}{as_text(location.get('path'))}".strip()
    resource = as_dict(location.get("kubernetes_resource"))
    if resource:
        return "/".join(
            filter(None, (as_text(resource.get(key)) for key in ("namespace", "kind", "name", "container_name")))
        )
    return as_text(location.get("image")) or as_text(location.get("class")) or as_text(location.get("crash_type"))


def _tool(tool: dict[str, Any]) -> str:
    name = as_text(tool.get("name")) or as_text(tool.get("id"))
    return " ".join(filter(None, (name, as_text(tool.get("version"))))) if name else ""


def _result(counts: FindingCounts, scan: dict[str, Any]) -> Result:
    """By the findings; error when the scan says that it failed; a clean scan of a part only is warned, and one that did
    not end, or saw no page of the site, is inconclusive. (A bare empty list, with neither scan nor version, is nobody's
    statement that anything was scanned.)"""
    status = as_text(scan.get("status")).lower()
    levels = {as_text(as_dict(message).get("level")).lower() for message in as_list(scan.get("messages"))}
    if "fatal" in levels or status in ("failure", "failed", "error"):
        return Result.ERROR
    results = [counts.result()]
    if scan.get("partial_scan"):
        results.append(Result.WARNED)
    unseen = scan.get("scanned_resources") == [] and not counts.open
    if unseen or "error" in levels or status not in ("", "success"):
        results.append(Result.INCONCLUSIVE)
    return worst_result(results)


def _facts(report: dict[str, Any], scan: dict[str, Any], scan_type: str, status: str) -> dict[str, Any]:
    messages = [
        {"level": clip(as_text(message.get("level")), 20), "value": clip(as_text(message.get("value")))}
        for message in map(as_dict, as_list(scan.get("messages"))[:20])
    ]
    facts = {
        "scan_type": clip(scan_type, 100),
        "scan_status": clip(status, 100),
        "schema_version": clip(as_text(report.get("version")), 50),
        "analyzer": clip(_tool(as_dict(scan.get("analyzer"))), 200),
        "partial_scan": clip(as_text(as_dict(scan.get("partial_scan")).get("mode")), 50),
        "messages": messages,
    }
    return {key: value for key, value in facts.items() if value} | {
        "remediations": len(as_list(report.get("remediations")))
    }
