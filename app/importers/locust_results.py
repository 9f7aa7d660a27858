"""Locust's results: the statistics, history and failures tables of every version, `--json` and the web interface's
requests JSON. One of the dialects of `load_stats`.

The row Aggregated (Total in older versions) is Locust's own account of the whole run and the only one with the
run's percentiles, so it is the headline; where the sum of the other rows differs, that is told beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from app.importers.base import Artifact, Reject
from app.importers.capacity import Durations, Load
from app.importers.documents import as_dict, as_list, as_text
from app.importers.figures import count, number
from app.importers.moments import moment
from app.importers.tables import rows, split

_REQUESTS = ("request count", "# requests", "num_requests")
_FAILURES = ("failure count", "# failures", "num_failures")
_SUMS = ("aggregated", "total")


def columns_of(line: str) -> list[str]:
    """The header's columns in lower case, or none when it is not a Locust table."""
    columns = [field.strip().lower() for field in split(line.strip("\ufeff\r\n"), ",")]
    named = "name" in columns and ("type" in columns or "method" in columns)
    if named and set(columns) & set(_REQUESTS):
        return columns
    if "user count" in columns and "name" in columns and "total request count" in columns:
        return columns
    if named and {"error", "occurrences"} <= set(columns):
        return columns
    return []


def is_entries(document: Any) -> bool:
    """`--json`: a list of request statistics."""
    return (
        isinstance(document, list)
        and bool(document)
        and all(isinstance(entry, dict) and "num_requests" in entry and "num_failures" in entry for entry in document)
    )


def is_stats(document: dict[str, Any]) -> bool:
    """The web interface's requests JSON."""
    return is_entries(document.get("stats")) and ("fail_ratio" in document or "errors" in document)


def read_table(artifact: Artifact) -> Load:
    """Whichever of the three tables it is."""
    table = rows(artifact)
    _line, header = next(table, (0, []))
    columns = [field.strip().lower().strip("\ufeff") for field in header]
    told = []
    for line, fields in table:
        if len(fields) < min(len(columns), 8):
            raise Reject(f"a row of {len(fields)} fields under {len(columns)} columns; the file is cut", line=line)
        told.append((line, dict(zip(columns, fields, strict=False))))
        if len(told) > 100_000:
            raise Reject("more than 100,000 rows of statistics", line=line)
    if "occurrences" in columns:
        return _failures(told)
    return _history(told) if "total request count" in columns else _statistics(told)


def _first(row: dict[str, Any], names: Iterable[str]) -> Any:
    return next((row[name] for name in names if name in row), None)


def _statistics(table: list[tuple[int, dict[str, str]]]) -> Load:
    load = Load("Locust")
    requests = failed = 0
    known = True
    for line, row in table:
        some, bad = count(_first(row, _REQUESTS)), count(_first(row, _FAILURES))
        if some is None or (bad is None and _first(row, _FAILURES) is not None):
            raise Reject("a row without a readable number of requests and failures", line=line)
        known = known and bad is not None
        if row.get("name", "").strip().lower() in _SUMS and load.requests is None and _is_sum(row):
            load.requests, load.failed = some, bad
            _measure(load, row)
        else:
            requests, failed = requests + some, failed + (bad or 0)
            load.labels.add(f"{_first(row, ('type', 'method')) or ''} {row.get('name', '')}".strip(), some, bad or 0)
    if not table:
        raise Reject("the statistics have a header and no rows")
    if load.requests is None:
        load.requests, load.failed = requests, failed if known else None
    elif requests and (load.requests, load.failed) != (requests, failed if known else None):
        load.facts["sum_of_rows"] = {"requests": requests, "failed": failed}
    return load


def _is_sum(row: dict[str, str]) -> bool:
    return (_first(row, ("type", "method")) or "").strip().lower() in ("", "none")


