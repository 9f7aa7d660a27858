"""A verdict as an in-toto Statement v1 with a SLSA verification summary. Pure.

Sources: in-toto attestation, spec/v1/statement; slsa.dev/verification_summary/v1. A summary says passed or failed, so
only `ready` passes; the verdict itself stands beside it in an extension field, which verifiers that do not know it
must pass over.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from app.domain.digests import plain
from app.domain.evidence import Result
from app.domain.facts import BundleFacts, Inputs
from app.domain.policy import Policy
from app.domain.verdict import Readiness, Verdict

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/verification_summary/v1"
VERIFIER = "urn:evidence-gateway"
VERDICT_FIELD = "urn:evidence-gateway:verdict"

ATTESTATION_LIMIT = 500
"""How many of the items behind a verdict the summary lists; the digest of the inputs covers them all."""

RESULTS = {
    Readiness.READY: Result.PASSED,
    Readiness.AT_RISK: Result.WARNED,
    Readiness.BLOCKED: Result.FAILED,
    Readiness.UNKNOWN: Result.INCONCLUSIVE,
}
"""The result of the item that holds a verdict."""


def verification_summary(verdict: Verdict, inputs: Inputs, bundle: BundleFacts, policy: Policy) -> dict[str, Any]:
    """The statement about one bundle. The subject is the bundle as its inputs were, and the commit where it has one.
    Items that prove nothing, for they came late or are of another commit, are not among those it rests on."""
    subject: list[dict[str, Any]] = [{"name": bundle.bundle_key, "digest": {"sha256": verdict.inputs_digest}}]
    if len(bundle.commit_sha) in (40, 64) and set(bundle.commit_sha) <= set("0123456789abcdef"):
        name = f"{bundle.product}@{bundle.version}" if bundle.version else bundle.product
        subject.append({"name": name, "digest": {"gitCommit": bundle.commit_sha}})
    ready = verdict.state is Readiness.READY
    return {
        "_type": STATEMENT_TYPE,
        "subject": subject,
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "verifier": {"id": VERIFIER, "version": {"evidence-gateway": version("evidence-gateway")}},
            "timeVerified": plain(verdict.evaluated_at),
            "resourceUri": f"{VERIFIER}:bundle:{quote(bundle.bundle_key, safe='/')}",
            "policy": {
                "uri": f"{VERIFIER}:policy:{verdict.policy_digest}",
                "digest": {"sha256": verdict.policy_digest},
            },
            "inputAttestations": [
                {"uri": f"{VERIFIER}:item:{item.id}", "name": item.source_key, "digest": {"sha256": item.source_digest}}
                for item in inputs.current().matching().items[:ATTESTATION_LIMIT]
            ],
            "verificationResult": "PASSED" if ready else "FAILED",
            # Levels of one's own are allowed as long as their names do not begin with SLSA_.
            "verifiedLevels": ["EVIDENCE_READY" if ready else "FAILED"],
            VERDICT_FIELD: verdict.to_dict() | {"policy": policy.name},
        },
    }


def verdict_of(statement: Any) -> dict[str, Any] | None:
    """The verdict that a statement carries; None when it carries none."""
    predicate = statement.get("predicate") if isinstance(statement, dict) else None
    found = predicate.get(VERDICT_FIELD) if isinstance(predicate, dict) else None
    return found if isinstance(found, dict) else None


def differences(recorded: Any, computed: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    """Where two plain documents differ: path, and the value on either side; None where there is none. Lists are
    compared as sets of their elements, for they are sorted by what they say."""
    if isinstance(recorded, dict) and isinstance(computed, dict):
        found = []
        for key in sorted(recorded.keys() | computed.keys()):
            found += differences(recorded.get(key), computed.get(key), f"{path}.{key}" if path else key)
        return found
    if isinstance(recorded, list) and isinstance(computed, list):
        gone = [each for each in recorded if each not in computed]
        new = [each for each in computed if each not in recorded]
        if not gone and not new and len(recorded) != len(computed):
            return [(path, recorded, computed)]
        return [(f"{path}[]", each, None) for each in gone] + [(f"{path}[]", None, each) for each in new]
    return [] if recorded == computed else [(path, recorded, computed)]
