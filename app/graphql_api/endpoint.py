"""GraphQL over HTTP: requests in, responses out; the explorer for browsers on the same path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response

from app.domain.paging import CursorCodec
from app.domain.policy import Policy
from app.graphql_api.context import Context
from app.graphql_api.errors import BAD_REQUEST, TOO_LARGE, present_error, refusal
from app.graphql_api.operations import Documents, Refused, run
from app.readmodels.rows import Reader

JSON_TYPE = "application/json"
GRAPHQL_TYPE = "application/graphql-response+json"
PATH_HEADER = "X-Evidence-Path"
"""Says which path answered: plan, cache, or the resolvers and why."""

UNPLANNED = "unplanned"
"""Where a request's state holds the reason why no plan answered it."""

_VARIABLE_ERRORS = ("Variable '$",)


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """The members of a request, checked for shape."""

    query: str
    variables: dict[str, Any]
    operation_name: str | None


class BadRequest(Exception):
    """A request that is no GraphQL request."""

    def __init__(self, message: str, status: int = 400, code: str = BAD_REQUEST) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code


class GraphQLEndpoint:
    """The handler of `/graphql`. `reader` gives the eyes of a request; `explorer` the page for browsers."""

    def __init__(
        self,
        *,
        reader: Callable[[Request], Reader],
        cursor_key: bytes,
        policy: Policy,
        max_body: int,
        explorer: Callable[[], Response],
    ) -> None:
        self._reader = reader
        self.cursors = CursorCodec(cursor_key)
        self.policy = policy
        self.max_body = max_body
        self._explorer = explorer
        self.documents = Documents()

    async def __call__(self, request: Request) -> Response:
        """Answer a request. GET with a browser's Accept and no query shows the explorer."""
        if request.method == "GET" and "query" not in request.query_params and _prefers_html(request):
            return self._explorer()
        response = await self._answer(request)
        response.headers[PATH_HEADER] = f"resolvers; reason={getattr(request.state, UNPLANNED, 'not asked by POST')}"
        return response

    async def _answer(self, request: Request) -> Response:
        content_type = GRAPHQL_TYPE if GRAPHQL_TYPE in request.headers.get("accept", "") else JSON_TYPE
        request_id = str(getattr(request.state, "request_id", ""))
        try:
            asked = await self._read(request)
            document = self.documents.get(asked.query)
            operation = document.operation(asked.operation_name)
            result = await run(
                document, operation, asked.variables, Context(self._reader(request), self.cursors, self.policy)
            )
        except BadRequest as bad:
            return _respond({"errors": [refusal(bad.message, bad.code)]}, bad.status, content_type)
        except Refused as refused:
            errors = [present_error(error, request_id, _code(error, refused.code)) for error in refused.errors]
            # The older media type answers 200 once a GraphQL request was understood (GraphQL over HTTP, section 6.4).
            return _respond({"errors": errors}, 400, content_type)
        if result.data is None and result.errors and all(_is_variable_error(error) for error in result.errors):
            errors = [present_error(error, request_id) for error in result.errors]
            return _respond({"errors": errors}, 400, content_type)
        body: dict[str, Any] = {"data": result.data}
        if result.errors:
            body["errors"] = [present_error(error, request_id) for error in result.errors]
        return _respond(body, 200, content_type)

    async def _read(self, request: Request) -> GraphQLRequest:
        if request.method == "GET":
            params = request.query_params
            members: Any = dict(params)
            for name in ("variables", "extensions"):
                if name in members:
                    members[name] = _json(members[name].encode(), name)
            return _members(members)
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != JSON_TYPE:
            raise BadRequest(f"send the request as {JSON_TYPE}, not {content_type or 'without a content type'}", 415)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self.max_body:
                raise BadRequest(f"the request is larger than {self.max_body:,} bytes", 413, TOO_LARGE)
        return _members(_json(bytes(body), "the request body"))


def _code(error: GraphQLError, default: str) -> str:
    return str((error.extensions or {}).get("code") or default)


def _is_variable_error(error: GraphQLError) -> bool:
    return error.path is None and error.message.startswith(_VARIABLE_ERRORS)


def _json(data: bytes, what: str) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"{what} is not JSON: {error}") from None


def _members(members: Any) -> GraphQLRequest:
    if isinstance(members, list):
        raise BadRequest("batches are not taken; ask for several roots in one operation")
    if not isinstance(members, dict):
        raise BadRequest('the request must be an object such as {"query": "{ bundles { nodes { id } } }"}')
    query, variables, name = members.get("query"), members.get("variables"), members.get("operationName")
    if not isinstance(query, str) or not query.strip():
        raise BadRequest("the request has no query: give the operation as the text of `query`")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest("variables must be an object")
    if name is not None and not isinstance(name, str):
        raise BadRequest("operationName must be text")
    return GraphQLRequest(query, variables or {}, name or None)


def _prefers_html(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    html, json_at = accept.find("text/html"), accept.find(JSON_TYPE)
    return html >= 0 and (json_at < 0 or html < json_at)


def _respond(body: dict[str, Any], status: int, content_type: str) -> Response:
    return Response(orjson.dumps(body), status_code=status, media_type=content_type, headers={"Vary": "Accept"})
