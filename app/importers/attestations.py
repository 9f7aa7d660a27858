"""Attestations taken out of what they are wrapped in: sigstore bundles, DSSE envelopes, and the lists that registries
and command-line tools put around them.

Source: DSSE v1.0; sigstore bundle v0.1 to v0.3; npm's and GitHub's attestation APIs; PEP 740; Container Analysis as
`gcloud artifacts docker images describe --show-provenance` prints it. The official protobuf types would bring their
runtime for a dozen fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.importers.base import Reject, clip
from app.importers.documents import as_dict, as_list, as_text, decode, parse_json
from app.importers.moments import moment
from app.importers.signatures import PublicKey, Signature, algorithm_of, from_base64, key_of

IN_TOTO = "application/vnd.in-toto+json"

_BUNDLE = "application/vnd.dev.sigstore.bundle"
_STATEMENT = "https://in-toto.io/Statement/"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What the entry of a transparency log says of the content. The entry's own proofs are not checked."""

    integrated_at: datetime | None
    index: str
    digests: tuple[tuple[str, str], ...]
    """(algorithm, hex) of the payload, or of the signed file."""
    signatures: tuple[bytes, ...]
    verifiers: tuple[bytes, ...]
    """Certificates or public keys, PEM or DER."""


@dataclass(slots=True)
class Attestation:
    """One statement, or one signed digest, with all that its file gives to check it."""

    wrapper: str
    place: str = ""
    statement: dict[str, Any] = field(default_factory=dict)
    payload: bytes | None = None
    payload_type: str = ""
    signatures: list[Signature] = field(default_factory=list)
    message_digest: tuple[str, bytes] | None = None
    """(algorithm, digest) of the file that is signed itself, where there is no statement."""
    chain: list[bytes | None] = field(default_factory=list)
    keys: list[tuple[str, PublicKey]] = field(default_factory=list)
    log: list[LogEntry] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
    """Where what stands around the statement says something else than the statement."""


def is_attestation(document: Any) -> bool:
    """Whether the document is an attestation, or a list or wrapper of some."""
    if isinstance(document, list):
        return bool(document) and isinstance(document[0], dict) and is_attestation(document[0])
    if not isinstance(document, dict):
        return False
    listed = document.get("attestations")
    return (
        _is_bundle(document)
        or _is_envelope(document)
        or _is_statement(document)
        or _is_link(document)
        or _is_pep740(document)
        or (isinstance(listed, list) and bool(listed) and isinstance(as_dict(listed[0]).get("bundle"), dict))
        or _is_verified(document)
        or isinstance(document.get("provenance_summary"), dict)
        or isinstance(document.get("attestation_bundles"), list)
    )


def _is_bundle(document: dict[str, Any]) -> bool:
    has_content = "dsseEnvelope" in document or "messageSignature" in document
    return as_text(document.get("mediaType")).startswith(_BUNDLE) or (
        has_content and "verificationMaterial" in document
    )


def _is_envelope(document: dict[str, Any]) -> bool:
    return "payload" in document and "payloadType" in document and "signatures" in document


def _is_statement(document: dict[str, Any]) -> bool:
    return as_text(document.get("_type")).startswith(_STATEMENT) or {"_type", "predicateType"} <= document.keys()


def _is_link(document: dict[str, Any]) -> bool:
    return "signatures" in document and as_dict(document.get("signed")).get("_type") == "link"


def _is_pep740(document: dict[str, Any]) -> bool:
    return isinstance(document.get("verification_material"), dict) and isinstance(document.get("envelope"), dict)


def _is_verified(document: dict[str, Any]) -> bool:
    """`gh attestation verify --format json`."""
    return isinstance(as_dict(document.get("attestation")).get("bundle"), dict)


