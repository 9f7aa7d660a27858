"""Product invariants: stable ids such as PI-LAUNCH-001 that a test names to prove product behaviour."""

from __future__ import annotations

import re
from enum import StrEnum

INVARIANT_ID = re.compile(r"PI-[A-Z][A-Z0-9]*(?:-[A-Z][A-Z0-9]*)*-[0-9]{3,5}")
"""The shape of an invariant id: PI, a word or more for its area, a number."""

_TAGGED = re.compile(rf"(?:\[({INVARIANT_ID.pattern})\]|@({INVARIANT_ID.pattern})(?![\w-]))")


class InvariantArea(StrEnum):
    """The product behaviour an invariant speaks of."""

    LAUNCH = "launch"
    CONNECT = "connect"
    RELEASE = "release"
    APP_FAILURE = "app_failure"


_AREA_BY_WORD = {
    "LAUNCH": InvariantArea.LAUNCH,
    "CONNECT": InvariantArea.CONNECT,
    "RELEASE": InvariantArea.RELEASE,
    "APP": InvariantArea.APP_FAILURE,
    "APPFAIL": InvariantArea.APP_FAILURE,
    "APPFAILURE": InvariantArea.APP_FAILURE,
    "FAIL": InvariantArea.APP_FAILURE,
    "FAILURE": InvariantArea.APP_FAILURE,
}


def area_of(invariant_id: str) -> InvariantArea | None:
    """The area that an id's second part names, where it names one; the catalogue knows the rest."""
    return _AREA_BY_WORD.get(invariant_id.split("-")[1]) if INVARIANT_ID.fullmatch(invariant_id) else None


def ids_in_text(text: str) -> tuple[str, ...]:
    """The ids that a test's name or tag carries as `[PI-LAUNCH-001]` or `@PI-LAUNCH-001`, once each, in order."""
    return tuple(dict.fromkeys(bracketed or tag for bracketed, tag in _TAGGED.findall(text)))
