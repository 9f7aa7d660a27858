"""GitHub checks: webhook events and API answers about check runs and suites, workflow runs and jobs, commit statuses
and deployments, to one `ci` item; reviews of pull requests and deployments, to the gate `approval`.

Source: GitHub's REST API ("Checks", "Actions", "Commit statuses", "Deployments") and "Webhook events and payloads";
lists of the `gh` command (`gh run list`, `gh pr checks`, `statusCheckRollup`) spell the same in other letters.

A run that is not completed is pending. Conclusions: success passed, failure failed, skipped skipped, action_required
pending; cancelled, timed_out and startup_failure are error, since no verdict was reached; neutral and stale are
inconclusive, since they say neither yes nor no. Of a list the newest run of each name counts, and a page of a longer
list never passes. An event about a deployment may carry the run behind it; the deployment's state counts.
No client library is wanted: nothing is fetched here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime
from typing import Any

from app.domain.checks import subject_of
from app.domain.evidence import EvidenceType, Result, worst_result
from app.domain.gates import Enforcement, Gate
from app.importers.base import Artifact, GateResult, ImportBatch, Item, Probe, Reject, Rejected, clip, link
from app.importers.documents import as_count, as_dict, as_list, as_text, read_json
from app.importers.figures import count, tally
from app.importers.moments import moment

FORMAT = "github-checks"

CHECKS_KEPT = 50

_CONCLUSIONS = {
    "success": Result.PASSED,
    "failure": Result.FAILED,
    "neutral": Result.INCONCLUSIVE,
    "stale": Result.INCONCLUSIVE,
    "skipped": Result.SKIPPED,
    "action_required": Result.PENDING,
    "cancelled": Result.ERROR,
    "timed_out": Result.ERROR,
    "startup_failure": Result.ERROR,
}
_STATES = {
    "success": Result.PASSED,
    "failure": Result.FAILED,
    "error": Result.ERROR,
    "inactive": Result.NOT_APPLICABLE,
    "pending": Result.PENDING,
    "queued": Result.PENDING,
    "in_progress": Result.PENDING,
    "waiting": Result.PENDING,
    "expected": Result.PENDING,
}
_BUCKETS = {
    "pass": Result.PASSED,
    "fail": Result.FAILED,
    "pending": Result.PENDING,
    "skipping": Result.SKIPPED,
    "cancel": Result.ERROR,
}
_REVIEWS = {"approved": Result.PASSED, "changes_requested": Result.FAILED, "dismissed": Result.PENDING}

_EVENTS = ("deployment_status", "check_run", "workflow_job", "workflow_run", "check_suite")
"""The most telling first: an event may carry the objects that lie behind it."""

_LISTS = {
    "check_runs": "check_run",
    "check_suites": "check_suite",
    "workflow_runs": "workflow_run",
    "jobs": "workflow_job",
}

_NOUNS = {
    "check_run": "Check",
    "check_suite": "Check suite",
    "workflow_run": "Workflow",
    "workflow_job": "Job",
    "deployment_status": "Deployment",
    "status": "Status",
}


def detect(probe: Probe) -> bool:
    """An event, an object or a list, by its keys."""
    return probe.kind == "json" and _kind(probe.document) != ""


def parse(artifact: Artifact) -> ImportBatch | Rejected:
    """One item, and the gate's result where the document is a review."""
    document = read_json(artifact)
    kind = _kind(document)
    batch = _read(document, kind)
    page = page_of(document, kind)
    return replace(
        batch,
        items=tuple(replace(item, url=page) for item in batch.items),
        gates=tuple(replace(gate, url=page) for gate in batch.gates),
        subject=subject_of(f"GitHub {kind}", repository_of(document), name_of(document, kind)),
        commit="" if batch.gates else commit_of(document, kind),
    )


def _read(document: Any, kind: str) -> ImportBatch:
    if kind in ("review", "deployment_review"):
        item, gate = _review(document) if kind == "review" else _deployment_review(document)
        return ImportBatch(FORMAT, kind, items=(item,), gates=(gate,))
    if kind in _EVENTS:
        told = as_dict(document.get(kind))
        return ImportBatch(FORMAT, kind, items=(_single(kind, told, document),))
    if kind.endswith("-object") or kind == "status":
        kind = kind.removesuffix("-object")
        return ImportBatch(FORMAT, kind, items=(_single(kind, document, document),))
    if kind == "deployment":
        raise Reject("GitHub: a deployment event says that a deployment was asked for, not how it went")
    if kind:
        return ImportBatch(FORMAT, kind, items=(_list(kind, document),))
    raise Reject("neither a GitHub event nor an object about checks, workflows, statuses or deployments")


