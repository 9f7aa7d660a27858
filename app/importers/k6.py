"""k6 end-of-test summaries in their three spellings, to an item that the capacity gate can be evaluated from.

- `handleSummary` data: a metric has `values` and its thresholds are `{"p(95)<500": {"ok": true}}`.
- `--summary-export`: the values stand flat in the metric and a threshold is a bare boolean that says whether it
  FAILED (k6 calls it lastFailed), so `false` means passed.
- `--new-machine-readable-summary` (k6 1.5 and later): `results.metrics` is a list; schema 1.0.0 has no thresholds.

A stated verdict is checked against the values of the same file where the expression is one that k6 documents
(an aggregation, an operator, a number). Where the two disagree the threshold counts as neither: inconclusive.
Without any threshold k6 itself judges nothing, and so does this: inconclusive. Failed checks and failed requests
do not fail a k6 run; they turn a pass into `warned`. Checks whose names carry an invariant's id prove it.

No parser library reads these; the documents are small and plain.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from typing import Any

from app.domain.checks import subject_of
from app.domain.evidence import Result
from app.importers.base import TOP_TESTS, Artifact, ImportBatch, Probe, Reject, Rejected, clip
from app.importers.capacity import Load, Threshold
from app.importers.cases import Cases
from app.importers.documents import as_dict, as_list, as_text, read_json
from app.importers.figures import count, number
from app.importers.moments import moment

FORMAT = "k6"

_BUILT_IN = frozenset(
    {"checks", "data_received", "data_sent", "dropped_iterations", "group_duration", "iteration_duration"}
    | {"http_req_blocked", "http_req_duration", "http_req_failed", "http_reqs", "iterations", "vus", "vus_max"}
    | {"browser_http_req_duration", "grpc_req_duration", "ws_connecting", "ws_sessions"}
)
_TYPES = frozenset({"counter", "gauge", "rate", "trend"})

_EXPRESSION = re.compile(
    r"\s*(count|rate|value|avg|min|max|med|p\(\s*\d+(?:\.\d+)?\s*\))\s*(<=|>=|<|>|===|==|!=)\s*"
    r"([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*"
)
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "===": operator.eq,
    "!=": operator.ne,
}
_TIMES = ("http_req_duration", "grpc_req_duration", "iteration_duration")


def detect(probe: Probe) -> bool:
    """A summary object, or the lines of `--out json`, which are recognised in order to be refused with a reason."""
    if probe.kind == "jsonl":
        return bool(as_list(probe.document)) and all(
            isinstance(line, dict) and line.get("type") in ("Metric", "Point") and "metric" in line
            for line in probe.document
        )
    if probe.kind != "json" or not isinstance(probe.document, dict):
        return False
    document = probe.document
    results = document.get("results")
    if isinstance(results, dict) and isinstance(results.get("metrics"), list) and "config" in document:
        return any(as_text(as_dict(metric).get("name")) in _BUILT_IN for metric in results["metrics"])
    metrics = document.get("metrics")
    if not isinstance(metrics, dict):
        return False
    if isinstance(document.get("root_group"), dict) or "testRunDurationMs" in as_dict(document.get("state")):
        return True
    return any(
        name.partition("{")[0] in _BUILT_IN
        or ("values" in as_dict(metric) and as_text(as_dict(metric).get("type")) in _TYPES)
        for name, metric in metrics.items()
    )


def parse(artifact: Artifact) -> ImportBatch | Rejected:
    """One item with `capacity`, and the invariants that checks name."""
    if _is_raw_points(artifact):
        raise Reject("k6's raw points (--out json) are not a summary; write one with handleSummary or --summary-export")
    document = read_json(artifact)
    if not isinstance(document, dict):
        raise Reject("a k6 summary is an object with the key 'metrics'")
    modern = isinstance(document.get("results"), dict)
    metrics = _modern_metrics(document["results"]) if modern else _metrics(document.get("metrics"))
    if not metrics:
        raise Reject("the k6 summary holds no metrics")
    load = Load("k6")
    dialect = "machine-readable" if modern else "summary-export"
    for name, metric in metrics.items():
        values, flat = _values(metric)
        if not flat and not modern:
            dialect = "handle-summary"
        load.thresholds.extend(_thresholds(name, metric.get("thresholds"), values, flat))
    if modern:
        load.thresholds.extend(_listed_thresholds(document["results"].get("thresholds"), metrics))
    checks, cases = _checks(document, metrics, modern)
    _measure(load, metrics)
    _describe(load, document)
    load.facts["checks"] = checks
    iterations = count(_values(metrics.get("iterations", {}))[0].get("count"))
    if iterations is not None:
        load.facts["iterations"] = iterations
    result = load.result() if load.thresholds else Result.INCONCLUSIVE
    if not load.thresholds:
        load.facts["note"] = "the run was held to no threshold"
    if result is Result.PASSED and checks["fails"]:
        result = Result.WARNED
    item = load.item(result)
    held = [name for name in metrics if name not in _BUILT_IN and name not in _TIMES]
    return ImportBatch(
        FORMAT,
        dialect=dialect,
        items=(item,),
        invariants=cases.invariants(item.completed_at),
        subject=subject_of("k6", holds=[*held, *_names(as_dict(document.get("root_group")))]),
    )


def _is_raw_points(artifact: Artifact) -> bool:
    with artifact.open() as stream:
        head = stream.readline(64 * 1024)
    return bool(re.match(rb'\s*\{\s*"type"\s*:\s*"(Metric|Point)"', head)) or (
        b'"type":"Point"' in head and b'"metric":' in head
    )


def _metrics(value: Any) -> dict[str, dict[str, Any]]:
    return {name: metric for name, metric in as_dict(value).items() if isinstance(metric, dict)}


def _modern_metrics(results: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for metric in as_list(results.get("metrics")):
        name = as_text(as_dict(metric).get("name"))
        if name:
            found[name] = metric
    return found


def _values(metric: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """A metric's values, and whether they stand flat in the metric (the summary-export spelling)."""
    if isinstance(metric.get("values"), dict):
        return metric["values"], False
    return metric, "type" not in metric


