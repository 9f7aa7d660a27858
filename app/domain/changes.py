"""What a diff of two bundles consists of: plain values that a face or a report shows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.domain.digests import canonical, plain
from app.domain.evidence import FindingCounts, Result, Severity, TestCounts
from app.domain.facts import BundleFacts

TROUBLE = {
    Result.PASSED: 0,
    Result.NOT_APPLICABLE: 0,
    Result.WARNED: 1,
    Result.SKIPPED: 1,
    Result.PENDING: 2,
    Result.INCONCLUSIVE: 2,
    Result.FAILED: 3,
    Result.ERROR: 3,
}
"""How bad a result is for a comparison; a check that is skipped now, and passed before, lost something."""


class Change(StrEnum):
    """How something in the head stands against the base; what needs a look first."""

    REGRESSED = "regressed"
    """Was better."""
    NEW = "new"
    """Only the head has it."""
    PERSISTING = "persisting"
    """Trouble in both, and no worse."""
    FIXED = "fixed"
    """Was trouble, and is none."""
    GONE = "gone"
    """Only the base has it, and nothing says that it was put right."""
    UNCHANGED = "unchanged"
    """Clean in both."""


class Kind(StrEnum):
    """What an entry speaks of."""

    GATE = "gate"
    INVARIANT = "invariant"
    ITEM = "item"


@dataclass(frozen=True, slots=True)
class Side:
    """A check in one of the bundles. Counts are there for items only."""

    result: Result
    row_ids: tuple[str, ...]
    waived: bool = False
    title: str = ""
    tests: TestCounts | None = None
    findings: FindingCounts | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One check, by the name that it has in the head. A side is None where the bundle does not have it."""

    kind: Kind
    name: str
    change: Change
    base: Side | None
    head: Side | None


@dataclass(frozen=True, slots=True)
class FindingEntry:
    """One finding. `source_key` is of the item that lists it, in the head where it is there, and else as the head calls
    that check."""

    change: Change
    severity: Severity
    base_severity: Severity | None
    id: str
    title: str
    location: str
    package: str
    source_key: str
    answered: bool = False
    """Fixed by a VEX statement: it is still found, and does not matter."""


@dataclass(frozen=True, slots=True)
class FindingTotals:
    """Open findings of one severity in all items of each bundle, whether or not the items list them."""

    severity: Severity
    base: int
    head: int


@dataclass(frozen=True, slots=True)
class Diff:
    """What changed from base to head. `undecided` counts findings that one side lists and the other, whose list was
    cut short, may have or not; the totals tell of those."""

    base: BundleFacts | None
    head: BundleFacts | None
    gates: tuple[Entry, ...]
    invariants: tuple[Entry, ...]
    items: tuple[Entry, ...]
    findings: tuple[FindingEntry, ...]
    finding_totals: tuple[FindingTotals, ...]
    undecided: int = 0

    def counts(self) -> dict[str, dict[str, int]]:
        """How many entries of each sort changed how; all changes named, also those that did not happen."""
        return {
            name: {change.value: Counter(each.change for each in entries)[change] for change in Change}
            for name, entries in (
                ("gates", self.gates),
                ("invariants", self.invariants),
                ("items", self.items),
                ("findings", self.findings),
            )
        }

    def is_worse(self) -> bool:
        """Whether anything regressed, or is new and trouble."""
        entries = (*self.gates, *self.invariants, *self.items)
        return any(
            each.change is Change.REGRESSED or (each.change is Change.NEW and each.head and TROUBLE[each.head.result])
            for each in entries
        ) or any(each.change in (Change.REGRESSED, Change.NEW) for each in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Plain values under the field names, and the counts."""
        told: dict[str, Any] = plain(self)
        return told | {"counts": self.counts()}

    def to_json(self) -> str:
        """The same bytes for the same diff."""
        return canonical(self.to_dict())
