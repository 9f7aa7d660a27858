"""Reads the event stream of `dart test --reporter json` and `flutter test --machine`, one JSON event a line.

Source: the JSON reporter protocol in dart-lang/test (pkgs/test/doc/json_reporter.md). Hidden tests are not tests
of the project (loading a suite, setUpAll, tearDownAll), and a test may fail after it was done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.domain.checks import steady
from app.domain.evidence import Result
from app.importers.base import Artifact, Reject, clip
from app.importers.documents import as_count, as_dict, as_text, json_lines
from app.importers.runs import TOLD_ONLY, Run

_RESULTS = {"success": Result.PASSED, "failure": Result.FAILED, "error": Result.ERROR}


@dataclass(slots=True)
class _Suite:
    path: str = ""
    platform: str = ""
    declared: int | None = None
    tests: int = 0
    skipped: bool = False

    @property
    def holder(self) -> str:
        """The tests of one file on two platforms are two checks."""
        return f"{self.platform} {steady(self.path)}".strip() if self.path else ""


@dataclass(slots=True)
class _Test:
    name: str
    suite: _Suite
    result: str = ""
    skipped: bool = False
    hidden: bool = False
    message: str = ""


def is_dart_event(event: Any) -> bool:
    """Whether a line is the event that opens, or the events that fill, such a stream."""
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        return False
    kind = event["type"]
    return (kind == "start" and "protocolVersion" in event) or (
        kind in ("testStart", "suite", "group") and isinstance(event.get(kind.removesuffix("Start")), dict)
    )


def read_dart_test(artifact: Artifact) -> Run:
    """The run, or the runs one after another, in a stream of events."""
    run = Run("dart", "dart")
    suites: dict[Any, _Suite] = {}
    tests: dict[Any, _Test] = {}
    opened = closed = 0
    for _line, event in json_lines(artifact, TOLD_ONLY):
        if not isinstance(event, dict):
            continue  # flutter puts events of its own, in arrays, between the others
        kind = as_text(event.get("type"))
        if kind == "start":
            if opened > closed:
                break
            opened += 1
            run.producer = f"dart test {as_text(event.get('runnerVersion'))}".strip()
        elif kind == "suite":
            suite = as_dict(event.get("suite"))
            suites[_id(suite.get("id"))] = _Suite(as_text(suite.get("path")), as_text(suite.get("platform")))
        elif kind == "group":
            group = as_dict(event.get("group"))
            if group.get("parentID") is None and (of := suites.get(_id(group.get("suiteID")))):
                of.declared = as_count(group.get("testCount"))
        elif kind == "testStart":
            test = as_dict(event.get("test"))
            where = suites.get(_id(test.get("suiteID"))) or _Suite()
            tests[_id(test.get("id"))] = _Test(as_text(test.get("name")), where)
        elif kind == "error":
            _error(run, tests.get(_id(event.get("testID"))), event)
        elif kind == "testDone":
            _done(tests.setdefault(_id(event.get("testID")), _Test("", _Suite())), event)
        elif kind == "done":
            closed += 1
            _finish(run, tests, suites, event)
            suites, tests = {}, {}
    if not opened:
        raise Reject("the stream of events has no start event")
    if closed < opened:
        raise Reject("the stream of events has no done event: the file is cut, or the run was killed")
    return run


def _id(value: Any) -> Any:
    return value if isinstance(value, (int, str)) else None


def _done(test: _Test, event: dict[str, Any]) -> None:
    result = as_text(event.get("result"))
    if test.result not in ("failure", "error"):
        test.result = result or "none"
    test.skipped, test.hidden = event.get("skipped") is True, event.get("hidden") is True


def _error(run: Run, test: _Test | None, event: dict[str, Any]) -> None:
    if test is None:
        run.problem(as_text(event.get("error")))
        return
    test.message = test.message or as_text(event.get("error"))
    if test.result:  # after it was done: it counts as failed, and is no longer hidden
        test.result, test.hidden = "failure" if event.get("isFailure") is True else "error", False


def _finish(run: Run, tests: dict[Any, _Test], suites: dict[Any, _Suite], event: dict[str, Any]) -> None:
    events = run.facts.setdefault("test_done_events", {})
    for test in tests.values():
        if test.result in _RESULTS:
            events[test.result] = events.get(test.result, 0) + 1
        if test.hidden and test.result == "success":
            continue
        result = _RESULTS.get(test.result, Result.ERROR)
        outcome, message = test.result, test.message
        if not test.result:
            outcome, message = "none", message or "the test was started and never done"
        elif test.skipped and result is Result.PASSED:
            outcome, result = "skipped", Result.SKIPPED
        test.suite.tests += 1
        test.suite.skipped |= test.skipped
        holder = test.suite.holder
        run.add(test.name or "(no name)", result, outcome, suite=test.suite.path, message=message, holder=holder)
    for suite in suites.values():
        if not suite.skipped:  # a group that is skipped as a whole stands as one test
            run.look(clip(suite.path, 100), suite.declared, suite.tests)
    counts = run.cases.counts()
    if event.get("success") is not True and not (counts.failed or counts.error):
        run.problem(
            "the run was marked as failed, though none of its tests failed"
            if event.get("success") is False
            else "the run was closed before all its tests were done"
        )
