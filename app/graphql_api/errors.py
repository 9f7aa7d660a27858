"""Errors on the GraphQL face: the one table from domain codes to `extensions.code`, and the mask over the rest."""

from __future__ import annotations

from typing import Any

import structlog
from graphql import GraphQLError

from app.domain.errors import ErrorCode, EvidenceError

log = structlog.get_logger(__name__)

CODES: dict[ErrorCode, str] = {
    ErrorCode.NOT_FOUND: "NOT_FOUND",
    ErrorCode.INVALID: "BAD_USER_INPUT",
    ErrorCode.CONFLICT: "CONFLICT",
    ErrorCode.FORBIDDEN: "FORBIDDEN",
    ErrorCode.UNAVAILABLE: "UNAVAILABLE",
}

BAD_REQUEST = "BAD_REQUEST"
PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
BAD_USER_INPUT = "BAD_USER_INPUT"
TOO_LARGE = "OPERATION_TOO_LARGE"
INTERNAL = "INTERNAL_SERVER_ERROR"


def refusal(message: str, code: str, **extensions: Any) -> dict[str, Any]:
    """An error that stands alone, without a place in a document."""
    return {"message": message, "extensions": {"code": code, **extensions}}


def present_error(error: GraphQLError, request_id: str, code: str | None = None) -> dict[str, Any]:
    """An error as the client sees it. Domain errors keep their sentence; what nobody foresaw is logged and masked."""
    shown: dict[str, Any] = {"message": error.message}
    if error.locations:
        shown["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path is not None:
        shown["path"] = error.path
    cause = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    extensions: dict[str, Any] = {}
    if isinstance(cause, EvidenceError):
        extensions["code"] = CODES[cause.code]
        shown["message"] = cause.message
        if cause.field is not None:
            extensions["field"] = cause.field
    elif cause is None:
        extensions["code"] = code or (error.extensions or {}).get("code") or BAD_USER_INPUT
    else:
        log.error("unexpected error in a resolver", request_id=request_id, path=error.path, exc_info=cause)
        shown["message"] = f"something went wrong here; the log has it under request {request_id}"
        extensions |= {"code": INTERNAL, "requestId": request_id}
    shown["extensions"] = extensions
    return shown
