"""Differences between two versions of an API, and verifications of contracts, to one `ci` item with `contract_drift`.

- oasdiff `breaking` and `changelog` as JSON: an array of changes, `{"changes": [...]}`, or one change. Levels: 3
  error, 2 warning, 1 info (checker/level.go); a change without a known level is unknown, never harmless.
- openapi-diff of Node (`breakingDifferences`, ...; differences it cannot classify are warnings) and of Java
  (`missingEndpoints`, `changedOperations`, ...).
- Pact: see `pact_results`.

An empty array is what oasdiff writes when nothing changed, but other tools write it too, so it is taken as a clean
result only when the format is named. oasdiff's raw `diff` and `summary` do not say what breaks and are refused.
No parser library exists for these.
"""

from __future__ import annotations

from typing import Any

from app.domain.checks import subject_of
from app.domain.evidence import Result
from app.importers import pact_results
from app.importers.base import Artifact, ImportBatch, Item, Probe, Reject, Rejected
from app.importers.contract_changes import Changes
from app.importers.documents import as_dict, as_list, as_text, read_json

FORMAT = "contract-drift"

_LEVELS = {
    "3": "breaking", "err": "breaking", "error": "breaking", "2": "warning", "warn": "warning",
    "warning": "warning", "1": "info", "info": "info",
}  # fmt: skip
_SUBJECTS = frozenset({"text", "operation", "path", "section", "source", "baseSource", "revisionSource", "fingerprint"})
_NODE_LISTS = {
    "breakingDifferences": "breaking",
    "unclassifiedDifferences": "warning",
    "nonBreakingDifferences": "info",
}
_DIFF_KEYS = frozenset(
    {"components", "endpoints", "extensions", "externalDocs", "info", "openapi", "paths", "security", "servers", "tags"}
)


def detect(probe: Probe) -> bool:
    """A document of one of the tools above."""
    return probe.kind == "json" and (_dialect(probe.document) != "" or probe.document == [])


def parse(artifact: Artifact) -> ImportBatch | Rejected:
    """One item: the changes, or the contracts' state."""
    document = read_json(artifact)
    dialect = _dialect(document)
    if dialect == "pact":
        return pact_results.read(document, FORMAT)
    if dialect == "oasdiff-diff":
        raise Reject("oasdiff's raw difference does not say what breaks; use oasdiff changelog -f json")
    if dialect == "openapi-diff-node":
        item = _node(document)
    elif dialect == "openapi-diff-java":
        item = _java(document)
    elif dialect == "oasdiff" or document == []:
        dialect, item = "oasdiff", _oasdiff(document)
    else:
        raise Reject("no list of API changes and no result of Pact")
    return ImportBatch(FORMAT, dialect, items=(item,), subject=subject_of(dialect))


def _dialect(document: Any) -> str:
    if isinstance(document, list):
        return "oasdiff" if document and all(_is_change(entry) for entry in document[:20]) else ""
    if not isinstance(document, dict):
        return ""
    changes = document.get("changes")
    if _is_change(document) or (
        isinstance(changes, list) and set(document) == {"changes"} and all(map(_is_change, changes[:20]))
    ):
        return "oasdiff"
    if "breakingDifferencesFound" in document or (set(_NODE_LISTS) & set(document)):
        return "openapi-diff-node"
    if isinstance(document.get("changedOperations"), list) and {"missingEndpoints", "newEndpoints"} & set(document):
        return "openapi-diff-java"
    if pact_results.is_pact(document):
        return "pact"
    return "oasdiff-diff" if _is_raw_difference(document) else ""


def _is_change(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("id"), str)
        and bool(_SUBJECTS & set(value))
        and ("level" in value)
        and as_text(value["level"]).lower() in {*_LEVELS, "0", "none"}
    )


def _is_raw_difference(document: dict[str, Any]) -> bool:
    if isinstance(document.get("diff"), bool) and isinstance(document.get("details"), dict):
        return True
    paths = as_dict(document.get("paths")) or as_dict(document.get("endpoints"))
    return (
        bool(document)
        and set(document) <= _DIFF_KEYS
        and bool(paths)
        and set(paths) <= {"added", "deleted", "modified"}
    )


def _oasdiff(document: Any) -> Item:
    listed = document if isinstance(document, list) else document.get("changes", [document])
    changes = Changes("oasdiff")
    for number, entry in enumerate(listed, start=1):
        if not isinstance(entry, dict):
            raise Reject(f"entry {number} of the changes is not an object")
        source = (
            as_dict(entry.get("revisionSource")) or as_dict(entry.get("baseSource")) or as_dict(entry.get("source"))
        )
        place = ":".join(filter(None, (as_text(source.get("file")), as_text(source.get("line")))))
        changes.add(
            _LEVELS.get(as_text(entry.get("level")).lower(), "unknown"),
            id=as_text(entry.get("id")),
            text=as_text(entry.get("text")) or as_text(entry.get("comment")),
            operation=as_text(entry.get("operation")),
            path=as_text(entry.get("path")),
            location=place,
        )
    return changes.item(changes.title(), changes.result())


def _node(document: dict[str, Any]) -> Item:
    changes = Changes("openapi-diff")
    if not set(_NODE_LISTS) & set(document) and document.get("breakingDifferencesFound") is not False:
        raise Reject("the result lists no differences and does not say that none break")
    for key, level in _NODE_LISTS.items():
        listed = document.get(key)
        if listed is not None and not isinstance(listed, list):
            raise Reject(f"{key} is not a list")
        for entry in as_list(listed):
            told = as_dict(entry)
            places = as_list(told.get("sourceSpecEntityDetails")) or as_list(told.get("destinationSpecEntityDetails"))
            place = as_text(as_dict(places[0]).get("location")) if places else ""
            action = f"{as_text(told.get('action'))} {as_text(told.get('entity'))}".strip()
            changes.add(level, id=as_text(told.get("code")), text=action, path=place)
    result = changes.result()
    if document.get("breakingDifferencesFound") is True and not changes.count("breaking"):
        changes.facts["note"] = "the tool found breaking differences, and the file lists none"
        result = Result.FAILED
    return changes.item(changes.title(), result)


def _java(document: dict[str, Any]) -> Item:
    changes = Changes("openapi-diff")
    for key, level, text in (
        ("missingEndpoints", "breaking", "removed endpoint"),
        ("deprecatedEndpoints", "info", "deprecated endpoint"),
        ("newEndpoints", "info", "new endpoint"),
    ):
        for entry in as_list(document.get(key)):
            told = as_dict(entry)
            changes.add(
                level, id=key, text=text, operation=as_text(told.get("method")), path=as_text(told.get("pathUrl"))
            )
    for entry in as_list(document.get("changedOperations")):
        told = as_dict(entry)
        verdict = told.get("incompatible")
        if not isinstance(verdict, bool) and isinstance(told.get("compatible"), bool):
            verdict = not told["compatible"]
        changes.add(
            {True: "breaking", False: "info"}[verdict] if isinstance(verdict, bool) else "unknown",
            id="changedOperations",
            text="changed operation",
            operation=as_text(told.get("httpMethod") or told.get("method")),
            path=as_text(told.get("pathUrl")),
        )
    result = changes.result()
    if (document.get("incompatible") is True or document.get("compatible") is False) and result is not Result.FAILED:
        changes.facts["note"] = "the tool found the versions incompatible, and the file lists no breaking change"
        result = Result.FAILED
    return changes.item(changes.title(), result)
