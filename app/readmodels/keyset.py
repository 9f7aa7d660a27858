"""Keyset paging: a page is found by the position of its neighbour, so rows that arrive meanwhile shift nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.db.pool import Row
from app.domain.errors import Invalid
from app.domain.paging import Cursor, Direction, Order, PageRequest
from app.readmodels.nouns import Noun
from app.readmodels.predicates import Parameters

SORT = "sort_key"
"""Name of the column that carries a row's sort value for its cursor."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of an order, and whether there are more on either side."""

    rows: Sequence[Row]
    order: Order
    has_next: bool
    has_previous: bool

    def cursor(self, row: Row) -> Cursor:
        """Where a row of this page stands."""
        return Cursor(self.order, row[SORT], row["id"])


def check_order(noun: Noun, order: Order) -> None:
    """Invalid when the noun cannot be ordered by that column."""
    if order.column not in noun.orders:
        raise Invalid(f"{noun.name} cannot be ordered by {order.column}", field="orderBy")


def sort_type(noun: Noun, order: Order) -> str:
    """The SQL type of the order's sort key."""
    return noun.types.get(order.column, "text")


def bounds(noun: Noun, sort: str, order: Order, page: PageRequest, parameters: Parameters) -> str:
    """SQL that keeps the rows after and before the page's cursors."""
    parts = []
    for cursor, forwards in ((page.after, True), (page.before, False)):
        if cursor is None:
            continue
        ascending = (order.direction is Direction.ASC) == forwards
        value = parameters.add(cursor.value, sort_type(noun, order))
        row_id = parameters.add(cursor.id, "uuid")
        parts.append(f"({sort}, {noun.alias}.id) {'>' if ascending else '<'} ({value}, {row_id})")
    return " AND ".join(parts) or "true"


def order_by(noun: Noun, sort: str, order: Order, *, backward: bool) -> str:
    """The ORDER BY list; from the far end when paging backward."""
    direction = (order.direction.reversed() if backward else order.direction).value.upper()
    return f"{sort} {direction}, {noun.alias}.id {direction}"


def cut(rows: Sequence[Row], order: Order, page: PageRequest) -> Page:
    """A page from the rows of its statement, which asked for one more than `size` to know whether there is more."""
    more = len(rows) > page.size
    kept = list(rows[: page.size])
    if page.backward:
        kept.reverse()
        return Page(kept, order, has_next=page.before is not None, has_previous=more)
    return Page(kept, order, has_next=more, has_previous=page.after is not None)
