"""Rows of any noun by id, `node` and `nodes`, on the compiled path: one list a noun, put in the order asked. Pure.

The noun of an id is known only to the database, so a plan asks every noun for all ids in the one statement; where none
is of a noun, that costs a look into an index. Each row begins with a mark and its id, by which the lists come apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.errors import Invalid
from app.domain.paging import Order, PageRequest
from app.readmodels.nouns import NOUNS
from app.readmodels.plan import Constant, Kind, Leaf, Member
from app.readmodels.predicates import Compare
from app.readmodels.rows import ID_LIMIT, RowQuery, check_ids

MARK: tuple[Member, ...] = (Constant("", "\x01"), Leaf("", "id", Kind.ID))
"""The members that each row begins with. JSON holds no bare control character, so no text of a row looks like it."""

_START = b'{"":\x01,"":"'
_ID = 36


@dataclass(frozen=True, slots=True)
class Lookup:
    """A root of this kind: where the lists of its nouns begin among the plan's roots, which slot has its ids, and
    whether it is one object or a list."""

    at: int
    slot: int
    one: bool


def check_count(ids: Sequence[object]) -> None:
    """Raises Invalid for more ids than one read takes."""
    if len(ids) > ID_LIMIT:
        raise Invalid(f"nodes takes at most {ID_LIMIT} ids, not {len(ids)}", field="ids")


def ids_query(arguments: dict[str, object]) -> RowQuery:
    """The query that all nouns are asked with. Invalid names an id that is none, or says that there are too many."""
    given = arguments.get("ids")
    ids = [str(row_id) for row_id in given] if isinstance(given, list) else [str(arguments["id"])]
    check_count(ids)
    return RowQuery(
        Order("recorded_at"),
        where=Compare("id", "in", tuple(check_ids(ids))),
        page=PageRequest(size=ID_LIMIT),
        as_of=arguments.get("as_of"),  # type: ignore[arg-type] # coerced by its type before
        superseded=True,
    )


def arrange(lookup: Lookup, ids: Sequence[str], lists: Sequence[bytes]) -> bytes:
    """The value of the root: the row of each id in the order asked, null where there is none."""
    found: dict[str, bytes] = {}
    for listed in lists:
        for row in listed[1:-1].split(_START)[1:]:
            members = row[_ID + 1 :].removesuffix(b",")
            found[row[:_ID].decode()] = b"{" + members.removeprefix(b",")
    values = [found.get(row_id, b"null") for row_id in ids]
    return values[0] if lookup.one else b"[" + b",".join(values) + b"]"


def gather(lookups: Sequence[tuple[Lookup, Sequence[str]]], members: Sequence[bytes]) -> list[bytes]:
    """The members of an answer, the lists of each lookup become its value."""
    gathered = list(members)
    for lookup, ids in reversed(lookups):
        places = slice(lookup.at, lookup.at + len(NOUNS))
        gathered[places] = [arrange(lookup, ids, gathered[places])]
    return gathered
