"""Which findings are new, fixed, persisting or regressed between two bundles.

A finding is known by its id (else its title), its package and its location; where no exact partner is left, a line
number that moved does not make it another. Partners are looked for in the same check first, and then in others that may
be it under another name. Items list their worst findings only. So one that is not listed any more counts as fixed only
where a comparable scan of the head (same source key, else same format and no check of its own in the base) lists all
findings of that severity; and as new only where the base's did. Checks have the same keys on both sides, see `pairing`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from app.domain import vex
from app.domain.changes import Change, FindingEntry, FindingTotals
from app.domain.evidence import SEVERITY_ORDER, Severity
from app.domain.facts import Inputs, ItemFacts
from app.domain.gate_rules import open_findings
from app.domain.pairing import may_be_one

_LINE = re.compile(r"(?::[0-9]+){1,2}(?:-[0-9]+(?::[0-9]+)?)?$|#L[0-9]+(?:-L?[0-9]+)?$")
"""The line, and column, that a location ends in."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A finding as an item lists it."""

    id: str
    title: str
    location: str
    package: str
    severity: Severity
    scan: ItemFacts

    def exact(self) -> Hashable:
        return (self.id or self.title, self.package, self.location)

    def loose(self) -> Hashable:
        return (self.id or self.title, self.package, _LINE.sub("", self.location))

    def order(self) -> tuple[Any, ...]:
        return (
            SEVERITY_ORDER.index(self.severity),
            self.id,
            self.title,
            self.package,
            self.location,
            self.scan.source_key,
        )

    def entry(self, change: Change, base: _Found | None = None, *, answered: bool = False) -> FindingEntry:
        before = self if change in (Change.FIXED, Change.GONE) else base
        return FindingEntry(
            change,
            self.severity,
            before.severity if before else None,
            self.id,
            self.title,
            self.location,
            self.package,
            self.scan.source_key,
            answered,
        )


def finding_entries(base: Inputs, head: Inputs) -> tuple[tuple[FindingEntry, ...], int]:
    """The findings that either bundle lists, what needs a look first, and how many could not be told."""
    before, _ = _listed(base)
    now, answered = _listed(head)
    found = []
    for likeness in (_of_check(_Found.exact), _of_check(_Found.loose), _Found.exact, _Found.loose):
        pairs, before, now = _pair(before, now, likeness)
        found += [_change_of_pair(old, new) for old, new in pairs]
    for likeness in (_of_check(_Found.loose), _Found.loose):
        pairs, before, answered = _pair(before, answered, likeness)
        found += [old.entry(Change.FIXED, answered=True) for old, _new in pairs]
    undecided = 0
    for old in before:
        scans = _comparable(old.scan, base.items, head.items)
        if not scans:
            found.append(old.entry(Change.GONE))
        elif all(_lists_all(scan, old.severity) for scan in scans):
            found.append(old.entry(Change.FIXED))
        else:
            undecided += 1
    for new in now:
        if all(_lists_all(scan, new.severity) for scan in _comparable(new.scan, head.items, base.items)):
            found.append(new.entry(Change.NEW))
        else:
            undecided += 1
    return tuple(sorted(found, key=_order)), undecided


def finding_totals(base: Inputs, head: Inputs) -> tuple[FindingTotals, ...]:
    """Open findings by severity in all items, worst first; severities that neither has are left out."""

    def totals(inputs: Inputs) -> Counter[Severity]:
        counted: Counter[Severity] = Counter()
        for scan in inputs.items:
            counted.update(open_findings(scan, inputs.items))
        return counted

    before, now = totals(base), totals(head)
    return tuple(FindingTotals(each, before[each], now[each]) for each in SEVERITY_ORDER if before[each] or now[each])


def _change_of_pair(old: _Found, new: _Found) -> FindingEntry:
    worse = SEVERITY_ORDER.index(new.severity) < SEVERITY_ORDER.index(old.severity)
    return new.entry(Change.REGRESSED if worse and old.severity is not Severity.UNKNOWN else Change.PERSISTING, old)


def _order(entry: FindingEntry) -> tuple[Any, ...]:
    return (
        list(Change).index(entry.change),
        SEVERITY_ORDER.index(entry.severity),
        entry.id,
        entry.title,
        entry.package,
        entry.location,
        entry.source_key,
    )


def _listed(inputs: Inputs) -> tuple[list[_Found], list[_Found]]:
    """The findings that items list: open ones, and those that VEX statements of the bundle answer."""
    statements = [each for item in inputs.items for each in _mappings(item.payload.get("vex_statements"))]
    still_open: list[_Found] = []
    answered: list[_Found] = []
    for item in inputs.items:
        listed = _mappings(item.payload.get("top_findings"))
        subject = item.payload.get("subject")
        names = [each for each in subject if isinstance(each, str)] if isinstance(subject, list | tuple) else []
        split = vex.answered(listed, statements, names)
        still_open += [_found(each, item) for each in split.open]
        answered += [_found(each, item) for each, _statement in split.answered]
    return sorted(still_open, key=_Found.order), sorted(answered, key=_Found.order)


def _found(told: Mapping[str, Any], scan: ItemFacts) -> _Found:
    def text(name: str) -> str:
        return str(told.get(name) or "")

    known = text("severity") in set(Severity)
    severity = Severity(text("severity")) if known else Severity.UNKNOWN
    return _Found(text("id"), text("title"), text("location"), text("package"), severity, scan)


def _pair(
    before: Iterable[_Found], now: Iterable[_Found], key: Callable[[_Found], Hashable]
) -> tuple[list[tuple[_Found, _Found]], list[_Found], list[_Found]]:
    """Findings of both sides with the same key, of checks that may be one, one to one; and what is left of each."""
    waiting: dict[Hashable, list[_Found]] = {}
    for old in before:
        waiting.setdefault(key(old), []).append(old)
    pairs, new_ones = [], []
    for new in now:
        same = waiting.get(key(new), [])
        place = next((number for number, old in enumerate(same) if _comparable_scans(old.scan, new.scan)), None)
        if place is None:
            new_ones.append(new)
        else:
            pairs.append((same.pop(place), new))
    return pairs, sorted((old for group in waiting.values() for old in group), key=_Found.order), new_ones


def _of_check(likeness: Callable[[_Found], Hashable]) -> Callable[[_Found], Hashable]:
    """The same likeness, within one check."""
    return lambda found: (found.scan.source_key, likeness(found))


def _comparable_scans(one: ItemFacts, other: ItemFacts) -> bool:
    return one.source_key == other.source_key or may_be_one(one, other)


def _comparable(scan: ItemFacts, beside: Iterable[ItemFacts], others: Iterable[ItemFacts]) -> list[ItemFacts]:
    """The other bundle's items of the same check; else those of the same format that may be it under another name, as
    no check of the scan's own bundle, of which `beside` are the items, has theirs."""
    scans = [other for other in others if other.findings is not None]
    same = [other for other in scans if other.source_key == scan.source_key]
    if same or not scan.format:
        return same
    own = {each.source_key for each in beside}
    return [
        other
        for other in scans
        if other.format == scan.format and other.source_key not in own and may_be_one(scan, other)
    ]


def _lists_all(scan: ItemFacts, severity: Severity) -> bool:
    """Whether the item lists every finding of the severity that it counts."""
    listed = sum(each.get("severity") == severity.value for each in _mappings(scan.payload.get("top_findings")))
    return scan.findings is not None and listed >= getattr(scan.findings, severity.value)


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [dict(each) for each in value if isinstance(each, Mapping)] if isinstance(value, list | tuple) else []