def _aggregate(method: str, values: dict[str, Any]) -> float | None:
    """The value that an aggregation method names, in whichever spelling; None when the file does not hold it."""
    if method.startswith("p("):
        wanted = float(method[2:-1])
        for key, value in values.items():
            match = re.fullmatch(r"p\((\d+(?:\.\d+)?)\)", key)
            if match and float(match.group(1)) == wanted:
                return number(value)
        return number(values.get("med")) if wanted == 50 else None
    found = number(values.get(method))
    if found is None and method == "rate":
        # Rate metrics: `value` in summary-export, matches of total in the machine-readable summary.
        found = number(values.get("value")) if "passes" in values or "fails" in values else None
        if found is None:
            hits, misses = count(values.get("passes")), count(values.get("fails"))
            if hits is not None and misses is not None and hits + misses:
                found = hits / (hits + misses)
    return found


def _recompute(expression: str, values: dict[str, Any]) -> tuple[bool | None, float | None]:
    match = _EXPRESSION.fullmatch(expression)
    if match is None:
        return None, None
    method, comparison, limit = match.groups()
    value = _aggregate(re.sub(r"\s", "", method), values)
    return (None, None) if value is None else (_OPERATORS[comparison](value, float(limit)), value)


def _threshold(metric: str, expression: str, stated: bool | None, values: dict[str, Any]) -> Threshold:
    recomputed, value = _recompute(expression, values)
    if stated is None:
        note = "the file states no verdict" + ("; recomputed from its values" if recomputed is not None else "")
        return Threshold(metric, expression, recomputed, value, note)
    if recomputed is not None and recomputed is not stated:
        said = "held" if stated else "broken"
        note = f"stated as {said}, while the values of the same file say the opposite"
        return Threshold(metric, expression, None, value, note)
    return Threshold(metric, expression, stated, value)


def _thresholds(name: str, thresholds: Any, values: dict[str, Any], flat: bool) -> Iterator[Threshold]:
    if thresholds is None or thresholds == []:
        return
    if isinstance(thresholds, list):
        yield from _listed_thresholds([{"metric": name, **as_dict(entry)} for entry in thresholds], {name: values})
        return
    if not isinstance(thresholds, dict):
        raise Reject(f"the thresholds of the metric {clip(name, 100)} are not an object")
    for expression, verdict in thresholds.items():
        stated: bool | None = None
        if isinstance(verdict, dict):
            stated = verdict["ok"] if isinstance(verdict.get("ok"), bool) else None
        elif isinstance(verdict, bool) and flat:
            stated = not verdict
        yield _threshold(name, expression, stated, values)


