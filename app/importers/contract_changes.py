"""Changes to a contract as they are gathered: counted by how they bite, the worst named.

The item's payload holds `contract_drift`, from which the contract drift gate is evaluated:

    {"tool", "breaking": n, "warning": n, "info": n, "unknown": n,
     "changes": [{"level": "breaking", "id", "operation", "path", "text", "location"}], worst first}

and the same as findings: breaking is high, warning medium, info info, unknown unknown.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.evidence import EvidenceType, Result, Severity
from app.importers.base import Item, clip
from app.importers.findings import Findings

CHANGES_KEPT = 50

LEVELS = {
    "breaking": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "unknown": Severity.UNKNOWN,
    "info": Severity.INFO,
}
"""Worst first."""


@dataclass(slots=True)
class Changes:
    """A running count of changes, with the first `CHANGES_KEPT` of each level kept."""

    tool: str
    version: str = ""
    completed_at: datetime | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    """Further short facts for the payload's `contract_drift`."""
    _counts: Counter[str] = field(default_factory=Counter)
    _kept: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    _findings: Findings = field(default_factory=Findings)

    def add(
        self, level: str, *, id: str = "", text: str = "", operation: str = "", path: str = "", location: str = ""
    ) -> None:
        """Count a change. `level` is a key of `LEVELS`; `location` is file and line where the tool knows them."""
        self._counts[level] += 1
        subject = f"{operation} {path}".strip()
        self._findings.add(LEVELS[level], id=id, title=text or subject, location=location or subject)
        kept = self._kept.setdefault(level, [])
        if len(kept) < CHANGES_KEPT:
            told = {"id": id, "operation": operation, "path": path, "text": text, "location": location}
            kept.append({"level": level} | {key: clip(value, 300) for key, value in told.items() if value})

    def count(self, level: str) -> int:
        """How many changes of that level there are."""
        return self._counts[level]

    def result(self) -> Result:
        """Failed by a breaking change, inconclusive by one that nobody classified, else warned or passed."""
        if self._counts["breaking"]:
            return Result.FAILED
        if self._counts["unknown"]:
            return Result.INCONCLUSIVE
        return Result.WARNED if self._counts["warning"] else Result.PASSED

    def title(self, name: str = "") -> str:
        """A line such as "API changes: 2 breaking, 1 warning, 4 info"."""
        words = [f"{self._counts[level]} {level}" for level in LEVELS if self._counts[level]]
        return f"{clip(name, 120) or 'API changes'}: {', '.join(words) or 'none'}"

    def item(self, title: str, result: Result) -> Item:
        """The evidence item."""
        changes = [change for level in LEVELS for change in self._kept.get(level, [])][:CHANGES_KEPT]
        told = {level: self._counts[level] for level in ("breaking", "warning", "info", "unknown")}
        return Item(
            evidence_type=EvidenceType.CI,
            title=clip(title, 300),
            result=result,
            producer=clip(f"{self.tool} {self.version}", 120),
            findings=self._findings.counts(),
            completed_at=self.completed_at,
            payload={"contract_drift": {"tool": self.tool, **told, "changes": changes, **self.facts}},
        )
