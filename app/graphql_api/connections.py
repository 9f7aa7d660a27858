"""Relay connections over the read models: rows, counts and groups are read only when selected."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import strawberry

from app.db.pool import Row
from app.domain.paging import Order, PageRequest, page_request
from app.graphql_api.context import Context, Info
from app.graphql_api.filters import to_predicate
from app.graphql_api.records import Evidence
from app.readmodels import rows
from app.readmodels.keyset import Page
from app.readmodels.rows import Columns, RowQuery

FIRST = "How many from the start, 1 to 500; 20 unless told."
AFTER = "Only those after this cursor, an `endCursor` of an earlier page."
LAST = "How many from the end, 1 to 500; excludes `first`."
BEFORE = "Only those before this cursor, a `startCursor` of a later page."
AS_OF = "Answer with what was known at this moment; later rows do not exist for it."
SUPERSEDED_TOO = "Whether rows that were replaced, retracted or late are listed as well; history instead of posture."


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    """Relay's page info."""

    has_next_page: bool = strawberry.field(description="Whether there are rows after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there are rows before this page.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first row; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last row; pass it as `after` to go on.")


@strawberry.type(description="How many rows have a value.")
class Count:
    """One group of a count."""

    value: str | None = strawberry.field(description="The value, as filters take it; null for rows without one.")
    count: int = strawberry.field(description="How many rows have it.")


@dataclasses.dataclass(slots=True)
class Listing:
    """One list in a request: of a bundle's children when `bundle_id` is given, else of all rows of a noun.

    Everything below is read through the request's loaders, so that the lists of many bundles cost one statement.
    """

    context: Context
    record: type[Evidence]
    query: RowQuery
    columns: Columns
    bundle_id: str | None = None

    async def page(self) -> Page:
        """The rows."""
        noun, query, columns, reader = self.record.noun, self.query, self.columns, self.context.reader

        async def children(ids: Any) -> dict[str, Page]:
            return await rows.pages_by_bundle_ids(reader, noun, ids, query, columns)

        async def whole(_: Any) -> dict[str, Page]:
            return {"": await rows.list_rows(reader, noun, query, columns)}

        page: Page = await self._load(("page", columns), children, whole)
        return page

    async def total(self) -> int:
        """How many rows there are on all pages."""
        noun, query, reader = self.record.noun, self._without_page(), self.context.reader

        async def children(ids: Any) -> dict[str, int]:
            return await rows.counts_by_bundle_ids(reader, noun, ids, query)

        async def whole(_: Any) -> dict[str, int]:
            return {"": await rows.count_rows(reader, noun, query)}

        total: int = await self._load(("total",), children, whole)
        return total

    async def groups(self, column: str, enum: type[Any] | None = None) -> list[Count]:
        """How many rows there are per value of a column, on all pages; values of a vocabulary by GraphQL name."""
        noun, query, reader = self.record.noun, self._without_page(), self.context.reader

        async def children(ids: Any) -> dict[str, list[rows.Count]]:
            return await rows.groups_by_bundle_ids(reader, noun, ids, query, column)

        async def whole(_: Any) -> dict[str, list[rows.Count]]:
            return {"": await rows.group_rows(reader, noun, query, column)}

        counts: list[rows.Count] = await self._load(("groups", column), children, whole)
        return [
            Count(value=enum(c.value).name if enum is not None and c.value is not None else c.value, count=c.count)
            for c in counts
        ]

    def wrap(self, row: Row) -> Any:
        """The GraphQL type over a row."""
        return self.record(row=row, as_of=self.query.as_of)

    def cursor(self, page: Page, row: Row) -> str:
        """The cursor of a row."""
        return self.context.cursors.encode(page.cursor(row))

    def _without_page(self) -> RowQuery:
        return dataclasses.replace(self.query, page=PageRequest())

    async def _load(self, what: tuple[object, ...], children: Any, whole: Any) -> Any:
        query = self.query if what[0] == "page" else self._without_page()
        batch: Callable[[Any], Awaitable[dict[str, Any]]] = whole if self.bundle_id is None else children
        spec = (*what, self.record.noun.name, query, self.bundle_id is None)
        return await self.context.loader(spec, batch).load(self.bundle_id or "")


def listing(
    info: Info,
    record: type[Evidence],
    *,
    order: Order,
    filter: Any,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
    as_of: datetime | None,
    superseded: bool = False,
    latest: bool = False,
    bundle_id: str | None = None,
) -> Listing:
    """The list that a field's arguments ask for, checked."""
    query = RowQuery(
        order=order,
        where=to_predicate(filter),
        page=page_request(info.context.cursors, order, first=first, after=after, last=last, before=before),
        as_of=as_of,
        superseded=superseded,
        latest=latest,
    )
    return Listing(info.context, record, query, record.columns(info, ("nodes",), ("edges", "node")), bundle_id)


@strawberry.type(description="A page of a list, with what is known of the whole list.")
class Connection:
    """What all connections share; subclasses add nodes, edges and the groups of their noun."""

    listing: strawberry.Private[Listing]

    @strawberry.field(description="Where this page lies in the list.")
    async def page_info(self) -> PageInfo:
        """Relay's page info."""
        page = await self.listing.page()
        cursors = [self.listing.cursor(page, page.rows[at]) for at in (0, -1)] if page.rows else [None, None]
        return PageInfo(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=cursors[0],
            end_cursor=cursors[1],
        )

    @strawberry.field(description="How many rows the whole list has; counted only when selected.")
    async def total_count(self) -> int:
        """The count over all pages."""
        return await self.listing.total()

    async def _nodes(self) -> list[Any]:
        page = await self.listing.page()
        return [self.listing.wrap(row) for row in page.rows]

    async def _edges(self, edge: Any) -> list[Any]:
        page = await self.listing.page()
        return [edge(cursor=self.listing.cursor(page, row), node=self.listing.wrap(row)) for row in page.rows]


CURSOR = "Where this row stands in the list; pass it as `after` or `before`."
NODES = "The rows of this page."
EDGES = "The rows of this page, each with its cursor."
NODE = "The row."