def _listed_thresholds(thresholds: Any, metrics: dict[str, dict[str, Any]]) -> Iterator[Threshold]:
    """Thresholds as a list of objects that name their metric, expression and verdict."""
    for entry in as_list(thresholds):
        told = as_dict(entry)
        metric = as_text(told.get("metric") or told.get("name"))
        expression = as_text(told.get("expression") or told.get("threshold") or told.get("source"))
        verdict = told.get("ok", told.get("passed"))
        values, _flat = _values(metrics.get(metric, {}))
        yield _threshold(metric, expression, verdict if isinstance(verdict, bool) else None, values)


def _walk(group: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The checks of a group and of the groups in it; both are lists in one spelling, objects in the other."""
    for kind in ("checks", "groups"):
        inside = group.get(kind)
        entries = list(inside.values()) if isinstance(inside, dict) else as_list(inside)
        for entry in entries:
            if isinstance(entry, dict):
                if kind == "checks":
                    yield entry
                else:
                    yield from _walk(entry)


def _checks(document: dict[str, Any], metrics: dict[str, dict[str, Any]], modern: bool) -> tuple[dict[str, Any], Cases]:
    """How many checks passed and failed, with the failing ones named; and the invariants that names prove."""
    cases = Cases()
    passes = fails = 0
    failing: list[tuple[int, int, str]] = []
    if modern:
        named = [as_dict(entry) for entry in as_list(as_dict(document["results"].get("checks")).get("results"))]
    else:
        named = list(_walk(as_dict(document.get("root_group"))))
    for check in named:
        hits, misses = count(check.get("passes")) or 0, count(check.get("fails")) or 0
        passes, fails = passes + hits, fails + misses
        name = clip(as_text(check.get("name")), 300)
        if hits or misses:
            cases.add(name, Result.FAILED if misses else Result.PASSED)
        if misses:
            failing.append((misses, hits, name))
    values, _flat = _values(metrics.get("checks", {}))
    stated = (count(values.get("passes")), count(values.get("fails")))
    told: dict[str, Any] = {"passes": passes, "fails": fails}
    if stated[0] is not None and stated[1] is not None and stated != (passes, fails):
        # The named checks are only of the root group's tree; the metric counts every one.
        told = {"passes": stated[0], "fails": stated[1]}
        if named:
            told["named"] = {"passes": passes, "fails": fails}
    if failing:
        worst = sorted(failing, reverse=True)[:TOP_TESTS]
        told["failing"] = [{"name": name, "passes": hits, "fails": misses} for misses, hits, name in worst]
    return told, cases


def _measure(load: Load, metrics: dict[str, dict[str, Any]]) -> None:
    requests, _flat = _values(metrics.get("http_reqs", {}))
    load.requests = count(requests.get("count"))
    load.requests_per_second = number(requests.get("rate"))
    errors, _flat = _values(metrics.get("http_req_failed", {}))
    load.error_rate = _aggregate("rate", errors)
    # In this metric a "pass" is a request that failed.
    load.failed = count(errors.get("passes", errors.get("matches")))
    for name in _TIMES:
        times, _flat = _values(metrics.get(name, {}))
        found: dict[str, float] = {}
        for key, value in times.items():
            match = re.fullmatch(r"(avg|min|max|med|p\((\d{1,2}(?:\.\d{1,6})?|100)\))", key)
            amount = number(value)
            if match and amount is not None:
                found["p50" if key == "med" else f"p{match.group(2)}" if match.group(2) else key] = amount
        if found:
            load.percentiles = found
            load.facts["percentiles_of"] = name
            return


def _describe(load: Load, document: dict[str, Any]) -> None:
    """What the summary says of the run itself: duration, script, version, time."""
    load.duration_ms = number(as_dict(document.get("state")).get("testRunDurationMs"))
    config, metadata = as_dict(document.get("config")), as_dict(document.get("metadata"))
    seconds = number(config.get("duration"))
    if load.duration_ms is None and seconds is not None:
        load.duration_ms = number(seconds * 1000)
    load.name = as_text(config.get("script")).rpartition("/")[2]
    load.version = as_text(metadata.get("k6Version") or metadata.get("k6_version"))
    load.completed_at = moment(metadata.get("generatedAt") or metadata.get("generated_at"))


def _names(group: dict[str, Any], depth: int = 0) -> Iterator[str]:
    """The names of the script's groups and checks, which are the same from run to run."""
    for kind in ("groups", "checks"):
        told = group.get(kind)
        entries = list(told.values()) if isinstance(told, dict) else as_list(told)
        for entry in map(as_dict, entries[:1000]):
            yield as_text(entry.get("name"))
            if kind == "groups" and depth < 5:
                yield from _names(entry, depth + 1)
