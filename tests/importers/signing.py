"""Makes attestations for tests: keys, certificates, DSSE envelopes, sigstore bundles and their log entries."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import NameOID

IN_TOTO = "application/vnd.in-toto+json"
FROM, UNTIL, SIGNED = (datetime(2024, 5, 1, 12, minute, tzinfo=UTC) for minute in (0, 10, 5))


def base64(data: bytes) -> str:
    return b64encode(data).decode()


def statement(**more: Any) -> dict[str, Any]:
    """A SLSA v1 provenance statement about one file."""
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "shop.tar.gz", "digest": {"sha256": sha256(b"shop").hexdigest()}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "https://build.example/workflow/v1",
                "resolvedDependencies": [{"uri": "git+https://git.example/shop@refs/tags/v2"}],
            },
            "runDetails": {
                "builder": {"id": "https://build.example/runner"},
                "metadata": {"startedOn": "2024-05-01T12:01:00Z", "finishedOn": "2024-05-01T12:04:00Z"},
            },
        },
    } | more


def signed_bytes(payload: bytes, kind: str = IN_TOTO) -> bytes:
    """What DSSE signs, spelled out here apart from the code under test."""
    return f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload


class Signer:
    """A key pair and its self-signed certificate."""

    def __init__(self, kind: str = "p256", issuer: Signer | None = None) -> None:
        made: dict[str, Callable[[], Any]] = {
            "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
            "rsa": lambda: rsa.generate_private_key(65537, 2048),
            "ed25519": ed25519.Ed25519PrivateKey.generate,
        }
        self.key = made[kind]()
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{kind} signer")])
        by = issuer or self
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(by.name)
            .public_key(self.key.public_key())
            .serial_number(7)
            .not_valid_before(FROM)
            .not_valid_after(UNTIL)
            .add_extension(
                x509.SubjectAlternativeName([x509.UniformResourceIdentifier("https://build.example/workflow")]), False
            )
            .add_extension(
                x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8"), b"\x0c\x04oidc"), False
            )
        )
        self.certificate = builder.sign(by.key, None if kind == "ed25519" else hashes.SHA256())

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def public_pem(self) -> bytes:
        public = self.key.public_key()
        info = serialization.PublicFormat.SubjectPublicKeyInfo
        made: bytes = public.public_bytes(serialization.Encoding.PEM, info)
        return made

    def sign(self, data: bytes, *, pss: bool = False) -> bytes:
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return bytes(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
        if isinstance(self.key, rsa.RSAPrivateKey):
            pad = padding.PSS(padding.MGF1(hashes.SHA256()), 32) if pss else padding.PKCS1v15()
            return bytes(self.key.sign(data, pad, hashes.SHA256()))
        made: bytes = self.key.sign(data)
        return made


def envelope(signer: Signer, said: dict[str, Any] | None = None, *, pss: bool = False) -> dict[str, Any]:
    """A DSSE envelope without a key."""
    payload = json.dumps(statement() if said is None else said).encode()
    return {
        "payloadType": IN_TOTO,
        "payload": base64(payload),
        "signatures": [{"keyid": "", "sig": base64(signer.sign(signed_bytes(payload), pss=pss))}],
    }


def log_entry(signed: dict[str, Any], verifier: bytes, kind: str = "dsse", at: datetime = SIGNED) -> dict[str, Any]:
    """A Rekor entry for the envelope, of the kinds dsse 0.0.1, intoto 0.0.2 or dsse 0.0.2."""
    digest = sha256(b64decode(signed["payload"]))
    signature = signed["signatures"][0]["sig"]
    spec: dict[str, Any]
    if kind == "dsse":
        spec = {
            "payloadHash": {"algorithm": "sha256", "value": digest.hexdigest()},
            "signatures": [{"signature": signature, "verifier": base64(verifier)}],
        }
    elif kind == "intoto":
        spec = {
            "content": {
                "payloadHash": {"algorithm": "sha256", "value": digest.hexdigest()},
                "envelope": {
                    "payloadType": signed["payloadType"],
                    "signatures": [{"sig": base64(signature.encode()), "publicKey": base64(verifier)}],
                },
            }
        }
    else:
        spec = {
            "dsseV002": {
                "payloadHash": {"algorithm": "SHA2_256", "digest": base64(digest.digest())},
                "signatures": [{"content": signature, "verifier": {"x509Certificate": {"rawBytes": base64(verifier)}}}],
            }
        }
    body = json.dumps({"apiVersion": "0.0.1", "kind": kind, "spec": spec}).encode()
    return {
        "logIndex": "42",
        "integratedTime": str(int(at.timestamp())),
        "canonicalizedBody": base64(body),
    }


def bundle(signer: Signer, version: str = "0.3", kind: str = "dsse", said: Any = None) -> dict[str, Any]:
    """A sigstore bundle with one log entry."""
    signed = envelope(signer, said)
    is_new = version == "0.3"
    one = {"rawBytes": base64(signer.der)}
    return {
        "mediaType": f"application/vnd.dev.sigstore.bundle.v{version}+json"
        if is_new
        else f"application/vnd.dev.sigstore.bundle+json;version={version}",
        "verificationMaterial": {
            **({"certificate": one} if is_new else {"x509CertificateChain": {"certificates": [one]}}),
            "tlogEntries": [log_entry(signed, signer.der if kind == "dsse2" else signer.pem.encode(), kind)],
        },
        "dsseEnvelope": signed,
    }
