"""Code Quality reports (GitLab's name for Code Climate's issue list), to a `ci` item with findings.

Source: the Code Climate engine specification, "Issues", of which GitLab reads a part. Severities ascend info, minor,
major, critical, blocker there, which become info, low, medium, high, critical; any other word is unknown. Entries
of the type `measurement` are no issues. Issues with the same fingerprint are counted each, and how many there are
is told: GitLab's own pages show such issues once.

The report of a clean run is an empty array, as other tools write too, so it is taken only when the format is named.
The list is plain JSON; no library would spare anything.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from app.domain.checks import subject_of
from app.domain.evidence import EvidenceType, Severity
from app.importers.base import Artifact, ImportBatch, Item, Probe, Reject, Rejected, clip
from app.importers.documents import as_dict, as_list, as_text, read_json
from app.importers.figures import tally
from app.importers.findings import Findings, open_sentence

FORMAT = "code-quality"

SEVERITIES = {
    "blocker": Severity.CRITICAL,
    "critical": Severity.HIGH,
    "major": Severity.MEDIUM,
    "minor": Severity.LOW,
    "info": Severity.INFO,
}


def detect(probe: Probe) -> bool:
    """An array of issues: described, with a path, and a severity, fingerprint or check's name."""
    return (
        probe.kind == "json"
        and isinstance(probe.document, list)
        and (not probe.document or _is_issue(probe.document[0]) or _is_measurement(probe.document[0]))
    )


def parse(artifact: Artifact) -> ImportBatch | Rejected:
    """One item with the findings of the whole list."""
    document = read_json(artifact)
    if not isinstance(document, list):
        raise Reject("a Code Quality report is an array of issues")
    findings, words, prints = Findings(), Counter[str](), set[str]()
    engines, repeated, measurements = Counter[str](), 0, 0
    for number, entry in enumerate(document, start=1):
        if not isinstance(entry, dict):
            raise Reject(f"entry {number} of the report is not an issue")
        if _is_measurement(entry):
            measurements += 1
            continue
        word = as_text(entry.get("severity")).lower()
        words[word] += 1
        engines[as_text(entry.get("engine_name"))] += 1
        fingerprint = as_text(entry.get("fingerprint"))
        repeated += bool(fingerprint) and fingerprint in prints
        prints.add(fingerprint)
        findings.add(
            SEVERITIES.get(word, Severity.UNKNOWN),
            id=as_text(entry.get("check_name")),
            title=as_text(entry.get("description")),
            location=_location(entry),
        )
    counts = findings.counts()
    named = [clip(name, 60) for name, _times in engines.most_common(5) if name]
    payload: dict[str, Any] = {"by_severity": tally(words), "top_findings": findings.top()}
    if repeated:
        payload["repeated_fingerprints"] = repeated
    if measurements:
        payload["measurements"] = measurements
    item = Item(
        evidence_type=EvidenceType.CI,
        title=f"Code quality: {open_sentence(counts)}",
        result=counts.result(),
        producer=", ".join(named) or "Code Climate",
        findings=counts,
        payload=payload,
    )
    # The engine stands in issues alone, which the report of a clean run has none of.
    return ImportBatch(FORMAT, items=(item,), subject=subject_of("Code Quality"))


def _is_issue(entry: Any) -> bool:
    if not isinstance(entry, dict) or "description" not in entry:
        return False
    location = as_dict(entry.get("location"))
    return (
        "path" in location
        and bool({"lines", "positions"} & set(location))
        and bool({"severity", "fingerprint", "check_name"} & set(entry))
    )


def _is_measurement(entry: Any) -> bool:
    return as_text(as_dict(entry).get("type")).lower() == "measurement" and "value" in entry


def _location(entry: dict[str, Any]) -> str:
    location = as_dict(entry.get("location"))
    lines = as_dict(location.get("lines")) or as_dict(location.get("positions"))
    begin = lines.get("begin", as_list(location.get("lines"))[:1])
    if isinstance(begin, dict):
        begin = begin.get("line")
    path, line = as_text(location.get("path")), as_text(begin)
    return f"{path}:{line}" if line else path
