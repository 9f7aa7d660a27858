"""Checks of a code base: dependency-cruiser's JSON (and its list of known violations) and Danger's.

dependency-cruiser exits non-zero for rules of severity error only, so the strongest severity of the rules that were
used is its mode: error blocking, warn warning, info report_only; error counts as high, warn as medium, info as info;
ignore, which known violations become, is suppressed. A list of known violations is what a team agreed to live with:
all of it is suppressed, and it is no outcome of a run, so inconclusive.
Danger fails the build on a fail: blocking. Its messages and markdowns are remarks, not findings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from app.domain.evidence import Result, Severity
from app.domain.gates import Enforcement
from app.importers.base import Reject, clip
from app.importers.documents import as_count, as_dict, as_list, as_text
from app.importers.guard_report import Draft, declared, producer

CRUISER, KNOWN, DANGER = "dependency-cruiser", "dependency-cruiser-known-violations", "danger"

_SEVERITIES = {"error": Severity.HIGH, "warn": Severity.MEDIUM, "info": Severity.INFO}
_MODES = {"error": Enforcement.BLOCKING, "warn": Enforcement.WARNING, "info": Enforcement.REPORT_ONLY}


def dialect_of(documents: list[Any]) -> str:
    """Which of the tools wrote it, or ""."""
    if len(documents) != 1:
        return ""
    document = documents[0]
    if isinstance(document, list):
        return KNOWN if document and all(_is_violation(entry) for entry in document) else ""
    known = as_dict(document)
    summary = as_dict(known.get("summary"))
    if isinstance(known.get("modules"), list) and ("violations" in summary or "totalCruised" in summary):
        return CRUISER
    listed = {
        key
        for key in ("fails", "failures", "errors", "warnings", "messages", "markdowns")
        if isinstance(known.get(key), list)
    }
    swift_or_js = {"fails", "warnings"} <= listed or {"failures", "warnings"} <= listed
    ruby = {"errors", "warnings", "messages", "markdowns"} <= listed
    return DANGER if swift_or_js or ruby else ""


def _is_violation(value: Any) -> bool:
    known = as_dict(value)
    rule = as_dict(known.get("rule"))
    return isinstance(known.get("from"), str) and isinstance(rule.get("name"), str) and "severity" in rule


def read(documents: list[Any]) -> list[Draft]:
    """The tool's draft."""
    document, dialect = documents[0], dialect_of(documents)
    if dialect == DANGER:
        return [_danger(document)]
    return [_cruise(document) if dialect == CRUISER else _known_violations(document)]


def _cruise(document: dict[str, Any]) -> Draft:
    summary = as_dict(document.get("summary"))
    violations = summary.get("violations")
    if not isinstance(violations, list):
        raise Reject("the list of violations is missing")
    version = as_dict(summary.get("environment")).get("version")
    draft = Draft(guard="dependency-cruiser", mode=_mode(summary), producer=producer("dependency-cruiser", version))
    by_severity: Counter[str] = Counter()
    for violation in violations:
        word = _violation(as_dict(violation), draft)
        by_severity[word] += 1
    cruised = max(len(document["modules"]), as_count(summary.get("totalCruised")) or 0)
    stated = {word: as_count(summary.get(word)) for word in ("error", "warn", "info", "ignore")}
    draft.facts = {"modules": len(document["modules"]), "by_severity": dict(by_severity)}
    draft.facts |= declared(by_severity, stated)
    if not violations and any(stated.values()):
        draft.result = Result.FAILED if stated["error"] else Result.WARNED if stated["warn"] else Result.INCONCLUSIVE
    elif by_severity["error"] or by_severity["warn"] or by_severity["other"]:
        draft.result = None
    else:
        draft.result = Result.PASSED if cruised else Result.INCONCLUSIVE
    counts = ", ".join(f"{count} {word}" for word, count in sorted(by_severity.items())) or "no violations"
    draft.title = f"dependency-cruiser: {counts} in {cruised} modules"
    return draft


def _violation(violation: dict[str, Any], draft: Draft) -> str:
    rule = as_dict(violation.get("rule"))
    word = as_text(rule.get("severity"))
    start, end = as_text(violation.get("from")), as_text(violation.get("to"))
    finding = {
        "id": as_text(rule.get("name")),
        "title": f"{start} → {end}" if end and end != start else start,
        "location": start,
        "comment": as_text(violation.get("comment")),
    }
    if word == "ignore":
        draft.skipped()
    elif word == "error":
        draft.failed(Severity.HIGH, **finding)
    elif word == "info":
        draft.findings.add(Severity.INFO, **finding)
    elif word == "warn":
        draft.warned(Severity.MEDIUM, **finding)
    else:
        draft.warned(Severity.UNKNOWN, **finding)
        return "other"
    return word


def _mode(summary: dict[str, Any]) -> Enforcement:
    """The strongest severity of the rules, else of the violations; a rule without one is of severity warn."""
    words = set(_rule_severities(as_dict(summary.get("ruleSetUsed"))))
    words |= {as_text(as_dict(as_dict(v).get("rule")).get("severity")) for v in as_list(summary.get("violations"))}
    return next((mode for word, mode in _MODES.items() if word in words), Enforcement.BLOCKING)


def _rule_severities(rules: dict[str, Any]) -> Iterator[str]:
    for key in ("forbidden", "required"):
        for rule in as_list(rules.get(key)):
            yield as_text(as_dict(rule).get("severity")) or "warn"
    if as_list(rules.get("allowed")):
        yield as_text(rules.get("allowedSeverity")) or "warn"


def _known_violations(violations: list[dict[str, Any]]) -> Draft:
    draft = Draft(
        guard="dependency-cruiser/known-violations",
        mode=Enforcement.REPORT_ONLY,
        producer="dependency-cruiser",
        result=Result.INCONCLUSIVE,
    )
    severities = Counter(clip(as_text(violation["rule"].get("severity")), 20) for violation in violations)
    rules = Counter(clip(violation["rule"]["name"], 100) for violation in violations)
    draft.skipped(len(violations))
    draft.facts = {"by_severity": dict(severities.most_common(10)), "by_rule": dict(rules.most_common(20))}
    draft.title = f"dependency-cruiser: {len(violations)} known violations, accepted"
    return draft


def _danger(document: dict[str, Any]) -> Draft:
    runtime = as_text(as_dict(document.get("meta")).get("runtimeName")) or "danger"
    draft = Draft(guard="danger", mode=Enforcement.BLOCKING, producer=runtime)
    failed = [entry for key in ("fails", "failures", "errors") for entry in as_list(document.get(key))]
    for entry in failed:
        draft.failed(**_remark(entry))
    for entry in as_list(document.get("warnings")):
        draft.warned(**_remark(entry))
    remarks = len(as_list(document.get("messages"))) + len(as_list(document.get("markdowns")))
    draft.facts = {"remarks": remarks}
    if not draft.checks:
        draft.result = Result.PASSED
        draft.title = "danger: no fails, no warnings"
    return draft


def _remark(entry: Any) -> dict[str, str]:
    known = as_dict(entry)
    line = as_count(known.get("line"))
    path = as_text(known.get("file"))
    text = as_text(known.get("message")) if known else as_text(entry)
    return {"title": text, "location": f"{path}:{line}" if path and line else path}
