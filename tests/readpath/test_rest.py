"""REST by plan gives the bytes of the presenters, headers and validators included."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import pytest

from app.db.pool import Database, statement_log
from app.rest_v3 import routes
from app.rest_v3.plans import Planned
from tests.readpath.test_equality import awkward_world
from tests.web import client

BASE = "/api/v3/platform"


def _paths(made: Mapping[str, list[str]]) -> list[str]:
    bundles = [f"/evidence/bundles/{row_id}" for row_id in made["bundle"]]
    items = [f"/evidence/items/{row_id}" for row_id in made["item"]]
    lists = [
        "/evidence/bundles", "/evidence/bundles?limit=1", "/evidence/bundles?environment=staging&limit=2",
        "/evidence/bundles?includeSuperseded=true", "/status/components", "/status/components?latest=false&limit=3",
        "/guards/reports", "/guards/reports?limit=1", "/evidence/bundles?asOf=2020-01-01T00:00:00Z",
    ]  # fmt: skip
    missing = [f"/evidence/bundles/{made['item'][0]}", f"/evidence/items/{made['bundle'][0]}"]
    return [*bundles, *(f"{path}/items?limit=2" for path in bundles), *items, *lists, *missing]


async def _ask(http: httpx.AsyncClient, path: str) -> tuple[int, bytes, dict[str, str]]:
    response = await http.get(BASE + path)
    headers = {name: value for name, value in response.headers.items() if name != "x-request-id"}
    return response.status_code, response.content, headers


async def _nothing(*_: object) -> None:
    return None


async def test_both_paths_give_the_same_bytes(dsn: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = _paths(await awkward_world(database))
    async with client(dsn) as http:
        planned = {path: await _ask(http, path) for path in paths}

        again = {path: await _ask(http, path) for path in paths}
        kept = {path: await _ask(http, path) for path in paths}
        monkeypatch.setattr(Planned, "read", _nothing)
    async with client(dsn) as http:
        for path in paths:
            assert planned[path] == again[path] == kept[path] == await _ask(http, path), path


async def test_pages_follow_each_other(dsn: str, database: Database) -> None:
    made = await awkward_world(database)
    async with client(dsn) as http:
        seen: list[str] = []
        path: str | None = "/evidence/bundles?limit=2"
        while path is not None:
            body = (await http.get(BASE + path)).json()
            seen += [row["id"] for row in body["data"]]
            path = f"/evidence/bundles?limit=2&cursor={body['nextCursor']}" if body["nextCursor"] else None
    assert len(seen) == len(set(seen))
    assert set(seen) <= set(made["bundle"])


async def test_a_detail_costs_one_statement(dsn: str, database: Database) -> None:
    made = await awkward_world(database)
    async with client(dsn) as http:
        with statement_log() as log:
            await http.get(f"{BASE}/evidence/bundles/{made['bundle'][0]}")
    assert len(log.statements) == 1


async def test_cut_lists_are_named(dsn: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await awkward_world(database)
    monkeypatch.setattr(routes, "DETAIL_ROWS", 1)
    async with client(dsn) as http:
        path = f"/evidence/bundles/{made['bundle'][0]}"
        planned = await _ask(http, path)
        assert b'"truncated":["items","gateResults","invariantResults"]' in planned[1]

    monkeypatch.setattr(Planned, "read", _nothing)
    async with client(dsn) as http:
        assert planned == await _ask(http, path)
