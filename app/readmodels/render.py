"""A plan and the queries of one request to one SQL statement: pure.

Every place of the answer is a sub-select that hangs on the row above it (LATERAL) and aggregates its rows into the
streams of `columns.py`; what hangs on those rows is aggregated along. So an answer is one row, read in one snapshot,
and costs one statement whatever it holds. Conditions, orders and scopes are those of the reference reads in rows.py.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.readmodels.columns import PLAIN, RAW, SORT, SQL_SEPARATOR, TIMES, Layout, lay_out, wants_positions
from app.readmodels.keyset import bounds, order_by
from app.readmodels.nouns import BUNDLE, Noun
from app.readmodels.plan import Branch, ById, Link, Plan, Query, Rows
from app.readmodels.predicates import Parameters, Scope
from app.readmodels.rows import CHAIN_LIMIT, SUPERSEDED, RowQuery, Statement, check_group

SNAPSHOT = "snapshot"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A statement, its values, and the names of the one row's columns in order. The first is the snapshot it saw."""

    sql: str
    values: tuple[object, ...]
    columns: tuple[str, ...]


def layouts(plan: Plan) -> dict[Rows, Layout]:
    """What the rows of every place of a plan send."""
    found: dict[Rows, Layout] = {}

    def visit(branch: Branch) -> None:
        found[branch.rows] = lay_out(branch.rows, cursors=wants_positions(branch))
        for groups in branch.groups:
            found[groups] = lay_out(groups, cursors=False)
        for below in branch.rows.branches:
            visit(below)

    for root in plan.roots:
        if isinstance(root, Branch):
            visit(root)
    return found


def render(plan: Plan, made: dict[Rows, Layout], queries: Sequence[Query], scope: Scope) -> Rendered:
    """The statement of a request. Invalid when a query asks for what cannot be."""
    return _Rendering(plan, made, queries, scope).statement()


@dataclass(frozen=True, slots=True)
class _Place:
    """The sub-select of one place, and the columns that it gives: counts of its own, and streams, its own and below."""

    sql: str
    counts: tuple[str, ...]
    streams: tuple[tuple[str, str], ...]


