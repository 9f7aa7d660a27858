"""JUnit XML, as every test runner spells it: Surefire, Gradle, pytest, Jest, gtest, nextest, PHPUnit, xcresult …

There is no one schema. Read as what they share: <testcase> elements at any depth are counted, each once, by the
worst of its <error>, <failure>, <skipped> children; totals written as attributes are often wrong and only shown.
Surefire's flakyFailure, flakyError, rerunFailure and rerunError in a case that did not fail in the end mark it
flaky. junitparser and its like build the whole tree, which a 500 MB report does not allow, and merge or drop what
their model lacks; hence a reader of our own over the streaming XML events.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from xml.etree.ElementTree import Element

from app.domain.evidence import EvidenceType, Result, TestCounts, worst_result
from app.domain.invariants import ids_in_text
from app.importers.base import Artifact, ImportBatch, Item, Probe, Reject, clip
from app.importers.cases import Cases
from app.importers.markup import pruned
from app.importers.moments import moment

FORMAT = "junit"

SUITE_PROBLEMS = 20
"""How many failures and errors that stand outside any test case the payload keeps."""

_SUITES = ("testsuites", "testsuite", "testrun")
_RERUNS = ("flakyFailure", "flakyError", "rerunFailure", "rerunError")
_INVARIANT_PROPERTIES = ("invariant", "invariants")

# What `status` or `result` says where no child element does: gtest, CTest, Katalon, xcresult, QTest.
_STATUS = {
    **dict.fromkeys(("failed", "fail", "failure"), Result.FAILED),
    **dict.fromkeys(("error", "errored", "broken"), Result.ERROR),
    **dict.fromkeys(
        ("skipped", "skip", "disabled", "notrun", "not_run", "not run", "suppressed", "ignored", "pending", "todo"),
        Result.SKIPPED,
    ),
}

# Names that a runner gives to its root or first suite, whoever's tests it ran.
_RUNNERS = {
    "pytest": "pytest",
    "pytest tests": "pytest",
    "jest tests": "Jest",
    "vitest tests": "Vitest",
    "mocha tests": "Mocha",
    "nextest-run": "cargo-nextest",
    "alltests": "GoogleTest",
}

_COLOUR = re.compile("[\ufffd?\x1b]\\[[0-9;]{0,12}m")
_GROUPED = re.compile(r"\d{1,3}(,\d{3})*\.\d+")


def detect(probe: Probe) -> bool:
    """A root <testsuites> or <testsuite>. Eclipse's export and other formats share <testrun>: it must hold suites."""
    if probe.kind != "xml":
        return False
    if probe.root == "testrun":
        return bool({"testsuite", "testcase"} & set(probe.children))
    return probe.root in _SUITES


def parse(artifact: Artifact) -> ImportBatch:
    """One item with its cases counted, and a result for every invariant that a case or suite names."""
    report = _Report()
    parents: list[str] = []
    for event, name, element in pruned(artifact, frozenset()):
        if event == "start":
            if not parents and name not in _SUITES:
                raise Reject(f"not JUnit: the root element is <{clip(name, 100)}>, not <testsuites> or <testsuite>")
            report.start(name, element)
            parents.append(name)
        else:
            parents.pop()
            report.end(name, element, parents)
    return report.batch()


@dataclass(slots=True)
class _Suite:
    """A suite while it is open. `outcomes` gathers those of its cases, at any depth."""

    name: str
    invariants: list[str]
    outcomes: set[Result] = field(default_factory=set)


@dataclass(slots=True)
class _Case:
    """A test case while it is open. `messages` holds the first of each kind of child."""

    attributes: dict[str, str]
    messages: dict[str, str] = field(default_factory=dict)
    reruns: int = 0
    invariants: list[str] = field(default_factory=list)

    def result(self) -> Result:
        for kind, result in (("error", Result.ERROR), ("failure", Result.FAILED), ("skipped", Result.SKIPPED)):
            if kind in self.messages:
                return result
        for attribute in ("status", "result"):
            if said := _STATUS.get(self.attributes.get(attribute, "").strip().lower()):
                return said
        return Result.WARNED if self.reruns else Result.PASSED

    def message(self) -> str:
        return next((self.messages[k] for k in ("error", "failure", "skipped", "rerun") if k in self.messages), "")


