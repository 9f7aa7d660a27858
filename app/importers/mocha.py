"""Reads the document of Mocha's own JSON reporter: `stats`, and the lists `tests`, `passes`, `failures`, `pending`.

Source: mochajs.org, "JSON" reporter. A failed hook stands among the failures without being a test; it is kept as
trouble outside the tests. Plain JSON, so no parser library is needed.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from app.domain.evidence import Result
from app.importers.base import Artifact, Reject
from app.importers.documents import as_count, as_dict, as_text, read_json
from app.importers.moments import moment
from app.importers.runs import TOLD_ONLY, Run, numbers, objects

_HOOK = re.compile(r'"(?:before|after) (?:all|each)" hook')


def is_mocha(document: Any) -> bool:
    """Whether a JSON document is Mocha's."""
    return (
        isinstance(document, dict)
        and isinstance(document.get("stats"), dict)
        and all(isinstance(document.get(name), list) for name in ("tests", "passes", "failures"))
    )


def read_mocha(artifact: Artifact) -> Run:
    """The run in a Mocha JSON document."""
    document = read_json(artifact, TOLD_ONLY)
    if not is_mocha(document):
        raise Reject("a Mocha report has stats, and the lists tests, passes and failures")
    stats = document["stats"]
    run = Run("mocha", "Mocha")
    run.started_at, run.completed_at = moment(stats.get("start")), moment(stats.get("end"))
    run.declared = numbers(stats, ("tests", "passes", "failures", "pending"))
    run.declared_total, run.declared_bad = as_count(stats.get("tests")), as_count(stats.get("failures"))
    tests = objects(document["tests"], "tests")
    open_tests = Counter(_key(test) for test in tests)
    known = set(open_tests)
    for test in objects(document["failures"], "failures"):
        key, message = _key(test), as_text(as_dict(test.get("err")).get("message"))
        if key not in known and _HOOK.match(as_text(test.get("title"))):
            run.problem(f"{_name(test)}: {message}")
            continue
        open_tests[key] -= 1
        run.add(_name(test), Result.FAILED, "failed", suite=as_text(test.get("file")), message=message)
    for test in objects(document.get("pending"), "pending"):
        open_tests[_key(test)] -= 1
        run.add(_name(test), Result.SKIPPED, "pending", suite=as_text(test.get("file")))
    for test in objects(document["passes"], "passes"):
        key = _key(test)
        if key in known and open_tests[key] <= 0:
            continue  # a test may pass first and fail afterwards; it has been counted as failed
        open_tests[key] -= 1
        retries = as_count(test.get("currentRetry")) or 0
        result, outcome = (Result.WARNED, "flaky") if retries else (Result.PASSED, "passed")
        attempts = retries + 1 if retries else ""
        run.add(_name(test), result, outcome, suite=as_text(test.get("file")), attempts=attempts)
    for test in tests:
        if open_tests[_key(test)] > 0:
            # Old versions have no list of pending tests; newer ones leave out a test only when the run broke off.
            open_tests[_key(test)] -= 1
            result = Result.INCONCLUSIVE if "pending" in document else Result.SKIPPED
            run.add(_name(test), result, "none", suite=as_text(test.get("file")), message="no outcome is given")
    return run


def _key(test: dict[str, Any]) -> tuple[str, str]:
    return _name(test), as_text(test.get("file"))


def _name(test: dict[str, Any]) -> str:
    return as_text(test.get("fullTitle")) or as_text(test.get("title")) or "(no name)"
