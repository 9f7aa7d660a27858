"""GitLab merge requests, approvals, merge trains and releases. A neighbour of `gitlab_api`.

Approvals become results of the gate `approval`, blocking, whose actors are those who approved, and an `operator` item
beside it. Approved by nobody, because nobody was asked, is no approval: inconclusive. A merge request shows the state
of its newest pipeline; without one, merged is passed, open is pending, closed is not applicable. A release becomes an
`artifact` item with its evidence files; nothing in it was verified here, which its payload says.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from app.domain.evidence import EvidenceType, Result, worst_result
from app.domain.gates import Enforcement, Gate
from app.importers.base import GateResult, Item, Reject, clip
from app.importers.documents import as_count, as_dict, as_list, as_text
from app.importers.figures import tally
from app.importers.gitlab_states import person, project_of, result_of
from app.importers.moments import moment

LISTED = 100
"""How many releases of a list become items; GitLab's pages hold no more."""

LINKS_KEPT = 20

_MERGE_RESULTS = {"merged": Result.PASSED, "closed": Result.NOT_APPLICABLE}
_TRAIN_RESULTS = {"merged": Result.PASSED, "skip_merged": Result.PASSED}
_EVENT_APPROVALS = {
    "approved": (Result.PASSED, "approved"),
    "approval": (Result.PENDING, "approved by one of those asked"),
    "unapproved": (Result.PENDING, "approval withdrawn"),
    "unapproval": (Result.PENDING, "approval withdrawn by one of those asked"),
}


def approval(
    subject: str,
    result: Result,
    reason: str,
    actors: list[str],
    at: datetime | None,
    details: dict[str, Any],
    key: str = "",
) -> tuple[Item, GateResult]:
    """The gate's result and the item beside it."""
    who = ", ".join(dict.fromkeys(filter(None, actors)))
    title = f"Approval of {subject}: {result.value}" + (f", by {who}" if who else "")
    gate = GateResult(
        gate=Gate.APPROVAL,
        result=result,
        enforcement=Enforcement.BLOCKING,
        summary=clip(title, 300),
        reason=reason,
        actor=clip(who, 200),
        evaluated_at=at,
        details=details,
        key=key,
    )
    item = Item(
        evidence_type=EvidenceType.OPERATOR,
        title=clip(title, 300),
        result=result,
        producer="GitLab",
        completed_at=at,
        payload={"approval": details},
        key=key,
    )
    return item, gate


def approvals(document: dict[str, Any]) -> tuple[Item, GateResult]:
    """`GET merge_requests/:iid/approvals`. Older versions write no `approved`."""
    by = [as_dict(entry) for entry in as_list(document.get("approved_by"))]
    actors = [person(entry.get("user")) for entry in by]
    left, required = as_count(document.get("approvals_left")), as_count(document.get("approvals_required"))
    approved = document.get("approved")
    if not isinstance(approved, bool):
        approved = bool(by) and (left == 0 or (left is None and required is not None and len(by) >= required))
    reason = ""
    if not approved:
        result = Result.PENDING
        reason = f"approvals still required: {left}" if left else "not approved yet"
    elif left:
        result, reason = Result.INCONCLUSIVE, f"said to be approved, with approvals still required: {left}"
    elif not by:
        result, reason = Result.INCONCLUSIVE, "no approval was required and nobody approved"
    else:
        result = Result.PASSED
    times = [at for entry in by if (at := moment(entry.get("approved_at")))]
    at = max(times) if times else moment(document.get("updated_at"))
    details = {"approvals_required": required, "approvals_left": left, "approved_by": actors[:50]}
    return approval(_subject(document), result, reason, actors[:10], at, _known(details))


def approval_state(document: dict[str, Any]) -> tuple[Item, GateResult]:
    """`GET merge_requests/:iid/approval_state`: the rules, each with its own verdict."""
    rules = [as_dict(rule) for rule in as_list(document.get("rules"))]
    open_rules, actors = [], list[str]()
    told = []
    for rule in rules:
        by = [person(user) for user in as_list(rule.get("approved_by"))]
        actors.extend(by)
        required = as_count(rule.get("approvals_required"))
        name = clip(as_text(rule.get("name")), 100)
        if rule.get("approved") is not True and required != 0:
            open_rules.append(name)
        told.append({"name": name, "approved": rule.get("approved") is True, "approvals_required": required})
    if open_rules:
        result, reason = Result.PENDING, clip(f"not yet approved: {', '.join(open_rules)}")
    elif not actors:
        result, reason = Result.INCONCLUSIVE, "no approval was required and nobody approved"
    else:
        result, reason = Result.PASSED, ""
    details = {"rules": told[:50], "approved_by": actors[:50]}
    return approval("a merge request", result, reason, actors[:10], None, details)


def merge_event(document: dict[str, Any]) -> tuple[Item, GateResult | None]:
    """The webhook event of a merge request; an approval when that is what happened."""
    told = as_dict(document.get("object_attributes"))
    action = as_text(told.get("action"))
    if action in _EVENT_APPROVALS:
        result, words = _EVENT_APPROVALS[action]
        who = person(document.get("user"))
        reason = "" if result is Result.PASSED else words
        details = {"action": action, "approved_by": [who] if result is Result.PASSED else []}
        subject = f"{_subject(told)} in {project_of(document)}"
        return approval(subject, result, reason, [who], moment(told.get("updated_at")), details)
    pipeline = as_dict(told.get("head_pipeline"))
    return _merge_item(told, pipeline, project_of(document)), None


