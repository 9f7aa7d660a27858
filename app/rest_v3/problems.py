"""Problem documents (RFC 9457): the one table from domain codes to HTTP, and the mask over the rest."""

from __future__ import annotations

from typing import Any

import orjson
import structlog
from starlette.requests import Request
from starlette.responses import Response

from app.domain.errors import ErrorCode, EvidenceError

log = structlog.get_logger(__name__)

STATUS: dict[ErrorCode, tuple[int, str]] = {
    ErrorCode.NOT_FOUND: (404, "Not found"),
    ErrorCode.INVALID: (400, "Invalid request"),
    ErrorCode.CONFLICT: (409, "Conflict"),
    ErrorCode.FORBIDDEN: (403, "Forbidden"),
    ErrorCode.UNAVAILABLE: (503, "Unavailable"),
}


def problem(status: int, title: str, detail: str, code: str, **more: Any) -> Response:
    """A problem document; `code` names its sort for programs and, in `type`, for people."""
    body = {
        "type": f"urn:evidence-gateway:problem:{code.lower().replace('_', '-')}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
    } | {key: value for key, value in more.items() if value is not None}
    headers = {"Cache-Control": "no-store"}
    if status == 503:
        headers["Retry-After"] = "2"
    return Response(orjson.dumps(body), status, headers, "application/problem+json")


def problem_of(error: EvidenceError) -> Response:
    """The problem document of a domain error."""
    status, title = STATUS[error.code]
    return problem(status, title, error.message, error.code.value, field=error.field)


def masked(request: Request, error: Exception) -> Response:
    """What nobody foresaw: logged with its trace, shown without."""
    request_id = str(getattr(request.state, "request_id", ""))
    log.error("unexpected error in a REST handler", request_id=request_id, path=request.scope["path"], exc_info=error)
    detail = f"something went wrong here; the log has it under request {request_id}"
    return problem(500, "Internal error", detail, "INTERNAL", requestId=request_id)


async def unknown_path(request: Request, _: Exception) -> Response:
    """No such path: said in the shape of every other problem."""
    return problem(404, "Not found", f"there is nothing at {request.scope['path'][:200]}", "NOT_FOUND")
