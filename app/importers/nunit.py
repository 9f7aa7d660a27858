"""Reads NUnit results: the NUnit 2 document (`test-results`) and the NUnit 3 document (`test-run`).

Sources: docs.nunit.org, "Test Result XML Format" for 3; NUnit 2.x's result writer for 2, of which versions before
2.5 have no `result` on a case, only `executed` and `success`. No parser library for either exists in Python.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from app.domain.evidence import Result
from app.importers.base import Artifact, Reject
from app.importers.documents import as_count
from app.importers.markup import child, local, pruned, text_of
from app.importers.moments import moment
from app.importers.runs import INVARIANT_LABELS, Run, base_name, numbers

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

_NEVER_JUDGED = frozenset({"cancelled", "invalid", "notrunnable"})
"""Labels of a failed case that did not run to a verdict. The label "Error" (an exception) is a failure as it is
for every other .NET runner, and NUnit 3 counts it so."""


def read_nunit(artifact: Artifact) -> Run:
    """The run in an NUnit 2 or 3 document."""
    run = Run("nunit3", "NUnit")
    assemblies: list[str] = []
    suites: list[list[str]] = []  # the labels of each suite that is open
    in_case, depth = False, 0
    root: dict[str, str] = {}
    suite_failed = False
    for event, name, element in pruned(artifact, _CASE, _OUTPUT):
        if event == "start":
            depth += 1
            if depth == 1:
                root = dict(element.attrib)
                _start(run, name, root)
            if name == "test-suite":
                suites.append([])
                if element.get("type") == "Assembly":
                    assemblies.append(base_name(element.get("name", "")))
                suite_failed |= _open_suite(run, element.attrib)
            elif name == "test-case":
                in_case = True
            continue
        depth -= 1
        if name == "test-case":
            in_case = False
            _case(run, element, [label for labels in suites for label in labels])
        elif name == "test-suite":
            suites.pop()
        elif name in ("property", "category") and not in_case and suites:
            suites[-1].extend(_labels([element]))
        elif name == "environment" and not run.producer:
            version = element.get("nunit-version") or element.get("framework-version")
            run.producer = f"NUnit {version}" if version else ""
    counts = run.cases.counts()
    if not run.name and assemblies:
        run.name = assemblies[0] if len(assemblies) == 1 else f"{len(assemblies)} assemblies"
    # Versions differ in whether `total` holds the tests that did not run.
    if counts.total and counts.total in (
        run.declared.get("testcasecount"),
        run.declared.get("total", 0) + run.declared.get("not-run", 0),
    ):
        run.declared_total = counts.total
    told_failed = suite_failed or root.get("result", "").lower() in ("failed", "failure", "error")
    if told_failed and not (counts.failed or counts.error or run.problem_count):
        run.problem("the run is marked as failed, though none of its tests failed")
    return run


def _start(run: Run, root: str, attributes: dict[str, str]) -> None:
    if root not in ("test-results", "test-run", "test-suite"):
        raise Reject(f"the root element <{root}> is none of NUnit's test-results, test-run and test-suite")
    run.declared = numbers(attributes, _TOTALS + _TOTALS_NOT_RUN)
    run.declared_total = run.declared.get("total")
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


def _open_suite(run: Run, attributes: dict[str, str]) -> bool:
    """Whether the suite is marked as failed. What its tear-down did shows nowhere else."""
    # Versions before 2.5 have `success` alone; later ones also call an inconclusive suite no success.
    result = attributes.get("result") or {"false": "failure"}.get(attributes.get("success", "").lower(), "")
    failed = result.lower() in ("failed", "failure", "error")
    if failed and attributes.get("site") == "TearDown":
        run.problem(f"the tear-down of {attributes.get('fullname') or attributes.get('name')} failed")
    return failed


def _case(run: Run, case: Element, inherited: list[str]) -> None:
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
    run.add(name, result, outcome, suite=case.get("classname") or "", message=message, labels=labels)


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
