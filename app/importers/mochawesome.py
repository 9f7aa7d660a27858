"""mochawesome reports, single or merged: Mocha's tests as nested suites, as Cypress projects too write them.

Cypress drives the whole product, so a report whose spec files are Cypress's becomes uat evidence; any other is a
unit run and becomes ci. A failed hook is not a test and is kept as trouble outside the tests. Sources: the
documents of mochawesome 2 to 7; plain JSON, so no parser library is needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from app.domain.evidence import EvidenceType, Result
from app.importers.base import Artifact, ImportBatch, Probe, Reject, Rejected, clip
from app.importers.documents import as_count, as_dict, as_text, read_json, repeated_keys
from app.importers.moments import moment
from app.importers.runs import TOLD_ONLY, Run, numbers, objects

FORMAT = "mochawesome"

_CYPRESS = re.compile(r"(?:^|[\\/])cypress[\\/]|\.cy\.[jt]sx?$")
_OWN_STATS = frozenset({"testsRegistered", "passPercent", "hasSkipped", "hasOther"})
_HOOKS = ("beforeHooks", "afterHooks")


def detect(probe: Probe) -> bool:
    """An object with statistics of mochawesome's own, or with results that are its suites; Mocha's own JSON has
    lists of tests instead."""
    document = probe.document
    if probe.kind != "json" or not isinstance(document, dict) or not isinstance(document.get("stats"), dict):
        return False
    if _OWN_STATS & document["stats"].keys():
        return True
    results = document.get("results")
    return isinstance(results, list) and any(
        isinstance(suite, dict) and "beforeHooks" in suite and "tests" in suite for suite in results[:20]
    )


def parse(artifact: Artifact) -> ImportBatch | Rejected:
    """One item for the run, and the invariants that its tests name."""
    document = as_dict(read_json(artifact, TOLD_ONLY))
    stats = as_dict(document.get("stats"))
    run = Run("mochawesome", "mochawesome")
    run.producer = _producer(as_dict(document.get("meta")))
    run.started_at, run.completed_at = moment(stats.get("start")), moment(stats.get("end"))
    run.declared = numbers(stats, ("tests", "passes", "failures", "pending", "skipped", "testsRegistered"))
    run.declared_total, run.declared_bad = as_count(stats.get("tests")), as_count(stats.get("failures"))
    cypress = False
    hooks: dict[str, int] = {}
    for suite, path, file, where in _suites(_roots(document)):
        cypress = cypress or bool(_CYPRESS.search(file))
        for test in objects(suite.get("tests"), f"{where}.tests"):
            _test(run, test, path, file)
        for kind in _HOOKS:
            for hook in objects(suite.get(kind), f"{where}.{kind}"):
                state = _state(hook)
                hooks[clip(state, 40)] = hooks.get(clip(state, 40), 0) + 1
                if state == "failed":
                    run.problem(f"{_name(hook, path)}: {_message(hook)}")
    if hooks:
        run.facts["hooks"] = dict(list(hooks.items())[:10])
    return run.batch(FORMAT, EvidenceType.UAT if cypress else EvidenceType.CI, repeated_keys(artifact))


def _roots(document: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """The outermost suites. A run in which no file had a test is written as `results: [false]`."""
    results = document.get("results")
    if isinstance(results, list):
        objects([suite for suite in results if suite is not False], "results")
        return [(suite, f"results[{index}]") for index, suite in enumerate(results) if isinstance(suite, dict)]
    if isinstance(document.get("suites"), dict):  # before version 4
        return [(document["suites"], "suites")]
    raise Reject("a mochawesome report has a list of results; this one has none")


def _suites(
    roots: list[tuple[dict[str, Any], str]], above: str = "", file_above: str = ""
) -> Iterator[tuple[dict[str, Any], str, str, str]]:
    """Each suite with its titles, its file and its place in the report, in document order. Only the outermost suite
    of a file names it."""
    for suite, where in roots:
        path = " ".join(part for part in (above, as_text(suite.get("title"))) if part)
        file = as_text(suite.get("fullFile")) or as_text(suite.get("file")) or file_above
        yield suite, path, file, where
        nested = suite.get("suites")
        if isinstance(nested, dict):  # version 1 wraps them
            nested = nested.get("suites")
        below = objects(nested, f"{where}.suites")
        yield from _suites([(inner, f"{where}.suites[{at}]") for at, inner in enumerate(below)], path, file)


def _test(run: Run, test: dict[str, Any], path: str, file: str) -> None:
    state = _state(test)
    retries = as_count(test.get("currentRetry")) or as_count(test.get("_currentRetry")) or 0
    attempts = retries + 1 if retries else ""
    if state == "failed":
        result = Result.FAILED
    elif state == "passed":
        result = Result.WARNED if retries else Result.PASSED
    elif state in ("pending", "skipped"):
        result = Result.SKIPPED
    else:
        result = Result.INCONCLUSIVE if state == "none" else Result.ERROR
    run.add(
        _name(test, path),
        result,
        state,
        suite=file,
        message=_message(test),
        holder=file or path or None,
        attempts=attempts,
    )


def _state(test: dict[str, Any]) -> str:
    """How it ended; where `state` says nothing, as for what a failed hook skipped, by the flags."""
    if state := as_text(test.get("state")):
        return state
    flags = (("fail", "failed"), ("pending", "pending"), ("skipped", "skipped"), ("pass", "passed"))
    return next((word for flag, word in flags if test.get(flag) is True), "none")


def _name(test: dict[str, Any], path: str) -> str:
    title = as_text(test.get("title"))
    return as_text(test.get("fullTitle")) or " ".join(part for part in (path, title) if part) or "(no name)"


def _message(test: dict[str, Any]) -> str:
    error = as_dict(test.get("err"))
    return as_text(error.get("message")) or as_text(error.get("estack")) or as_text(error.get("stack"))


def _producer(meta: dict[str, Any]) -> str:
    versions = [(name, as_text(as_dict(meta.get(name)).get("version"))) for name in ("mochawesome", "mocha")]
    return ", ".join(f"{name} {version}" for name, version in versions if version)
