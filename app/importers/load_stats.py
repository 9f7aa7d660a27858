"""Results of load tools other than k6, to one item that the capacity gate can be evaluated from (see `capacity`).

| dialect | what it is |
|---|---|
| jmeter-csv, jmeter-xml | JTL results, a header or none, either attribute style |
| jmeter-statistics, jmeter-aggregate, jmeter-log | statistics.json, the aggregate table, the summariser's lines |
| gatling-stats, gatling-assertions, gatling-log | stats.json, stats.js, global_stats.json; assertions.json; text log |
| locust-csv, locust-json | statistics, history and failures tables; `--json` and the web interface's JSON |
| taurus-xml, taurus-csv, wrk, iago | final statistics; printed output; log |

Evidence type `ci`, as `capacity` explains. A run without thresholds is judged by the tool's own verdict on each
request, as Locust's exit code does: any failed request fails it. No library reads more than one of these, and none
of them as a stream, so the readers are our own.
"""

from __future__ import annotations

from collections.abc import Callable

from app.importers import gatling_results, jmeter_results, load_summaries, locust_results
from app.importers.base import Artifact, ImportBatch, Probe, Reject, Rejected
from app.importers.capacity import Load
from app.importers.documents import as_dict, as_list, read_json
from app.importers.markup import events, local
from app.importers.tables import lines

FORMAT = "load-stats"

_HEAD_LINES = 200

_OBJECTS: tuple[tuple[str, Callable[[dict[str, object]], bool], Callable[[dict[str, object]], Load]], ...] = (
    ("gatling-stats", gatling_results.is_stats, gatling_results.read_stats),
    ("gatling-assertions", gatling_results.is_assertions, gatling_results.read_assertions),
    ("locust-json", locust_results.is_stats, locust_results.read_json),
    ("jmeter-statistics", jmeter_results.is_statistics, jmeter_results.read_statistics),
)


def detect(probe: Probe) -> bool:
    """One of the dialects above, by its header, root element or keys."""
    if probe.kind == "xml":
        return _xml_dialect(probe.root, probe.children) is not None
    if probe.kind == "json":
        if isinstance(probe.document, dict):
            return any(fits(probe.document) for _name, fits, _read in _OBJECTS)
        return locust_results.is_entries(probe.document)
    return probe.kind in ("csv", "text") and _text_dialect(probe.lines) is not None


def parse(artifact: Artifact) -> ImportBatch | Rejected:
    """One item with `capacity`."""
    with artifact.open() as stream:
        start = stream.read(4096).lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00")[:1]
    if start == b"<":
        dialect, load = _read_xml(artifact)
    elif start in (b"{", b"["):
        dialect, load = _read_json(artifact)
    else:
        dialect, load = _read_text(artifact)
    return ImportBatch(FORMAT, dialect=dialect, items=(load.item(),), subject=load.subject(dialect))


def _xml_dialect(root: str, inside: tuple[str, ...]) -> str | None:
    if root == "testResults" and (not inside or jmeter_results.SAMPLES & set(inside)):
        return "jmeter-xml"
    return "taurus-xml" if root == "FinalStatus" else None


def _read_xml(artifact: Artifact) -> tuple[str, Load]:
    _event, root = next(events(artifact))
    if local(root.tag) == "FinalStatus":
        return "taurus-xml", load_summaries.read_taurus_xml(artifact)
    return "jmeter-xml", jmeter_results.read_xml(artifact)


def _read_json(artifact: Artifact) -> tuple[str, Load]:
    document = read_json(artifact)
    for dialect, fits, read in _OBJECTS:
        if fits(as_dict(document)):
            return dialect, read(as_dict(document))
    if locust_results.is_entries(document):
        return "locust-json", locust_results.read_json(as_list(document))
    raise Reject("JSON that is none of Gatling's, Locust's or JMeter's statistics")


def _text_dialect(some: tuple[str, ...]) -> str | None:
    first = some[0] if some else ""
    tables: tuple[tuple[str, bool], ...] = (
        ("jmeter-csv", jmeter_results.header_of(first) is not None),
        ("jmeter-aggregate", jmeter_results.is_aggregate(first)),
        ("locust-csv", bool(locust_results.columns_of(first))),
        ("taurus-csv", load_summaries.is_taurus_table(first)),
        ("gatling-stats", gatling_results.is_script(some)),
        ("gatling-log", gatling_results.is_log(some)),
        ("wrk", load_summaries.is_wrk(some)),
        ("iago", load_summaries.is_iago(some)),
        ("jmeter-log", jmeter_results.is_log(some)),
    )
    return next((dialect for dialect, fits in tables if fits), None)


_READERS: dict[str, Callable[[Artifact], Load]] = {
    "jmeter-csv": jmeter_results.read_table,
    "jmeter-aggregate": jmeter_results.read_aggregate,
    "locust-csv": locust_results.read_table,
    "taurus-csv": load_summaries.read_taurus_table,
    "gatling-stats": gatling_results.read_script,
    "gatling-log": gatling_results.read_log,
    "wrk": load_summaries.read_wrk,
    "iago": load_summaries.read_iago,
    "jmeter-log": jmeter_results.read_log,
}


def _read_text(artifact: Artifact) -> tuple[str, Load]:
    some = []
    for number, line in lines(artifact):
        if line.strip():
            some.append(line.rstrip("\r\n"))
        if number >= _HEAD_LINES:
            break
    dialect = _text_dialect(tuple(some))
    if dialect is None:
        raise Reject("text that is none of the load results known: JMeter, Gatling, Locust, Taurus, wrk, Iago")
    return dialect, _READERS[dialect](artifact)
