"""Terraform and OpenTofu plans: `terraform show -json PLAN` and the log of `terraform plan -json`.

A plan says what would be done; it stops nothing by itself: report_only. What it would destroy, alone or to be made
anew, is a finding of medium severity each, so that such a plan warns; a failed check block is a high one; a plan
that ended in errors is an error. Values of resources are never kept: they hold secrets in clear.
Source: "JSON Output Format" and "Machine-Readable UI" of the Terraform documentation.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from app.domain.evidence import Result
from app.domain.gates import Enforcement
from app.importers.base import Reject, clip
from app.importers.documents import as_count, as_dict, as_list, as_text
from app.importers.guard_report import Draft, producer
from app.importers.moments import moment

DIALECT = "terraform-plan"

_ACTIONS = {
    ("create",): "create",
    ("delete",): "delete",
    ("forget",): "forget",
    ("no-op",): "no-op",
    ("read",): "read",
    ("update",): "update",
    ("create", "delete"): "replace",
    ("create", "forget"): "replace",
    ("delete", "create"): "replace",
}
_DESTROYING = {"delete", "replace"}
_PLAN_KEYS = ("resource_changes", "planned_values", "output_changes", "configuration")
_ADDED = {"noop": "no-op"}


def claims(documents: list[Any]) -> bool:
    """A plan or a state in Terraform's JSON, or the beginning of a log of `terraform plan -json`."""
    first = as_dict(documents[0]) if documents else {}
    if "@level" in first and "@message" in first:
        return first.get("type") == "version" and ("terraform" in first or "tofu" in first)
    versioned = isinstance(first.get("format_version"), str) and "terraform_version" in first
    return len(documents) == 1 and versioned and any(key in first for key in (*_PLAN_KEYS, "values", "errored"))


def read(documents: list[Any]) -> list[Draft]:
    """The plan's draft."""
    return [_log(documents) if "@level" in as_dict(documents[0]) else _plan(as_dict(documents[0]))]


def _plan(plan: dict[str, Any]) -> Draft:
    version = as_text(plan.get("format_version"))
    if version.partition(".")[0] not in ("0", "1"):
        raise Reject(f"the plan's format version {clip(version, 20)!r} is not known; 0.x and 1.x are")
    if not any(key in plan for key in _PLAN_KEYS) and plan.get("errored") is not True:
        raise Reject("a state of Terraform, not a plan: it says what is, not what would change")
    changes = plan.get("resource_changes")
    if changes is None and _planned(plan):
        raise Reject("the list of resource changes is missing")
    draft = _draft(producer("terraform", plan.get("terraform_version")), moment(plan.get("timestamp")))
    actions: Counter[str] = Counter()
    for change in as_list(changes):
        known = as_dict(change)
        address = clip(as_text(known.get("address")), 300)
        stated = as_list(as_dict(known.get("change")).get("actions"))
        if not stated or not all(isinstance(action, str) for action in stated):
            raise Reject(f"the change of {address or 'a resource'} states no actions")
        action = _ACTIONS.get(tuple(stated), clip("-".join(stated), 40))
        _take(draft, actions, action, address, as_text(known.get("action_reason")))
    for check in as_list(plan.get("checks")):
        _check(as_dict(check), draft)
    draft.facts |= _counted(
        actions,
        drifted=len(as_list(plan.get("resource_drift"))),
        deferred=len(as_list(plan.get("deferred_changes"))),
        outputs=sum(1 for change in as_dict(plan.get("output_changes")).values() if _changes(change)),
    )
    for key in ("applyable", "complete"):
        if isinstance(plan.get(key), bool):
            draft.facts[key] = plan[key]
    return _finish(draft, actions, errored=plan.get("errored") is True)


def _planned(plan: dict[str, Any]) -> bool:
    root = as_dict(as_dict(plan.get("planned_values")).get("root_module"))
    return bool(as_list(root.get("resources")) or as_list(root.get("child_modules")))


def _changes(change: Any) -> bool:
    return as_list(as_dict(change).get("actions")) not in ([], ["no-op"])


def _check(check: dict[str, Any], draft: Draft) -> None:
    """A check block's own result; unknown until the plan is applied is no result."""
    address = as_dict(check.get("address"))
    name = as_text(address.get("to_display")) or as_text(address.get("name"))
    problems = [
        as_text(as_dict(problem).get("message"))
        for instance in as_list(check.get("instances"))
        for problem in as_list(as_dict(instance).get("problems"))
    ]
    finding = {"id": name, "title": "; ".join(filter(None, problems)) or "the check does not hold", "location": name}
    status = as_text(check.get("status"))
    if status == "pass":
        draft.passed()
    elif status == "fail":
        draft.failed(**finding)
    elif status == "error":
        draft.error(**finding)


def _log(lines: list[Any]) -> Draft:
    """The log of a plan, a line of JSON for each thing that happened."""
    first = as_dict(lines[0])
    name = "tofu" if "tofu" in first else "terraform"
    draft = _draft(producer(name, first.get(name)), moment(first.get("@timestamp")))
    actions: Counter[str] = Counter()
    summary: dict[str, Any] = {}
    errors = 0
    for line in lines:
        known = as_dict(line)
        kind = known.get("type")
        if kind == "planned_change":
            change = as_dict(known.get("change"))
            action = as_text(change.get("action"))
            address = as_text(as_dict(change.get("resource")).get("addr"))
            _take(draft, actions, _ADDED.get(action, clip(action, 40)), address, as_text(change.get("reason")))
        elif kind == "change_summary":
            summary = as_dict(known.get("changes"))
        elif kind == "diagnostic" and as_text(as_dict(known.get("diagnostic")).get("severity")) == "error":
            errors += 1
            draft.error(id="error", title=as_text(as_dict(known.get("diagnostic")).get("summary")))
    if summary.get("operation") not in (None, "plan"):
        raise Reject(f"the log of terraform {clip(as_text(summary['operation']), 40)}, not of a plan")
    if not summary and not errors:
        raise Reject("the log ends before its summary of changes")
    draft.facts |= _counted(actions)
    return _finish(draft, actions, errored=errors > 0)


def _draft(made_by: str, at: datetime | None) -> Draft:
    return Draft(guard="terraform-plan", mode=Enforcement.REPORT_ONLY, producer=made_by, generated_at=at)


def _take(draft: Draft, actions: Counter[str], action: str, address: str, reason: str) -> None:
    if action not in actions and len(actions) >= 20:
        raise Reject("more than 20 different actions; no version of Terraform has as many")
    actions[action] += 1
    if action in _DESTROYING:
        words = "would be destroyed" if action == "delete" else "would be destroyed and made anew"
        draft.warned(id=action, title=f"{address} {words}", location=address, reason=reason)


def _counted(actions: Counter[str], **more: int) -> dict[str, Any]:
    return {"actions": dict(sorted(actions.items()))} | {name: count for name, count in more.items() if count}


def _finish(draft: Draft, actions: Counter[str], *, errored: bool) -> Draft:
    done = [f"{count} to {action}" for action, count in sorted(actions.items()) if action not in ("no-op", "read")]
    draft.title = f"Terraform plan: {', '.join(done) or 'no changes'}{'; the plan ended in errors' if errored else ''}"
    if errored or draft.checks["error"]:
        draft.result = Result.ERROR
    elif draft.checks["failed"]:
        draft.result = Result.FAILED
    elif draft.checks["warned"]:
        draft.result = Result.WARNED
    else:
        draft.result = Result.PASSED
    if as_count(draft.checks["warned"]):
        draft.facts["destroys"] = draft.checks["warned"]
    return draft
