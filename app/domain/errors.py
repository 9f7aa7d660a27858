"""Domain errors: a code, a sentence and a remedy. Never an HTTP status; the adapters translate the code."""

from __future__ import annotations

from enum import StrEnum


class ErrorCode(StrEnum):
    """The closed set of failures a caller can act on."""

    NOT_FOUND = "NOT_FOUND"
    INVALID = "INVALID"
    CONFLICT = "CONFLICT"
    FORBIDDEN = "FORBIDDEN"
    UNAVAILABLE = "UNAVAILABLE"


class EvidenceError(Exception):
    """A failure worth telling the caller about. `field` names the argument or column at fault, where there is one."""

    code: ErrorCode = ErrorCode.INVALID

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class NotFound(EvidenceError):
    """Nothing has this id or key, or the reader may not see it."""

    code = ErrorCode.NOT_FOUND


class Invalid(EvidenceError):
    """The request is malformed or out of range."""

    code = ErrorCode.INVALID


class Conflict(EvidenceError):
    """Somebody else wrote first, or the row contradicts what is recorded."""

    code = ErrorCode.CONFLICT


class Forbidden(EvidenceError):
    """The caller may not do this."""

    code = ErrorCode.FORBIDDEN


class Unavailable(EvidenceError):
    """The database cannot be reached, is not migrated, or is too busy; trying again later may work."""

    code = ErrorCode.UNAVAILABLE
