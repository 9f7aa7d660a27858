"""JMeter's results: JTL tables with or without a header, JTL XML, the dashboard's statistics.json, aggregate tables
and the summariser's log lines. One of the dialects of `load_stats`.

Source: "CSV Log format" and "XML Log format" in JMeter's user manual (Listeners). A row or a top-level sample is one
request, as JMeter's own reports count; samples inside samples are counted apart. `success` is the verdict after
assertions. Truncated tables are refused: a row with fewer fields than the header.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from xml.etree.ElementTree import Element

from app.importers.base import Artifact, Reject
from app.importers.capacity import Durations, Labels, Load
from app.importers.documents import as_dict
from app.importers.figures import count, number
from app.importers.markup import pruned
from app.importers.moments import moment
from app.importers.tables import lines, rows, split

DELIMITERS = (",", "\t", ";", "|")

SAMPLES = frozenset({"httpSample", "sample", "sampleResult"})

_BARE = ("timeStamp", "elapsed", "label", "responseCode", "responseMessage", "threadName", "dataType", "success")
"""The first columns of a table without a header (jmeter.save.saveservice.print_field_names=false)."""

_SUMMARY = re.compile(
    r"(?P<name>[^:]*?)\s(?P<kind>[+=])\s+(?P<requests>\d+)\s+in\s+(?P<time>[\d:.]+)s?\s*=\s*(?P<rate>[\d.,]+)/s"
    r"\s+Avg:\s*(?P<avg>\d+)\s+Min:\s*(?P<min>\d+)\s+Max:\s*(?P<max>\d+)\s+Err:\s*(?P<failed>\d+)\s*\("
)
_LOGGER = re.compile(
    r"\b(?:o\.a\.j\.|org\.apache\.jmeter\.|jmeter\.[a-z]+\.[A-Z]|jmeter\.JMeter:)|Creating summariser <"
)
_AGGREGATE = {"sampler_label": "label", "aggregate_report_count": "# samples", "average": "average"}


def header_of(line: str) -> tuple[str, list[str]] | None:
    """(delimiter, columns) when the line is the header of a JTL table or the first row of one without."""
    for delimiter in DELIMITERS:
        fields = [field.strip() for field in split(line.strip("\ufeff\r\n"), delimiter)]
        if len(fields) >= 3 and "elapsed" in fields and {"timeStamp", "label", "success"} & set(fields):
            return delimiter, fields
        if (
            len(fields) >= len(_BARE)
            and re.fullmatch(r"\d{13}", fields[0])
            and re.fullmatch(r"\d{1,10}", fields[1])
            and fields[len(_BARE) - 1].lower() in ("true", "false")
        ):
            return delimiter, list(_BARE)
    return None


def is_aggregate(line: str) -> bool:
    """The header of an aggregate or summary report saved as a table."""
    fields = {field.strip().lower() for field in split(line, ",")}
    return {"label", "# samples", "average", "error %"} <= fields or (
        {"sampler_label", "aggregate_report_count"} <= fields
    )


def is_log(some: tuple[str, ...]) -> bool:
    """JMeter's own log, or what its summariser prints."""
    return any(_LOGGER.search(line[:400]) or _SUMMARY.search(line[:400]) for line in some)


class _Run:
    """What samples add up to."""

    def __init__(self) -> None:
        self.requests = self.failed = 0
        self.times, self.labels = Durations(), Labels()
        self.first: datetime | None = None
        self.last: datetime | None = None

    def add(self, label: str, elapsed: float, success: bool, started: datetime | None) -> None:
        self.requests += 1
        self.failed += not success
        self.times.add(elapsed)
        self.labels.add(label, 1, int(not success))
        if started is not None:
            ended = started + timedelta(milliseconds=min(max(elapsed, 0.0), 1e10))
            self.first = started if self.first is None else min(self.first, started)
            self.last = ended if self.last is None else max(self.last, ended)

    def load(self, **facts: Any) -> Load:
        load = Load("JMeter", self.requests, self.failed, self.times.percentiles(), labels=self.labels)
        load.started_at, load.completed_at = self.first, self.last
        if self.first and self.last and self.last > self.first:
            load.duration_ms = round((self.last - self.first).total_seconds() * 1000)
            load.requests_per_second = round(1000 * self.requests / load.duration_ms, 3) if load.duration_ms else None
        load.facts = {key: value for key, value in facts.items() if value}
        return load


def _started(text: str) -> datetime | None:
    if re.fullmatch(r"\d{10,19}", text):
        return moment(int(text))
    return moment(text.replace("/", "-"))


def read_table(artifact: Artifact) -> Load:
    """A JTL table. Rejects a row that is cut short or has no readable time or verdict, with its line."""
    first = next((line for _number, line in lines(artifact) if line.strip()), "")
    found = header_of(first)
    if found is None:
        raise Reject("the table's header has no columns of a JMeter result", line=1)
    delimiter, columns = found
    headed = columns != list(_BARE) or "elapsed" in first
    if "success" not in columns:
        raise Reject("the table has no column 'success', so which requests failed is unknown", line=1)
    at = {name: columns.index(name) for name in columns}
    run, transactions = _Run(), 0
    for line, fields in rows(artifact, delimiter):
        if headed and fields[0].strip("\ufeff ") == columns[0]:
            continue  # the header, which JMeter writes again when it appends to a file
        if len(fields) < len(columns):
            raise Reject(f"a row of {len(fields)} fields under {len(columns)} columns; the file is cut", line=line)
        elapsed = number(fields[at["elapsed"]])
        success = fields[at["success"]].strip().lower()
        if elapsed is None or success not in ("true", "false"):
            raise Reject("a row without a readable elapsed time and success", line=line)
        started = _started(fields[at["timeStamp"]].strip()) if "timeStamp" in at else None
        run.add(fields[at["label"]] if "label" in at else "", elapsed, success == "true", started)
        message = fields[at["responseMessage"]] if "responseMessage" in at else ""
        transactions += message.startswith("Number of samples in transaction")
    if not run.requests:
        raise Reject("the table has a header and no samples")
    return run.load(transactions=transactions)


