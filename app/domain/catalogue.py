"""The invariant catalogue: which product invariants there are, read from TOML. Data beside the policy, not code."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.errors import Invalid
from app.domain.invariants import INVARIANT_ID, InvariantArea
from app.domain.toml_lines import key_lines, line_of

_KEYS = ("id", "area", "statement")


@dataclass(frozen=True, slots=True)
class Invariant:
    """A stable id, the product behaviour it speaks of, and what must hold."""

    id: str
    area: InvariantArea
    statement: str


def parse_catalogue(text: str, name: str) -> Mapping[str, Invariant]:
    """The invariants by id, in the order of the text. Invalid names every problem with its line."""
    text = text.replace("\r\n", "\n")
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Invalid(f"{name} is not valid TOML: {error}", field="catalogue") from None
    lines = key_lines(text)
    problems: list[tuple[int, str]] = []
    entries = document.get("invariants")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        problems.append((line_of(lines, ("invariants",)), "there must be [[invariants]] tables"))
        entries = []
    invariants: dict[str, Invariant] = {}
    for index, entry in enumerate(entries):
        line = line_of(lines, ("invariants", index))
        wrong = _wrong(entry)
        if wrong:
            problems.append((line, wrong))
        elif entry["id"] in invariants:
            problems.append((line, f"{entry['id']} is there twice"))
        else:
            invariants[entry["id"]] = Invariant(entry["id"], InvariantArea(entry["area"]), entry["statement"].strip())
    if problems:
        told = "".join(f"\n  line {line}: {message}" for line, message in sorted(problems))
        raise Invalid(
            f"{name} has {len(problems)} problem{'s' if len(problems) != 1 else ''}:{told}", field="catalogue"
        )
    return invariants


def _wrong(entry: dict[str, Any]) -> str:
    """What is wrong with an entry; empty when nothing is."""
    areas = [area.value for area in InvariantArea]
    unknown = [key for key in entry if key not in _KEYS]
    if unknown:
        return f"{unknown[0]} is not a key of an invariant; allowed: {', '.join(_KEYS)}"
    if not isinstance(entry.get("id"), str) or not INVARIANT_ID.fullmatch(entry["id"]):
        return "id must be an invariant id such as PI-LAUNCH-001"
    if entry.get("area") not in areas:
        return f"{entry['id']}: area must be one of {', '.join(areas)}"
    if not isinstance(entry.get("statement"), str) or not entry["statement"].strip():
        return f"{entry['id']}: statement must be a sentence"
    return ""
