"""Grype's own JSON: matches by severity; ignored matches are suppressed.

Source: Grype's JSON presenter (`grype/presenter/models`). No parser library exists apart from the Go types. A report
always holds its list of matches, be it empty, so one without is refused. `Negligible` is info. Where Grype itself says
that it could not look well, by its database's state or by alerts, a clean report is none.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from app.domain.checks import subject_of
from app.domain.evidence import EvidenceType, Result, worst_result
from app.importers.base import Artifact, ImportBatch, Item, Probe, Reject, clip
from app.importers.documents import as_dict, as_list, as_text, read_json
from app.importers.findings import Findings, open_sentence, severity_of
from app.importers.moments import moment
from app.importers.names import image_target, path_target, shorten

FORMAT = "grype"

_SUBJECT_NAMES = 20


def detect(probe: Probe) -> bool:
    """Told by the descriptor, or by a first match that pairs a vulnerability with an artifact."""
    if probe.kind != "json" or not isinstance(probe.document, dict):
        return False
    document = probe.document
    if as_text(as_dict(document.get("descriptor")).get("name")).lower() == "grype":
        return True
    if "matches" not in document:
        return False
    matches = document["matches"]
    if isinstance(matches, list) and matches:
        first = as_dict(matches[0])
        return isinstance(first.get("vulnerability"), dict) and isinstance(first.get("artifact"), dict)
    return "source" in document and "distro" in document


def parse(artifact: Artifact) -> ImportBatch:
    """One item for the report."""
    report = as_dict(read_json(artifact))
    matches = report.get("matches")
    if not isinstance(matches, list):
        raise Reject("the report has no list of matches; without it nothing says what the scan found")
    findings, words, fixes = Findings(), Counter[str](), Counter[str]()
    for number, match in enumerate(matches):
        if not isinstance(match, dict) or not isinstance(match.get("vulnerability"), dict):
            raise Reject(f"matches[{number}] names no vulnerability")
        vulnerability = match["vulnerability"]
        words[clip(as_text(vulnerability.get("severity")), 30) or "none given"] += 1
        fixes[clip(as_text(as_dict(vulnerability.get("fix")).get("state")), 30) or "none given"] += 1
        _count(findings, vulnerability, match)
    ignored = report.get("ignoredMatches")
    if ignored is not None and not isinstance(ignored, list):
        raise Reject("ignoredMatches is not a list")
    findings.suppress(len(as_list(ignored)))
    counts = findings.counts()
    descriptor = as_dict(report.get("descriptor"))
    source = as_dict(report.get("source"))
    subject = _names(source)
    alerts = sum(len(as_list(as_dict(one).get("alerts"))) for one in as_list(report.get("alertsByPackage")))
    broken = _database_fault(as_dict(descriptor.get("db")))
    told, doubts = open_sentence(counts), [counts.result()]
    if broken:
        told += ", with a database of vulnerabilities that is no good"
        doubts.append(Result.INCONCLUSIVE)
    if alerts:
        told += f", {alerts:,} alert{'' if alerts == 1 else 's'} that packages could not be matched well"
        doubts.append(Result.WARNED)
    version = as_text(descriptor.get("version"))
    item = Item(
        evidence_type=EvidenceType.SECURITY,
        title=clip(f"Grype scan{f' of {shorten(subject[0])}' if subject else ''}: {told}"),
        result=worst_result(doubts),
        producer=clip(f"Grype {version}" if version else "Grype", 200),
        findings=counts,
        completed_at=moment(descriptor.get("timestamp")),
        payload={
            "subject": subject,
            "distro": _distro(as_dict(report.get("distro"))),
            "database_built": clip(_database_built(as_dict(descriptor.get("db"))), 50),
            "database_fault": clip(broken),
            "alerts": alerts,
            "matches": len(matches),
            "by_severity": dict(words.most_common(20)),
            "fix_states": dict(fixes.most_common(20)),
            "ignored_matches": counts.suppressed,
            "top_findings": findings.top(),
        },
    )
    return ImportBatch(FORMAT, items=(item,), subject=subject_of("Grype", _target(source)))


def _count(findings: Findings, vulnerability: dict[str, Any], match: dict[str, Any]) -> None:
    package = as_dict(match.get("artifact"))
    places = [as_text(as_dict(place).get("path")) for place in as_list(package.get("locations"))[:5]]
    related = [as_text(as_dict(one).get("id")) for one in as_list(match.get("relatedVulnerabilities"))[:10]]
    identifier = as_text(vulnerability.get("id"))
    findings.add(
        severity_of(as_text(vulnerability.get("severity"))),
        id=identifier,
        title=as_text(vulnerability.get("description")),
        location=", ".join(filter(None, places)),
        package=as_text(package.get("name")),
        version=as_text(package.get("version")),
        fixed_in=", ".join(filter(None, map(as_text, as_list(as_dict(vulnerability.get("fix")).get("versions"))[:5]))),
        purl=as_text(package.get("purl")),
        aliases=", ".join(dict.fromkeys(one for one in related if one and one != identifier)),
    )


def _target(source: dict[str, Any]) -> str:
    """The image, or the folder or file, without what changes from one build to the next."""
    target = source.get("target")
    if isinstance(target, str):
        return path_target(target)
    facts = as_dict(target)
    return image_target(as_text(one) for one in (facts.get("userInput"), *as_list(facts.get("tags"))[:_SUBJECT_NAMES]))


def _names(source: dict[str, Any]) -> list[str]:
    """The names by which what was scanned is known: an image's references and digests, or a directory's path."""
    target = source.get("target")
    if isinstance(target, str):
        return [clip(target.strip('"'), 300)] if target.strip('"') else []
    facts = as_dict(target)
    names = [
        as_text(facts.get("userInput")),
        *(as_text(one) for key in ("tags", "repoDigests") for one in as_list(facts.get(key))[:_SUBJECT_NAMES]),
        as_text(facts.get("manifestDigest")),
        as_text(facts.get("imageID")),
    ]
    return list(dict.fromkeys(clip(one, 300) for one in names if one))[:_SUBJECT_NAMES]


def _distro(distro: dict[str, Any]) -> str:
    return clip(" ".join(filter(None, (as_text(distro.get("name")), as_text(distro.get("version"))))), 100)


def _database_built(database: dict[str, Any]) -> str:
    """When the vulnerabilities known to the scan were gathered; Grype 0.88 moved it below `status`."""
    return as_text(database.get("built")) or as_text(as_dict(database.get("status")).get("built"))


def _database_fault(database: dict[str, Any]) -> str:
    """What Grype says is wrong with what it knows of vulnerabilities; "" where it says nothing."""
    for state in (database, as_dict(database.get("status"))):
        if error := as_text(state.get("error")):
            return error
        if state.get("valid") is False:
            return "not valid"
    return ""
