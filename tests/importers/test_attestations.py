"""What is verified, what fails and what stays unchecked, with keys made here."""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from app.domain.evidence import EvidenceType, Result
from app.importers import registry
from app.importers.base import Artifact, ImportBatch, Item, Rejected
from app.importers.signatures import from_base64
from tests.importers.signing import FROM, SIGNED, UNTIL, Signer, base64, bundle, envelope, log_entry, statement


def items_of(document: Any) -> tuple[Item, ...]:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    outcome = registry.read(Artifact.of_bytes("x.intoto.jsonl", data))
    assert isinstance(outcome, ImportBatch), outcome
    assert outcome.format == "intoto"
    return outcome.items


def item_of(document: Any) -> Item:
    (item,) = items_of(document)
    assert item.evidence_type is EvidenceType.ARTIFACT
    return item


def refusal_of(document: Any) -> Rejected:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    outcome = registry.read(Artifact.of_bytes("x.json", data))
    assert isinstance(outcome, Rejected), outcome
    return outcome


def states(item: Item) -> dict[str, str]:
    return {name: item.payload[name]["state"] for name in ("digest", "signature", "certificate")}


def expect(item: Item, digest: str, signature: str, certificate: str, result: Result) -> None:
    assert states(item) == {"digest": digest, "signature": signature, "certificate": certificate}
    assert item.result is result
    assert all(item.payload[name]["reason"] for name in states(item))


WHOLE = ("verified", "verified", "not_checked", Result.PASSED)


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa", "ed25519"])
@pytest.mark.parametrize("version", ["0.1", "0.2", "0.3"])
def test_bundles_of_all_versions_and_keys(kind: str, version: str) -> None:
    item = item_of(bundle(Signer(kind), version))
    expect(item, *WHOLE)
    assert item.payload["signer"]["identity"] == "https://build.example/workflow"
    assert item.payload["signer"]["oidc_issuer"] == "oidc"
    assert item.payload["materials"] == 1
    assert item.producer == "https://build.example/runner"
    assert item.completed_at == datetime.fromisoformat("2024-05-01T12:04:00+00:00")


@pytest.mark.parametrize("kind", ["dsse", "intoto", "dsse2"])
def test_log_entries_of_all_kinds(kind: str) -> None:
    expect(item_of(bundle(Signer(), kind=kind)), *WHOLE)


def test_pss_padding() -> None:
    signer = Signer("rsa")
    signed = envelope(signer, pss=True)
    signed["signatures"][0]["cert"] = signer.pem
    expect(item_of(signed), "not_checked", "verified", "not_checked", Result.PASSED)


def test_changed_payload_fails_twice() -> None:
    whole = bundle(Signer())
    said = statement(subject=[{"name": "other", "digest": {"sha256": "00"}}])
    whole["dsseEnvelope"]["payload"] = base64(json.dumps(said).encode())
    item = item_of(whole)
    expect(item, "failed", "failed", "not_checked", Result.FAILED)
    assert "digest failed" in item.title


def test_signature_by_another_key_fails() -> None:
    signed, other = envelope(Signer()), Signer()
    signed["signatures"][0]["cert"] = other.pem
    expect(item_of(signed), "not_checked", "failed", "not_checked", Result.FAILED)


def test_payload_type_is_signed_too() -> None:
    signer = Signer()
    signed = envelope(signer) | {"payloadType": "application/vnd.in-toto.provenance+json"}
    signed["signatures"][0]["cert"] = signer.pem
    assert states(item_of(signed))["signature"] == "failed"


def test_without_a_key_nothing_is_checked() -> None:
    item = item_of(envelope(Signer()))
    expect(item, "not_checked", "not_checked", "not_checked", Result.INCONCLUSIVE)
    assert "not checked" in item.title


def test_unsigned_statement_is_inconclusive() -> None:
    expect(item_of(statement()), "not_checked", "not_checked", "not_checked", Result.INCONCLUSIVE)
    signed = envelope(Signer()) | {"signatures": []}
    expect(item_of(signed), "not_checked", "not_checked", "not_checked", Result.INCONCLUSIVE)


@pytest.mark.parametrize("sig", ["", "not base64!", "a b", None, 7])
def test_no_signature_at_all_fails(sig: Any) -> None:
    signed = envelope(Signer())
    signed["signatures"][0]["sig"] = sig
    expect(item_of(signed), "not_checked", "failed", "not_checked", Result.FAILED)


def test_all_of_several_signatures_must_be_checked() -> None:
    one, two = Signer(), Signer("rsa")
    signed = envelope(one)
    second = envelope(two)["signatures"][0]
    signed["signatures"][0]["cert"] = one.pem
    signed["signatures"].append(second)
    item = item_of(signed)
    assert states(item)["signature"] == "not_checked"
    assert "1 of 2 signatures" in item.payload["signature"]["reason"]
    second["cert"] = two.pem
    assert states(item_of(signed))["signature"] == "verified"


