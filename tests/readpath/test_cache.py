"""Kept answers are exact: under writers, supersession, lost connections and several workers nobody sees an old one."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import httpx
import orjson

from app.db.pool import Database
from app.readmodels.cache import AnswerCache, Kept
from app.readmodels.nouns import BUNDLE, GATE, ITEM
from tests.rows import add, supersede
from tests.web import client as web

TITLES = "query Titles($id: ID!) { bundle(id: $id) { id items { totalCount nodes { title } } updatedAt } }"


def _body(bundle: str) -> bytes:
    return orjson.dumps({"query": TITLES, "variables": {"id": bundle}})


async def _ask(client: httpx.AsyncClient, body: bytes) -> tuple[str, Any]:
    response = await client.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 200
    return response.headers["x-evidence-path"], response.json()["data"]


def _titles(data: Any) -> list[str]:
    return [node["title"] for node in data["bundle"]["items"]["nodes"]]


async def test_a_second_answer_comes_from_the_cache_and_a_write_ends_it(dsn: str, database: Database) -> None:
    bundle = await add(database, BUNDLE)
    item = await add(database, ITEM, bundle_id=bundle, title="first")
    async with web(dsn) as client:
        paths = [(await _ask(client, _body(bundle)))[0] for _ in range(3)]
        assert paths == ["plan", "cache", "cache"]
        await supersede(database, ITEM, item, title="second")
        path, data = await _ask(client, _body(bundle))
        assert path == "plan"
        assert _titles(data) == ["second"]
        await add(database, GATE, bundle_id=bundle)
        assert (await _ask(client, _body(bundle)))[0] == "plan"


async def test_transactions_that_write_no_evidence_end_nothing(dsn: str, database: Database) -> None:
    bundle = await add(database, BUNDLE)
    async with web(dsn) as client:
        await _ask(client, _body(bundle))
        await database.fetch("SELECT pg_current_xact_id()")
        assert (await _ask(client, _body(bundle)))[0] == "cache"


async def test_a_row_of_a_long_transaction_is_seen_when_it_commits(dsn: str, database: Database) -> None:
    bundle = await add(database, BUNDLE)
    async with web(dsn) as client:
        async with database.transaction() as transaction:
            await transaction.execute(
                "INSERT INTO platform_evidence_items (id, bundle_id, evidence_type, source_key, source_digest, result,"
                " title) VALUES (gen_random_uuid(), $1, 'ci', 'k', repeat('a', 64), 'passed', 'late')",
                bundle,
            )
            for _ in range(2):
                await database.fetch("SELECT pg_current_xact_id()")
                path, data = await _ask(client, _body(bundle))
                assert _titles(data) == []
            assert path == "cache"
        path, data = await _ask(client, _body(bundle))
        assert _titles(data) == ["late"]


async def test_nothing_is_served_while_the_fence_is_broken(dsn: str, database: Database) -> None:
    bundle = await add(database, BUNDLE)
    async with web(dsn) as client:
        for _ in range(2):
            path, _data = await _ask(client, _body(bundle))
        assert path == "cache"
        await database.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%pg_is_in_recovery%'"
        )
        assert (await _ask(client, _body(bundle)))[0] == "plan"
        assert (await _ask(client, _body(bundle)))[0] == "cache"


class _Dead:
    async def fetchrow(self, sql: str, *args: object) -> None:
        raise AssertionError("nothing is fenced in this test")

    async def close(self) -> None:
        return


async def test_the_cache_is_bounded_by_bytes() -> None:
    cache = AnswerCache(_Dead(), 10_000)
    for n in range(1_000):
        cache.keep(n, Kept(bytes(100)), f"{n // 300}:")
        assert cache.held <= 10_000
    assert 999 in cache
    assert 0 not in cache
    cache.keep("large", Kept(bytes(5_000)), "3:")
    assert "large" not in cache
    with contextlib.closing(asyncio.new_event_loop()):
        await cache.close()
    assert cache.held == 0
