"""The shapes of the contract as plans: a bundle's detail, an item, pages. Their bytes are those of the presenters.

A read that a plan cannot do, not found among them, tells None, and the handler goes on with the reference reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from app.domain.paging import CursorCodec, Direction, Order, PageRequest
from app.readmodels.nouns import BUNDLE, GATE, INVARIANT, ITEM, Noun
from app.readmodels.plan import (
    Branch,
    ById,
    Group,
    Kind,
    Leaf,
    Link,
    Member,
    Overflow,
    Part,
    Plan,
    Query,
    Rows,
    Show,
    Unsayable,
    What,
)  # fmt: skip
from app.readmodels.predicates import Scope
from app.readmodels.reading import Reading
from app.readmodels.render import Rendered
from app.readmodels.rows import SUPERSEDED, Reader, RowQuery
from app.rest_v3.presenters import COUNTS, JSON_COLUMNS, column_of, presenter

CHILDREN: tuple[tuple[str, Noun, str], ...] = (
    ("items", ITEM, "V3PlatformEvidenceItem"),
    ("gateResults", GATE, "V3PlatformReleaseGateResult"),
    ("invariantResults", INVARIANT, "V3PlatformProductInvariantResult"),
)
"""What a bundle's detail shows of its rows: member, noun, schema."""

_KINDS = {"uuid": Kind.ID, "timestamptz": Kind.TIME, "boolean": Kind.BOOLEAN, "integer": Kind.NUMBER}
_NULLABLE = frozenset(
    {
        "bundle_id", "evidence_item_id", "supersedes_id", "area", "started_at", "completed_at", "evaluated_at",
        "expires_at", "generated_at",
    }
)  # fmt: skip
_FREE = frozenset({"policy_digest"})
_RECORDED = Order("recorded_at", Direction.ASC)


def _members(schema: str) -> tuple[Member, ...]:
    shown = presenter(schema)
    return tuple(_member(shown.noun, name) for name, _ in shown.fields)


def _member(noun: Noun, name: str) -> Member:
    column = column_of(name)
    if column in COUNTS:
        leaves = tuple(Leaf(part, f"{column}_{part}", Kind.NUMBER, True) for part in COUNTS[column])
        return Group(name, leaves, leaves[0].column)
    if column in JSON_COLUMNS and not (noun is GATE and column == "summary"):
        return Leaf(name, column, Kind.JSON)
    if column == "item_ids":
        return Leaf(name, column, Kind.IDS)
    if column == SUPERSEDED:
        return Leaf(name, column, Kind.BOOLEAN)
    if column in _FREE or (noun.name == "component" and column.startswith("source_")):
        return Leaf(name, column, Kind.FREE, True)
    return Leaf(name, column, _KINDS.get(noun.types.get(column, ""), Kind.TEXT), column in _NULLABLE)


@cache
def _detail() -> Reading:
    children = tuple(
        Branch(name, Rows(noun, Link.BUNDLE, (_members(schema),), slot, more=True), Show.LIST)
        for slot, (name, noun, schema) in enumerate(CHILDREN, start=1)
    )
    members = (*_members("V3PlatformEvidenceBundleSummary"), *children, Overflow("truncated", children))
    return Reading(Plan((Branch("bundle", Rows(BUNDLE, Link.ROOT_ID, (members,), 0), Show.ONE),), 4))


@cache
def _one(schema: str) -> Reading:
    rows = Rows(presenter(schema).noun, Link.ROOT_ID, (_members(schema),), 0)
    return Reading(Plan((Branch("row", rows, Show.ONE),), 1))


@cache
def _listed(schema: str) -> Reading:
    rows = Rows(presenter(schema).noun, Link.ROOT, (_members(schema),), 0, more=True)
    parts = (Part("data", What.VIEW), Part("nextCursor", What.NEXT))
    return Reading(Plan((Branch("page", rows, Show.CONNECTION, parts),), 1))


@dataclass(frozen=True, slots=True)
class Told:
    """The body of an answer, the snapshot that its rows were read in, and the cursor of the page after it."""

    body: bytes
    snapshot: str
    following: str | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """A read that is ready to run, as often as the same is asked."""

    reading: Reading
    queries: tuple[Query, ...]
    rendered: Rendered
    as_of: datetime | None
    paged: bool = False

    async def read(self, reader: Reader, cursors: CursorCodec) -> Told | None:
        """Run it. None when there is no such row, or its rows are not for a plan."""
        try:
            read = await self.reading.read(self.rendered, self.queries, reader, cursors)
        except Unsayable:
            return None
        body = read.members[0]
        if body == b"null":
            return None
        if not self.paged:
            return Told(body, read.snapshot)
        # The last member is nextCursor: null, or text of letters, digits, - and _.
        last = body.rpartition(b'"nextCursor":')[2][:-1]
        return Told(body, read.snapshot, None if last == b"null" else last[1:-1].decode())


def _ready(
    reading: Reading, queries: tuple[Query, ...], scope: Scope, as_of: datetime | None, *, paged: bool = False
) -> Planned:
    return Planned(reading, queries, reading.rendered(queries, scope), as_of, paged)


def plan_detail(scope: Scope, bundle_id: str, as_of: datetime | None, size: int) -> Planned:
    """A bundle's detail, at most `size` rows of each relation."""
    below = RowQuery(_RECORDED, page=PageRequest(size=size), as_of=as_of)
    return _ready(_detail(), (ById(id=bundle_id, as_of=as_of), below, below, below), scope, as_of)


def plan_row(scope: Scope, schema: str, row_id: str, as_of: datetime | None) -> Planned:
    """One row by its id."""
    return _ready(_one(schema), (ById(id=row_id, as_of=as_of),), scope, as_of)


def plan_page(scope: Scope, schema: str, query: RowQuery) -> Planned:
    """A page of a list."""
    return _ready(_listed(schema), (query,), scope, query.as_of, paged=True)
