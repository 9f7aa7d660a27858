"""Source keys: stable, safe, short, and different for different artifacts."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.evidence import EvidenceType
from app.importers.sources import KEY_LIMIT, PART_LIMIT, part_key, source_key, stem_of, unique_names

CI = EvidenceType.CI


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("unit-tests.xml", "ci/junit/unit-tests"),
        ("reports/api/TEST-a.B.xml", "ci/junit/reports/api/TEST-a.B"),
        ("./reports//unit tests (1).XML", "ci/junit/reports/unit-tests-1-"),
        ("/srv/build/out.xml", "ci/junit/srv/build/out"),
        ("../out.xml", "ci/junit/out"),
        ("C:\\build\\out.xml", "ci/junit/build/out"),
        ("lint.sarif.json", "ci/junit/lint"),
        ("events.intoto.jsonl", "ci/junit/events.intoto"),
        ("v1.2.3", "ci/junit/v1.2.3"),
        ("reports/.xml", "ci/junit/reports/.xml"),
        (".json", "ci/junit/.json"),
        ("prüfung.xml", "ci/junit/pr-fung"),
        ("", "ci/junit/unnamed"),
    ],
)
def test_keys(name: str, key: str) -> None:
    assert source_key(CI, "junit", name) == key


def test_items_of_one_artifact_differ() -> None:
    assert source_key(EvidenceType.SMOKE, "k6", "load.json", "run 2") == "smoke/k6/load#run-2"


def test_a_long_key_keeps_its_end_and_stays_different() -> None:
    one = source_key(CI, "junit", f"{'a/' * 200}unit.xml")
    other = source_key(CI, "junit", f"b/{'a/' * 200}unit.xml")
    assert len(one) == len(other) == KEY_LIMIT
    assert one.startswith("ci/junit/")
    assert one.endswith("a/a/unit")
    assert one != other


def test_a_long_part_is_cut_and_stays_different() -> None:
    one, other = (source_key(CI, "junit", "a.xml", f"{first}{'x' * 200}") for first in "ab")
    assert len(one) == len(other) == len("ci/junit/a") + PART_LIMIT
    assert one != other


def test_names_of_one_import() -> None:
    assert unique_names(["a.xml", "b.xml"]) == {"a.xml": "a", "b.xml": "b"}
    assert unique_names(["a.xml", "a.json", "b.xml"]) == {"a.xml": "a.xml", "a.json": "a.json", "b.xml": "b"}
    alike = unique_names(["a b.xml", "a-b.xml"])
    assert len(set(alike.values())) == 2
    assert all(re.fullmatch(r"a-b\.xml-[0-9a-f]{8}", stem) for stem in alike.values())
    assert source_key(CI, "junit", "a.xml", stem=unique_names(["a.xml", "a.json"])["a.xml"]) == "ci/junit/a.xml"


NAMES = st.lists(st.text(alphabet="aB /\\.-_xml json:é\udc80\udc81", max_size=12), max_size=8)


@given(NAMES, st.randoms())
def test_any_names(names: list[str], chance: random.Random) -> None:
    found = unique_names(names)
    assert set(found) == set(names)
    assert len(set(found.values())) == len(found)
    shuffled = list(names)
    chance.shuffle(shuffled)
    assert unique_names(shuffled) == found
    for name, stem in found.items():
        for key in (source_key(CI, "junit", name), source_key(CI, "junit", name, stem=stem)):
            assert re.fullmatch(r"ci/junit/[A-Za-z0-9._/-]+", key)
            assert len(key) <= KEY_LIMIT
            assert not set(key.split("/")) & {"", ".", ".."}
            part = part_key(key, name or "x")
            assert part.startswith(f"{key}#")
            assert len(part) <= len(key) + PART_LIMIT
        assert stem_of(stem_of(name)) == stem_of(name)
