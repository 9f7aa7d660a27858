"""Gatling's results: stats.json and stats.js, global_stats.json, assertions.json and the text simulation.log.
One of the dialects of `load_stats`.

stats.js is the same document as stats.json with bare keys, followed by a function; only its object is read, as data.
Since 3.11 simulation.log is binary and undocumented, so only the text form is known. A request's verdict is OK or KO.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from app.importers.base import Artifact, Reject, clip
from app.importers.capacity import Durations, Labels, Load, Threshold
from app.importers.documents import as_dict, as_list, as_text, parse_json, read_text
from app.importers.figures import count, number
from app.importers.moments import moment
from app.importers.tables import lines

_BARE_KEY = re.compile(r"(?m)^(\s*)(type|name|path|pathFormatted|stats|contents)\s*:")
_STAMP = re.compile(r"\d{13}")


def is_stats(document: dict[str, Any]) -> bool:
    """stats.json, or the statistics of one of its entries such as global_stats.json."""
    stats = document.get("stats") if isinstance(document.get("stats"), dict) else document
    requests = as_dict(stats).get("numberOfRequests")
    return isinstance(requests, dict) and "ko" in requests


def is_assertions(document: dict[str, Any]) -> bool:
    """assertions.json: the simulation's assertions with their results."""
    return isinstance(document.get("assertions"), list) and "simulation" in document


def is_script(some: tuple[str, ...]) -> bool:
    """stats.js."""
    head = "\n".join(some)[:400]
    return head.startswith("var stats = {") and "GROUP" in head


def is_log(some: tuple[str, ...]) -> bool:
    """The text simulation.log: tab-separated records."""
    return any(
        ((fields := line.split("\t"))[0] in ("RUN", "ASSERTION") and len(fields) > 1)
        or ("REQUEST" in fields[:3] and ("OK" in fields or "KO" in fields))
        for line in some
    )


def read_script(artifact: Artifact) -> Load:
    """The object in stats.js."""
    text = read_text(artifact)
    body = text[text.find("{") :].partition("\nfunction ")[0].rstrip().rstrip(";")
    document = parse_json(_BARE_KEY.sub(r'\1"\2":', body))
    if not isinstance(document, dict) or not is_stats(document):
        raise Reject("the object in stats.js is not Gatling's statistics")
    return read_stats(document)


def _leaves(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The requests below an entry; groups only sum them up."""
    contents = as_dict(entry.get("contents"))
    if not contents and entry.get("type") == "REQUEST":
        yield entry
    for inner in contents.values():
        yield from _leaves(as_dict(inner))


def _counts(stats: dict[str, Any]) -> tuple[int, int]:
    told = as_dict(stats.get("numberOfRequests"))
    total, failed = _figure(told.get("total")), _figure(told.get("ko"))
    if total is None or failed is None:
        raise Reject(f"no readable number of requests and failures of {clip(as_text(stats.get('name')), 100)!r}")
    return int(total), int(failed)


def _figure(value: Any) -> float | None:
    """Gatling writes "-" for none."""
    return 0.0 if value == "-" else count(value)


def read_stats(document: dict[str, Any]) -> Load:
    """The requests' counts are summed; the response times are those of all requests together."""
    stats = document["stats"] if isinstance(document.get("stats"), dict) else document
    total, failed = _counts(stats)
    load = Load("Gatling", total, failed)
    requests = failures = 0
    for leaf in _leaves(document):
        some, bad = _counts(as_dict(leaf.get("stats")))
        requests, failures = requests + some, failures + bad
        load.labels.add(as_text(leaf.get("name")), some, bad)
    if requests and (requests, failures) != (total, failed):
        load.requests, load.failed = requests, failures
        load.facts["declared"] = {"requests": total, "failed": failed}
    # The four percentiles are settings of Gatling, 50, 75, 95 and 99 unless changed; the file does not say.
    keys = {"min": "minResponseTime", "avg": "meanResponseTime", "p50": "percentiles1", "p75": "percentiles2"}
    keys |= {"p95": "percentiles3", "p99": "percentiles4", "max": "maxResponseTime"}
    load.percentiles = {
        name: value for name, key in keys.items() if (value := number(as_dict(stats.get(key)).get("total"))) is not None
    }
    load.requests_per_second = number(as_dict(stats.get("meanNumberOfRequestsPerSecond")).get("total"))
    return load


def read_assertions(document: dict[str, Any]) -> Load:
    """Every assertion becomes a threshold; the file holds no requests."""
    load = Load("Gatling", name=as_text(document.get("simulation")))
    load.started_at = moment(number(document.get("start")))
    for entry in document["assertions"]:
        told = as_dict(entry)
        expected = ", ".join(as_text(value) for value in as_list(told.get("expectedValues"))[:5])
        expression = as_text(told.get("message")) or f"{as_text(told.get('condition'))} {expected}".strip()
        metric = f"{as_text(told.get('path'))} {as_text(told.get('target'))}".strip()
        verdict = told.get("result")
        if isinstance(verdict, str):
            verdict = {"true": True, "false": False}.get(verdict.lower())
        actual = as_list(told.get("actualValue")) or [told.get("actualValue")]
        ok = verdict if isinstance(verdict, bool) else None
        load.thresholds.append(Threshold(metric, expression, ok, number(actual[0])))
    if not load.thresholds:
        raise Reject("the file lists no assertions")
    return load


def read_log(artifact: Artifact) -> Load:
    """Counts the REQUEST records: their first and last epoch before the verdict are start and end."""
    times, labels = Durations(), Labels()
    requests = failed = 0
    first = last = 0
    load = Load("Gatling")
    for line_number, line in lines(artifact):
        fields = line.rstrip("\r\n").split("\t")
        if fields[0] == "RUN" and len(fields) > 2:
            load.name = fields[1].rpartition(".")[2]
            load.version = fields[-1].strip() if re.fullmatch(r"\s*\d[\w.-]*\s*", fields[-1]) else ""
        if "REQUEST" not in fields[:3]:
            continue
        at = next((i for i, field in enumerate(fields) if i >= 3 and field in ("OK", "KO")), None)
        stamps = [i for i in range(at or 0) if _STAMP.fullmatch(fields[i])]
        if at is None or len(stamps) < 2:
            raise Reject("a request record without start, end and verdict; the file is cut", line=line_number)
        start, end = int(fields[stamps[0]]), int(fields[stamps[-1]])
        requests += 1
        failed += fields[at] == "KO"
        times.add(end - start)
        labels.add(fields[stamps[0] - 1], 1, int(fields[at] == "KO"))
        first, last = (min(first, start) if first else start), max(last, end)
    if not requests:
        raise Reject("the simulation log holds no requests")
    load.requests, load.failed, load.percentiles, load.labels = requests, failed, times.percentiles(), labels
    load.started_at, load.completed_at = _at(first), _at(last)
    if last > first:
        load.duration_ms = last - first
        load.requests_per_second = round(1000 * requests / (last - first), 3)
    return load


def _at(milliseconds: int) -> datetime | None:
    return moment(milliseconds)
