"""The OpenAPI document and the routes say the same, and every answer that the document names is given."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import Route

from app.config import Settings
from app.db.pool import Database
from app.rest_v3.contract import BASE, document
from app.rest_v3.responses import METHODS
from app.web import create_app
from tests.rest_v3.conftest import Opened, World
from tests.rest_v3.contract import FORMATS, Contract

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
NO_ID = "0198c5a2-7d5e-7cc3-9c1e-0f6f0e3b2a11"

PATHS = {
    "listBundles": "/evidence/bundles",
    "getBundle": "/evidence/bundles/{bundle}",
    "listBundleItems": "/evidence/bundles/{bundle}/items",
    "getItem": "/evidence/items/{item}",
    "listComponents": "/status/components",
    "getComponentHistory": "/status/components/archive/probe%2Fdisk/history",
    "listEnvironments": "/status/environments",
    "getReadiness": "/status/readiness",
    "listGuardReports": "/guards/reports",
    "getContract": "/openapi.yaml",
}
NEEDED = {
    "getComponentHistory": {"asOf": "2026-06-02T00:00:00Z"},
    "getReadiness": {"environment": "staging", "asOf": "2026-06-02T00:00:00Z"},
}
"""What an operation must be asked with. A verdict or a history without a time is of the time of asking, and so never
the same."""
ABSENT = {
    "getBundle": f"/evidence/bundles/{NO_ID}",
    "listBundleItems": "/evidence/bundles/no/such/bundle/items",
    "getItem": f"/evidence/items/{NO_ID}",
    "getComponentHistory": "/status/components/archive/nothing/history",
    "getReadiness": f"/status/readiness?bundle={NO_ID}",
    "listGuardReports": f"/guards/reports?bundle={NO_ID}",
}
OTHER_METHODS = ("POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")


def test_the_document_is_openapi_3_1() -> None:
    OpenAPIV31SpecValidator(document()).validate()


def test_formats_are_checked_not_passed_over() -> None:
    assert set(FORMATS.checkers) == {"date-time", "uuid"}
    assert not FORMATS.conforms("2026-06-01T12:00:00", "date-time")
    assert not FORMATS.conforms("0198c5a2", "uuid")


def test_routes_and_document_name_the_same_paths_and_methods() -> None:
    app = create_app(Settings(), NOWHERE)
    routed = {r.path.replace(":path", "") for r in app.routes if isinstance(r, Route) and r.path.startswith("/api/")}
    assert routed == {f"{BASE}{path}" for path in document()["paths"]}
    for path, item in document()["paths"].items():
        assert {name.upper() for name in item if not name.startswith("x-")} == set(METHODS.split(", ")), path
        assert list(item["x-other-methods"]["responses"]) == ["405"], path


def test_every_operation_is_named_once_and_described() -> None:
    operations = [o for item in document()["paths"].values() for name, o in item.items() if not name.startswith("x-")]
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)
    assert set(PATHS) == {name for name in ids if not name.endswith(("Head", "Options"))}
    for operation in operations:
        assert operation["summary"].endswith(".")


def test_head_says_what_get_says() -> None:
    for path, item in document()["paths"].items():
        get, head = item["get"], item["head"]
        assert head.get("parameters") == get.get("parameters"), path
        assert set(head["responses"]) == set(get["responses"]), path
        assert head["responses"]["200"]["headers"] == get["responses"]["200"]["headers"], path


def test_every_schema_parameter_header_and_response_is_used_and_described() -> None:
    components = document()["components"]
    references = set(re.findall(r"#/components/[\w/]+", repr(document())))
    for kind, named in components.items():
        for name, made in named.items():
            assert f"#/components/{kind}/{name}" in references, f"{kind}/{name} is used nowhere"
            assert made.get("description"), f"{kind}/{name}"
            for field, schema in made.get("properties", {}).items():
                counted = name in ("TestCounts", "FindingCounts")
                assert counted or schema.get("description"), f"{name}.{field}"


async def test_every_answer_that_the_document_names_is_given(
    dsn: str, opened: Opened, world: World, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = {"bundle": world["bundle"][0], "item": world["item"][1]}
    paths = {name: BASE + path.format(**ids) for name, path in PATHS.items()}
    async with opened(dsn) as http:
        for name, path in paths.items():
            needed = NEEDED.get(name, {})
            for method in ("GET", "HEAD"):
                whole = await http.request(method, path, params=needed)
                assert whole.status_code == 200, whole.text
                tag = {"if-none-match": whole.headers["etag"]}
                assert (await http.request(method, path, params=needed, headers=tag)).status_code == 304
                unknown = await http.request(method, path, params={**needed, "colour": "red"})
                assert unknown.status_code == 400
                if name in ABSENT:
                    assert (await http.request(method, BASE + ABSENT[name])).status_code == 404
            assert (await http.options(path)).status_code == 204
            for method in OTHER_METHODS:
                refused = await http.request(method, path)
                assert refused.status_code == 405
                assert refused.json()["code"] == "METHOD_NOT_ALLOWED"
                assert refused.headers["allow"] == METHODS
        for stray in ("", "/", "/nothing", "/evidence/items/", "/status/components/", "/evidence/items/a/b"):
            assert (await http.get(f"{BASE}{stray}")).status_code == 404

    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("secret detail")

    async with opened(dsn) as http:  # which has not yet learnt the short way to any of them
        monkeypatch.setattr("app.rest_v3.routes.respond", broken)
        for name, path in paths.items():
            needed = NEEDED.get(name, {})
            masked = await http.get(path, params=needed, headers={"x-request-id": "abc-1"})
            assert masked.status_code == 500
            assert masked.json()["requestId"] == masked.headers["x-request-id"] == "abc-1"
            assert "abc-1" in masked.json()["detail"]
            assert "secret" not in masked.text
            assert (await http.head(path, params=needed)).status_code == 500
        monkeypatch.undo()
    async with opened(NOWHERE) as http:
        for name, path in paths.items():
            if name != "getContract":
                down = await http.get(path, params=NEEDED.get(name, {}))
                assert down.status_code == 503
                assert down.json()["code"] == "UNAVAILABLE"
                assert "DATABASE_URL" in down.json()["detail"]
                assert (await http.head(path, params=NEEDED.get(name, {}))).status_code == 503
    named = {
        (operation["operationId"], status)
        for item in document()["paths"].values()
        for method, operation in item.items()
        if not method.startswith("x-")
        for status in operation["responses"]
    }
    assert contract.seen == named | {(None, "404"), (None, "405")}


async def test_a_database_that_is_not_migrated_says_the_remedy(empty_dsn: str, opened: Opened) -> None:
    async with opened(empty_dsn) as http:
        problem = await http.get(f"{BASE}/evidence/bundles")
        assert problem.status_code == 503
        assert "evidence migrate" in problem.json()["detail"]


async def test_writers_at_work_before_as_of_answer_503(
    dsn: str, opened: Opened, world: World, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle = Database.settle
    monkeypatch.setattr(Database, "settle", lambda self, as_of: settle(self, as_of, patience=0.05))
    async with opened(dsn) as http, database.transaction() as writer:
        moment = await writer.fetchval("SELECT platform_evidence_recorded_at()")
        busy = await http.get(f"{BASE}/evidence/bundles", params={"asOf": moment.isoformat()})
    assert busy.status_code == 503
    assert busy.headers["retry-after"] == "2"
    assert "writer" in busy.json()["detail"]


async def test_the_contract_is_served_as_it_is_written(rest: httpx.AsyncClient) -> None:
    from pathlib import Path

    served = await rest.get(f"{BASE}/openapi.yaml")
    written = Path(__file__).parents[2] / "doc" / "api" / "openapi" / "domains" / "v3-read-models.yaml"
    assert served.content == written.read_bytes()


async def test_a_judge_that_is_bribed_is_no_judge(rest: httpx.AsyncClient, contract: Contract) -> None:
    """The checker itself fails on what the document does not name."""
    good = await rest.get(f"{BASE}/evidence/bundles")
    request, headers = good.request, dict(good.headers)

    def refused(status: int = 200, drop: str = "", body: bytes | None = None, **changed: str) -> str:
        kept = {k: v for k, v in headers.items() if k != drop} | {k.replace("_", "-"): v for k, v in changed.items()}
        made = httpx.Response(status, headers=kept, content=good.content if body is None else body, request=request)
        with pytest.raises(AssertionError) as caught:
            contract.check(made)
        return str(caught.value)

    assert "418 is not named" in refused(418)
    assert "content type text/html" in refused(content_type="text/html")
    assert "lacks the header ETag" in refused(drop="etag")
    assert "header ETag is not what" in refused(etag='W/"0"')
    assert "has the header x-more" in refused(x_more="1")
    assert "'nextCursor' is a required property" in refused(body=b'{"data": []}')
    assert "$.data[0].recordedAt" in refused(body=re.sub(rb'("recordedAt":")[^"]*', rb"\1yesterday", good.content))
    assert "$.data[0].id" in refused(body=re.sub(rb'("id":")[^"]*', rb"\g<1>42", good.content))
    assert "Additional properties" in refused(body=good.content.replace(b'"nextCursor"', b'"extra":1,"nextCursor"'))
