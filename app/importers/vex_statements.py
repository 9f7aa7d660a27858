"""VEX statements as they are gathered, in the shape of `app.domain.vex`, for an item's payload; bounded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.domain.vex import ANSWERS
from app.importers.base import Reject, clip
from app.importers.moments import moment

STATEMENT_LIMIT = 300
"""Statements that an item's payload keeps."""

GATHERED_LIMIT = 50_000
"""Statements of one document; VEX documents hold a few hundred."""

PRODUCT_LIMIT = 50
"""Products, and parts, that a statement keeps."""


class Statements:
    """The statements of one document, in order."""

    def __init__(self) -> None:
        self.all: list[dict[str, Any]] = []

    def add(
        self,
        *,
        vulnerability: str,
        products: Iterable[str],
        status: str,
        aliases: Iterable[str] = (),
        subcomponents: Iterable[str] = (),
        justification: str = "",
        timestamp: Any = None,
    ) -> None:
        """Take in one statement; `timestamp` as the document writes it."""
        if len(self.all) >= GATHERED_LIMIT:
            raise Reject(f"more than {GATHERED_LIMIT:,} statements about vulnerabilities")
        at = moment(timestamp)
        statement: dict[str, Any] = {
            "vulnerability": clip(vulnerability, 200),
            "aliases": _texts(aliases),
            "products": _texts(products),
            "subcomponents": _texts(subcomponents),
            "status": clip(status, 40),
            "justification": clip(justification, 200),
            "timestamp": at.isoformat(timespec="microseconds").replace("+00:00", "Z") if at else "",
        }
        self.all.append({key: value for key, value in statement.items() if value})

    def kept(self, without: Iterable[int] = ()) -> list[dict[str, Any]]:
        """At most STATEMENT_LIMIT of them in their order, without those at the places given. Where some must go, those
        that close findings go first: a lost answer leaves a finding open, a lost `affected` could close one."""
        left_out = set(without)
        places = [place for place in range(len(self.all)) if place not in left_out]
        closing_last = sorted(places, key=lambda place: self.all[place].get("status") in ANSWERS)
        return [self.all[place] for place in sorted(closing_last[:STATEMENT_LIMIT])]


def _texts(values: Iterable[str]) -> list[str]:
    """Identifiers, whole or not at all: a cut or cleaned one could name something else."""
    return [text for text in dict.fromkeys(map(str.strip, values)) if text and clip(text, 500) == text][:PRODUCT_LIMIT]
