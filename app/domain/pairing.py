"""Which checks of two bundles are one check, whatever each bundle calls them. Pure.

Of several checks of one name, the first that came has the plain name and the others `name~word`. So a name may be of
another check in another bundle: checks of one name are told apart by what their reports say that they are of. Rows from
before that was kept are known by their names alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

from app.domain.checks import PART, Subject, apart_suffix, bare_key, same_check, share
from app.domain.digests import aware
from app.domain.facts import ItemFacts


def named_alike(base: Sequence[ItemFacts], head: Sequence[ItemFacts]) -> tuple[ItemFacts, ...]:
    """The base's items under the names that their checks have in the head. A check that the head has no report of
    gets a name that no other check has there."""
    before, now = _by_name(base), _by_name(head)
    known_as: dict[str, str] = {}
    for name, checks in before.items():
        known_as |= _renamed(name, checks, now.get(name, {}))
    return tuple(_under(item, known_as[_check(item)]) for item in base)


def may_be_one(one: ItemFacts, other: ItemFacts) -> bool:
    """Whether nothing tells two reports apart: they are of one check, or one of them does not say what it is of."""
    if one.identity is None or other.identity is None:
        return True
    return same_check(_subject(one.identity), _subject(other.identity), named=False)


def _by_name(items: Iterable[ItemFacts]) -> dict[str, dict[str, ItemFacts]]:
    """The last report of each check, by the name without what tells it from others of the name, then by the whole."""
    found: dict[str, dict[str, ItemFacts]] = {}
    for item in items:
        key = _check(item)
        checks = found.setdefault(bare_key(key), {})
        known = checks.get(key)
        if known is None or (aware(known.recorded_at), known.id) < (aware(item.recorded_at), item.id):
            checks[key] = item
    return found


def _renamed(name: str, base: dict[str, ItemFacts], head: dict[str, ItemFacts]) -> dict[str, str]:
    """What the head calls the base's checks of one name."""
    if any(each.identity is None for each in (*base.values(), *head.values())):
        return {key: key for key in base}
    known_as: dict[str, str] = {}
    for old, new in _pairs(base, head):
        if old not in known_as and new not in known_as.values():
            known_as[old] = new
    # What is left is in the base alone, and must not be held against another check that has its name in the head.
    alone = sorted(base.keys() - known_as.keys())
    known_as |= {key: key for key in alone if key not in head}
    taken = {*head, *known_as.values()}
    for key in alone:
        if key in head:
            suffix = apart_suffix(_subject(base[key].identity), {each.removeprefix(name) for each in taken})
            known_as[key] = name + suffix
            taken.add(name + suffix)
    return known_as


def _pairs(base: dict[str, ItemFacts], head: dict[str, ItemFacts]) -> list[tuple[str, str]]:
    """The checks that can be one, those first that share most."""
    found = [
        (-share(_subject(base[old].identity), _subject(head[new].identity)), old != new, old, new)
        for old in base
        for new in head
        if may_be_one(base[old], head[new])
    ]
    return [(old, new) for _share, _moved, old, new in sorted(found)]


def _check(item: ItemFacts) -> str:
    """The name of the check that the item is a report, or a part of a report, of."""
    return item.source_key.partition(PART)[0]


def _under(item: ItemFacts, name: str) -> ItemFacts:
    check = _check(item)
    return item if name == check else replace(item, source_key=name + item.source_key.removeprefix(check))


@lru_cache(maxsize=1024)
def _subject(identity: str | None) -> Subject:
    return Subject.of_dict(json.loads(identity or "{}"))
