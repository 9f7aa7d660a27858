"""SonarQube issues, security hotspots and dependency risks as findings. A neighbour of `sonar_gate`.

Severities descend BLOCKER, CRITICAL, MAJOR, MINOR, INFO, which become critical, high, medium, low, info. Since
SonarQube 10 issues have impacts instead, whose worst counts: BLOCKER, HIGH, MEDIUM, LOW, INFO. A hotspot's
vulnerability probability counts as its severity. Whatever is no longer open (closed, fixed, accepted, a false
positive, reviewed) is counted under `suppressed`, and told by its state.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from app.domain.evidence import SEVERITY_ORDER, Severity
from app.importers.base import Reject
from app.importers.documents import as_dict, as_list, as_text
from app.importers.findings import Findings

SEVERITIES = {
    "BLOCKER": Severity.CRITICAL,
    "CRITICAL": Severity.HIGH,
    "HIGH": Severity.HIGH,
    "MAJOR": Severity.MEDIUM,
    "MEDIUM": Severity.MEDIUM,
    "MINOR": Severity.LOW,
    "LOW": Severity.LOW,
    "INFO": Severity.INFO,
}

_OPEN = frozenset({"OPEN", "REOPENED", "CONFIRM", "CONFIRMED", "TO_REVIEW", "IN_REVIEW", "IN_SANDBOX", ""})


@dataclass(slots=True)
class Issues:
    """What a list of issues or hotspots comes to."""

    findings: Findings = field(default_factory=Findings)
    total: int = 0
    words: Counter[str] = field(default_factory=Counter)
    """Issues by severity in SonarQube's words, open or not."""
    states: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    security: int = 0
    """How many of them are vulnerabilities or hotspots."""

    def read(self, entries: list[Any], *, hotspots: bool = False) -> None:
        """Add a list. Rejects one that holds anything but objects."""
        for number, entry in enumerate(entries, start=1):
            if not isinstance(entry, dict):
                raise Reject(f"entry {number} of the {'hotspots' if hotspots else 'issues'} is not an object")
            self._add(entry, hotspots)

    def _add(self, entry: dict[str, Any], hotspot: bool) -> None:
        rated = entry.get("vulnerabilityProbability") if hotspot else entry.get("severity", entry.get("riskSeverity"))
        word = as_text(rated).upper()
        severity = SEVERITIES.get(word, Severity.UNKNOWN)
        impacts = [as_text(as_dict(i).get("severity")).upper() for i in as_list(entry.get("impacts"))]
        if not word and impacts:
            severity = min((SEVERITIES.get(i, Severity.UNKNOWN) for i in impacts), key=SEVERITY_ORDER.index)
            word = next(i for i in impacts if SEVERITIES.get(i, Severity.UNKNOWN) is severity)
        state = as_text(entry.get("issueStatus") or entry.get("status") or entry.get("riskStatus")).upper()
        resolution = as_text(entry.get("resolution")).upper()
        kind = "SECURITY_HOTSPOT" if hotspot else as_text(entry.get("type") or entry.get("riskType")).upper()
        self.total += 1
        self.words[word] += 1
        self.states[f"{state} {resolution}".strip()] += 1
        self.types[kind] += 1
        self.security += kind in ("VULNERABILITY", "SECURITY_HOTSPOT") or state == "TO_REVIEW"
        if state not in _OPEN or resolution:
            self.findings.suppress()
            return
        lines = as_dict(entry.get("textRange"))
        line = as_text(entry.get("line") or lines.get("startLine"))
        component = as_text(entry.get("component") or entry.get("packageUrl"))
        self.findings.add(
            severity,
            id=as_text(entry.get("rule") or entry.get("ruleKey") or entry.get("vulnerabilityId")),
            title=as_text(entry.get("message") or entry.get("description") or entry.get("riskTitle")),
            location=f"{component}:{line}" if line else component,
            type=kind,
        )
