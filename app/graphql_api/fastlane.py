"""The short way to an answer: POST /graphql without request and response objects, for operations that have a plan.

It stands before the router and only ever answers whole results without errors. Everything else, with what was read of
the body, goes on to `endpoint.py` and the resolvers, and the reason with it. Responses say which path answered; a
request may ask for the resolvers by the same header.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import orjson
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.graphql_api.endpoint import GRAPHQL_TYPE, JSON_TYPE, PATH_HEADER, UNPLANNED, GraphQLEndpoint
from app.graphql_api.operations import Refused
from app.graphql_api.planned import PREPARED, PREPARED_TEXT, Plans, Prepared
from app.readmodels.cache import AnswerCache, Kept
from app.readmodels.plan import Unsayable
from app.readmodels.predicates import Scope as ReadScope
from app.readmodels.recent import Recent
from app.readmodels.rows import Reader

log = structlog.get_logger(__name__)

PATH = "/graphql"

_ROUTE = SimpleNamespace(path=PATH)
"""What metrics take for the route; the router puts its own in the place when it is asked."""

_HEADER = PATH_HEADER.lower().encode()
_GRAPHQL_TYPE, _JSON_TYPE = GRAPHQL_TYPE.encode(), JSON_TYPE.encode()


class FastLane:
    """An ASGI app before another. `note` is told which path answered, and why not the short one."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        endpoint: GraphQLEndpoint,
        reader: Callable[[Scope], Reader],
        note: Callable[[str, str], None],
        cache: Callable[[], AnswerCache | None] = lambda: None,
    ) -> None:
        self._app = app
        self._reader = reader
        self._note = note
        self._cache = cache
        self._max_body = endpoint.max_body
        self._plans = Plans(endpoint.documents, endpoint.cursors)
        self._prepared: Recent[tuple[bytes, ReadScope], Prepared | str] = Recent(PREPARED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        scope["route"] = _ROUTE
        content_type = accept = path = b""
        for name, value in scope["headers"]:
            if name == b"content-type":
                content_type = value
            elif name == b"accept":
                accept = value
            elif name == _HEADER:
                path = value
        if path == b"resolvers":
            await self._resolve("asked for", scope, [], receive, send)
            return
        messages, body = [await receive()], b""
        while (message := messages[-1])["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body") or len(body) > self._max_body:
                break
            messages.append(await receive())
        if (
            content_type.partition(b";")[0].strip().lower() != b"application/json"
            or message["type"] != "http.request"
            or len(body) > self._max_body
        ):
            await self._resolve("error: no JSON of a fit size", scope, messages, receive, send)
            return
        reader = self._reader(scope)
        media_type = _GRAPHQL_TYPE if _GRAPHQL_TYPE in accept else _JSON_TYPE
        cache, key = self._cache(), (body, media_type, reader.scope)
        if cache is not None and key in cache:
            kept = await cache.fresh(key)
            if kept is not None:
                self._note("cache", "")
                await respond(kept, send)
                return
        try:
            answer = await self._plans.answer(self._prepare(body, reader.scope), reader)
        except Unsayable as unsayable:
            await self._resolve(unsayable.reason, scope, messages, receive, send)
            return
        except Exception:
            # A fault of this path must not be the client's: the reference answers, the log has the trace.
            log.exception("unexpected error on the short path", path=PATH)
            await self._resolve("error: unexpected", scope, messages, receive, send)
            return
        if cache is not None and len(body) <= PREPARED_TEXT:
            cache.keep(key, _answer(answer.body, media_type, b"cache", len(body)), answer.snapshot)
        self._note("plan", "")
        await respond(_answer(answer.body, media_type, b"plan"), send)

    def _prepare(self, body: bytes, scope: ReadScope) -> Prepared:
        key = (body, scope)
        kept = self._prepared.get(key)
        if kept is None:
            try:
                kept = self._read(body, scope)
            except Unsayable as unsayable:
                kept = unsayable.reason
            if len(body) <= PREPARED_TEXT:
                self._prepared.put(key, kept)
        if isinstance(kept, str):
            raise Unsayable(kept)
        return kept

    def _read(self, body: bytes, scope: ReadScope) -> Prepared:
        try:
            asked: Any = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise Unsayable("error: not JSON") from None
        if not isinstance(asked, dict):
            raise Unsayable("error: not an object")
        text, name, given = asked.get("query"), asked.get("operationName"), asked.get("variables")
        if not isinstance(text, str) or not isinstance(name, str | None) or not isinstance(given, dict | None):
            raise Unsayable("error: members")
        try:
            return self._plans.prepare(text, name or None, given or {}, scope)
        except Refused:
            raise Unsayable("error: refused") from None

    async def _resolve(self, reason: str, scope: Scope, messages: list[Message], receive: Receive, send: Send) -> None:
        self._note("resolvers", reason)
        scope.setdefault("state", {})[UNPLANNED] = reason
        waiting = messages[::-1]

        async def again() -> Message:
            return waiting.pop() if waiting else await receive()

        await self._app(scope, again, send)


def _answer(body: bytes, media_type: bytes, path: bytes, asked: int = 0) -> Kept:
    length = (b"content-length", b"%d" % len(body))
    return Kept(body, ((b"vary", b"Accept"), length, (b"content-type", media_type), (_HEADER, path)), asked)


async def respond(kept: Kept, send: Send) -> None:
    """An answer, whole."""
    await send({"type": "http.response.start", "status": 200, "headers": list(kept.headers)})
    await send({"type": "http.response.body", "body": kept.body})
