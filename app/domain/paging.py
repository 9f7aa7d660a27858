"""Pages and cursors: positions in an order, opaque to the client and signed so that a changed one is refused."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.errors import Invalid

DEFAULT_PAGE = 20
MAX_PAGE = 500

_SIGNATURE_BYTES = 12
_CURSOR_LIMIT = 1024


class Direction(StrEnum):
    """Which end of an order comes first."""

    ASC = "asc"
    DESC = "desc"

    def reversed(self) -> Direction:
        """The other way round."""
        return Direction.ASC if self is Direction.DESC else Direction.DESC


@dataclass(frozen=True, slots=True)
class Order:
    """An order by one column; the id, in the same direction, settles ties."""

    column: str
    direction: Direction = Direction.DESC


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position: the sort value and id of a row, and the order that they are of."""

    order: Order
    value: str | datetime
    id: str


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which rows of an order: `size` of them after `after` and before `before`, from its end when `backward`."""

    size: int = DEFAULT_PAGE
    backward: bool = False
    after: Cursor | None = None
    before: Cursor | None = None


class CursorCodec:
    """Cursors to text and back, signed with a key that all processes over one database share."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def _sign(self, body: bytes) -> bytes:
        return hmac.new(self._key, body, hashlib.sha256).digest()[:_SIGNATURE_BYTES]

    def encode(self, cursor: Cursor) -> str:
        """The cursor as URL-safe text."""
        timed = isinstance(cursor.value, datetime)
        value = cursor.value.isoformat() if isinstance(cursor.value, datetime) else cursor.value
        parts = [cursor.order.column, cursor.order.direction.value, int(timed), value, cursor.id]
        body = json.dumps(parts, separators=(",", ":"), ensure_ascii=False).encode()
        return base64.urlsafe_b64encode(self._sign(body) + body).decode().rstrip("=")

    def decode(self, text: str, order: Order, *, field: str) -> Cursor:
        """The cursor in `text`. Invalid, naming `field`, when it was changed, cut, or made for another order."""
        try:
            if len(text) > _CURSOR_LIMIT * 2:
                raise ValueError("too long")
            raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
            signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
            if not hmac.compare_digest(signature, self._sign(body)):
                raise ValueError("signature")
            column, direction, timed, value, row_id = json.loads(body)
        except (ValueError, binascii.Error, UnicodeError):
            raise Invalid(
                f"{field} is not a cursor of this server; "
                "pass a nextCursor, endCursor or startCursor that it gave, unchanged",
                field=field,
            ) from None
        made_for = Order(column, Direction(direction))
        if made_for != order:
            raise Invalid(
                f"{field} is a cursor of the order {made_for.column} {made_for.direction}, "
                f"this page is ordered by {order.column} {order.direction}; start again without it",
                field=field,
            )
        return Cursor(made_for, datetime.fromisoformat(value) if timed else value, row_id)


def page_request(
    codec: CursorCodec,
    order: Order,
    *,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    default: int = DEFAULT_PAGE,
) -> PageRequest:
    """A checked page request. Invalid names the argument that is out of range or does not go with another."""
    if first is not None and last is not None:
        raise Invalid("first and last exclude each other; give one", field="last")
    for name, given in (("first", first), ("last", last)):
        if given is not None and not 1 <= given <= MAX_PAGE:
            raise Invalid(f"{name} must lie between 1 and {MAX_PAGE}, not {given}", field=name)
    return PageRequest(
        size=first or last or default,
        backward=last is not None,
        after=codec.decode(after, order, field="after") if after is not None else None,
        before=codec.decode(before, order, field="before") if before is not None else None,
    )
