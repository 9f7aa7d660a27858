"""SonarQube and SonarCloud: quality gates become gate results, issues and hotspots become findings.

Read: `api/qualitygates/project_status`, the webhook (`qualityGate`), `api/measures/component` with `alert_status`,
`api/issues/search`, `api/hotspots/search`, bare lists of their entries and of dependency risks, the scanner's old issue
report, and sonar-report's export, which holds issues and the gate together.

The gate is of type `guard`, the nearest of the seven: a quality gate watches over the code base as guards do. It is
blocking, since a failed quality gate is meant to stop a release: OK passed, WARN warned, ERROR failed, anything
else inconclusive; a gate said to be OK with a condition in ERROR is inconclusive unless conditions were ignored.
Where there is a gate it decides the item's result; otherwise the findings do. A page of a longer list never passes.
The item is `security` when all its issues are vulnerabilities or hotspots, else `ci`. No library reads all of these.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from app.domain.checks import Subject, subject_of
from app.domain.evidence import EvidenceType, Result, worst_result
from app.domain.gates import Enforcement, Gate
from app.importers.base import Artifact, GateResult, ImportBatch, Item, Probe, Reject, Rejected, clip, link
from app.importers.documents import as_dict, as_list, as_text, parse_json, read_json
from app.importers.figures import count, tally
from app.importers.findings import open_sentence
from app.importers.moments import moment
from app.importers.names import shorten, whole_commit
from app.importers.sonar_issues import Issues

FORMAT = "sonar-gate"

CONDITIONS_KEPT = 50

_GATE_RESULTS = {"OK": Result.PASSED, "WARN": Result.WARNED, "ERROR": Result.FAILED}
_REPORT_KEYS = frozenset({"sonarBaseURL", "sonarComponent", "hotspotKeys", "qualityGateStatus", "noSecurityHotspot"})
_GATE_METRICS = frozenset({"alert_status", "quality_gate_details"})


def detect(probe: Probe) -> bool:
    """One of the documents above, by its keys."""
    return probe.kind == "json" and _dialect(probe.document) != ""


def parse(artifact: Artifact) -> ImportBatch | Rejected:
    """One item, and the gate's result where the document holds one."""
    document = read_json(artifact)
    dialect = _dialect(document)
    if not dialect:
        raise Reject("no quality gate, issues or hotspots of SonarQube")
    if isinstance(document, list):
        document = {"hotspots" if dialect == "hotspots" else "issues": document}
    name, url = _name(document), _url(document)
    gate = _gate(document, dialect, name, url)
    issues = _issues(document)
    if gate is None and issues is None:
        raise Reject("the document holds neither a quality gate nor issues")
    payload: dict[str, Any] = {}
    parts, results = [], []
    evidence_type = EvidenceType.CI
    if gate is not None:
        payload["quality_gate"] = gate.details
        parts.append(f"quality gate {gate.details['status'] or 'without a status'}")
        results.append(gate.result)
    if issues is not None:
        counts = issues.findings.counts()
        payload |= {
            "by_severity": tally(issues.words),
            "by_status": tally(issues.states),
            "by_type": tally(issues.types),
            "top_findings": issues.findings.top(),
        }
        parts.append(open_sentence(counts))
        if gate is None:
            results.append(counts.result())
        if _is_security(document, dialect, issues):
            evidence_type = EvidenceType.SECURITY
        missing = _declared(document, issues.total)
        if missing is not None:
            payload["declared"] = {"total": missing}
            parts.append(f"{issues.total} of {missing} listed here")
            results.append(Result.INCONCLUSIVE)
    item = Item(
        evidence_type=evidence_type,
        title=clip(f"SonarQube {shorten(name)}".strip() + f": {', '.join(parts)}", 300),
        result=worst_result(results),
        producer=clip(f"SonarQube {as_text(document.get('version'))}", 120),
        findings=issues.findings.counts() if issues is not None else None,
        completed_at=_time(document),
        payload=payload,
        url=url,
    )
    return ImportBatch(
        FORMAT,
        dialect,
        items=(item,),
        gates=(gate,) if gate is not None else (),
        subject=_subject(document, dialect),
        commit=whole_commit(as_text(document.get("revision"))),
    )


