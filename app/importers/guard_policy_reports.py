"""Policy reports of Kubernetes (wgpolicyk8s.io, reports.x-k8s.io, openreports.io) as Kyverno, Falco, Trivy and others
write them, and Gatekeeper constraints with the violations their audit found. JSON, YAML, lists and streams.

A policy report tells what was found, it stops nothing: its mode is report_only, unless it names the action of its
policies (validationFailureAction, failureAction, enforcementAction). A constraint always names its action; the
default is deny. Results: fail, warn, error, skip (suppressed), pass; a result left out is an open finding whose
outcome only the summary knows. A list of results that is left out is an empty one, as Go writes it, when the
summary is there to say so.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from app.domain.evidence import Result, Severity
from app.domain.gates import Enforcement
from app.importers.base import Reject, clip
from app.importers.documents import as_count, as_dict, as_list, as_text
from app.importers.findings import severity_of
from app.importers.guard_report import Draft, declared, given_severity, slug
from app.importers.k8s_objects import CONSTRAINT_GROUP, group_of, holds_reports, is_report, kube_objects, object_name
from app.importers.moments import moment

DIALECT = "policy-report"

_ENGINE_LABELS = ("policy.kubernetes.io/engine", "wgpolicyk8s.io/engine", "app.kubernetes.io/managed-by")
_ACTION_KEYS = {"validationfailureaction", "failureaction", "enforcementaction"}
_MODES = {
    "enforce": Enforcement.BLOCKING,
    "deny": Enforcement.BLOCKING,
    "block": Enforcement.BLOCKING,
    "warn": Enforcement.WARNING,
    "audit": Enforcement.REPORT_ONLY,
    "dryrun": Enforcement.REPORT_ONLY,
}
_STRENGTH = (Enforcement.BLOCKING, Enforcement.WARNING, Enforcement.REPORT_ONLY)
_UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def claims(documents: list[Any]) -> bool:
    """Whether any object of the documents is a report or a constraint."""
    return holds_reports(documents)


def read(documents: list[Any]) -> list[Draft]:
    """A draft for each report; other objects of a list are passed over."""
    listed = list(kube_objects(documents))
    reports = [value for value in listed if is_report(value)]
    if not listed:
        raise Reject("the list of policy reports is empty")
    if not reports:
        raise Reject("no policy report in it names itself in metadata.name and lists its results")
    return [_constraint(value) if group_of(value) == CONSTRAINT_GROUP else _report(value) for value in reports]


def _report(report: dict[str, Any]) -> Draft:
    metadata, summary = as_dict(report.get("metadata")), as_dict(report.get("summary"))
    if "results" in report and not isinstance(report["results"], (list, type(None))):
        raise Reject(f"the results of {object_name(report)} are no list")
    if report.get("results") is None and not summary:
        raise Reject(f"{object_name(report)} has neither results nor a summary")
    results = [as_dict(result) for result in as_list(report.get("results"))]
    engine = _engine(report, results)
    name = _name(report)
    draft = Draft(
        guard=f"{engine or 'policy-report'}/{name}",
        mode=_mode(report, results),
        producer=engine,
        key=name,
        generated_at=max((at for result in results if (at := _timestamp(result))), default=None)
        or moment(metadata.get("creationTimestamp")),
    )
    unstated = 0
    for result in results:
        unstated += _count(result, _place(result, report), draft)
    names = {"pass": "passed", "fail": "failed", "warn": "warned", "error": "error", "skip": "skipped"}
    stated = {told: as_count(summary.get(word)) for word, told in names.items()}
    draft.facts |= declared(draft.checks, stated)
    if unstated:
        draft.facts["without_result"] = unstated
    draft.result = _result(draft, stated, bool(summary))
    return draft


def _result(draft: Draft, stated: dict[str, int | None], summarised: bool) -> Result:
    """The worst of what is listed and what the summary states: a summary may count what a limit left out."""
    for name, result in (("error", Result.ERROR), ("failed", Result.FAILED), ("warned", Result.WARNED)):
        if draft.checks[name] or stated[name]:
            return result
    if draft.facts.get("without_result"):
        return draft.findings.counts().result()
    if draft.checks["passed"] or stated["passed"]:
        return Result.PASSED
    if draft.checks["skipped"] or stated["skipped"]:
        return Result.SKIPPED
    return Result.PASSED if summarised and any(count is not None for count in stated.values()) else Result.INCONCLUSIVE


def _count(result: dict[str, Any], place: str, draft: Draft) -> int:
    """Count one result; 1 when it does not say how it ended."""
    word = (as_text(result.get("result")) or as_text(result.get("status"))).lower()  # status: v1alpha1
    properties = as_dict(result.get("properties"))
    severity = given_severity(result.get("severity")) or given_severity(properties.get("severity"))
    policy, rule = as_text(result.get("policy")), as_text(result.get("rule"))
    known_id = next(
        (as_text(properties[key]) for key in ("VulnerabilityID", "vulnerabilityID") if key in properties), ""
    )
    finding = {
        "id": known_id or (f"{policy}/{rule}" if policy and rule else policy or rule),
        "title": as_text(result.get("message")) or as_text(result.get("description")) or policy,
        "location": place,
        "category": as_text(result.get("category")),
    }
    if word == "pass":
        draft.passed()
    elif word == "skip":
        draft.skipped()
    elif word == "fail":
        draft.failed(severity, **finding)
    elif word == "warn":
        draft.warned(severity, **finding)
    elif word == "error":
        draft.error(**finding)
    else:
        draft.findings.add(severity or Severity.UNKNOWN, **finding)
        return 1
    return 0


def _name(report: dict[str, Any]) -> str:
    """`[namespace/]name`; Kyverno names a report by its subject's uid, for which the subject's own name stands."""
    metadata, scope = as_dict(report.get("metadata")), as_dict(report.get("scope"))
    name = as_text(metadata.get("name"))
    if _UID.fullmatch(name) and as_text(scope.get("name")):
        name = f"{as_text(scope.get('kind'))}/{as_text(scope.get('name'))}".strip("/")
    return "/".join(clip(part, 120) for part in (as_text(metadata.get("namespace")), name) if part)


def _engine(report: dict[str, Any], results: list[dict[str, Any]]) -> str:
    labels = as_dict(as_dict(report.get("metadata")).get("labels"))
    stated = [as_text(report.get("source")), *(as_text(result.get("source")) for result in results[:20])]
    return next((slug(text) for text in (*stated, *(as_text(labels.get(key)) for key in _ENGINE_LABELS)) if text), "")


def _mode(report: dict[str, Any], results: list[dict[str, Any]]) -> Enforcement:
    metadata = as_dict(report.get("metadata"))
    holders = [as_dict(metadata.get("annotations")), as_dict(metadata.get("labels"))]
    holders += [as_dict(result.get("properties")) for result in results]
    found = {
        _MODES[as_text(value).lower()]
        for holder in holders
        for key, value in holder.items()
        if as_text(key).rpartition("/")[2].replace("-", "").lower() in _ACTION_KEYS and as_text(value).lower() in _MODES
    }
    return next((mode for mode in _STRENGTH if mode in found), Enforcement.REPORT_ONLY)


def _place(result: dict[str, Any], report: dict[str, Any]) -> str:
    """The first subject of a result, else what the whole report is about."""
    for subjects in (as_list(result.get("resources")), as_list(result.get("subjects")), [report.get("scope")]):
        subject = as_dict(subjects[0]) if subjects else {}
        place = "/".join(filter(None, (as_text(subject.get(key)) for key in ("namespace", "kind", "name"))))
        if place:
            return place if len(subjects) == 1 else f"{place} and {len(subjects) - 1} more"
    return ""


def _timestamp(result: dict[str, Any]) -> datetime | None:
    stamp = result.get("timestamp")
    return moment(stamp.get("seconds")) if isinstance(stamp, dict) else moment(stamp)


def _constraint(value: dict[str, Any]) -> Draft:
    """A Gatekeeper constraint; without an audit's time nobody has looked yet."""
    status, spec = as_dict(value.get("status")), as_dict(value.get("spec"))
    action = as_text(spec.get("enforcementAction")).lower() or "deny"
    audited = moment(status.get("auditTimestamp"))
    kind, name = clip(as_text(value.get("kind")), 80), clip(as_text(as_dict(value.get("metadata")).get("name")), 100)
    draft = Draft(
        guard=f"gatekeeper/{kind}/{name}",
        mode=_MODES.get(action, Enforcement.BLOCKING),
        producer="gatekeeper",
        key=object_name(value),
        generated_at=audited,
    )
    severity = severity_of(as_dict(as_dict(value.get("metadata")).get("annotations")).get("severity") or "high")
    for violation in as_list(status.get("violations")):
        known = as_dict(violation)
        place = "/".join(filter(None, (as_text(known.get(key)) for key in ("namespace", "kind", "name"))))
        draft.failed(severity, id=kind, title=as_text(known.get("message")), location=place)
    total = as_count(status.get("totalViolations"))
    draft.facts |= declared({"violations": draft.checks["failed"]}, {"violations": total})
    if draft.checks["failed"] or total:
        draft.result = Result.FAILED
    elif audited or total == 0:
        draft.result = Result.PASSED
    return draft