@dataclass(slots=True)
class _Report:
    """All that is kept of a report while it streams by."""

    cases: Cases = field(default_factory=Cases)
    suites: list[_Suite] = field(default_factory=list)
    open_cases: list[_Case] = field(default_factory=list)
    suite_count: int = 0
    top_names: list[str] = field(default_factory=list)
    declared: dict[str, int] = field(default_factory=dict)
    problems: list[dict[str, Any]] = field(default_factory=list)
    problem_count: int = 0
    problem_results: set[Result] = field(default_factory=set)
    root_seconds: float | None = None
    top_seconds: float = 0.0
    case_seconds: float = 0.0
    first: datetime | None = None
    last: datetime | None = None
    runner: str = ""

    def start(self, name: str, element: Element) -> None:
        if name in _SUITES:
            self._start_suite(name, element)
        elif name == "testcase":
            self.open_cases.append(_Case(dict(element.attrib)))

    def _start_suite(self, name: str, element: Element) -> None:
        own = element.get("name", "")
        depth = len(self.suites)
        self.suites.append(_Suite(own, list(ids_in_text(own))))
        self.suite_count += name == "testsuite"
        seconds = _seconds(element.get("time"))
        self._span(element.get("timestamp"), seconds)
        if depth == 0 or (depth == 1 and len(self.top_names) < 3):
            self.top_names.append(own)
        if depth == 0:
            self.root_seconds = seconds
        elif depth == 1:
            self.top_seconds += seconds or 0.0
        if depth == 0 or (depth == 1 and not self.declared.get("_root")):
            self._declare(element, root=depth == 0)
        self._recognise(element, own)

    def _declare(self, element: Element, *, root: bool) -> None:
        """Totals as written: the root's where it gives any, else summed over the suites right below it."""
        names = {"tests": "tests", "failures": "failures", "errors": "errors", "skipped": "skipped", "skips": "skipped"}
        for attribute, name in names.items():
            value = element.get(attribute, "").strip()
            if value.isascii() and value.isdigit() and len(value) < 10:
                self.declared[name] = self.declared.get(name, 0) + int(value)
                if root and name == "tests":
                    self.declared["_root"] = 1

    def _recognise(self, element: Element, name: str) -> None:
        if self.runner or self.suite_count > 1:
            return
        self.runner = _RUNNERS.get(name.strip().lower(), "")
        if not self.runner and any("surefire" in v for k, v in element.attrib.items() if "chemaLocation" in k):
            self.runner = "Maven Surefire"
        if not self.runner and name.startswith("xcresult: "):
            self.runner = "xcresultparser"

    def _span(self, timestamp: str | None, seconds: float | None) -> None:
        started = moment(timestamp)
        if started is None:
            return
        ended = started + timedelta(seconds=seconds or 0.0)
        self.first = started if self.first is None else min(self.first, started)
        self.last = ended if self.last is None else max(self.last, ended)

    def end(self, name: str, element: Element, parents: list[str]) -> None:
        parent = parents[-1] if parents else ""
        if name in _SUITES:
            self._end_suite()
        elif name == "testcase":
            self._end_case(self.open_cases.pop())
        elif name in ("error", "failure", "skipped") and parent == "testcase":
            self.open_cases[-1].messages.setdefault(name, _message(element))
        elif name in _RERUNS and parent == "testcase":
            self.open_cases[-1].reruns += 1
            self.open_cases[-1].messages.setdefault("rerun", _message(element))
        elif name in ("error", "failure") and parent in _SUITES:
            self._suite_problem(name, element)
        elif name == "property" and parent == "properties" and len(parents) > 1:
            self._property(element, parents[-2])

    def _suite_problem(self, name: str, element: Element) -> None:
        self.problem_count += 1
        result = Result.ERROR if name == "error" else Result.FAILED
        self.problem_results.add(result)
        self.suites[-1].outcomes.add(result)
        if len(self.problems) < SUITE_PROBLEMS:
            self.problems.append(
                {"suite": clip(self.suites[-1].name, 300), "kind": name, "message": clip(_message(element))}
            )

    def _property(self, element: Element, owner: str) -> None:
        name = element.get("name", "").strip().lower()
        value = element.get("value") or element.text or ""
        if name in _INVARIANT_PROPERTIES and len(value) < 10_000:
            ids = re.split(r"[,;\s]+", value)
            if owner == "testcase":
                self.open_cases[-1].invariants += ids
            elif owner in _SUITES:
                self.suites[-1].invariants += ids
        elif name == "go.version" and owner == "testsuite" and not self.runner:
            self.runner = clip(f"go test {value}", 100)

    def _end_case(self, case: _Case) -> None:
        attributes = case.attributes
        seconds = _seconds(attributes.get("time"))
        self.case_seconds += seconds or 0.0
        self._span(attributes.get("timestamp"), seconds)
        result = case.result()
        place, line = attributes.get("file", ""), attributes.get("line") or attributes.get("lineno") or ""
        owner = attributes.get("classname") or attributes.get("class") or ""
        if self.suites:
            self.suites[-1].outcomes.add(result)
        self.cases.add(
            attributes.get("name") or owner or "(unnamed)",
            result,
            suite=owner or (self.suites[-1].name if self.suites else ""),
            message=case.message(),
            invariants=[*case.invariants, *ids_in_text(owner)],
            location=f"{place}:{line}" if place and line else place,
            reruns=case.reruns or "",
        )

    def _end_suite(self) -> None:
        suite = self.suites.pop()
        if self.suites:
            self.suites[-1].outcomes |= suite.outcomes
        for invariant in dict.fromkeys(suite.invariants):
            self.cases.prove(invariant, suite.name or "(unnamed suite)", worst_result(list(suite.outcomes)))

    def batch(self) -> ImportBatch:
        counts = self.cases.counts()
        self.declared.pop("_root", None)
        result = worst_result([counts.result(), *self.problem_results])
        unseen = self.declared.get("failures", 0) + self.declared.get("errors", 0)
        if unseen and result in (Result.PASSED, Result.SKIPPED):
            # The runner says that something failed, and no case shows it: nobody can call that a pass.
            result = Result.INCONCLUSIVE
        payload: dict[str, Any] = {
            "suites": self.suite_count,
            "duration_s": round(self._duration(), 3),
            "troubled_tests": self.cases.troubled(),
        }
        if self.problems:
            payload |= {"suite_problems": self.problems, "suite_problem_count": self.problem_count}
        if self._contradicted(counts):
            payload["declared"] = self.declared
        item = Item(
            evidence_type=EvidenceType.CI,
            title=f"{self._name()}: {_sentence(counts)}",
            result=result,
            producer=self.runner,
            tests=counts,
            started_at=self.first,
            completed_at=self.last,
            payload=payload,
        )
        dialect = self.runner.partition(" go")[0].lower().replace(" ", "-")
        return ImportBatch(FORMAT, dialect=dialect, items=(item,), invariants=self.cases.invariants(self.last))

    def _duration(self) -> float:
        """Seconds as the root says, else as the suites right below it, else summed over the cases."""
        return self.root_seconds if self.root_seconds is not None else self.top_seconds or self.case_seconds

    def _contradicted(self, counts: TestCounts) -> bool:
        counted = {"tests": counts.total, "failures": counts.failed, "errors": counts.error, "skipped": counts.skipped}
        return any(counted[name] != value for name, value in self.declared.items())

    def _name(self) -> str:
        """The root's own name, else that of a suite that stands alone, else plain words."""
        root, *below = self.top_names or [""]
        name = root or (below[0] if len(below) == 1 else "")
        return clip(name, 200) or "JUnit tests"


def _sentence(counts: TestCounts) -> str:
    told = [f"{counts.passed} passed"]
    told += [f"{n} {word}" for n, word in ((counts.failed, "failed"), (counts.error, "in error")) if n]
    told += [f"{n} {word}" for n, word in ((counts.skipped, "skipped"), (counts.flaky, "flaky")) if n]
    return f"{', '.join(told)} of {counts.total}" if counts.total else "no test cases"


def _message(element: Element) -> str:
    said = element.get("message", "").strip() or (element.text or "")[:2000].strip() or element.get("type", "")
    return _COLOUR.sub("", said)


def _seconds(text: str | None) -> float | None:
    """A duration attribute: 0.5, `1,234.5` (Surefire groups thousands), `0,5`. None when it is none, or over a year."""
    if not text or len(text) > 40:
        return None
    text = text.strip()
    text = text.replace(",", "") if _GROUPED.fullmatch(text) else text.replace(",", ".")
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds < 366 * 86400 else None
