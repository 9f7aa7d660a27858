"""Open Policy Agent's tools: conftest's JSON, `opa eval` and `opa test --format json`.

conftest and `opa test` exit non-zero on a failure: blocking. `opa eval` only answers a query; what its answer means
follows from the rule's name, as conftest and Gatekeeper read it: deny and violation hold failures, warn holds
warnings, allow is true or false. An answer of any other shape is inconclusive.
"""

from __future__ import annotations

import re
from typing import Any

from app.domain.evidence import Result
from app.domain.gates import Enforcement
from app.importers.base import Reject, clip
from app.importers.documents import as_count, as_dict, as_list, as_text
from app.importers.guard_report import Draft, given_severity, said

CONFTEST, EVAL, TEST = "conftest", "opa-eval", "opa-test"

_OUTCOMES = ("failures", "warnings", "exceptions", "skipped", "successes")


def dialect_of(documents: list[Any]) -> str:
    """Which of the tools wrote it, or ""."""
    if len(documents) != 1:
        return ""
    document = documents[0]
    if isinstance(document, dict):
        results, errors = as_list(document.get("result")), as_list(document.get("errors"))
        evaluated = bool(results) and all("expressions" in as_dict(result) for result in results)
        broken = bool(errors) and all(as_text(as_dict(error).get("code")).startswith("rego_") for error in errors)
        return EVAL if evaluated or broken else ""
    entries = as_list(document)
    if entries and all(_is_file(entry) for entry in entries):
        return CONFTEST
    return TEST if entries and all(_is_test(entry) for entry in entries) else ""


def _is_file(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("filename"), str) and bool(_lowered(value))


def _is_test(value: Any) -> bool:
    known = as_dict(value)
    package = as_text(known.get("package"))
    return package.startswith("data.") and "name" in known and ("duration" in known or "location" in known)


def read(documents: list[Any]) -> list[Draft]:
    """The draft of what the tool answered."""
    document = documents[0]
    dialect = dialect_of(documents)
    if dialect == EVAL:
        return [_eval(document)]
    return [_conftest(document) if dialect == CONFTEST else _test(document)]


def _lowered(entry: dict[str, Any]) -> dict[str, Any]:
    """The outcomes of one file; conftest before 0.18 wrote their names with a capital."""
    return {key.lower(): value for key, value in entry.items() if isinstance(key, str) and key.lower() in _OUTCOMES}


def _conftest(entries: list[dict[str, Any]]) -> Draft:
    draft = Draft(guard="conftest", mode=Enforcement.BLOCKING, producer="conftest")
    for entry in entries:
        outcomes = _lowered(entry)
        for name in ("failures", "warnings", "exceptions", "skipped"):
            if outcomes.get(name) is not None and not isinstance(outcomes[name], list):
                raise Reject(f"the {name} of {clip(entry['filename'], 200)} are no list")
        for failure in as_list(outcomes.get("failures")):
            severity, finding = _violation(failure, entry["filename"])
            draft.failed(severity, **finding)
        for warning in as_list(outcomes.get("warnings")):
            severity, finding = _violation(warning, entry["filename"])
            draft.warned(severity, **finding)
        draft.skipped(len(as_list(outcomes.get("exceptions"))) + len(as_list(outcomes.get("skipped"))))
        successes = outcomes.get("successes")
        draft.passed(len(successes) if isinstance(successes, list) else as_count(successes) or 0)
    namespaces = sorted({clip(as_text(entry.get("namespace")), 100) for entry in entries} - {""})
    draft.facts = {"files": len({entry["filename"] for entry in entries}), "namespaces": namespaces[:20]}
    return draft


def _violation(value: Any, filename: str) -> tuple[Any, dict[str, Any]]:
    """(severity or None, finding) of a rule's answer: text, or an object with msg."""
    known = as_dict(value)
    metadata = as_dict(known.get("metadata"))
    details = as_dict(metadata.get("details")) or as_dict(known.get("details"))
    severity = next((s for holder in (known, metadata, details) if (s := given_severity(holder.get("severity")))), None)
    message = next((known[key] for key in ("msg", "message") if key in known), value)
    return severity, {
        "id": as_text(known.get("id")) or as_text(details.get("id")) or as_text(metadata.get("query")),
        "title": said(message),
        "location": filename,
    }


def _eval(document: dict[str, Any]) -> Draft:
    draft = Draft(guard="opa", mode=Enforcement.REPORT_ONLY, producer="opa")
    for error in as_list(document.get("errors")):
        known = as_dict(error)
        draft.error(id=as_text(known.get("code")), title=as_text(known.get("message")))
    names = []
    for result in as_list(document.get("result")):
        for expression in as_list(as_dict(result).get("expressions")):
            text = as_text(as_dict(expression).get("text"))
            names.append(text)
            _answer(text.rpartition(".")[2], as_dict(expression).get("value"), text, draft)
    if names and names[0]:
        draft.guard = f"opa/{clip(names[0].removeprefix('data.'), 150)}"
    return draft


def _leading_word(name: str) -> str:
    """`deny` of deny, deny_port and deny[x]."""
    return re.split(r"[^a-z]", name.lower(), maxsplit=1)[0]


def _answer(name: str, value: Any, text: str, draft: Draft) -> None:
    """One rule's answer, or the rules of a whole package."""
    word = _leading_word(name)
    if word in ("deny", "violation", "fail", "failures", "violations", "warn", "warnings"):
        if isinstance(value, bool):
            answers: list[Any] = [f"{text} is true"] if value else []
        elif isinstance(value, (list, dict)):
            answers = list(value) if isinstance(value, list) else list(value.values())
        else:
            return
        for answer in answers:
            severity, finding = _violation(answer, "")
            finding["id"] = finding["id"] or clip(text, 200)
            (draft.warned if word.startswith("warn") else draft.failed)(severity, **finding)
        draft.passed(0 if answers else 1)
    elif word in ("allow", "allowed", "pass", "compliant", "valid") and isinstance(value, bool):
        if value:
            draft.passed()
        else:
            draft.failed(id=clip(text, 200), title=f"{clip(text, 200)} is false")
    elif isinstance(value, dict) and word not in _NESTED:
        for key, inner in value.items():
            if not isinstance(inner, dict) or _leading_word(as_text(key)) in _NESTED:
                _answer(as_text(key), inner, f"{text}.{as_text(key)}", draft)


_NESTED = {"deny", "violation", "violations", "warn", "warnings", "fail", "failures"}


def _test(entries: list[dict[str, Any]]) -> Draft:
    draft = Draft(guard="opa-test", mode=Enforcement.BLOCKING, producer="opa")
    for entry in entries:
        place = as_dict(entry.get("location"))
        name = f"{as_text(entry.get('package'))}.{as_text(entry.get('name'))}"
        where = f"{as_text(place.get('file'))}:{as_text(place.get('row'))}".strip(":")
        if entry.get("error"):
            draft.error(id=name, title=said(entry["error"]), location=where)
        elif entry.get("fail"):
            draft.failed(id=name, title="test failed", location=where)
        elif entry.get("skip"):
            draft.skipped()
        else:
            draft.passed()
    if not draft.checks:
        draft.result = Result.INCONCLUSIVE
    return draft
