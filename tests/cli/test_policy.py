"""`policy check` and `policy show`, and where every command finds its policy."""

from __future__ import annotations

import json
from pathlib import Path

from app.config import read_policy
from tests.conftest import Run

WRONG = """version = 1
[[rules]]
gates = { securty = "blocking" }
invariants = { PI-NOPE-001 = "blocking" }
freshness = { ci = "soon" }
"""


def test_the_default_policy_is_right_and_shown(run: Run, tmp_path: Path) -> None:
    shown = run("policy", "show")
    assert shown.exit_code == 0
    assert shown.stdout == read_policy().text
    copy = tmp_path / "copy.toml"
    copy.write_text(shown.stdout)
    checked = run("policy", "check", copy)
    assert (checked.exit_code, read_policy().policy.digest in checked.stdout) == (0, True)
    assert json.loads(run("policy", "check", copy, "--json").stdout)["valid"] is True


def test_every_problem_is_named_with_its_line(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(WRONG)
    result = run("policy", "check", file)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert [line.split(":")[1] for line in lines] == ["3", "4", "5"]
    assert "did you mean security?" in lines[0]
    assert "catalogue" in lines[1]
    assert "has 3 problems" in result.stderr
    told = json.loads(run("policy", "check", file, "--json").stdout)
    assert [problem["line"] for problem in told["problems"]] == [3, 4, 5]


def test_files_that_cannot_be_read(run: Run, tmp_path: Path) -> None:
    missing = run("policy", "check", tmp_path / "none.toml")
    assert (missing.exit_code, "cannot be read" in missing.stderr) == (2, True)
    (tmp_path / "latin.toml").write_bytes(b"version = 1 # \xfc")
    assert "is not UTF-8" in run("policy", "check", tmp_path / "latin.toml").stderr


def test_a_catalogue_lies_beside_the_policy_or_is_named(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text('version = 1\n[[rules]]\ninvariants = { PI-NOPE-001 = "blocking" }\n')
    assert run("policy", "check", file).exit_code == 1
    entry = '[[invariants]]\nid = "PI-NOPE-001"\narea = "launch"\nstatement = "It starts."\n'
    other = tmp_path / "elsewhere.toml"
    other.write_text(entry)
    assert run("policy", "check", file, "--catalogue", other).exit_code == 0
    assert run("policy", "check", file, EVIDENCE_CATALOGUE=str(other)).exit_code == 0
    (tmp_path / "catalogue.toml").write_text(entry)
    assert run("policy", "check", file).exit_code == 0


def test_what_is_asked_of_a_bundle_is_shown(run: Run) -> None:
    asked = json.loads(run("policy", "show", "--kind", "release_candidate", "--environment", "production").stdout)
    assert asked["gates"]["named"]["uat"] == "blocking"
    assert asked["approval"]["four_eyes"] is True
    assert asked["rules"][0] == "*"


def test_the_settings_name_the_policy_of_every_command(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text("version = 2\n")
    for command in (("readiness", "--environment", "x"), ("evaluate", "--bundle", "x"), ("policy", "show")):
        result = run(*command, EVIDENCE_POLICY=str(file))
        assert result.exit_code == 2
        assert f"{file} has 2 problems:\n  line 1: " in result.stderr
        assert "version: must be there and be 1" in result.stderr
