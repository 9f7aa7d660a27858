"""What changed between two bundles: gates, invariants, items and findings, pure, also across environments.

Checks are compared by name: gates and invariants by theirs (the worst of their current rows), items by source key, once
each check has the same in both (see `pairing`). What is of another commit or version than its bundle is no result of
the bundle's, and is left out. How findings are compared is in `finding_diff`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from app.domain.changes import TROUBLE, Change, Diff, Entry, Kind, Side
from app.domain.evidence import worst_result
from app.domain.facts import GateFacts, Inputs, InvariantFacts, ItemFacts
from app.domain.finding_diff import finding_entries, finding_totals
from app.domain.pairing import named_alike

T = TypeVar("T")


def diff(base: Inputs, head: Inputs) -> Diff:
    """What changed from one bundle to another."""
    base, head = base.current().matching(), head.current().matching()
    base = replace(base, items=named_alike(base.items, head.items))
    findings, undecided = finding_entries(base, head)
    return Diff(
        base=base.bundle,
        head=head.bundle,
        gates=entries(Kind.GATE, base, head),
        invariants=entries(Kind.INVARIANT, base, head),
        items=entries(Kind.ITEM, base, head),
        findings=findings,
        finding_totals=finding_totals(base, head),
        undecided=undecided,
    )


def compare(base: Side | None, head: Side | None) -> Change:
    """How a check changed. One of the sides is there."""
    if base is None or head is None:
        return Change.NEW if base is None else Change.GONE
    before, now = TROUBLE[base.result], TROUBLE[head.result]
    if now > before:
        return Change.REGRESSED
    if not before:
        return Change.UNCHANGED
    return Change.FIXED if not now else Change.PERSISTING


def entries(kind: Kind, base: Inputs, head: Inputs) -> tuple[Entry, ...]:
    """The checks of one kind in either bundle, what needs a look first."""
    before, now = _sides(kind, base), _sides(kind, head)
    found = [
        Entry(kind, name, compare(before.get(name), now.get(name)), before.get(name), now.get(name))
        for name in before.keys() | now.keys()
    ]
    return tuple(sorted(found, key=lambda each: (list(Change).index(each.change), each.name)))


def _sides(kind: Kind, inputs: Inputs) -> dict[str, Side]:
    """The checks of one kind by name."""
    if kind is Kind.GATE:
        return {name: _gate(rows) for name, rows in _by_name(inputs.gates, lambda row: row.gate.value)}
    if kind is Kind.INVARIANT:
        return {name: _invariant(rows) for name, rows in _by_name(inputs.invariants, lambda row: row.invariant_id)}
    return {name: _item(rows) for name, rows in _by_name(inputs.items, lambda row: row.source_key)}


def _by_name(rows: Iterable[T], name: Callable[[T], str]) -> Iterable[tuple[str, list[T]]]:
    groups: dict[str, list[T]] = {}
    for row in rows:
        groups.setdefault(name(row), []).append(row)
    return groups.items()


def _gate(rows: Sequence[GateFacts]) -> Side:
    """The worst result that is not waived; a waiver's own result only where there is nothing else."""
    speaking = [row for row in rows if not row.waived] or list(rows)
    worst = worst_result([row.result for row in speaking])
    summary = min(row.summary for row in speaking if row.result is worst)
    return Side(worst, _ids(rows), any(row.waived for row in rows), summary)


def _invariant(rows: Sequence[InvariantFacts]) -> Side:
    worst = worst_result([row.result for row in rows])
    return Side(worst, _ids(rows), title=min(row.title for row in rows if row.result is worst))


def _item(rows: Sequence[ItemFacts]) -> Side:
    """One current item a source key is the rule; of several, the worst stands for them."""
    worst = worst_result([row.result for row in rows])
    row = min((row for row in rows if row.result is worst), key=lambda each: each.id)
    return Side(worst, _ids(rows), title=row.title, tests=row.tests, findings=row.findings)


def _ids(rows: Iterable[GateFacts | InvariantFacts | ItemFacts]) -> tuple[str, ...]:
    return tuple(sorted(row.id for row in rows))