def _dialect(document: Any) -> str:
    if isinstance(document, list):
        kinds = {_entry_kind(entry) for entry in document}
        return kinds.pop() if len(kinds) == 1 else ""
    if not isinstance(document, dict):
        return ""
    if isinstance(document.get("projectStatus"), dict):
        return "project-status"
    if ("qualityGate" in document or "status" in document) and {"taskId", "analysedAt"} & set(document):
        return "webhook"
    measures = as_list(as_dict(document.get("component")).get("measures"))
    if any(as_text(as_dict(measure).get("metric")) in _GATE_METRICS for measure in measures):
        return "measures"
    if len(_REPORT_KEYS & set(document)) >= 2:
        return "sonar-report"
    paged = isinstance(document.get("paging"), dict) or {"ps", "p", "total"} <= set(document)
    if isinstance(document.get("hotspots"), list) and (paged or "components" in document):
        return "hotspots"
    if isinstance(document.get("issues"), list) and isinstance(document.get("components"), list):
        if paged:
            return "issues"
        if "rules" in document and "version" in document:
            return "scanner"
    return ""


def _entry_kind(entry: Any) -> str:
    """What a bare list is of."""
    keys = set(entry) if isinstance(entry, dict) else set[str]()
    if {"key", "component", "vulnerabilityProbability"} <= keys:
        return "hotspots"
    if {"key", "rule", "component", "project"} <= keys and {"severity", "impacts"} & keys:
        return "issues"
    return "risks" if {"riskSeverity", "riskStatus", "riskTitle"} <= keys else ""


def _name(document: dict[str, Any]) -> str:
    project = as_dict(document.get("project"))
    component = as_dict(document.get("component"))
    named = as_text(project.get("name") or project.get("key") or component.get("key") or document.get("projectName"))
    if not named:
        listed = [as_dict(entry) for entry in as_list(document.get("issues"))[:1000]]
        keys = {as_text(entry.get("project") or entry.get("projectKey")) for entry in listed}
        named = keys.pop() if len(keys) == 1 else ""
    branch = as_text(as_dict(document.get("branch")).get("name")) or as_text(document.get("branch"))
    return clip(f"{named} ({branch})" if branch and named else named, 150)


def _project(document: dict[str, Any]) -> tuple[str, str]:
    """Key and branch of the project, as the document itself names them: a clean page has no issue to tell them."""
    project, component = as_dict(document.get("project")), as_dict(document.get("component"))
    key = as_text(project.get("key") or component.get("key") or document.get("sonarComponent"))
    listed = as_list(document.get("components"))
    if not key and "rules" in document and listed:  # the scanner's report, which begins with the project
        key = as_text(as_dict(listed[0]).get("key"))
    branch = document.get("branch")
    return key, as_text(as_dict(branch).get("name")) or as_text(branch)


def _subject(document: dict[str, Any], dialect: str) -> Subject:
    """The project and its branch, and what was asked of it: a gate says nothing of the hotspots."""
    gates = ("project-status", "webhook", "measures")
    return subject_of(
        "SonarQube", " ".join(filter(None, _project(document))), "quality gate" if dialect in gates else dialect
    )


def _url(document: dict[str, Any]) -> str:
    """The project's page in SonarQube."""
    key, branch = _project(document)
    server = link(document.get("serverUrl"), document.get("sonarBaseURL")).rstrip("/")
    asked = urlencode({"id": key} | ({"branch": branch} if branch else {}), errors="replace")
    return link(
        document.get("dashboardUrl"),
        as_dict(document.get("branch")).get("url"),
        as_dict(document.get("project")).get("url"),
        f"{server}/dashboard?{asked}" if server and key else "",
    )


def _time(document: dict[str, Any]) -> datetime | None:
    return moment(document.get("analysedAt")) or moment(document.get("changedAt"))


