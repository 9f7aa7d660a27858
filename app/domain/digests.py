"""One canonical spelling of plain values and of the domain's dataclasses, and the SHA-256 over it.

Equal values give equal text whatever the order of keys or sets, or the zone of a time. The walk is the C encoder's,
as verdicts pin every row that they rest on, and some rows hold long lists of findings.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache, lru_cache
from typing import Any

from app.domain.moments import iso


def canonical(value: Any) -> str:
    """The value as JSON text in ASCII with sorted keys and no spaces: dataclasses by their fields, enums by value, sets
    sorted, times in UTC (without a zone: read as UTC), durations in seconds, anything else as text. Keys are text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_simpler)


ADDED = {"added": True}
"""Metadata of a dataclass's field that came after digests of it were kept: at its default it is left out, so that what
was pinned before stays as it was."""


def plain(value: Any) -> Any:
    """The value as JSON has it, see `canonical`."""
    return json.loads(canonical(value))


def digest(value: Any) -> str:
    """SHA-256 of the canonical text, in lower-case hex."""
    return hashlib.sha256(canonical(value).encode("ascii")).hexdigest()


def unordered(values: Iterable[Any]) -> list[str]:
    """The digests of the values, sorted, equal ones once: what stands for them where their order does not matter."""
    return sorted({_once(value) if value.__hash__ else digest(value) for value in values})


@lru_cache(maxsize=4096)
def _known(value: Any) -> str:
    """Equal values have equal digests, so that what all bundles of an environment share is digested once."""
    return digest(value)


def _once(value: Any) -> str:
    try:
        return _known(value)
    except TypeError:  # it holds a mapping or a list
        return digest(value)


def aware(moment: datetime) -> datetime:
    """The moment with a zone; one without is read as UTC."""
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def spelled(moment: datetime) -> str:
    """The moment as `canonical` has it."""
    try:
        return iso(aware(moment))
    except OverflowError:  # a time within a zone's offset of the calendar's end
        return moment.isoformat()


@cache
def _fields(kind: type[Any]) -> tuple[tuple[str, ...], tuple[tuple[str, Any], ...]]:
    """The names of a dataclass's fields, and those that were ADDED with their defaults."""
    every = fields(kind)
    added = tuple((each.name, each.default) for each in every if each.metadata.get("added"))
    names = {name for name, _ in added}
    return tuple(each.name for each in every if each.name not in names), added


def _simpler(value: Any) -> Any:
    """A value that the encoder does not know, one step nearer to JSON."""
    if is_dataclass(value) and not isinstance(value, type):
        kept, added = _fields(type(value))
        told = {name: getattr(value, name) for name in kept}
        for name, default in added:
            if (own := getattr(value, name)) != default:
                told[name] = own
        return told
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return spelled(value)
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
        return int(seconds) if seconds.is_integer() else seconds
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=canonical)
    return str(value)
