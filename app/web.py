"""Composition root of the HTTP faces: pool, routes, middleware, health, metrics."""

from __future__ import annotations

import contextlib
import functools
import itertools
import re
import socket
import time
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from importlib.metadata import version

import structlog
import uvicorn
import uvloop
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.config import Settings, read_policy
from app.db import revisions
from app.db.pool import NOT_MIGRATED, Database
from app.domain.errors import EvidenceError
from app.domain.moments import iso
from app.graphql_api.endpoint import GraphQLEndpoint
from app.graphql_api.fastlane import FastLane
from app.leaving import Leaving
from app.pages.explorer import explorer_page, static_routes
from app.readmodels.cache import AnswerCache
from app.readmodels.rows import Reader
from app.rest_v3.fastlane import RestFastLane
from app.rest_v3.problems import unknown_path
from app.rest_v3.responses import refused_method
from app.rest_v3.routes import Routes

log = structlog.get_logger(__name__)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Observed:
    """Gives every request an id, counts and times it, and answers what nobody caught with a masked 500."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self._app = app
        labels = ("method", "route", "status")
        self._requests = Counter("evidence_http_requests", "Requests answered.", labels, registry=registry)
        self._seconds = Histogram(
            "evidence_http_request_seconds", "Time to answer a request.", labels[:2], registry=registry
        )
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._process = uuid.uuid4().hex[:20]
        self._numbers = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((v for k, v in scope["headers"] if k == b"x-request-id"), b"").decode("latin-1")
        request_id = given if _REQUEST_ID.fullmatch(given) else f"{self._process}{next(self._numbers):012x}"
        scope.setdefault("state", {})["request_id"] = request_id
        status = 500
        began = time.perf_counter()

        async def observed_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, observed_send)
        except Exception:
            log.exception("unexpected error in a request", request_id=request_id, path=scope["path"])
            if status == 500:
                masked = JSONResponse(
                    {"error": f"something went wrong here; the log has it under request {request_id}"}, 500
                )
                with contextlib.suppress(Exception):
                    await masked(scope, receive, observed_send)
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            key = (scope["method"], route, status)
            found = self._known.get(key)
            if found is None:  # looking labels up costs more than counting
                found = self._known[key] = (self._requests.labels(*map(str, key)), self._seconds.labels(*key[:2]))
            found[0].inc()
            found[1].observe(time.perf_counter() - began)


class Answers:
    """Counts answers by the path that made them, and why not the short one."""

    def __init__(self, registry: CollectorRegistry) -> None:
        graphql = Counter("evidence_graphql_answers", "GraphQL answers by path.", ("path", "reason"), registry=registry)
        rest = Counter("evidence_rest_answers", "REST answers to GET by path.", ("path",), registry=registry)
        # looking labels up costs more than counting
        self._graphql = functools.cache(graphql.labels)
        self._rest = functools.cache(rest.labels)

    def graphql(self, path: str, reason: str) -> None:
        """One answer. Reasons may hold names; a label must not."""
        why = "error" if reason.startswith("error") else "no plan" if reason.endswith("has no plan") else "rows"
        self._graphql(path, why if reason else "").inc()

    def rest(self, path: str) -> None:
        """One answer."""
        self._rest(path).inc()


def create_app(settings: Settings, dsn: str) -> Starlette:
    """The whole HTTP face over one database. The pool opens with the app and closes with it."""
    policy = read_policy(settings.policy, settings.catalogue).policy
    registry = CollectorRegistry()
    state: dict[str, Database] = {}
    caches: list[AnswerCache] = []

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        state["database"] = await Database.connect(
            dsn, size=settings.pool_size, statement_timeout=settings.statement_timeout
        )
        if settings.cache_bytes:
            caches.append(AnswerCache(state["database"].line(), settings.cache_bytes))
        try:
            yield
        finally:
            while caches:
                await caches.pop().close()
            await state.pop("database").close()

    def reader(_: Request | Scope) -> Reader:
        return Reader(state["database"])

    async def livez(_: Request) -> Response:
        return JSONResponse({"status": "pass"})

    async def healthz(_: Request) -> Response:
        began = time.perf_counter()
        check: dict[str, object] = {"componentId": "postgresql", "componentType": "datastore", "status": "pass"}
        try:
            revision = await state["database"].fetchval("SELECT version_num FROM alembic_version")
            check |= {"observedValue": round((time.perf_counter() - began) * 1000, 2), "observedUnit": "ms"}
            if revision != revisions.head():
                check |= {"status": "fail", "output": NOT_MIGRATED}
        except EvidenceError as error:
            check |= {"status": "fail", "output": error.message}
        check["time"] = iso(datetime.now(UTC))
        body = {
            "status": check["status"],
            "serviceId": "evidence-gateway",
            "releaseId": version("evidence-gateway"),
            "checks": {"postgresql:responseTime": [check]},
        }
        if "output" in check:
            body["output"] = check["output"]
        # The response format of draft-inadarei-api-health-check.
        status = 200 if body["status"] == "pass" else 503
        return JSONResponse(body, status, {"Cache-Control": "no-store"}, "application/health+json")

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    async def home(_: Request) -> Response:
        return RedirectResponse("/graphql")

    graphql = GraphQLEndpoint(
        reader=reader,
        cursor_key=settings.cursor_key(),
        policy=policy,
        max_body=settings.max_body,
        explorer=explorer_page,
    )

    async def graphql_route(request: Request) -> Response:
        return await graphql(request)

    async def wrong_method(request: Request, error: Exception) -> Response:
        headers = error.headers if isinstance(error, HTTPException) else None
        return refused_method(request.method, ", ".join(sorted((headers or {}).get("Allow", "GET, HEAD").split(", "))))

    app = Starlette(
        routes=[
            Route("/", home),
            Route("/graphql", graphql_route, methods=["GET", "POST"]),
            Route("/healthz", healthz),
            Route("/livez", livez),
            Route("/metrics", metrics),
            *Routes(reader, settings.cursor_key(), policy).routes(),
            static_routes(),
        ],
        exception_handlers={404: unknown_path, 405: wrong_method},
        lifespan=lifespan,
    )
    answers = Answers(registry)

    def cache() -> AnswerCache | None:
        return caches[0] if caches else None

    # Outermost first. Set whole: what Starlette puts around added middleware costs every request, and Observed is it.
    rest = RestFastLane(
        app.build_middleware_stack(), reader=reader, cursor_key=settings.cursor_key(), note=answers.rest, cache=cache
    )
    lanes = FastLane(rest, endpoint=graphql, reader=reader, note=answers.graphql, cache=cache)
    app.middleware_stack = Observed(Leaving(lanes), registry)
    return app


async def serve(settings: Settings, dsn: str, listener: socket.socket) -> None:
    """Answer on a listening socket until SIGINT or SIGTERM; requests in flight get 10 s to end."""
    config = uvicorn.Config(
        create_app(settings, dsn),
        log_config=None,
        access_log=False,
        proxy_headers=False,  # nothing here asks who the client is
        loop="uvloop",
        http="httptools",
        server_header=False,
        timeout_graceful_shutdown=10,
        timeout_keep_alive=30,
        limit_concurrency=1_000,
        backlog=512,
    )
    await uvicorn.Server(config).serve(sockets=[listener])


def run(settings: Settings, dsn: str, listener: socket.socket) -> None:
    """`serve` on an event loop of its own."""
    uvloop.run(serve(settings, dsn, listener))
