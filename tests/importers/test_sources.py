"""Source keys: stable, safe, short, and different for different artifacts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.evidence import EvidenceType
from app.importers.sources import KEY_LIMIT, PART_LIMIT, part_key, source_key, stem_of

CI = EvidenceType.CI


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("unit-tests.xml", "ci/junit/unit-tests"),
        ("reports/api/TEST-a.B.xml", "ci/junit/reports/api/TEST-a.B"),
        ("./reports//unit tests (1).XML", "ci/junit/reports/unit-tests-1--5d10fdba"),
        ("/srv/build/out.xml", "ci/junit/srv/build/out"),
        ("../out.xml", "ci/junit/out"),
        ("C:\\build\\out.xml", "ci/junit/build/out"),
        ("lint.sarif.json", "ci/junit/lint"),
        ("events.intoto.jsonl", "ci/junit/events.intoto"),
        ("v1.2.3", "ci/junit/v1.2.3"),
        ("reports/.xml", "ci/junit/reports/.xml"),
        (".json", "ci/junit/.json"),
        ("prüfung.xml", "ci/junit/pr-fung-17791d1b"),
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


def test_names_that_lose_characters_stay_apart() -> None:
    assert [stem_of(name) for name in ("a.xml", "a.json", "x/a.xml", "./x/a.xml")] == ["a", "a", "x/a", "x/a"]
    alike = [stem_of(name) for name in ("a b.xml", "a-b.xml", "a+b.xml")]
    assert alike[1] == "a-b"
    assert len(set(alike)) == 3
    assert all(re.fullmatch(r"a-b-[0-9a-f]{8}", alike[place]) for place in (0, 2))
    jobs = [source_key(CI, "junit", "a.xml", job=job) for job in ("unit", "unit tests", "unit-tests", "unit 1/3")]
    assert jobs[0] == "ci/junit/unit/a"
    assert len(set(jobs)) == 4


NAMES = st.lists(st.text(alphabet="aB /\\.-_xml json:é\udc80\udc81", max_size=12), max_size=8)


@given(NAMES)
def test_any_names(names: list[str]) -> None:
    for name in names:
        stem = stem_of(name)
        for key in (source_key(CI, "junit", name), source_key(CI, "junit", name, stem=stem)):
            assert re.fullmatch(r"ci/junit/[A-Za-z0-9._/-]+", key)
            assert len(key) <= KEY_LIMIT
            assert not set(key.split("/")) & {"", ".", ".."}
            part = part_key(key, name or "x")
            assert part.startswith(f"{key}#")
            assert len(part) <= len(key) + PART_LIMIT
        assert stem_of(stem_of(name)) == stem_of(name)