def unwrap(document: Any, place: str = "") -> Iterator[Attestation]:
    """The attestations in a document, in order. Raises Reject, naming the place, for what is none."""
    if isinstance(document, list):
        for number, one in enumerate(document, start=1):
            yield from unwrap(as_dict(one), f"entry {number}")
        return
    facts = as_dict(document)
    if _is_bundle(facts):
        yield _bundle(facts, place)
    elif _is_envelope(facts):
        yield _envelope(facts, Attestation("dsse", place))
    elif _is_statement(facts):
        yield Attestation("statement", place, statement=facts)
    elif _is_link(facts):
        yield _link(facts, place)
    elif _is_pep740(facts):
        yield _pep740(facts, place)
    elif _is_verified(facts):
        yield _bundle(as_dict(as_dict(facts["attestation"]).get("bundle")), place)
    elif isinstance(facts.get("attestation_bundles"), list):
        for bundle in map(as_dict, facts["attestation_bundles"]):
            for number, one in enumerate(as_list(bundle.get("attestations")), start=1):
                yield _pep740(as_dict(one), f"{place} attestation {number}".strip())
    elif isinstance(facts.get("provenance_summary"), dict):
        listed = as_list(as_dict(facts["provenance_summary"]).get("provenance"))
        for number, one in enumerate(map(as_dict, listed), start=1):
            yield _gcloud(one, as_dict(facts.get("image_summary")), f"{place} provenance {number}".strip())
    elif isinstance(facts.get("attestations"), list):
        is_npm = any("predicateType" in as_dict(one) for one in facts["attestations"])
        for number, one in enumerate(map(as_dict, facts["attestations"]), start=1):
            found = _bundle(as_dict(one.get("bundle")), f"{place} attestation {number}".strip())
            found.wrapper = f"{'npm' if is_npm else 'github'}-attestations {found.wrapper}"
            stated, signed = as_text(one.get("predicateType")), as_text(found.statement.get("predicateType"))
            if stated and signed and stated != signed:
                found.contradictions.append("the list names another predicate type than the signed statement")
            yield found
    else:
        raise Reject(f"{place or 'the document'} is no in-toto statement, DSSE envelope or sigstore bundle")


def _envelope(envelope: dict[str, Any], into: Attestation) -> Attestation:
    """Fill in a DSSE envelope."""
    where = f"{into.place}: " if into.place else ""
    payload = from_base64(envelope.get("payload"))
    if payload is None:
        raise Reject(f"{where}the envelope's payload is not base64")
    into.payload, into.payload_type = payload, as_text(envelope.get("payloadType"))
    listed = envelope.get("signatures")
    if listed is not None and not isinstance(listed, list):
        raise Reject(f"{where}the envelope's signatures are not a list")
    for signature in map(as_dict, as_list(listed)):
        own = as_text(signature.get("cert"))
        if own and not into.chain:
            into.chain = _pem_certificates(own)
        into.signatures.append(
            Signature(
                from_base64(signature.get("sig")),
                as_text(signature.get("keyid")),
                key_of(own.encode(errors="replace")) if own else None,
            )
        )
    into.statement = _statement(payload, into.payload_type, where)
    return into


def _statement(payload: bytes, payload_type: str, where: str) -> dict[str, Any]:
    try:
        statement = parse_json(decode(payload))
    except Reject as refused:
        raise Reject(f"{where}the envelope's payload cannot be read: {refused.reason}") from None
    if not isinstance(statement, dict) or not (_is_statement(statement) or statement.get("_type") == "link"):
        raise Reject(f"{where}the envelope holds {clip(payload_type, 100) or 'something'}, no in-toto statement")
    return statement


def _pem_certificates(text: str) -> list[bytes | None]:
    end = "-----END CERTIFICATE-----"
    blocks = [f"{block}{end}".strip().encode(errors="replace") for block in text.split(end) if block.strip()]
    return list(blocks)


