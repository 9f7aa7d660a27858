"""Files that are not read are told what they are, and what to hand in instead."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from app.domain.evidence import Result
from app.importers import registry
from app.importers.base import Artifact, ImportBatch, Rejected, link
from app.importers.figures import share

PACT = {"consumer": {"name": "web"}, "provider": {"name": "api"}, "interactions": [], "metadata": {}}
GOVULN = json.dumps({"config": {"scanner_name": "govulncheck"}}, indent=2) + '\n{\n  "osv": {}\n}\n'


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("lcov.info", b"TN:\nSF:/src/a.c\nDA:1,1\nend_of_record\n", "an lcov tracefile is not read"),
        ("lcov.info", b"SF:/src/a.c\nDA:1,1\nend_of_record\n", "an lcov tracefile is not read"),
        ("cover.out", b"mode: set\nexample.org/a/a.go:1.1,2.2 1 1\n", "a Go coverage profile is not read"),
        ("junit.xml.gz", gzip.compress(b"<testsuite/>"), "compressed by gzip; unpack it"),
        ("vuln.json", GOVULN.encode(), "govulncheck -format sarif"),
        ("web-api.json", json.dumps(PACT).encode(), "a Pact contract says what a consumer expects"),
        ("odd.json", b'{"alpha": 1, "beta": 2}', "a JSON object with the keys alpha, beta is none of the "),
        ("trivy-report.json", b'{"alpha": 1}', "by its name it could be trivy"),
    ],
)
def test_a_refusal_says_what_the_file_is(name: str, data: bytes, said: str) -> None:
    outcome = registry.read(Artifact.of_bytes(name, data))
    assert isinstance(outcome, Rejected)
    assert said in outcome.reason
    assert len(outcome.reason) < 250


def _one(document: Any, name: str = "a.json") -> ImportBatch:
    outcome = registry.read(Artifact.of_bytes(name, json.dumps(document).encode()))
    assert isinstance(outcome, ImportBatch), outcome
    return outcome


def _checks(*conclusions: str) -> Result:
    runs = [
        {"id": n, "name": f"c{n}", "head_sha": "a" * 40, "status": "completed", "conclusion": word, "run_url": ""}
        for n, word in enumerate(conclusions)
    ]
    return _one({"total_count": len(runs), "check_runs": runs}).items[0].result


def test_neutral_does_not_outweigh_what_speaks() -> None:
    assert _checks("success", "neutral") is Result.PASSED
    assert _checks("failure", "neutral") is Result.FAILED
    assert _checks("neutral", "neutral") is Result.INCONCLUSIVE


def test_danger_by_either_key() -> None:
    batch = _one({"failures": [{"message": "no changelog"}], "warnings": [], "messages": [], "markdowns": []})
    assert batch.items[0].result is Result.FAILED


def test_kube_linter_without_its_summary() -> None:
    report = {"Diagnostic": {"Message": "no limits"}, "Check": "unset-cpu-requirements", "Object": {}}
    assert _one({"Reports": [report]}).items[0].result is not Result.PASSED


@pytest.mark.parametrize(
    ("part", "whole", "told"), [(1, 6090, "<0.1%"), (0, 9, "0.0%"), (1, 3, "33.3%"), (9, 9, "100.0%")]
)
def test_something_is_never_shown_as_nothing(part: int, whole: int, told: str) -> None:
    assert share(part, whole) == told


@pytest.mark.parametrize(
    ("candidate", "known"),
    [
        ("https://ci.example.org/runs/7?a=1&b=2#x", True),
        ("HTTP://ci.example.org", True),
        ("javascript:alert(1)", False),
        ("https://", False),
        ("https://user:secret@ci.example.org/", False),
        ("https://ci.example.org/a b", False),
        ('https://ci.example.org/"><script>', False),
        ("//ci.example.org", False),
        ("https://[::1", False),
        (None, False),
        ("https://ci.example.org/" + "x" * 3000, False),
    ],
)
def test_a_link_is_one_that_a_browser_may_open(candidate: object, known: bool) -> None:
    assert link(candidate) == (candidate if known else "")
