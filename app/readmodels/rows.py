"""The reads that all nouns share: pages, counts, groups, children of many bundles, rows by id, chains."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from app.db.pool import Database, Row
from app.db.queries import load
from app.domain.errors import Invalid
from app.domain.paging import Order, PageRequest
from app.readmodels.keyset import Page, bounds, check_order, cut, order_by
from app.readmodels.nouns import BUNDLE, COMPONENT, Noun
from app.readmodels.predicates import (
    EVERYTHING,
    Parameters,
    Predicate,
    Scope,
    check,
    current,
    known,
    updated_as_of,
    visible,
    where,
)

CHAIN_LIMIT = 1000
"""Rows of a chain that are read on either side of the one asked for."""

ID_LIMIT = 500
"""Ids that one read takes."""

Columns = frozenset[str]

SUPERSEDED = "superseded"
"""A column that is computed: whether a later row replaced this one."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose eyes read: the database, and what the scope lets them see."""

    database: Database
    scope: Scope = field(default_factory=Scope)


@dataclass(frozen=True, slots=True)
class RowQuery:
    """Which rows of a noun: a filter, an order, a page, and the time as of which it is asked.

    `superseded` asks for replaced rows as well; `latest` keeps only the snapshot per component that says how it stands.
    """

    order: Order
    where: Predicate = EVERYTHING
    page: PageRequest = field(default_factory=PageRequest)
    as_of: datetime | None = None
    superseded: bool = False
    latest: bool = False


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows have a value; None stands for rows without one."""

    value: str | None
    count: int


@dataclass(slots=True)
class Statement:
    """A statement under construction for one noun."""

    noun: Noun
    as_of: datetime | None
    scope: Scope
    parameters: Parameters = field(default_factory=Parameters)

    def columns(self, wanted: Columns) -> str:
        """The select list: the wanted columns by their domain names, `id` always among them."""
        unknown = wanted - self.noun.columns.keys() - {SUPERSEDED}
        if unknown:
            raise KeyError(f"{self.noun.name} has no column {', '.join(sorted(unknown))}")
        chosen = [name for name in self.noun.columns if name in wanted or name == "id"]
        listed = [f"{self.expression(name)} AS {name}" for name in chosen]
        if SUPERSEDED in wanted:
            then = (
                ""
                if self.as_of is None
                else f" AND later.recorded_at <= {self.parameters.add(self.as_of, 'timestamptz')}"
            )
            listed.append(
                f"EXISTS (SELECT FROM {self.noun.table} AS later"
                f" WHERE later.supersedes_id = {self.noun.alias}.id{then}) AS {SUPERSEDED}"
            )
        return ", ".join(listed)

    def expression(self, column: str) -> str:
        """The SQL of a column, as of then: a bundle's updated_at is the one column that moves."""
        if self.noun is BUNDLE and column == "updated_at" and self.as_of is not None:
            return updated_as_of(self.parameters.add(self.as_of, "timestamptz"))
        return self.noun.columns[column]

    def sort(self, order: Order) -> str:
        """The SQL of the order's sort key."""
        check_order(self.noun, order)
        if self.noun is BUNDLE and order.column == "updated_at":
            return self.expression("updated_at")
        return self.noun.orders[order.column]

    def source(self, *, latest: bool = False) -> str:
        """The FROM item that rows of the noun come from."""
        if latest:
            inner = current(COMPONENT, self.as_of, self.parameters)
            named = load("app.readmodels", "causes")
            pair = {"environment": "pair.environment", "component": "pair.component"}
            told = {**pair, "cause": "known.cause", "current": inner}
            return load("app.readmodels", "components")["latest_components"].fill(
                current=inner,
                causes=named["causes_of_component"].fill(**pair),
                latest_news=named["latest_news"].fill(**told, news=named["news"].fill(**told)),
            )
        return f"{self.noun.table} AS {self.noun.alias}"

    def conditions(self, query: RowQuery) -> str:
        """The WHERE of a list: scope, currency, filter."""
        check(query.where)
        kept = known if query.superseded or query.latest else current
        return " AND ".join(
            (
                visible(self.noun, self.scope, self.parameters),
                kept(self.noun, self.as_of, self.parameters),
                f"({where(self.noun, query.where, self.as_of, self.parameters)})",
            )
        )

    def any_time(self) -> str:
        """The WHERE of a read by id: scope and what was known, current or not."""
        return f"{visible(self.noun, self.scope, self.parameters)} AND {known(self.noun, self.as_of, self.parameters)}"

    def ids(self, ids: Iterable[str]) -> str:
        """A parameter of checked ids."""
        return self.parameters.add(check_ids(ids), "uuid[]")


