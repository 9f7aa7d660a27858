"""Broken spellings of a good artifact, the same for the same seed: values dropped or replaced, bytes cut."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree

ODD_VALUES: tuple[Any, ...] = (
    None, [], {}, "", "x", "-1", "1e999", 0, -1, 1e308, 10**30, True, [None], [[]], {"x": None},
    "\x00\ud800", "é" * 300,
)  # fmt: skip


def mutations(data: bytes, seed: int, count: int) -> Iterator[bytes]:
    """`count` broken copies of `data`: about two in three keep the syntax (JSON, JSON lines or XML) and break the
    structure; the others are cut or have bytes changed."""
    chance = random.Random(seed)  # noqa: S311 - repeatability, not secrecy
    structural = _structural(data, chance)
    for _ in range(count):
        if structural is not None and chance.random() < 0.67:
            yield structural()
        else:
            yield _torn(data, chance)


def _torn(data: bytes, chance: random.Random) -> bytes:
    if not data:
        return b"\x00"
    at = chance.randrange(len(data))
    if chance.random() < 0.5:
        return data[:at]
    length = chance.choice((1, 1, 4, 40))
    return (
        data[:at]
        + chance.choice((b"", b"\x00", b"\xff", b"\xc3", b"<", b"}", b'"', b"]]>", b"&"))
        + data[at + length :]
    )


def _structural(data: bytes, chance: random.Random) -> Callable[[], bytes] | None:
    text = data.decode("utf-8-sig", errors="replace")
    try:
        document = json.loads(text)
        return lambda: json.dumps(_bent(document, chance)).encode()
    except ValueError:
        pass
    try:
        lines = [json.loads(line) for line in text.splitlines() if line.strip()]
        if lines:
            return lambda: "\n".join(json.dumps(line) for line in _bent_lines(lines, chance)).encode()
    except ValueError:
        pass
    try:
        root = ElementTree.fromstring(data)  # noqa: S314 - our own samples
    except (ElementTree.ParseError, ValueError):
        return None
    return lambda: _bent_xml(root, chance)


def _bent_lines(lines: list[Any], chance: random.Random) -> list[Any]:
    bent = _bent(lines, chance)
    return bent if isinstance(bent, list) else [bent]


def _bent(document: Any, chance: random.Random) -> Any:
    """A copy with one to four values dropped, replaced or given twice."""
    bent = copy.deepcopy(document)
    for _ in range(chance.randint(1, 4)):
        places = list(_places(bent))
        if not places:
            return chance.choice(ODD_VALUES)
        holder, key = chance.choice(places)
        act = chance.random()
        if act < 0.25:
            del holder[key]
        elif act < 0.35 and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        else:
            holder[key] = copy.deepcopy(chance.choice(ODD_VALUES))
    return bent


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys: list[Any] = (
        list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    )
    for key in keys:
        yield value, key
        yield from _places(value[key])


def _bent_xml(root: ElementTree.Element, chance: random.Random) -> bytes:
    bent = copy.deepcopy(root)
    for _ in range(chance.randint(1, 4)):
        elements = list(bent.iter())
        element = chance.choice(elements)
        act = chance.random()
        if act < 0.25 and element.attrib:
            del element.attrib[chance.choice(list(element.attrib))]
        elif act < 0.6 and element.attrib:
            element.attrib[chance.choice(list(element.attrib))] = chance.choice(
                ("", "x", "-1", "1e999", "9" * 40, "NaN", "é\t")
            )
        elif act < 0.75 and len(element):
            element.remove(chance.choice(list(element)))
        elif act < 0.85:
            element.append(copy.deepcopy(chance.choice(elements[-8:])))
        elif act < 0.93:
            element.text = chance.choice(("", "x", "-1", "]]", None))
        else:
            element.tag = chance.choice(("x", elements[0].tag, chance.choice(elements).tag))
    return ElementTree.tostring(bent)
