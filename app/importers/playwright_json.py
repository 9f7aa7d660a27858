"""Playwright Test's JSON report: suites of specs, a test for each spec and project, a result for each attempt.

Playwright drives the product from end to end, so the item is of type uat; the importing command may say otherwise.
A test that failed and then passed is `flaky`: counted as passed, and told apart. Sources: the JSONReport types in
playwright's testReporter.d.ts and its JSON reporter. Plain JSON, so no parser library is needed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.checks import steady
from app.domain.evidence import EvidenceType, Result
from app.importers.base import Artifact, ImportBatch, Probe, Reject, Rejected, clip, link
from app.importers.documents import as_count, as_dict, as_list, as_text, read_json, repeated_keys
from app.importers.moments import moment
from app.importers.runs import INVARIANT_LABELS, TOLD_ONLY, Run, after, numbers, objects, seconds

FORMAT = "playwright-json"

_RESULTS = {
    "expected": Result.PASSED,
    "flaky": Result.WARNED,
    "unexpected": Result.FAILED,
    "skipped": Result.SKIPPED,
}
_PROJECTS = 20


def detect(probe: Probe) -> bool:
    """An object with a configuration of Playwright's and a list of suites, or with suites that hold specs, under
    whatever name: a report whose suites are missing should be refused by name."""
    document = probe.document
    if probe.kind != "json" or not isinstance(document, dict):
        return False
    config = as_dict(document.get("config"))
    if isinstance(document.get("suites"), list) and {"rootDir", "projects"} & config.keys():
        return True
    if {"rootDir", "projects", "reporter"} <= config.keys() and "errors" in document:
        return True
    return any(
        isinstance(suite, dict) and isinstance(suite.get("specs"), list) and isinstance(suite.get("file"), str)
        for name in ("suites", "tests")
        for suite in as_list(document.get(name))[:20]
    )


@dataclass(slots=True)
class _Attempts:
    """What the attempts of all the tests add up to, and between which times they ran."""

    by_status: Counter[str] = field(default_factory=Counter)
    by_count: Counter[str] = field(default_factory=Counter)
    projects: dict[str, None] = field(default_factory=dict)
    first: datetime | None = None
    last: datetime | None = None

    def add(self, test: dict[str, Any], results: list[dict[str, Any]]) -> None:
        self.by_count[str(len(results))] += 1
        if project := as_text(test.get("projectName")):
            self.projects.setdefault(clip(project, 80))
        for result in results:
            self.by_status[clip(as_text(result.get("status")), 40) or "none"] += 1
            if start := moment(result.get("startTime")):
                end = after(start, seconds(result.get("duration"), 1000) or 0) or start
                self.first = min(self.first or start, start)
                self.last = max(self.last or end, end)


def parse(artifact: Artifact) -> ImportBatch | Rejected:
    """One uat item for the run, and the invariants that its tests name by annotation, tag or title."""
    document = as_dict(read_json(artifact, TOLD_ONLY))
    if not isinstance(document.get("suites"), list):
        raise Reject("a Playwright report has a list of suites; this one has none")
    config, stats = as_dict(document.get("config")), as_dict(document.get("stats"))
    run, attempts = Run("playwright", "Playwright"), _Attempts()
    version = as_text(config.get("version"))
    run.producer = f"Playwright {version}" if version else "Playwright"
    for spec, titles, where in _specs(document["suites"], "suites"):
        for test in objects(spec.get("tests"), f"{where}.tests"):
            results = objects(test.get("results"), f"{where}.tests[].results")
            attempts.add(test, results)
            _test(run, spec, titles, test, results)
    for error in objects(document.get("errors"), "errors"):
        run.problem(as_text(error.get("message")) or as_text(error.get("value")) or "an error outside the tests")
    _origin(run, as_dict(config.get("metadata")))
    run.declared = numbers(stats, _RESULTS)
    if run.declared:
        run.declared_total, run.declared_bad = sum(run.declared.values()), as_count(stats.get("unexpected"))
    run.started_at = moment(stats.get("startTime")) or attempts.first
    stated_end = after(moment(stats.get("startTime")), seconds(stats.get("duration"), 1000))
    run.completed_at = stated_end or attempts.last
    run.facts["attempts_by_status"] = dict(attempts.by_status.most_common(20))
    run.facts["tests_by_attempt_count"] = dict(attempts.by_count.most_common(20))
    if attempts.projects:
        run.facts["projects"] = list(attempts.projects)[:_PROJECTS]
    if attempts.by_status["interrupted"]:
        run.limits.add(Result.INCONCLUSIVE)  # somebody or something stopped the run
    return run.batch(FORMAT, EvidenceType.UAT, repeated_keys(artifact))


def _origin(run: Run, metadata: dict[str, Any]) -> None:
    """Commit and run as Playwright finds them: in objects since 1.51, before that under flat keys."""
    ci, git = as_dict(metadata.get("ci")), as_dict(metadata.get("gitCommit"))
    run.origin.url = link(ci.get("buildHref"), metadata.get("ci.link"))
    for commit in (git.get("hash"), metadata.get("revision.id")):
        run.origin.of_commit(as_text(commit))


def _specs(suites: Any, where: str, above: str = "") -> Iterator[tuple[dict[str, Any], str, str]]:
    """Each spec with the titles above it and its place in the file, in document order. The title of an outermost
    suite is its file, which the spec names as well."""
    for index, suite in enumerate(objects(suites, where)):
        place = f"{where}[{index}]"
        title = as_text(suite.get("title")) if "." in where else ""
        path = " › ".join(part for part in (above, title) if part)
        for at, spec in enumerate(objects(suite.get("specs"), f"{place}.specs")):
            yield spec, path, f"{place}.specs[{at}]"
        yield from _specs(suite.get("suites"), f"{place}.suites", path)


def _test(run: Run, spec: dict[str, Any], titles: str, test: dict[str, Any], results: list[dict[str, Any]]) -> None:
    status = as_text(test.get("status")) or _outcome(as_text(test.get("expectedStatus")) or "passed", results)
    result = _RESULTS.get(status, Result.ERROR)
    title = as_text(spec.get("title"))
    run.add(
        " › ".join(part for part in (titles, title) if part) or "(no title)",
        result,
        status,
        suite=as_text(spec.get("file")),
        message=_message(status, results),
        labels=_labels(spec, test, results),
        holder=" ".join(filter(None, (as_text(test.get("projectName")), steady(as_text(spec.get("file")))))) or None,
        project=as_text(test.get("projectName")),
        attempts=len(results) if len(results) > 1 else "",
    )


def _outcome(expected: str, results: list[dict[str, Any]]) -> str:
    """The status that old versions leave out, as Playwright works it out from the attempts."""
    ran = [as_text(result.get("status")) for result in results]
    ran = [status for status in ran if status not in ("skipped", "interrupted")]
    if not ran:
        return "skipped"
    good = [status == expected for status in ran]
    return "expected" if all(good) else "flaky" if any(good) else "unexpected"


def _message(status: str, results: list[dict[str, Any]]) -> str:
    for result in reversed(results):
        for error in (result.get("error"), *as_list(result.get("errors"))):
            if text := as_text(as_dict(error).get("message")) or as_text(as_dict(error).get("value")):
                return text
    if status == "unexpected" and results and as_text(results[-1].get("status")) == "passed":
        return "passed, though it is marked as expected to fail"
    return ""


def _labels(spec: dict[str, Any], test: dict[str, Any], results: list[dict[str, Any]]) -> list[str]:
    """The tags, and the descriptions of the annotations that may name an invariant."""
    labels = [as_text(tag) for tag in as_list(spec.get("tags"))]
    annotations = [as_dict(one) for holder in (test, *results[-1:]) for one in as_list(holder.get("annotations"))]
    named = (one for one in annotations if as_text(one.get("type")).lower() in INVARIANT_LABELS)
    return labels + [as_text(one.get("description")) for one in named]
