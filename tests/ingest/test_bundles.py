"""Which bundle an import is for: made once, never contradicted, a retracted one not revived by accident."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from app.db.pool import Database
from app.domain.errors import Conflict, EvidenceError, Invalid, NotFound
from app.domain.evidence import BundleKind
from app.ingest import BundleRequest, check_bundle, record
from app.ingest.bundles import Incomplete, Refused
from tests.ingest.reports import batch, bundle, counts, parsed, request, rows

KEY = "release/portal/1.0.0-rc.1"

SUPERSEDE = """
INSERT INTO platform_evidence_bundles
  (id, bundle_key, kind, environment, profile, product, actor, reason, supersedes_id, retracted)
SELECT gen_random_uuid(), bundle_key, kind, environment, 'hardened', product, 'bob', 'built wrong', id, $2
FROM platform_evidence_bundles WHERE id = $1 RETURNING id
"""


async def test_a_new_bundle_is_made_with_what_was_said(database: Database, dsn: str) -> None:
    said = bundle(profile="hardened", title="RC 1", version="1.0.0", commit="abc", kind=BundleKind.UAT_PACKAGE)
    await record(database, request(bundle=said), parsed(batch(), "a"))
    [row] = await rows(dsn, "platform_evidence_bundles")
    told = [row[c] for c in ("kind", "environment", "profile", "product", "title", "version", "commit_sha", "revision")]
    assert told == ["uat_package", "staging", "hardened", "portal", "RC 1", "1.0.0", "abc", 1]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "--kind, --environment and --product"),
        ({"environment": "staging"}, "--kind and --product"),
        ({"environment": "staging", "kind": BundleKind.UAT_PACKAGE}, "give --product"),
    ],
)
async def test_what_a_new_bundle_lacks_is_named(
    database: Database, dsn: str, given: dict[str, Any], named: str
) -> None:
    said = BundleRequest(KEY, **given)
    with pytest.raises(Incomplete, match=named):
        await check_bundle(database, said)
    with pytest.raises(Incomplete, match=KEY):
        await record(database, request(bundle=said), parsed(batch(), "a"))
    assert set((await counts(dsn)).values()) == {0}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"kind": BundleKind.UAT_PACKAGE}, "has the kind release_candidate, not uat_package"),
        ({"environment": "production"}, "has the environment staging, not production"),
        ({"profile": "hardened"}, "has the profile standard, not hardened"),
        ({"product": "shop"}, "has the product portal, not shop"),
        ({"version": "2"}, "has no version, not 2"),
        ({"commit": "def"}, "has the commit abc, not def"),
    ],
)
async def test_contradictions_are_refused(database: Database, dsn: str, given: dict[str, Any], told: str) -> None:
    await record(database, request(bundle=bundle(commit="abc")), parsed(batch(), "a"))
    before = await counts(dsn)
    said = BundleRequest(KEY, **given)
    with pytest.raises(Refused, match=told) as refused:
        await check_bundle(database, said)
    assert isinstance(refused.value, Conflict)
    assert refused.value.field == next(iter(given))
    with pytest.raises(Refused, match=told):
        await record(database, request(bundle=said), parsed(batch(), "b"))
    assert await counts(dsn) == before


async def test_agreement_and_silence_are_fine(database: Database, dsn: str) -> None:
    await record(database, request(), parsed(batch(), "a"))
    for said in (BundleRequest(KEY), bundle(profile="standard", title="another line")):
        await record(database, request(bundle=said), parsed(batch(), "b"))
    assert (await counts(dsn))["platform_evidence_bundles"] == 1


async def test_a_bundle_may_be_named_by_its_id(database: Database, dsn: str) -> None:
    await record(database, request(), parsed(batch(), "a"))
    [row] = await rows(dsn, "platform_evidence_bundles")
    await record(database, request(bundle=BundleRequest(str(row["id"]))), parsed(batch(), "b"))
    assert {item["bundle_id"] for item in await rows(dsn, "platform_evidence_items")} == {row["id"]}
    with pytest.raises(NotFound, match="no bundle has the id"):
        await check_bundle(database, BundleRequest(str(uuid.uuid4())))


async def test_a_key_means_its_latest_revision(database: Database, dsn: str) -> None:
    await record(database, request(), parsed(batch(), "a"))
    [first] = await rows(dsn, "platform_evidence_bundles")
    second = await database.fetchval(SUPERSEDE, first["id"], False)
    outcome = await record(database, request(bundle=BundleRequest(KEY)), parsed(batch(), "a"))
    assert outcome.created
    assert [row["bundle_id"] for row in await rows(dsn, "platform_evidence_items")] == [first["id"], second]
    with pytest.raises(Refused, match="replaced by revision 2"):
        await check_bundle(database, BundleRequest(str(first["id"])))


async def test_a_retracted_bundle_takes_no_evidence(database: Database, dsn: str) -> None:
    await record(database, request(), parsed(batch(), "a"))
    [first] = await rows(dsn, "platform_evidence_bundles")
    await database.fetchval(SUPERSEDE, first["id"], True)
    with pytest.raises(Refused, match=r"was retracted by bob \(built wrong\); import under another key"):
        await record(database, request(), parsed(batch(), "b"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": ""},
        {"key": " x"},
        {"key": "x" * 301},
        {"key": "a\nb\x1b[31m"},
        {"key": "k", "environment": ""},
        {"key": "k", "product": "p" * 151},
        {"key": "k", "version": "1\x00"},
        {"key": "k", "title": "\ud800"},
    ],
)
def test_what_cannot_be_recorded_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        BundleRequest(**wrong)


@pytest.mark.parametrize(
    "wrong", [{"actor": " "}, {"source_key": ""}, {"source_key": "a#b"}, {"source_key": "x" * 201}]
)
def test_an_import_request_is_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(EvidenceError):
        request(**wrong)
