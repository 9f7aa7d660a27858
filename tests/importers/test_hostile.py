"""Files made to harm: each is refused, or taken rightly, in bounded time and memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.domain.evidence import Result
from app.importers import registry
from app.importers.base import Artifact, Rejected
from tests.importers import truth
from tests.importers.bounded import read_apart

SECONDS = 2.0
MEGABYTES = 200.0


@truth.needs_artifacts
def test_every_hostile_file_behaves_as_expected() -> None:
    entries = [entry for entry in truth.index()["hostile"] if entry["expect"] not in ("companion", "generator")]
    outcomes = read_apart(*(truth.ARTIFACTS / entry["file"] for entry in entries))
    for entry, outcome in zip(entries, outcomes, strict=True):
        told, expect = outcome.told, entry["expect"]
        if expect in ("reject", "reject-or-accept-bounded"):
            assert not told["accepted"], entry["file"]
            assert told["reason"]
        else:
            assert expect == "accept-or-reject-explicitly"
            tests = told["items"][0]["tests"]
            assert (tests["total"], tests["failed"]) == (entry["counts"]["tests"], entry["counts"]["failures"])
        assert outcome.seconds < SECONDS, entry["file"]
        assert outcome.megabytes < MEGABYTES, entry["file"]


@truth.needs_artifacts
def test_what_an_external_entity_names_is_never_read() -> None:
    canary = (truth.ARTIFACTS / "hostile/xxe-canary.txt").read_text().strip()
    (outcome,) = read_apart(truth.ARTIFACTS / "hostile/xxe-external-entity.xml")
    assert canary not in json.dumps(outcome.told)
    assert "entity" in outcome.told["reason"]


@truth.needs_artifacts
def test_the_generated_report_is_streamed(tmp_path: Path) -> None:
    made = tmp_path / "big.xml"
    generator = truth.ARTIFACTS / "hostile/generate_50mb_junit.py"
    stated = subprocess.run([sys.executable, generator, made], capture_output=True, text=True, check=True).stdout
    (outcome,) = read_apart(made)
    tests = outcome.told["items"][0]["tests"]
    assert f"'tests': {tests['total']}, 'failures': {tests['failed']}, 'skipped': {tests['skipped']}," in stated
    assert outcome.megabytes < 100
    assert outcome.seconds < 10 * SECONDS  # under two where nothing else runs


def test_a_hundred_megabytes_in_flat_memory(tmp_path: Path) -> None:
    """One suite of 100 MB: many cases, one of them with 30 MB of captured output."""
    made = tmp_path / "large.xml"
    cases = 180_000
    with made.open("w", encoding="utf-8") as out:
        out.write('<testsuites><testsuite name="large"><testcase name="talks"><system-out>')
        for _ in range(300):
            out.write("all is well\n" * 8_500)
        out.write("</system-out></testcase>\n")
        for number in range(cases):
            body = "<failure message='m'>" + "at line\n" * 30 + "</failure>" if number % 3 == 0 else "<skipped/>"
            out.write(f'<testcase classname="pkg.C{number % 500}" name="case {number}" time="0.01">{body}')
            out.write('<properties><property name="a" value="' + "b" * 200 + '"/></properties></testcase>\n')
        out.write("</testsuite></testsuites>")
    assert made.stat().st_size > 95_000_000
    (outcome,) = read_apart(made)
    assert outcome.megabytes < 100
    tests = outcome.told["items"][0]["tests"]
    assert tests == {"total": cases + 1, "passed": 1, "failed": 60_000, "error": 0, "skipped": 120_000, "flaky": 0}


_TYPE = b"<!DOCTYPE a ["
HARMFUL: dict[str, bytes] = {
    "one endless attribute": b'<testsuite name="' + b"x" * 12_000_000 + b'"/>',
    "one endless comment": b"<testsuite><!--" + b"x" * 12_000_000 + b"--></testsuite>",
    "deep elements": b"<testsuite>" + b"<a>" * 100_000,
    "deep suites": b"<testsuite>" * 5_000,
    "swelling defaults": _TYPE + b'<!ATTLIST t x CDATA "%s">]><testsuite>%s' % (b"x" * 50_000, b"<t/>" * 50_000),
    "parameter entity": _TYPE + b'<!ENTITY % p SYSTEM "file:///etc/passwd">%p;]><testsuite/>',
    "entity of a DTD": b'<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd"><testsuite>&x;</testsuite>',
    "deep arrays": b"[" * 200_000,
    "deep array on the first line": b"[" * 200_000 + b"\n{}\n",
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "many digits": b'{"version": ' + b"9" * 100_000 + b', "vulnerabilities": []}',
    "not a number": b'{"version": NaN, "runs": []}',
    "infinity": b'{"version": "2.1.0", "runs": [{"tool": {}, "results": [-Infinity]}]}',
    "NUL bytes": b"\x00" * 100_000,
    "only white space": b" \n" * 100_000,
    "binary": bytes(range(256)) * 1_000,
    "one long line": b"x" * 5_000_000,
    "yaml aliases": b"a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    "half a surrogate": b'{"\\ud800": "\\ud800"}',
    "byte order mark alone": b"\xef\xbb\xbf",
    "wide byte order mark alone": b"\xff\xfe",
    "wide and odd": b"\xff\xfe<\x00t",
    "unknown encoding": b'<?xml version="1.0" encoding="no-such"?><testsuite/>',
    "encoding that is no text": b'<?xml version="1.0" encoding="base64"?><testsuite/>',
}

EMPTY: dict[str, bytes] = {
    "nothing": b"",
    "an object": b"{}",
    "an array of nothing": b"[null]",
    "a foreign object": b'{"name": "evidence-gateway", "version": "1.0.0", "private": true}',
    "a foreign root": b"<catalog/>",
    "a sentence": b"All tests have passed, and nothing was found.\n",
    "a list": b"- a\n- b\n",
    "a table": b"name,colour\nrose,red\n",
}


def test_harmful_bytes_are_refused(tmp_path: Path) -> None:
    paths = []
    for number, data in enumerate(HARMFUL.values()):
        paths.append(tmp_path / f"artifact-{number}")
        paths[-1].write_bytes(data)
    for name, outcome in zip(HARMFUL, read_apart(*paths), strict=True):
        assert not outcome.told["accepted"], name
        assert 0 < len(outcome.told["reason"]) < 1_000, name
        assert outcome.seconds < SECONDS, name
        assert outcome.megabytes < MEGABYTES, name


def _takes(data: bytes, format: str | None) -> bool:
    """Whether anything better than inconclusive was made of it. Named by hand, a format meets content that its
    detection would have kept from it."""
    found = registry.read(Artifact.of_bytes("artifact", data), format)
    if isinstance(found, Rejected):
        assert 0 < len(found.reason) < 1_000
        return False
    others = (*found.gates, *found.invariants, *found.components, *found.guards)
    return format is None or bool(others) or any(item.result is not Result.INCONCLUSIVE for item in found.items)


@pytest.mark.parametrize("format", [None, *sorted(registry.FORMATS)])
def test_no_importer_takes_what_says_nothing(format: str | None) -> None:
    assert [name for name, data in (HARMFUL | EMPTY).items() if _takes(data, format)] == []
