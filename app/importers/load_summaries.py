"""Load results that come summed up: Taurus' final statistics (XML and table), wrk's and wrk2's text, Iago's log.
Dialects of `load_stats`.

Taurus gives seconds, which become milliseconds here; its group without a label is the whole run. wrk has no verdict
of its own: answers that are neither 2xx nor 3xx and socket errors count as failed.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree.ElementTree import Element

from app.importers.base import Artifact, Reject
from app.importers.capacity import Load
from app.importers.documents import parse_json, read_text
from app.importers.figures import count, number
from app.importers.markup import child, children, text_of, tree
from app.importers.moments import moment
from app.importers.tables import lines, rows

_RUNNING = re.compile(r"^Running (?P<time>\S+) test @ (?P<url>\S+)", re.MULTILINE)
_TOTAL = re.compile(r"^\s*(?P<requests>\d+) requests in (?P<time>[\d.]+\w+), \S+ read", re.MULTILINE)
_ERRORS = re.compile(r"^\s*Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", re.MULTILINE)
_ANSWERS = re.compile(r"^\s*Non-2xx or 3xx responses: (\d+)", re.MULTILINE)
_RATE = re.compile(r"^Requests/sec:\s*([\d.]+)", re.MULTILINE)
_LATENCY = re.compile(r"^\s*Latency\s+([\d.]+\w+)\s+([\d.]+\w+)\s+([\d.]+\w+)", re.MULTILINE)
_PERCENTILE = re.compile(r"^\s*(\d{1,3}(?:\.\d+)?)%\s+([\d.]+(?:us|ms|s|m|h))\s*$", re.MULTILINE)
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0, "h": 3_600_000.0}
_IAGO = re.compile(r"stats: (\{.*\})\s*$")
_WRK_LIMIT = 1024 * 1024


def is_wrk(some: tuple[str, ...]) -> bool:
    """What wrk and wrk2 print."""
    return any(_RUNNING.match(line) for line in some)


def is_iago(some: tuple[str, ...]) -> bool:
    """Iago's (parrot) log with lines of statistics."""
    return any("stats: {" in line[:200] and '"client' in line and "request" in line for line in some)


def is_taurus_table(line: str) -> bool:
    """Taurus' final statistics as a table."""
    columns = {field.strip() for field in line.split(",")}
    return {"succ", "fail", "throughput", "avg_rt"} <= columns


def _milliseconds(text: str) -> float | None:
    match = re.fullmatch(r"([\d.]+)(us|ms|s|m|h)", text)
    amount = number(match.group(1)) if match else None
    return round(amount * _UNITS[match.group(2)], 6) if match and amount is not None else None


def read_wrk(artifact: Artifact) -> Load:
    """One run of wrk. Rejects output that stops before the totals."""
    text = read_text(artifact, _WRK_LIMIT)
    total, running = _TOTAL.search(text), _RUNNING.search(text)
    if total is None:
        raise Reject("wrk's output ends before its totals (... requests in ...); the run did not finish")
    answers, errors = _ANSWERS.search(text), _ERRORS.search(text)
    sockets = [int(group) for group in errors.groups()] if errors else []
    bad = int(answers.group(1)) if answers else 0
    load = Load("wrk", count(total["requests"]), bad + sum(sockets))
    load.name = running["url"] if running else ""
    load.duration_ms = _milliseconds(total["time"])
    rate = _RATE.search(text)
    load.requests_per_second = number(rate.group(1)) if rate else None
    latency = _LATENCY.search(text)
    found = {f"p{key}": _milliseconds(value) for key, value in _PERCENTILE.findall(text)[:20]}
    if latency:
        found |= {"avg": _milliseconds(latency.group(1)), "max": _milliseconds(latency.group(3))}
    load.percentiles = {_plain(key): value for key, value in found.items() if value is not None}
    load.facts = {"non_2xx_3xx": bad}
    if errors:
        load.facts["socket_errors"] = dict(zip(("connect", "read", "write", "timeout"), sockets, strict=True))
    return load


def _plain(key: str) -> str:
    """p50 for wrk2's p50.000."""
    return re.sub(r"(\.\d*?)0+$", r"\1", key).rstrip(".") if "." in key else key


def _value(element: Element | None) -> str:
    if element is None:
        return ""
    return element.attrib.get("value") or text_of(child(element, "value"))


