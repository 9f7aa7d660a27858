"""in-toto attestations and SLSA provenance, in DSSE envelopes, sigstore bundles and the lists around them.

Source: in-toto Statement v0.1 and v1 and the predicates of the in-toto attestation framework; SLSA provenance v0.1,
v0.2 and v1, verification summary v1. `attestations` unwraps, `provenance` reads the predicate, `signatures` checks.

One item per attestation. Its payload has three states, each with a reason: `digest` (the content's digest, computed
again and compared with the one that the embedded log entry states; the subjects' own files are never at hand),
`signature`, and `certificate`. Result: failed when a state is failed, or the predicate itself tells of a failure;
passed when the signature was verified and nothing failed, which says that the document is whole, not that its signer
is trusted; inconclusive when nobody could check the signature.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from app.domain.evidence import EvidenceType, Result, worst_result
from app.importers.attestations import Attestation, builder_of, is_attestation, unwrap
from app.importers.base import Artifact, ImportBatch, Item, Probe, Reject, clip
from app.importers.documents import as_dict, as_text, decode, json_lines, parse_json, read_json, read_text
from app.importers.names import shorten
from app.importers.provenance import commit_of, kind_of, page_of, predicate_facts, subject_of_all, times_of
from app.importers.signatures import (
    FAILED,
    NOT_CHECKED,
    VERIFIED,
    Check,
    algorithm_of,
    check_certificate,
    check_signatures,
    digest_of,
    from_base64,
    key_of,
    pre_authentication,
)

FORMAT = "intoto"

ATTESTATION_LIMIT = 500
"""Attestations of one file."""

SUBJECT_LIMIT = 50
"""Subjects that an item's payload keeps; they are counted all."""

_DIGEST_LIMIT = 10
_BASE64_HEAD = re.compile(r"(?:ey|ew|W3|Ww)[A-Za-z0-9+/_=-]{40,}")
_VERDICTS = {"PASSED": Result.PASSED, "WARNED": Result.WARNED, "FAILED": Result.FAILED}


def detect(probe: Probe) -> bool:
    """Told by the wrapper's or the statement's own keys; a base64 text by what it begins with."""
    if probe.kind == "json":
        return is_attestation(probe.document)
    if probe.kind == "jsonl":
        return bool(probe.document) and all(map(is_attestation, probe.document))
    if probe.kind == "text" and probe.lines and _BASE64_HEAD.match(probe.lines[0].strip()):
        head = (from_base64(probe.lines[0].strip()[:4096]) or b"").decode("utf-8", "replace")
        return '"payloadType"' in head or "in-toto.io/" in head or "vnd.dev.sigstore.bundle" in head
    return False


def parse(artifact: Artifact) -> ImportBatch:
    """One item per attestation."""
    found: list[Attestation] = []
    for line, document in _documents(artifact):
        try:
            for attestation in unwrap(document):
                found.append(attestation)
                if len(found) > ATTESTATION_LIMIT:
                    raise Reject(f"more than {ATTESTATION_LIMIT} attestations in one file")
        except Reject as refused:
            raise Reject(refused.reason, line=line) from None
    if not found:
        raise Reject("the file holds no attestation")
    keys, used = [_key(attestation) for attestation in found], Counter[str]()
    items = []
    for attestation, key in zip(found, keys, strict=True):
        used[key] += 1
        suffix = f"-{used[key]}" if used[key] > 1 else ""
        items.append(_item(attestation, f"{key}{suffix}" if len(found) > 1 else ""))
    return ImportBatch(
        FORMAT,
        dialect=found[0].wrapper.partition(" ")[0],
        items=tuple(items),
        subject=subject_of_all(found),
        commit=commit_of(found),
    )