def _gate(document: dict[str, Any], dialect: str, name: str, url: str) -> GateResult | None:
    told = _gate_document(document, dialect)
    if told is None:
        return None
    status = as_text(told.get("status") or told.get("level")).upper()
    conditions = [as_dict(condition) for condition in as_list(told.get("conditions"))]
    states = Counter(as_text(c.get("status") or c.get("level")).upper() for c in conditions)
    result = _GATE_RESULTS.get(status, Result.INCONCLUSIVE)
    reason = "" if result is not Result.INCONCLUSIVE else f"SonarQube gave the status {clip(status, 40) or '(none)'}"
    ignored = told.get("ignoredConditions") is True
    if result in (Result.PASSED, Result.WARNED) and states["ERROR"] and not ignored:
        result = Result.INCONCLUSIVE
        reason = "the gate is said to hold, while one of its conditions is in ERROR"
    analysis = as_text(document.get("status")).upper() if dialect == "webhook" else ""
    if result in (Result.PASSED, Result.WARNED) and analysis not in ("", "SUCCESS"):
        result = Result.INCONCLUSIVE
        reason = f"the gate is said to hold, while the analysis ended as {clip(analysis, 40)}"
    failing = [_condition(c) for c in conditions if as_text(c.get("status") or c.get("level")).upper() == "ERROR"]
    if result is Result.FAILED and failing:
        reason = clip("; ".join(f"{c['metric']} is {c['actual']}, limit {c['limit']}" for c in failing))
    details: dict[str, Any] = {
        "status": clip(status, 40),
        "conditions": len(conditions),
        "conditions_by_status": tally(states),
        "failing": failing[:CONDITIONS_KEPT],
    }
    if ignored:
        details["ignored_conditions"] = True
    return GateResult(
        gate=Gate.GUARD,
        result=result,
        enforcement=Enforcement.BLOCKING,
        summary=clip(f"SonarQube quality gate {clip(as_text(told.get('name')), 80)}".strip(), 120)
        + f"{' of ' + shorten(name) if name else ''}: {clip(status, 40) or 'no status'}",
        reason=reason,
        actor="SonarQube",
        evaluated_at=_time(document),
        details=details,
        url=url,
    )


def _gate_document(document: dict[str, Any], dialect: str) -> dict[str, Any] | None:
    """The object with the gate's status, whichever document it stands in."""
    if dialect == "project-status":
        return as_dict(document["projectStatus"])
    if dialect == "webhook":
        gate = as_dict(document.get("qualityGate"))
        # A failed analysis computes no gate.
        return gate or {"status": f"analysis {as_text(document.get('status'))}".strip()}
    if dialect == "sonar-report":
        told = document.get("qualityGateStatus")
        if isinstance(told, str) and told:
            return {"status": told}
        return as_dict(as_dict(told).get("projectStatus")) or (as_dict(told) or None)
    if dialect == "measures":
        return _measured_gate(as_list(as_dict(document.get("component")).get("measures")))
    return None


def _measured_gate(measures: list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for measure in measures:
        told = as_dict(measure)
        if told.get("metric") == "alert_status":
            found["status"] = told.get("value")
        elif told.get("metric") == "quality_gate_details" and isinstance(told.get("value"), str):
            # A JSON document inside a string, with its own name for the status.
            found = {**as_dict(parse_json(told["value"])), **found}
    return found


def _condition(condition: dict[str, Any]) -> dict[str, str]:
    return {
        "metric": clip(as_text(condition.get("metricKey") or condition.get("metric")), 100),
        "comparator": clip(
            as_text(condition.get("comparator") or condition.get("operator") or condition.get("op")), 20
        ),
        "limit": clip(as_text(condition.get("errorThreshold") or condition.get("error")), 60) or "(none)",
        "actual": clip(as_text(condition.get("actualValue", condition.get("value", condition.get("actual")))), 60),
    }


def _issues(document: dict[str, Any]) -> Issues | None:
    listed = [key for key in ("issues", "hotspots") if isinstance(document.get(key), list)]
    if not listed:
        return None
    issues = Issues()
    for key in listed:
        issues.read(document[key], hotspots=key == "hotspots")
    return issues


def _is_security(document: dict[str, Any], dialect: str, issues: Issues) -> bool:
    """sonar-report exports vulnerabilities and hotspots only, unless told otherwise, and names no types."""
    if dialect in ("hotspots", "risks") or (dialect == "sonar-report" and document.get("allBugs") is not True):
        return True
    return issues.total > 0 and issues.security == issues.total


def _declared(document: dict[str, Any], listed: int) -> int | None:
    """How many issues there are in all, when the document is one page of them. `total` is the older spelling."""
    total = count(as_dict(document.get("paging")).get("total"))
    if total is None:
        total = count(document.get("total"))
    return total if total is not None and total > listed else None