def test_key_of_the_log_entry_serves_where_there_is_only_a_hint() -> None:
    signer = Signer()
    signed = envelope(signer)
    whole = {
        "mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.2",
        "verificationMaterial": {
            "publicKey": {"hint": "SHA256:abc"},
            "tlogEntries": [log_entry(signed, signer.public_pem, "intoto")],
        },
        "dsseEnvelope": signed,
    }
    item = item_of(whole)
    expect(item, *WHOLE)
    assert "log entry" in item.payload["signature"]["reason"]


def test_log_entry_of_another_signature_or_signer_fails() -> None:
    whole, signer = bundle(Signer()), Signer()
    other = envelope(signer)
    whole["verificationMaterial"]["tlogEntries"] = [log_entry(other, signer.pem.encode())]
    item = item_of(whole)
    expect(item, "verified", "failed", "failed", Result.FAILED)
    assert item.payload["certificate"]["reason"] == "the log entry names another certificate"


@pytest.mark.parametrize("at", [FROM - timedelta(seconds=1), UNTIL + timedelta(seconds=1)])
def test_signed_outside_the_certificates_validity(at: datetime) -> None:
    signer = Signer()
    whole = bundle(signer)
    entry = log_entry(whole["dsseEnvelope"], signer.pem.encode(), at=at)
    whole["verificationMaterial"]["tlogEntries"] = [entry]
    expect(item_of(whole), "verified", "verified", "failed", Result.FAILED)


def test_chain_must_hold_together() -> None:
    root = Signer("p384")
    leaf = Signer("p256", issuer=root)
    whole = bundle(leaf, "0.1")
    chain = whole["verificationMaterial"]["x509CertificateChain"]["certificates"]
    chain.append({"rawBytes": base64(root.der)})
    expect(item_of(whole), *WHOLE)
    chain[1] = {"rawBytes": base64(Signer("p384").der)}
    assert states(item_of(whole))["certificate"] == "failed"
    chain[1] = {"rawBytes": base64(b"no certificate")}
    assert states(item_of(whole))["certificate"] == "failed"


def test_unreadable_certificate_fails() -> None:
    whole = bundle(Signer())
    whole["verificationMaterial"]["certificate"]["rawBytes"] = base64(b"\x30\x03\x02\x01\x01")
    assert states(item_of(whole))["certificate"] == "failed"


def test_signed_file_without_a_statement() -> None:
    signer, digest = Signer(), sha256(b"shop").digest()
    signature = signer.key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    body = {"spec": {"data": {"hash": {"algorithm": "sha256", "value": digest.hex()}}}}
    whole = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {
            "certificate": {"rawBytes": base64(signer.der)},
            "tlogEntries": [
                {
                    "canonicalizedBody": base64(json.dumps(body).encode()),
                    "integratedTime": str(int(SIGNED.timestamp())),
                }
            ],
        },
        "messageSignature": {
            "messageDigest": {"algorithm": "SHA2_256", "digest": base64(digest)},
            "signature": base64(signature),
        },
    }
    item = item_of(whole)
    expect(item, "not_checked", "verified", "not_checked", Result.PASSED)
    assert item.payload["subjects"] == [{"name": "", "digest": {"sha256": digest.hex()}}]
    body["spec"]["data"]["hash"]["value"] = "00"
    whole["verificationMaterial"]["tlogEntries"][0]["canonicalizedBody"] = base64(json.dumps(body).encode())  # type: ignore[index]
    assert states(item_of(whole))["digest"] == "failed"


def test_lists_of_registries_and_tools() -> None:
    one, two = bundle(Signer()), bundle(Signer(), "0.2", "intoto")
    npm = {"attestations": [{"predicateType": "https://slsa.dev/provenance/v1", "bundle": b} for b in (one, two)]}
    github = {"attestations": [{"bundle": one, "repository_id": 7}]}
    verified = [{"attestation": {"bundle": one}, "verificationResult": {}}]
    lines = b"\n".join(json.dumps(b).encode() for b in (one, two)) + b"\n"
    found = items_of(npm)
    assert [item.key for item in found] == ["provenance-v1", "provenance-v1-2"]
    assert all(item.payload["wrapper"].startswith("npm-attestations sigstore-bundle") for item in found)
    assert item_of(github).payload["wrapper"].startswith("github-attestations")
    assert item_of(github).key == ""
    for document in (verified, lines, [one]):
        assert all(item.result is Result.PASSED for item in items_of(document))
    assert len(items_of(lines)) == 2
    npm["attestations"][0]["predicateType"] = "https://example.com/other"
    assert items_of(npm)[0].result is Result.FAILED


