"""How the columns of a plan's rows cross the wire: three streams of text per place, rendered and split alike.

PostgreSQL sends each place of an answer as up to three texts, whatever the number of rows: `plain` holds texts, ids,
numbers and names, which the gateway escapes in one pass; `times` holds moments, which it spells in one pass; `raw`
holds what is JSON already. The values of a row follow each other, row after row, between separators.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from app.readmodels.plan import Branch, Group, Kind, Leaf, Rows, What

PLAIN, TIMES, RAW = "p", "t", "j"

SEPARATOR = {PLAIN: "\x7f", TIMES: "\x7f", RAW: "\x01"}
"""DEL is not escaped in JSON; a text that holds one is found by the count of values. JSON text never holds a \\x01."""

SQL_SEPARATOR = {stream: f"E'\\x{ord(mark):02x}'" for stream, mark in SEPARATOR.items()}

SORT = "sort_key"

_STREAM = {Kind.TIME: TIMES, Kind.JSON: RAW, Kind.FREE: RAW, Kind.IDS: RAW}


@dataclass(frozen=True, slots=True)
class Cell:
    """One value a row sends: a column, or how many rows hang on it (`below`), or how many there are (`total`)."""

    column: str = ""
    kind: Kind = Kind.TEXT
    nullable: bool = False
    below: Rows | None = None
    total: Rows | None = None

    @property
    def stream(self) -> str:
        """The stream that it goes by."""
        return _STREAM.get(self.kind, PLAIN)

    def sql(self, row: str) -> str:
        """Its SQL over a row's alias; never null."""
        column = f"{row}.{self.column}"
        match self.kind:
            case Kind.FREE:
                return f"coalesce(to_json({column})::text, 'null')"
            case Kind.JSON:
                return f"coalesce({column}::text, 'null')" if self.nullable else f"{column}::text"
            case Kind.IDS:
                return f"array_to_json({column})::text"
            case Kind.BOOLEAN:
                return f"{column}::text"
        return f"coalesce({column}::text, '')" if self.nullable else column


@dataclass(slots=True)
class Layout:
    """Which cells the rows of one place send, in which order."""

    cells: dict[str, list[Cell]] = field(default_factory=lambda: {PLAIN: [], TIMES: [], RAW: []})

    def place(self, cell: Cell) -> int:
        """Where in its stream a cell stands; added when it is new."""
        cells = self.cells[cell.stream]
        if cell not in cells:
            cells.append(cell)
        return cells.index(cell)

    @property
    def columns(self) -> list[str]:
        """The columns that the cells are made of."""
        every = (cell.column for cells in self.cells.values() for cell in cells)
        return list(dict.fromkeys(column for column in every if column and column != SORT))


def lay_out(rows: Rows, *, cursors: bool) -> Layout:
    """The cells of a place; with `cursors`, those that a page's first and last cursor are made of as well."""
    made = Layout()
    for branch in rows.branches:
        if branch.listed:
            made.place(Cell(below=branch.rows))
        for groups in branch.groups:
            made.place(Cell(below=groups))
        if branch.counted:
            made.place(Cell(total=branch.rows))
    for member in rows.leaves():
        if isinstance(member, Leaf):
            if member.kind is Kind.CURSOR:
                cursors = True
            else:
                made.place(cell_of(member))
        elif isinstance(member, Group) and member.test is not None:
            made.place(test_cell(member))
    if cursors:
        made.place(Cell(SORT))
        made.place(Cell("id", Kind.ID))
    return made


def cell_of(leaf: Leaf) -> Cell:
    """The cell that a leaf is read from."""
    kind = Kind.TEXT if leaf.kind is Kind.NAME else leaf.kind
    return Cell(leaf.column, kind, leaf.nullable)


def test_cell(group: Group) -> Cell:
    """The cell that says whether a group is there."""
    return Cell(group.test or "", Kind.NUMBER, nullable=True)


def wants_positions(branch: Branch) -> bool:
    """Whether the connection shows cursors of its page."""
    if any(part.what is What.NEXT for part in branch.parts):
        return True
    return any(part.facts and any(fact.name in ("START", "END") for _, fact, _ in part.facts) for part in branch.parts)
