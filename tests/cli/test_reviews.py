"""`evaluate`, `record`, `readiness`, `replay` and `diff` as a person or a pipeline meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tests.conftest import Run

NEW = ("--kind", "release_candidate", "--environment", "staging", "--product", "portal", "--actor", "ci")
UNIT = ("--source-key", "ci/unit")
SCAN = ("--source-key", "security/scan", "--type", "security", "--actor", "ci")
KEY = "release/portal/1"

POLICY = """
version = 1
[[rules]]
gates = { security = "blocking", approval = "warning" }
evidence = { ci = "blocking" }
freshness = { ci = "7d", security = "7d", gate = "7d" }
approval = { four_eyes = true }
waivers = { by = ["carol"], max_duration = "10d" }
"""

JUNIT = '<testsuite name="unit"><testcase name="a"/>{more}</testsuite>'


def sarif(*levels: str) -> str:
    """A scan with one result of each level."""
    results = [
        {"ruleId": f"R{n}", "level": level, "message": {"text": "x"}, "locations": []} for n, level in enumerate(levels)
    ]
    run = {"tool": {"driver": {"name": "lint", "rules": []}}, "results": results}
    return json.dumps({"version": "2.1.0", "runs": [run]})


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """The policy in a file."""
    file = tmp_path / "policy.toml"
    file.write_text(POLICY)
    return file


@pytest.fixture
def imported(run: Run, tmp_path: Path) -> Path:
    """A bundle with unit tests and a scan that found something; the folder of its artifacts."""
    folder = tmp_path / "artifacts"
    folder.mkdir()
    (folder / "unit.xml").write_text(JUNIT.format(more=""))
    (folder / "scan.sarif").write_text(sarif("error", "warning"))
    result = run("import", folder / "unit.xml", "--bundle", KEY, *UNIT, *NEW)
    assert result.exit_code == 0, result.output
    result = run("import", folder / "scan.sarif", "--bundle", KEY, *SCAN)
    assert result.exit_code == 0, result.output
    return folder


def told(result: Result) -> Any:
    """The one JSON object on standard output."""
    return json.loads(result.stdout)


def test_from_evidence_to_ready(run: Run, imported: Path, policy: Path) -> None:
    """The whole review: blocked, waived, fixed, approved, ready; each step with its exit code."""
    with_policy = ("--policy", policy)
    first = run("readiness", "--bundle", KEY, *with_policy)
    assert first.exit_code == 1
    assert first.stdout.startswith(f"Blocked: {KEY} for staging (portal, standard)\n")
    assert "Its evidence is recorded: evaluate the bundle." in first.stdout
    assert run("evaluate", "--bundle", KEY, *with_policy).exit_code == 0
    blocked = run("readiness", "--bundle", KEY, *with_policy)
    assert blocked.exit_code == 1
    assert "The gate security failed: 1 high, 1 medium in 1 scan" in blocked.stdout
    waiver = ("record", "waiver", "--bundle", KEY, "--gate", "security", "--reason", "Known.", "--expires", "7d")
    refused = run(*waiver, "--actor", "mallory", *with_policy)
    assert (refused.exit_code, "mallory" in refused.stderr) == (2, True)
    assert run(*waiver, "--actor", "carol", *with_policy).exit_code == 0
    risky = run("readiness", "--bundle", KEY, *with_policy)
    assert (risky.exit_code, risky.stdout.splitlines()[0].partition(":")[0]) == (1, "At risk")
    assert run("readiness", "--bundle", KEY, *with_policy, "--allow-at-risk").exit_code == 0
    (imported / "scan.sarif").write_text(sarif("warning"))
    run("import", imported / "scan.sarif", "--bundle", KEY, *SCAN)
    assert run("evaluate", "--bundle", KEY, *with_policy).exit_code == 0
    approval = ("record", "approval", "--bundle", KEY, "--reason", "Reviewed.")
    alone = run(*approval, "--actor", "ci", *with_policy)
    assert (alone.exit_code, "four eyes" in alone.stderr) == (2, True)
    assert run(*approval, "--actor", "dan", *with_policy).exit_code == 0
    ready = run("readiness", "--bundle", KEY, *with_policy)
    assert (ready.exit_code, ready.stdout.splitlines()[0].partition(":")[0]) == (0, "Ready")
    assert "Proved: evidence ci, gate approval, gate security" in ready.stdout


def test_nothing_recorded_could_not_be_told(run: Run) -> None:
    nowhere = run("readiness", "--environment", "nowhere")
    assert nowhere.exit_code == 2
    assert "Unknown: nowhere, where no bundle is recorded" in nowhere.stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "name one"),
        (("--bundle", "nope"), "there is no bundle 'nope'"),
        (("--bundle", KEY, "--environment", "production"), "has the environment staging, not production"),
        (("--bundle", KEY, "--as-of", "yesterday"), "as-of must be an ISO 8601 time"),
        (("--bundle", KEY, "--as-of", "2999-01-01"), "future"),
        (("--bundle", KEY, "--policy", "no.toml"), "the policy no.toml cannot be read: No such file"),
        (("--bundle", KEY, "--format", "yaml"), "yaml"),
    ],
)
def test_misuse_is_told_in_a_sentence(run: Run, imported: Path, args: tuple[str, ...], said: str) -> None:
    result = run("readiness", *args)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_as_of_answers_from_what_was_known(run: Run, imported: Path, policy: Path) -> None:
    then = told(run("readiness", "--bundle", KEY, "--policy", policy, "--format", "json"))["evaluated_at"]
    run("evaluate", "--bundle", KEY, "--policy", policy)
    before = told(run("readiness", "--bundle", KEY, "--policy", policy, "--as-of", then, "--format", "json"))
    now = told(run("readiness", "--bundle", KEY, "--policy", policy, "--format", "json"))
    assert before["inputs_digest"] != now["inputs_digest"]
    assert "missing" in {reason["code"] for reason in before["reasons"] if reason["subject"] == "security"}
    early = run("readiness", "--bundle", KEY, "--as-of", "2020-01-01")
    assert (early.exit_code, "there is no bundle" in early.stderr) == (2, True)


def test_a_verdict_is_recorded_once_and_replayed(run: Run, imported: Path, policy: Path) -> None:
    ask = ("readiness", "--bundle", KEY, "--policy", policy, "--record", "--actor", "ada")
    first = told(run(*ask, "--format", "json"))["recorded"]
    assert first["status"] == "created"
    assert told(run(*ask, "--format", "json"))["recorded"] == first | {"status": "unchanged"}
    policy.write_text(POLICY.replace("blocking", "warning"))
    run("evaluate", "--bundle", KEY, "--policy", policy)
    replayed = run("replay", first["item_id"])
    assert (replayed.exit_code, replayed.stdout.startswith("equal: ")) == (0, True)
    assert told(run("replay", first["item_id"], "--json"))["equal"] is True
    assert run(*ask).stdout.splitlines()[-1].startswith("verdict superseded: item ")
    missing = run("replay", "0198c5a2-7d5e-7cc3-9c1e-0f6f0e3b2a11")
    assert (missing.exit_code, "there is no item" in missing.stderr) == (2, True)


def test_markdown_holds_any_text(run: Run, imported: Path, policy: Path) -> None:
    run(
        "record", "entry", "--bundle", KEY, "--check", "odd", "--title", "a | b `c` <img src=x>", "--result", "failed",
        "--reason", "So.", "--actor", "ada",
    )  # fmt: skip
    ask = ("readiness", "--bundle", KEY, "--policy", policy, "--format", "markdown")
    lines = run(*ask).stdout.splitlines()
    assert lines[0] == f"## Blocked: {KEY} for staging (portal, standard)"
    table = [line for line in lines if line.startswith("| ")]
    assert {line.replace("\\|", "").count("|") for line in table} == {5}
    assert any("a \\| b \\`c\\` \\<img src=x\\>" in line for line in table)


def test_evaluate_tells_machines(run: Run, imported: Path, policy: Path) -> None:
    first = told(run("evaluate", "--bundle", KEY, "--policy", policy, "--actor", "ci", "--json"))
    assert first["bundle"]["bundle_key"] == KEY
    [security] = first["gates"]
    assert (security["gate"], security["status"], security["result"]) == ("security", "created", "failed")
    assert len(security["item_ids"]) == 1
    again = told(run("evaluate", "--bundle", KEY, "--policy", policy, "--json"))
    assert [each["status"] for each in again["gates"]] == ["unchanged"]
    assert run("evaluate", "--bundle", "nope").exit_code == 2


def test_record_tells_machines_and_withdraws(run: Run, imported: Path) -> None:
    entry = ("record", "entry", "--bundle", KEY, "--check", "tour", "--type", "uat", "--reason", "Saw it.", "--json")
    made = told(run(*entry, "--actor", "ada"))
    assert (made["noun"], made["status"], made["bundle_key"]) == ("item", "created", KEY)
    assert told(run(*entry, EVIDENCE_ACTOR="ada")) == made | {"status": "unchanged"}
    gone = ("record", "retraction", "--row", made["row_id"], "--reason", "Wrong bundle.", "--actor", "ada")
    assert run(*gone).stdout.startswith(f"item uat/entry/tour ({made['row_id']}) withdrawn by ")
    assert told(run(*gone, "--json"))["status"] == "unchanged"


@pytest.mark.parametrize(
    ("expires", "said"),
    [
        ("soon", "expires must be a duration such as 7d"),
        ("unlimited", "expires cannot be unlimited"),
        ("2020-01-01", "has passed"),
        ("2026-13-01", "expires must be an ISO 8601 time"),
        ("400d", "lets a waiver last 10d at most"),
    ],
)
def test_ends_are_checked(run: Run, imported: Path, policy: Path, expires: str, said: str) -> None:
    result = run(
        "record", "waiver", "--bundle", KEY, "--gate", "security", "--reason", "x", "--actor", "carol",
        "--policy", policy, "--expires", expires,
    )  # fmt: skip
    assert result.exit_code == 2
    assert said in result.stderr


def test_diff_of_two_bundles(run: Run, imported: Path) -> None:
    (imported / "unit.xml").write_text(JUNIT.format(more='<testcase name="b"><failure/></testcase>'))
    (imported / "scan.sarif").write_text(sarif("error"))
    run("import", imported / "unit.xml", "--bundle", "two", *UNIT, *NEW)
    run("import", imported / "scan.sarif", "--bundle", "two", *SCAN)
    text = run("diff", KEY, "two")
    assert (text.exit_code, text.stdout.splitlines()[0]) == (0, f"{KEY} (staging) -> two (staging)")
    assert "regressed  ci/unit: passed, 1 of 1 tests -> failed, 1 of 2 tests" in text.stdout
    assert run("diff", KEY, "two", "--exit-code").exit_code == 1
    assert run("diff", "two", "two", "--exit-code").exit_code == 0
    markdown = run("diff", KEY, "two", "--format", "markdown").stdout
    assert "| regressed | ci/unit | passed, 1 of 1 tests | failed, 1 of 2 tests |" in markdown
    assert "### Findings" in markdown
    found = told(run("diff", KEY, "two", "--format", "json"))
    assert found["counts"]["items"]["regressed"] == 1
    assert found["counts"]["findings"]["fixed"] == 1
    missing = run("diff", KEY, "three")
    assert (missing.exit_code, "there is no bundle 'three'" in missing.stderr) == (2, True)
    assert run("diff", KEY, "two", "--as-of", "2020-01-01").exit_code == 2
