"""Cucumber's JSON report: a list of features, each with its scenarios and their steps, as cucumber-ruby, -jvm and
-js write it, and godog, Karate, pytest-bdd, Reqnroll, behave and others after them.

Scenarios state acceptance, so the item is of type uat; the importing command may say otherwise. A scenario's
status is the worst of its steps, its hooks and the background right before it. Steps that have no result at all
were never run, so they prove nothing: cucumber-ruby 2 writes an outline once, as a template, without the results
of its rows. Retried attempts stand in the file as scenarios of their own, no different from the rows of an
outline, so each is counted as it stands and a failed attempt is never hidden by a later pass.

Source: cucumber/cucumber-json-schema and the producers' own reports. The published parsers (cucumber-json for Go
and JavaScript) are not for Python; the document is plain JSON.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from app.domain.evidence import EvidenceType, Result
from app.importers.base import Artifact, ImportBatch, Probe, Reject, Rejected
from app.importers.documents import as_dict, as_list, as_text, read_json, repeated_keys
from app.importers.moments import moment
from app.importers.runs import TOLD_ONLY, Run, after, objects, seconds
from app.importers.scenarios import RESULTS, WORST_FIRST, worst_status

FORMAT = "cucumber-json"

_HOOKS = ("before", "after", "around")

_SYNONYMS = {
    "untested": "skipped",
    "error": "failed",
    "hook_error": "failed",
    "cleanup_error": "failed",
}
"""Words of behave's own."""


def detect(probe: Probe) -> bool:
    """A list of objects that are features: a keyword, a name, a place, and as a rule elements with steps."""
    document = probe.document
    if probe.kind != "json" or not isinstance(document, list) or not document:
        return False
    return all(isinstance(feature, dict) and _is_feature(feature) for feature in document[:20])


def _is_feature(feature: dict[str, Any]) -> bool:
    elements = feature.get("elements")
    if isinstance(elements, list) and elements:
        first = elements[0]
        return isinstance(first, dict) and ("steps" in first or ("keyword" in first and "name" in first))
    placed = "uri" in feature or "location" in feature
    return placed and isinstance(feature.get("keyword"), str) and isinstance(feature.get("name"), str)


@dataclass(slots=True)
class _Reading:
    """The run, and what is kept of the whole file."""

    run: Run
    by_worst_status: Counter[str] = field(default_factory=Counter)
    seen: set[tuple[str, str, str]] = field(default_factory=set)
    repeated: int = 0


@dataclass(slots=True)
class _Parts:
    """The statuses of a scenario, or of a background, and what its first bad step said."""

    hooks: set[str] = field(default_factory=set)
    steps: list[str] = field(default_factory=list)
    message: str = ""
    seconds: float = 0

    @property
    def statuses(self) -> set[str]:
        return self.hooks | set(self.steps)


def parse(artifact: Artifact) -> ImportBatch | Rejected:
    """One uat item for the run, and the invariants that its tags and names name."""
    document = read_json(artifact, TOLD_ONLY)
    features = objects(document, "the document")
    if not features:
        raise Reject("the report holds no features")
    run = Run("cucumber", "Cucumber", noun="scenarios")
    reading = _Reading(run)
    for index, feature in enumerate(features):
        _feature(reading, feature, f"[{index}]")
    run.facts["features"] = len(features)
    run.facts["scenarios_by_worst_status"] = dict(reading.by_worst_status)
    if reading.repeated:
        run.facts["repeated_scenarios"] = reading.repeated
    if len(features) == 1:
        run.name = as_text(features[0].get("name"))
    return run.batch(FORMAT, EvidenceType.UAT, repeated_keys(artifact))


def _feature(reading: _Reading, feature: dict[str, Any], where: str) -> None:
    run = reading.run
    if "uri" not in feature and isinstance(feature.get("location"), str):
        run.dialect, run.tool = "behave", "behave"
    bad_before = _bad(run)
    background = _Parts()
    for index, element in enumerate(objects(feature.get("elements"), f"{where}.elements")):
        place = f"{where}.elements[{index}]"
        parts = _parts(element, place)
        if _is_background(element):
            background = parts
            continue
        _scenario(reading, feature, element, parts, background)
        background = _Parts()
    if worst_status(background.statuses) == "failed":
        run.problem(f"a background without a scenario failed: {background.message}")
    status = _word(feature.get("status"))
    if status == "failed" and _bad(run) == bad_before:
        run.problem(f"the feature {as_text(feature.get('name'))} is marked as failed, though no scenario is")


