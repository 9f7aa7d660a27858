"""What every guard importer gathers: checks by outcome and findings by severity, made an item and a guard report.

Most guards say only that a check failed or warned. Where they give no severity, a failure counts as high and a
warning as medium, so that a policy over severities treats a guard's failure as it treats a scanner's high finding.
What was skipped, exempted, ignored or waived counts under `suppressed`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.checks import subject_of
from app.domain.evidence import EvidenceType, Result, Severity
from app.domain.gates import Enforcement
from app.importers.base import GuardReport, ImportBatch, Item, Reject, clip
from app.importers.findings import Findings, severity_of

FAIL_SEVERITY = Severity.HIGH
WARN_SEVERITY = Severity.MEDIUM

REPORT_LIMIT = 2000
"""Reports that one artifact may hold."""

SUMMARY_FINDINGS = 10
"""Findings, worst first, that a guard report's summary names; the item's payload keeps more."""

_ORDER = ("passed", "failed", "warned", "error", "skipped")


@dataclass(slots=True)
class Draft:
    """One guard's report in the making. `key` tells the reports of one artifact apart."""

    guard: str
    mode: Enforcement
    title: str = ""
    producer: str = ""
    key: str = ""
    generated_at: datetime | None = None
    result: Result | None = None
    """What the tool itself concluded; None leaves it to the checks."""
    facts: dict[str, Any] = field(default_factory=dict)
    checks: Counter[str] = field(default_factory=Counter)
    findings: Findings = field(default_factory=Findings)

    def passed(self, count: int = 1) -> None:
        """Count checks that found nothing."""
        self.checks["passed"] += count

    def failed(self, severity: Severity | None = None, /, **finding: Any) -> None:
        """Count a failed check, with its finding: id, title, location and further short facts."""
        self.checks["failed"] += 1
        self.findings.add(severity or FAIL_SEVERITY, **finding)

    def warned(self, severity: Severity | None = None, /, **finding: Any) -> None:
        """Count a check that only warns, with its finding."""
        self.checks["warned"] += 1
        self.findings.add(severity or WARN_SEVERITY, **finding)

    def error(self, **finding: Any) -> None:
        """Count a check that could not be made; how bad what it would have found is, nobody knows."""
        self.checks["error"] += 1
        self.findings.add(Severity.UNKNOWN, **finding)

    def skipped(self, count: int = 1) -> None:
        """Count checks that were skipped, exempted, ignored or waived."""
        self.checks["skipped"] += count
        self.findings.suppress(count)

    def outcome(self) -> Result:
        """What the tool concluded, else the worst of the checks; inconclusive when none was made."""
        if self.result is not None:
            return self.result
        if self.checks["error"]:
            return Result.ERROR
        if self.checks["failed"]:
            return Result.FAILED
        if self.checks["warned"]:
            return Result.WARNED
        if self.checks["passed"]:
            return Result.PASSED
        return Result.SKIPPED if self.checks["skipped"] else Result.INCONCLUSIVE

    def heading(self) -> str:
        """The title, else the guard and its checks by outcome."""
        if self.title:
            return clip(self.title, 300)
        counts = [f"{self.checks[name]} {name}" for name in _ORDER if self.checks[name]]
        return clip(f"{self.guard}: {', '.join(counts) or 'no check was made'}", 300)


def guard_batch(format: str, dialect: str, drafts: list[Draft]) -> ImportBatch:
    """An item and a guard report for each draft. Raises Reject when there is none."""
    if not drafts:
        raise Reject("the document holds no guard report")
    if len(drafts) > REPORT_LIMIT:
        raise Reject(f"more than {REPORT_LIMIT:,} reports in one file")
    items: list[Item] = []
    guards: list[GuardReport] = []
    names: Counter[str] = Counter()
    for draft in drafts:
        names[draft.guard] += 1
        again = "" if names[draft.guard] == 1 else f"#{names[draft.guard]}"
        counts, top = draft.findings.counts(), draft.findings.top()
        checks = {name: draft.checks[name] for name in _ORDER if draft.checks[name]}
        guards.append(
            GuardReport(
                guard=clip(draft.guard, 200) + again,
                mode=draft.mode,
                result=draft.outcome(),
                findings=counts,
                generated_at=draft.generated_at,
                summary=draft.facts | {"checks": checks, "top_findings": top[:SUMMARY_FINDINGS]},
                item=len(items),
            )
        )
        items.append(
            Item(
                evidence_type=EvidenceType.GUARD,
                title=draft.heading(),
                result=draft.outcome(),
                producer=clip(draft.producer, 200),
                findings=counts,
                completed_at=draft.generated_at,
                payload=draft.facts | {"dialect": dialect, "checks": checks, "top_findings": top},
                key=clip(draft.key, 200) + again,
            )
        )
    held = [f"{draft.guard} {draft.key}" for draft in drafts]
    return ImportBatch(
        format, dialect, items=tuple(items), guards=tuple(guards), subject=subject_of(dialect, holds=held)
    )


def declared(counted: dict[str, int], stated: dict[str, int | None]) -> dict[str, Any]:
    """{"declared": what a report's summary states} where it contradicts what was counted, else {}."""
    known = {name: count for name, count in stated.items() if count is not None}
    wrong = any(count != counted.get(name, 0) for name, count in known.items())
    return {"declared": known} if wrong else {}


def given_severity(word: Any) -> Severity | None:
    """The severity that a tool's word means; None when it gives no word."""
    return severity_of(word) if isinstance(word, str) and word.strip() else None


def slug(text: str) -> str:
    """A name fit for a guard: lower case, words joined by hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60]


def said(value: Any) -> str:
    """A message: text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return clip(json.dumps(value, ensure_ascii=False, default=str))
    except (TypeError, ValueError, RecursionError):
        return ""


def producer(name: str, version: Any) -> str:
    """A tool with its version where the report gives one."""
    text = str(version) if isinstance(version, (str, int, float)) and not isinstance(version, bool) else ""
    return clip(f"{name} {text}".rstrip(), 100)
