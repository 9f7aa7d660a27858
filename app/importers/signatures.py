"""Checking signatures, digests and certificates with no more than what an attestation carries itself.

Source: DSSE protocol v1.0 (the pre-authentication encoding), sigstore bundle v0.1 to v0.3, Rekor's entry types. The
`cryptography` library does all arithmetic and all parsing of keys and certificates. The kept sigstore client is not
used: it verifies against a trust root that it fetches, and an importer neither fetches nor decides whom to trust.

Verified therefore means: this payload was signed with that key. Whose key it is, only a check of the certificate
against a trust root can say; the importers have none, so a certificate is failed or not_checked, never verified.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from app.importers.base import clip

VERIFIED, FAILED, NOT_CHECKED = "verified", "failed", "not_checked"

SIGNATURE_LIMIT = 20
"""Signatures of one envelope that are checked."""

_REFUSED = (
    ValueError, TypeError, OverflowError, UnsupportedAlgorithm, InvalidSignature,
    x509.InvalidVersion, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType,
    Warning,  # where warnings are made errors, an odd certificate raises one
)  # fmt: skip

_FULCIO = "1.3.6.1.4.1.57264.1."
_HASHES: dict[int, hashes.HashAlgorithm] = {32: hashes.SHA256(), 48: hashes.SHA384(), 64: hashes.SHA512()}
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]*={0,2}")

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class Check:
    """One state with its reason, a sentence for a person."""

    state: str
    reason: str

    def as_dict(self) -> dict[str, str]:
        """As the payload keeps it."""
        return {"state": self.state, "reason": clip(self.reason)}


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature; `value` is None where it is no base64. `key` is the one that it brings along itself."""

    value: bytes | None
    keyid: str = ""
    key: PublicKey | None = None


def from_base64(text: Any) -> bytes | None:
    """The bytes of standard or URL-safe base64, with or without padding, in one line or several; None otherwise."""
    if not isinstance(text, str):
        return None
    packed = text.strip().replace("\r", "").replace("\n", "")
    if not _BASE64.fullmatch(packed):
        return None
    packed = packed.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def pre_authentication(payload_type: str, payload: bytes) -> bytes:
    """What a DSSE signature is over: PAE(type, body)."""
    kind = payload_type.encode("utf-8", "surrogatepass")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def certificate_of(data: bytes | None) -> x509.Certificate | None:
    """The certificate in DER or PEM; None when it is none."""
    if data is None:
        return None
    try:
        return (x509.load_pem_x509_certificate if b"-----BEGIN" in data else x509.load_der_x509_certificate)(data)
    except _REFUSED:
        return None


def key_of(data: bytes | None) -> PublicKey | None:
    """The public key in PEM or DER, or that of a certificate; None when it is none, or of a kind not used here."""
    certificate = certificate_of(data)
    try:
        if certificate is not None:
            key: Any = certificate.public_key()
        elif data is not None and b"-----BEGIN" in data:
            key = serialization.load_pem_public_key(data)
        elif data is not None:
            key = serialization.load_der_public_key(data)
        else:
            return None
    except _REFUSED:
        return None
    return key if isinstance(key, (ec.EllipticCurvePublicKey, rsa.RSAPublicKey, ed25519.Ed25519PublicKey)) else None


def verifies(key: PublicKey, signature: bytes, signed: bytes, *, is_digest: bool = False) -> bool:
    """Whether the signature is the key's over the bytes, or over the file whose digest the bytes are."""
    for attempt in _attempts(key, signed, is_digest):
        try:
            attempt(signature)
        except _REFUSED:
            continue
        return True
    return False


