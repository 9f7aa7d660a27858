"""`evidence import` and `evidence inspect` as a person or a pipeline meets them: exit codes, sentences, JSON lines."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import Result

from app.cli import MODULES, load
from app.domain.errors import Unavailable
from app.importers import registry
from app.ingest import record
from tests.conftest import Run
from tests.ingest.reports import NEW_BUNDLE, counts, folder_of, junit, rows


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_folder_with_good_and_bad_files(run: Run, dsn: str, tmp_path: Path) -> None:
    folder_of(tmp_path, 3)
    (tmp_path / "README.md").write_text("# read me")
    (tmp_path / "part0" / "broken.xml").write_bytes(junit()[:-20])
    first = run("import", tmp_path, "--bundle", "k", *NEW_BUNDLE, "--json", "--actor", "ada")
    assert first.exit_code == 1
    *files, last = lines(first)
    assert [Path(told["file"]).name for told in files][:2] == ["README.md", "broken.xml"]
    assert files[0]["status"] == "rejected"
    assert files[0]["reason"].startswith("unknown format: text is none of ")
    assert (files[1]["line"], files[1]["column"] > 1) == (1, True)
    good = files[2]
    assert (good["status"], good["created"], good["format"]) == ("created", True, "junit")
    assert good["source_key"] == "ci/junit/part0/report-000"
    assert good["rows"] == {"bundles": 1, "items": 1, "invariants": 1}
    [item, *_] = asyncio.run(rows(dsn, "platform_evidence_items"))
    assert good["item_ids"] == [str(item["id"])]
    summary = last["summary"]
    assert summary.pop("seconds") > 0
    assert summary == {
        "files": 5,
        "created": 3,
        "unchanged": 0,
        "confirmed": 0,
        "late": 0,
        "apart": 0,
        "mismatched": 0,
        "superseded": 0,
        "rejected": 2,
        "rows": {"bundles": 1, "items": 3, "invariants": 3},
    }
    second = run("import", tmp_path, "--bundle", "k", "--json")
    assert [told.get("created") for told in lines(second)[2:-1]] == [False] * 3
    assert lines(second)[-1]["summary"]["unchanged"] == 3


def test_without_json_there_are_lines_and_a_table(run: Run, tmp_path: Path) -> None:
    (tmp_path / "unit.xml").write_bytes(junit())
    (tmp_path / "evil \x1b[31m[red].txt").write_text("hello")
    result = run("import", tmp_path, "--bundle", "k", *NEW_BUNDLE)
    assert result.exit_code == 1
    out = result.stdout
    assert "taken      " in out
    assert "unit.xml  ci/junit/unit  2 rows" in out
    assert "\x1b" not in out
    assert "evil \ufffd[31m[red].txt" in out
    for word in ("taken", "unchanged", "superseded", "rejected", "why", "files/s", "rows/s"):
        assert word in out
    assert "2 files in " in out


def test_all_taken_is_zero(run: Run, tmp_path: Path) -> None:
    folder_of(tmp_path, 2)
    assert run("import", tmp_path, "--bundle", "k", *NEW_BUNDLE).exit_code == 0
    assert run("import", tmp_path, "--bundle", "k").exit_code == 0


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("notes.txt", b"hello\nworld\n", "unknown format: text is none of "),
        ("unknown.xml", b"<html><body/></html>", "unknown format: XML with the root element <html>"),
        ("unknown.json", b'{"a": 1}', "unknown format: a JSON object with the keys a"),
        ("empty.xml", b"", "the file is empty"),
        ("blank.xml", b" \n\n", "nothing but white space"),
        ("truncated.xml", b"<testsuite><testcase name='a'/>", "not well-formed XML"),
        ("truncated.json", b'{"version": "15.0.0", "vulnerabilities": [', "not valid JSON"),
        ("latin1.xml", b'<?xml version="1.0" encoding="utf-8"?><testsuite name="\xe9"/>', "not well-formed XML"),
        ("latin1.json", b'{"version": "\xe9"}', "not UTF-8 text"),
        ("bomb.xml", b'<!DOCTYPE t [<!ENTITY a "b">]><testsuite name="&a;"/>', "entities"),
    ],
)
def test_bad_files_are_rejected_with_a_sentence(run: Run, tmp_path: Path, name: str, data: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(data)
    for command in (("import", tmp_path / name, "--bundle", "k", *NEW_BUNDLE), ("inspect", tmp_path / name)):
        result = run(*command, "--json")
        assert result.exit_code == 1
        assert told in lines(result)[0]["reason"]
        assert "Traceback" not in result.output


def test_an_ambiguous_file_names_the_candidates(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    greedy = SimpleNamespace(FORMAT="greedy", detect=lambda _: True, parse=lambda _: None)
    monkeypatch.setattr(registry, "IMPORTERS", (*registry.IMPORTERS, greedy))
    (tmp_path / "a.xml").write_bytes(junit())
    result = run("import", tmp_path / "a.xml", "--bundle", "k", *NEW_BUNDLE, "--json")
    assert result.exit_code == 1
    assert lines(result)[0]["reason"] == "ambiguous: the content fits greedy, junit; say which with --format"
    named = run("import", tmp_path / "a.xml", "--bundle", "k", *NEW_BUNDLE, "--format", "junit")
    assert named.exit_code == 0


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ((), "the bundle k does not exist yet; to make it, give --kind, --environment and --product"),
        (
            ("--kind", "uat_package", "--product", "p"),
            "the bundle k does not exist yet; to make it, give --environment",
        ),
        (("--kind", "party"), "'party' is not one of 'release_candidate'"),
        ((*NEW_BUNDLE, "--type", "gossip"), "'gossip' is not one of 'ci'"),
        ((*NEW_BUNDLE, "--format", "csv"), "unknown format 'csv'; the formats are "),
        ((*NEW_BUNDLE, "--jobs", "0"), "Invalid value for '--jobs'"),
        ((*NEW_BUNDLE, "--environment", ""), "environment is empty"),
        ((*NEW_BUNDLE, "--source-key", "a#b"), "source-key must have 1 to 200 printable characters, and no #"),
        ((*NEW_BUNDLE, "/nowhere/at-all.xml"), "/nowhere/at-all.xml: no such file or folder"),
    ],
)
def test_misuse_writes_nothing(run: Run, dsn: str, tmp_path: Path, extra: tuple[str, ...], told: str) -> None:
    (tmp_path / "a.xml").write_bytes(junit())
    result = run("import", tmp_path / "a.xml", "--bundle", "k", *extra, COLUMNS="200")
    assert result.exit_code == 2
    assert told in " ".join(result.stderr.replace("│", " ").split())
    assert "Traceback" not in result.output
    assert set(asyncio.run(counts(dsn)).values()) == {0}


def test_a_contradiction_ends_the_import_before_it_begins(run: Run, dsn: str, tmp_path: Path) -> None:
    folder_of(tmp_path, 2)
    assert run("import", tmp_path, "--bundle", "k", *NEW_BUNDLE).exit_code == 0
    before = asyncio.run(counts(dsn))
    (tmp_path / "new.xml").write_bytes(junit(7))
    result = run("import", tmp_path, "--bundle", "k", "--environment", "production")
    assert result.exit_code == 2
    assert "the bundle k has the environment staging, not production" in result.stderr
    assert asyncio.run(counts(dsn)) == before


def test_a_source_key_is_for_one_file(run: Run, dsn: str, tmp_path: Path) -> None:
    folder_of(tmp_path, 1)
    [path] = tmp_path.rglob("*.xml")
    asked = ("--bundle", "k", *NEW_BUNDLE, "--source-key", "nightly")
    assert run("import", tmp_path, *asked).exit_code == 2
    refused = run("import", path, tmp_path / "part0", tmp_path, *asked)
    assert refused.exit_code == 0, "one file reached twice is one file"
    assert [row["source_key"] for row in asyncio.run(rows(dsn, "platform_evidence_items"))] == ["nightly"]


def test_an_empty_folder_is_misuse(run: Run, tmp_path: Path) -> None:
    result = run("import", tmp_path, "--bundle", "k", *NEW_BUNDLE)
    assert result.exit_code == 2
    assert "there is no file in it" in result.stderr


def test_a_database_that_is_down(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(junit())
    dead = "postgresql://nobody@127.0.0.1:1/none"
    result = run("import", tmp_path / "a.xml", "--bundle", "k", *NEW_BUNDLE, DATABASE_URL=dead)
    assert result.exit_code == 2
    assert "the database cannot be reached" in result.stderr
    assert "Traceback" not in result.output


def test_a_database_that_goes_down_midway(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    async def record_twice(*args: Any, **more: Any) -> Any:
        calls.append(args)
        if len(calls) > 2:
            raise Unavailable("the database cannot be reached: gone")
        return await record(*args, **more)

    monkeypatch.setattr("app.ingest.pipeline.record", record_twice)
    folder_of(tmp_path, 5)
    result = run("import", tmp_path, "--bundle", "k", *NEW_BUNDLE)
    assert result.exit_code == 2
    assert "gone (2 of 5 files are in; run the same command again for the rest)" in result.stderr
    monkeypatch.undo()
    again = run("import", tmp_path, "--bundle", "k", "--json")
    assert again.exit_code == 0
    assert lines(again)[-1]["summary"]["created"] == 3


def test_a_database_that_is_not_migrated(run: Run, empty_dsn: str, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(junit())
    result = run("import", tmp_path / "a.xml", "--bundle", "k", *NEW_BUNDLE, DATABASE_URL=empty_dsn)
    assert result.exit_code == 2
    assert "run `evidence migrate`" in result.stderr


def test_actor_comes_from_the_environment(run: Run, dsn: str, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(junit())
    assert run("import", tmp_path / "a.xml", "--bundle", "k", *NEW_BUNDLE, EVIDENCE_ACTOR="ci/42").exit_code == 0
    assert [row["actor"] for row in asyncio.run(rows(dsn, "platform_evidence_items"))] == ["ci/42"]


def test_type_title_version_and_commit(run: Run, dsn: str, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(junit())
    more = ("--type", "uat", "--title", "RC 1", "--version", "1.0", "--commit", "abc", "--profile", "hardened")
    assert run("import", tmp_path / "a.xml", "--bundle", "k", *NEW_BUNDLE, *more).exit_code == 0
    [row] = asyncio.run(rows(dsn, "platform_evidence_bundles"))
    told = [row[c] for c in ("title", "version", "commit_sha", "profile")]
    assert told == ["RC 1", "1.0", "abc", "hardened"]
    [item] = asyncio.run(rows(dsn, "platform_evidence_items"))
    assert item["evidence_type"] == "uat"
    assert item["source_key"].startswith("uat/junit/")


def test_inspect_needs_no_database(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_of(tmp_path, 1)
    monkeypatch.setattr("asyncpg.create_pool", None)
    result = run("inspect", tmp_path, "--json", DATABASE_URL="")
    assert result.exit_code == 0
    [told] = lines(result)
    assert told["accepted"] is True
    assert told["format"] == "junit"
    assert told["items"][0]["source_key"] == "ci/junit/part0/report-000"
    assert told["items"][0]["tests"]["total"] == 1
    assert told["invariants"][0]["invariant_id"] == "PI-LAUNCH-000"
    assert told["gates"] == told["components"] == told["guards"] == []
    assert len(told["source_digest"]) == 64


def test_inspect_for_people(run: Run, tmp_path: Path) -> None:
    deep = tmp_path / ("a-folder-with-a-long-name" * 4)
    folder_of(deep, 1)
    (deep / "a.json").write_text('{"a": \n nonsense}')
    result = run("inspect", deep)
    assert result.exit_code == 1
    assert "report-000.xml" in result.stdout
    assert "not valid JSON" in result.stdout
    assert run("inspect", tmp_path / "nothing").exit_code == 2


def test_inspect_refuses_a_huge_file_unread(run: Run, tmp_path: Path) -> None:
    huge = tmp_path / "huge.json"
    with huge.open("wb") as stream:
        stream.write(b'{"version": [')
        stream.truncate(500_000_000)
    result = run("inspect", huge, "--json")
    assert result.exit_code == 1
    [told] = lines(result)
    assert told["reason"].startswith("500,000,000 bytes")


def test_every_command_is_known_by_its_module() -> None:
    app = load()
    commands = {str(info.name): info.callback for info in app.registered_commands}
    groups = {str(info.name) for info in app.registered_groups}
    assert groups | set(commands) == set(MODULES)
    for name, function in commands.items():
        assert function is not None
        assert function.__module__ == f"app.cli.{MODULES[name]}"


def test_one_file_is_inspected_without_loading_the_faces(tmp_path: Path) -> None:
    """Neither the faces nor the migrations, which take longer to load than a file to read."""
    (tmp_path / "a.xml").write_bytes(junit())
    loaded = "import sys; from app.cli import load; load(['inspect']); print(*sys.modules)"
    names = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout.split()
    assert {"strawberry", "alembic", "starlette", "uvicorn"}.isdisjoint(names)
    told = subprocess.run(
        [sys.executable, "-m", "app", "inspect", str(tmp_path / "a.xml"), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(told.stdout)["format"] == "junit"
