"""Evaluation appends what changed and nothing else, in a transaction that holds off the bundle's other writers."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from app.db.pool import Database
from app.domain.errors import Conflict, Invalid, NotFound
from app.domain.gates import Gate
from app.domain.policy import Policy, parse_policy
from app.ingest import BundleRequest, ensure_bundle
from app.readmodels.nouns import BUNDLE, GATE, GUARD, ITEM
from app.reviews import Evaluation, Waiver, evaluate, record_retraction, record_waiver
from tests.reviews.conftest import KEY, POLICY, add_scan, current_gates, findings, gates
from tests.rows import add, retract, supersede


def said(done: Evaluation) -> dict[str, str]:
    return {each.gate.value: each.status.value for each in done.gates}


async def test_each_gate_that_evidence_can_decide_is_appended(database: Database, policy: Policy, bundle: str) -> None:
    done = await evaluate(database, policy, KEY, "ci")
    assert said(done) == {"security": "created", "uat": "created"}
    assert (done.bundle_key, done.bundle_id, done.appended) == (KEY, bundle, 2)
    rows = {row["gate"]: row for row in await gates(database, bundle)}
    security, uat = rows["security"], rows["uat"]
    scan = await database.fetchrow(f"SELECT id FROM {ITEM.table}")
    assert scan is not None
    assert (security["result"], security["enforcement"]) == ("failed", "blocking")
    assert security["item_ids"] == [scan["id"]]
    assert security["policy_digest"] == policy.digest == done.policy_digest
    assert security["source_key"] == "evaluation/security"
    assert "2 high" in security["summary"]
    assert (security["actor"], security["reason"]) == ("ci", "evaluated under test")
    assert security["evaluated_at"] == security["recorded_at"] == done.evaluated_at
    assert json.loads(security["details"])["findings"]["high"] == 2
    assert (uat["result"], uat["item_ids"]) == ("pending", [])


async def test_unchanged_inputs_append_nothing(database: Database, policy: Policy, bundle: str) -> None:
    first = await evaluate(database, policy, KEY, "ci")
    await add(database, ITEM, bundle_id=bundle)  # a unit test is no input of these gates
    again = await evaluate(database, policy, bundle, "somebody else")
    assert said(again) == {"security": "unchanged", "uat": "unchanged"}
    assert [each.row_id for each in again.gates] == [each.row_id for each in first.gates]
    assert len(await gates(database, bundle)) == 2


async def test_new_evidence_supersedes_the_last_result_and_may_come_back(
    database: Database, policy: Policy, bundle: str
) -> None:
    await evaluate(database, policy, KEY, "ci")
    second = await add_scan(database, bundle, "security/other", result="failed", **findings(critical=1))
    assert said(await evaluate(database, policy, KEY, "ci")) == {"security": "superseded", "uat": "unchanged"}
    await retract(database, ITEM, second)
    assert said(await evaluate(database, policy, KEY, "ci")) == {"security": "superseded", "uat": "unchanged"}
    chain = [row for row in await gates(database, bundle) if row["gate"] == "security"]
    assert [row["supersedes_id"] for row in chain] == [None, chain[0]["id"], chain[1]["id"]]
    figures = [json.loads(row["details"])["inputs_digest"] for row in chain]
    assert figures[0] == figures[2] != figures[1]


async def test_what_is_of_another_commit_or_came_late_changes_no_decision(
    database: Database, policy: Policy, bundle: str
) -> None:
    await evaluate(database, policy, KEY, "ci")
    await add_scan(database, bundle, "security/scan", late=True)
    foreign = await add_scan(database, bundle, "security/scan~bbbb222", mismatched="commit bbbb222, not aaaaaaa")
    await add(database, GUARD, bundle_id=bundle, result="passed", mismatched="commit bbbb222, not aaaaaaa")
    assert said(await evaluate(database, policy, KEY, "ci")) == {"security": "unchanged", "uat": "unchanged"}
    row = (await current_gates(database, bundle))["evaluation/security"]
    assert (row["result"], foreign in map(str, row["item_ids"])) == ("failed", False)


async def test_another_policy_is_another_decision(database: Database, policy: Policy, bundle: str) -> None:
    await evaluate(database, policy, KEY, "ci")
    lenient = parse_policy(f"{POLICY}thresholds.security.max_high = 5\n", "lenient")
    done = await evaluate(database, lenient, KEY, "ci")
    assert said(done) == {"security": "superseded", "uat": "superseded"}
    assert {row["result"] for row in (await current_gates(database, bundle)).values()} == {"passed", "pending"}


async def test_a_result_is_withdrawn_when_nothing_is_left_to_decide(
    database: Database, policy: Policy, bundle: str
) -> None:
    guard = await add(database, GUARD, bundle_id=bundle, result="failed")
    assert said(await evaluate(database, policy, KEY, "ci"))["guard"] == "created"
    await retract(database, GUARD, guard)
    assert said(await evaluate(database, policy, KEY, "ci"))["guard"] == "superseded"
    assert "evaluation/guard" not in await current_gates(database, bundle)
    assert "guard" not in said(await evaluate(database, policy, KEY, "ci"))
    await add(database, GUARD, bundle_id=bundle, result="passed")
    assert said(await evaluate(database, policy, KEY, "ci"))["guard"] == "superseded"
    assert (await current_gates(database, bundle))["evaluation/guard"]["result"] == "passed"


async def test_guards_of_the_bundle_and_of_the_platform_decide_together(
    database: Database, policy: Policy, bundle: str
) -> None:
    own = await add(database, GUARD, bundle_id=bundle, guard="own")
    platform = await add(database, GUARD, guard="platform", result="failed")
    done = await evaluate(database, policy, KEY, "ci")
    row = (await current_gates(database, bundle))["evaluation/guard"]
    assert row["result"] == "failed"
    assert json.loads(row["details"])["guard_ids"] == sorted([own, platform])
    assert {each.gate for each in done.gates} == {Gate.SECURITY, Gate.UAT, Gate.GUARD}


async def test_a_waived_result_stays_waived_until_its_inputs_change(
    database: Database, policy: Policy, bundle: str
) -> None:
    await evaluate(database, policy, KEY, "ci")
    failed = (await current_gates(database, bundle))["evaluation/security"]["id"]
    waiver = Waiver(KEY, "carol", "known", expires=timedelta(days=3), row=str(failed))
    await record_waiver(database, policy, waiver)
    assert said(await evaluate(database, policy, KEY, "ci"))["security"] == "unchanged"
    await add_scan(database, bundle, "security/new", result="failed", **findings(critical=1))
    assert said(await evaluate(database, policy, KEY, "ci"))["security"] == "superseded"
    assert not (await current_gates(database, bundle))["evaluation/security"]["waived"]


async def test_a_retracted_result_is_decided_anew(database: Database, policy: Policy, bundle: str) -> None:
    await evaluate(database, policy, KEY, "ci")
    failed = (await current_gates(database, bundle))["evaluation/security"]["id"]
    await record_retraction(database, str(failed), "carol", "by mistake")
    assert said(await evaluate(database, policy, KEY, "ci"))["security"] == "superseded"
    assert (await current_gates(database, bundle))["evaluation/security"]["result"] == "failed"


async def test_eight_at_once_append_each_gate_once(database: Database, policy: Policy, bundle: str) -> None:
    done = await asyncio.gather(*(evaluate(database, policy, KEY, f"ci-{n}") for n in range(8)))
    assert sorted(each.appended for each in done) == [0] * 7 + [2]
    assert len(await gates(database, bundle)) == 2


async def test_it_waits_for_an_import_and_sees_it_whole(database: Database, policy: Policy, bundle: str) -> None:
    async with database.transaction() as importing:
        await ensure_bundle(importing, BundleRequest(KEY), "ci")
        waiting = asyncio.create_task(evaluate(database, policy, KEY, "ci"))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await importing.execute(
            f"INSERT INTO {ITEM.table} (id, bundle_id, evidence_type, source_key, source_digest, result)"
            " VALUES (gen_random_uuid(), $1, 'uat', 'uat/manual', repeat('a', 64), 'passed')",
            bundle,
        )
    await waiting
    assert (await current_gates(database, bundle))["evaluation/uat"]["result"] == "passed"


async def test_bundles_that_cannot_be_evaluated(database: Database, policy: Policy, bundle: str) -> None:
    with pytest.raises(NotFound, match="there is no bundle 'release/portal/9'"):
        await evaluate(database, policy, "release/portal/9", "ci")
    with pytest.raises(NotFound, match="no bundle has the id"):
        await evaluate(database, policy, "0198c5a2-7d5e-7cc3-9c1e-0f6f0e3b2a11", "ci")
    with pytest.raises(Invalid, match="actor is empty"):
        await evaluate(database, policy, KEY, " ")
    newer = await supersede(database, BUNDLE, bundle)
    with pytest.raises(Conflict, match="replaced by revision 2"):
        await evaluate(database, policy, bundle, "ci")
    await retract(database, BUNDLE, newer)
    with pytest.raises(Conflict, match="was retracted by ada"):
        await evaluate(database, policy, KEY, "ci")
    assert await gates(database, bundle) == []


async def test_a_failed_evaluation_leaves_nothing(database: Database, policy: Policy, bundle: str) -> None:
    await database.fetch(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE restrict_violation; END $$;"
    )
    await database.fetch(
        f"CREATE TRIGGER refuse BEFORE INSERT ON {GATE.table} FOR EACH ROW WHEN (NEW.gate = 'uat')"
        " EXECUTE FUNCTION refuse()"
    )
    with pytest.raises(Conflict):
        await evaluate(database, policy, KEY, "ci")
    assert await gates(database, bundle) == []
