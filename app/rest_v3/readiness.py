"""A verdict in the shape of the contract, with the rows behind it."""

from __future__ import annotations

from typing import Any

from app.domain.moments import iso
from app.domain.verdict import Proof, Reason, Verdict
from app.readmodels.readiness import Answer
from app.readmodels.rows import Columns
from app.rest_v3.presenters import Presenter, presenter

LISTS = {
    "gateResults": "V3PlatformReleaseGateResult",
    "invariantResults": "V3PlatformProductInvariantResult",
    "componentStatus": "V3PlatformComponentStatus",
    "guardSummaries": "V3PlatformGuardReportSummary",
}
"""The lists of the response, and the schema of their rows."""


def columns() -> dict[str, Columns]:
    """The columns of the rows behind a verdict, by noun."""
    return {shown.noun.name: shown.columns for shown in _presenters().values()}


def present_answer(answer: Answer) -> dict[str, Any]:
    """V3PlatformStatusReadinessResponse."""
    shown = _presenters()
    body: dict[str, Any] = {"verdict": present_verdict(answer)}
    body |= {name: made.present_all(answer.rows[made.noun.name]) for name, made in shown.items()}
    return body | {"truncated": [name for name, made in shown.items() if made.noun.name in answer.truncated]}


def present_verdict(answer: Answer) -> dict[str, Any]:
    """V3PlatformReadinessVerdict."""
    verdict: Verdict = answer.verdict
    bundles = [each.bundle for each in answer.inputs if each.bundle is not None]
    return {
        "state": verdict.state.value,
        "headline": verdict.headline(),
        "environment": verdict.environment,
        "profile": verdict.profile,
        "product": verdict.product,
        "bundles": [{"id": each.id, "bundleKey": each.bundle_key} for each in sorted(bundles, key=lambda b: b.id)],
        "reasons": [_reason(each) for each in verdict.reasons],
        "proofs": [_proof(each) for each in verdict.proofs],
        "policyDigest": verdict.policy_digest,
        "inputsDigest": verdict.inputs_digest,
        "evaluatedAt": iso(verdict.evaluated_at),
    }


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "code": reason.code.value,
        "severity": reason.severity.value,
        "subjectType": reason.subject_type.value,
        "subject": reason.subject,
        "rowId": reason.row_id,
        "sentence": reason.sentence,
        "bundleId": reason.bundle_id,
    }


def _proof(proof: Proof) -> dict[str, Any]:
    return {
        "subjectType": proof.subject_type.value,
        "subject": proof.subject,
        "rowId": proof.row_id,
        "bundleId": proof.bundle_id,
    }


def _presenters() -> dict[str, Presenter]:
    return {name: presenter(schema) for name, schema in LISTS.items()}
