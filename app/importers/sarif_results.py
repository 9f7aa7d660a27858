"""One result of a SARIF run: its kind and level, how severe it is, whether it is suppressed, its text and its place."""

from __future__ import annotations

from typing import Any

from app.domain.evidence import Severity
from app.importers.base import clip
from app.importers.documents import as_dict, as_list, as_text
from app.importers.findings import severity_of, severity_of_score
from app.importers.sarif_rules import Rules, index_of

LEVELS = {
    "error": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "note": Severity.LOW,
    "none": Severity.INFO,
}

KINDS = {kind.lower(): kind for kind in ("fail", "pass", "notApplicable", "informational", "open", "review")}

NO_FINDING = frozenset(("pass", "notApplicable", "informational"))
"""Kinds of results that tell of nothing wrong (section 3.27.9), whatever level a producer gave them."""

UNDECIDED = frozenset(("open", "review"))
"""Kinds of results that somebody or something has yet to decide on."""

# 1.0.0 and 2.0.0 said in `level` what 2.1.0 says in `kind`.
_KIND_LEVELS = {"pass": "pass", "notapplicable": "notApplicable", "open": "open"}

_PLACES = ("physicalLocation", "resultFile", "analysisTarget")


def kind_and_level(result: dict[str, Any], rules: Rules, rule: dict[str, Any]) -> tuple[str, str]:
    """Sections 3.27.9 and 3.27.10: a kind other than fail has no level of its own."""
    said = clip(as_text(result.get("kind")), 20) or "fail"
    kind = KINDS.get(said.lower(), said)
    level = as_text(result.get("level")).lower()
    if level in _KIND_LEVELS:
        return _KIND_LEVELS[level], "none"
    if level:
        return kind, level
    if kind != "fail":
        return kind, "none"
    return kind, rules.level_of(result, rule)


def severity_in(kind: str, level: str, rule: dict[str, Any]) -> Severity:
    """By the rule's `security-severity`, else by the level. Of what is still to be decided, or of a kind that nobody
    knows, nothing says how severe it is unless it has a level all the same."""
    if kind != "fail" and level == "none":
        return Severity.UNKNOWN
    try:
        score = float(as_text(as_dict(rule.get("properties")).get("security-severity")))
    except ValueError:
        score = -1.0
    return severity_of_score(score) if score >= 0 else LEVELS.get(level) or severity_of(level)


def is_suppressed(result: dict[str, Any]) -> bool:
    """Suppressions there are, and every one accepted; no status means accepted (section 3.35.3)."""
    given = as_list(result.get("suppressions"))
    if given:
        return all(as_text(as_dict(one).get("status")) in ("", "accepted") for one in given)
    return bool(as_list(result.get("suppressionStates")))  # 2.0.0


def message_of(result: dict[str, Any], rule: dict[str, Any]) -> str:
    """The message's text, else the rule's template with its arguments put in, else the rule's description."""
    message = as_dict(result.get("message")) or as_dict(result.get("formattedRuleMessage"))
    text = as_text(message.get("text")) or as_text(message.get("markdown")) or as_text(result.get("message"))
    if not text:
        template = as_dict(as_dict(rule.get("messageStrings")).get(as_text(message.get("id"))))
        older = as_dict(rule.get("messageFormats")).get(as_text(message.get("formatId")))
        text = as_text(template.get("text")) or as_text(older)
    for number, argument in enumerate(as_list(message.get("arguments"))[:10]):
        text = text[:2000].replace(f"{{{number}}}", clip(as_text(argument), 200))
    short = rule.get("shortDescription")
    described = as_text(as_dict(short).get("text")) or as_text(short)
    return text or described or as_text(rule.get("name"))


def location_of(result: dict[str, Any], artifacts: list[Any]) -> str:
    """File and line of the first location, else its logical name. In 1.0.0 the file is that of the result, else the
    one that was analysed."""
    location = as_dict(next(iter(as_list(result.get("locations"))), None))
    physical = next(filter(None, (as_dict(location.get(key)) for key in _PLACES)), {})
    artifact = as_dict(physical.get("artifactLocation")) or as_dict(physical.get("fileLocation")) or physical
    uri = as_text(artifact.get("uri"))
    if not uri:
        index = index_of(artifact.get("index"), artifacts)
        uri = as_text(as_dict(as_dict(artifacts[index]).get("location")).get("uri")) if index is not None else ""
    line = as_text(as_dict(physical.get("region")).get("startLine"))
    logical = as_dict(next(iter(as_list(location.get("logicalLocations"))), None))
    named = as_text(logical.get("fullyQualifiedName")) or as_text(logical.get("name"))
    named = named or as_text(location.get("fullyQualifiedLogicalName"))
    return (f"{uri}:{line}" if line else uri) or named