def _kind(document: Any) -> str:
    if isinstance(document, list):
        return _list_kind(document)
    if not isinstance(document, dict):
        return ""
    if "object_kind" in document:
        return ""
    if "action" in document and isinstance(document.get("review"), dict) and "pull_request" in document:
        return "review"
    reviewed = {"approver", "requestor", "reviewers"} & set(document)
    if isinstance(document.get("workflow_run"), dict) and reviewed and "environment" in document | _since(document):
        return "deployment_review"
    for key in _EVENTS:
        told = document.get(key)
        if isinstance(told, dict) and {"status", "state", "conclusion"} & set(told):
            return key
    for key, of in _LISTS.items():
        entries = document.get(key)
        if isinstance(entries, list) and "total_count" in document and all(_is_run(entry) for entry in entries[:20]):
            return f"{of}s"
    if isinstance(document.get("statuses"), list) and {"state", "sha"} <= set(document):
        return "combined-status"
    if isinstance(document.get("statusCheckRollup"), list):
        return "rollup"
    if isinstance(document.get("deployment"), dict) and "action" in document and "repository" in document:
        return "deployment"
    return _object_kind(document)


def _since(document: dict[str, Any]) -> dict[str, Any]:
    """Where a deployment review names its environment: itself, or its waiting job."""
    return as_dict(document.get("workflow_job_run"))


