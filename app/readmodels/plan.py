"""A read as plain data: what a face wants to know, as a tree of rows, columns and the shape of the answer.

A face (GraphQL, REST) compiles a request to a `Plan` once. `render.py` turns a plan and the queries of one request into
one SQL statement, `stitch.py` turns the row that comes back into the bytes of the answer. Nothing here does either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from functools import cached_property

from app.domain.errors import EvidenceError
from app.readmodels.nouns import Noun
from app.readmodels.rows import RowQuery


class Unsayable(Exception):
    """This request is not for a plan, or its rows are not; the reference path answers. The reason is for a person."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Kind(Enum):
    """How a column is spelled on the wire."""

    TEXT = auto()
    FREE = auto()
    """Text that may be null and may be empty."""
    ID = auto()
    IDS = auto()
    NUMBER = auto()
    BOOLEAN = auto()
    TIME = auto()
    JSON = auto()
    NAME = auto()
    """A value of a vocabulary, shown by `Leaf.names`."""
    CURSOR = auto()
    """The row's position in its order."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A member that is the same on every row; `text` is JSON."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Leaf:
    """A member that is one column."""

    key: str
    column: str
    kind: Kind
    nullable: bool = False
    names: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """An object made of the row's own columns. Where `test` is given, it is null on rows whose `test` is null."""

    key: str
    members: tuple[Member, ...]
    test: str | None = None


class Link(Enum):
    """How rows belong to the row above them."""

    ROOT = auto()
    """To none: a list."""
    ROOT_ID = auto()
    """To none: the row of an id or key."""
    BUNDLE = auto()
    """They are the bundle's children."""
    REFERENCE = auto()
    """The row that a column of the row above names."""
    REFERENCES = auto()
    """The rows that a list column of the row above names, in its order."""
    SUCCESSOR = auto()
    """The row that supersedes the row above."""
    HISTORY = auto()
    """The whole chain of the row above, oldest first."""
    GROUPS = auto()
    """Not rows, but the values of a column and how many rows of a list have each."""


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows at one place of the answer. `views` are the objects made of them; `slot` names their query in the
    request, which children without one of their own share."""

    noun: Noun
    link: Link
    views: tuple[tuple[Member, ...], ...]
    slot: int | None = None
    column: str = ""
    """The column that REFERENCE and REFERENCES follow, or that GROUPS counts by."""
    more: bool = False
    """Whether somebody asks if there are further rows."""

    def leaves(self) -> Iterator[Leaf | Branch | Group | Overflow]:
        """The members of all views that are made of something, objects opened."""
        waiting = [member for view in reversed(self.views) for member in reversed(view)]
        while waiting:
            member = waiting.pop()
            if isinstance(member, Group):
                if member.test is not None:
                    yield member
                waiting.extend(reversed(member.members))
            elif not isinstance(member, Constant):
                yield member

    @cached_property
    def branches(self) -> tuple[Branch, ...]:
        """What hangs on each row."""
        return tuple(member for member in self.leaves() if isinstance(member, Branch))


class Show(Enum):
    """What becomes of the rows under one row."""

    ONE = auto()
    """An object, or null."""
    THE_ONE = auto()
    """An object that must be there."""
    LIST = auto()
    CONNECTION = auto()


@dataclass(frozen=True, eq=False)
class Branch:
    """A member that is made of other rows. `parts` are a connection's members, `groups` the counts among them."""

    key: str
    rows: Rows
    show: Show
    parts: tuple[Part, ...] = ()

    @cached_property
    def groups(self) -> tuple[Rows, ...]:
        """The rows of the connection's grouped counts."""
        return tuple(part.groups for part in self.parts if isinstance(part, Part) and part.groups is not None)

    @cached_property
    def counted(self) -> bool:
        """Whether the whole list is counted."""
        return any(part.what is What.TOTAL for part in self.parts)

    @cached_property
    def listed(self) -> bool:
        """Whether rows are read at all."""
        return (
            any(part.what in (What.VIEW, What.PAGE, What.NEXT) for part in self.parts)
            or self.show is not Show.CONNECTION
        )


class What(Enum):
    """A member of a connection."""

    VIEW = auto()
    """The rows as a list of objects: nodes, or edges."""
    TOTAL = auto()
    PAGE = auto()
    """Where the page lies."""
    GROUPS = auto()
    NEXT = auto()
    """The cursor of the page's last row where there are further rows, else null."""
    CONSTANT = auto()


class PageFact(Enum):
    """A member of a page's own object."""

    HAS_NEXT = auto()
    HAS_PREVIOUS = auto()
    START = auto()
    END = auto()
    CONSTANT = auto()


@dataclass(frozen=True, slots=True)
class Part:
    """One member of a connection; which of the fields count depends on `what`."""

    key: str
    what: What
    view: int = 0
    text: str = ""
    facts: tuple[tuple[str, PageFact, str], ...] = ()
    """Of a page: key, fact, and the JSON of a constant."""
    groups: Rows | None = None


@dataclass(frozen=True, eq=False)
class Overflow:
    """A member that lists, by key, which of the row's lists were cut."""

    key: str
    branches: tuple[Branch, ...]


Member = Constant | Leaf | Group | Branch | Overflow


@dataclass(frozen=True, slots=True)
class ById:
    """The query of a root that is one row: by id, or by a bundle's key."""

    id: str | None = None
    key: str | None = None
    as_of: datetime | None = None


Query = RowQuery | ById


@dataclass(frozen=True, eq=False)
class Plan:
    """The roots of an answer. `slots` is how many queries a request must bring."""

    roots: tuple[Branch | Constant, ...]
    slots: int

    @cached_property
    def numbers(self) -> dict[Rows, int]:
        """A number for every Rows of the tree, which names its columns in SQL."""
        found: dict[Rows, int] = {}

        def visit(branch: Branch) -> None:
            for rows in (branch.rows, *branch.groups):
                found[rows] = len(found)
                for below in rows.branches:
                    visit(below)

        for root in self.roots:
            if isinstance(root, Branch):
                visit(root)
        return found


def reject(error: EvidenceError) -> Unsayable:
    """A request that is wrong is told so by the reference path, with its place in the document."""
    return Unsayable(f"error: {error.code.value.lower()}")