class _Rendering:
    def __init__(self, plan: Plan, made: dict[Rows, Layout], queries: Sequence[Query], scope: Scope) -> None:
        self.plan = plan
        self.layouts = made
        self.queries = queries
        self.scope = scope
        self.parameters = Parameters()

    def statement(self) -> Rendered:
        sources: list[str] = []
        columns: list[str] = []
        for at, root in enumerate(self.plan.roots):
            if not isinstance(root, Branch):
                continue
            as_of = self.query(root.rows).as_of
            if root.listed:
                place = self.place(root, None, as_of)
                sources.append(f"({place.sql}) AS root{at}")
                columns += [*place.counts, *(name for name, _ in place.streams)]
            for groups in root.groups:
                place = self.groups(groups, None)
                sources.append(f"({place.sql}) AS root{at}_{self.plan.numbers[groups]}")
                columns += [*place.counts, *(name for name, _ in place.streams)]
            if root.counted:
                name = f"total{self.plan.numbers[root.rows]}"
                sources.append(f"({self.total(root.rows, None)}) AS {name} ({name})")
                columns.append(name)
        wanted = ", ".join(["pg_current_snapshot()::text AS snapshot", *columns])
        sql = f"SELECT {wanted} FROM {' CROSS JOIN '.join(sources)}" if sources else f"SELECT {wanted}"
        # many requests are remembered with their statement, and most of those differ in values alone
        return Rendered(sys.intern(sql), tuple(self.parameters.values), (SNAPSHOT, *columns))

    def query(self, rows: Rows) -> Query:
        if rows.slot is None:
            raise LookupError("these rows have no query of their own")
        return self.queries[rows.slot]

    def list_query(self, rows: Rows) -> RowQuery:
        query = self.query(rows)
        if not isinstance(query, RowQuery):
            raise TypeError("this place wants a list's query")
        return query

    def made(self, noun: Noun, as_of: datetime | None) -> Statement:
        return Statement(noun, as_of, self.scope, self.parameters)

    def place(self, branch: Branch, above: str | None, as_of: datetime | None) -> _Place:
        """The rows of a branch below the row `above`."""
        rows = branch.rows
        number, layout = self.plan.numbers[rows], self.layouts[rows]
        row = f"r{number}"
        joins: list[str] = []
        counts: dict[Rows, str] = {}
        totals: dict[Rows, str] = {}
        streams: list[tuple[str, str]] = []

        def hang(place: _Place, rows: Rows) -> None:
            alias = f"l{self.plan.numbers[rows]}"
            joins.append(f"CROSS JOIN LATERAL ({place.sql}) AS {alias}")
            counts[rows] = f"{alias}.{place.counts[0]}"
            streams.extend(place.streams)

        source = self.source(rows, layout, above, as_of)
        for below in rows.branches:
            if below.rows.link is Link.GROUPS:
                hang(self.groups(below.rows, row), below.rows)
            elif below.listed:
                hang(self.place(below, row, as_of), below.rows)
            for groups in below.groups:
                hang(self.groups(groups, row), groups)
            if below.counted:
                totals[below.rows] = f"({self.total(below.rows, row)})"
        own: list[tuple[str, str]] = []
        selected = [f"count(*) AS n{number}"]
        for stream in (PLAIN, TIMES, RAW):
            values = [
                counts[cell.below] if cell.below is not None
                else totals[cell.total] if cell.total is not None
                else cell.sql(row)
                for cell in layout.cells[stream]
            ]  # fmt: skip
            if not values:
                continue
            mark, name = SQL_SEPARATOR[stream], f"{stream}{number}"
            text = f"concat_ws({mark}, {', '.join(values)})" if len(values) > 1 else f"({values[0]})::text"
            selected.append(f"string_agg({text}, {mark}) AS {name}")
            own.append((name, stream))
        selected += [f"string_agg({name}, {SQL_SEPARATOR[stream]}) AS {name}" for name, stream in streams]
        sql = f"SELECT {', '.join(selected)} FROM ({source}) AS {row} {' '.join(joins)}"
        return _Place(sql, (f"n{number}",), (*own, *streams))

    def source(self, rows: Rows, layout: Layout, above: str | None, as_of: datetime | None) -> str:
        """The rows themselves, in order, with the columns that anything below or beside is made of."""
        columns = set(layout.columns)
        columns.update(below.rows.column for below in rows.branches if below.rows.link is not Link.GROUPS)
        columns.discard("")
        if rows.branches:
            columns.add("id")
        if rows.slot is not None and isinstance(self.queries[rows.slot], RowQuery):
            return self.listed(rows, columns, above)
        return self.found(rows, columns, above, as_of)

    def columns(self, made: Statement, columns: set[str], replaced: str | None = None) -> str:
        """The select list; `replaced` is SQL that says whether a row is superseded, where that is known already."""
        noun = made.noun
        listed = []
        for name in [n for n in noun.columns if n in columns]:
            moving = noun is BUNDLE and name == "updated_at"
            listed.append(f"{made.expression(name) if moving else f'{noun.alias}.{name}'} AS {name}")
        if SUPERSEDED in columns and replaced is not None:
            listed.append(f"{replaced} AS {SUPERSEDED}")
        elif SUPERSEDED in columns:
            listed.append(made.columns(frozenset({SUPERSEDED})).partition(", ")[2])
        return ", ".join(listed)

    def listed(self, rows: Rows, columns: set[str], above: str | None) -> str:
        """A page of a list."""
        query = self.list_query(rows)
        made = self.made(rows.noun, query.as_of)
        sort, page = made.sort(query.order), query.page
        # a list that leaves out replaced rows need not look again whether one is
        replaced = None if query.superseded or query.latest else "false"
        shown = self.columns(made, columns, replaced)
        wanted = ", ".join(part for part in (shown, f"{sort} AS {SORT}") if part)
        backward = page.backward
        if backward and "id" not in columns:
            wanted = f"{rows.noun.alias}.id AS id, {wanted}"
        conditions = [made.conditions(query), bounds(rows.noun, sort, query.order, page, self.parameters)]
        if above is not None:
            conditions.insert(0, f"{rows.noun.alias}.bundle_id = {above}.id")
        sql = (
            f"SELECT {wanted} FROM {made.source(latest=query.latest)} WHERE {' AND '.join(conditions)}"
            f" ORDER BY {order_by(rows.noun, sort, query.order, backward=backward)} LIMIT {page.size + rows.more}"
        )
        if backward:
            direction = query.order.direction.value.upper()
            sql = f"SELECT * FROM ({sql}) AS page ORDER BY page.{SORT} {direction}, page.id {direction}"
        return sql

    def found(self, rows: Rows, columns: set[str], above: str | None, as_of: datetime | None) -> str:
        """Rows that are named by another row, or by the request."""
        made = self.made(rows.noun, as_of)
        alias = rows.noun.alias
        listed, source = self.columns(made, columns) or "true AS there", made.source()
        match rows.link:
            case Link.ROOT_ID:
                query = self.query(rows)
                if not isinstance(query, ById):
                    raise TypeError("this place wants an id or a key")
                if query.key is not None:
                    key = self.parameters.add(query.key, "text")
                    return (
                        f"SELECT {listed} FROM {source} WHERE {alias}.bundle_key = {key} AND {made.any_time()}"
                        f" ORDER BY {alias}.revision DESC LIMIT 1"
                    )
                row_id = self.parameters.add(query.id, "uuid")
                return f"SELECT {listed} FROM {source} WHERE {alias}.id = {row_id} AND {made.any_time()}"
            case Link.REFERENCE:
                where = f"{alias}.id = {above}.{rows.column}"
            case Link.SUCCESSOR:
                where = f"{alias}.supersedes_id = {above}.id"
            case Link.REFERENCES:
                return (
                    f"SELECT {listed} FROM unnest({above}.{rows.column}) WITH ORDINALITY AS named (id, position)"
                    f" JOIN {source} ON {alias}.id = named.id WHERE {made.any_time()} ORDER BY named.position"
                )
            case Link.HISTORY:
                return self.history(rows.noun, f"{above}.id", listed, made)
            case _:
                raise LookupError(f"no rows are found by {rows.link}")
        return f"SELECT {listed} FROM {source} WHERE {where} AND {made.any_time()}"

    def history(self, noun: Noun, row_id: str, listed: str, made: Statement) -> str:
        """The whole chain of a row, oldest first."""
        table = noun.table
        return (
            f"WITH RECURSIVE older AS (SELECT start.id, start.supersedes_id, 0 AS depth FROM {table} AS start"
            f" WHERE start.id = {row_id} UNION ALL SELECT before.id, before.supersedes_id, older.depth - 1 FROM older"
            f" JOIN {table} AS before ON before.id = older.supersedes_id WHERE older.depth > -{CHAIN_LIMIT}),"
            f" newer AS (SELECT start.id, 0 AS depth FROM {table} AS start WHERE start.id = {row_id}"
            f" UNION ALL SELECT later.id, newer.depth + 1 FROM newer"
            f" JOIN {table} AS later ON later.supersedes_id = newer.id WHERE newer.depth < {CHAIN_LIMIT}),"
            f" chain AS (SELECT id, depth FROM older UNION SELECT id, depth FROM newer)"
            f" SELECT {listed} FROM chain JOIN {made.source()} ON {noun.alias}.id = chain.id"
            f" WHERE {made.any_time()} ORDER BY chain.depth"
        )

    def whole(self, rows: Rows, above: str | None) -> tuple[str, str]:
        """FROM and WHERE of a list whatever its page."""
        query = self.list_query(rows)
        made = self.made(rows.noun, query.as_of)
        conditions = [made.conditions(query)]
        if above is not None:
            conditions.insert(0, f"{rows.noun.alias}.bundle_id = {above}.id")
        return made.source(latest=query.latest), " AND ".join(conditions)

    def total(self, rows: Rows, above: str | None) -> str:
        source, where = self.whole(rows, above)
        return f"SELECT count(*) FROM {source} WHERE {where}"

    def groups(self, rows: Rows, above: str | None) -> _Place:
        """How many rows of a list have each value of a column, most first."""
        source, where = self.whole(rows, above)
        number, mark = self.plan.numbers[rows], SQL_SEPARATOR[PLAIN]
        cells = ", ".join(cell.sql("g") for cell in self.layouts[rows].cells[PLAIN])
        values = f", string_agg(concat_ws({mark}, {cells}), {mark}) AS p{number}" if cells else ""
        column = f"{rows.noun.alias}.{check_group(rows.noun, rows.column)}"
        sql = (
            f"SELECT count(*) AS n{number}{values} FROM"
            f" (SELECT {column} AS value, count(*) AS count FROM {source} WHERE {where} GROUP BY 1"
            " ORDER BY count(*) DESC, 1) AS g"
        )
        return _Place(sql, (f"n{number}",), ((f"p{number}", PLAIN),) if cells else ())
