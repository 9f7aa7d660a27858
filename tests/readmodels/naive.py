"""The read models once more, over all rows in Python and without SQL: slow, plain, and by the words of the design."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.db.pool import Database
from app.domain.paging import Direction, Order
from app.readmodels.nouns import BUNDLE, CHILDREN, COMPONENT, NOUNS, Noun
from app.readmodels.predicates import AllOf, AnyOf, Compare, Has, Negated, Predicate, Scope
from app.readmodels.rows import SUPERSEDED

Row = dict[str, Any]

_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Everything:
    """All rows of all nouns, as far as they were recorded by `as_of`, each with whether it was superseded by then."""

    tables: dict[str, list[Row]]
    as_of: datetime | None = None
    scope: Scope = field(default_factory=Scope)

    def at(self, as_of: datetime | None) -> Everything:
        """What was known then."""
        known = {
            name: [dict(row) for row in rows if as_of is None or row["recorded_at"] <= as_of]
            for name, rows in self.tables.items()
        }
        for rows in known.values():
            replaced = {row["supersedes_id"] for row in rows}
            for row in rows:
                row[SUPERSEDED] = row["id"] in replaced
        for bundle in known[BUNDLE.name]:
            own = (r["recorded_at"] for noun in CHILDREN.values() for r in known[noun.name] if _of(r) == bundle["id"])
            bundle["updated_at"] = max([bundle["recorded_at"], *own])
        return Everything(known, as_of, self.scope)

    def seen_by(self, scope: Scope) -> Everything:
        """What a scope lets be seen; which rows are superseded does not depend on who looks."""
        return Everything(self.tables, self.as_of, scope)

    def rows(self, noun: Noun) -> list[Row]:
        """All visible rows of a noun."""
        return [row for row in self.tables[noun.name] if self.visible(noun, row)]

    def current(self, noun: Noun) -> list[Row]:
        """Those that nothing superseded, and that are no retractions."""
        return [row for row in self.rows(noun) if not row[SUPERSEDED] and not row["retracted"]]

    def told(self) -> list[Row]:
        """The current snapshots, without trouble that a cause told before it told that what began then is over."""
        rows = self.current(COMPONENT)

        def answers(end: Row, row: Row) -> bool:
            same = all(end[name] == row[name] for name in ("environment", "component", "cause"))
            return (
                same
                and end["status"] == "operational"
                and _began(end) == _began(row)
                and _when_told(end)[0] <= _when_told(row)[0]
                and bool(end["recorded_at"] >= row["recorded_at"])
            )

        return [
            row
            for row in rows
            if row["cause"] == ""
            or row["status"] in ("operational", "unknown")
            or _began(row) is None
            or not any(answers(end, row) for end in rows)
        ]

    def latest(self) -> list[Row]:
        """The current snapshot of each component that says how it stands: of what was polled last and what each cause
        told last, the worst trouble, told before polled; without any, the last of them. An unknown of a cause tells
        nothing, but that there is such a component."""
        by_cause: dict[tuple[str, str], dict[str, list[Row]]] = {}
        for row in self.told():
            by_cause.setdefault((row["environment"], row["component"]), {}).setdefault(row["cause"], []).append(row)
        found = []
        for causes in by_cause.values():
            told = []
            for cause, rows in causes.items():
                rows.sort(key=_when_polled if cause == "" else _when_told)
                told += [row for row in rows if cause == "" or row["status"] != "unknown"][-1:] or rows[-1:]
            silent = [row for row in told if row["cause"] and row["status"] == "unknown"]
            told.sort(key=_when_told)
            for state in ("major_outage", "partial_outage", "degraded_performance", "under_maintenance"):
                troubled = [row for row in told if row["status"] == state]
                if troubled:
                    found.append(([row for row in troubled if row["cause"]] or troubled)[-1])
                    break
            else:
                seen = [row for row in told if row not in silent]
                seen.sort(key=lambda row: _when_told(row) if row["cause"] else _when_polled(row))
                found.append((seen or silent)[-1])
        return found

    def visible(self, noun: Noun, row: Row) -> bool:
        """Whether the scope shows a row."""
        products, environments = self.scope.products, self.scope.environments
        if products is None and environments is None:
            return True
        if noun is COMPONENT:
            return environments is None or row["environment"] in environments
        # A guard report without a bundle speaks of the platform, and is out of every scope.
        owner = row if noun is BUNDLE else self.by_id(BUNDLE).get(row["bundle_id"])
        if owner is None:
            return False
        return (products is None or owner["product"] in products) and (
            environments is None or owner["environment"] in environments
        )

    def by_id(self, noun: Noun) -> dict[str, Row]:
        """All rows by id, visible or not."""
        return {row["id"]: row for row in self.tables[noun.name]}

    def where(self, noun: Noun, rows: Iterable[Row], predicate: Predicate) -> list[Row]:
        """The rows for which a predicate holds."""
        return [row for row in rows if self.holds(noun, row, predicate)]

    def holds(self, noun: Noun, row: Row, predicate: Predicate) -> bool:
        """Whether a predicate holds of a row; a comparison with null does not."""
        match predicate:
            case Compare(column, operator, value):
                return _compare(row[column], operator, value)
            case AllOf(parts):
                return all(self.holds(noun, row, part) for part in parts)
            case AnyOf(parts):
                return any(self.holds(noun, row, part) for part in parts)
            case Negated(part):
                return not self.holds(noun, row, part)
            case Has(relation, part):
                child = CHILDREN[relation]
                everyone = Everything(self.tables, self.as_of)
                children = [c for c in everyone.current(child) if c["bundle_id"] == row["id"]]
                return bool(self.where(child, children, part))

    def successor(self, noun: Noun, row_id: str) -> Row | None:
        """The row that superseded a row."""
        return next((row for row in self.rows(noun) if row["supersedes_id"] == row_id), None)

    def history(self, noun: Noun, row_id: str) -> list[Row]:
        """The chain of a row, oldest first."""
        every, by_id = self.tables[noun.name], self.by_id(noun)
        chain = [by_id[row_id]] if row_id in by_id else []
        while chain and chain[0]["supersedes_id"] is not None:
            chain.insert(0, by_id[chain[0]["supersedes_id"]])
        while chain:
            following = [row for row in every if row["supersedes_id"] == chain[-1]["id"]]
            if not following:
                break
            chain += following
        return [row for row in chain if self.visible(noun, row)]

    def bundle_of_key(self, key: str) -> str | None:
        """What a key means: the highest visible revision."""
        found = [row for row in self.rows(BUNDLE) if row["bundle_key"] == key]
        return max(found, key=lambda row: row["revision"])["id"] if found else None


def _began(row: Row) -> Any:
    details = row["details"]
    return (json.loads(details) if isinstance(details, str) else details).get("began_at")


def _when_polled(row: Row) -> tuple[datetime, datetime, uuid.UUID]:
    return row["observed_at"], row["observed_at"], uuid.UUID(row["id"])


def _when_told(row: Row) -> tuple[datetime, datetime, uuid.UUID]:
    return min(row["observed_at"], row["recorded_at"]), row["observed_at"], uuid.UUID(row["id"])


def _of(row: Row) -> str | None:
    owner: str | None = row["bundle_id"]
    return owner


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda mine, theirs: bool(mine == theirs),
    "gt": lambda mine, theirs: bool(mine > theirs),
    "gte": lambda mine, theirs: bool(mine >= theirs),
    "lt": lambda mine, theirs: bool(mine < theirs),
    "lte": lambda mine, theirs: bool(mine <= theirs),
}


def _compare(mine: Any, operator: str, theirs: Any) -> bool:
    if operator == "ne":
        return bool(mine != theirs)
    if operator == "eq" and theirs is None:
        return mine is None
    if mine is None:
        return False
    return mine in theirs if operator == "in" else _OPERATORS[operator](mine, theirs)


def ordered(rows: Iterable[Row], order: Order) -> list[Row]:
    """Rows in an order: those without a value as if before all others, the id settles ties."""

    def key(row: Row) -> tuple[Any, uuid.UUID]:
        value = row[order.column]
        return (_BEFORE_ALL if value is None else value, uuid.UUID(row["id"]))

    return sorted(rows, key=key, reverse=order.direction is Direction.DESC)


def counted(rows: Iterable[Row], column: str) -> dict[str | None, int]:
    """How many rows have each value."""
    return dict(Counter(row[column] for row in rows))


async def read_everything(database: Database) -> Everything:
    """All rows of all tables, with the columns by which the read models know them."""
    tables = {}
    for noun in NOUNS:
        listed = ", ".join(f"{sql} AS {name}" for name, sql in noun.columns.items())
        tables[noun.name] = [
            dict(row) for row in await database.fetch(f"SELECT {listed} FROM {noun.table} {noun.alias}")
        ]
    return Everything(tables).at(None)


def plain(rows: Sequence[Any], *, without: str = "sort_key") -> list[Row]:
    """Rows of the read models as dicts, without the columns that only carry positions."""
    return [{name: value for name, value in dict(row).items() if name not in (without, "parent_id")} for row in rows]
