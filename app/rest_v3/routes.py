"""The paths of the contract, each a read of the read models."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.domain.errors import EvidenceError, Invalid, NotFound
from app.domain.paging import CursorCodec, Direction, Order, PageRequest, page_request
from app.readmodels import rows
from app.readmodels.bundles import bundle_ids_by_keys
from app.readmodels.keyset import Page
from app.readmodels.nouns import BUNDLE, COMPONENT, GATE, GUARD, INVARIANT, ITEM, Noun
from app.readmodels.predicates import AllOf, Compare
from app.readmodels.rows import Reader, RowQuery
from app.rest_v3.contract import BASE, parse_query
from app.rest_v3.presenters import presenter
from app.rest_v3.problems import masked, problem, problem_of

METHODS = "GET, HEAD, OPTIONS"
DETAIL_ROWS = 500
"""Rows of each relation that a bundle's detail shows; the contract's maxItems."""

_NEWEST = Order("updated_at", Direction.DESC)
_RECORDED = Order("recorded_at", Direction.ASC)


class Routes:
    """The handlers, over a way to find the request's reader."""

    def __init__(self, reader: Callable[[Request], Reader], cursor_key: bytes) -> None:
        self._reader = reader
        self._cursors = CursorCodec(cursor_key)

    def routes(self) -> list[Route]:
        """The routes of the contract. A bundle's key may hold slashes, so its paths match greedily, longest first."""
        paths: dict[str, Callable[[Request], Awaitable[Response]]] = {
            "/evidence/bundles": self.list_bundles,
            "/evidence/bundles/{bundleId:path}/items": self.list_bundle_items,
            "/evidence/bundles/{bundleId:path}": self.get_bundle,
            "/evidence/items/{itemId}": self.get_item,
            "/status/components": self.list_components,
            "/guards/reports": self.list_guard_reports,
        }
        return [
            Route(
                f"{BASE}{path}", _guarded(handler), methods=["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
            )
            for path, handler in paths.items()
        ]

    async def list_bundles(self, request: Request) -> Response:
        """A page of bundles."""
        asked = parse_query("listBundles", request.query_params.multi_items())
        since = [Compare("updated_at", "gte", asked["updatedSince"])] if "updatedSince" in asked else []
        where = _among(
            asked,
            bundleKey="bundle_key",
            kind="kind",
            environment="environment",
            profile="profile",
            product="product",
            version="version",
            commitSha="commit_sha",
        )
        return await self._page(
            request, asked, BUNDLE, "V3PlatformEvidenceBundleSummary", _NEWEST, AllOf((*where, *since))
        )

    async def get_bundle(self, request: Request) -> Response:
        """One bundle with its rows: four statements, whatever they hold."""
        reader, as_of = self._reader(request), await self._as_of(request, "getBundle")
        bundle = presenter("V3PlatformEvidenceBundleSummary")
        bundle_id = await self._bundle_id(reader, request.path_params["bundleId"], as_of)
        found = await rows.rows_by_ids(reader, BUNDLE, [bundle_id], bundle.columns, as_of)
        if bundle_id not in found:
            raise NotFound(f"there is no bundle {request.path_params['bundleId'][:200]!r}", field="bundleId")
        body = bundle.present(found[bundle_id])
        truncated = []
        for name, noun, schema in (
            ("items", ITEM, "V3PlatformEvidenceItem"),
            ("gateResults", GATE, "V3PlatformReleaseGateResult"),
            ("invariantResults", INVARIANT, "V3PlatformProductInvariantResult"),
        ):
            query = RowQuery(_RECORDED, page=PageRequest(size=DETAIL_ROWS), as_of=as_of)
            shown = presenter(schema)
            page = (await rows.pages_by_bundle_ids(reader, noun, [bundle_id], query, shown.columns))[bundle_id]
            body[name] = shown.present_all(page.rows)
            if page.has_next:
                truncated.append(name)
        return _respond(request, body | {"truncated": truncated})

    async def list_bundle_items(self, request: Request) -> Response:
        """A page of a bundle's items."""
        asked = parse_query("listBundleItems", request.query_params.multi_items())
        reader = self._reader(request)
        as_of = await self._settled(reader, asked)
        bundle_id = await self._bundle_id(reader, request.path_params["bundleId"], as_of)
        if bundle_id not in await rows.rows_by_ids(reader, BUNDLE, [bundle_id], frozenset({"id"}), as_of):
            raise NotFound(f"there is no bundle {request.path_params['bundleId'][:200]!r}", field="bundleId")
        where = _among(asked, evidenceType="evidence_type", result="result", sourceKey="source_key", format="format")
        of_bundle = Compare("bundle_id", "eq", bundle_id)
        return await self._page(request, asked, ITEM, "V3PlatformEvidenceItem", _RECORDED, AllOf((of_bundle, *where)))

    async def get_item(self, request: Request) -> Response:
        """One item."""
        reader, as_of = self._reader(request), await self._as_of(request, "getItem")
        shown = presenter("V3PlatformEvidenceItem")
        (item_id,) = rows.check_ids([request.path_params["itemId"]], name="itemId")
        found = await rows.rows_by_ids(reader, ITEM, [item_id], shown.columns, as_of)
        if item_id not in found:
            raise NotFound(f"there is no item {item_id}", field="itemId")
        return _respond(request, shown.present(found[item_id]))

    async def list_components(self, request: Request) -> Response:
        """A page of component status."""
        asked = parse_query("listComponents", request.query_params.multi_items())
        if asked["latest"] and asked["includeSuperseded"]:
            raise Invalid("includeSuperseded goes with latest=false", field="includeSuperseded")
        where = _among(asked, environment="environment", component="component", status="status")
        order = Order("component", Direction.ASC) if asked["latest"] else Order("observed_at", Direction.DESC)
        return await self._page(request, asked, COMPONENT, "V3PlatformComponentStatus", order, AllOf(where))

    async def list_guard_reports(self, request: Request) -> Response:
        """A page of guard reports."""
        asked = parse_query("listGuardReports", request.query_params.multi_items())
        where = _among(asked, guard="guard", mode="mode", result="result")
        if "bundle" in asked:
            reader = self._reader(request)
            as_of = await self._settled(reader, asked)
            bundle_id = await self._bundle_id(reader, asked["bundle"], as_of, field="bundle")
            where = (*where, Compare("bundle_id", "eq", bundle_id))
        order = Order("generated_at", Direction.DESC)
        return await self._page(request, asked, GUARD, "V3PlatformGuardReportSummary", order, AllOf(where))

    async def _page(
        self, request: Request, asked: Mapping[str, Any], noun: Noun, schema: str, order: Order, where: AllOf
    ) -> Response:
        reader, shown = self._reader(request), presenter(schema)
        page = page_request(self._cursors, order, first=asked["limit"])
        if "cursor" in asked:
            after = self._cursors.decode(asked["cursor"], order, field="cursor")
            page = PageRequest(size=page.size, after=after)
        query = RowQuery(
            order,
            where,
            page,
            await self._settled(reader, asked),
            superseded=asked["includeSuperseded"],
            latest=asked.get("latest", False),
        )
        found = await rows.list_rows(reader, noun, query, shown.columns)
        following = self._next(found)
        links = {}
        if following is not None:
            kept = [(k, v) for k, v in request.query_params.multi_items() if k != "cursor"]
            target = f"{request.url.path}?{urlencode([*kept, ('cursor', following)])}"
            links["Link"] = f'<{target}>; rel="next"'
        return _respond(request, {"data": shown.present_all(found.rows), "nextCursor": following}, links)

    def _next(self, page: Page) -> str | None:
        return self._cursors.encode(page.cursor(page.rows[-1])) if page.has_next else None

    async def _as_of(self, request: Request, operation_id: str) -> datetime | None:
        return await self._settled(self._reader(request), parse_query(operation_id, request.query_params.multi_items()))

    @staticmethod
    async def _settled(reader: Reader, asked: Mapping[str, Any]) -> datetime | None:
        as_of: datetime | None = asked.get("asOf")
        if as_of is not None:
            await reader.database.settle(as_of)
        return as_of

    @staticmethod
    async def _bundle_id(reader: Reader, given: str, as_of: datetime | None, *, field: str = "bundleId") -> str:
        try:
            return str(uuid.UUID(given))
        except ValueError:
            found = await bundle_ids_by_keys(reader, [given], as_of)
        if given not in found:
            raise NotFound(f"there is no bundle {given[:200]!r}", field=field)
        return found[given]


def _among(asked: Mapping[str, Any], **columns: str) -> tuple[Compare, ...]:
    """One condition for each parameter that was given: the column is one of the values."""
    return tuple(Compare(column, "in", asked[name]) for name, column in columns.items() if name in asked)


def _respond(request: Request, body: dict[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """JSON with a strong ETag; 304 when the client holds it, headers alone for HEAD."""
    data = orjson.dumps(body)
    etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    sent = {"ETag": etag, "Cache-Control": "private, no-cache", "Vary": "Accept, Authorization", **(headers or {})}
    held = request.headers.get("if-none-match", "")
    if held.strip() == "*" or etag in (tag.removeprefix("W/") for tag in re.split(r"\s*,\s*", held.strip())):
        return Response(status_code=304, headers=sent)
    return Response(data, headers=sent, media_type="application/json")


def _guarded(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """The handler with its methods and errors settled in one place."""

    async def guarded(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": METHODS})
        if request.method not in ("GET", "HEAD"):
            refused = problem(
                405, "Method not allowed", f"{request.method} is not answered here; this path takes {METHODS}",
                "METHOD_NOT_ALLOWED",
            )  # fmt: skip
            refused.headers["Allow"] = METHODS
            return refused
        try:
            return await handler(request)
        except EvidenceError as error:
            return problem_of(error)
        except Exception as error:
            return masked(request, error)

    return guarded
