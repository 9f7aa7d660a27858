"""A recorded verdict pins what it was decided from, and comes out the same whenever it is decided again."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.config import read_policy
from app.db.pool import Database
from app.domain.digests import canonical, digest
from app.domain.errors import Conflict, EvidenceError, Invalid, NotFound
from app.domain.evidence import Result
from app.domain.policy import Policy
from app.domain.readiness import decide
from app.domain.verdict import Readiness
from app.importers import registry
from app.importers.base import Artifact, ImportBatch
from app.ingest import Status
from app.readmodels.nouns import BUNDLE, COMPONENT, GATE, ITEM
from app.readmodels.readiness import Answer, Question
from app.reviews import decide_at, evaluate, record_retraction, record_verdict, replay
from app.reviews.statements import PREDICATE_TYPE, STATEMENT_TYPE, VERDICT_FIELD, differences, verification_summary
from tests.readmodels.history import History
from tests.reviews.conftest import KEY, POLICY, add_scan, findings
from tests.rows import add, retract, supersede

ASKED = Question(bundle=KEY)


async def decided(database: Database, policy: Policy, as_of: datetime | None = None) -> Answer:
    return await decide_at(database, policy, ASKED, as_of)


async def verdict_items(database: Database) -> list[Any]:
    return list(await database.fetch(f"SELECT * FROM {ITEM.table} WHERE format = 'readiness-verdict' ORDER BY id"))


async def test_a_verdict_is_kept_as_an_item_of_its_bundle(database: Database, policy: Policy, bundle: str) -> None:
    await evaluate(database, policy, KEY, "ci")
    answer = await decided(database, policy)
    kept = await record_verdict(database, answer, policy, POLICY, "ada")
    [row] = await verdict_items(database)
    assert (str(row["id"]), str(row["bundle_id"]), kept.status) == (kept.item_id, bundle, Status.CREATED)
    assert (row["evidence_type"], row["source_key"], row["actor"]) == ("artifact", "artifact/readiness/verdict", "ada")
    assert (row["result"], row["title"]) == ("failed", f"Readiness {answer.verdict.headline()}")
    payload = json.loads(row["payload"])
    assert payload["statement"] == kept.statement
    assert payload["policy_text"] == POLICY
    assert row["source_digest"] == digest(payload["statement"])
    assert row["completed_at"] == answer.verdict.evaluated_at < row["recorded_at"]


async def test_the_statement_is_a_verification_summary(database: Database, policy: Policy, bundle: str) -> None:
    answer = await decided(database, policy)
    kept = await record_verdict(database, answer, policy, POLICY, "ada")
    statement, verdict = kept.statement, answer.verdict
    assert (statement["_type"], statement["predicateType"]) == (STATEMENT_TYPE, PREDICATE_TYPE)
    assert statement["subject"] == [
        {"name": KEY, "digest": {"sha256": verdict.inputs_digest}},
        {"name": "portal@1.0.0", "digest": {"gitCommit": "a" * 40}},
    ]
    predicate = statement["predicate"]
    assert predicate["verifier"]["id"].startswith("urn:")
    assert predicate["policy"]["digest"] == {"sha256": policy.digest}
    assert predicate["verificationResult"] == "FAILED"
    assert predicate["verifiedLevels"] == ["FAILED"]
    assert [each["name"] for each in predicate["inputAttestations"]] == ["security/scan"]
    assert predicate[VERDICT_FIELD] == verdict.to_dict() | {"policy": "test"}
    assert datetime.fromisoformat(predicate["timeVerified"]) == verdict.evaluated_at


async def test_the_statement_rests_on_no_item_that_does_not_count(
    database: Database, policy: Policy, bundle: str
) -> None:
    await add_scan(database, bundle, "security/scan", late=True)
    await add_scan(database, bundle, "security/scan~bbbb222", mismatched="commit bbbb222, not aaaaaaa")
    answer = await decided(database, policy)
    assert {"late", "mismatched"} <= {reason.code.value for reason in answer.verdict.reasons}
    kept = await record_verdict(database, answer, policy, POLICY, "ada")
    assert [each["name"] for each in kept.statement["predicate"]["inputAttestations"]] == ["security/scan"]
    assert (await replay(database, kept.item_id)).equal
    await add_scan(database, bundle, "security/scan", late=True, result="error")
    again = await record_verdict(database, await decided(database, policy), policy, POLICY, "ada")
    assert again.status is Status.SUPERSEDED
    assert (await replay(database, kept.item_id)).equal


@pytest.mark.parametrize("state", list(Readiness))
async def test_any_importer_of_attestations_reads_it(
    database: Database, policy: Policy, bundle: str, state: Readiness
) -> None:
    answer = await decided(database, policy)
    verdict = replace(answer.verdict, state=state)
    facts = answer.inputs[0].bundle
    assert facts is not None
    text = canonical(verification_summary(verdict, answer.inputs[0], facts, policy))
    batch = registry.read(Artifact.of_bytes("verdict.json", text.encode()))
    assert isinstance(batch, ImportBatch), batch
    [item] = batch.items
    assert item.payload["predicate_type"] == PREDICATE_TYPE
    assert item.payload["verdict"] == ("PASSED" if state is Readiness.READY else "FAILED")


async def test_unchanged_it_is_recorded_once(database: Database, policy: Policy, bundle: str) -> None:
    first = await record_verdict(database, await decided(database, policy), policy, POLICY, "ada")
    again = await record_verdict(database, await decided(database, policy), policy, POLICY, "bob")
    assert (again.item_id, again.status) == (first.item_id, Status.UNCHANGED)
    await add_scan(database, bundle, "security/other")
    other = await record_verdict(database, await decided(database, policy), policy, POLICY, "ada")
    assert other.status is Status.SUPERSEDED
    rows = await verdict_items(database)
    assert [row["supersedes_id"] for row in rows] == [None, rows[0]["id"]]
    answers = [await decided(database, policy) for _ in range(4)]
    await add_scan(database, bundle, "security/third")
    answers += [await decided(database, policy)] * 4
    await asyncio.gather(*(record_verdict(database, each, policy, POLICY, "ada") for each in answers[4:]))
    assert len(await verdict_items(database)) == 3


async def test_as_of_the_same_time_it_is_the_same_item(database: Database, policy: Policy, bundle: str) -> None:
    early = (await decided(database, policy)).verdict.evaluated_at
    first = await record_verdict(database, await decided(database, policy, early), policy, POLICY, "ada")
    await add_scan(database, bundle, "security/other")
    await record_verdict(database, await decided(database, policy), policy, POLICY, "ada")
    again = await record_verdict(database, await decided(database, policy, early), policy, POLICY, "ada")
    assert (again.item_id, again.status) == (first.item_id, Status.UNCHANGED)


async def test_a_verdict_is_no_evidence_for_itself(database: Database, policy: Policy, bundle: str) -> None:
    before = await decided(database, policy)
    await record_verdict(database, before, policy, POLICY, "ada")
    after = await decided(database, policy)
    assert after.verdict.inputs_digest == before.verdict.inputs_digest
    empty = await add(database, BUNDLE, bundle_key="empty")
    asked = Question(bundle=empty)
    for _ in range(2):
        answer = await decide_at(database, policy, asked)
        assert answer.verdict.state is Readiness.UNKNOWN
        await record_verdict(database, answer, policy, POLICY, "ada")


async def test_over_an_environment_a_verdict_on_its_one_bundle_is_kept(
    database: Database, policy: Policy, bundle: str
) -> None:
    asked = Question(environment="staging")
    kept = await record_verdict(database, await decide_at(database, policy, asked), policy, POLICY, "ada")
    assert (await replay(database, kept.item_id)).equal
    await add(database, BUNDLE, bundle_key="other", product="console")
    with pytest.raises(Invalid, match=f"this one is about other, {KEY}; name one"):
        await record_verdict(database, await decide_at(database, policy, asked), policy, POLICY, "ada")
    nowhere = await decide_at(database, policy, Question(environment="nowhere"))
    with pytest.raises(Invalid, match="this one is about none"):
        await record_verdict(database, nowhere, policy, POLICY, "ada")


async def test_nothing_is_recorded_for_a_bundle_that_was_withdrawn_meanwhile(
    database: Database, policy: Policy, bundle: str
) -> None:
    answer = await decided(database, policy)
    await retract(database, BUNDLE, bundle)
    with pytest.raises(Conflict, match="retracted"):
        await record_verdict(database, answer, policy, POLICY, "ada")


async def test_replay_is_equal_a_hundred_times_of_a_hundred(database: Database) -> None:
    """Verdicts recorded amid a random history are decided again after all of it."""
    chosen = read_policy()
    history, dice = History(database, 77), random.Random(77)  # noqa: S311
    recorded: list[str] = []
    while len(recorded) < 100:
        for _ in range(dice.randint(1, 6)):
            await history.step()
        bundle = dice.choice(history.bundles)
        if dice.random() < 0.3:
            await evaluate(database, chosen.policy, bundle, "ci")
        answer = await decide_at(database, chosen.policy, Question(bundle=bundle))
        kept = await record_verdict(database, answer, chosen.policy, chosen.text, "ada")
        if kept.status is not Status.UNCHANGED:
            recorded.append(kept.item_id)
    for _ in range(50):
        await history.step()
    replays = [await replay(database, item) for item in recorded]
    assert [each.differences for each in replays] == [()] * 100
    assert len({each.verdict.inputs_digest for each in replays}) == 100


async def test_replay_waits_for_no_writer_that_came_later(database: Database, policy: Policy, bundle: str) -> None:
    kept = await record_verdict(database, await decided(database, policy), policy, POLICY, "ada")
    async with database.transaction() as writer:
        await writer.fetchval("SELECT platform_evidence_recorded_at()")
        assert (await replay(database, kept.item_id)).equal


async def test_deciding_waits_for_a_writer_that_came_before(database: Database, policy: Policy, bundle: str) -> None:
    async with database.transaction() as writer:
        await writer.execute(
            f"INSERT INTO {GATE.table} (id, bundle_id, gate, source_key, source_digest, result, enforcement)"
            " VALUES (gen_random_uuid(), $1, 'capacity', 'late', repeat('a', 64), 'failed', 'blocking')",
            bundle,
        )
        waiting = asyncio.create_task(decided(database, policy))
        await asyncio.sleep(0.15)
        assert not waiting.done()
    answer = await waiting
    assert "capacity" in {reason.subject for reason in answer.verdict.reasons}
    kept = await record_verdict(database, answer, policy, POLICY, "ada")
    assert (await replay(database, kept.item_id)).equal


async def test_replay_says_where_it_is_not_equal(database: Database, policy: Policy, bundle: str) -> None:
    answer = await decided(database, policy)
    facts = answer.inputs[0].bundle
    assert facts is not None
    flattering = replace(answer.verdict, state=Readiness.READY, reasons=answer.verdict.reasons[1:])
    statement = verification_summary(flattering, answer.inputs[0], facts, policy)
    forged = await add(
        database, ITEM, bundle_id=bundle, format="readiness-verdict", result="passed", source_digest="b" * 64,
        payload={"statement": statement, "policy_text": POLICY},
    )  # fmt: skip
    done = await replay(database, forged)
    assert not done.equal
    told = {path: (recorded, replayed) for path, recorded, replayed in done.differences}
    assert told["state"] == ("ready", answer.verdict.state.value)
    assert told["reasons[]"][0] is None
    assert told["reasons[]"][1]["sentence"] == answer.verdict.reasons[0].sentence
    assert told["source_digest"][0] == "b" * 64
    assert set(told) == {"state", "reasons[]", "source_digest"}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"format": "intoto"}, "holds no recorded verdict"),
        ({"payload": {}}, "lacks its verdict or its policy"),
        ({"payload": {"statement": {"predicate": {VERDICT_FIELD: {}}}, "policy_text": "version = 2"}}, "version"),
        ({"payload": {"statement": {"predicate": {VERDICT_FIELD: {}}}, "policy_text": POLICY}}, "evaluated_at"),
        (
            {
                "payload": {
                    "statement": {"predicate": {VERDICT_FIELD: {"evaluated_at": "2020-01-01T00:00:00Z"}}},
                    "policy_text": POLICY,
                }
            },
            "was not known at 2020",
        ),
    ],
)
async def test_items_that_cannot_be_replayed(
    database: Database, bundle: str, values: dict[str, Any], told: str
) -> None:
    item = await add(database, ITEM, bundle_id=bundle, **{"format": "readiness-verdict"} | values)
    with pytest.raises(EvidenceError, match=told):
        await replay(database, item)
    with pytest.raises(NotFound, match="there is no item"):
        await replay(database, bundle)


async def test_what_was_withdrawn_or_replaced_since_does_not_matter(
    database: Database, policy: Policy, bundle: str
) -> None:
    done = await evaluate(database, policy, KEY, "ci")
    await add(database, COMPONENT, environment="staging", status="partial_outage", observed_at=datetime.now(UTC))
    kept = await record_verdict(database, await decided(database, policy), policy, POLICY, "ada")
    scan = await database.fetchval(f"SELECT id FROM {ITEM.table} WHERE source_key = 'security/scan'")
    await supersede(database, ITEM, str(scan), evidence_type="security", **findings())
    await record_retraction(database, done.gates[0].row_id, "ada", "Wrong.")
    await evaluate(database, policy, KEY, "ci")
    await supersede(database, BUNDLE, bundle, environment="production")
    assert (await replay(database, kept.item_id)).equal


def test_differences_name_their_place() -> None:
    same = {"a": [1, {"b": 2}], "c": None}
    assert differences(same, {"c": None, "a": [{"b": 2}, 1]}) == []
    assert differences({"a": [1, 2]}, {"a": [2, 3]}) == [("a[]", 1, None), ("a[]", None, 3)]
    assert differences({"a": {"b": 1}}, {"a": {}}) == [("a.b", 1, None)]
    assert differences({"a": [1, 1]}, {"a": [1]}) == [("a", [1, 1], [1])]
    assert differences({"a": 1}, {"a": [1]}) == [("a", 1, [1])]


async def test_the_verdict_is_that_of_decide(database: Database, policy: Policy, bundle: str) -> None:
    answer = await decided(database, policy)
    assert answer.verdict == decide(answer.inputs[0], policy, answer.verdict.evaluated_at)
    assert answer.inputs[0].items[0].result is Result.FAILED
    assert timedelta() < datetime.now(UTC) - answer.verdict.evaluated_at < timedelta(minutes=1)