def test_pypi_attestations() -> None:
    signer = Signer()
    signed = envelope(signer)
    attestation = {
        "version": 1,
        "verification_material": {
            "certificate": base64(signer.der),
            "transparency_entries": [log_entry(signed, signer.pem.encode())],
        },
        "envelope": {"statement": signed["payload"], "signature": signed["signatures"][0]["sig"]},
    }
    expect(item_of(attestation), *WHOLE)
    expect(item_of({"version": 1, "attestation_bundles": [{"attestations": [attestation]}]}), *WHOLE)


def test_whole_file_in_base64() -> None:
    expect(item_of(base64(json.dumps(bundle(Signer())).encode()).encode()), *WHOLE)
    assert item_of(base64(json.dumps(statement()).encode()).encode()).result is Result.INCONCLUSIVE


@pytest.mark.parametrize(
    ("predicate_type", "predicate", "result"),
    [
        ("https://slsa.dev/verification_summary/v1", {"verificationResult": "PASSED"}, Result.PASSED),
        ("https://slsa.dev/verification_summary/v1", {"verificationResult": "FAILED"}, Result.FAILED),
        ("https://in-toto.io/attestation/test-result/v0.1", {"result": "FAILED"}, Result.FAILED),
        ("https://in-toto.io/attestation/test-result/v0.1", {"result": "WARNED"}, Result.WARNED),
        ("https://example.com/anything", ["no object"], Result.PASSED),
    ],
)
def test_the_predicate_may_tell_of_a_failure(predicate_type: str, predicate: Any, result: Result) -> None:
    said = statement(predicateType=predicate_type, predicate=predicate)
    assert item_of(bundle(Signer(), said=said)).result is result


def test_link_before_dsse() -> None:
    link = {
        "signed": {"_type": "link", "name": "build", "products": {"shop.tar.gz": {"sha256": "ab"}}, "materials": {}},
        "signatures": [{"keyid": "k", "sig": "00"}],
    }
    item = item_of(link)
    assert item.result is Result.INCONCLUSIVE
    assert item.payload["subjects"] == [{"name": "shop.tar.gz", "digest": {"sha256": "ab"}}]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (envelope(Signer()) | {"payload": "no base64!"}, "not base64"),
        (envelope(Signer()) | {"payload": base64(b"{")}, "cannot be read"),
        (envelope(Signer()) | {"payload": base64(b"[]")}, "no in-toto statement"),
        (envelope(Signer()) | {"payload": base64(b'{"critical":{}}'), "payloadType": "x/y"}, "x/y"),
        (envelope(Signer()) | {"signatures": {}}, "signatures are not a list"),
        (statement(subject=[]), "names no subject"),
        (statement(subject=None), "names no subject"),
        (statement(subject=[{"name": "x"}]), "has no digest"),
        (statement(predicateType=""), "no predicateType"),
        ({"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}, "neither a DSSE envelope"),
        ({"provenance_summary": {"provenance": []}}, "holds no attestation"),
        ({"provenance_summary": {"provenance": [{}]}}, "provenance 1 has no envelope"),
        ({"attestations": [{"bundle": bundle(Signer())}, 7]}, "attestation 2"),
    ],
)
def test_what_is_refused(document: Any, reason: str) -> None:
    assert reason in refusal_of(document).reason


def test_refusal_in_a_line_says_which() -> None:
    good = json.dumps(envelope(Signer()))
    refused = refusal_of(f"{good}\n\n{json.dumps({'payload': '!', 'payloadType': 'x', 'signatures': []})}\n".encode())
    assert refused.line == 3
    refused = refusal_of(f"{good}\n{good[:-9]}\n".encode())
    assert refused.line == 2


def test_many_subjects_are_counted_all_and_kept_few() -> None:
    subjects = [{"name": f"file-{n}", "digest": {"sha256": f"{n:064x}"}} for n in range(300)]
    item = item_of(statement(subject=subjects))
    assert item.payload["subjects_total"] == 300
    assert len(item.payload["subjects"]) == 50
    assert item.title.startswith("SLSA provenance v1 for file-0 and 299 more")


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("-_-_", b"\xfb\xff\xbf"), ("+/+/", b"\xfb\xff\xbf"), ("QQ", b"A"), ("QQ==", b"A"), ("Q\nQ==\n", b"A"),
        ("", b""), ("Q", None), ("Q Q=", None), ("é", None), (None, None), ("QQ=Q", None),
    ],
)  # fmt: skip
def test_base64(text: Any, data: bytes | None) -> None:
    assert from_base64(text) == data
    if data and text.endswith("==") and "\n" not in text:
        assert b64decode(text) == data
