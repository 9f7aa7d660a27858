"""Diffs of bundles for people: plain text for a terminal, Markdown for a merge request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.cli.verdicts import cell
from app.domain.changes import Change, Diff, Entry, FindingEntry, Side
from app.domain.evidence import FINDING_COUNT_FIELDS
from app.domain.facts import BundleFacts

FINDING_LIMIT = 200
"""Findings that a report lists one by one; it says how many more there are."""


def text(diff: Diff, whole: bool = False) -> str:
    """The diff in plain text, what needs a look first."""
    lines = [f"{_name(diff.base)} -> {_name(diff.head)}", _headline(diff)]
    for title, entries in _sections(diff):
        shown = _shown(entries, whole)
        if shown:
            lines += ["", title]
            lines += [f"  {each.change:<10} {each.name}: {_change(each)}" for each in shown]
    findings = _findings(diff, whole)
    if findings or diff.finding_totals:
        lines += ["", "Findings"]
        lines += [f"  {each.severity:<10} {each.base} -> {each.head} open" for each in diff.finding_totals]
        lines += [f"  {each.change:<10} {_finding(each)}" for each in findings[:FINDING_LIMIT]]
        lines += [f"  {sentence}" for sentence in _rest(diff, findings)]
    return "\n".join(lines)


def markdown(diff: Diff, whole: bool = False) -> str:
    """The diff in Markdown: a table a section, what needs a look first."""
    lines = [f"## {cell(_name(diff.base))} → {cell(_name(diff.head))}", "", _headline(diff), ""]
    for title, entries in _sections(diff):
        shown = _shown(entries, whole)
        if shown:
            lines += [f"### {title}", "", "| | Name | Before | Now |", "|---|---|---|---|"]
            lines += [
                f"| {each.change} | {cell(each.name)} | {cell(_side(each.base))} | {cell(_side(each.head))} |"
                for each in shown
            ]
            lines.append("")
    findings = _findings(diff, whole)
    if findings or diff.finding_totals:
        lines += ["### Findings", ""]
    if diff.finding_totals:
        lines += ["| Open | Before | Now |", "|---|---:|---:|"]
        lines += [f"| {each.severity} | {each.base} | {each.head} |" for each in diff.finding_totals]
        lines.append("")
    if findings:
        lines += ["| | Severity | Finding | Where |", "|---|---|---|---|"]
        lines += [
            f"| {each.change} | {_severity(each)} | {cell(_called(each))} | {cell(_where(each))} |"
            for each in findings[:FINDING_LIMIT]
        ]
        lines.append("")
    for sentence in _rest(diff, findings):
        lines += [sentence, ""]
    return "\n".join(lines).rstrip()


def _name(bundle: BundleFacts | None) -> str:
    return f"{bundle.bundle_key} ({bundle.environment})" if bundle is not None else "nothing"


def _headline(diff: Diff) -> str:
    """One line, such as: gates 1 regressed, 1 fixed; findings 2 new."""
    told = []
    for name, counts in diff.counts().items():
        changed = [f"{count} {change}" for change, count in counts.items() if count and change != Change.UNCHANGED]
        if changed:
            told.append(f"{name} {', '.join(changed)}")
    return "; ".join(told) or "nothing changed, and all is clean"


def _sections(diff: Diff) -> Iterator[tuple[str, Sequence[Entry]]]:
    yield "Gates", diff.gates
    yield "Invariants", diff.invariants
    yield "Items", diff.items


def _shown(entries: Sequence[Entry], whole: bool) -> list[Entry]:
    return [each for each in entries if whole or each.change is not Change.UNCHANGED]


def _findings(diff: Diff, whole: bool) -> list[FindingEntry]:
    return [each for each in diff.findings if whole or each.change is not Change.UNCHANGED]


def _change(entry: Entry) -> str:
    return f"{_side(entry.base)} -> {_side(entry.head)}"


def _side(side: Side | None) -> str:
    if side is None:
        return "not there"
    told = [side.result.value]
    if side.waived:
        told.append("waived")
    if side.tests is not None:
        told.append(f"{side.tests.passed} of {side.tests.total} tests")
    if side.findings is not None:
        counts = [(name, getattr(side.findings, name)) for name in FINDING_COUNT_FIELDS if name != "suppressed"]
        told.append(", ".join(f"{count} {name}" for name, count in counts if count) or "no findings")
    return ", ".join(told)


def _severity(entry: FindingEntry) -> str:
    changed = entry.base_severity is not None and entry.base_severity is not entry.severity
    return f"{entry.base_severity} → {entry.severity}" if changed else entry.severity.value


def _called(entry: FindingEntry) -> str:
    named = " ".join(part for part in (entry.id, entry.title if entry.title != entry.id else "") if part)
    return f"{named or 'a finding without a name'}{' (answered by VEX)' if entry.answered else ''}"


def _where(entry: FindingEntry) -> str:
    return " ".join(part for part in (entry.package, entry.location) if part) or entry.source_key


def _finding(entry: FindingEntry) -> str:
    return f"{_severity(entry)} {_called(entry)} in {_where(entry)}"


def _rest(diff: Diff, findings: Sequence[FindingEntry]) -> Iterator[str]:
    if len(findings) > FINDING_LIMIT:
        yield f"{len(findings) - FINDING_LIMIT} more findings are not listed here."
    if diff.undecided:
        yield f"{diff.undecided} findings could not be told: a list was cut short, so the totals speak for them."
