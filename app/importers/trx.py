"""Reads TRX, the result file of MSTest and of `dotnet test` with any adapter.

Source: vstst.xsd of Visual Studio (namespace TeamTest/2010, and 2006 before it). A data-driven test stands as an
aggregate with its rows below; the rows are the cases, the aggregate is counted only where it has none. No parser
library for it exists in Python.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from app.domain.checks import Held
from app.domain.evidence import Result
from app.importers.base import Artifact, Reject, clip
from app.importers.documents import as_count
from app.importers.markup import child, local, pruned, text_of
from app.importers.moments import moment
from app.importers.runs import INVARIANT_LABELS, Run, assembly_name, numbers

_RESULT = frozenset(
    f"{kind}Result" for kind in ("UnitTest", "ManualTest", "GenericTest", "WebTest", "CodedWebTest", "LoadTest")
)
_DEFINITION = frozenset({"UnitTest", "ManualTest", "GenericTest", "WebTest", "CodedWebTest", "LoadTest"})
_WHOLE = _RESULT | _DEFINITION | {"RunInfo"}
_OUTPUT = frozenset({"StdOut", "StdErr", "DebugTrace", "TraceInfo", "TextMessages", "StackTrace"})

_OUTCOMES = {
    "passed": Result.PASSED,
    "failed": Result.FAILED,
    "error": Result.ERROR,
    "timeout": Result.ERROR,
    "aborted": Result.ERROR,
    "disconnected": Result.ERROR,
    "notrunnable": Result.ERROR,
    "inprogress": Result.ERROR,
    "passedbutrunaborted": Result.ERROR,
    "notexecuted": Result.SKIPPED,
    "pending": Result.SKIPPED,
    # Done, yet without a verdict.
    "inconclusive": Result.INCONCLUSIVE,
    "completed": Result.INCONCLUSIVE,
    "warning": Result.INCONCLUSIVE,
}
_RUN_BROKEN = frozenset({"error", "aborted", "timeout", "disconnected", "inprogress", "notrunnable"})
_BAD = (Result.FAILED, Result.ERROR)
_COUNTERS = ("total", "executed", "passed", "failed", "error", "timeout", "aborted", "inconclusive", "notExecuted")
_BAD_COUNTERS = ("failed", "error", "timeout", "aborted")


@dataclass(slots=True)
class _Definition:
    """What the file says of a test apart from its results: its class, and labels that may name invariants."""

    suite: str
    labels: list[str]


@dataclass(slots=True)
class _Level:
    """A result that is open: how many rows it has so far, and whether one of them is bad."""

    rows: int = 0
    bad: bool = False


@dataclass(slots=True)
class _Reading:
    """One pass over the file."""

    run: Run
    known: dict[str, _Definition]
    defined: dict[str, _Definition] = field(default_factory=dict)
    storages: set[str] = field(default_factory=set)
    classes: Held = field(default_factory=Held)
    levels: list[_Level] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    outcome: str = ""


def read_trx(artifact: Artifact) -> Run:
    """The run in a TRX document.

    `dotnet test` writes the definitions after the results that need them; then a second pass knows them all.
    """
    first = _pass(artifact, {})
    if not any(definition.labels for definition in first.defined.values()) and not first.run.cases.troubled():
        return first.run
    return _pass(artifact, first.defined).run


def _pass(artifact: Artifact, known: dict[str, _Definition]) -> _Reading:
    reading = _Reading(Run("trx", "TRX"), known)
    depth = 0
    for event, name, element in pruned(artifact, _WHOLE, _OUTPUT):
        if event == "start":
            depth += 1
            if depth == 1 and name != "TestRun":
                raise Reject(f"the root element <{name}> is not TestRun")
            if name in _RESULT:
                reading.levels.append(_Level())
            continue
        depth -= 1
        if name in _RESULT:
            _result(reading, element)
        elif name in _DEFINITION:
            _define(reading, element)
        else:
            _about(reading, name, element)
    _conclude(reading)
    return reading


def _about(reading: _Reading, name: str, element: Element) -> None:
    run = reading.run
    if name == "Times":
        run.started_at, run.completed_at = moment(element.get("start")), moment(element.get("finish"))
    elif name == "Counters":
        run.declared = numbers(element.attrib, _COUNTERS)
        run.declared_total = as_count(element.get("total"))
        run.declared_bad = sum(run.declared.get(word, 0) for word in _BAD_COUNTERS)
        run.declared_not_run = run.declared.get("notExecuted", 0)
    elif name == "ResultSummary":
        reading.outcome = element.get("outcome", "")
    elif name == "RunInfo" and element.get("outcome", "").lower() in ("error", "failed", "aborted", "timeout"):
        reading.told.append(text_of(child(element, "Text")))
        del reading.told[5:]


def _define(reading: _Reading, test: Element) -> None:
    method = child(test, "TestMethod")
    # An old class name carries its assembly: "Shop.Tests.CartTests, Shop.Tests, Version=1.0.0.0".
    suite = method.get("className", "").partition(",")[0] if method is not None else ""
    labels = []
    for element in test.iter():
        if local(element.tag) == "TestCategoryItem":
            labels.append(element.get("TestCategory", ""))
        elif local(element.tag) == "Property" and text_of(child(element, "Key")).lower() in INVARIANT_LABELS:
            labels.append(text_of(child(element, "Value")))
    reading.classes.add(suite)
    reading.defined[test.get("id", "")] = _Definition(suite, labels)
    if storage := test.get("storage"):
        reading.storages.add(assembly_name(storage))
    if method is not None and not reading.run.producer:
        adapter = method.get("adapterTypeName", "").partition(",")[0]
        reading.run.producer = f"TRX of {clip(adapter, 100)}" if adapter else ""


def _result(reading: _Reading, element: Element) -> None:
    level = reading.levels.pop()
    word = element.get("outcome")
    # The schema's default outcome is Error; a writer that omits defaults writes an error so.
    result = Result.ERROR if word is None else _OUTCOMES.get(word.lower(), Result.ERROR)
    outcome = word or "none"
    output = child(element, "Output")
    failure = child(output, "ErrorInfo") if output is not None else None
    message = text_of(child(failure, "Message")) if failure is not None else ""
    name = element.get("testName") or element.get("testId") or "(no name)"
    if reading.levels:
        above = reading.levels[-1]
        above.rows += 1
        above.bad |= level.bad or result in _BAD
    if level.rows:
        reading.run.facts["aggregates"] = reading.run.facts.get("aggregates", 0) + 1
        if result in _BAD and not level.bad:
            reading.run.problem(f"{name} is marked {outcome}, though none of its rows failed: {message}")
    else:
        definition = reading.known.get(element.get("testId", "")) or _Definition("", [])
        if result is Result.ERROR:
            message = message or f"outcome {outcome}"
        reading.run.add(name, result, outcome, suite=definition.suite, message=message, labels=definition.labels)
    element.clear()


def _conclude(reading: _Reading) -> None:
    run, outcome = reading.run, reading.outcome.lower()
    counts = run.cases.counts()
    failed = counts.failed or counts.error
    if outcome in _RUN_BROKEN or (outcome == "failed" and not failed):
        for text in reading.told or [""]:
            run.problem(text or f"the run's outcome is {reading.outcome}")
    elif reading.told and failed:
        run.facts["run_messages"] = [clip(text) for text in reading.told]
    if reading.classes.names():
        run.held = reading.classes  # of all tests, however they ended; results stand before the classes, as a rule
    if len(reading.storages) == 1:
        run.subject_name = reading.storages.pop()
        run.name = run.subject_name.partition(" ")[0]
    if counts.total + run.facts.get("aggregates", 0) == run.declared_total:
        run.declared_total = counts.total  # older writers count a data-driven test beside its rows
    if run.facts.get("aggregates") and failed:
        run.declared_bad = None  # aggregates are counted, too
