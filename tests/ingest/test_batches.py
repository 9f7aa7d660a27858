"""What is written for one artifact: once, whole, in chains, with nothing stale left current."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from app.db.pool import Database, statement_log
from app.domain.components import ComponentState
from app.domain.evidence import EvidenceType, Result
from app.domain.gates import Enforcement, Gate
from app.importers.base import Artifact, ComponentSnapshot, GateResult, ImportBatch, Item
from app.ingest import ImportRequest, Status, ensure_bundle, import_artifact, record
from tests.ingest.reports import batch, bundle, contents, counts, junit, parsed, request, rows

CURRENT = """
SELECT invariant_id AS name, result, retracted FROM platform_product_invariant_results AS row
WHERE NOT EXISTS (SELECT FROM platform_product_invariant_results AS next WHERE next.supersedes_id = row.id)
ORDER BY invariant_id
"""

WAIVE = """
INSERT INTO platform_release_gate_results
  (id, bundle_id, gate, source_key, source_digest, result, enforcement, waived, actor, reason, expires_at,
   supersedes_id)
VALUES (gen_random_uuid(), $1, 'approval', $2, $3, 'failed', 'blocking', true, 'bob', 'known', now() + '1 day', $4)
RETURNING id
"""


async def test_the_same_artifact_again_changes_nothing(database: Database, dsn: str) -> None:
    artifact = Artifact.of_bytes("reports/unit-tests.xml", junit(3, 1, invariant="PI-LAUNCH-001"))
    first = await import_artifact(database, request(), artifact)
    before = await contents(dsn)
    second = await import_artifact(database, request(), artifact)
    assert (first.status, first.created) == (Status.CREATED, True)
    assert first.source_key == "ci/junit/reports/unit-tests"
    assert first.rows == {"bundles": 1, "items": 1, "invariants": 1}
    assert (second.status, second.created, second.rows) == (Status.UNCHANGED, False, {})
    assert second.item_ids == first.item_ids
    assert await contents(dsn) == before


async def test_rows_say_what_the_artifact_says(database: Database, dsn: str) -> None:
    data = junit(3, 1, invariant="PI-CONNECT-002")
    outcome = await import_artifact(database, request(), Artifact.of_bytes("unit.xml", data))
    [item] = await rows(dsn, "platform_evidence_items")
    assert item["id"] == outcome.item_ids[0]
    assert item["id"].version == 7
    assert item["evidence_type"] == "ci"
    assert item["format"] == "junit"
    assert item["artifact_path"] == "unit.xml"
    assert item["actor"] == "ada"
    assert [item[f"tests_{n}"] for n in ("total", "passed", "failed", "error", "skipped")] == [4, 3, 1, 0, 0]
    assert item["findings_high"] is None
    assert json.loads(item["payload"])["troubled_tests"]
    [invariant] = await rows(dsn, "platform_product_invariant_results")
    assert invariant["area"] == "connect"
    assert invariant["result"] == "failed"
    assert (invariant["evidence_item_id"], invariant["source_key"]) == (item["id"], item["source_key"])
    assert invariant["source_digest"] == item["source_digest"]
    assert invariant["recorded_at"] == item["recorded_at"]
    [row] = await rows(dsn, "platform_evidence_bundles")
    assert (row["bundle_key"], row["profile"], row["actor"]) == (bundle().key, "standard", "ada")
    assert row["updated_at"] == item["recorded_at"]


async def test_another_digest_supersedes_the_last_row(database: Database, dsn: str) -> None:
    outcomes = [await record(database, request(), parsed(batch(), digest)) for digest in "abc"]
    assert [outcome.status for outcome in outcomes] == ["created", "superseded", "superseded"]
    found = await rows(dsn, "platform_evidence_items")
    assert [row["supersedes_id"] for row in found] == [None, found[0]["id"], found[1]["id"]]


async def test_bytes_that_are_not_in_force_are_evidence_anew(database: Database, dsn: str) -> None:
    first = await record(database, request(), parsed(batch("PI-LAUNCH-001"), "a"))
    await record(database, request(), parsed(batch(), "b"))
    again = await record(database, request(), parsed(batch("PI-LAUNCH-001"), "a"))
    assert (again.status, again.created) == (Status.SUPERSEDED, True)
    assert again.item_ids != first.item_ids
    before = await contents(dsn)
    assert (await record(database, request(), parsed(batch("PI-LAUNCH-001"), "a"))).item_ids == again.item_ids
    assert await contents(dsn) == before


async def test_what_vanished_is_retracted_and_may_come_back(database: Database, dsn: str) -> None:
    async def current() -> list[tuple[str, str, bool]]:
        found = await database.fetch(CURRENT)
        return [(row["name"], row["result"], row["retracted"]) for row in found]

    await record(database, request(), parsed(batch("PI-LAUNCH-001", "PI-LAUNCH-002"), "a"))
    second = await record(database, request(actor="bob"), parsed(batch("PI-LAUNCH-002"), "b"))
    assert second.rows == {"items": 1, "invariants": 2}
    assert await current() == [("PI-LAUNCH-001", "passed", True), ("PI-LAUNCH-002", "passed", False)]
    [gone] = await database.fetch("SELECT * FROM platform_product_invariant_results WHERE retracted")
    assert (gone["actor"], gone["reason"]) == ("bob", "no longer reported by ci/junit/unit-tests")
    # Nothing to retract twice.
    third = await record(database, request(), parsed(batch("PI-LAUNCH-002"), "c"))
    assert third.rows == {"items": 1, "invariants": 1}
    await record(database, request(), parsed(batch("PI-LAUNCH-001", result=Result.FAILED), "d"))
    assert await current() == [("PI-LAUNCH-001", "failed", False), ("PI-LAUNCH-002", "passed", True)]


async def test_every_table_of_a_bundle_is_cleared_of_what_vanished(database: Database, dsn: str) -> None:
    full = batch("PI-LAUNCH-001", items=("", "x", "y"), gates=("", "legal"), guards=("g1", "g2"))
    await record(database, request(), parsed(full, "a"))
    slim = batch(items=("x",), gates=("legal",), guards=("g2",))
    outcome = await record(database, request(), parsed(slim, "b"))
    # The guards hang on the first item: it was the whole file's, now it is part x, so both old chains end.
    assert outcome.rows == {"items": 3, "gates": 2, "invariants": 1, "guards": 3}
    for table in ("items", "gates", "invariants", "guards"):
        long = {
            "items": "platform_evidence_items",
            "gates": "platform_release_gate_results",
            "invariants": "platform_product_invariant_results",
            "guards": "platform_guard_report_summaries",
        }[table]
        live = await database.fetch(
            f"SELECT * FROM {long} AS row WHERE NOT retracted "
            f"AND NOT EXISTS (SELECT FROM {long} AS next WHERE next.supersedes_id = row.id)"
        )
        assert len(live) == {"items": 1, "gates": 1, "invariants": 0, "guards": 1}[table], table
        assert {row["source_digest"][:2] for row in live} <= {"62"}, table


async def test_files_of_neighbouring_names_leave_each_other_alone(database: Database, dsn: str) -> None:
    await record(database, request(), parsed(batch(items=("",)), "a", "unit.xml"))
    await record(database, request(), parsed(batch("PI-LAUNCH-001"), "b", "unit/part.xml"))
    await record(database, request(), parsed(batch(items=("part",)), "c", "unit.xml"))
    keys = [row["source_key"] for row in await rows(dsn, "platform_evidence_items")]
    assert keys[:3] == ["ci/junit/unit", "ci/junit/unit/part", "ci/junit/unit#part"]
    assert not (await rows(dsn, "platform_product_invariant_results"))[0]["retracted"]


async def test_parts_of_one_name_are_all_kept(database: Database, dsn: str) -> None:
    twice = batch(items=("", "", ""), gates=("x", "x"), guards=("g", "g"), components=("api", "api"))
    await record(database, request(), parsed(twice, "a"))
    assert [row["source_key"] for row in await rows(dsn, "platform_evidence_items")] == [
        "ci/junit/unit-tests",
        "ci/junit/unit-tests#2",
        "ci/junit/unit-tests#3",
    ]
    gates = await rows(dsn, "platform_release_gate_results")
    assert [row["source_key"] for row in gates] == ["ci/junit/unit-tests#x", "ci/junit/unit-tests#x.2"]
    assert (await counts(dsn))["platform_status_component_status"] == 2
    assert (await record(database, request(), parsed(twice, "a"))).status is Status.UNCHANGED
    again = await record(database, request(), parsed(twice, "b"))
    assert again.status is Status.SUPERSEDED


async def test_gates_guards_and_invariants_name_the_items(database: Database, dsn: str) -> None:
    whole = batch("PI-LAUNCH-001", items=("", "x"), gates=("",), guards=("g",))
    outcome = await record(database, request(), parsed(whole, "a"))
    [gate] = await rows(dsn, "platform_release_gate_results")
    [guard] = await rows(dsn, "platform_guard_report_summaries")
    assert gate["item_ids"] == list(outcome.item_ids)
    assert guard["evidence_item_id"] == outcome.item_ids[0]
    assert guard["source_key"] == "ci/junit/unit-tests"


async def test_who_imports_an_approval_has_not_approved(database: Database, dsn: str) -> None:
    gates = (
        GateResult(Gate.APPROVAL, Result.PASSED, Enforcement.BLOCKING, "", actor="carol", key="named"),
        GateResult(Gate.APPROVAL, Result.PENDING, Enforcement.BLOCKING, "", key="open"),
        GateResult(Gate.SECURITY, Result.PASSED, Enforcement.BLOCKING, "", key="scan"),
    )
    await record(database, request(), parsed(ImportBatch("gitlab-api", gates=gates), "a"))
    actors = {row["source_key"]: row["actor"] for row in await rows(dsn, "platform_release_gate_results")}
    start = "gate/gitlab-api/unit-tests#"
    assert actors == {f"{start}named": "carol", f"{start}open": "", f"{start}scan": "ada"}


async def test_a_new_report_follows_a_gate_through_its_waiver(database: Database, dsn: str) -> None:
    await record(database, request(), parsed(batch(gates=("",)), "a"))
    [gate] = await rows(dsn, "platform_release_gate_results")
    await database.fetch(WAIVE, gate["bundle_id"], "waiver/1", "e" * 64, gate["id"])
    await record(database, request(), parsed(batch(gates=("",)), "b"))
    found = await rows(dsn, "platform_release_gate_results")
    assert [row["supersedes_id"] for row in found] == [None, found[0]["id"], found[1]["id"]]
    # A person's waiver is not the artifact's to withdraw.
    await database.fetch(WAIVE, gate["bundle_id"], "waiver/2", "f" * 64, found[-1]["id"])
    outcome = await record(database, request(), parsed(batch(), "c"))
    assert outcome.rows == {"items": 1}


async def test_component_snapshots_belong_to_the_environment(database: Database, dsn: str) -> None:
    seen = datetime(2026, 5, 1, 12, tzinfo=UTC)
    components = (
        ComponentSnapshot("api", ComponentState.OPERATIONAL, observed_at=seen),
        ComponentSnapshot("web", ComponentState.MAJOR_OUTAGE, "down"),
    )
    status = parsed(ImportBatch("health", components=components), "a", "health.json")
    first = await record(database, request(), status)
    assert (first.status, first.source_key) == (Status.CREATED, "status/health/health")
    # A bundle with nothing in it would speak for its environment.
    assert first.rows == {"components": 2}
    api, web = await rows(dsn, "platform_status_component_status", order="component")
    assert (api["observed_at"], api["environment"]) == (seen, "staging")
    assert web["observed_at"] == web["recorded_at"]
    # What says when it was seen is one row however often it comes; what does not say is seen again.
    again = await record(database, request(bundle=bundle("other")), status)
    assert (again.status, again.rows) == (Status.CONFIRMED, {"components": 1})
    elsewhere = request(bundle=bundle("third", environment="production"))
    assert (await record(database, elsewhere, status)).rows == {"components": 2}
    dated = parsed(ImportBatch("health", components=components[:1]), "b", "health.json")
    assert (await record(database, request(), dated)).status is Status.CREATED
    assert (await record(database, request(), dated)).status is Status.UNCHANGED
    alone = ImportRequest(None, "ada", environment="production")
    assert (await record(database, alone, dated)).rows == {"components": 1}
    assert (await counts(dsn))["platform_evidence_bundles"] == 0
    refused = await record(database, alone, parsed(batch(), "c"))
    assert (refused.status, "for a bundle" in (refused.reason or "")) == (Status.REJECTED, True)


@pytest.mark.parametrize("bad", ["gate", "invariant", "component", "guard", "item"])
async def test_all_or_nothing(database: Database, dsn: str, bad: str) -> None:
    whole = batch("PI-LAUNCH-001", gates=("",), guards=("g",), components=("api",))
    broken: dict[str, Any] = {
        "gate": replace(whole, gates=(replace(whole.gates[0], result="unheard"),)),  # type: ignore[arg-type]
        "invariant": replace(whole, invariants=(replace(whole.invariants[0], invariant_id="x" * 400),)),
        "component": replace(whole, components=(replace(whole.components[0], status="sleepy"),)),  # type: ignore[arg-type]
        "guard": replace(whole, guards=(replace(whole.guards[0], mode="polite"),)),  # type: ignore[arg-type]
        "item": replace(whole, items=(replace(whole.items[0], tests=replace(_tests(whole), total=2**40)),)),
    }
    outcome = await record(database, request(), parsed(broken[bad], "a"))
    assert outcome.status is Status.REJECTED
    assert outcome.reason
    assert set((await counts(dsn)).values()) == {0}
    assert (await record(database, request(), parsed(whole, "a"))).status is Status.CREATED


def _tests(whole: ImportBatch) -> Any:
    return whole.items[0].tests


async def test_text_that_no_database_holds_is_mended(database: Database, dsn: str) -> None:
    item = Item(
        EvidenceType.CI,
        "nul \x00 and surrogate \ud800",
        Result.PASSED,
        payload={"k\x00": ["\ud800", 10**30, 10**400, float("nan"), {"deep": ("x", None, True, 1.5)}]},
        started_at=datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
        completed_at=datetime(9999, 12, 31, 23, tzinfo=UTC),
    )
    outcome = await record(database, request(), parsed(ImportBatch("junit", items=(item,)), "a"))
    assert outcome.status is Status.CREATED
    [row] = await rows(dsn, "platform_evidence_items")
    assert row["title"] == "nul � and surrogate ?"
    assert json.loads(row["payload"]) == {"k�": ["?", 10**30, None, None, {"deep": ["x", None, True, 1.5]}]}
    assert row["started_at"] is None


async def test_an_import_costs_few_statements(database: Database) -> None:
    invariants = [f"PI-LAUNCH-{number:03}" for number in range(300)]
    whole = batch(*invariants, items=("", "x", "y"), gates=("", "z"), guards=("g", "h"), components=("api", "web"))
    with statement_log() as log:
        await record(database, request(), parsed(whole, "a"))
    assert len(log.statements) == 9
    with statement_log() as log:
        await record(database, request(), parsed(whole, "a"))
    assert len(log.statements) == 4, "the bundle's two, a look at what stands, and the components are seen again"
    with statement_log() as log:
        await record(database, request(), parsed(batch(), "b"))
    assert len(log.statements) <= 8


async def test_the_type_and_the_key_can_be_given(database: Database, dsn: str) -> None:
    await record(database, request(evidence_type=EvidenceType.UAT), parsed(batch(), "a"))
    await record(database, request(source_key="nightly"), parsed(batch("PI-LAUNCH-001", items=("", "x")), "b"))
    found = await rows(dsn, "platform_evidence_items")
    assert [(row["evidence_type"], row["source_key"]) for row in found] == [
        ("uat", "uat/junit/unit-tests"),
        ("ci", "nightly"),
        ("ci", "nightly#x"),
    ]


async def test_writers_with_their_own_transaction(database: Database, dsn: str) -> None:
    async def write_and_fail() -> None:
        async with database.transaction() as transaction:
            made = await ensure_bundle(transaction, bundle(), "ada")
            assert made.created
            raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        await write_and_fail()
    assert (await counts(dsn))["platform_evidence_bundles"] == 0
