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

from app.domain.checks import Held
from app.domain.evidence import EvidenceType, Result, TestCounts, worst_result
from app.domain.invariants import ids_in_text
from app.importers.base import Artifact, ImportBatch, Item, Probe, Reject, clip
from app.importers.cases import Cases
from app.importers.markup import walk
from app.importers.moments import moment

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

_COMMITS = ("git.commit", "git.commit.id", "git_commit", "commit", "commit_sha", "vcs.revision", "ci.commit")
"""Properties of a suite that name the commit which was tested."""

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
    declared: dict[str, int] = field(default_factory=dict)
    """Totals as the suite itself writes them."""
    outcomes: set[Result] = field(default_factory=set)
    cases: int = 0
    bad: int = 0
    """Failures and errors in it, its own beside those of its cases."""
    reruns: int = 0
    """Runs of cases that were run again; Surefire counts these in its totals, as it counts the last one."""
    lost: int = 0
    unseen: int = 0
    """Tests, and failures or errors, that it or a suite in it declares and nothing in it shows."""

    def settle(self) -> None:
        """Hold what is declared against what is written."""
        missing = self.declared.get("tests", 0) - self.cases - self.reruns
        told = self.declared.get("failures", 0) + self.declared.get("errors", 0)
        self.lost = max(self.lost, missing)
        self.unseen = max(self.unseen, told - self.bad - self.reruns)

    def take(self, inner: _Suite) -> None:
        """Count what a suite in it counted."""
        self.outcomes |= inner.outcomes
        self.cases += inner.cases
        self.bad += inner.bad
        self.reruns += inner.reruns
        self.lost += inner.lost
        self.unseen += inner.unseen