def merge_request(document: dict[str, Any]) -> Item:
    """A merge request as the API gives it."""
    return _merge_item(document, as_dict(document.get("head_pipeline")) or as_dict(document.get("pipeline")), "")


def _merge_item(told: dict[str, Any], pipeline: dict[str, Any], project: str) -> Item:
    state = as_text(told.get("state"))
    status = as_text(pipeline.get("status"))
    result = result_of(status) if status else _MERGE_RESULTS.get(state, Result.PENDING)
    words = f"{state or 'state unknown'}" + (f", pipeline {status}" if status else "")
    where = f" in {project}" if project else ""
    last = as_dict(told.get("last_commit"))
    facts = {
        "state": state,
        "merge_status": as_text(told.get("detailed_merge_status") or told.get("merge_status")),
        "source_branch": as_text(told.get("source_branch")),
        "target_branch": as_text(told.get("target_branch")),
        "sha": as_text(told.get("sha") or last.get("id")),
        "pipeline_status": status,
    }
    return Item(
        evidence_type=EvidenceType.CI,
        title=clip(f"Merge {_subject(told)[6:]}{where}: {words}", 300),
        result=result,
        producer="GitLab",
        started_at=moment(told.get("created_at")),
        completed_at=moment(told.get("merged_at") or told.get("updated_at")),
        payload={"merge_request": {key: clip(value, 200) for key, value in facts.items() if value}},
    )


def merge_requests(entries: list[dict[str, Any]]) -> Item:
    """A list of merge requests, as one item."""
    states = Counter(as_text(entry.get("state")) for entry in entries)
    result = worst_result([_MERGE_RESULTS.get(as_text(entry.get("state")), Result.PENDING) for entry in entries])
    words = ", ".join(f"{number} {state or 'unknown'}" for state, number in tally(states).items())
    return Item(
        evidence_type=EvidenceType.CI,
        title=clip(f"{len(entries)} merge requests: {words}", 300),
        result=result,
        producer="GitLab",
        payload={"by_state": tally(states)},
    )


def merge_trains(entries: list[dict[str, Any]]) -> Item:
    """The cars of merge trains: their pipelines' worst state, and how many are merged."""
    states = Counter(as_text(entry.get("status")) for entry in entries)
    results = []
    for entry in entries:
        status = as_text(as_dict(entry.get("pipeline")).get("status"))
        results.append(_TRAIN_RESULTS.get(as_text(entry.get("status")), Result.PENDING))
        if status:
            results.append(result_of(status))
    times = [at for entry in entries if (at := moment(entry.get("merged_at") or entry.get("updated_at")))]
    return Item(
        evidence_type=EvidenceType.CI,
        title=f"Merge train: {states['merged'] + states['skip_merged']} of {len(entries)} merged",
        result=worst_result(results),
        producer="GitLab",
        completed_at=max(times) if times else None,
        payload={"by_status": tally(states)},
    )


def release(document: dict[str, Any], key: str = "") -> Item:
    """A release, of the API or of a webhook."""
    tag = as_text(document.get("tag_name") or document.get("tag"))
    if not tag:
        raise Reject("the release names no tag")
    assets, evidences = as_dict(document.get("assets")), as_list(document.get("evidences"))
    if document.get("upcoming_release") is True:
        result, state = Result.PENDING, "upcoming"
    elif document.get("action") == "delete":
        result, state = Result.NOT_APPLICABLE, "deleted"
    else:
        result, state = Result.PASSED, "released"
    links = [as_dict(link) for link in as_list(assets.get("links"))]
    facts: dict[str, Any] = {
        "tag": clip(tag, 200),
        "name": clip(as_text(document.get("name")), 200),
        "commit": clip(as_text(as_dict(document.get("commit")).get("id")), 64),
        "assets": as_count(assets.get("count")),
        "links": [{key: clip(as_text(link.get(key)), 300) for key in ("name", "url")} for link in links[:LINKS_KEPT]],
        "evidences": [
            {key: clip(as_text(as_dict(entry).get(key)), 300) for key in ("sha", "filepath", "collected_at")}
            for entry in evidences[:LINKS_KEPT]
        ],
        "verification": {"state": "not_checked", "reason": "the files that the release names are not at hand"},
    }
    project = project_of(document)
    return Item(
        evidence_type=EvidenceType.ARTIFACT,
        title=clip(f"Release {tag}{' of ' + project if project else ''}: {state}", 300),
        result=result,
        producer="GitLab",
        started_at=moment(document.get("created_at")),
        completed_at=moment(document.get("released_at")),
        payload={"release": _known(facts)},
        key=key,
    )


def releases(entries: list[dict[str, Any]]) -> tuple[Item, ...]:
    """One item a release, since each is a release of its own."""
    if len(entries) > LISTED:
        raise Reject(f"{len(entries)} releases in one list; at most {LISTED} are taken")
    return tuple(release(entry, key=f"release/{as_text(entry.get('tag_name'))}") for entry in entries)


def _subject(told: dict[str, Any]) -> str:
    number, title = as_text(told.get("iid")), clip(as_text(told.get("title")), 120)
    return f"merge request !{number or '?'}" + (f" ({title})" if title else "")


def _known(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if value not in (None, "", [])}