def _attempts(key: PublicKey, signed: bytes, is_digest: bool) -> list[Any]:
    """The ways in which a key of that kind signs; signers agree on the key's kind, not always on the hash."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        return [] if is_digest else [lambda signature: key.verify(signature, signed)]
    if is_digest:
        known = _HASHES.get(len(signed))
        ways: list[Any] = [utils.Prehashed(known)] if known else []
    else:
        ways = list(_HASHES.values())
    if isinstance(key, ec.EllipticCurvePublicKey):
        return [lambda signature, way=way: key.verify(signature, signed, ec.ECDSA(way)) for way in ways]
    return [
        lambda signature, way=way, pad=pad: key.verify(signature, signed, pad, way)
        for way in ways
        for pad in (padding.PKCS1v15(), *_pss(way))
    ]


def _pss(way: Any) -> list[padding.PSS]:
    algorithm = way if isinstance(way, hashes.HashAlgorithm) else _HASHES[way.digest_size]
    return [padding.PSS(padding.MGF1(algorithm), padding.PSS.AUTO)]


def check_signatures(
    signatures: list[Signature], signed: bytes, keys: list[tuple[str, PublicKey]], *, is_digest: bool = False
) -> Check:
    """Verified when every signature is, each by a key of the file; failed when one cannot be. `keys` are (where it
    stands, key), tried in order for signatures that bring none along."""
    if not signatures:
        return Check(NOT_CHECKED, "there is no signature")
    if len(signatures) > SIGNATURE_LIMIT:
        return Check(NOT_CHECKED, f"{len(signatures)} signatures, more than the {SIGNATURE_LIMIT} that are checked")
    used, unknown = dict[str, None](), list[str]()
    for number, signature in enumerate(signatures, start=1):
        name = "the signature" if len(signatures) == 1 else f"signature {number}"
        if not signature.value:
            return Check(FAILED, f"{name} is {'empty' if signature.value == b'' else 'not base64'}")
        own = [("the certificate beside it", signature.key)] if signature.key else keys
        if not own:
            unknown.append(clip(signature.keyid, 200))
            continue
        place = next((p for p, key in own if verifies(key, signature.value, signed, is_digest=is_digest)), None)
        if place is None:
            return Check(FAILED, f"{name} was not made over this content by the key of {own[0][0]}")
        used[place] = None
    if unknown:
        named = f" {unknown[0]!r}" if unknown[0] else ""
        counted = "" if len(signatures) == 1 else f"{len(unknown)} of {len(signatures)} signatures: "
        return Check(NOT_CHECKED, f"{counted}the file carries no usable key{named}")
    return Check(VERIFIED, f"checked with the key of {', '.join(used)}; whose key it is was not checked")


def check_certificate(chain: list[bytes | None], signed_at: Iterable[datetime]) -> tuple[Check, dict[str, str]]:
    """The state of the first certificate, and what it says of the signer. Without a trust root it is failed at most:
    when it cannot be read, when the next one of the chain did not issue it, or when the transparency log's time lies
    outside its validity."""
    if not chain:
        return Check(NOT_CHECKED, "the file carries no certificate"), {}
    certificates = [certificate_of(data) for data in chain[:10]]
    read = [certificate for certificate in certificates if certificate is not None]
    if len(read) < len(certificates):
        return Check(FAILED, "a certificate cannot be read"), _signer(read[0]) if certificates[0] else {}
    signer = _signer(read[0])
    for subject, issuer in pairwise(read):
        try:
            subject.verify_directly_issued_by(issuer)
        except _REFUSED:
            return Check(FAILED, "a certificate was not issued by the next one of its chain"), signer
    for moment in signed_at:
        if not read[0].not_valid_before_utc <= moment <= read[0].not_valid_after_utc:
            return Check(
                FAILED, f"the log's time, {moment.isoformat()}, lies outside the certificate's validity"
            ), signer
    return Check(NOT_CHECKED, "no trust root was given to check its issuer against"), signer


def _signer(certificate: x509.Certificate) -> dict[str, str]:
    """Identity and validity; the OIDC issuer and source are Fulcio's extensions (Fulcio, oid-info)."""
    try:
        found = {
            "identity": ", ".join(_names(certificate)[:5]),
            "certificate_issuer": certificate.issuer.rfc4514_string(),
            "oidc_issuer": _extension(certificate, "8") or _extension(certificate, "1"),
            "source_repository": _extension(certificate, "12"),
            "source_digest": _extension(certificate, "13"),
            "not_before": certificate.not_valid_before_utc.isoformat(),
            "not_after": certificate.not_valid_after_utc.isoformat(),
            "fingerprint": "sha256:" + certificate.fingerprint(hashes.SHA256()).hex(),
        }
    except _REFUSED:
        return {}
    return {key: clip(value, 300) for key, value in found.items() if value}


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except _REFUSED:
        return []
    return [str(name.value) for name in names if not isinstance(name, x509.OtherName)]


def _extension(certificate: x509.Certificate, number: str) -> str:
    try:
        value = certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(_FULCIO + number)).value
    except _REFUSED:
        return ""
    data = value.value if isinstance(value, x509.UnrecognizedExtension) else b""
    # From number 8 on the text is a DER UTF8String: tag 12, length in one byte below 128.
    if len(data) > 1 and data[0] == 12 and data[1] == len(data) - 2:
        data = data[2:]
    return data.decode("utf-8", "replace")


def algorithm_of(name: str) -> str:
    """The usual name of a digest algorithm that logs and bundles spell sha256, SHA2_256 or sha-256; "" for another."""
    plain = name.lower().replace("sha2_", "sha").replace("-", "")
    return plain if plain in ("sha256", "sha384", "sha512") else ""


def digest_of(name: str, data: bytes) -> str | None:
    """The hex digest; None for an algorithm that is not known."""
    algorithm = algorithm_of(name)
    return hashlib.new(algorithm, data).hexdigest() if algorithm else None
