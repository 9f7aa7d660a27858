"""Keyset paging over ties, nulls and every order, from both ends, with cursors that have gone over the wire."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.db.pool import Database
from app.domain.errors import Invalid
from app.domain.paging import Cursor, CursorCodec, Direction, Order, PageRequest, page_request
from app.readmodels import rows
from app.readmodels.keyset import Page
from app.readmodels.nouns import BUNDLE, COMPONENT, GATE, GUARD, INVARIANT, ITEM, NOUNS, Noun
from app.readmodels.rows import Reader, RowQuery, with_page
from tests.readmodels.naive import ordered, read_everything
from tests.rows import START, add

CODEC = CursorCodec(b"a key of the tests")

NULLABLE = [(ITEM, "completed_at"), (GATE, "evaluated_at"), (INVARIANT, "evaluated_at"), (GUARD, "generated_at")]


@pytest.fixture
async def owners(database: Database) -> list[str]:
    """Three bundles with 17 rows of every noun between them, many with equal sort values, some without; and more."""
    dice = random.Random(7)  # noqa: S311 - the same rows every time
    bundles = [await add(database, BUNDLE, created_at=START + timedelta(days=n // 2)) for n in range(9)]
    moments = [None, None, START, START + timedelta(microseconds=1), START + timedelta(hours=1)]
    for n in range(17):
        owner, when = bundles[dice.randrange(3)], dice.choice(moments)
        await add(database, ITEM, bundle_id=owner, completed_at=when, evidence_type=dice.choice(("ci", "uat", "smoke")))
        await add(database, GATE, bundle_id=owner, evaluated_at=when, gate=dice.choice(("uat", "security", "guard")))
        await add(database, INVARIANT, bundle_id=owner, evaluated_at=when, invariant_id=f"PI-{n % 3}")
        await add(database, GUARD, bundle_id=owner, generated_at=when, guard=f"guard{n % 3}")
        await add(
            database, COMPONENT, environment=f"e{n % 2}", component=f"c{n % 5}", observed_at=START + timedelta(n % 4)
        )
    return bundles[:3]


def over_the_wire(page: Page, row: Any) -> Cursor:
    """The cursor of a row, as a client gives it back."""
    return CODEC.decode(CODEC.encode(page.cursor(row)), page.order, field="after")


def ids(listed: Sequence[Any]) -> list[str]:
    """The ids of rows."""
    return [row["id"] for row in listed]


async def walked(reader: Reader, noun: Noun, query: RowQuery, size: int, *, backward: bool) -> list[str]:
    """The list page by page, from its start or from its end."""
    found: list[str] = []
    request = PageRequest(size=size, backward=backward)
    for _ in range(50):
        page = await rows.list_rows(reader, noun, with_page(query, request), frozenset())
        assert len(page.rows) <= size
        found = ids(page.rows) + found if backward else found + ids(page.rows)
        if not (page.has_previous if backward else page.has_next):
            return found
        assert (page.has_next if backward else page.has_previous) == (len(found) > size)
        edge = over_the_wire(page, page.rows[0 if backward else -1])
        request = PageRequest(size, backward, None if backward else edge, edge if backward else None)
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("noun", NOUNS, ids=[noun.name for noun in NOUNS])
async def test_pages_from_both_ends_are_the_list(database: Database, owners: list[str], noun: Noun) -> None:
    reader, everything = Reader(database), await read_everything(database)
    for column, direction in itertools.product(noun.orders, Direction):
        order = Order(column, direction)
        expected = ids(ordered(everything.current(noun), order))
        assert len(expected) > 8
        for size, backward in itertools.product((1, 3, len(expected) - 1, len(expected), 500), (False, True)):
            found = await walked(reader, noun, RowQuery(order), size, backward=backward)
            assert found == expected, (order, size, backward)


async def test_rows_without_a_value_come_as_if_before_all_others(database: Database, owners: list[str]) -> None:
    for (noun, column), direction in itertools.product(NULLABLE, Direction):
        query = RowQuery(Order(column, direction), page=PageRequest(500))
        page = await rows.list_rows(Reader(database), noun, query, frozenset({column}))
        empty = [row[column] is None for row in page.rows]
        assert any(empty)
        assert not all(empty)
        assert empty == sorted(empty, reverse=direction is Direction.ASC), (noun.name, direction)


async def test_children_of_many_bundles_are_paged_alike(database: Database, owners: list[str]) -> None:
    reader, everything = Reader(database), await read_everything(database)
    for (noun, column), direction, backward in itertools.product(NULLABLE, Direction, (False, True)):
        order = Order(column, direction)
        query = RowQuery(order, page=PageRequest(size=3, backward=backward))
        pages = await rows.pages_by_bundle_ids(reader, noun, owners, query, frozenset())
        for owner in owners:
            whole = ids(ordered((r for r in everything.current(noun) if r["bundle_id"] == owner), order))
            assert len(whole) > 3
            page, kept = pages[owner], whole[-3:] if backward else whole[:3]
            assert ids(page.rows) == kept, (noun.name, order)
            assert (page.has_previous if backward else page.has_next) is True
            edge = over_the_wire(page, page.rows[0 if backward else -1])
            rest = with_page(query, PageRequest(500, backward, None if backward else edge, edge if backward else None))
            others = (await rows.pages_by_bundle_ids(reader, noun, [owner], rest, frozenset()))[owner]
            assert ids(others.rows) == (whole[:-3] if backward else whole[3:])


async def test_a_page_may_lie_between_two_cursors(database: Database, owners: list[str]) -> None:
    order, reader = Order("completed_at", Direction.ASC), Reader(database)
    whole = await rows.list_rows(reader, ITEM, RowQuery(order, page=PageRequest(500)), frozenset())
    after, before = over_the_wire(whole, whole.rows[3]), over_the_wire(whole, whole.rows[12])
    # Whether rows lie beyond the far cursor is not looked up (Relay's cursor connections, section 4.4).
    cases = ((500, False, slice(4, 12), (True, False)), (3, False, slice(4, 7), (True, True)))
    for size, backward, kept, more in (*cases, (3, True, slice(9, 12), (True, True))):
        request = PageRequest(size, backward, after, before)
        page = await rows.list_rows(reader, ITEM, RowQuery(order, page=request), frozenset())
        assert ids(page.rows) == ids(whole.rows[kept])
        assert (page.has_previous, page.has_next) == more


async def test_a_cursor_outlives_its_row(database: Database, owners: list[str]) -> None:
    """A cursor is a position: the row it was made from may have been superseded since."""
    order, reader = Order("source_key", Direction.ASC), Reader(database)
    whole = await rows.list_rows(reader, ITEM, RowQuery(order, page=PageRequest(500)), frozenset({"bundle_id"}))
    gone = whole.rows[5]
    await add(database, ITEM, bundle_id=gone["bundle_id"], source_key=gone["sort_key"], supersedes_id=gone["id"])
    page = await rows.list_rows(
        reader, ITEM, RowQuery(order, page=PageRequest(3, after=over_the_wire(whole, gone))), frozenset()
    )
    assert page.rows[0]["sort_key"] == gone["sort_key"], "the new row has the same key and a later id"
    assert ids(page.rows[1:]) == ids(whole.rows[6:8])


@pytest.mark.parametrize(
    "value",
    [
        "",
        'ü€😀\n"quoted"',
        datetime.min.replace(tzinfo=UTC),
        datetime(2026, 6, 1, 12, 0, 0, 1, tzinfo=UTC),
        datetime(9999, 12, 31, tzinfo=UTC),
    ],
)
def test_cursors_survive_the_wire(value: str | datetime) -> None:
    cursor = Cursor(Order("source_key"), value, "0198c5a2-7d5e-7cc3-9c1e-0f6f0e3b2a11")
    text = CODEC.encode(cursor)
    assert text.isascii()
    assert not set(text) & set("+/=&? ")
    assert CODEC.decode(text, cursor.order, field="after") == cursor
    with pytest.raises(Invalid, match="not a cursor of this server"):
        CursorCodec(b"another key").decode(text, cursor.order, field="after")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"first": 0}, "first"),
        ({"first": 501}, "first"),
        ({"first": -1}, "first"),
        ({"last": 0}, "last"),
        ({"last": 501}, "last"),
        ({"first": 1, "last": 1}, "last"),
        ({"after": "x"}, "after"),
        ({"before": ""}, "before"),
        ({"after": "ü"}, "after"),
        ({"after": "A" * 5000}, "after"),
    ],
)
def test_page_requests_out_of_range_name_the_argument(given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        page_request(CODEC, Order("recorded_at"), **given)
    assert caught.value.field == field
    assert field in caught.value.message
