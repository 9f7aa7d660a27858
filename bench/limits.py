"""The limits, over this project's own tables: what hand-written SQL and what no database at all could reach.

Limit 1: one json_agg statement a work, its bytes passed through. Limit 3: a constant body of the work's size.

    LIMIT=1 DATABASE_URL=... uvicorn bench.limits:app        LIMIT=3 FIXTURES=folder uvicorn bench.limits:app
"""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from pathlib import Path
from typing import Any

import asyncpg

_CHILDREN = {
    "items": ("platform_evidence_items", "id bundle_id evidence_type title result producer artifact_path source_digest started_at", "payload completed_at"),
    "gates": ("platform_release_gate_results", "id gate result enforcement summary evaluated_at", "bundle_id details"),
    "invariants": ("platform_product_invariant_results", "id invariant_id title result evaluated_at", "bundle_id evidence_item_id details"),
}  # fmt: skip
_BUNDLE = "id bundle_key kind environment profile product title version commit_sha updated_at"


def _shown(columns: str, row: str) -> str:
    def camel(name: str) -> str:
        head, *rest = name.split("_")
        return head + "".join(part.title() for part in rest)

    return ", ".join(f'{row}.{name} AS "{camel(name)}"' for name in columns.split())


def statement(work: str, first: int = 0) -> str:
    """The hand-written statement of a work."""
    whole = work in ("Q3", "R3")
    below = ", ".join(
        f"(SELECT coalesce(json_agg(r), '[]') FROM (SELECT {_shown(f'{lean} {more}' if whole else lean, 'c')}"
        f" FROM {table} c WHERE c.bundle_id = b.id ORDER BY c.id) r) AS {name}"
        for name, (table, lean, more) in _CHILDREN.items()
    )
    columns = _shown(f"{_BUNDLE} revision summary created_at" if whole else _BUNDLE, "b")
    columns = columns if work == "Q1" else f"{columns}, {below}"
    if whole:
        one = f"SELECT row_to_json(r) FROM (SELECT {columns} FROM platform_evidence_bundles b WHERE b.id = $1) r"
        return one if work == "R3" else f"SELECT json_build_object('data', json_build_object('bundle', ({one})))"
    rows = (
        "(SELECT * FROM platform_evidence_bundles WHERE environment = $1 AND product = $2"
        f" ORDER BY updated_at DESC, id LIMIT {first}) b"
    )
    return (
        "SELECT json_build_object('data', json_build_object('bundles', (SELECT coalesce(json_agg(r), '[]')"
        f" FROM (SELECT {columns} FROM {rows}) r)))"
    )


_free: asyncio.LifoQueue[tuple[Any, dict[str, Any]]] = asyncio.LifoQueue()
_fixtures = {path.stem: path.read_bytes() for path in Path(os.environ.get("FIXTURES", "-")).glob("*.json")}


async def _start() -> None:
    if os.environ["LIMIT"] == "3":
        return
    for _ in range(10):
        connection = await asyncpg.connect(os.environ["DATABASE_URL"])
        await connection.set_type_codec(
            "json", schema="pg_catalog", encoder=lambda v: v, decoder=lambda v: v, format="binary"
        )
        _free.put_nowait((connection, {}))


async def _fetch(work: str, first: int, *values: Any) -> bytes:
    connection, prepared = have = await _free.get()
    try:
        sql = statement(work, first)
        if sql not in prepared:
            prepared[sql] = await connection.prepare(sql)
        data: bytes = await prepared[sql].fetchval(*values)
        return data
    finally:
        _free.put_nowait(have)


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Raw ASGI."""
    if scope["type"] == "lifespan":
        await receive()
        await _start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["method"] == "GET":
        body = await _fetch("R3", 0, uuid.UUID(scope["path"].rpartition("/")[2]))
    else:
        asked = json.loads((await receive())["body"])
        variables, name = asked["variables"], asked["operationName"]
        if _fixtures:
            body = _fixtures[name]
        elif "id" in variables:
            body = await _fetch("Q3", 0, uuid.UUID(variables["id"]))
        else:
            body = await _fetch(name, variables["first"], variables["environment"], variables["product"])
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