def _bad(run: Run) -> int:
    counts = run.cases.counts()
    return counts.failed + counts.error + run.problem_count


def _is_background(element: dict[str, Any]) -> bool:
    kind = element.get("type")
    return kind == "background" if isinstance(kind, str) else element.get("keyword") == "Background"


def _scenario(
    reading: _Reading, feature: dict[str, Any], element: dict[str, Any], parts: _Parts, background: _Parts
) -> None:
    run = reading.run
    statuses = parts.statuses | background.statuses
    if status := _word(element.get("status")):
        statuses.add(status)
    worst = worst_status(statuses)
    reading.by_worst_status[worst] += 1
    identity = tuple(as_text(part) for part in (feature.get("uri"), element.get("id"), element.get("line")))
    if identity[1]:
        reading.repeated += identity in reading.seen
        reading.seen.add((identity[0], identity[1], identity[2]))
    # behave writes the background once as a template, and its steps again, with results, in each scenario.
    ran_before = [status for status in background.steps if status]
    result, outcome = _judge(worst, statuses, parts.steps + ran_before)
    message = parts.message or background.message
    run.add(
        as_text(element.get("name")) or as_text(feature.get("name")) or "(no name)",
        result,
        outcome,
        suite=as_text(feature.get("name")) or as_text(feature.get("uri")),
        message=message if result is not Result.INCONCLUSIVE else "some of its steps have no result",
        labels=[*_tags(feature), *_tags(element)],
        holder=as_text(feature.get("uri")) or _file(feature.get("location")) or as_text(feature.get("name")),
    )
    if start := moment(element.get("start_timestamp")):
        # Only writers of nanoseconds write this timestamp.
        end = after(start, parts.seconds + background.seconds) or start
        run.started_at = min(run.started_at or start, start)
        run.completed_at = max(run.completed_at or end, end)


def _judge(worst: str, statuses: set[str], steps: list[str]) -> tuple[Result, str]:
    if worst != "failed" and statuses - {""} - set(WORST_FIRST):
        return Result.ERROR, next(iter(sorted(statuses - {""} - set(WORST_FIRST))))
    if worst not in ("passed", "other"):
        return RESULTS[worst], worst
    if not steps:
        return Result.SKIPPED, "no steps"
    if "" in steps:
        return Result.INCONCLUSIVE, "no result"
    return RESULTS["passed"], "passed"


def _parts(element: dict[str, Any], where: str) -> _Parts:
    parts = _Parts()
    for holder, place in _hooked(element, where):
        for kind in _HOOKS:
            for hook in objects(holder.get(kind), f"{place}.{kind}"):
                parts.hooks.add(_take(parts, hook) or "none")
    parts.hooks.discard("none")
    for step in objects(element.get("steps"), f"{where}.steps"):
        status = _take(parts, step)
        if step.get("hidden") is True:  # how cucumber-js writes a hook
            if status:
                parts.hooks.add(status)
        else:
            parts.steps.append(status)
    return parts


def _hooked(element: dict[str, Any], where: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The scenario and its steps; each of them may have hooks."""
    yield element, where
    for index, step in enumerate(objects(element.get("steps"), f"{where}.steps")):
        yield step, f"{where}.steps[{index}]"


def _take(parts: _Parts, step: dict[str, Any]) -> str:
    """The status of a step or hook, "" when it has none; its duration and message are noted."""
    result = as_dict(step.get("result"))
    status = _word(result.get("status"))
    parts.seconds += seconds(result.get("duration"), 10**9) or 0
    if status not in ("", "passed", "skipped") and not parts.message:
        error = result.get("error_message")
        told = "\n".join(as_text(line) for line in error) if isinstance(error, list) else as_text(error)
        step_name = f"{as_text(step.get('keyword'))}{as_text(step.get('name'))}".strip()
        parts.message = told or f"{status}: {step_name}"
    return status


def _file(location: Any) -> str:
    """The file of behave's `features/cart.feature:3`."""
    return as_text(location).rpartition(":")[0]


def _word(status: Any) -> str:
    word = as_text(status).strip().lower()
    return _SYNONYMS.get(word, word)


def _tags(holder: dict[str, Any]) -> list[str]:
    """The names of the tags, which are objects, or plain text for behave."""
    tags = as_list(holder.get("tags"))
    return [as_text(tag.get("name")) if isinstance(tag, dict) else as_text(tag) for tag in tags]