def _documents(artifact: Artifact) -> Iterator[tuple[int | None, Any]]:
    """(line, document): one JSON document, one a line, or one in base64."""
    with artifact.open() as stream:
        start = stream.read(4096).lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00")[:1]
    if start not in (b"{", b"["):
        data = from_base64(read_text(artifact))
        if data is None:
            raise Reject("neither JSON nor base64 of it")
        yield None, parse_json(decode(data))
        return
    try:
        whole = read_json(artifact)
    except Reject as refused:
        if "Extra data" not in refused.reason:
            raise
        lines = json_lines(artifact)
        try:
            first = next(lines)
        except Reject:  # not one document a line either: the first complaint is the telling one
            raise refused from None
        yield first
        yield from lines
        return
    yield None, whole


def _key(attestation: Attestation) -> str:
    """A short stable name for the attestation's kind, to tell the items of one file apart."""
    kind = as_text(attestation.statement.get("predicateType")) or attestation.wrapper.partition(" ")[0]
    path = re.sub(r"^[a-z]+://[^/]+/", "", kind)
    return clip(re.sub(r"[^A-Za-z0-9.]+", "-", "-".join(path.split("/")[-3:])).strip("-"), 60) or "attestation"


def _item(attestation: Attestation, key: str) -> Item:
    statement = attestation.statement
    predicate = as_dict(statement.get("predicate"))
    subjects, total = _subjects(attestation)
    digest = _digest(attestation)
    signature = _signature(attestation)
    times = [entry.integrated_at for entry in attestation.log if entry.integrated_at is not None]
    certificate, signer = check_certificate(attestation.chain, times)
    if certificate.state != FAILED and attestation.chain and not _is_logged_signer(attestation):
        certificate = Check(FAILED, "the log entry names another certificate")
    states = {"digest": digest, "signature": signature, "certificate": certificate}
    verdict = as_text(predicate.get("verificationResult") or predicate.get("result")).upper()
    started, completed = times_of(predicate)
    named = subjects[0].get("name") or next(iter(subjects[0]["digest"].values()), "") if subjects else ""
    more = f" and {total - 1} more" if total > 1 else ""
    facts = {
        "wrapper": attestation.wrapper,
        "payload_type": clip(attestation.payload_type, 100),
        "statement_type": clip(as_text(statement.get("_type")), 100),
        "predicate_type": clip(as_text(statement.get("predicateType")), 200),
        "signer": signer,
        "log_entries": [entry.index for entry in attestation.log],
        "verdict": clip(verdict, 20),
    }
    return Item(
        evidence_type=EvidenceType.ARTIFACT,
        title=clip(f"{kind_of(attestation)} for {shorten(named, 80)}{more}: {_told(states)}"),
        result=_result(states, verdict),
        producer=clip(builder_of(statement) or as_text(as_dict(predicate.get("verifier")).get("id")), 200),
        started_at=started,
        completed_at=completed or (min(times) if times else None),
        payload={name: check.as_dict() for name, check in states.items()}
        | {"subjects": subjects, "subjects_total": total, "signatures": len(attestation.signatures)}
        | {key: value for key, value in facts.items() if value}
        | predicate_facts(statement, predicate),
        key=key,
        url=page_of(statement),
    )


def _subjects(attestation: Attestation) -> tuple[list[dict[str, Any]], int]:
    """Names and digests, the first of them, and how many there are. A statement about nothing is refused."""
    if attestation.message_digest:
        algorithm, value = attestation.message_digest
        return [{"name": "", "digest": {algorithm: value.hex()}}], 1
    statement = attestation.statement
    where = f"{attestation.place}: " if attestation.place else ""
    if statement.get("_type") == "link":
        products = as_dict(statement.get("products"))
        listed: list[Any] = [{"name": name, "digest": digest} for name, digest in products.items()]
    elif not statement:
        raise Reject(f"{where}the bundle names neither a statement nor a digest")
    else:
        subject = statement.get("subject")
        if not as_text(statement.get("predicateType")):
            raise Reject(f"{where}the statement has no predicateType")
        if not isinstance(subject, list) or not subject:
            raise Reject(f"{where}the statement names no subject")
        listed = subject
    kept: list[dict[str, Any]] = []
    for number, one in enumerate(listed):
        facts = as_dict(one)
        digests = {
            clip(algorithm, 30): clip(as_text(value), 150)
            for algorithm, value in list(as_dict(facts.get("digest")).items())[:_DIGEST_LIMIT]
            if as_text(value)
        }
        if not digests:
            raise Reject(f"{where}subject {number + 1} has no digest; nothing says which file it is")
        if len(kept) < SUBJECT_LIMIT:
            name = as_text(facts.get("name")) or as_text(facts.get("uri"))
            kept.append({"name": clip(name, 300), "digest": digests})
    return kept, len(listed)


