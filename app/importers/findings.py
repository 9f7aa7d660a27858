"""Findings as they are gathered: counted by severity, the worst kept for the payload."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from app.domain.evidence import SEVERITY_ORDER, FindingCounts, Severity
from app.importers.base import TOP_FINDINGS, clip

_WORDS = {
    "critical": Severity.CRITICAL,
    "blocker": Severity.CRITICAL,
    "high": Severity.HIGH,
    "important": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "moderate": Severity.MEDIUM,
    "low": Severity.LOW,
    "negligible": Severity.INFO,
    "minimal": Severity.INFO,
    "info": Severity.INFO,
    "informational": Severity.INFO,
    "information": Severity.INFO,
    "none": Severity.INFO,
}


def severity_of(word: Any) -> Severity:
    """The severity that a producer's word means; unknown when it is none of the common words."""
    return _WORDS.get(str(word).strip().lower(), Severity.UNKNOWN)


def severity_of_score(score: float) -> Severity:
    """The severity of a CVSS score, 0 to 10: 9 and more critical, 7 high, 4 medium, else low."""
    if score >= 9:
        return Severity.CRITICAL
    if score >= 7:
        return Severity.HIGH
    return Severity.MEDIUM if score >= 4 else Severity.LOW


def open_sentence(counts: FindingCounts) -> str:
    """The counts in words for a title, such as `3 open findings (1 high, 2 low), 4 suppressed`."""
    by_severity = ", ".join(f"{n} {s.value}" for s in SEVERITY_ORDER if (n := getattr(counts, s.value)))
    told = f"{counts.open or 'no'} open finding{'' if counts.open == 1 else 's'}"
    told += f" ({by_severity})" if by_severity else ""
    return told + (f", {counts.suppressed} suppressed" if counts.suppressed else "")


@dataclass(slots=True)
class Findings:
    """A running count with the first `TOP_FINDINGS` of each severity kept, so that memory stays bounded."""

    _counts: Counter[Severity] = field(default_factory=Counter)
    _suppressed: int = 0
    _kept: dict[Severity, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, severity: Severity, *, id: str = "", title: str = "", location: str = "", **more: Any) -> None:
        """Count an open finding; `more` are further short facts, such as package, version or fixed_in."""
        self._counts[severity] += 1
        kept = self._kept.setdefault(severity, [])
        if len(kept) < TOP_FINDINGS:
            told = {"id": clip(id, 200), "title": clip(title, 300), "location": clip(location, 300)}
            told |= {key: clip(value, 200) for key, value in more.items()}
            kept.append({"severity": severity.value} | {key: value for key, value in told.items() if value})

    def suppress(self, count: int = 1) -> None:
        """Count findings that somebody suppressed, dismissed or stated as not affecting."""
        self._suppressed += count

    def counts(self) -> FindingCounts:
        """The counts so far."""
        return FindingCounts(**{s.value: self._counts[s] for s in SEVERITY_ORDER}, suppressed=self._suppressed)

    def top(self) -> list[dict[str, Any]]:
        """The worst findings, at most `TOP_FINDINGS`, worst first, in file order within a severity."""
        return [finding for severity in SEVERITY_ORDER for finding in self._kept.get(severity, [])][:TOP_FINDINGS]