def check_ids(ids: Iterable[str], *, name: str = "id") -> list[str]:
    """The ids as canonical text. Invalid names the first that has not the shape of one."""
    checked = []
    for text in ids:
        try:
            checked.append(str(uuid.UUID(text)))
        except (ValueError, AttributeError, TypeError):
            raise Invalid(
                f"{str(text)[:60]!r} is not an id; ids look like 0198c5a2-7d5e-7cc3-9c1e-0f6f0e3b2a11",
                field=name,
            ) from None
    return checked


def _named(name: str, **slots: str) -> str:
    return load("app.readmodels", "rows")[name].fill(**slots)


async def list_rows(reader: Reader, noun: Noun, query: RowQuery, columns: Columns) -> Page:
    """One page of a noun."""
    made = Statement(noun, query.as_of, reader.scope)
    sort = made.sort(query.order)
    sql = _named(
        "list_rows",
        columns=made.columns(columns),
        sort=sort,
        source=made.source(latest=query.latest),
        where=f"{made.conditions(query)} AND {bounds(noun, sort, query.order, query.page, made.parameters)}",
        order=order_by(noun, sort, query.order, backward=query.page.backward),
        limit=str(query.page.size + 1),
    )
    rows = await reader.database.fetch(sql, *made.parameters.values)
    return cut(rows, query.order, query.page)


async def count_rows(reader: Reader, noun: Noun, query: RowQuery) -> int:
    """How many rows the query has, whatever its page."""
    made = Statement(noun, query.as_of, reader.scope)
    sql = _named("count_rows", source=made.source(latest=query.latest), where=made.conditions(query))
    return int(await reader.database.fetchval(sql, *made.parameters.values))


async def group_rows(reader: Reader, noun: Noun, query: RowQuery, column: str) -> list[Count]:
    """How many rows the query has per value of a column, most first, whatever its page."""
    made = Statement(noun, query.as_of, reader.scope)
    sql = _named(
        "group_rows",
        group=f"{noun.alias}.{check_group(noun, column)}",
        source=made.source(latest=query.latest),
        where=made.conditions(query),
    )
    return [Count(row["value"], row["count"]) for row in await reader.database.fetch(sql, *made.parameters.values)]


async def rows_by_ids(
    reader: Reader, noun: Noun, ids: Sequence[str], columns: Columns, as_of: datetime | None = None
) -> dict[str, Row]:
    """Rows by id, current or not; ids that name nothing visible are absent."""
    made = Statement(noun, as_of, reader.scope)
    sql = _named(
        "rows_by_ids",
        columns=made.columns(columns),
        source=made.source(),
        alias=noun.alias,
        ids=made.ids(ids),
        where=made.any_time(),
    )
    return {row["id"]: row for row in await reader.database.fetch(sql, *made.parameters.values)}