def _bundle(bundle: dict[str, Any], place: str) -> Attestation:
    """A sigstore bundle. v0.1 and v0.2 carry a chain, v0.3 one certificate; or there is only a key's hint."""
    media_type = as_text(bundle.get("mediaType"))
    found = Attestation(f"sigstore-bundle {clip(media_type, 100)}".strip(), place)
    material = as_dict(bundle.get("verificationMaterial"))
    chain = as_list(as_dict(material.get("x509CertificateChain")).get("certificates"))
    certificates = [as_dict(one).get("rawBytes") for one in chain]
    if isinstance(material.get("certificate"), dict):
        certificates = [material["certificate"].get("rawBytes")]
    found.chain = [from_base64(one) for one in certificates]
    public = from_base64(as_dict(material.get("publicKey")).get("rawBytes"))
    found.log = [_log_entry(as_dict(entry)) for entry in as_list(material.get("tlogEntries"))[:10]]
    _gather_keys(found, public)
    if isinstance(bundle.get("dsseEnvelope"), dict):
        return _envelope(bundle["dsseEnvelope"], found)
    message = as_dict(bundle.get("messageSignature"))
    where = f"{place}: " if place else ""
    if not message:
        raise Reject(f"{where}the bundle holds neither a DSSE envelope nor a message signature")
    digest = from_base64(as_dict(message.get("messageDigest")).get("digest"))
    if digest:
        algorithm = as_text(as_dict(message.get("messageDigest")).get("algorithm")) or "SHA2_256"
        found.message_digest = (algorithm_of(algorithm) or clip(algorithm, 30), digest)
    found.signatures = [Signature(from_base64(message.get("signature")))]
    return found


def _gather_keys(found: Attestation, public: bytes | None = None) -> None:
    """The keys that signatures may be by: those that the bundle names, else those of the log's entries."""
    named = [
        ("the embedded certificate", key_of(found.chain[0] if found.chain else None)),
        ("the embedded public key", key_of(public)),
    ]
    logged = [("the log entry's verifier", key_of(verifier)) for entry in found.log for verifier in entry.verifiers]
    for group in (named, logged):
        found.keys = found.keys or [(place, key) for place, key in group if key is not None]


def _log_entry(entry: dict[str, Any]) -> LogEntry:
    """A Rekor entry of the kinds dsse, intoto and hashedrekord, v1 and v2."""
    try:
        body = parse_json(decode(from_base64(entry.get("canonicalizedBody")) or b""))
    except Reject:  # what cannot be read states nothing
        body = None
    spec = as_dict(as_dict(body).get("spec"))
    content = as_dict(spec.get("content"))
    second = as_dict(spec.get("dsseV002")) or as_dict(spec.get("hashedRekordV002"))
    digests = [
        (as_text(stated.get("algorithm")), as_text(stated.get("value")).lower())
        for stated in (
            as_dict(spec.get("payloadHash")),
            as_dict(content.get("payloadHash")),
            as_dict(as_dict(spec.get("data")).get("hash")),
        )
    ]
    digests += [
        (as_text(stated.get("algorithm")), (from_base64(stated.get("digest")) or b"").hex())
        for stated in (as_dict(second.get("payloadHash")), as_dict(second.get("data")))
    ]
    signatures, verifiers = list[bytes | None](), list[bytes | None]()
    for one in map(as_dict, as_list(spec.get("signatures"))):
        signatures.append(from_base64(one.get("signature")))
        verifiers.append(from_base64(one.get("verifier")))
    for one in map(as_dict, as_list(as_dict(content.get("envelope")).get("signatures"))):
        # intoto v0.0.2 encodes the signature, which is base64 already, once more.
        signatures.append(from_base64((from_base64(one.get("sig")) or b"").decode("ascii", "replace")))
        verifiers.append(from_base64(one.get("publicKey")))
    verifiers.append(from_base64(spec.get("publicKey")))
    record = as_dict(spec.get("signature"))
    signatures.append(from_base64(record.get("content")))
    verifiers.append(from_base64(as_dict(record.get("publicKey")).get("content")))
    for one in map(as_dict, [*as_list(second.get("signatures")), second.get("signature")]):
        signatures.append(from_base64(one.get("content")))
        verifier = as_dict(one.get("verifier"))
        for kind in ("x509Certificate", "publicKey"):
            verifiers.append(from_base64(as_dict(verifier.get(kind)).get("rawBytes")))
    time = as_text(entry.get("integratedTime"))
    return LogEntry(
        integrated_at=moment(int(time)) if time.isascii() and time.isdigit() and len(time) <= 12 else None,
        index=clip(as_text(entry.get("logIndex")), 30),
        digests=tuple((algorithm, value) for algorithm, value in digests if value),
        signatures=tuple(filter(None, signatures)),
        verifiers=tuple(filter(None, verifiers))[:10],
    )


