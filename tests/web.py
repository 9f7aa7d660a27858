"""The whole HTTP face in process, over a test's database."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx

from app.config import Settings
from app.web import create_app

SECRET = "of the tests"
"""What the app signs its cursors with."""


@contextlib.asynccontextmanager
async def client(dsn: str, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of the app; unexpected errors are answered, not raised."""
    app = create_app(Settings(cursor_secret=SECRET, **settings), dsn)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://test") as made:
        yield made


async def ask(http: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    """The body of a GraphQL answer."""
    response = await http.post("/graphql", json={"query": query, "variables": variables})
    body: dict[str, Any] = response.json()
    return body


async def data(http: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    """The data of a GraphQL answer that must have no errors."""
    body = await ask(http, query, **variables)
    assert "errors" not in body, body["errors"]
    answered: dict[str, Any] = body["data"]
    return answered
