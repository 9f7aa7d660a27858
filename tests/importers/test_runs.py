"""What the test-run readers promise beyond single samples: bounded memory, and detection that is not fooled."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import pytest

from app.importers import cucumber_messages, registry, xunit_other
from app.importers.base import Artifact, ImportBatch, Reject, Rejected
from app.importers.runs import ids_in_label, seconds

CASES = 20_000
OUTPUT = "x" * 500


class _Pieces(io.RawIOBase):
    """A stream that is made while it is read, so that its text is never in memory as a whole."""

    def __init__(self, pieces: Iterable[str]) -> None:
        self._pieces = iter(pieces)
        self._held = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._held:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._held = piece.encode()
        taken, self._held = self._held[: len(buffer)], self._held[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


def _nunit() -> Iterator[str]:
    yield '<test-run total="20000" failed="0"><test-suite type="Assembly" name="Big.dll">'
    for number in range(CASES):
        yield f'<test-case fullname="Big.T{number}" result="Passed"><output>{OUTPUT}</output></test-case>\n'
    yield "</test-suite></test-run>"


def _xunit_net() -> Iterator[str]:
    yield '<assemblies><assembly name="Big.dll" total="20000" failed="0"><collection>'
    for number in range(CASES):
        yield f'<test name="Big.T{number}" result="Pass"><output>{OUTPUT}</output></test>\n'
    yield "</collection></assembly></assemblies>"


def _trx() -> Iterator[str]:
    yield '<TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010"><Results>'
    for number in range(CASES):
        yield f'<UnitTestResult testId="{number}" testName="T{number}" outcome="Passed">'
        yield f"<Output><StdOut>{OUTPUT}</StdOut></Output></UnitTestResult>\n"
    yield '</Results><ResultSummary outcome="Completed"><Counters total="20000" /></ResultSummary></TestRun>'


def _dart() -> Iterator[str]:
    yield '{"type":"start","protocolVersion":"0.1.1"}\n'
    for number in range(CASES):
        yield f'{{"type":"testStart","test":{{"id":{number},"name":"t"}}}}\n'
        yield f'{{"type":"print","testID":{number},"message":"{OUTPUT}"}}\n'
        yield f'{{"type":"testDone","testID":{number},"result":"success","hidden":false,"skipped":false}}\n'
    yield '{"type":"done","success":true}\n'


def _messages() -> Iterator[str]:
    yield '{"meta":{"protocolVersion":"27.0.0"}}\n{"testRunStarted":{}}\n'
    for number in range(CASES):
        yield f'{{"testCase":{{"id":"c{number}","pickleId":"p"}}}}\n'
        yield f'{{"testCaseStarted":{{"id":"a{number}","testCaseId":"c{number}"}}}}\n'
        yield f'{{"attachment":{{"body":"{OUTPUT}"}}}}\n'
        yield f'{{"testStepFinished":{{"testCaseStartedId":"a{number}","testStepResult":{{"status":"PASSED"}}}}}}\n'
        yield f'{{"testCaseFinished":{{"testCaseStartedId":"a{number}"}}}}\n'
    yield '{"testRunFinished":{"success":true}}\n'


@pytest.mark.parametrize("pieces", [_nunit, _xunit_net, _trx, _dart, _messages])
def test_long_reports_are_read_as_streams(pieces: type[Iterator[str]]) -> None:
    def opened() -> BinaryIO:
        return io.BufferedReader(_Pieces(pieces()))

    importer = cucumber_messages if pieces is _messages else xunit_other
    tracemalloc.start()
    try:
        batch = importer.parse(Artifact("big", 12_000_000, opened))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(batch, ImportBatch)
    tests = batch.items[0].tests
    assert tests is not None
    assert tests.passed == tests.total == CASES
    # What is kept grows with the number of tests, never with what they printed.
    assert peak < CASES * 450


@pytest.mark.parametrize(
    "text",
    [
        "<assembly xmlns='http://maven.apache.org/ASSEMBLY/2.0.0'><id>bin</id><formats/></assembly>",
        "<assembly xmlns='urn:schemas-microsoft-com:asm.v1' manifestVersion='1.0'/>",
        "<test-results><something/></test-results>",
        "<TestRun><Step/></TestRun>",
        '[{"name": "a", "uri": "b"}]',
        '[{"elements": [{"x": 1}]}]',
        '{"suites": [], "config": {}}',
        '{"stats": {"tests": 3}, "results": [{"name": "a"}]}',
        '{"stats": {}, "tests": [], "passes": []}',
        '{"type": "start", "time": 0}\n{"type": "done"}',
        '{"meta": {}, "data": []}\n{"meta": {}}',
        '{"type": "Metric", "data": {}}\n{"type": "Point", "data": {}}',
    ],
)
def test_other_documents_are_left_alone(text: str) -> None:
    found = registry.read(Artifact.of_bytes("x", text.encode()))
    assert isinstance(found, Rejected)
    assert "unknown format" in found.reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        # JMeter's root element looks like a test report; a sample without time and success is its fault to tell.
        ("<testResults version='1.2'><httpSample/></testResults>", "has no readable time"),
        # An empty list is a clean report of two formats, and of none of the test runners.
        ("[]", "ambiguous: the content fits code-quality, contract-drift"),
    ],
)
def test_documents_of_others_are_left_to_them(text: str, reason: str) -> None:
    found = registry.read(Artifact.of_bytes("x", text.encode()))
    assert isinstance(found, Rejected)
    assert reason in found.reason
    assert found.format in (None, "load-stats")


@pytest.mark.parametrize(
    "format", ["cucumber-json", "cucumber-messages", "mochawesome", "playwright-json", "xunit-other"]
)
@pytest.mark.parametrize("text", ["[]", "{}", "null", "1", "<a/>", "<a", '{"a": 1}\n{"b": 2}', "plain text", "\x00"])
def test_a_format_named_wrongly_is_refused(format: str, text: str) -> None:
    found = registry.read(Artifact.of_bytes("x", text.encode()), format)
    assert isinstance(found, Rejected)
    assert found.reason


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_event_streams_in_other_encodings(encoding: str) -> None:
    text = '{"type":"start","protocolVersion":"0.1.1"}\n{"type":"done","success":true}\n'
    batch = registry.read(Artifact.of_bytes("x", text.encode(encoding)))
    assert isinstance(batch, ImportBatch)


def test_a_bad_line_is_named() -> None:
    lines = ['{"type":"start","protocolVersion":"0.1.1"}'] * 30 + ['{"type":']
    with pytest.raises(Reject) as refused:
        xunit_other.parse(Artifact.of_bytes("x", "\n".join(["", *lines[:1], "", lines[-1]]).encode()))
    assert refused.value.line == 4


@pytest.mark.parametrize(
    ("label", "ids"),
    [
        ("@PI-LAUNCH-001", ["PI-LAUNCH-001"]),
        ("PI-LAUNCH-001, PI-APP-FAIL-0002", ["PI-LAUNCH-001", "PI-APP-FAIL-0002"]),
        ("@invariant:PI-CONNECT-004", ["PI-CONNECT-004"]),
        ("not-PI-LAUNCH-001", []),
        ("PI-LAUNCH-001-draft", []),
        ("PI-LAUNCH-1", []),
    ],
)
def test_labels_name_invariants_as_whole_words(label: str, ids: list[str]) -> None:
    assert ids_in_label(label) == ids


@pytest.mark.parametrize(
    ("value", "parts", "expected"),
    [
        (1500, 1000, 1.5),
        ("2.5", 1, 2.5),
        (True, 1, None),
        (None, 1, None),
        (-1, 1, None),
        ("x", 1, None),
        (10**400, 1, None),
    ],
)
def test_seconds(value: object, parts: int, expected: float | None) -> None:
    assert seconds(value, parts) == expected
