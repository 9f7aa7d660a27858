"""Reads xUnit.net results, format v1 (`assembly`) and v2 (`assemblies`), which Fixie and others write too.

Sources: xunit.net/docs/format-xml-v1 and format-xml-v2 (schema versions 1 to 3; NotRun came with the last). No
parser library for it exists in Python.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from app.domain.evidence import Result
from app.importers.base import Artifact, Reject, clip
from app.importers.documents import as_count
from app.importers.markup import child, local, pruned, text_of
from app.importers.moments import moment
from app.importers.runs import INVARIANT_LABELS, Run, Tally, after, assembly_name, base_name, seconds

_WHOLE = frozenset({"test", "error"})
_OUTPUT = frozenset({"output", "stack-trace"})
_PARTS = frozenset({"assembly", "collection", "class"})
_TOTALS = ("total", "passed", "failed", "skipped", "not-run", "errors")

_RESULTS = {
    "pass": Result.PASSED,
    "fail": Result.FAILED,
    "skip": Result.SKIPPED,
    "notrun": Result.SKIPPED,
}


def read_xunit_net(artifact: Artifact) -> Run:
    """The run in an xUnit.net v1 or v2 document."""
    run = Run("xunit", "xUnit.net")
    assemblies: list[str] = []
    before: list[Tally] = []
    depth, inside = 0, False
    for event, name, element in pruned(artifact, _WHOLE, _OUTPUT):
        if event == "start":
            depth += 1
            if depth == 1 and name not in ("assemblies", "assembly"):
                raise Reject(f"the root element <{name}> is neither assemblies nor assembly")
            if name == "assembly":
                assemblies.append(element.get("name", ""))
                _assembly(run, element.attrib)
            if name in _PARTS:
                before.append(run.tally())
            inside |= name in _WHOLE
            continue
        depth -= 1
        if name == "test":
            inside = False
            _test(run, element)
        elif name == "error":
            inside = False
            where = base_name(assemblies[-1]) if assemblies else ""
            words = (where, element.get("type"), element.get("name"), _message(child(element, "failure")))
            run.problem(": ".join(filter(None, words)))
        elif name in _PARTS:
            _end_part(run, name, element.attrib, before.pop())
        elif name == "failure" and not inside:
            run.problem(f"a fixture failed: {text_of(element) or element.get('exception-type', '')}")
    if not assemblies:
        raise Reject("the document holds no assembly")
    run.name = base_name(assemblies[0]) if len(assemblies) == 1 else f"{len(assemblies)} assemblies"
    run.subject_name = assembly_name(assemblies[0]) if len(assemblies) == 1 else ""
    return run


def _end_part(run: Run, kind: str, attributes: dict[str, str], before: Tally) -> None:
    told = {word: as_count(attributes.get(word)) or 0 for word in ("failed", "errors", "skipped", "not-run")}
    name = f"{kind} {clip(base_name(attributes.get('name', '')), 100)}"
    not_run = told["skipped"] + told["not-run"]
    run.part(name, as_count(attributes.get("total")), not_run, told["failed"] + told["errors"], before)


def _assembly(run: Run, attributes: dict[str, str]) -> None:
    for total in _TOTALS:
        if (count := as_count(attributes.get(total))) is not None:
            run.declared[total] = run.declared.get(total, 0) + count
    # Runners differ in whether `total` holds the tests that were not run.
    run.declared_total = run.declared.get("total")
    run.declared_bad = run.declared.get("failed", 0) + run.declared.get("errors", 0)
    run.declared_not_run = run.declared.get("skipped", 0) + run.declared.get("not-run", 0)
    if not run.producer:
        run.producer = attributes.get("test-framework", "")
    day, time = attributes.get("run-date", ""), attributes.get("run-time", "")
    start = moment(attributes.get("start-rtf")) or moment(f"{day}T{time}")
    end = moment(attributes.get("finish-rtf")) or after(start, seconds(attributes.get("time")))
    run.started_at = min((t for t in (run.started_at, start) if t), default=None)
    run.completed_at = max((t for t in (run.completed_at, end) if t), default=None)


def _test(run: Run, test: Element) -> None:
    word = test.get("result", "")
    result = _RESULTS.get(word.lower(), Result.ERROR)
    failure, reason = child(test, "failure"), child(test, "reason")
    if result is Result.PASSED and failure is not None:
        result = Result.FAILED
    message = _message(failure) if failure is not None else text_of(reason)
    if result is Result.ERROR:
        message = message or f"the result {word!r} is none that xUnit.net knows"
    labels = [
        element.get("value", "")
        for element in test.iter()
        if local(element.tag) == "trait" and element.get("name", "").lower() in INVARIANT_LABELS
    ]
    name = test.get("name") or test.get("method") or "(no name)"
    run.add(name, result, word, suite=test.get("type", ""), message=message, labels=labels)


def _message(failure: Element | None) -> str:
    if failure is None:
        return ""
    return text_of(child(failure, "message")) or failure.get("exception-type", "") or text_of(failure)
