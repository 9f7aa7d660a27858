"""Kubernetes objects out of JSON or YAML documents: lists opened, names made, policy reports told from the rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.importers.base import clip
from app.importers.documents import as_dict, as_list, as_text

REPORT_KINDS = {"PolicyReport", "ClusterPolicyReport", "Report", "ClusterReport"}
REPORT_GROUPS = {"wgpolicyk8s.io", "policy.k8s.io", "reports.x-k8s.io", "openreports.io"}
CONSTRAINT_GROUP = "constraints.gatekeeper.sh"

_FOREIGN_GROUPS = {"aquasecurity.github.io"}
"""Groups whose objects hold scan reports, not a status."""


def kube_objects(documents: list[Any]) -> Iterator[dict[str, Any]]:
    """The objects of the documents, those inside lists singly. What is no object is passed over."""
    for document in documents:
        if not is_kube_object(document):
            continue
        if _is_list(document):
            kind = as_text(document["kind"]).removesuffix("List")
            for item in as_list(document["items"]):
                # Items of a typed list, such as PodList, leave out what the list says of all of them.
                whole = {"apiVersion": document["apiVersion"], "kind": kind} | item if isinstance(item, dict) else item
                if is_kube_object(whole):
                    yield whole
        else:
            yield document


def is_kube_object(value: Any) -> bool:
    """Whether a value has the two fields that every Kubernetes object has, and a name or items."""
    if not isinstance(value, dict):
        return False
    typed = all(isinstance(value.get(key), str) and value[key] for key in ("apiVersion", "kind"))
    named = bool(as_text(as_dict(value.get("metadata")).get("name")))
    return typed and (named or _is_list(value))


def _is_list(value: dict[str, Any]) -> bool:
    return as_text(value.get("kind")).endswith("List") and "items" in value


def group_of(value: dict[str, Any]) -> str:
    """The API group, "" for the core group."""
    group, slash, _version = as_text(value.get("apiVersion")).partition("/")
    return group if slash else ""


def is_report(value: dict[str, Any]) -> bool:
    """Whether an object is a policy report or a Gatekeeper constraint with its violations."""
    if group_of(value) == CONSTRAINT_GROUP:
        return True
    return value.get("kind") in REPORT_KINDS and group_of(value) in REPORT_GROUPS


def holds_reports(documents: list[Any]) -> bool:
    """Whether any object of the documents is a report."""
    return any(is_report(value) for value in kube_objects(documents)) or any(
        as_text(as_dict(document).get("kind")).removesuffix("List") in REPORT_KINDS
        and group_of(document) in REPORT_GROUPS
        for document in documents
    )


def holds_statuses(documents: list[Any]) -> bool:
    """Whether the documents are Kubernetes objects, none of which is a report of some kind."""
    kube = [document for document in documents if is_kube_object(document)]
    if not kube or holds_reports(documents):
        return False
    foreign = any(group_of(value) in _FOREIGN_GROUPS for value in (*kube, *kube_objects(documents)))
    return not foreign


def object_name(value: dict[str, Any]) -> str:
    """`namespace/Kind/name`, or `Kind/name` where the object has no namespace."""
    metadata = as_dict(value.get("metadata"))
    parts = (as_text(metadata.get("namespace")), as_text(value.get("kind")), as_text(metadata.get("name")))
    return "/".join(clip(part, 253) for part in parts if part)
