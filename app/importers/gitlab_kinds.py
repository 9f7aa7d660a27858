"""Which of GitLab's webhook events and API objects a document is, by its keys alone. A neighbour of `gitlab_api`.

Source: GitLab's REST API reference and "Webhook events".
"""

from __future__ import annotations

from typing import Any

from app.importers.documents import as_text
from app.importers.gitlab_states import RESULTS

_EVENTS = {
    "build": "job-event",
    "deployment": "deployment",
    "merge_request": "merge-request-event",
    "pipeline": "pipeline-event",
    "release": "release",
}
_LISTS = {
    "approval-rule": "approval-rules",
    "branch": "branch",
    "commit": "commit",
    "deployment": "deployments",
    "job": "jobs",
    "merge-request": "merge-requests",
    "merge-train": "merge-trains",
    "pipeline": "pipelines",
    "release": "releases",
}


def kind_of(document: Any) -> str:
    """A word for the kind, its plural for a list of such objects, `event-...` for an event that states no result, or
    "" for anything that is not GitLab's."""
    if isinstance(document, list):
        kinds = {_object_kind(entry) for entry in document}
        return _LISTS.get(kinds.pop(), "") if len(kinds) == 1 else ""
    if not isinstance(document, dict):
        return ""
    event = document.get("object_kind")
    if isinstance(event, str) and event:
        return _EVENTS.get(event, f"event-{event}")
    if isinstance(document.get("test_suites"), list) and ("total_count" in document or "total" in document):
        return "test-report"
    kind = _object_kind(document)
    return "approval-rules" if kind == "approval-rule" else kind


def _object_kind(value: Any) -> str:
    """Which object of the API it is. Those with the most telling keys come first."""
    if not isinstance(value, dict):
        return ""
    keys = set(value)
    # Pipelines, jobs and deployments are known by a status of GitLab's; other systems have keys like theirs.
    known = as_text(value.get("status")).lower() in RESULTS
    signs: tuple[tuple[str, bool], ...] = (
        ("approval-rule", {"rule_type", "approvals_required"} <= keys),
        ("approval-state", {"rules", "approval_rules_overwritten"} <= keys),
        ("approvals", "approved_by" in keys and bool({"approvals_left", "approvals_required", "approved"} & keys)),
        ("merge-train", {"merge_request", "pipeline", "target_branch"} <= keys),
        ("merge-request", {"iid", "source_branch", "target_branch", "state"} <= keys),
        ("deployment", known and _is_deployment(value)),
        ("job", known and _is_job(keys)),
        ("pipeline", known and _is_pipeline(value)),
        ("release", "tag_name" in keys and bool({"released_at", "evidences", "commit_path", "tag_path"} & keys)),
        ("commit", {"short_id", "title", "parent_ids"} <= keys),
        ("branch", {"name", "commit", "protected", "merged"} <= keys),
    )
    return next((kind for kind, fits in signs if fits), "")


def _is_deployment(value: dict[str, Any]) -> bool:
    keys = set(value)
    return isinstance(value.get("environment"), dict) and bool({"deployable", "iid"} & keys) and "stage" not in keys


def _is_job(keys: set[str]) -> bool:
    """A job, or the status of a commit, which has no stage."""
    return "name" in keys and ({"stage", "pipeline"} <= keys or "allow_failure" in keys)


def _is_pipeline(value: dict[str, Any]) -> bool:
    keys = set(value)
    own = {"detailed_status", "yaml_errors", "before_sha", "source", "iid"} & keys
    return {"ref", "sha", "id"} <= keys and (bool(own) or "/pipelines/" in as_text(value.get("web_url")))
