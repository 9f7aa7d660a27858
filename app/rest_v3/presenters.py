"""Rows in the shapes of the contract: camelCase, times and ids as text, JSON passed through."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import orjson

from app.db.pool import Row
from app.domain.evidence import FINDING_COUNT_FIELDS, TEST_COUNT_FIELDS
from app.domain.moments import iso
from app.readmodels.nouns import BUNDLE, COMPONENT, GATE, GUARD, INVARIANT, ITEM, Noun
from app.readmodels.rows import Columns
from app.rest_v3.contract import properties

JSON_COLUMNS = frozenset({"summary", "payload", "details"})
COUNTS = {"tests": TEST_COUNT_FIELDS, "findings": FINDING_COUNT_FIELDS}


def column_of(name: str) -> str:
    """The column that a property shows."""
    return re.sub(r"[A-Z]", lambda match: f"_{match.group(0).lower()}", name)


@dataclass(frozen=True, slots=True)
class Presenter:
    """One schema of the contract over one noun: which columns it needs, and how a row of them is shown."""

    schema: str
    noun: Noun
    columns: Columns
    fields: tuple[tuple[str, Callable[[Row], Any]], ...]

    def present(self, row: Row) -> dict[str, Any]:
        """A row in the shape of the schema."""
        return {name: show(row) for name, show in self.fields}

    def present_all(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Rows in the shape of the schema."""
        return [self.present(row) for row in rows]


def _counts(prefix: str, names: tuple[str, ...]) -> Callable[[Row], Any]:
    first = f"{prefix}_{names[0]}"
    pairs = [(name, f"{prefix}_{name}") for name in names]
    return lambda row: None if row[first] is None else {name: row[column] for name, column in pairs}


def _field(noun: Noun, column: str) -> Callable[[Row], Any]:
    # A guard's and a gate's `summary` differ: JSON on bundles and guards, a sentence on gates.
    if column in JSON_COLUMNS and not (noun is GATE and column == "summary"):
        return lambda row: orjson.Fragment(row[column])
    if noun.types.get(column) == "timestamptz":
        return lambda row: _moment(row[column])
    return lambda row: row[column]


def _moment(value: datetime | None) -> str | None:
    return None if value is None else iso(value)


def _presenter(schema: str, noun: Noun) -> Presenter:
    columns: set[str] = set()
    fields: list[tuple[str, Callable[[Row], Any]]] = []
    for name in properties(schema):
        column = column_of(name)
        if column in COUNTS:
            columns.update(f"{column}_{part}" for part in COUNTS[column])
            fields.append((name, _counts(column, COUNTS[column])))
        else:
            columns.add(column)
            fields.append((name, _field(noun, column)))
    return Presenter(schema, noun, frozenset(columns), tuple(fields))


@cache
def presenter(schema: str) -> Presenter:
    """The presenter of a schema of the contract."""
    return _presenter(schema, _NOUN_OF[schema])


_NOUN_OF = {
    "V3PlatformEvidenceBundleSummary": BUNDLE,
    "V3PlatformEvidenceItem": ITEM,
    "V3PlatformReleaseGateResult": GATE,
    "V3PlatformProductInvariantResult": INVARIANT,
    "V3PlatformComponentStatus": COMPONENT,
    "V3PlatformGuardReportSummary": GUARD,
}
