"""The paths of the contract, each a read of the read models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.db.pool import Row
from app.domain.errors import Invalid, NotFound
from app.domain.paging import CursorCodec, Direction, Order, PageRequest
from app.domain.policy import Policy
from app.readmodels import rows
from app.readmodels.bundles import bundle_ids_by_keys
from app.readmodels.component_history import environment_healths
from app.readmodels.component_history import history as component_history
from app.readmodels.nouns import BUNDLE, COMPONENT, GUARD, ITEM, Noun
from app.readmodels.predicates import AllOf, Compare
from app.readmodels.readiness import Question, moment, readiness
from app.readmodels.rows import Columns, Reader, RowQuery
from app.rest_v3.component_history import SNAPSHOT, present_environment, present_history
from app.rest_v3.contract import BASE, ID, parse_path, parse_query, source
from app.rest_v3.fastlane import PLANNED
from app.rest_v3.paths import ContractRoute, next_link, query_pairs
from app.rest_v3.plans import CHILDREN, Planned, plan_detail, plan_page, plan_row
from app.rest_v3.presenters import presenter
from app.rest_v3.readiness import columns, present_answer
from app.rest_v3.responses import Handler, guarded, respond

DETAIL_ROWS = 500
"""Rows of each relation that a bundle's detail shows; the contract's maxItems."""

_NEWEST = Order("updated_at", Direction.DESC)
_RECORDED = Order("recorded_at", Direction.ASC)


class Routes:
    """The handlers, over a way to find the request's reader and the policy that holds."""

    def __init__(self, reader: Callable[[Request], Reader], cursor_key: bytes, policy: Policy) -> None:
        self._reader = reader
        self._policy = policy
        self._cursors = CursorCodec(cursor_key)

    def routes(self) -> list[Route]:
        """The routes of the contract. A bundle's key may hold slashes, so its paths match greedily, longest first."""
        paths: dict[str, Handler] = {
            "/evidence/bundles": self.list_bundles,
            "/evidence/bundles/{bundleId:path}/items": self.list_bundle_items,
            "/evidence/bundles/{bundleId:path}": self.get_bundle,
            "/evidence/items/{itemId}": self.get_item,
            "/status/components": self.list_components,
            "/status/components/{environment}/{component}/history": self.get_component_history,
            "/status/environments": self.list_environments,
            "/status/readiness": self.get_readiness,
            "/guards/reports": self.list_guard_reports,
            "/openapi.yaml": self.get_contract,
        }
        return [ContractRoute(f"{BASE}{path}", guarded(handler)) for path, handler in paths.items()]

    async def list_bundles(self, request: Request) -> Response:
        """A page of bundles."""
        asked = parse_query("listBundles", query_pairs(request))
        reader = self._reader(request)
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
        if "updatedSince" in asked:
            where = (*where, Compare("updated_at", "gte", asked["updatedSince"]))
        query = self._query(asked, _NEWEST, where, await _settled(reader, asked))
        return await self._page(request, reader, BUNDLE, "V3PlatformEvidenceBundleSummary", query)

    async def get_bundle(self, request: Request) -> Response:
        """One bundle with its rows: a statement for it (two by its key) and one a relation, whatever they hold."""
        asked = parse_query("getBundle", query_pairs(request)) | parse_path("getBundle", request.path_params)
        reader = self._reader(request)
        as_of = await _settled(reader, asked)
        if ID.fullmatch(asked["bundleId"]):
            planned = plan_detail(reader.scope, asked["bundleId"].lower(), as_of, DETAIL_ROWS)
            told = await self._planned(request, reader, planned)
            if told is not None:
                return told
        bundle = presenter("V3PlatformEvidenceBundleSummary")
        found = await _bundle(reader, asked["bundleId"], bundle.columns, as_of, field="bundleId")
        body = bundle.present(found)
        truncated = []
        for name, noun, schema in CHILDREN:
            query = RowQuery(_RECORDED, page=PageRequest(size=DETAIL_ROWS), as_of=as_of)
            shown, bundle_id = presenter(schema), found["id"]
            page = (await rows.pages_by_bundle_ids(reader, noun, [bundle_id], query, shown.columns))[bundle_id]
            body[name] = shown.present_all(page.rows)
            if page.has_next:
                truncated.append(name)
        return respond(request, orjson.dumps(body | {"truncated": truncated}))

    async def list_bundle_items(self, request: Request) -> Response:
        """A page of a bundle's items."""
        operation = "listBundleItems"
        asked = parse_query(operation, query_pairs(request)) | parse_path(operation, request.path_params)
        reader = self._reader(request)
        as_of = await _settled(reader, asked)
        bundle = await _bundle(reader, asked["bundleId"], frozenset(), as_of, field="bundleId")
        where = _among(asked, evidenceType="evidence_type", result="result", sourceKey="source_key", format="format")
        of_bundle = Compare("bundle_id", "eq", bundle["id"])
        query = self._query(asked, _RECORDED, (of_bundle, *where), as_of)
        fixed = str(bundle["id"]) == asked["bundleId"].lower()
        return await self._page(request, reader, ITEM, "V3PlatformEvidenceItem", query, fixed=fixed)

    async def get_item(self, request: Request) -> Response:
        """One item."""
        asked = parse_query("getItem", query_pairs(request)) | parse_path("getItem", request.path_params)
        reader, item_id = self._reader(request), asked["itemId"]
        shown, as_of = presenter("V3PlatformEvidenceItem"), await _settled(reader, asked)
        told = await self._planned(request, reader, plan_row(reader.scope, shown.schema, item_id, as_of))
        if told is not None:
            return told
        found = await rows.rows_by_ids(reader, ITEM, [item_id], shown.columns, as_of)
        if item_id not in found:
            raise NotFound(f"there is no item {item_id}", field="itemId")
        return respond(request, orjson.dumps(shown.present(found[item_id])))

    async def list_components(self, request: Request) -> Response:
        """A page of component status."""
        asked = parse_query("listComponents", query_pairs(request))
        if asked["latest"] and asked["includeSuperseded"]:
            raise Invalid("includeSuperseded goes with latest=false", field="includeSuperseded")
        reader = self._reader(request)
        where = _among(asked, environment="environment", component="component", status="status")
        order = Order("component", Direction.ASC) if asked["latest"] else Order("observed_at", Direction.DESC)
        query = self._query(asked, order, where, await _settled(reader, asked))
        return await self._page(request, reader, COMPONENT, "V3PlatformComponentStatus", query)

    async def get_component_history(self, request: Request) -> Response:
        """How one component is doing, and how it did."""
        operation = "getComponentHistory"
        asked = parse_query(operation, query_pairs(request)) | parse_path(operation, request.path_params)
        reader = self._reader(request)
        as_of = await _settled(reader, asked)
        found = await component_history(
            reader,
            self._policy,
            asked["environment"],
            asked["component"],
            as_of,
            asked["days"],
            presenter(SNAPSHOT).columns,
        )
        return respond(request, orjson.dumps(present_history(found)))

    async def list_environments(self, request: Request) -> Response:
        """How environments are doing."""
        asked = parse_query("listEnvironments", query_pairs(request))
        reader = self._reader(request)
        as_of = await _settled(reader, asked)
        async with reader.database.snapshot() as source:
            at = as_of or await moment(source)
            found = await environment_healths(source, reader.scope, self._policy, asked.get("environment"), at)
        return respond(request, orjson.dumps({"data": [present_environment(each) for each in found]}))

    async def get_readiness(self, request: Request) -> Response:
        """The verdict on a bundle or an environment, with the rows behind it."""
        asked = parse_query("getReadiness", query_pairs(request))
        question = Question(*(asked.get(name) for name in ("bundle", "environment", "profile", "product")))
        reader = self._reader(request)
        as_of = await _settled(reader, asked)
        answer = await readiness(reader, self._policy, question, as_of, columns())
        return respond(request, orjson.dumps(present_answer(answer)))

    async def list_guard_reports(self, request: Request) -> Response:
        """A page of guard reports."""
        asked = parse_query("listGuardReports", query_pairs(request))
        reader = self._reader(request)
        as_of = await _settled(reader, asked)
        where, fixed = _among(asked, guard="guard", mode="mode", result="result"), True
        if "bundle" in asked:
            bundle = await _bundle(reader, asked["bundle"], frozenset(), as_of, field="bundle")
            where = (*where, Compare("bundle_id", "eq", bundle["id"]))
            fixed = str(bundle["id"]) == asked["bundle"].lower()
        query = self._query(asked, Order("generated_at", Direction.DESC), where, as_of)
        return await self._page(request, reader, GUARD, "V3PlatformGuardReportSummary", query, fixed=fixed)

    async def get_contract(self, request: Request) -> Response:
        """The contract itself."""
        parse_query("getContract", query_pairs(request))
        return respond(request, source(), "application/yaml")

    def _query(
        self, asked: Mapping[str, Any], order: Order, where: tuple[Compare, ...], as_of: datetime | None
    ) -> RowQuery:
        after = self._cursors.decode(asked["cursor"], order, field="cursor") if "cursor" in asked else None
        return RowQuery(
            order,
            AllOf(where),
            PageRequest(size=asked["limit"], after=after),
            as_of,
            superseded=asked["includeSuperseded"],
            latest=asked.get("latest", False),
        )

    async def _planned(
        self, request: Request, reader: Reader, planned: Planned, *, fixed: bool = True
    ) -> Response | None:
        """The answer of a plan, if it has one. The plan of a target that is fixed, whatever is written later, is left
        for the short way."""
        told = await planned.read(reader, self._cursors)
        if told is None:
            return None
        if fixed:
            setattr(request.state, PLANNED, planned)
        link = None if told.following is None else next_link(request.scope, told.following)
        return respond(request, told.body, link=link)

    async def _page(
        self, request: Request, reader: Reader, noun: Noun, schema: str, query: RowQuery, *, fixed: bool = True
    ) -> Response:
        """A page; `fixed` unless its conditions were looked up by a key, which may name another bundle tomorrow."""
        told = await self._planned(request, reader, plan_page(reader.scope, schema, query), fixed=fixed)
        if told is not None:
            return told
        shown = presenter(schema)
        page = await rows.list_rows(reader, noun, query, shown.columns)
        following = self._cursors.encode(page.cursor(page.rows[-1])) if page.has_next else None
        body = orjson.dumps({"data": shown.present_all(page.rows), "nextCursor": following})
        return respond(request, body, link=None if following is None else next_link(request.scope, following))


async def _settled(reader: Reader, asked: Mapping[str, Any]) -> datetime | None:
    as_of: datetime | None = asked.get("asOf")
    if as_of is not None:
        await reader.database.settle(as_of)
    return as_of


async def _bundle(reader: Reader, given: str, columns: Columns, as_of: datetime | None, *, field: str) -> Row:
    """The bundle that `given` names: an id, or a key, even one that looks like an id. NotFound names the field."""
    ids = [given.lower()] if ID.fullmatch(given) else []
    found = await rows.rows_by_ids(reader, BUNDLE, ids, columns, as_of) if ids else {}
    if not found:
        ids = list((await bundle_ids_by_keys(reader, [given], as_of)).values())
        found = await rows.rows_by_ids(reader, BUNDLE, ids, columns, as_of) if ids else {}
    for row in found.values():
        return row
    raise NotFound(f"there is no bundle {given[:200]!r}", field=field)


def _among(asked: Mapping[str, Any], **columns: str) -> tuple[Compare, ...]:
    """One condition for each parameter that was given: the column is one of the values."""
    return tuple(Compare(column, "in", asked[name]) for name, column in columns.items() if name in asked)
