"""Load tests of the artifact set give the numbers that an independent count gave."""

from __future__ import annotations

from typing import Any

import pytest

from tests.importers.truth import entries, inspect, needs_artifacts, others, short

pytestmark = needs_artifacts

ROWS_EXPLAINED = {
    "JENKINS-16627_CSV_instead_of_XML.jtl": (3, "the file has no header, and the count took its first row for one"),
}
"""Files whose requests differ from the count, and why."""


def _capacity(entry: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    told = inspect(entry)
    assert told["format"] == entry["format"], told
    assert told["accepted"], told
    (item,) = told["items"]
    capacity: dict[str, Any] = item["payload"]["capacity"]
    return item, capacity


@pytest.mark.parametrize("entry", entries("k6"), ids=short)
def test_k6(entry: dict[str, Any]) -> None:
    truth = entry["truth"]
    item, capacity = _capacity(entry)
    assert capacity["thresholds_passed"] == truth["thresholds_passed"]
    assert capacity["thresholds_failed"] == truth["thresholds_failed"]
    assert capacity["thresholds_unknown"] == 0
    expected = {(t["metric"], t["expr"]): t["passed_by_recomputation"] for t in truth["thresholds"]}
    assert {(t["metric"], t["expression"]): t["ok"] for t in capacity["thresholds"]} == expected
    checks = capacity["checks"]
    assert {"passes": checks["passes"], "fails": checks["fails"]} == truth["checks"]
    assert capacity.get("requests") == truth["http_reqs"]
    failed = truth["thresholds_failed"] > 0
    troubled = bool(truth["checks"]["fails"] or capacity.get("failed"))
    assert item["result"] == ("failed" if failed else "warned" if troubled else "passed")


@pytest.mark.parametrize("entry", entries("load-stats"), ids=short)
def test_load_stats(entry: dict[str, Any]) -> None:
    truth = entry["truth"]
    item, capacity = _capacity(entry)
    kind = truth["kind"]
    if kind in ("jmeter-csv", "csv"):
        assert capacity["requests"] == ROWS_EXPLAINED.get(short(entry), (truth["rows"], ""))[0]
        assert capacity["failed"] == truth.get("failed", 0)
    elif kind == "jmeter-xml":
        assert capacity["requests"] == truth["top_level_samples"]
        assert capacity["requests"] + capacity.get("sub_samples", 0) == truth["samples"]
        assert capacity["failed"] == truth["failed"]
    elif kind == "taurus":
        whole = truth["groups"][0]
        assert capacity["requests"] == int(whole["throughput"])
        assert capacity["failed"] == int(whole["fail"])
    elif kind == "locust":
        assert capacity["requests"] == truth["aggregated_requests"]
        assert capacity["failed"] == truth["aggregated_failures"]
    else:
        assert kind == "wrk"
        assert capacity["requests"] == truth["requests"]
        assert capacity["requests_per_second"] == float(truth["requests_per_sec"])
        assert ("socket_errors" in capacity) is truth["socket_errors"]
    assert item["result"] == ("failed" if capacity["failed"] else "passed")


@pytest.mark.parametrize("entry", others("k6", "load-stats"), ids=short)
def test_no_other_file_is_taken_for_a_load_test(entry: dict[str, Any]) -> None:
    assert inspect(entry)["format"] not in ("k6", "load-stats")
