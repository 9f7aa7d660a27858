"""The shapes of the contract as plans: a bundle's detail, an item, pages. Their bytes are those of the presenters.

A read that a plan cannot do, not found among them, gives None, and the handler goes on with the reference reads.
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
from app.readmodels.reading import Reading
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


async def _read(reading: Reading, queries: tuple[Query, ...], reader: Reader, cursors: CursorCodec) -> bytes | None:
    try:
        read = await reading.read(reading.rendered(queries, reader.scope), queries, reader, cursors)
    except Unsayable:
        return None
    return None if read.members[0] == b"null" else read.members[0]


@dataclass(frozen=True, slots=True)
class PageBytes:
    """A page's body and the cursor in it."""

    body: bytes
    following: str | None


async def bundle_bytes(
    reader: Reader, cursors: CursorCodec, bundle_id: str, as_of: datetime | None, size: int
) -> bytes | None:
    """A bundle's detail, at most `size` rows of each relation; None when there is none of that id."""
    below = RowQuery(_RECORDED, page=PageRequest(size=size), as_of=as_of)
    return await _read(_detail(), (ById(id=bundle_id, as_of=as_of), below, below, below), reader, cursors)


async def row_bytes(
    reader: Reader, cursors: CursorCodec, schema: str, row_id: str, as_of: datetime | None
) -> bytes | None:
    """One row; None when there is none of that id."""
    return await _read(_one(schema), (ById(id=row_id, as_of=as_of),), reader, cursors)


async def page_bytes(reader: Reader, cursors: CursorCodec, schema: str, query: RowQuery) -> PageBytes | None:
    """A page of a list."""
    body = await _read(_listed(schema), (query,), reader, cursors)
    if body is None:
        return None
    # The last member is nextCursor: null, or text of letters, digits, - and _.
    last = body.rpartition(b'"nextCursor":')[2][:-1]
    return PageBytes(body, None if last == b"null" else last[1:-1].decode())
