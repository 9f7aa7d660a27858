"""Times as producers write them, made aware datetimes in UTC; a time without a zone is taken as UTC."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

_ISO = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,12}))?)?"
    r"\s*(Z|z|UTC|[+-]\d{2}:?\d{2}|[+-]\d{2})?"
)
_EARLIEST, _LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def moment(value: Any) -> datetime | None:
    """ISO 8601, RFC 2822, or an epoch in s, ms, us or ns. None when it is none of these or not a plausible time."""
    try:
        found = _epoch(value) if isinstance(value, (int, float)) else _text(value)
    except (ValueError, OverflowError, OSError, TypeError, IndexError):
        return None
    return found if found is not None and _EARLIEST <= found < _LATEST else None


def _text(value: Any) -> datetime | None:
    if not isinstance(value, str) or len(value) > 64:
        return None
    text = value.strip()
    match = _ISO.fullmatch(text)
    if match:
        year, month, day, hour, minute, second, fraction, zone = match.groups()
        offset = "+00:00" if zone in (None, "Z", "z", "UTC") else zone
        if len(offset) == 3:
            offset += ":00"
        elif ":" not in offset:
            offset = f"{offset[:3]}:{offset[3:]}"
        micro = ((fraction or "") + "000000")[:6]
        iso = f"{year}-{month}-{day}T{hour}:{minute}:{second or '00'}.{micro}{offset}"
        return datetime.fromisoformat(iso).astimezone(UTC)
    if re.fullmatch(r"\d{10}(\d{3}|\d{6}|\d{9})?(\.\d+)?", text):
        return _epoch(float(text))
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    if "," in text or text.endswith(("GMT", "UTC")):
        parsed = parsedate_to_datetime(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    return None


def _epoch(value: float) -> datetime | None:
    if isinstance(value, bool) or not math.isfinite(value) or value <= 0:
        return None
    digits = len(str(int(value)))
    scale = 1 if digits <= 11 else 1_000 if digits <= 14 else 1_000_000 if digits <= 17 else 1_000_000_000
    return datetime.fromtimestamp(value / scale, tz=UTC)