async def pages_by_bundle_ids(
    reader: Reader, noun: Noun, bundle_ids: Sequence[str], query: RowQuery, columns: Columns
) -> dict[str, Page]:
    """One page of children for each bundle, in one statement; bundles without any get an empty page."""
    made = Statement(noun, query.as_of, reader.scope)
    sort = made.sort(query.order)
    direction = query.order.direction.reversed() if query.page.backward else query.order.direction
    sql = _named(
        "rows_by_bundle_ids",
        ids=made.ids(bundle_ids),
        columns=made.columns(columns),
        sort=sort,
        source=made.source(),
        alias=noun.alias,
        where=f"{made.conditions(query)} AND {bounds(noun, sort, query.order, query.page, made.parameters)}",
        order=order_by(noun, sort, query.order, backward=query.page.backward),
        limit=str(query.page.size + 1),
        direction=direction.value.upper(),
    )
    found: dict[str, list[Row]] = {bundle_id: [] for bundle_id in bundle_ids}
    for row in await reader.database.fetch(sql, *made.parameters.values):
        found[row["parent_id"]].append(row)
    return {bundle_id: cut(rows, query.order, query.page) for bundle_id, rows in found.items()}


async def counts_by_bundle_ids(
    reader: Reader, noun: Noun, bundle_ids: Sequence[str], query: RowQuery
) -> dict[str, int]:
    """How many children each bundle has, whatever the page."""
    made = Statement(noun, query.as_of, reader.scope)
    sql = _named(
        "count_by_bundle_ids",
        ids=made.ids(bundle_ids),
        source=made.source(),
        alias=noun.alias,
        where=made.conditions(query),
    )
    rows = await reader.database.fetch(sql, *made.parameters.values)
    return dict.fromkeys(bundle_ids, 0) | {row["parent_id"]: row["count"] for row in rows}


async def groups_by_bundle_ids(
    reader: Reader, noun: Noun, bundle_ids: Sequence[str], query: RowQuery, column: str
) -> dict[str, list[Count]]:
    """How many children each bundle has per value of a column, most first, whatever the page."""
    made = Statement(noun, query.as_of, reader.scope)
    sql = _named(
        "group_by_bundle_ids",
        ids=made.ids(bundle_ids),
        group=f"{noun.alias}.{check_group(noun, column)}",
        source=made.source(),
        alias=noun.alias,
        where=made.conditions(query),
    )
    found: dict[str, list[Count]] = {bundle_id: [] for bundle_id in bundle_ids}
    for row in await reader.database.fetch(sql, *made.parameters.values):
        found[row["parent_id"]].append(Count(row["value"], row["count"]))
    return found


async def successors_by_ids(
    reader: Reader, noun: Noun, ids: Sequence[str], columns: Columns, as_of: datetime | None = None
) -> dict[str, Row]:
    """The row that superseded each of the given rows, where one did."""
    made = Statement(noun, as_of, reader.scope)
    sql = _named(
        "successors_by_ids",
        ids=made.ids(ids),
        columns=made.columns(columns),
        source=made.source(),
        alias=noun.alias,
        where=made.any_time(),
    )
    return {row["parent_id"]: row for row in await reader.database.fetch(sql, *made.parameters.values)}


async def histories_by_ids(
    reader: Reader, noun: Noun, ids: Sequence[str], columns: Columns, as_of: datetime | None = None
) -> dict[str, list[Row]]:
    """The whole chain that each row belongs to, oldest first, itself included."""
    made = Statement(noun, as_of, reader.scope)
    sql = _named(
        "histories_by_ids",
        ids=made.ids(ids),
        table=noun.table,
        depth=str(CHAIN_LIMIT),
        columns=made.columns(columns),
        source=made.source(),
        alias=noun.alias,
        where=made.any_time(),
    )
    found: dict[str, list[Row]] = {row_id: [] for row_id in ids}
    for row in await reader.database.fetch(sql, *made.parameters.values):
        found[row["parent_id"]].append(row)
    return found


def check_group(noun: Noun, column: str) -> str:
    """The column, when rows of the noun may be counted by it."""
    if column not in noun.groups:
        raise Invalid(f"{noun.name} cannot be counted by {column}")
    return column


def with_page(query: RowQuery, page: PageRequest) -> RowQuery:
    """The same query for another page."""
    return replace(query, page=page)
