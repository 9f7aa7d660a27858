"""The short way to an answer: GET of a target whose read was planned before, without routing and request objects.

It stands before the router. What a target asks for depends on its text alone, so the plan that a handler made of it is
remembered, and its answers are kept while nothing changed. The first question, every error and every other method go
on to the handlers in `routes.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from app.domain.errors import EvidenceError
from app.domain.paging import CursorCodec
from app.readmodels.cache import AnswerCache, Kept
from app.readmodels.predicates import Scope as ReadScope
from app.readmodels.recent import Recent
from app.readmodels.rows import Reader
from app.rest_v3.contract import BASE
from app.rest_v3.paths import next_link
from app.rest_v3.plans import Planned, Told
from app.rest_v3.responses import JSON_TYPE, headers_of, holds

log = structlog.get_logger(__name__)

PLANNED = "planned"
"""Where in a request's state a handler leaves the plan that answers its target from now on."""

REMEMBERED = 1_200
LONGEST_TARGET = 4_000

_PREFIX = BASE + "/"
_REVALIDATED = frozenset({b"etag", b"cache-control", b"vary"})


class Target(NamedTuple):
    """What a request asks for, and whose eyes it reads with."""

    path: bytes
    query: bytes
    scope: ReadScope


class RestFastLane:
    """An ASGI app before another. `note` is told which path answered."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        reader: Callable[[Scope], Reader],
        cursor_key: bytes,
        note: Callable[[str], None],
        cache: Callable[[], AnswerCache | None],
    ) -> None:
        self._app = app
        self._reader = reader
        self._cursors = CursorCodec(cursor_key)
        self._note = note
        self._cache = cache
        self._remembered: Recent[Target, tuple[Planned, Any]] = Recent(REMEMBERED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(_PREFIX):
            await self._app(scope, receive, send)
            return
        reader = self._reader(scope)
        target = Target(scope.get("raw_path") or b"", scope["query_string"], reader.scope)
        remembered = self._remembered.get(target)
        if remembered is None:
            await self._handle(target, scope, receive, send)
            return
        planned, scope["route"] = remembered
        cache = self._cache()
        if cache is not None and target in cache:
            kept = await cache.fresh(target)
            if kept is not None:
                self._note("cache")
                await _respond(kept, scope, send)
                return
        told = await self._read(planned, reader)
        if told is None:
            await self._handle(target, scope, receive, send)
            return
        kept = _kept(told, scope)
        if cache is not None:
            cache.keep(target, kept, told.snapshot)
        self._note("plan")
        await _respond(kept, scope, send)

    async def _handle(self, target: Target, scope: Scope, receive: Receive, send: Send) -> None:
        """The handler's answer, and what it planned for the next time."""
        state = scope.setdefault("state", {})
        await self._app(scope, receive, send)
        planned = state.get(PLANNED)
        self._note("rows" if planned is None else "plan")
        if planned is not None and target.path and len(target.path) + len(target.query) <= LONGEST_TARGET:
            self._remembered.put(target, (planned, scope.get("route")))

    async def _read(self, planned: Planned, reader: Reader) -> Told | None:
        """None when the handler must answer: with rows of the reference reads, or with a problem."""
        try:
            if planned.as_of is not None:
                await reader.database.settle(planned.as_of)
            return await planned.read(reader, self._cursors)
        except EvidenceError:
            return None
        except Exception:
            # A fault of this path must not be the client's: the handler answers, the log has the trace.
            log.exception("unexpected error on the short path")
            return None


def _kept(told: Told, scope: Scope) -> Kept:
    link = None if told.following is None else next_link(scope, told.following)
    headers = headers_of(told.body, link) | {"Content-Length": str(len(told.body)), "Content-Type": JSON_TYPE}
    raw = tuple((name.lower().encode(), value.encode()) for name, value in headers.items())
    return Kept(told.body, raw, len(scope["raw_path"]) + len(scope["query_string"]))


async def _respond(kept: Kept, scope: Scope, send: Send) -> None:
    given = [value.decode("latin-1") for name, value in scope["headers"] if name == b"if-none-match"]
    if given and holds(given, kept.headers[0][1].decode()):
        headers = [(name, value) for name, value in kept.headers if name in _REVALIDATED]
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.start", "status": 200, "headers": list(kept.headers)})
    await send({"type": "http.response.body", "body": kept.body})
