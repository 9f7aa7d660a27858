"""What people say is held against the policy: who may say it, about what, for how long, and not alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.db.pool import Database
from app.domain.errors import Conflict, EvidenceError, Forbidden, Invalid, NotFound
from app.domain.evidence import EvidenceType, Result
from app.domain.gates import Gate
from app.domain.policy import Policy, parse_policy
from app.domain.verdict import Readiness
from app.ingest import Status
from app.readmodels.nouns import BUNDLE, COMPONENT, GATE, GUARD, INVARIANT, ITEM
from app.readmodels.readiness import Question
from app.reviews import (
    Approval,
    Entry,
    Waiver,
    decide_at,
    evaluate,
    record_approval,
    record_entry,
    record_retraction,
    record_waiver,
)
from tests.reviews.conftest import KEY, POLICY, current_gates, gates
from tests.rows import add, retract, supersede

WEEK = timedelta(days=7)


async def state(database: Database, policy: Policy) -> Readiness:
    return (await decide_at(database, policy, Question(bundle=KEY))).verdict.state


async def items(database: Database, bundle: str) -> list[Any]:
    return list(
        await database.fetch(
            f"SELECT * FROM {ITEM.table} WHERE bundle_id = $1 AND source_key LIKE '%/entry/%' ORDER BY recorded_at",
            bundle,
        )
    )


# Entries


async def test_an_entry_is_an_item(database: Database, policy: Policy, bundle: str) -> None:
    entry = Entry(KEY, "ada", "Looked at it.", "smoke on stage", Result.WARNED, "Stage is up, slowly")
    done = await record_entry(database, policy, entry)
    assert (done.noun, done.status, done.gate_row_id) == ("item", Status.CREATED, None)
    [row] = await items(database, bundle)
    assert (str(row["id"]), row["evidence_type"], row["source_key"]) == (
        done.row_id, "operator", "operator/entry/smoke on stage",
    )  # fmt: skip
    assert (row["actor"], row["reason"], row["result"], row["title"]) == (
        "ada", "Looked at it.", "warned", "Stage is up, slowly",
    )  # fmt: skip
    assert row["completed_at"] == row["recorded_at"]


async def test_the_same_entry_again_is_the_row_that_stands(database: Database, policy: Policy, bundle: str) -> None:
    entry = Entry(KEY, "ada", "Looked at it.", "check")
    first = await record_entry(database, policy, entry)
    again = await record_entry(database, policy, entry)
    assert (again.status, again.row_id) == (Status.UNCHANGED, first.row_id)
    failed = await record_entry(database, policy, replace(entry, result=Result.FAILED))
    assert failed.status is Status.SUPERSEDED
    back = await record_entry(database, policy, entry)
    assert (back.status, len(await items(database, bundle))) == (Status.SUPERSEDED, 3)
    await record_retraction(database, back.row_id, "ada", "wrong bundle")
    assert (await record_entry(database, policy, entry)).status is Status.SUPERSEDED


async def test_an_entry_may_decide_a_gate_that_evidence_cannot(database: Database, policy: Policy, bundle: str) -> None:
    entry = Entry(KEY, "ada", "Compared by hand.", "profile", gate=Gate.ENVIRONMENT_PROFILE, expires=WEEK)
    done = await record_entry(database, policy, entry)
    [row] = await gates(database, bundle)
    assert (str(row["id"]), row["gate"], row["result"]) == (done.gate_row_id, "environment_profile", "passed")
    assert [str(item) for item in row["item_ids"]] == [done.row_id]
    assert row["expires_at"] - row["recorded_at"] == WEEK
    again = await record_entry(database, policy, replace(entry, result=Result.FAILED))
    assert (await current_gates(database, bundle))["operator/entry/profile"]["result"] == "failed"
    assert again.gate_row_id != done.gate_row_id
    await record_entry(database, policy, replace(entry, gate=None, expires=None))
    assert await current_gates(database, bundle) == {}


async def test_uat_by_hand_feeds_the_uat_gate(database: Database, policy: Policy, bundle: str) -> None:
    await record_entry(database, policy, Entry(KEY, "ada", "Walked through.", "tour", evidence_type=EvidenceType.UAT))
    await evaluate(database, policy, KEY, "ci")
    assert (await current_gates(database, bundle))["evaluation/uat"]["result"] == "passed"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"actor": ""}, "actor is empty"),
        ({"reason": "  "}, "reason is empty"),
        ({"reason": "x" * 2001}, "reason is longer than 2000"),
        ({"reason": "bell\x07"}, "cannot be printed"),
        ({"check": ""}, "check is empty"),
        ({"check": "a#b"}, "#"),
        ({"title": " padded"}, "title is empty or has space around it"),
        ({"evidence_type": EvidenceType.SECURITY}, "comes from tools"),
        ({"gate": Gate.SECURITY}, "decided from evidence"),
        ({"gate": Gate.APPROVAL}, "evidence record approval"),
        ({"expires": WEEK}, "expires goes with a gate"),
        ({"gate": Gate.ENVIRONMENT_PROFILE, "expires": datetime(2020, 1, 1, tzinfo=UTC)}, "has passed"),
        ({"bundle": "nope"}, "there is no bundle 'nope'"),
    ],
)
async def test_entries_that_are_refused(
    database: Database, policy: Policy, bundle: str, wrong: dict[str, Any], told: str
) -> None:
    entry = replace(Entry(KEY, "ada", "Looked.", "check"), **wrong)
    with pytest.raises(EvidenceError, match=told):
        await record_entry(database, policy, entry)
    assert await items(database, bundle) == []
    assert await gates(database, bundle) == []


# Approvals


async def test_an_approval_is_a_gate_result_of_its_actor(database: Database, policy: Policy, bundle: str) -> None:
    done = await record_approval(database, policy, Approval(KEY, "Carol", "Reviewed.", expires=WEEK))
    row = (await current_gates(database, bundle))["operator/approval/carol"]
    assert (str(row["id"]), row["gate"], row["result"], row["enforcement"]) == (
        done.row_id, "approval", "passed", "warning",
    )  # fmt: skip
    assert (row["actor"], row["reason"], row["summary"]) == ("Carol", "Reviewed.", "Approved by Carol")
    assert row["expires_at"] == done.expires_at
    await record_approval(database, policy, Approval(KEY, "dan", "Reviewed, too."))
    assert len(await current_gates(database, bundle)) == 2


async def test_an_approval_may_be_taken_back_and_given_again(database: Database, policy: Policy, bundle: str) -> None:
    given = Approval(KEY, "carol", "Reviewed.")
    await record_approval(database, policy, given)
    assert (await record_approval(database, policy, given)).status is Status.UNCHANGED
    refused = await record_approval(database, policy, replace(given, result=Result.FAILED, reason="Broken."))
    assert refused.status is Status.SUPERSEDED
    assert (await current_gates(database, bundle))["operator/approval/carol"]["summary"] == "Refused by carol"
    assert (await record_approval(database, policy, given)).status is Status.SUPERSEDED


async def test_an_approval_that_grew_old_is_renewed_by_the_same_words(
    database: Database, policy: Policy, bundle: str
) -> None:
    brief = parse_policy(POLICY.replace('gate = "7d"', 'gates = { approval = "1s" }'), "brief")
    given = Approval(KEY, "carol", "Reviewed.")
    await record_approval(database, brief, given)
    assert (await record_approval(database, brief, given)).status is Status.UNCHANGED
    await asyncio.sleep(0.6)
    assert (await record_approval(database, brief, given)).status is Status.SUPERSEDED


async def test_only_those_whom_the_policy_names_approve(database: Database, policy: Policy, bundle: str) -> None:
    with pytest.raises(Forbidden, match=f"mallory may not approve {KEY}; the policy lets ci, role:leads approve it"):
        await record_approval(database, policy, Approval(KEY, "mallory", "Fine."))
    assert await gates(database, bundle) == []


async def test_whoever_recorded_evidence_cannot_approve_it_alone(
    database: Database, policy: Policy, bundle: str
) -> None:
    with pytest.raises(Forbidden, match="four eyes: somebody else must approve it first"):
        await record_approval(database, policy, Approval(KEY, "CI", "My own work."))
    await record_approval(database, policy, Approval(KEY, "carol", "Reviewed."))
    await record_approval(database, policy, Approval(KEY, "ci", "Me too."))
    assert len(await current_gates(database, bundle)) == 2
    two_eyes = parse_policy(POLICY.replace("four_eyes = true", "four_eyes = false"), "two eyes")
    await record_approval(database, two_eyes, Approval(KEY, "ci", "Alone."))


async def test_an_approval_of_another_commit_is_nobodys_second_pair_of_eyes(
    database: Database, policy: Policy, bundle: str
) -> None:
    foreign = {"mismatched": "commit bbbb222, not aaaaaaa", "actor": "carol", "source_key": "ci/approvals"}
    await add(database, GATE, bundle_id=bundle, gate="approval", **foreign)
    with pytest.raises(Forbidden, match="four eyes: somebody else must approve it first"):
        await record_approval(database, policy, Approval(KEY, "ci", "Me too."))
    two = parse_policy(POLICY.replace("approvers = 1", "approvers = 2"), "two")
    first = await record_approval(database, two, Approval(KEY, "dan", "Reviewed."))
    assert first.notice == "1 of the 2 approvals that the policy asks for"


async def test_refusing_needs_no_second_person(database: Database, policy: Policy, bundle: str) -> None:
    await record_approval(database, policy, Approval(KEY, "ci", "It does not start.", Result.FAILED))
    assert (await current_gates(database, bundle))["operator/approval/ci"]["result"] == "failed"


async def test_who_else_must_approve_is_told(database: Database, policy: Policy, bundle: str) -> None:
    two = parse_policy(POLICY.replace("approvers = 1", "approvers = 2"), "two")
    first = await record_approval(database, two, Approval(KEY, "carol", "Reviewed."))
    assert first.notice == "1 of the 2 approvals that the policy asks for"
    assert (await record_approval(database, two, Approval(KEY, "dan", "Reviewed."))).notice == ""


async def test_an_approval_is_no_skipped_check(database: Database, policy: Policy, bundle: str) -> None:
    with pytest.raises(Invalid, match=r"passed, warned .* or failed"):
        await record_approval(database, policy, Approval(KEY, "carol", "Hm.", Result.SKIPPED))


# Waivers


async def test_a_waiver_lets_its_gate_through_until_it_expires(database: Database, policy: Policy, bundle: str) -> None:
    await evaluate(database, policy, KEY, "ci")
    assert await state(database, policy) is Readiness.BLOCKED
    done = await record_waiver(database, policy, Waiver(KEY, "carol", "Known.", WEEK, Gate.SECURITY))
    row = (await current_gates(database, bundle))["operator/waiver/security"]
    assert (row["waived"], row["result"], row["actor"], row["reason"]) == (True, "skipped", "carol", "Known.")
    assert row["expires_at"] == done.expires_at == row["recorded_at"] + WEEK
    assert await state(database, policy) is Readiness.AT_RISK


async def test_a_waiver_of_one_result_takes_its_place(database: Database, policy: Policy, bundle: str) -> None:
    await evaluate(database, policy, KEY, "ci")
    failed = (await current_gates(database, bundle))["evaluation/security"]
    waiver = Waiver(KEY, "carol", "Known.", WEEK, row=str(failed["id"]))
    await record_waiver(database, policy, waiver)
    row = (await current_gates(database, bundle))["evaluation/security"]
    assert (row["waived"], row["result"], row["supersedes_id"]) == (True, "failed", failed["id"])
    for column in ("policy_digest", "item_ids", "details", "summary"):
        assert row[column] == failed[column]
    assert await state(database, policy) is Readiness.AT_RISK
    with pytest.raises(Conflict, match=f"was replaced by {row['id']}"):
        await record_waiver(database, policy, waiver)


async def test_a_renewed_waiver_supersedes(database: Database, policy: Policy, bundle: str) -> None:
    until = datetime.now(UTC) + WEEK
    waiver = Waiver(KEY, "carol", "Known.", until, Gate.SECURITY)
    await record_waiver(database, policy, waiver)
    assert (await record_waiver(database, policy, waiver)).status is Status.UNCHANGED
    longer = await record_waiver(database, policy, replace(waiver, expires=until + timedelta(days=1)))
    assert longer.status is Status.SUPERSEDED
    assert len(await current_gates(database, bundle)) == 1


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            {"actor": "dan"},
            "the waiver by dan does not count, as they may not waive it.*lets carol waive security, uat",
        ),
        ({"gate": Gate.CAPACITY}, "may not be waived here"),
        ({"expires": timedelta(days=11)}, "lets a waiver last 10d at most"),
        ({"expires": datetime(2020, 1, 1, tzinfo=UTC)}, "has passed"),
        ({"expires": timedelta.max}, "beyond the calendar"),
        ({"gate": None}, "give either gate or row"),
        ({"row": "0198c5a2-7d5e-7cc3-9c1e-0f6f0e3b2a11"}, "give either gate or row"),
        ({"gate": None, "row": "0198c5a2-7d5e-7cc3-9c1e-0f6f0e3b2a11"}, "has no gate result"),
        ({"gate": None, "row": "x"}, "'x' is not an id"),
        ({"reason": ""}, "reason is empty"),
    ],
)
async def test_waivers_that_are_refused(
    database: Database, policy: Policy, bundle: str, wrong: dict[str, Any], told: str
) -> None:
    waiver = replace(Waiver(KEY, "carol", "Known.", WEEK, Gate.SECURITY), **wrong)
    with pytest.raises(EvidenceError, match=told):
        await record_waiver(database, policy, waiver)
    assert await gates(database, bundle) == []


async def test_a_result_of_another_bundle_is_not_waived(database: Database, policy: Policy, bundle: str) -> None:
    other = await add(database, GATE, bundle_id=await add(database, BUNDLE), result="failed")
    with pytest.raises(NotFound, match=f"{KEY} has no gate result {other}"):
        await record_waiver(database, policy, Waiver(KEY, "carol", "Known.", WEEK, row=other))


async def test_eight_at_once_record_one_row(database: Database, policy: Policy, bundle: str) -> None:
    until = datetime.now(UTC) + WEEK
    waiver = Waiver(KEY, "carol", "Known.", until, Gate.SECURITY)
    done = await asyncio.gather(*(record_waiver(database, policy, waiver) for _ in range(8)))
    assert sorted(each.status for each in done) == [Status.CREATED] + [Status.UNCHANGED] * 7
    assert len(await gates(database, bundle)) == 1


# Retractions


@pytest.mark.parametrize("noun", [BUNDLE, ITEM, GATE, INVARIANT, GUARD, COMPONENT], ids=lambda noun: noun.name)
async def test_a_row_of_any_table_can_be_withdrawn(database: Database, bundle: str, noun: Any) -> None:
    of_bundle = {} if noun in (BUNDLE, COMPONENT) else {"bundle_id": bundle}
    row = await add(database, noun, **of_bundle)
    done = await record_retraction(database, row, "ada", "Recorded by mistake.")
    assert (done.noun, done.retracted_id, done.status) == (noun.name, row, Status.CREATED)
    made = await database.fetchrow(f"SELECT * FROM {noun.table} WHERE id = $1", done.row_id)
    assert made is not None
    assert (made["retracted"], str(made["supersedes_id"]), made["actor"], made["reason"]) == (
        True, row, "ada", "Recorded by mistake.",
    )  # fmt: skip
    again = await record_retraction(database, row, "ada", "Recorded by mistake.")
    assert (again.status, again.row_id) == (Status.UNCHANGED, done.row_id)
    with pytest.raises(Conflict, match="was withdrawn already by ada: Recorded by mistake"):
        await record_retraction(database, row, "bob", "Me too.")
    with pytest.raises(Conflict, match="withdraws another row"):
        await record_retraction(database, done.row_id, "ada", "Undo.")


async def test_a_guard_of_the_platform_and_a_snapshot_with_a_source_can_be_withdrawn(database: Database) -> None:
    guard = await add(database, GUARD)
    snapshot = await add(database, COMPONENT, source_key="probe", source_digest="a" * 64)
    assert (await record_retraction(database, guard, "ada", "Wrong.")).noun == "guard"
    assert (await record_retraction(database, snapshot, "ada", "Wrong.")).named == "api"


async def test_a_replaced_row_names_the_one_to_withdraw(database: Database, bundle: str) -> None:
    old = await add(database, ITEM, bundle_id=bundle)
    new = await supersede(database, ITEM, old)
    with pytest.raises(Conflict, match=f"was replaced by {new}; withdraw that one"):
        await record_retraction(database, old, "ada", "Wrong.")
    with pytest.raises(NotFound, match="there is no row"):
        await record_retraction(database, "0198c5a2-7d5e-7cc3-9c1e-0f6f0e3b2a11", "ada", "Wrong.")
    with pytest.raises(Invalid, match="is not an id"):
        await record_retraction(database, "nonsense", "ada", "Wrong.")


async def test_nothing_is_recorded_for_a_retracted_bundle(database: Database, policy: Policy, bundle: str) -> None:
    await retract(database, BUNDLE, bundle)
    with pytest.raises(Conflict, match="was retracted by ada"):
        await record_entry(database, policy, Entry(KEY, "ada", "Looked.", "check"))
    with pytest.raises(Conflict, match="was retracted by ada"):
        await record_approval(database, policy, Approval(KEY, "carol", "Fine."))
    with pytest.raises(Conflict, match="was retracted by ada"):
        await record_waiver(database, policy, Waiver(KEY, "carol", "Known.", WEEK, Gate.SECURITY))
