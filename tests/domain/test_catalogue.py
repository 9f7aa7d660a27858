"""The invariant catalogue that ships, and what is said of a wrong one."""

from __future__ import annotations

from importlib import resources

import pytest

from app.domain.catalogue import parse_catalogue
from app.domain.errors import Invalid
from app.domain.invariants import InvariantArea, area_of


def test_the_catalogue_covers_every_area_and_agrees_with_the_ids() -> None:
    text = resources.files("app.domain").joinpath("catalogue.toml").read_text()
    catalogue = parse_catalogue(text, "catalogue.toml")
    assert len(catalogue) >= 12
    assert {invariant.area for invariant in catalogue.values()} == set(InvariantArea)
    for id, invariant in catalogue.items():
        assert invariant.id == id
        assert area_of(id) is invariant.area
        assert invariant.statement.endswith(".")


def test_every_mistake_is_named_with_its_line() -> None:
    text = """version = 1
[[invariants]]
id = "PI-LAUNCH-001"
area = "launch"
statement = "It starts."
[[invariants]]
id = "PI-LAUNCH-001"
area = "launch"
statement = "It starts again."
[[invariants]]
id = "LAUNCH"
[[invariants]]
id = "PI-LAUNCH-002"
area = "lunch"
[[invariants]]
id = "PI-LAUNCH-003"
area = "launch"
statement = " "
[[invariants]]
name = "x"
"""
    with pytest.raises(Invalid) as caught:
        parse_catalogue(text, "catalogue.toml")
    assert caught.value.message.split("\n") == [
        "catalogue.toml has 5 problems:",
        "  line 6: PI-LAUNCH-001 is there twice",
        "  line 10: id must be an invariant id such as PI-LAUNCH-001",
        "  line 12: PI-LAUNCH-002: area must be one of launch, connect, release, app_failure",
        "  line 15: PI-LAUNCH-003: statement must be a sentence",
        "  line 19: name is not a key of an invariant; allowed: id, area, statement",
    ]


@pytest.mark.parametrize("text", ["invariants = 3", "", "[[invariants", "invariants = [1]"])
def test_what_is_no_catalogue_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_catalogue(text, "catalogue.toml")
