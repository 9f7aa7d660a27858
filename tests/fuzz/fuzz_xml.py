"""Fuzz what is read as XML: `python -m tests.fuzz.fuzz_xml -max_total_time=600`."""

from __future__ import annotations

import copy
import random
from xml.etree import ElementTree

import atheris

from tests.fuzz import target

FORMATS = ("cobertura", "cyclonedx", "junit", "load-stats", "xunit-other")
"""The formats with an XML spelling; the others refuse XML at the first byte."""

WORDS = target.words()
NAMES = [word for word in WORDS if word.replace("-", "").replace("_", "").isalpha()]
LITERALS = ("", "-1", "1e999", "NaN", "9" * 40, "1,5", "true", "2024-01-01T00:00:00Z", "PI-LAUNCH-001", "invariant")


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Two times in three the structure changes and the syntax stays; else bytes do."""
    chance = random.Random(seed)
    if chance.random() < 0.67 and b"<!" not in data:
        try:
            root = ElementTree.fromstring(data)
            for _ in range(chance.randint(1, 3)):
                _bend(root, chance)
            made: bytes = ElementTree.tostring(root, chance.choice(("utf-8", "utf-8", "utf-8", "utf-16")))
        except (ElementTree.ParseError, ValueError, LookupError, RecursionError):
            made = b""
        if 0 < len(made) <= max_size:
            return made
    return bytes(atheris.Mutate(data, max_size))


def _bend(root: ElementTree.Element, chance: random.Random) -> None:
    elements = list(root.iter())
    element = chance.choice(elements)
    act = chance.random()
    if act < 0.15 and element.attrib:
        del element.attrib[chance.choice(list(element.attrib))]
    elif act < 0.4:
        name = chance.choice(list(element.attrib)) if element.attrib and chance.random() < 0.7 else chance.choice(NAMES)
        element.attrib[name] = chance.choice(LITERALS if chance.random() < 0.5 else WORDS)
    elif act < 0.55 and len(element):
        element.remove(chance.choice(list(element)))
    elif act < 0.75:
        element.append(copy.deepcopy(elements[-chance.randint(1, min(8, len(elements)))]))
    elif act < 0.85:
        element.append(ElementTree.Element(chance.choice(NAMES)))
    elif act < 0.93:
        element.text = chance.choice(LITERALS if chance.random() < 0.5 else WORDS)
    else:
        element.tag = chance.choice(NAMES) if chance.random() < 0.5 else chance.choice(elements).tag


if __name__ == "__main__":
    target.run("xml", FORMATS, mutate)
