"""Times on the wire: one spelling on every face, the one PostgreSQL's to_json gives in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from app.domain.errors import Invalid


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with as many fraction digits as needed, such as 2026-06-01T12:00:00.25+00:00."""
    text = moment.astimezone(UTC).isoformat()
    if "." not in text:
        return text
    stem, _, _ = text.rpartition("+")
    return f"{stem.rstrip('0').rstrip('.')}+00:00"


def parse_iso(text: str, *, field: str) -> datetime:
    """A time with its zone. Invalid, naming `field`, for anything else."""
    try:
        if not text.isprintable():
            raise ValueError("Python reads a time with a NUL after it")
        moment = datetime.fromisoformat(text.upper())  # RFC 3339 takes a small t and z as well
    except ValueError:
        raise Invalid(
            f"{field} must be an ISO 8601 time such as 2026-06-01T12:00:00Z, not {text[:40]!r}", field=field
        ) from None
    if moment.tzinfo is None:
        raise Invalid(f"{field} needs a zone, such as {text[:40]}Z", field=field)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise Invalid(f"{field} must lie in the years 1 to 9999 of UTC, unlike {text[:40]!r}", field=field) from None
