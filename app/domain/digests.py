"""One canonical spelling of plain values and of the domain's dataclasses, and the SHA-256 over it.

Equal values give equal text whatever the order of keys or sets, the zone of a time, or 1 against 1.0.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from app.domain.moments import iso


def plain(value: Any) -> Any:
    """The value as JSON has it: sets sorted, times in UTC (without a zone: read as UTC), durations in seconds."""
    if value is None or isinstance(value, bool | int) or type(value) is str:
        return value
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(value)
        return int(value) if value.is_integer() else value
    if isinstance(value, datetime):
        try:
            return iso(aware(value))
        except OverflowError:  # a time within a zone's offset of the calendar's end
            return value.isoformat()
    if isinstance(value, timedelta):
        return plain(value.total_seconds())
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(each) for each in value), key=canonical)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return str(value)


def canonical(value: Any) -> str:
    """The value as JSON text with sorted keys and no spaces, in ASCII."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def digest(value: Any) -> str:
    """SHA-256 of the canonical text, in lower-case hex."""
    return hashlib.sha256(canonical(value).encode("ascii")).hexdigest()


def unordered(values: Iterable[Any]) -> list[Any]:
    """The values for a digest that does not depend on their order, equal ones once."""
    spelled = {canonical(value): value for value in values}
    return [plain(spelled[text]) for text in sorted(spelled)]


def aware(moment: datetime) -> datetime:
    """The moment with a zone; one without is read as UTC."""
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