def read_xml(artifact: Artifact) -> Load:
    """JTL XML, as a stream. Both attribute styles: `t`, `s`, `ts`, `lb` and the older `time`, `success`, `label`."""
    run, inner, depth = _Run(), 0, 0
    for event, name, element in pruned(artifact, frozenset()):
        if name not in SAMPLES:
            continue
        if event == "start":
            depth += 1
            continue
        depth -= 1
        if depth:
            inner += 1
        else:
            _add_sample(run, element)
    if not run.requests:
        raise Reject("the JMeter results hold no samples")
    return run.load(sub_samples=inner)


def _add_sample(run: _Run, element: Element) -> None:
    def told(*names: str) -> str:
        return next((element.attrib[name] for name in names if name in element.attrib), "")

    elapsed = number(told("t", "time"))
    success = told("s", "success").strip().lower()
    if elapsed is None or success not in ("true", "false"):
        raise Reject(f"the sample number {run.requests + 1} has no readable time (t) and success (s)")
    run.add(told("lb", "label"), elapsed, success == "true", _started(told("ts", "timeStamp").strip()))


def is_statistics(document: dict[str, Any]) -> bool:
    """The dashboard's statistics.json: objects by label, each with a sample count and response times."""
    entries = list(document.values())
    return bool(entries) and all(
        isinstance(entry, dict) and "sampleCount" in entry and "meanResTime" in entry for entry in entries
    )


def read_statistics(document: dict[str, Any]) -> Load:
    """The entry `Total`, or the sum of all labels where it is missing."""
    load = Load("JMeter")
    requests = failed = 0
    for label, entry in document.items():
        told = as_dict(entry)
        samples, errors = count(told.get("sampleCount")), count(told.get("errorCount"))
        if samples is None or errors is None:
            raise Reject(f"the entry {label[:100]!r} has no readable sampleCount and errorCount")
        if label == "Total":
            load.requests, load.failed = samples, errors
            load.requests_per_second = number(told.get("throughput"))
            # The three percentiles are settings of the dashboard, 90, 95 and 99 unless changed.
            keys = {"min": "minResTime", "avg": "meanResTime", "p50": "medianResTime", "p90": "pct1ResTime"}
            keys |= {"p95": "pct2ResTime", "p99": "pct3ResTime", "max": "maxResTime"}
            load.percentiles = {k: v for k, key in keys.items() if (v := number(told.get(key))) is not None}
        else:
            requests, failed = requests + samples, failed + errors
            load.labels.add(label, samples, errors)
    if load.requests is None:
        load.requests, load.failed = requests, failed
    return load


def read_aggregate(artifact: Artifact) -> Load:
    """An aggregate or summary report saved as a table: one row a label, and TOTAL."""
    load, columns = Load("JMeter"), list[str]()
    requests = failed = 0
    for line, fields in rows(artifact):
        if not columns:
            columns = [_AGGREGATE.get(f.strip().lower(), f.strip().lower()) for f in fields]
            columns = [
                c.replace("aggregate_report_", "").replace("_line", " line").replace("error%", "error %")
                for c in columns
            ]
            continue
        if len(fields) < len(columns):
            raise Reject(f"a row of {len(fields)} fields under {len(columns)} columns; the file is cut", line=line)
        told = dict(zip(columns, fields, strict=False))
        samples, share = count(told.get("# samples")), number(told.get("error %", "").rstrip("% "))
        if samples is None or share is None:
            raise Reject("a row without a readable number of samples and share of errors", line=line)
        if "%" not in told.get("error %", ""):
            share *= 100  # the older report writes 0 to 1
        errors = round(samples * share / 100)
        if told.get("label", "").upper() == "TOTAL":
            load.requests, load.failed = samples, errors
            keys = {"min": "min", "avg": "average", "p50": "median", "p90": "90% line", "p95": "95% line"}
            keys |= {"p99": "99% line", "max": "max"}
            load.percentiles = {k: v for k, key in keys.items() if (v := number(told.get(key))) is not None}
        else:
            requests, failed = requests + samples, failed + errors
            load.labels.add(told.get("label", ""), samples, errors)
    if load.requests is None:
        load.requests, load.failed = requests, failed
    if not load.requests:
        raise Reject("the report has a header and no samples")
    return load


def read_log(artifact: Artifact) -> Load:
    """The summariser's lines: `=` is the running total, of which the last counts; `+` is what came since."""
    total: re.Match[str] | None = None
    since = list[re.Match[str]]()
    for _number, line in lines(artifact):
        match = _SUMMARY.search(line[:2000])
        if match and match["kind"] == "=":
            total, since = match, []
        elif match and len(since) < 100_000:
            since.append(match)
    if total is None:
        raise Reject(
            "the JMeter log has no final summary line (summary = ...); the run did not end, or had no summariser"
        )
    load = Load("JMeter", count(total["requests"]), count(total["failed"]))
    load.requests_per_second = number(total["rate"].replace(",", "."))
    load.percentiles = {key: float(total[key]) for key in ("min", "avg", "max") if number(total[key]) is not None}
    load.facts = {"source": "summariser"}
    return load
