"""Cucumber messages: one envelope a line, the stream that every current Cucumber writes.

Scenarios state acceptance, so the item is of type uat; the importing command may say otherwise. An attempt that
will be retried is not a result; a pass after one is a flaky pass. Source: cucumber/messages, the JSON schemas of
protocol versions 12 to 32 (`willBeRetried` moved from the step to the case in 19). The official message library
for Python builds typed objects of whole streams; here most envelopes are only passed over.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.evidence import EvidenceType, Result
from app.importers.base import Artifact, ImportBatch, Probe, Reject, Rejected, link
from app.importers.documents import as_count, as_dict, as_list, as_text, json_lines, repeated_keys
from app.importers.moments import moment
from app.importers.runs import TOLD_ONLY, Run
from app.importers.scenarios import RESULTS, WORST_FIRST

FORMAT = "cucumber-messages"

_OPENING = frozenset({"meta", "source", "gherkinDocument", "pickle", "testRunStarted", "testCase", "parseError"})
_ENVELOPES = _OPENING | {
    "attachment",
    "externalAttachment",
    "hook",
    "parameterType",
    "stepDefinition",
    "suggestion",
    "testCaseFinished",
    "testCaseStarted",
    "testRunFinished",
    "testRunHookFinished",
    "testRunHookStarted",
    "testStepFinished",
    "testStepStarted",
    "undefinedParameterType",
}


def detect(probe: Probe) -> bool:
    """JSON lines, each an object of one key that names an envelope."""
    if probe.kind == "jsonl":
        envelopes = probe.document
    elif (
        probe.kind == "json"
        and isinstance(probe.document, dict)
        and "protocolVersion" in as_dict(probe.document.get("meta"))
    ):
        envelopes = [probe.document]
    else:
        return False
    kinds = [next(iter(one)) if isinstance(one, dict) and len(one) == 1 else "" for one in envelopes]
    return bool(kinds) and set(kinds) <= _ENVELOPES and bool(set(kinds) & _OPENING)


@dataclass(slots=True)
class _Pickle:
    name: str
    uri: str
    tags: list[str]


@dataclass(slots=True)
class _Attempt:
    case: str
    number: int
    statuses: set[str] = field(default_factory=set)
    message: str = ""
    retried: bool = False


@dataclass(slots=True)
class _Stream:
    """What of the stream is still needed."""

    run: Run
    features: dict[str, str] = field(default_factory=dict)
    pickles: dict[str, _Pickle] = field(default_factory=dict)
    cases: dict[str, str] = field(default_factory=dict)
    attempts: dict[str, _Attempt] = field(default_factory=dict)
    attempted: set[str] = field(default_factory=set)
    retries: Counter[str] = field(default_factory=Counter)
    by_worst_status: Counter[str] = field(default_factory=Counter)
    opened: int = 0
    closed: int = 0
    said_failed: bool = False


def parse(artifact: Artifact) -> ImportBatch | Rejected:
    """One uat item for the run, and the invariants that its tags and names name."""
    run = Run("messages", "Cucumber", noun="scenarios")
    stream = _Stream(run)
    for line, envelope in json_lines(artifact, TOLD_ONLY):
        if not isinstance(envelope, dict):
            raise Reject("an envelope is a JSON object", line=line)
        for kind, message in envelope.items():
            _take(stream, kind, as_dict(message))
    if not stream.opened:
        raise Reject("the stream has no testRunStarted: no run is in it")
    if stream.closed < stream.opened:
        raise Reject("the stream has no testRunFinished: the file is cut, or the run was killed")
    for attempt in stream.attempts.values():
        stream.attempted.add(attempt.case)
        _add(stream, attempt.case, Result.ERROR, "unfinished", "the scenario was started and never finished")
    unstarted = 0
    for case in stream.cases:
        if case not in stream.attempted:
            _add(stream, case, Result.SKIPPED, "not started")
            unstarted += 1
    if unstarted:
        run.shortfall(
            f"{unstarted:,} of {len(stream.cases):,} scenarios {'was' if unstarted == 1 else 'were'} never started"
        )
    counts = run.cases.counts()
    if stream.said_failed and not (counts.failed or counts.error or run.problem_count or run.limits):
        run.problem("the run is marked as failed, though none of its scenarios failed")
    run.facts["scenarios_by_worst_status"] = dict(stream.by_worst_status)
    run.facts["attempts_that_were_retried"] = stream.retries.total()
    if len(stream.features) == 1:
        run.name = next(iter(stream.features.values()))
    return run.batch(FORMAT, EvidenceType.UAT, repeated_keys(artifact))


def _take(stream: _Stream, kind: str, message: dict[str, Any]) -> None:
    run = stream.run
    if kind == "testStepFinished":
        _step(stream, message)
    elif kind == "testCaseStarted":
        attempt = _Attempt(as_text(message.get("testCaseId")), as_count(message.get("attempt")) or 0)
        stream.attempts[as_text(message.get("id"))] = attempt
    elif kind == "testCaseFinished":
        _finish(stream, message)
    elif kind == "testCase":
        stream.cases[as_text(message.get("id"))] = as_text(message.get("pickleId"))
    elif kind == "pickle":
        tags = [as_text(as_dict(tag).get("name")) for tag in as_list(message.get("tags"))]
        pickle = _Pickle(as_text(message.get("name")), as_text(message.get("uri")), tags)
        stream.pickles[as_text(message.get("id"))] = pickle
    elif kind == "gherkinDocument":
        name = as_text(as_dict(message.get("feature")).get("name"))
        stream.features[as_text(message.get("uri"))] = name
    elif kind == "meta":
        tool = as_dict(message.get("implementation"))
        run.producer = f"{as_text(tool.get('name'))} {as_text(tool.get('version'))}".strip()
        run.subject_tool = as_text(tool.get("name"))
        ci = as_dict(message.get("ci"))
        run.origin.url = run.origin.url or link(ci.get("url"))
        run.origin.of_commit(as_text(as_dict(ci.get("git")).get("revision")))
    elif kind == "testRunStarted":
        stream.opened += 1
        run.started_at = run.started_at or _moment(message.get("timestamp"))
    elif kind == "testRunFinished":
        stream.closed += 1
        run.completed_at = _moment(message.get("timestamp"))
        stream.said_failed = stream.said_failed or message.get("success") is False
        trouble = as_dict(message.get("exception"))
        if told := as_text(message.get("message")) or as_text(trouble.get("message")):
            run.problem(told)
    elif kind == "testRunHookFinished":
        result = as_dict(message.get("result"))
        if as_text(result.get("status")).upper() not in ("PASSED", "SKIPPED"):
            run.problem(f"a hook of the run failed: {as_text(result.get('message'))}")
    elif kind == "parseError":
        where = as_text(as_dict(message.get("source")).get("uri"))
        run.problem(f"{where} cannot be parsed: {as_text(message.get('message'))}")


def _step(stream: _Stream, message: dict[str, Any]) -> None:
    attempt = stream.attempts.get(as_text(message.get("testCaseStartedId")))
    if attempt is None:
        return
    result = as_dict(message.get("testStepResult") or message.get("testResult"))
    status = as_text(result.get("status")).lower() or "unknown"
    attempt.statuses.add(status)
    attempt.retried = attempt.retried or result.get("willBeRetried") is True
    if status not in ("passed", "skipped") and not attempt.message:
        exception = as_dict(result.get("exception"))
        attempt.message = as_text(result.get("message")) or as_text(exception.get("message")) or status


def _finish(stream: _Stream, message: dict[str, Any]) -> None:
    attempt = stream.attempts.pop(as_text(message.get("testCaseStartedId")), None)
    if attempt is None:
        return
    stream.attempted.add(attempt.case)
    if attempt.retried or message.get("willBeRetried") is True:
        stream.retries[attempt.case] += 1
        return
    worst = next((status for status in WORST_FIRST if status in attempt.statuses), "unknown")
    result = RESULTS.get(worst, Result.SKIPPED)
    outcome = worst.upper()
    stream.by_worst_status[outcome] += 1
    if worst != "failed" and attempt.statuses - set(WORST_FIRST):
        result, outcome = Result.ERROR, "UNKNOWN"
    elif result is Result.PASSED and (attempt.number or stream.retries[attempt.case]):
        result, outcome = Result.WARNED, "FLAKY"
    _add(stream, attempt.case, result, outcome, attempt.message)


def _add(stream: _Stream, case: str, result: Result, outcome: str, message: str = "") -> None:
    pickle = stream.pickles.get(stream.cases.get(case, "")) or _Pickle("", "", [])
    stream.run.add(
        pickle.name or "(no name)",
        result,
        outcome,
        suite=stream.features.get(pickle.uri) or pickle.uri,
        message=message,
        labels=pickle.tags,
        holder=pickle.uri,
        attempts=attempts + 1 if (attempts := stream.retries[case]) else "",
    )


def _moment(timestamp: Any) -> datetime | None:
    """The time of a pair of seconds and nanoseconds; protobuf writers gave the seconds as text."""
    stamp = as_dict(timestamp)
    whole = as_text(stamp.get("seconds"))
    nanoseconds = as_count(stamp.get("nanos")) or 0
    return moment(float(f"{whole}.{nanoseconds:09}")) if whole.isdecimal() and len(whole) <= 12 else None
