"""A client whose every REST answer is held against the contract."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from app.db.pool import Database
from app.readmodels.nouns import COMPONENT
from app.rest_v3.contract import document
from tests.rest_v3.contract import Contract
from tests.rows import START, add, small_world
from tests.web import client

World = dict[str, list[str]]


@pytest.fixture
def contract() -> Contract:
    """The document, with nothing seen yet."""
    return Contract(document())


Opened = Callable[..., contextlib.AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def opened(contract: Contract) -> Opened:
    """Opens a client over a DSN; every answer below the contract's base is judged as it comes."""

    @contextlib.asynccontextmanager
    async def over(dsn: str, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
        async def judge(response: httpx.Response) -> None:
            if contract.covers(response.request.url.raw_path.decode("ascii")):
                await response.aread()
                contract.check(response)

        async with client(dsn, **settings) as made:
            made.event_hooks = {"request": [], "response": [judge]}
            yield made

    return over


@pytest.fixture
async def world(database: Database) -> World:
    """Ids by noun. One snapshot has been known since long ago, so that its history can be asked for as of then."""
    made = await small_world(database)
    old = {"environment": "archive", "component": "probe/disk", "recorded_at": START}
    made["component"].append(await add(database, COMPONENT, **old))
    return made


@pytest.fixture
async def rest(dsn: str, opened: Opened, world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A client over a small world."""
    async with opened(dsn) as made:
        yield made