def _object_kind(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    keys = set(value)
    if {"state", "context", "sha"} <= keys or ({"state", "context", "creator"} <= keys and "target_url" in keys):
        return "status"
    if {"state", "deployment_url", "environment"} <= keys:
        return "deployment_status-object"
    if not _is_run(value) or not {"head_sha", "run_url", "headSha"} & keys:
        return ""
    if {"run_id", "steps"} & keys:
        return "workflow_job-object"
    if {"workflow_id", "run_number", "workflowName"} & keys:
        return "workflow_run-object"
    return "check_suite-object" if "latest_check_runs_count" in keys else "check_run-object"


def _is_run(value: Any) -> bool:
    return isinstance(value, dict) and {"status", "conclusion"} <= set(value)


def _list_kind(entries: list[Any]) -> str:
    if not entries or not all(isinstance(entry, dict) for entry in entries):
        return ""
    first = set(entries[0])
    if {"bucket", "state", "name"} <= first:
        return "gh-checks"
    if {"status", "conclusion"} <= first and {"headSha", "databaseId", "workflowName", "workflowDatabaseId"} & first:
        return "gh-runs"
    kinds = {_object_kind(entry) for entry in entries}
    kind = kinds.pop() if len(kinds) == 1 else ""
    return f"{kind.removesuffix('-object')}-list" if kind else ""


def _result(told: dict[str, Any]) -> tuple[Result, str]:
    """The result of a run, a status or a deployment, and GitHub's word for it."""
    bucket, state = as_text(told.get("bucket")).lower(), as_text(told.get("state")).lower()
    if bucket:
        return _BUCKETS.get(bucket, Result.INCONCLUSIVE), clip(state or bucket, 60)
    status, conclusion = as_text(told.get("status")).lower(), as_text(told.get("conclusion")).lower()
    if status or conclusion:
        if status not in ("completed", ""):
            return Result.PENDING, clip(status, 60)
        return _CONCLUSIONS.get(conclusion, Result.INCONCLUSIVE), clip(conclusion, 60) or "no conclusion"
    return _STATES.get(state, Result.INCONCLUSIVE), clip(state, 60) or "no state"


def _first(told: dict[str, Any], *keys: str) -> str:
    return next((text for key in keys if (text := as_text(told.get(key)))), "")


def _label(kind: str, told: dict[str, Any]) -> str:
    name = _first(told, "context", "name", "workflowName", "display_title", "displayTitle")
    if kind == "check_suite":
        name = as_text(as_dict(told.get("app")).get("name"))
    if kind == "deployment_status":
        name = f"to {as_text(told.get('environment')) or '(unnamed)'}"
    return clip(f"{_NOUNS.get(kind, 'Check')} {name}", 200)


def _times(told: dict[str, Any]) -> tuple[datetime | None, datetime | None]:
    started = moment(_first(told, "started_at", "run_started_at", "startedAt", "created_at", "createdAt"))
    ended = moment(_first(told, "completed_at", "completedAt", "updated_at", "updatedAt", "created_at"))
    return started, ended


def _single(kind: str, told: dict[str, Any], document: dict[str, Any]) -> Item:
    result, word = _result(told)
    started, ended = _times(told)
    repository = _first(as_dict(document.get("repository")), "full_name")
    suite = as_dict(told.get("check_suite"))
    deployment = as_dict(document.get("deployment"))
    facts: dict[str, Any] = {
        "kind": kind,
        "action": as_text(document.get("action")),
        "status": as_text(told.get("status")),
        "conclusion": as_text(told.get("conclusion")),
        "state": as_text(told.get("state")),
        "environment": as_text(told.get("environment")),
        "sha": _first(told, "head_sha", "headSha", "sha") or as_text(deployment.get("sha")),
        "branch": _first(told, "head_branch", "headBranch") or as_text(suite.get("head_branch")),
        "repository": repository,
        "description": as_text(told.get("description")) or as_text(as_dict(told.get("output")).get("title")),
        "attempt": as_text(told.get("run_attempt")),
    }
    payload: dict[str, Any] = {key: clip(value, 200) for key, value in facts.items() if value}
    steps = [as_dict(step) for step in as_list(told.get("steps"))]
    if steps:
        payload["steps_by_conclusion"] = tally(Counter(as_text(s.get("conclusion")) for s in steps))
        failed = [clip(as_text(s.get("name")), 200) for s in steps if _result(s)[0] in (Result.FAILED, Result.ERROR)]
        payload["failed_steps"] = failed[:CHECKS_KEPT]
    for other in _EVENTS:
        if other != kind and isinstance(document.get(other), dict):
            payload[f"behind_{other}"] = _result(document[other])[1]
    app = _first(as_dict(told.get("app")), "name", "slug")
    where = f" in {repository}" if repository else ""
    return Item(
        evidence_type=EvidenceType.CI,
        title=clip(f"{_label(kind, told)}{where}: {word}", 300),
        result=result,
        producer=clip(f"GitHub {app}", 120),
        started_at=started,
        completed_at=None if result is Result.PENDING else ended,
        payload=payload,
    )


def _order(told: dict[str, Any]) -> tuple[int, int]:
    return (
        count(told.get("id") or told.get("databaseId")) or 0,
        count(told.get("run_attempt") or told.get("attempt")) or 0,
    )


def _list(kind: str, document: Any) -> Item:
    """Several runs or statuses: the newest of each name counts, and the worst of these is the result."""
    keys = {f"{of}s": key for key, of in _LISTS.items()}
    keys |= {"combined-status": "statuses", "rollup": "statusCheckRollup"}
    entries = document if isinstance(document, list) else document[keys[kind]]
    one = next((of for of in _NOUNS if kind in (f"{of}s", f"{of}-list", f"combined-{of}")), "check_run")
    newest: dict[str, dict[str, Any]] = {}
    for number, told in enumerate(entries, start=1):
        if not isinstance(told, dict):
            raise Reject(f"entry {number} of the list is not an object")
        label = f"{_label(one, told)} {as_text(as_dict(told.get('app')).get('id'))} {_first(told, 'workflow')}"
        if label not in newest or _order(told) >= _order(newest[label]):
            newest[label] = told
    known = list(newest.values())
    results = [_result(told)[0] for told in known]
    if any(_result(told)[1] != "neutral" for told in known):
        # Neutral is neither yes nor no; beside others that speak, it does not outweigh them.
        results = [Result.SKIPPED if _result(told)[1] == "neutral" else _result(told)[0] for told in known]
    if one == "deployment_status" and known:
        # The states of one deployment come newest first, and the newest is how it stands.
        known = [max(known, key=_order)]
        results = [_result(known[0])[0]]
    passed = results.count(Result.PASSED)
    payload: dict[str, Any] = {
        "kind": kind,
        "checks": len(known),
        "by_result": tally(Counter(_result(told)[1] for told in known)),
        "troubled": [
            {"name": clip(_label(one, told), 200), "result": _result(told)[1]}
            for told in known
            if _result(told)[0] not in (Result.PASSED, Result.SKIPPED)
        ][:CHECKS_KEPT],
    }
    if len(entries) > len(known):
        payload["earlier_runs"] = len(entries) - len(known)
    total = as_count(document.get("total_count")) if isinstance(document, dict) else None
    if total is not None and total > len(entries):
        payload["declared"] = {"total_count": total}
        results.append(Result.INCONCLUSIVE)
    started = [at for told in known if (at := _times(told)[0])]
    ended = [at for told in known if (at := _times(told)[1])]
    result = worst_result(results)
    sha = _first(document, "sha") if isinstance(document, dict) else ""
    return Item(
        evidence_type=EvidenceType.CI,
        title=clip(f"GitHub checks{f' of {sha[:12]}' if sha else ''}: {passed} of {len(known)} passed", 300),
        result=result,
        producer="GitHub",
        started_at=min(started, default=None),
        completed_at=max(ended, default=None) if result is not Result.PENDING else None,
        payload=payload,
    )


def _review(document: dict[str, Any]) -> tuple[Item, GateResult]:
    """A review of a pull request. A comment neither gives nor withholds approval."""
    review, pull = as_dict(document.get("review")), as_dict(document.get("pull_request"))
    state = as_text(review.get("state")).lower()
    if state not in _REVIEWS:
        raise Reject(f"GitHub: a review in the state {clip(state, 40) or '(none)'} neither approves nor rejects")
    subject = f"pull request #{as_text(pull.get('number')) or '?'}"
    who = as_text(as_dict(review.get("user")).get("login"))
    details = {"state": state, "sha": clip(as_text(review.get("commit_id")), 64)}
    return _approval(subject, _REVIEWS[state], state, who, moment(review.get("submitted_at")), details)


def _deployment_review(document: dict[str, Any]) -> tuple[Item, GateResult]:
    """The review that a protected environment asks for."""
    action = as_text(document.get("action"))
    result = {"approved": Result.PASSED, "rejected": Result.FAILED}.get(action, Result.PENDING)
    environment = as_text(document.get("environment")) or as_text(_since(document).get("environment"))
    who = as_text(as_dict(document.get("approver")).get("login")) if result is not Result.PENDING else ""
    details = {"action": clip(action, 40), "environment": clip(environment, 120)}
    subject = f"the deployment to {clip(environment, 120) or '(unnamed)'}"
    return _approval(subject, result, clip(action, 40), who, moment(document.get("since")), details)


def _approval(
    subject: str, result: Result, word: str, who: str, at: datetime | None, details: dict[str, Any]
) -> tuple[Item, GateResult]:
    title = clip(f"Approval of {subject}: {word}" + (f", by {who}" if who else ""), 300)
    gate = GateResult(
        gate=Gate.APPROVAL,
        result=result,
        enforcement=Enforcement.BLOCKING,
        summary=title,
        reason="" if result is Result.PASSED else word,
        actor=clip(who, 120),
        evaluated_at=at,
        details=details,
    )
    item = Item(EvidenceType.OPERATOR, title, result, "GitHub", completed_at=at, payload={"approval": details})
    return item, gate


def _told(document: Any, kind: str) -> list[dict[str, Any]]:
    """The objects that the document tells of."""
    if isinstance(document, list):
        return [as_dict(entry) for entry in document]
    named = next((key for key, of in _LISTS.items() if f"{of}s" == kind), "")
    if named:
        return [as_dict(entry) for entry in as_list(document.get(named))]
    own = as_dict(document.get(kind)) if kind in _EVENTS else {}
    return [own or document]


def page_of(document: Any, kind: str) -> str:
    """Where GitHub shows the run, check or review; of many, none."""
    told = _told(document, kind)
    if len(told) != 1:
        return ""
    own = told[0]
    review = as_dict(own.get("review"))
    keys = ("html_url", "details_url", "log_url", "target_url", "link", "url")
    return link(
        review.get("html_url"), as_dict(own.get("workflow_run")).get("html_url"), *(own.get(key) for key in keys)
    )


def repository_of(document: Any) -> str:
    """The repository, where the document names one."""
    told = as_dict(document)
    named = as_dict(told.get("repository")) or as_dict(as_dict(told.get("workflow_run")).get("repository"))
    return clip(as_text(named.get("full_name")) or as_text(told.get("repository")), 200)


def name_of(document: Any, kind: str) -> str:
    """What the check, workflow, job or environment is called; "" for lists."""
    told = _told(document, kind)
    if len(told) != 1:
        return ""
    own = told[0]
    app = as_dict(own.get("app")).get("name")
    names = (own.get("name"), own.get("context"), own.get("environment"), own.get("workflowName"), app)
    return clip(next(filter(None, map(as_text, names)), ""), 200)


def commit_of(document: Any, kind: str) -> str:
    """The commit of all that the document tells of; "" where it names none, or more than one."""
    found = set()
    for own in _told(document, kind):
        deployment = as_dict(as_dict(document).get("deployment")) if kind == "deployment_status" else {}
        names = (own.get("head_sha"), own.get("headSha"), own.get("sha"), deployment.get("sha"))
        found.add(next(filter(None, map(as_text, names)), ""))
    return clip(found.pop(), 64) if len(found) == 1 else ""
