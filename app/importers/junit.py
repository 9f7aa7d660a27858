"""JUnit XML, as every test runner spells it: Surefire, Gradle, pytest, Jest, gtest, nextest, PHPUnit, xcresult …

There is no one schema. Read as what they share: <testcase> elements at any depth are counted, each once, by the
worst of its <error>, <failure>, <skipped> children; totals written as attributes are often wrong, so they count only
where a suite declares more than it holds (see `declared`). Surefire's flakyFailure, flakyError, rerunFailure and
rerunError in a case that did not fail in the end mark it flaky. A test that node:test calls todo may fail: it is
pending. junitparser and its like build the whole tree, which a 500 MB report does not allow, and merge or drop what
their model lacks; hence a reader of our own over the streaming XML events.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.domain.checks import Held, subject_of_tests
from app.domain.evidence import EvidenceType, Result, TestCounts, worst_result
from app.domain.invariants import ids_in_text
from app.importers.base import Artifact, ImportBatch, Item, Probe, Reject, clip
from app.importers.cases import Cases
from app.importers.declared import Shortfall, Suite, total
from app.importers.markup import walk
from app.importers.moments import moment
from app.importers.origins import Origin

FORMAT = "junit"

SUITE_PROBLEMS = 20
"""How many failures and errors that stand outside any test case the payload keeps."""

_SUITES = ("testsuites", "testsuite", "testrun")
_RERUNS = ("flakyFailure", "flakyError", "rerunFailure", "rerunError")
_TEXTS = frozenset(("error", "failure", "skipped", "property", *_RERUNS))
_OUTPUT = frozenset(("system-out", "system-err"))
_WORST_FIRST = (("error", Result.ERROR), ("failure", Result.FAILED), ("skipped", Result.SKIPPED))
_TOTALS = (
    ("tests", "tests"),
    ("failures", "failures"),
    ("errors", "errors"),
    ("skipped", "skipped"),
    ("skips", "skipped"),
)

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
    walk(artifact, report.start, report.end, _TEXTS, _OUTPUT)
    return report.batch()


@dataclass(slots=True)
class _Suite:
    """A suite while it is open. `outcomes` gathers those of its cases, at any depth."""

    name: str
    invariants: list[str]
    outcomes: set[Result]
    totals: Suite


@dataclass(slots=True)
class _Case:
    """A test case while it is open. `messages` holds the first of each kind of child."""

    attributes: dict[str, str]
    messages: dict[str, str] | None = None
    reruns: int = 0
    invariants: tuple[str, ...] = ()

    def problem(self, kind: str, message: str) -> None:
        self.messages = self.messages or {}
        self.messages.setdefault(kind, message)

    def result(self) -> Result:
        told = self.messages
        if told:
            if "todo" in told and "error" not in told:
                return Result.PENDING if "failure" in told else Result.SKIPPED
            for kind, result in _WORST_FIRST:
                if kind in told:
                    return result
        for attribute in ("status", "result"):
            if attribute in self.attributes:
                said = _STATUS.get(self.attributes[attribute].strip().lower())
                if said:
                    return said
        return Result.WARNED if self.reruns else Result.PASSED

    def message(self) -> str:
        told = self.messages or {}
        return next((told[kind] for kind in ("error", "failure", "skipped", "rerun") if kind in told), "")


@dataclass(slots=True)
class _Report:
    """All that is kept of a report while it streams by. `parents` are the names of the open elements."""

    parents: list[str] = field(default_factory=list)
    cases: Cases = field(default_factory=Cases)
    suites: list[_Suite] = field(default_factory=list)
    open_cases: list[_Case] = field(default_factory=list)
    open_attributes: list[dict[str, str]] = field(default_factory=list)
    suite_count: int = 0
    top_names: list[str] = field(default_factory=list)
    declared: dict[str, int] = field(default_factory=dict)
    declared_by_root: bool = False
    problems: list[dict[str, Any]] = field(default_factory=list)
    problem_count: int = 0
    problem_results: set[Result] = field(default_factory=set)
    shortfall: Shortfall = field(default_factory=Shortfall)
    held: Held = field(default_factory=Held)
    owner: str | None = None
    """The class of the case before, in the same suite."""
    origin: Origin = field(default_factory=Origin)
    root_seconds: float | None = None
    top_seconds: float = 0.0
    case_seconds: float = 0.0
    first: datetime | None = None
    last: datetime | None = None
    runner: str = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "testcase":
            self.open_cases.append(_Case(attributes))
        elif name in _SUITES:
            self._start_suite(name, attributes)
        elif name in _TEXTS:
            self.open_attributes.append(attributes)
        if not self.parents and name not in _SUITES:
            raise Reject(f"not JUnit: the root element is <{clip(name, 100)}>, not <testsuites> or <testsuite>")
        self.parents.append(name)

    def _start_suite(self, name: str, attributes: dict[str, str]) -> None:
        own = attributes.get("name", "")
        depth = len(self.suites)
        self.owner = None
        self.suites.append(_Suite(own, list(ids_in_text(own)), set(), Suite(attributes, self.cases.counts().total)))
        self.suite_count += name == "testsuite"
        seconds = _seconds(attributes.get("time"))
        self._span(attributes.get("timestamp"), seconds)
        if depth == 0:
            self.root_seconds = seconds
            self.top_names.append(own)
            self._declare(attributes)
            self.declared_by_root = "tests" in self.declared
        elif depth == 1:
            self.top_seconds += seconds or 0.0
            if len(self.top_names) < 3:
                self.top_names.append(own)
            if not self.declared_by_root:
                self._declare(attributes)
        if self.suite_count <= 1 and not self.runner:
            self.runner = _runner(own, attributes)

    def _declare(self, attributes: dict[str, str]) -> None:
        """Totals as written: the root's where it gives any, else summed over the suites right below it."""
        for attribute, name in _TOTALS:
            if (value := total(attributes, attribute)) is not None:
                self.declared[name] = self.declared.get(name, 0) + value

    def _span(self, timestamp: str | None, seconds: float | None) -> None:
        started = moment(timestamp)
        if started is None:
            return
        ended = started + timedelta(seconds=seconds or 0.0)
        self.first = started if self.first is None else min(self.first, started)
        self.last = ended if self.last is None else max(self.last, ended)

    def end(self, name: str, text: str) -> None:
        self.parents.pop()
        if name == "testcase":
            self._end_case(self.open_cases.pop())
        elif name in _SUITES:
            self._end_suite()
        elif name in _TEXTS:
            self._end_detail(name, text, self.open_attributes.pop())

    def _end_detail(self, name: str, text: str, attributes: dict[str, str]) -> None:
        parent = self.parents[-1]
        if parent == "testcase" and name != "property":
            case = self.open_cases[-1]
            case.reruns += name in _RERUNS
            case.problem("rerun" if name in _RERUNS else name, _message(attributes, text))
            if name != "skipped":
                self.suites[-1].totals.bad += 1
            elif attributes.get("type") == "todo":
                case.problem("todo", "")
        elif parent in _SUITES and name in ("error", "failure"):
            self._suite_problem(name, attributes, text)
        elif parent == "properties" and name == "property":
            self._property(attributes, text, self.parents[-2])

    def _suite_problem(self, kind: str, attributes: dict[str, str], text: str) -> None:
        self.problem_count += 1
        result = Result.ERROR if kind == "error" else Result.FAILED
        self.problem_results.add(result)
        suite = self.suites[-1]
        suite.outcomes.add(result)
        suite.totals.bad += 1
        if len(self.problems) < SUITE_PROBLEMS:
            path = " › ".join(clip(each.name, 100) for each in self.suites[-3:] if each.name.strip())
            told = {"suite": path, "kind": kind, "type": clip(attributes.get("type", ""), 100)}
            told |= {"name": clip(attributes.get("name", ""), 200), "message": clip(_message(attributes, text))}
            self.problems.append({key: value for key, value in told.items() if value})

    def _property(self, attributes: dict[str, str], text: str, owner: str) -> None:
        name = attributes.get("name", "").strip().lower()
        value = attributes.get("value") or text
        if name in ("invariant", "invariants"):
            ids = re.split(r"[,;\s]+", value[:10_000])
            if owner == "testcase":
                self.open_cases[-1].invariants += tuple(ids)
            elif owner in _SUITES:
                self.suites[-1].invariants += ids
        elif owner not in _SUITES:
            return
        elif name == "go.version" and not self.runner:
            self.runner = clip(f"go test {value}", 100)
        else:
            self.origin.told(name, value)

    def _end_case(self, case: _Case) -> None:
        attributes = case.attributes
        seconds = _seconds(attributes.get("time"))
        self.case_seconds += seconds or 0.0
        if "timestamp" in attributes:
            self._span(attributes["timestamp"], seconds)
        result = case.result()
        suite = self.suites[-1]
        suite.outcomes.add(result)
        owner = attributes.get("classname") or attributes.get("class") or ""
        if owner != self.owner:  # tests of a class stand together, and reports of a million tests are many
            self.owner = owner
            self.held.add(owner or suite.name)
            suite.totals.last_case = attributes
        name = attributes.get("name") or owner or "(unnamed)"
        invariants = (*case.invariants, *ids_in_text(owner)) if case.invariants or "PI-" in owner else ()
        if result is Result.PASSED:
            self.cases.add(name, result, invariants=invariants)
            return
        totals = suite.totals
        totals.not_run += result is Result.SKIPPED
        totals.bad += result in (Result.FAILED, Result.ERROR)
        totals.attempts += case.reruns
        place, line = attributes.get("file", ""), attributes.get("line") or attributes.get("lineno") or ""
        self.cases.add(
            name,
            result,
            suite=owner or suite.name,
            message=case.message(),
            invariants=invariants,
            location=f"{place}:{line}" if place and line else place,
            reruns=case.reruns or "",
        )

    def _end_suite(self) -> None:
        suite = self.suites.pop()
        self.owner = None
        suite.totals.cases = self.cases.counts().total - suite.totals.before
        if short := self.shortfall.look(suite.totals, outermost=not self.suites):
            suite.outcomes.add(short)
        if self.suites:
            self.suites[-1].outcomes |= suite.outcomes
            self.suites[-1].totals.take(suite.totals)
        for invariant in dict.fromkeys(suite.invariants):
            self.cases.prove(invariant, suite.name or "(unnamed suite)", worst_result(list(suite.outcomes)))

    def batch(self) -> ImportBatch:
        counts = self.cases.counts()
        result = worst_result([counts.result(), *self.problem_results, *self.shortfall.results])
        payload: dict[str, Any] = {
            "suites": self.suite_count,
            "duration_s": round(self._duration(), 3),
            "troubled_tests": self.cases.troubled(),
        }
        if self.problems:
            payload |= {"suite_problems": self.problems, "suite_problem_count": self.problem_count}
        if self._contradicted(counts) or self.shortfall.count:
            payload["declared"] = self.declared
        if self.shortfall.count:
            payload["declared_by_suites"] = self.shortfall.suites
        item = Item(
            evidence_type=EvidenceType.CI,
            title=clip("; ".join([f"{self._name()}: {_sentence(counts)}", *self._troubles()]), 300),
            result=result,
            producer=self.runner,
            tests=counts,
            started_at=self.first,
            completed_at=self.last,
            payload=payload,
            url=self.origin.url,
        )
        tool = self.runner.partition(" go")[0]
        return ImportBatch(
            FORMAT,
            dialect=tool.lower().replace(" ", "-"),
            items=(item,),
            invariants=self.cases.invariants(self.last),
            subject=subject_of_tests(tool, self.top_names[0] if self.top_names else "", self.held.names()),
            commit=self.origin.commit,
        )

    def _troubles(self) -> list[str]:
        """What a title says beside the counts: failures outside any case, and what is declared and not there."""
        told = [said] if (said := self.shortfall.sentence()) else []
        if self.problems:
            first = self.problems[0]
            words = [first[key] for key in ("suite", "name", "message") if key in first]
            count = f"{self.problem_count} {'problem' if self.problem_count == 1 else 'problems'}"
            told.insert(0, f"{count} outside the tests: {clip(': '.join(words) or first['kind'], 120)}")
        return told

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


def _runner(name: str, attributes: dict[str, str]) -> str:
    """The tool that wrote the report, where the root or first suite gives it away."""
    if any("surefire" in value for key, value in attributes.items() if key.endswith("chemaLocation")):
        return "Maven Surefire"
    return "xcresultparser" if name.startswith("xcresult: ") else _RUNNERS.get(name.strip().lower(), "")


def _message(attributes: dict[str, str], text: str) -> str:
    said = attributes.get("message", "").strip() or text[:2000].strip() or attributes.get("type", "")
    return _COLOUR.sub("", said)


def _seconds(text: str | None) -> float | None:
    """A duration attribute: 0.5, `1,234.5` (Surefire groups thousands), `0,5`. None when it is none, or over a year."""
    if not text or len(text) > 40:
        return None
    if "," in text:
        text = text.replace(",", "") if _GROUPED.fullmatch(text.strip()) else text.replace(",", ".")
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds < 366 * 86400 else None
