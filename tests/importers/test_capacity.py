"""What load tests share: response times in bounded memory, the rule of thresholds, numbers as producers write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.domain.evidence import Result
from app.importers import registry
from app.importers.base import Artifact, ImportBatch, Rejected
from app.importers.capacity import LABELS_FOLLOWED, Durations, Labels, Load, Threshold
from app.importers.figures import count, number, percent, tally
from tests.importers.bounded import read_apart


def test_percentiles_are_of_nearest_rank() -> None:
    times = Durations()
    for milliseconds in range(1, 101):
        times.add(milliseconds)
    assert times.percentiles() == {"min": 1, "avg": 50.5, "p50": 50, "p90": 90, "p95": 95, "p99": 99, "max": 100}
    assert Durations().percentiles() == {}


def test_percentiles_of_long_times_keep_three_digits() -> None:
    times = Durations()
    for milliseconds in range(10_000, 400_000):
        times.add(milliseconds)
    found = times.percentiles()
    assert found["max"] == 399_999
    assert found["p50"] == pytest.approx(205_000, rel=0.01)
    assert len(times._buckets) < 2_000


def test_labels_are_followed_up_to_a_limit() -> None:
    labels = Labels()
    for label in range(LABELS_FOLLOWED + 10):
        labels.add(f"label {label}", 2, 1)
    labels.add("label 0", 1, 1)
    assert labels.failing()[0] == {"label": "label 0", "requests": 3, "failed": 2}
    assert len(labels.failing()) == 20


@pytest.mark.parametrize(
    ("verdicts", "failed", "result"),
    [
        ([True, True], 0, Result.PASSED),
        ([True], 3, Result.WARNED),
        ([True, None], 0, Result.INCONCLUSIVE),
        ([True, None, False], 0, Result.FAILED),
        ([], 0, Result.PASSED),
        ([], 1, Result.FAILED),
        ([], None, Result.INCONCLUSIVE),
    ],
)
def test_thresholds_decide(verdicts: list[bool | None], failed: int | None, result: Result) -> None:
    load = Load("any", requests=10, failed=failed)
    load.thresholds = [Threshold("metric", "p(95)<1", ok) for ok in verdicts]
    assert load.result() is result


def _k6(expression: str, verdict: Any, **values: Any) -> dict[str, Any]:
    """The one threshold of a summary in the spelling of handleSummary."""
    metric = {"type": "trend", "contains": "time", "values": values, "thresholds": {expression: verdict}}
    document = {"metrics": {"http_req_duration": metric}}
    outcome = registry.read(Artifact.of_bytes("summary.json", json.dumps(document).encode()))
    assert isinstance(outcome, ImportBatch), outcome
    threshold: dict[str, Any] = outcome.items[0].payload["capacity"]["thresholds"][0]
    return threshold


@pytest.mark.parametrize(
    ("expression", "values", "ok"),
    [
        ("p(95)<500", {"p(95)": 499.9}, True),
        ("p( 95.0 ) <= 500", {"p(95)": 500}, True),
        ("p(50)<10", {"med": 9}, True),
        ("avg>=1e2", {"avg": 100}, True),
        ("max!=3", {"max": 3}, False),
        ("min===3", {"min": 3}, True),
        ("count>10", {"count": 10}, False),
        ("rate<0.5", {"passes": 1, "fails": 1}, False),
        ("rate<0.5", {"value": 0.2, "passes": 1, "fails": 4}, True),
    ],
)
def test_k6_expressions_are_recomputed(expression: str, values: dict[str, Any], ok: bool) -> None:
    assert _k6(expression, {"ok": ok}, **values)["ok"] is ok
    contradicted = _k6(expression, {"ok": not ok}, **values)
    assert contradicted["ok"] is None
    assert "the opposite" in contradicted["note"]
    assert _k6(expression, {}, **values)["ok"] is ok


@pytest.mark.parametrize("expression", ["p(99)<500", "stddev<5", "p(95)<500 and more", "", "p(95)<"])
def test_k6_expressions_that_cannot_be_recomputed_are_believed(expression: str) -> None:
    assert _k6(expression, {"ok": True}, **{"p(95)": 1})["ok"] is True
    assert _k6(expression, {}, **{"p(95)": 1})["ok"] is None
    # Beside `values` a bare boolean has no agreed meaning.
    assert _k6(expression, False, **{"p(95)": 1})["ok"] is None


@pytest.mark.parametrize("value", [None, True, "", "x", "1_000", "NaN", "1e999", 10**400, [], {}, "9" * 50])
def test_what_is_no_number(value: Any) -> None:
    assert number(value) is None
    assert count(value) is None


def test_numbers() -> None:
    assert (number(" 1.5 "), number("-2"), number(3)) == (1.5, -2.0, 3.0)
    assert (count("7"), count(7.0), count(7.5), count(-1), count(2**60)) == (7, 7, None, None, None)
    assert (percent(9996, 10_000), percent(1, 1), percent(1, 0)) == (99.9, 100.0, 0.0)
    assert tally({"b": 1, "a": 1, "c": 2, "": 1}) == {"c": 2, "(none)": 1, "a": 1, "b": 1}
    assert len(tally({str(n): 1 for n in range(100)})) == 30


@pytest.mark.parametrize("kind", ["csv", "xml"])
def test_long_results_are_read_in_little_memory(kind: str, tmp_path: Path) -> None:
    made = tmp_path / f"results.{kind}"
    rows = 300_000
    with made.open("w", encoding="utf-8") as out:
        if kind == "csv":
            out.write("timeStamp,elapsed,label,responseCode,responseMessage,success,URL\n")
            for row in range(rows):
                ok = "false" if row % 10 == 0 else "true"
                out.write(f"{1767225600000 + row},{row % 900},page {row % 5000},200,OK,{ok},https://shop.test/{row}\n")
        else:
            out.write("<testResults>")
            for row in range(rows):
                ok = "false" if row % 10 == 0 else "true"
                out.write(f'<httpSample t="{row % 900}" ts="{1767225600000 + row}" s="{ok}" lb="page {row % 5000}"/>\n')
            out.write("</testResults>")
    (outcome,) = read_apart(made)
    capacity = outcome.told["items"][0]["payload"]["capacity"]
    assert (capacity["requests"], capacity["failed"], capacity["error_rate"]) == (rows, rows // 10, 0.1)
    assert outcome.megabytes < 100


def test_a_table_is_refused_by_its_line() -> None:
    data = b"timeStamp,elapsed,label,success\n1767225600000,5,a,true\n1767225600001,x,a,true\n"
    outcome = registry.read(Artifact.of_bytes("results.csv", data))
    assert isinstance(outcome, Rejected)
    assert outcome.line == 3
    assert "readable elapsed time" in outcome.reason


def test_a_table_in_another_encoding() -> None:
    text = "timeStamp,elapsed,label,success\n1767225600000,5,Übersicht,true\n"
    wide = registry.read(Artifact.of_bytes("results.csv", text.encode("utf-16")))
    assert isinstance(wide, ImportBatch)
    assert wide.items[0].payload["capacity"]["requests"] == 1
    narrow = registry.read(Artifact.of_bytes("results.csv", text.encode("latin-1")))
    assert isinstance(narrow, Rejected)
    assert "UTF-8" in narrow.reason