def read_taurus_xml(artifact: Artifact) -> Load:
    """The final-stats module's XML dump."""
    root = tree(artifact)
    whole: tuple[int, int] | None = None
    load = Load("Taurus")
    sums = [0, 0]
    for group in children(root, "Group"):
        passed, failed = count(_value(child(group, "succ"))), count(_value(child(group, "fail")))
        if passed is None or failed is None:
            raise Reject("a group without a readable number of successes and failures (succ, fail)")
        label = group.attrib.get("label", "")
        if not label and whole is None:
            whole = (passed + failed, failed)
            times: dict[str, float | None] = {"avg": number(_value(child(group, "avg_rt")))}
            for entry in children(group, "perc"):
                share = number(entry.attrib.get("param"))
                if share is not None:
                    times[_percentile(share)] = number(_value(entry))
            load.percentiles = _in_ms(times)
        else:
            sums = [sums[0] + passed + failed, sums[1] + failed]
            load.labels.add(label, passed + failed, failed)
    _settle(load, whole, sums)
    seconds = number(text_of(child(root, "TestDuration")))
    load.duration_ms = number(seconds * 1000) if seconds is not None else None
    return load


def read_taurus_table(artifact: Artifact) -> Load:
    """The final-stats module's CSV dump."""
    load, columns, whole, sums = Load("Taurus"), list[str](), None, [0, 0]
    for line, fields in rows(artifact):
        if not columns:
            columns = [field.strip() for field in fields]
            continue
        if len(fields) < len(columns):
            raise Reject(f"a row of {len(fields)} fields under {len(columns)} columns; the file is cut", line=line)
        told = dict(zip(columns, fields, strict=False))
        passed, failed = count(told.get("succ")), count(told.get("fail"))
        if passed is None or failed is None:
            raise Reject("a row without a readable number of successes and failures", line=line)
        label = told.get("label", "")
        if not label and whole is None:
            whole = (passed + failed, failed)
            times: dict[str, float | None] = {"avg": number(told.get("avg_rt"))}
            for key, value in told.items():
                share = number(key[5:]) if key.startswith("perc_") else None
                if share is not None:
                    times[_percentile(share)] = number(value)
            load.percentiles = _in_ms(times)
        else:
            sums = [sums[0] + passed + failed, sums[1] + failed]
            load.labels.add(label, passed + failed, failed)
    _settle(load, whole, sums)
    return load


def _in_ms(seconds: dict[str, float | None]) -> dict[str, float]:
    found = {key: number(value * 1000) for key, value in seconds.items() if value is not None}
    return {key: round(value, 3) for key, value in found.items() if value is not None}


def _percentile(share: float) -> str:
    return {0.0: "min", 100.0: "max"}.get(share, f"p{share:g}")


def _settle(load: Load, whole: tuple[int, int] | None, sums: list[int]) -> None:
    """The group of the whole run counts; in Taurus a request may belong to more than one label."""
    load.requests, load.failed = whole if whole is not None else (sums[0], sums[1])
    if not load.requests:
        raise Reject("the statistics count no requests")


def read_iago(artifact: Artifact) -> Load:
    """Iago logs its counters once a minute, for that minute; they are added up. Percentiles cannot be."""
    load = Load("Iago", 0, 0)
    answered = total = 0.0
    least, most = list[float](), list[float]()
    for line_number, line in lines(artifact):
        match = _IAGO.search(line)
        if match is None:
            if "stats: {" in line:
                raise Reject("a line of statistics that is cut", line=line_number)
            continue
        try:
            told = parse_json(match.group(1))
        except Reject as refused:
            raise Reject(refused.reason, line=line_number) from None
        requests, failed = count(told.get("client/requests")), count(told.get("client/failures", 0))
        if requests is None or failed is None:
            raise Reject("a line of statistics without a readable number of requests", line=line_number)
        load.requests, load.failed = (load.requests or 0) + requests, (load.failed or 0) + failed
        answered += number(told.get("client/request_latency_ms_count")) or 0
        total += number(told.get("client/request_latency_ms_sum")) or 0
        least.extend(_some(told.get("client/request_latency_ms_minimum")))
        most.extend(_some(told.get("client/request_latency_ms_maximum")))
        at = moment(number(told.get("timestamp")))
        load.started_at, load.completed_at = load.started_at or at, at or load.completed_at
    if not load.requests:
        raise Reject("the log holds no statistics of requests")
    if answered and least and most:
        load.percentiles = {"min": min(least), "avg": round(total / answered, 3), "max": max(most)}
    return load


def _some(value: Any) -> list[float]:
    found = number(value)
    return [] if found is None else [found]