def _pep740(attestation: dict[str, Any], place: str) -> Attestation:
    """PyPI's attestation object: a sigstore bundle in other words."""
    found = Attestation("pypi-attestation", place)
    material, envelope = as_dict(attestation.get("verification_material")), as_dict(attestation.get("envelope"))
    if "certificate" in material:
        found.chain = [from_base64(material["certificate"])]
    found.log = [_log_entry(as_dict(entry)) for entry in as_list(material.get("transparency_entries"))[:10]]
    _gather_keys(found)
    signed = {"payload": envelope.get("statement"), "payloadType": IN_TOTO}
    return _envelope(signed | {"signatures": [{"sig": envelope.get("signature")}]}, found)


def _link(document: dict[str, Any], place: str) -> Attestation:
    """in-toto's links before DSSE. Their signatures are over canonical JSON, by keys that are kept elsewhere."""
    found = Attestation("in-toto-link", place, statement=as_dict(document["signed"]))
    for signature in map(as_dict, as_list(document.get("signatures"))):
        found.signatures.append(Signature(None, as_text(signature.get("keyid"))))
    return found


def _gcloud(occurrence: dict[str, Any], image: dict[str, Any], place: str) -> Attestation:
    """A provenance occurrence: an envelope beside a readable copy of its statement and facts about the image."""
    found = Attestation("gcloud", place)
    if not isinstance(occurrence.get("envelope"), dict):
        raise Reject(f"{place} has no envelope")
    found = _envelope(occurrence["envelope"], found)
    build = as_dict(occurrence.get("build"))
    copies = (as_dict(build.get(key)) for key in ("intotoStatement", "inTotoSlsaProvenanceV1"))
    copy = next((one for one in copies if one), {})
    if copy:
        copied = copy | {"predicate": copy.get("predicate") or copy.get("slsaProvenance")}
        pairs = (
            ("predicate type", copied.get("predicateType"), found.statement.get("predicateType")),
            ("builder", builder_of(copied), builder_of(found.statement)),
            ("subject", _digests(copied), _digests(found.statement)),
        )
        found.contradictions += [f"the readable copy names another {what}" for what, a, b in pairs if a and a != b]
    signed = _digests(found.statement)
    resource = as_text(occurrence.get("resourceUri")).rpartition("@sha256:")[2]
    for stated, what in ((as_text(image.get("digest")), "image"), (resource, "resource")):
        value = stated.rpartition(":")[2].lower()
        if value and signed and value not in signed:
            found.contradictions.append(f"the {what}'s digest is none of the statement's subjects")
    return found


def _digests(statement: dict[str, Any]) -> set[str]:
    subjects = (as_dict(subject) for subject in as_list(statement.get("subject")))
    return {as_text(value).lower() for subject in subjects for value in as_dict(subject.get("digest")).values()}


def builder_of(statement: dict[str, Any]) -> str:
    """Who built it: SLSA provenance v0.1, v0.2 and v1."""
    predicate = as_dict(statement.get("predicate"))
    details = as_dict(predicate.get("runDetails"))
    return as_text(as_dict(details.get("builder") or predicate.get("builder")).get("id"))
