"""Anchore policy evaluations of images, as anchorectl prints them: a list of evaluations, or one image with its own.

A policy ends in stop, warn or go, and stop is what pipelines break on: blocking. A finding's status is stop (failed),
warn or go; its severity is the word its description begins with, where there is one. Allow-listed findings are
suppressed. The guard is named by the image without its tag, so that the evaluations of its versions follow another.
"""

from __future__ import annotations

import re
from typing import Any

from app.domain.evidence import Result, Severity
from app.domain.gates import Enforcement
from app.importers.base import Reject, clip
from app.importers.documents import as_dict, as_text
from app.importers.findings import severity_of
from app.importers.guard_report import Draft
from app.importers.moments import moment

DIALECT = "anchore"

_LISTED = ("allowlisted", "whitelisted", "allowlist", "whitelist")


def claims(documents: list[Any]) -> bool:
    """Evaluations with a final action, alone, in a list, or under the image they are of."""
    entries = _entries(documents[0]) if len(documents) == 1 else []
    return bool(entries) and all("finalAction" in entry and "status" in entry for entry in entries)


def _entries(document: Any) -> list[dict[str, Any]]:
    """The evaluations, each with what its surroundings say of the image."""
    found: list[dict[str, Any]] = []
    for entry in document if isinstance(document, list) else [document]:
        known = as_dict(entry)
        if not isinstance(known.get("evaluations"), list):
            found.append(known)
            continue
        image = {
            "tag": known.get("evaluatedTag"),
            "digest": known.get("imageDigest"),
            "policyId": known.get("policyId"),
        }
        found.extend(image | as_dict(evaluation) for evaluation in known["evaluations"])
    return found


def read(documents: list[Any]) -> list[Draft]:
    """A draft for each evaluation."""
    return [_evaluation(entry) for entry in _entries(documents[0])]


def _evaluation(entry: dict[str, Any]) -> Draft:
    tag = as_text(entry.get("tag"))
    image = re.sub(r"(@sha256)?:[^/]*$", "", tag) or as_text(entry.get("digest")) or "image"
    details = entry.get("details") if "details" in entry else entry.get("detail")
    if not isinstance(details, list):
        raise Reject(f"the evaluation of {clip(tag, 200) or 'an image'} has no list of details")
    draft = Draft(
        guard=f"anchore/{clip(image, 180)}",
        mode=Enforcement.BLOCKING,
        producer="anchore",
        key=clip(image, 180),
        generated_at=moment(entry.get("evaluationTime") or entry.get("lastEvaluation")),
    )
    for detail in details:
        _finding(as_dict(detail), draft)
    facts = {
        "image": clip(tag, 300),
        "digest": clip(as_text(entry.get("digest")), 100),
        "policy": clip(as_text(entry.get("policyId")), 100),
        "final_action": clip(as_text(entry.get("finalAction")), 40),
        "reason": clip(as_text(entry.get("finalActionReason")), 100),
    }
    draft.facts = {key: fact for key, fact in facts.items() if fact}
    draft.result = _result(as_text(entry.get("status")).lower(), draft)
    return draft


def _result(status: str, draft: Draft) -> Result:
    if status == "fail":
        return Result.FAILED
    if status != "pass":
        return Result.INCONCLUSIVE
    return Result.WARNED if draft.checks["warned"] or draft.checks["failed"] else Result.PASSED


def _finding(detail: dict[str, Any], draft: Draft) -> None:
    if any(detail.get(key) for key in _LISTED):
        draft.skipped()
        return
    description = as_text(detail.get("description"))
    stated = severity_of(description.partition(" ")[0])
    severity = None if stated is Severity.UNKNOWN else stated
    finding = {
        "id": as_text(detail.get("triggerId")),
        "title": description,
        "location": as_text(detail.get("tag")),
        "check": f"{as_text(detail.get('gate'))}/{as_text(detail.get('triggerName'))}",
    }
    status = as_text(detail.get("status")).lower()
    if status == "go":
        draft.passed()
    elif status == "warn":
        draft.warned(severity, **finding)
    else:
        draft.failed(severity, **finding)
