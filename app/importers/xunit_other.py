"""Results of unit test runners in dialects other than JUnit: NUnit 2 and 3, xUnit.net v1 and v2, TRX, Mocha JSON,
and the JSON events of dart and flutter.

These are unit runners, so the item is of type ci; where they drive acceptance tests, the importing command says
so. Each dialect has its reader in a module of its own; this one tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable

from app.domain.evidence import EvidenceType
from app.importers.base import Artifact, ImportBatch, Probe, Reject, Rejected
from app.importers.dart_test import is_dart_event, read_dart_test
from app.importers.documents import json_lines, repeated_keys
from app.importers.markup import events, local
from app.importers.mocha import is_mocha, read_mocha
from app.importers.nunit import read_nunit
from app.importers.runs import TOLD_ONLY, Run
from app.importers.trx import read_trx
from app.importers.xunit_net import read_xunit_net

FORMAT = "xunit-other"

_TEAM_TEST = "http://microsoft.com/schemas/VisualStudio/TeamTest/"

_BY_ROOT: dict[str, Callable[[Artifact], Run]] = {
    "test-results": read_nunit,
    "test-run": read_nunit,
    "test-suite": read_nunit,
    "assemblies": read_xunit_net,
    "assembly": read_xunit_net,
    "TestRun": read_trx,
}


def detect(probe: Probe) -> bool:
    """By the root element and what stands directly in it; by the shape of the JSON."""
    if probe.kind == "xml":
        return _detect_xml(probe)
    if probe.kind == "json":
        return is_mocha(probe.document) or is_dart_event(probe.document)
    return probe.kind == "jsonl" and any(is_dart_event(event) for event in probe.document)


def _detect_xml(probe: Probe) -> bool:
    inside, attributes = set(probe.children), set(probe.attributes)
    if probe.root == "test-results":
        return bool(inside & {"test-suite", "environment", "culture-info"}) or "not-run" in attributes
    if probe.root == "test-run":
        return bool(inside & {"test-suite", "command-line"}) or "testcasecount" in attributes
    if probe.root == "test-suite":
        return "testcasecount" in attributes
    if probe.root == "assemblies":
        return not probe.namespace and inside <= {"assembly"}
    if probe.root == "assembly":
        named = attributes & {"test-framework", "run-date", "run-time", "environment"}
        return not probe.namespace and bool(named) and inside <= {"class", "collection", "errors"}
    return probe.root == "TestRun" and (
        probe.namespace.startswith(_TEAM_TEST) or bool(inside & {"ResultSummary", "TestDefinitions"})
    )


def parse(artifact: Artifact) -> ImportBatch | Rejected:
    """One ci item for the run, and the invariants that its tests name."""
    run = _reader(artifact)(artifact)
    return run.batch(FORMAT, EvidenceType.CI, repeated_keys(artifact))


def _reader(artifact: Artifact) -> Callable[[Artifact], Run]:
    with artifact.open() as stream:
        start = stream.read(4096).lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00")[:1]
    if start != b"<":
        return read_dart_test if _is_event_stream(artifact) else read_mocha
    root = next((local(element.tag) for _event, element in events(artifact)), "")
    if root not in _BY_ROOT:
        raise Reject(f"the root element <{root}> is none of {', '.join(_BY_ROOT)}")
    return _BY_ROOT[root]


def _is_event_stream(artifact: Artifact) -> bool:
    try:
        _line, first = next(json_lines(artifact, TOLD_ONLY), (0, None))
    except Reject:
        return False
    return isinstance(first, list) or (isinstance(first, dict) and isinstance(first.get("type"), str))
