"""Guards: checks of policy, architecture and plans. One file each for the tools' dialects; this one tells them apart.

Each report becomes an item of type guard and, with the same findings and result, a guard report with the mode it
runs in. Read: checkov, conftest and OPA, Terraform plans, policy reports (also as `kyverno apply` prints them) and
Gatekeeper constraints, kube-bench, kube-linter, KubeArmor, anchorectl, dependency-cruiser, Danger, import-linter,
terraform-compliance.
No parser library serves: the tools publish no readers for their reports, and the reports are small JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.domain.gates import Enforcement
from app.importers import (
    guard_anchore,
    guard_checkov,
    guard_code,
    guard_kubernetes,
    guard_opa,
    guard_policy_reports,
    guard_terraform,
    guard_text,
)
from app.importers.base import Artifact, ImportBatch, Probe, Reject, Rejected
from app.importers.documents import DEPTH_LIMIT, read_documents, read_text
from app.importers.guard_report import Draft, guard_batch
from app.importers.yaml_documents import parse_yaml

FORMAT = "guard"

TEXT_LIMIT = 8 * 1024 * 1024
"""Bytes of a guard's printed output."""

FIRST_LINES = 20


def _single(name: str, claims: Callable[[list[Any]], bool]) -> Callable[[list[Any]], str]:
    return lambda documents: name if claims(documents) else ""


_DIALECTS: tuple[tuple[Callable[[list[Any]], str], Callable[[list[Any]], list[Draft]]], ...] = (
    (_single(guard_checkov.DIALECT, guard_checkov.claims), guard_checkov.read),
    (guard_opa.dialect_of, guard_opa.read),
    (_single(guard_policy_reports.DIALECT, guard_policy_reports.claims), guard_policy_reports.read),
    (_single(guard_terraform.DIALECT, guard_terraform.claims), guard_terraform.read),
    (guard_kubernetes.dialect_of, guard_kubernetes.read),
    (_single(guard_anchore.DIALECT, guard_anchore.claims), guard_anchore.read),
    (guard_code.dialect_of, guard_code.read),
)
"""Of each file: which dialect it finds in the documents, or "", and its reader."""


def detect(probe: Probe) -> bool:
    """A report of one of the tools above."""
    if probe.kind == "json":
        return _find([probe.document]) is not None
    if probe.kind in ("jsonl", "yaml") and isinstance(probe.document, list) and _find(probe.document):
        return True
    return probe.kind != "jsonl" and guard_text.dialect_of(guard_text.plain("\n".join(probe.lines))) != ""


def parse(artifact: Artifact) -> ImportBatch | Rejected:
    """An item and a guard report for each report of the file."""
    lines = _printed(artifact)
    dialect = guard_text.dialect_of([line for line in lines if line][:FIRST_LINES])
    if dialect == guard_text.KYVERNO_APPLY:
        return guard_batch(FORMAT, dialect, _applied(lines))
    if dialect:
        return guard_batch(FORMAT, dialect, guard_text.read(lines, dialect))
    documents = read_documents(artifact)
    found = _find(documents)
    if found is None:
        raise Reject("no report of a guard that is known: checkov, conftest, OPA, a Terraform plan, a policy report …")
    dialect, read = found
    return guard_batch(FORMAT, dialect, read(documents))


def _applied(lines: list[str]) -> list[Draft]:
    """The reports that `kyverno apply` prints below its own words; it exits non-zero on a failure."""
    text, above = guard_text.yaml_part(lines)
    try:
        drafts = guard_policy_reports.read(parse_yaml(text, DEPTH_LIMIT))
    except Reject as refused:
        line = refused.line + above if refused.line else None
        raise Reject(refused.reason, line=line, column=refused.column) from None
    for draft in drafts:
        draft.mode = Enforcement.BLOCKING
    return drafts


def _find(documents: list[Any]) -> tuple[str, Callable[[list[Any]], list[Draft]]] | None:
    for dialect_of, read in _DIALECTS:
        dialect = dialect_of(documents)
        if dialect:
            return dialect, read
    return None


def _printed(artifact: Artifact) -> list[str]:
    """The lines of printed output; none for JSON, and for what is too large to be one."""
    with artifact.open() as stream:
        start = stream.read(4096).lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00")[:1]
    if start in (b"{", b"[") or artifact.size > TEXT_LIMIT:
        return []
    return guard_text.plain(read_text(artifact, TEXT_LIMIT))
