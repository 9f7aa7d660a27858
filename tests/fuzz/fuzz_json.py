"""Fuzz what is read as JSON or JSON lines: `python -m tests.fuzz.fuzz_json -max_total_time=600`."""

from __future__ import annotations

import json
import random
from typing import Any

import atheris

from tests.fuzz import target
from tests.importers.mutations import ODD_VALUES

WORDS = target.words()
LITERALS = (
    "2024-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "PT1.5S",
    "PI-LAUNCH-001",
    "1.5",
    "NaN",
    "100%",
    "1,234",
)


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Three times in four the structure changes and the syntax stays; else bytes do."""
    chance = random.Random(seed)
    if chance.random() < 0.75:
        try:
            documents = _documents(data)
            for _ in range(chance.randint(1, 3)):
                _bend(documents, chance)
            made = "\n".join(json.dumps(document) for document in documents).encode()
        except (ValueError, RecursionError):
            made = b""
        if 0 < len(made) <= max_size:
            return made
    return bytes(atheris.Mutate(data, max_size))


def _documents(data: bytes) -> list[Any]:
    try:
        return [json.loads(data)]
    except ValueError:
        return [json.loads(line) for line in data.splitlines() if line.strip()]


def _places(value: Any) -> list[tuple[Any, Any]]:
    """(holder, key or index) of everything inside."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        keys: Any = holder if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
        for key in keys:
            found.append((holder, key))
            waiting.append(holder[key])
    return found


def _value(places: list[tuple[Any, Any]], chance: random.Random) -> Any:
    kind = chance.random()
    if kind < 0.3:
        return json.loads(json.dumps(chance.choice(ODD_VALUES)))
    if kind < 0.6:
        return chance.choice(WORDS)
    if kind < 0.7:
        return chance.choice(LITERALS)
    holder, key = chance.choice(places)
    return json.loads(json.dumps(holder[key]))


def _bend(documents: list[Any], chance: random.Random) -> None:
    places = _places(documents)
    if not places:
        raise ValueError("nothing is left to bend")
    holder, key = chance.choice(places)
    act = chance.random()
    if act < 0.2 and len(documents) + len(holder) > 2:
        del holder[key]
    elif act < 0.5:
        holder[key] = _value(places, chance)
    elif act < 0.65 and isinstance(holder, dict):
        holder[chance.choice(WORDS)] = holder.pop(key)
    elif act < 0.8 and isinstance(holder[key], dict):
        holder[key][chance.choice(WORDS)] = _value(places, chance)
    elif act < 0.9 and isinstance(holder[key], list):
        holder[key].append(_value(places, chance))
    else:
        holder[key] = [holder[key]] if chance.random() < 0.5 else {chance.choice(WORDS): holder[key]}


if __name__ == "__main__":
    target.run("json", target.FORMATS, mutate)
