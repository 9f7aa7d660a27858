"""checkov's JSON: one report for each framework that was scanned, alone or in a list.

checkov exits non-zero on a failed check unless told to fail softly, which the report does not say: blocking.
Severities are there only for scans made with a platform key. With --quiet the passed checks are left out and only
the summary counts them. Files that could not be parsed make a pass a warning: they were not looked at.
"""

from __future__ import annotations

from typing import Any

from app.domain.evidence import Result
from app.domain.gates import Enforcement
from app.importers.base import Reject, clip
from app.importers.documents import as_count, as_dict, as_list, as_text
from app.importers.guard_report import Draft, declared, given_severity, producer

DIALECT = "checkov"

_CHECKS = ("passed_checks", "failed_checks", "skipped_checks")


def claims(documents: list[Any]) -> bool:
    """A report with a check type and lists of checks, a list of them, or the totals of a scan that found no files."""
    if len(documents) != 1:
        return False
    reports = documents[0] if isinstance(documents[0], list) else documents
    return bool(reports) and all(_is_report(report) or _is_empty(report) for report in reports)


def _is_report(value: Any) -> bool:
    results = as_dict(as_dict(value).get("results"))
    return isinstance(as_dict(value).get("check_type"), str) and any(key in results for key in _CHECKS)


def _is_empty(value: Any) -> bool:
    return isinstance(value, dict) and "checkov_version" in value and "passed" in value and "failed" in value


def read(documents: list[Any]) -> list[Draft]:
    """A draft for each framework."""
    reports = documents[0] if isinstance(documents[0], list) else documents
    return [_framework(as_dict(report)) if _is_report(report) else _nothing(as_dict(report)) for report in reports]


def _framework(report: dict[str, Any]) -> Draft:
    framework = clip(as_text(report.get("check_type")), 60)
    results, summary = as_dict(report.get("results")), as_dict(report.get("summary"))
    if not isinstance(results.get("failed_checks"), list):
        raise Reject(f"the list of failed checks of {framework} is missing")
    draft = Draft(
        guard=f"checkov/{framework}",
        mode=Enforcement.BLOCKING,
        producer=producer("checkov", summary.get("checkov_version")),
        key=framework,
    )
    for check in results["failed_checks"]:
        _failed(as_dict(check), draft)
    draft.passed(len(as_list(results.get("passed_checks"))))
    draft.skipped(len(as_list(results.get("skipped_checks"))))
    stated = {name: as_count(summary.get(name)) for name in ("passed", "failed", "skipped")}
    draft.facts |= declared(draft.checks, stated)
    unread = [clip(said, 300) for error in as_list(results.get("parsing_errors")) if (said := as_text(error))]
    errors = max(len(unread), as_count(summary.get("parsing_errors")) or 0)
    if errors:
        draft.facts |= {"parsing_errors": errors, "unread_files": unread[:20]}
    if draft.outcome() is Result.INCONCLUSIVE and stated["passed"] and not stated["failed"]:
        draft.result = Result.PASSED
    if errors and draft.outcome() in (Result.PASSED, Result.INCONCLUSIVE):
        draft.result = Result.WARNED
    return draft


def _failed(check: dict[str, Any], draft: Draft) -> None:
    lines = as_list(check.get("file_line_range"))
    path = as_text(check.get("repo_file_path")) or as_text(check.get("file_path"))
    draft.failed(
        given_severity(check.get("severity")),
        id=as_text(check.get("check_id")),
        title=as_text(check.get("check_name")) or as_text(check.get("short_description")),
        location=f"{path}:{lines[0]}" if lines and as_count(lines[0]) else path,
        resource=as_text(check.get("resource")),
        guideline=as_text(check.get("guideline")),
    )


def _nothing(totals: dict[str, Any]) -> Draft:
    """checkov found no file of any framework it knows, so nothing was checked."""
    if as_count(totals.get("passed")) != 0 or as_count(totals.get("failed")) != 0:
        raise Reject("checkov's totals without the checks they count")
    return Draft(
        guard="checkov", mode=Enforcement.BLOCKING, producer=producer("checkov", totals.get("checkov_version"))
    )
