"""Files made to harm, through the commands: bounded, refused with a sentence, and nothing of them in the database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.importers import truth
from tests.ingest.measured import evidence
from tests.ingest.reports import NEW_BUNDLE, TABLES, counts, rows

SECONDS = 2.0
MEGABYTES = 200.0
TOKEN = "CANARY-7f3a9c"

FILES: dict[str, str] = {
    "accept/control-characters.xml": (
        '<testsuite name="s"><testcase name="a"/><testcase name="b"><failure message="&#27;[31mred"/></testcase>'
        "</testsuite>"
    ),
    "reject/laughs.xml": (
        '<!DOCTYPE t [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
        '<testsuite name="&c;"><testcase name="&c;"/></testsuite>'
    ),
    "reject/external.xml": (
        '<!DOCTYPE t [<!ENTITY e SYSTEM "{canary}">]><testsuite name="s"><testcase name="&e;"/></testsuite>'
    ),
    "reject/parameter.xml": (
        '<!DOCTYPE t [<!ENTITY % e SYSTEM "{canary}"> %e;]><testsuite name="s"><testcase name="a"/></testsuite>'
    ),
    "reject/include.xml": (
        '<testsuite xmlns:xi="http://www.w3.org/2001/XInclude" name="s">'
        '<testcase name="a"><xi:include href="{canary}" parse="text"/></testcase></testsuit>'
    ),
    "reject/truncated.json": (
        '{{"version": "15.0.0", "scan": {{"type": "sast", "status": "success"}}, "vulnerabilities": [{{"id": "1", "sev'
    ),
    "reject/twice.json": (
        '{{"metrics": {{"d": {{"values": {{"p(95)": 9}}, "thresholds": {{"p(95)<1": {{"ok": false}}}},'
        ' "thresholds": {{"p(95)<1": {{"ok": true}}}}}}}}}}'
    ),
    "reject/no-number.json": '{{"metrics": {{"d": {{"values": {{"p(95)": NaN}}}}}}}}',
    "reject/deep.json": '{{"a":' * 200 + "1" + "}}" * 200,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files above; `{canary}` names a file whose word must appear nowhere."""
    canary = tmp_path / "canary.txt"
    canary.write_text(TOKEN)
    for name, text in FILES.items():
        path = tmp_path / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(canary=canary.as_uri()), encoding="utf-8")
    return tmp_path / "files"


def test_all_are_refused_in_little_time_and_memory(folder: Path) -> None:
    run = evidence("inspect", folder, "--json")
    assert run.code == 1
    assert {Path(told["file"]).parent.name: told["accepted"] for told in run.told()} == {
        "accept": True,
        "reject": False,
    }
    assert all(told["accepted"] or len(told["reason"]) > 10 for told in run.told())
    assert (len(run.told()), run.err, TOKEN in run.out) == (len(FILES), "", False)
    assert run.seconds < SECONDS
    assert run.megabytes < MEGABYTES


async def test_nothing_of_a_refused_file_is_recorded(dsn: str, folder: Path) -> None:
    run = evidence("import", folder, "--bundle", "k", *NEW_BUNDLE, "--json", DATABASE_URL=dsn)
    assert run.code == 1
    *told, last = run.told()
    assert all((file["status"] == "created") is ("/accept/" in file["file"]) for file in told), run.out
    assert last["summary"]["rows"] == {"bundles": 1, "items": 1}
    await _only_one_item_of(dsn, TOKEN, run.out + run.err)


@truth.needs_artifacts
def test_the_set_of_hostile_files_behaves_as_expected() -> None:
    for entry in truth.index()["hostile"]:
        expect = entry["expect"]
        if expect in ("companion", "generator"):
            continue
        told = _bounded(truth.ARTIFACTS / entry["file"], accepted=expect == "accept-or-reject-explicitly")
        if "counts" in entry:
            tests = told["items"][0]["tests"]
            assert (tests["total"], tests["failed"]) == (entry["counts"]["tests"], entry["counts"]["failures"])


@truth.needs_artifacts
async def test_nothing_of_the_set_is_recorded_but_what_it_allows(dsn: str) -> None:
    hostile = truth.ARTIFACTS / "hostile"
    run = evidence("import", hostile, "--bundle", "k", *NEW_BUNDLE, "--json", DATABASE_URL=dsn)
    assert run.code == 1
    assert run.told()[-1]["summary"]["rows"] == {"bundles": 1, "items": 1}
    await _only_one_item_of(dsn, (hostile / "xxe-canary.txt").read_text().strip(), run.out + run.err)


def _bounded(path: Path, *, accepted: bool) -> dict[str, Any]:
    run = evidence("inspect", path, "--json")
    [told] = run.told()
    assert told["accepted"] is accepted, told
    assert run.code == (0 if accepted else 1)
    assert accepted or len(told["reason"]) > 10
    assert (run.err, TOKEN in run.out) == ("", False)
    assert run.seconds < SECONDS, path
    assert run.megabytes < MEGABYTES, path
    return told


async def _only_one_item_of(dsn: str, token: str, output: str) -> None:
    found = await counts(dsn)
    assert {table: count for table, count in found.items() if count} == {
        "platform_evidence_bundles": 1,
        "platform_evidence_items": 1,
    }
    assert token not in output
    for table in TABLES:
        assert token not in json.dumps(await rows(dsn, table), default=str)
