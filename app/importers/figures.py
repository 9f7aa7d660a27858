"""Numbers as producers write them: text or number, sometimes absent, negative, huge or not a number at all.

What comes out is fit for a column and for JSON: finite, and whole where a count is meant.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from app.importers.base import clip

LARGEST_COUNT = 2**53
"""Beyond this a JSON number loses its last digits."""

LARGEST_ROW_COUNT = 2**31 - 1
"""What a count column holds."""

TALLY_LIMIT = 30
"""How many different words a tally in a payload keeps, the most frequent first."""


def number(value: Any) -> float | None:
    """A finite number given as a number or as text; None for anything else, true and false included."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and (len(value) > 40 or not value.strip() or "_" in value):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def count(value: Any, largest: int = LARGEST_COUNT) -> int | None:
    """A whole number from 0 to `largest`; None for anything else."""
    found = number(value)
    if found is None or not 0 <= found <= largest or found != int(found):
        return None
    return int(found)


def tally(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts by word, bounded, most frequent first and then by the word."""
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:TALLY_LIMIT]
    return {clip(word, 60) or "(none)": times for word, times in ordered}


def share(part: float, whole: float) -> str:
    """Part of whole in percent, for a sentence: something is never shown as 0.0%."""
    told = percent(part, whole)
    return "<0.1%" if part > 0 and not told else f"{told}%"


def percent(part: float, whole: float) -> float:
    """Part of whole in percent with one decimal, rounded down, so that 99.96 is not shown as 100; 0.0 of nothing."""
    return math.floor(1000 * part / whole) / 10 if whole > 0 else 0.0
