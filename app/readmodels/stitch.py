"""The row of a rendered plan to the bytes of the answer: columns of values between constant pieces, joined once.

A `Stitcher` is made once per plan. It works on whole columns, never value by value: a view's constant pieces and the
values of its columns are laid into one list by strides, and every parent's slice of it is joined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from itertools import accumulate
from typing import Any

import orjson

from app.domain.paging import Cursor, CursorCodec
from app.readmodels.columns import PLAIN, RAW, SEPARATOR, SORT, TIMES, Cell, Layout, cell_of, test_cell
from app.readmodels.plan import (
    Branch,
    Constant,
    Group,
    Kind,
    Leaf,
    Member,
    Overflow,
    PageFact,
    Part,
    Plan,
    Query,
    Rows,
    Show,
    Unsayable,
    What,
)
from app.readmodels.rows import RowQuery

NULL = b"null"
_DEL = SEPARATOR[PLAIN].encode()
_QUOTED = frozenset({Kind.TEXT, Kind.ID})

Values = list[bytes]


@dataclass(slots=True)
class _Level:
    """The rows of one place in all the answer, as columns. `made` holds what hangs on each row, by member."""

    count: int
    layout: Layout
    streams: dict[str, tuple[Values, int]]
    made: dict[Branch, Values] = field(default_factory=dict)

    def column(self, stream: str, at: int) -> Values:
        values, width = self.streams[stream]
        return values[at::width]


Getter = Callable[["_Level", "_Run", RowQuery | None], Values]


@dataclass(frozen=True, slots=True)
class _Run:
    """One answer in the making: the row, the request's queries, and how cursors are signed."""

    row: Mapping[str, Any]
    queries: Sequence[Query]
    cursors: CursorCodec


@dataclass(frozen=True, slots=True)
class _View:
    """An object as pieces: `pieces[0] value pieces[1] value ... pieces[-1]`. A value that goes out as it came has the
    name of its stream and its place there for a getter."""

    pieces: tuple[bytes, ...]
    getters: tuple[Getter | tuple[str, int], ...]

    def lay(self, level: _Level, run: _Run, query: RowQuery | None) -> Values:
        """All rows of the level in one list of 2 x values, a comma and the next row's beginning in each last place."""
        width = 2 * len(self.getters)
        if not width:
            return []
        between = self.pieces[-1] + b"," + self.pieces[0]
        pattern = [piece for inner in self.pieces[1:-1] for piece in (b"", inner)] + [b"", between]
        laid = pattern * level.count
        for at, getter in enumerate(self.getters):
            if isinstance(getter, tuple):
                values, count = level.streams[getter[0]]
                laid[2 * at :: width] = values[getter[1] :: count]
            else:
                laid[2 * at :: width] = getter(level, run, query)
        return laid

    def one(self, laid: Values, at: int) -> bytes:
        """The object of one row."""
        return self.many(laid, at, at + 1)

    def many(self, laid: Values, start: int, stop: int) -> bytes:
        """The objects of some rows, with commas between."""
        if start >= stop:
            return b""
        width = 2 * len(self.getters)
        if not width:
            return b",".join([self.pieces[0]] * (stop - start))
        return self.pieces[0] + b"".join(laid[start * width : stop * width - 1]) + self.pieces[-1]


def _split(text: str | None, stream: str, rows: int, width: int) -> Values:
    """The values of a stream. Unsayable when a text holds the separator, or a moment is none of the calendar."""
    if text is None:
        return []
    if stream == PLAIN:
        values = orjson.dumps(text)[1:-1].split(_DEL)
    elif stream == TIMES:
        data = text.encode()
        if b"y" in data or b"B" in data:
            raise Unsayable("a moment is infinite or before Christ")
        data = b'"' + data.replace(b" ", b"T").replace(_DEL, b':00"\x7f"') + b':00"'
        values = data.replace(b'":00"', NULL).split(_DEL)
    else:
        values = text.encode().split(b"\x01")
    if len(values) != rows * width:
        raise Unsayable("a text holds the character that separates values")
    return values