def _digest(attestation: Attestation) -> Check:
    if attestation.contradictions:
        return Check(FAILED, "; ".join(attestation.contradictions))
    stated = [one for entry in attestation.log for one in entry.digests]
    if attestation.payload is None:
        if attestation.message_digest is None:
            return Check(NOT_CHECKED, "the statement stands alone; nothing states its digest")
        algorithm, signed_digest = attestation.message_digest
        if any(hexed != signed_digest.hex() for name, hexed in stated if algorithm_of(name) == algorithm):
            return Check(FAILED, "the log entry states another digest than the bundle")
        return Check(NOT_CHECKED, "the signed file was not given")
    signed = pre_authentication(attestation.payload_type, attestation.payload)
    compared = 0
    for algorithm, value in stated:
        # Some clients log the signed encoding of the payload, not the payload.
        computed = {digest_of(algorithm, attestation.payload), digest_of(algorithm, signed)} - {None}
        if computed and value not in computed:
            return Check(FAILED, f"the payload's {algorithm} is not the one that the log entry states")
        compared += bool(computed)
    if compared:
        return Check(VERIFIED, "the payload's digest is the one that the embedded log entry states; the subjects'"
                               " own files were not given")  # fmt: skip
    return Check(NOT_CHECKED, "nothing in the file states the payload's digest")


def _signature(attestation: Attestation) -> Check:
    if attestation.wrapper == "in-toto-link":
        return Check(NOT_CHECKED, "signatures of links are over canonical JSON by keys that are not in the file")
    logged = [signature for entry in attestation.log for signature in entry.signatures]
    if logged and any(one.value not in logged for one in attestation.signatures if one.value):
        return Check(FAILED, "the log entry records another signature")
    if attestation.payload is not None:
        signed = pre_authentication(attestation.payload_type, attestation.payload)
        return check_signatures(attestation.signatures, signed, attestation.keys)
    if attestation.message_digest is not None:
        digest = attestation.message_digest[1]
        return check_signatures(attestation.signatures, digest, attestation.keys, is_digest=True)
    return Check(NOT_CHECKED, "the statement is not signed")


def _is_logged_signer(attestation: Attestation) -> bool:
    """Whether each log entry that names signers names the first certificate's key among them."""
    own = key_of(attestation.chain[0])
    entries = [[key for verifier in entry.verifiers if (key := key_of(verifier))] for entry in attestation.log]
    return own is None or all(own in keys for keys in entries if keys)


def _result(states: dict[str, Check], verdict: str) -> Result:
    if any(check.state == FAILED for check in states.values()):
        return Result.FAILED
    checked = Result.PASSED if states["signature"].state == VERIFIED else Result.INCONCLUSIVE
    return worst_result([checked, _VERDICTS.get(verdict, Result.PASSED)])


def _reason(reason: str) -> str:
    first, *others = reason.split("; ")
    return shorten(first, 90) + (f" and {len(others)} more" if others else "")


def _told(states: dict[str, Check]) -> str:
    """The states in words, short enough for a title: the first failure with its reason and what else failed, or what
    became of the signature. The payload has every reason whole."""
    failed = {name: check.reason for name, check in states.items() if check.state == FAILED}
    if failed:
        first, *others = failed
        also = "".join(f"; {name} failed as well" for name in others)
        return f"{first} failed, {_reason(failed[first])}{also}"
    signature = states["signature"]
    if signature.state != VERIFIED:
        return f"signature not checked, {_reason(signature.reason)}"
    return f"signature verified, certificate {states['certificate'].state.replace('_', ' ')}"
