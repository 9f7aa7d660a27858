"""A client over a small world of evidence."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from app.db.pool import Database
from tests.rows import small_world
from tests.web import client


@pytest.fixture
async def world(database: Database) -> dict[str, list[str]]:
    """Ids by noun."""
    return await small_world(database)


@pytest.fixture
async def http(dsn: str, world: dict[str, list[str]]) -> AsyncIterator[httpx.AsyncClient]:
    """The app over that world."""
    async with client(dsn) as made:
        yield made
