"""A client that leaves takes its SQL with it; one that stays is not disturbed."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from app.db.pool import Database
from app.leaving import Leaving

_SLOW = "SELECT pg_sleep(30), 'left behind'"


def _scope() -> dict[str, Any]:
    return {"type": "http", "method": "GET", "path": "/", "headers": []}


async def _until(database: Database, wanted: int) -> None:
    """Wait until so many of the slow statements run."""
    for _ in range(300):
        count = "SELECT count(*) FROM pg_stat_activity WHERE query = $1 AND state = 'active'"
        if await database.fetchval(count, _SLOW) == wanted:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"there never were {wanted}")


async def test_the_sql_of_a_client_that_left_is_cancelled(database: Database) -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "http.request"
        await database.fetch(_SLOW)

    messages: asyncio.Queue[Message] = asyncio.Queue()
    messages.put_nowait({"type": "http.request", "body": b"", "more_body": False})

    async def send(_: Message) -> None:
        raise AssertionError("nobody is there to be answered")

    running = asyncio.create_task(Leaving(slow)(_scope(), messages.get, send))
    await _until(database, 1)
    await asyncio.sleep(0.1)
    messages.put_nowait({"type": "http.disconnect"})
    await asyncio.wait_for(running, 2)
    await _until(database, 0)


async def test_a_slow_request_of_a_client_that_stays_is_answered() -> None:
    sent: list[Message] = []

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.1)
        body = await receive()
        await send({"type": "http.response.body", "body": body["body"]})

    messages: asyncio.Queue[Message] = asyncio.Queue()
    messages.put_nowait({"type": "http.request", "body": b"late", "more_body": False})

    async def send(message: Message) -> None:
        sent.append(message)

    await asyncio.wait_for(Leaving(slow)(_scope(), messages.get, send), 2)
    assert [message["body"] for message in sent] == [b"late"]
