"""Reads NUnit results: the NUnit 2 document (`test-results`) and the NUnit 3 document (`test-run`).

Sources: docs.nunit.org, "Test Result XML Format" for 3; NUnit 2.x's result writer for 2, of which versions before
2.5 have no `result` on a case, only `executed` and `success`. No parser library for either exists in Python.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from app.domain.evidence import Result
from app.importers.base import Artifact, Reject, clip
from app.importers.documents import as_count
from app.importers.markup import child, local, pruned, text_of
from app.importers.moments import moment
from app.importers.runs import INVARIANT_LABELS, Run, assembly_name, base_name, numbers

_CASE = frozenset({"test-case"})
_OUTPUT = frozenset({"output", "stack-trace"})
_TOTALS = ("testcasecount", "total", "passed", "failed", "errors", "failures", "inconclusive")
_TOTALS_NOT_RUN = ("not-run", "ignored", "skipped", "invalid", "warnings")

_NUNIT_2 = {
    "success": Result.PASSED,
    "failure": Result.FAILED,
    "error": Result.ERROR,
    "cancelled": Result.ERROR,
    "invalid": Result.ERROR,
    "notrunnable": Result.ERROR,
    "inconclusive": Result.INCONCLUSIVE,
    "ignored": Result.SKIPPED,
    "skipped": Result.SKIPPED,
}

# A warning is neither a failure nor a clean pass; NUnit's own Visual Studio adapter reports it as not passed.
_NUNIT_3 = {
    "passed": Result.PASSED,
    "failed": Result.FAILED,
    "skipped": Result.SKIPPED,
    "inconclusive": Result.INCONCLUSIVE,
    "warning": Result.INCONCLUSIVE,
}

_FAILED_SUITE = frozenset({"failed", "failure", "error"})

_NEVER_JUDGED = frozenset({"cancelled", "invalid", "notrunnable"})
"""Labels of a failed case that did not run to a verdict. The label "Error" (an exception) is a failure as it is
for every other .NET runner, and NUnit 3 counts it so."""


@dataclass(slots=True)
class _Suite:
    """A suite while it is open: what it says of itself, and what was met in it so far."""

    attributes: dict[str, str]
    labels: list[str] = field(default_factory=list)
    cases: int = 0
    skipped: int = 0
    bad: int = 0
    message: str = ""

    @property
    def name(self) -> str:
        return self.attributes.get("fullname") or self.attributes.get("name") or "(no name)"


def read_nunit(artifact: Artifact) -> Run:
    """The run in an NUnit 2 or 3 document."""
    run = Run("nunit3", "NUnit")
    assemblies: list[str] = []
    suites: list[_Suite] = []
    in_case, depth = False, 0
    root: dict[str, str] = {}
    for event, name, element in pruned(artifact, _CASE, _OUTPUT):
        if event == "start":
            depth += 1
            if depth == 1:
                root = dict(element.attrib)
                _start(run, name, root)
            if name == "test-suite":
                suites.append(_Suite(dict(element.attrib)))
                if element.get("type") == "Assembly":
                    assemblies.append(assembly_name(element.get("fullname") or element.get("name") or ""))
            elif name == "test-case":
                in_case = True
            continue
        depth -= 1
        if name == "test-case":
            in_case = False
            result = _case(run, element, [label for suite in suites for label in suite.labels])
            if suites:
                suites[-1].cases += 1
                suites[-1].skipped += result is Result.SKIPPED
                suites[-1].bad += result in (Result.FAILED, Result.ERROR)
        elif name == "test-suite":
            _end_suite(run, suites)
        elif name in ("property", "category") and not in_case and suites:
            suites[-1].labels.extend(_labels([element]))
        elif name == "message" and not in_case and suites:
            suites[-1].message = suites[-1].message or text_of(element)
        elif name == "environment" and not run.producer:
            version = element.get("nunit-version") or element.get("framework-version")
            run.producer = f"NUnit {version}" if version else ""
    counts = run.cases.counts()
    if len(assemblies) == 1:
        run.subject_name = assemblies[0]
    elif not assemblies and run.name:
        run.subject_name = assembly_name(root.get("fullname") or root.get("name") or "")
    if not run.name and assemblies:
        run.name = assemblies[0] if len(assemblies) == 1 else f"{len(assemblies)} assemblies"
    # Versions differ in whether `total` holds the tests that did not run.
    if counts.total and counts.total in (
        run.declared.get("testcasecount"),
        run.declared.get("total", 0) + run.declared.get("not-run", 0),
    ):
        run.declared_total = counts.total
    told_failed = root.get("result", "").lower() in _FAILED_SUITE
    if told_failed and not (counts.failed or counts.error or run.problem_count):
        run.problem("the run is marked as failed, though none of its tests failed")
    return run


def _start(run: Run, root: str, attributes: dict[str, str]) -> None:
    if root not in ("test-results", "test-run", "test-suite"):
        raise Reject(f"the root element <{root}> is none of NUnit's test-results, test-run and test-suite")
    run.declared = numbers(attributes, _TOTALS + _TOTALS_NOT_RUN)
    run.declared_total = run.declared.get("total")
    run.declared_not_run = max(run.declared.get("skipped", 0), run.declared.get("not-run", 0))
    run.name = base_name(attributes.get("name", ""))
    if root == "test-results":
        run.dialect = "nunit2"
        bad = [as_count(attributes.get(word)) for word in ("errors", "failures", "invalid")]
        run.declared_bad = sum(found for found in bad if found is not None) if any(bad) else None
        # The writer notes when it writes, which is when the run ends.
        run.completed_at = moment(f"{attributes.get('date', '')}T{attributes.get('time', '')}")
        return
    run.declared_bad = as_count(attributes.get("failed"))
    if version := attributes.get("engine-version"):
        run.producer = f"NUnit {version}"
    day = attributes.get("run-date", "")
    start, end = attributes.get("start-time", ""), attributes.get("end-time", "")
    run.started_at = moment(start) or moment(f"{day}T{start}")
    run.completed_at = moment(end) or moment(f"{day}T{end}")


def _end_suite(run: Run, suites: list[_Suite]) -> None:
    """What the suite says of itself against what was met in it. What its set-up or tear-down did shows nowhere else."""
    suite = suites.pop()
    told = suite.attributes
    # Versions before 2.5 have `success` alone; later ones also call an inconclusive suite no success.
    result = told.get("result") or {"false": "failure"}.get(told.get("success", "").lower(), "")
    if result.lower() in _FAILED_SUITE:
        message = f": {suite.message}" if suite.message else ""
        if told.get("site") == "TearDown":
            run.problem(f"the tear-down of {suite.name} failed{message}")
            suite.bad += 1
        elif not suite.bad:
            run.problem(f"{suite.name} is marked as failed, though none of its tests failed{message}")
            suite.bad += 1
    run.look(
        f"suite {clip(suite.name, 100)}",
        as_count(told.get("total")),
        suite.cases,
        (as_count(told.get("skipped")) or 0) - suite.skipped,
    )
    if suites:
        suites[-1].cases += suite.cases
        suites[-1].skipped += suite.skipped
        suites[-1].bad += suite.bad


def _case(run: Run, case: Element, inherited: list[str]) -> Result:
    failure = child(case, "failure")
    word, label = case.get("result", ""), case.get("label", "")
    if run.dialect == "nunit2":
        outcome, result = _nunit_2(case, failure)
    elif word.lower() not in _NUNIT_3:
        outcome, result = word or "none", Result.ERROR
    else:
        outcome, result = f"{word}:{label}" if label else word, _NUNIT_3[word.lower()]
        if result is Result.FAILED and label.lower() in _NEVER_JUDGED:
            result = Result.ERROR
    if result is Result.PASSED and failure is not None:
        result = Result.FAILED
    told = failure if failure is not None else child(case, "reason")
    message = text_of(child(told, "message")) if told is not None else ""
    if result is Result.ERROR and not message:
        message = f"outcome {outcome}"
    labels = inherited + _labels(list(case.iter()))
    name = case.get("fullname") or case.get("name") or "(no name)"
    owner = case.get("classname") or ""
    # A test of NUnit 2 has its class in its name, and what it was called with behind that.
    holder = owner or name.partition("(")[0].rpartition(".")[0] or name
    run.add(name, result, outcome, suite=owner, message=message, labels=labels, holder=holder)
    return result


def _nunit_2(case: Element, failure: Element | None) -> tuple[str, Result]:
    word = case.get("result")
    if word is not None:
        return word, _NUNIT_2.get(word.lower(), Result.ERROR)
    executed, success = (case.get(name, "").lower() for name in ("executed", "success"))
    if executed == "false":
        return "NotRun", Result.SKIPPED
    if failure is not None:
        return "Failure", Result.FAILED
    if success == "true" or (executed == "true" and not success):
        return "Success", Result.PASSED
    # The runner reads anything but True as a failure, and so do the totals that it writes.
    return ("Failure", Result.FAILED) if success else ("none", Result.INCONCLUSIVE)


def _labels(elements: list[Element]) -> list[str]:
    """Values of the properties and categories among the elements that may name an invariant."""
    found = []
    for element in elements:
        if local(element.tag) == "category":
            found.append(element.get("name", ""))
        elif local(element.tag) == "property" and element.get("name", "").lower() in INVARIANT_LABELS:
            found.append(element.get("value", "") or text_of(element))
    return found