@dataclass(slots=True)
class _Case:
    """A test case while it is open. `messages` holds the first of each kind of child."""

    attributes: dict[str, str]
    messages: dict[str, str] | None = None
    reruns: int = 0
    troubles: int = 0
    """Failures and errors in it; some runners write, and count, several for one case."""
    invariants: tuple[str, ...] = ()

    def problem(self, kind: str, message: str) -> None:
        self.troubles += kind in ("error", "failure")
        self.messages = self.messages or {}
        self.messages.setdefault(kind, message)

    def result(self) -> Result:
        told = self.messages
        if told:
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
    root_seconds: float | None = None
    top_seconds: float = 0.0
    case_seconds: float = 0.0
    first: datetime | None = None
    last: datetime | None = None
    runner: str = ""
    commit: str = ""
    held: Held = field(default_factory=Held)
    lost: int = 0
    unseen: int = 0

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
        declared = _declared(attributes)
        self.suites.append(_Suite(own, list(ids_in_text(own)), declared))
        self.suite_count += name == "testsuite"
        seconds = _seconds(attributes.get("time"))
        self._span(attributes.get("timestamp"), seconds)
        if depth == 0:
            self.root_seconds = seconds
            self.top_names.append(own)
            self._declare(declared)
            self.declared_by_root = "tests" in self.declared
        elif depth == 1:
            self.top_seconds += seconds or 0.0
            if len(self.top_names) < 3:
                self.top_names.append(own)
            if not self.declared_by_root:
                self._declare(declared)
        if self.suite_count <= 1 and not self.runner:
            self.runner = _runner(own, attributes)

    def _declare(self, declared: dict[str, int]) -> None:
        """Totals as written: the root's where it gives any, else summed over the suites right below it."""
        for name, value in declared.items():
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
        elif parent in _SUITES and name in ("error", "failure"):
            self._suite_problem(name, _message(attributes, text))
        elif parent == "properties" and name == "property":
            self._property(attributes, text, self.parents[-2])

    def _suite_problem(self, kind: str, message: str) -> None:
        self.problem_count += 1
        result = Result.ERROR if kind == "error" else Result.FAILED
        self.problem_results.add(result)
        suite = self.suites[-1]
        suite.outcomes.add(result)
        suite.bad += 1
        if len(self.problems) < SUITE_PROBLEMS:
            self.problems.append({"suite": clip(suite.name, 300), "kind": kind, "message": clip(message)})

    def _property(self, attributes: dict[str, str], text: str, owner: str) -> None:
        name = attributes.get("name", "").strip().lower()
        value = attributes.get("value") or text
        if name in ("invariant", "invariants"):
            ids = re.split(r"[,;\s]+", value[:10_000])
            if owner == "testcase":
                self.open_cases[-1].invariants += tuple(ids)
            elif owner in _SUITES:
                self.suites[-1].invariants += ids
        elif name in _COMMITS and owner in _SUITES and not self.commit:
            self.commit = clip(value, 64)
        elif name == "go.version" and not self.runner:
            self.runner = clip(f"go test {value}", 100)

    def _end_case(self, case: _Case) -> None:
        attributes = case.attributes
        seconds = _seconds(attributes.get("time"))
        self.case_seconds += seconds or 0.0
        if "timestamp" in attributes:
            self._span(attributes["timestamp"], seconds)
        result = case.result()
        suite = self.suites[-1]
        suite.outcomes.add(result)
        suite.cases += 1
        suite.bad += max(case.troubles, result in (Result.FAILED, Result.ERROR))
        suite.reruns += case.reruns
        owner = attributes.get("classname") or attributes.get("class") or ""
        name = attributes.get("name") or owner or "(unnamed)"
        self.held.add(owner or suite.name)
        invariants = (*case.invariants, *ids_in_text(owner)) if case.invariants or "PI-" in owner else ()
        if result is Result.PASSED:
            self.cases.add(name, result, invariants=invariants)
            return
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
        suite.settle()
        self.lost, self.unseen = suite.lost, suite.unseen  # the root's, at last
        if self.suites:
            self.suites[-1].take(suite)
        for invariant in dict.fromkeys(suite.invariants):
            self.cases.prove(invariant, suite.name or "(unnamed suite)", worst_result(list(suite.outcomes)))

    def batch(self) -> ImportBatch:
        counts = self.cases.counts()
        result = worst_result([counts.result(), *self.problem_results])
        told = _doubt(self.lost, self.unseen)
        if told and result in (Result.PASSED, Result.WARNED, Result.SKIPPED):
            # The runner says that more ran, or failed, than any case shows: nobody can call that a pass.
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
            title=f"{self._name()}: {', '.join([_sentence(counts), *told, *self._suite_troubles()])}",
            result=result,
            producer=self.runner,
            tests=counts,
            started_at=self.first,
            completed_at=self.last,
            payload=payload,
        )
        dialect = self.runner.partition(" go")[0].lower().replace(" ", "-")
        return ImportBatch(
            FORMAT,
            dialect=dialect,
            items=(item,),
            invariants=self.cases.invariants(self.last),
            subject=self.held.subject(self.runner.partition(" go")[0], self._own_name()),
            commit=self.commit,
        )

    def _suite_troubles(self) -> list[str]:
        """The first trouble that stands outside any case, by its suite."""
        if not self.problems:
            return []
        first = self.problems[0]
        more = f" and {self.problem_count - 1} more" if self.problem_count > 1 else ""
        named = clip(first["message"].splitlines()[0] if first["message"] else first["kind"], 80)
        return [f"{first['kind']} of the suite {first['suite'] or '(unnamed)'}: {named}{more}"]

    def _duration(self) -> float:
        """Seconds as the root says, else as the suites right below it, else summed over the cases."""
        return self.root_seconds if self.root_seconds is not None else self.top_seconds or self.case_seconds

    def _contradicted(self, counts: TestCounts) -> bool:
        counted = {"tests": counts.total, "failures": counts.failed, "errors": counts.error, "skipped": counts.skipped}
        return any(counted[name] != value for name, value in self.declared.items())

    def _name(self) -> str:
        return clip(self._own_name(), 200) or "JUnit tests"

    def _own_name(self) -> str:
        """The root's own name, else that of a suite that stands alone."""
        root, *below = self.top_names or [""]
        return root or (below[0] if len(below) == 1 else "")


def _declared(attributes: dict[str, str]) -> dict[str, int]:
    """The totals that a suite writes."""
    declared: dict[str, int] = {}
    for attribute, name in _TOTALS:
        value = attributes.get(attribute, "").strip()
        if value.isascii() and value.isdigit() and len(value) < 10:
            declared[name] = declared.get(name, 0) + int(value)
    return declared


def _doubt(lost: int, unseen: int) -> list[str]:
    """What is declared and not written, for a title."""
    told = [f"{lost:,} more declared than written"] if lost > 0 else []
    return [*told, f"{unseen:,} declared failed and not shown"] if unseen > 0 else told


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