class Stitcher:
    """The making of one plan's answers."""

    def __init__(self, plan: Plan, layouts: Mapping[Rows, Layout]) -> None:
        self._plan = plan
        self._layouts = layouts
        self._numbers = plan.numbers
        # where the rows above say how many hang on them, and how many there are
        self._counts = {cell.below: at for made in layouts.values() for at, cell in enumerate(made.cells[PLAIN])}
        self._wholes = {cell.total: at for made in layouts.values() for at, cell in enumerate(made.cells[PLAIN])}
        self._views = {rows: tuple(self._view(rows, view) for view in rows.views) for rows in layouts}

    def members(self, row: Mapping[str, Any], queries: Sequence[Query], cursors: CursorCodec) -> Values:
        """The values of the plan's roots. Unsayable when the rows are such that the reference path must answer."""
        run = _Run(row, queries, cursors)
        members = []
        for root in self._plan.roots:
            if isinstance(root, Constant):
                members.append(root.text.encode())
            else:
                counts = [row[f"n{self._numbers[root.rows]}"]] if root.listed else []
                members.append(self._branch(root, counts, run, above=None)[0])
        return members

    # One member that is made of other rows, for every row above.

    def _branch(self, branch: Branch, counts: list[int], run: _Run, above: _Level | None) -> Values:
        rows = branch.rows
        query = run.queries[rows.slot] if rows.slot is not None else None
        listing = query if isinstance(query, RowQuery) else None
        level = self._level(rows, sum(counts), run) if branch.listed else _Level(0, self._layouts[rows], {})
        if branch.show is Show.CONNECTION:
            return self._connection(branch, counts, level, run, listing, above)
        view = self._views[rows][0]
        laid = view.lay(level, run, listing)
        if branch.show is Show.LIST:
            return [
                b"[" + view.many(laid, start, stop) + b"]"
                for start, stop in _spans(counts, listing if rows.more else None)
            ]
        if branch.show is Show.THE_ONE and 0 in counts:
            raise Unsayable(f"{branch.key} is not there")
        made, at = [], 0
        for count in counts:
            made.append(view.one(laid, at) if count else NULL)
            at += count
        return made

    def _level(self, rows: Rows, count: int, run: _Run) -> _Level:
        number, layout = self._numbers[rows], self._layouts[rows]
        level = _Level(count, layout, {})
        for stream in (PLAIN, TIMES, RAW):
            width = len(layout.cells[stream])
            if width:
                level.streams[stream] = (_split(run.row[f"{stream}{number}"], stream, count, width), width)
        for below in rows.branches:
            counts: list[int] = []
            if below.listed:
                counts = list(map(int, level.column(PLAIN, self._counts[below.rows])))
            level.made[below] = self._branch(below, counts, run, level)
        return level

    def _connection(
        self, branch: Branch, counts: list[int], level: _Level, run: _Run, query: RowQuery | None, above: _Level | None
    ) -> Values:
        if query is None:
            raise TypeError("a connection wants a list's query")
        parents = above.count if above is not None else 1
        rows = branch.rows
        spans = _spans(counts, query)
        laid: dict[int, Values] = {}
        columns: list[Values] = []
        for part in branch.parts:
            key = orjson.dumps(part.key) + b":"
            match part.what:
                case What.CONSTANT:
                    columns.append([key + part.text.encode()] * parents)
                case What.VIEW:
                    view = self._views[rows][part.view]
                    if part.view not in laid:
                        laid[part.view] = view.lay(level, run, query)
                    values = laid[part.view]
                    columns.append([key + b"[" + view.many(values, a, b) + b"]" for a, b in spans])
                case What.TOTAL:
                    columns.append([key + value for value in self._totals(rows, run, above)])
                case What.PAGE:
                    columns.append([key + page for page in self._pages(part, rows, counts, spans, level, run, query)])
                case What.NEXT:
                    columns.append(
                        [
                            key + (self._cursors(rows, level, run, query, [stop - 1])[0] if stop - start < n else NULL)
                            for n, (start, stop) in zip(counts, spans, strict=True)
                        ]
                    )
                case What.GROUPS:
                    columns.append([key + groups for groups in self._groups(part, run, above)])
        if not columns:
            return [b"{}"] * parents
        return [b"{" + b",".join(members) + b"}" for members in zip(*columns, strict=True)]

    def _totals(self, rows: Rows, run: _Run, above: _Level | None) -> Values:
        if above is None:
            return [b"%d" % run.row[f"total{self._numbers[rows]}"]]
        return above.column(PLAIN, self._wholes[rows])

    def _groups(self, part: Part, run: _Run, above: _Level | None) -> Values:
        rows = part.groups
        if rows is None:
            raise LookupError("a part of grouped counts has rows")
        if above is None:
            counts = [run.row[f"n{self._numbers[rows]}"]]
        else:
            counts = list(map(int, above.column(PLAIN, self._counts[rows])))
        return self._branch(Branch(part.key, rows, Show.LIST), counts, run, above)

    def _pages(
        self,
        part: Part,
        rows: Rows,
        counts: list[int],
        spans: list[tuple[int, int]],
        level: _Level,
        run: _Run,
        query: RowQuery,
    ) -> Values:
        page = query.page
        made = []
        for count, (start, stop) in zip(counts, spans, strict=True):
            more = count > page.size
            nexts, previous = (page.before is not None, more) if page.backward else (more, page.after is not None)
            members = []
            for key, fact, text in part.facts:
                match fact:
                    case PageFact.HAS_NEXT:
                        value = b"true" if nexts else b"false"
                    case PageFact.HAS_PREVIOUS:
                        value = b"true" if previous else b"false"
                    case PageFact.CONSTANT:
                        value = text.encode()
                    case _ if start == stop:
                        value = NULL
                    case _:
                        at = start if fact is PageFact.START else stop - 1
                        value = self._cursors(rows, level, run, query, [at])[0]
                members.append(orjson.dumps(key) + b":" + value)
            made.append(b"{" + b",".join(members) + b"}")
        return made

    def _cursors(self, rows: Rows, level: _Level, run: _Run, query: RowQuery, at: Sequence[int]) -> Values:
        layout = self._layouts[rows]
        values, width = level.streams[PLAIN]
        sort, row_id = layout.place(Cell(SORT)), layout.place(Cell("id", Kind.ID))
        timed = rows.noun.types.get(query.order.column) == "timestamptz"
        made = []
        for row in at:
            text = orjson.loads(b'"' + values[row * width + sort] + b'"')
            value: str | datetime = _moment(text) if timed else text
            cursor = Cursor(query.order, value, values[row * width + row_id].decode())
            made.append(orjson.dumps(run.cursors.encode(cursor)))
        return made

    # Views to pieces and getters, once per plan.

    def _view(self, rows: Rows, members: tuple[Member, ...]) -> _View:
        pieces, getters = [b""], list[Getter | tuple[str, int]]()
        self._flatten(rows, members, pieces, getters)
        return _View(tuple(pieces), tuple(getters))

    def _flatten(
        self, rows: Rows, members: tuple[Member, ...], pieces: Values, getters: list[Getter | tuple[str, int]]
    ) -> None:
        pieces[-1] += b"{"
        for position, member in enumerate(members):
            pieces[-1] += (b"," if position else b"") + orjson.dumps(member.key) + b":"
            if isinstance(member, Constant):
                pieces[-1] += member.text.encode()
            elif isinstance(member, Group) and member.test is None:
                self._flatten(rows, member.members, pieces, getters)
            else:
                quote = b'"' if isinstance(member, Leaf) and member.kind in _QUOTED and not member.nullable else b""
                pieces[-1] += quote
                pieces.append(quote)
                getters.append(self._getter(rows, member))
        pieces[-1] += b"}"

    def _getter(self, rows: Rows, member: Leaf | Group | Branch | Overflow) -> Getter | tuple[str, int]:
        if isinstance(member, Overflow):
            return lambda level, run, query: self._overflow(member, level, run)
        if isinstance(member, Branch):
            return lambda level, run, query: level.made[member]
        layout = self._layouts[rows]
        if isinstance(member, Group):
            return self._group(rows, member, layout.place(test_cell(member)))
        if member.kind is Kind.CURSOR:

            def cursors(level: _Level, run: _Run, query: RowQuery | None) -> Values:
                if query is None:
                    raise TypeError("cursors are of a list")
                return self._cursors(rows, level, run, query, range(level.count))

            return cursors
        cell = cell_of(member)
        stream, at = cell.stream, layout.place(cell)
        if member.kind is Kind.NAME:
            names = _shown(tuple((member.names or {}).items()), nullable=member.nullable)
            return lambda level, run, query: _named(names, level.column(stream, at))
        if member.nullable and stream == PLAIN:
            mark = b'"%b"' if member.kind in _QUOTED else b"%b"
            return lambda level, run, query: [mark % v if v else NULL for v in level.column(stream, at)]
        return stream, at

    def _group(self, rows: Rows, group: Group, test: int) -> Getter:
        view, layout = self._view(rows, group.members), self._layouts[rows]
        cells = [(leaf, cell_of(leaf)) for leaf in group.members if isinstance(leaf, Leaf)]
        parts = [(leaf.key, cell.stream, layout.place(cell)) for leaf, cell in cells]

        def get(level: _Level, run: _Run, query: RowQuery | None) -> Values:
            tests = level.column(PLAIN, test)
            if not any(tests):
                return [NULL] * level.count
            for key, stream, at in parts:
                values = level.column(stream, at)
                if not all(values) and any(t and not v for t, v in zip(tests, values, strict=True)):
                    raise Unsayable(f"{group.key} is there without its {key}")
            laid = view.lay(level, run, query)
            return [view.one(laid, at) if there else NULL for at, there in enumerate(tests)]

        return get

    def _overflow(self, member: Overflow, level: _Level, run: _Run) -> Values:
        """Which of a row's lists were cut, by key."""
        made: list[list[str]] = [[] for _ in range(level.count)]
        for branch in member.branches:
            query = run.queries[branch.rows.slot] if branch.rows.slot is not None else None
            if isinstance(query, RowQuery):
                for row, count in enumerate(level.column(PLAIN, self._counts[branch.rows])):
                    if int(count) > query.page.size:
                        made[row].append(branch.key)
        return [orjson.dumps(keys) for keys in made]


def _spans(counts: list[int], query: RowQuery | None) -> list[tuple[int, int]]:
    """Where each parent's rows begin and end, without the one more that tells whether there are further rows."""
    spans = []
    for count, end in zip(counts, accumulate(counts), strict=True):
        over = 0 if query is None else max(0, count - query.page.size)
        spans.append((end - count + over, end) if query and query.page.backward else (end - count, end - over))
    return spans


@cache
def _shown(names: tuple[tuple[str, str], ...], *, nullable: bool) -> Mapping[bytes, bytes]:
    """How the values of a vocabulary are shown; one table for all plans that show it."""
    table = {value.encode(): f'"{name}"'.encode() for value, name in names}
    return table | {b"": NULL} if nullable else table


def _named(names: Mapping[bytes, bytes], values: Values) -> Values:
    try:
        return list(map(names.__getitem__, values))
    except KeyError as error:
        raise Unsayable(f"{error.args[0]!r} is no value of its vocabulary") from None


def _moment(text: str) -> datetime:
    """A sort key's moment, as the driver reads it."""
    if text == "-infinity":
        return datetime.min  # noqa: DTZ901 - as the driver spells it
    return datetime.fromisoformat(text)
