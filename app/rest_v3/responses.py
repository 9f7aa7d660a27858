"""What every answer has: validators, 304 for what the client holds, headers alone for HEAD, refused methods."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Iterable

from starlette.requests import Request
from starlette.responses import Response

from app.domain.errors import EvidenceError
from app.rest_v3.problems import masked, problem, problem_of

METHODS = "GET, HEAD, OPTIONS"
JSON_TYPE = "application/json"

Handler = Callable[[Request], Awaitable[Response]]

_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')
"""An entity tag (RFC 9110, section 8.8.3); If-None-Match compares weakly, so W/ is passed over."""


def headers_of(body: bytes, link: str | None = None) -> dict[str, str]:
    """What goes with a body, beside its length and type: a strong ETag, how long it holds, the page after it."""
    headers = {
        "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
        "Cache-Control": "private, no-cache",
        "Vary": "Accept, Authorization",
    }
    return headers if link is None else headers | {"Link": link}


def respond(request: Request, body: bytes, media_type: str = JSON_TYPE, *, link: str | None = None) -> Response:
    """The body with its headers; 304 when the client holds it."""
    headers = headers_of(body, link)
    if holds(request.headers.getlist("if-none-match"), headers["ETag"]):
        headers.pop("Link", None)
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=media_type)


def holds(if_none_match: Iterable[str], etag: str) -> bool:
    """Whether the client says that it holds what the tag is of."""
    lines = [line.strip() for line in if_none_match]
    return "*" in lines or any(etag in _TAG.findall(line) for line in lines)


def guarded(handler: Handler) -> Handler:
    """The handler with its methods and errors settled in one place."""

    async def answer(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": METHODS})
        if request.method not in ("GET", "HEAD"):
            return refused_method(request.method, METHODS)
        try:
            response = await handler(request)
        except EvidenceError as error:
            response = problem_of(error)
        except Exception as error:
            response = masked(request, error)
        if request.method == "HEAD":
            response.body = b""  # Content-Length stays that of GET (RFC 9110, section 9.3.2)
        return response

    return answer


def refused_method(method: str, allowed: str) -> Response:
    """A method that the path does not answer."""
    detail = f"{method[:20]} is not answered here; this path takes {allowed}"
    response = problem(405, "Method not allowed", detail, "METHOD_NOT_ALLOWED")
    response.headers["Allow"] = allowed
    return response