def _measure(load: Load, row: dict[str, Any]) -> None:
    keys = {"min": "min response time", "avg": "average response time", "p50": "median response time"}
    keys["max"] = "max response time"
    found = {name: value for name, key in keys.items() if (value := number(row.get(key))) is not None}
    for key, text in row.items():
        match = re.fullmatch(r"(\d{1,3}(?:\.\d{1,6})?)%", key or "")
        value = number(text)
        if match and value is not None and float(match.group(1)) < 100:
            found.setdefault(f"p{match.group(1)}", value)
    load.percentiles = found
    load.requests_per_second = number(row.get("requests/s"))


def _history(table: list[tuple[int, dict[str, str]]]) -> Load:
    """The last row of the run's totals counts; the table has one a second."""
    load = Load("Locust", facts={"source": "history"})
    for line, row in table:
        at = moment(number(row.get("timestamp")))
        load.started_at = load.started_at or at
        load.completed_at = at or load.completed_at
        if row.get("name", "").strip().lower() in _SUMS:
            load.requests = count(row.get("total request count"))
            load.failed = count(row.get("total failure count"))
            if load.requests is None or load.failed is None:
                raise Reject("a row without a readable number of requests and failures", line=line)
            keys = {"min": "total min response time", "avg": "total average response time"}
            keys |= {"p50": "total median response time", "max": "total max response time"}
            load.percentiles = {k: v for k, key in keys.items() if (v := number(row.get(key))) is not None}
    if load.requests is None:
        raise Reject("the history has no row of the run's totals (Aggregated)")
    return load


def _failures(table: list[tuple[int, dict[str, str]]]) -> Load:
    """Only what failed is listed: how many requests there were is unknown, so no failure is no pass."""
    load = Load("Locust", failed=0, facts={"source": "failures"})
    for line, row in table:
        times = count(row.get("occurrences"))
        if times is None:
            raise Reject("a row without a readable number of occurrences", line=line)
        load.failed = (load.failed or 0) + times
        load.labels.add(f"{row.get('method', '')} {row.get('name', '')}".strip(), times, times)
    return load


def read_json(document: Any) -> Load:
    """Entries of `--json`, or the web interface's object around them."""
    entries = as_list(as_dict(document).get("stats")) if isinstance(document, dict) else document
    load, times = Load("Locust"), Durations()
    requests = failed = 0
    total: dict[str, Any] = {}
    started, ended = list[float](), list[float]()
    for entry in entries:
        told = as_dict(entry)
        some, bad = count(told.get("num_requests")), count(told.get("num_failures"))
        if some is None or bad is None:
            raise Reject(f"the entry {as_text(told.get('name'))[:100]!r} has no readable num_requests and num_failures")
        if as_text(told.get("name")).lower() in _SUMS and not as_text(told.get("method")):
            total, load.requests, load.failed = told, some, bad
            continue
        requests, failed = requests + some, failed + bad
        load.labels.add(f"{as_text(told.get('method'))} {as_text(told.get('name'))}".strip(), some, bad)
        for time, amount in as_dict(told.get("response_times")).items():
            milliseconds = number(time)
            if milliseconds is not None:
                times.add(milliseconds, count(amount) or 0)
        started.extend(filter(None, [number(told.get("start_time"))]))
        ended.extend(filter(None, [number(told.get("last_request_timestamp"))]))
    if not total:
        load.requests, load.failed = requests, failed
    elif requests and (load.requests, load.failed) != (requests, failed):
        load.facts["sum_of_rows"] = {"requests": requests, "failed": failed}
    load.percentiles = times.percentiles()
    if not load.percentiles:
        keys = {"min": "min_response_time", "avg": "avg_response_time", "p50": "median_response_time"}
        keys["max"] = "max_response_time"
        load.percentiles = {k: v for k, key in keys.items() if (v := number(total.get(key))) is not None}
    load.started_at = moment(min(started)) if started else None
    load.completed_at = moment(max(ended)) if ended else None
    load.requests_per_second = number(as_dict(document).get("total_rps"))
    if not load.requests:
        raise Reject("the statistics count no requests")
    return load
