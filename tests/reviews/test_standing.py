"""Reviews hold to what stands: a late row is no chain's end, and a waiver is of the check whose result it takes."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from app.db.pool import Database
from app.domain.errors import Conflict
from app.domain.gates import Gate
from app.domain.policy import Policy
from app.ingest import Status
from app.readmodels.nouns import GATE, GUARD, INVARIANT, ITEM
from app.readmodels.readiness import Question
from app.reviews import (
    Entry,
    Waiver,
    decide_at,
    record_entry,
    record_retraction,
    record_verdict,
    record_waiver,
)
from tests.reviews.conftest import KEY, POLICY
from tests.rows import add

WEEK = timedelta(days=7)
FOREIGN = "commit bbbb222, not aaaaaaa"
STOOD: dict[str, Any] = {
    "run": "7", "job": "unit", "subject": "portal", "identity": {"tool": "sonar", "target": "portal"},
}  # fmt: skip


async def row_of(database: Database, table: str, row_id: str) -> dict[str, Any]:
    [row] = await database.fetch(f"SELECT * FROM {table} WHERE id = $1", row_id)
    return dict(row)


async def in_force(database: Database, table: str, bundle: str, key: str) -> list[str]:
    rows = await database.fetch(
        f"SELECT id::text FROM {table} AS row WHERE bundle_id = $1 AND source_key = $2 AND NOT late AND NOT retracted"
        f" AND NOT EXISTS (SELECT FROM {table} AS later WHERE later.supersedes_id = row.id) ORDER BY id",
        bundle,
        key,
    )
    return [row["id"] for row in rows]


@pytest.mark.parametrize("withdrawn", [False, True])
async def test_an_entry_follows_the_one_in_force_not_a_late_row(
    database: Database, policy: Policy, bundle: str, withdrawn: bool
) -> None:
    entry = Entry(KEY, "ada", "Compared by hand.", "profile", gate=Gate.ENVIRONMENT_PROFILE, expires=WEEK)
    key = "operator/entry/profile"
    for made_before in (False, True):
        if made_before:
            await record_entry(database, policy, entry)
        late = await add(database, ITEM, bundle_id=bundle, source_key=key, late=True)
        gate = await add(
            database, GATE, bundle_id=bundle, source_key=key, gate="environment_profile", late=True, result="failed"
        )
        if withdrawn:
            for row_id in (late, gate):
                await record_retraction(database, row_id, "ada", "of another build")
    again = await record_entry(database, policy, Entry(KEY, "bob", "Once more.", "profile", gate=entry.gate))
    assert await in_force(database, ITEM.table, bundle, key) == [again.row_id]
    assert await in_force(database, GATE.table, bundle, key) == [again.gate_row_id]
    for _ in range(3):
        same = await record_entry(database, policy, Entry(KEY, "bob", "Once more.", "profile", gate=entry.gate))
        assert (same.status, same.row_id, same.gate_row_id) == (Status.UNCHANGED, again.row_id, again.gate_row_id)


@pytest.mark.parametrize(
    ("said", "told"), [({"late": True}, "came after a newer one"), ({"mismatched": FOREIGN}, f"is of {FOREIGN}")]
)
async def test_what_does_not_count_cannot_be_waived(
    database: Database, policy: Policy, bundle: str, said: dict[str, Any], told: str
) -> None:
    row = await add(database, GATE, bundle_id=bundle, source_key="gate/sonar/x", result="failed", **said)
    with pytest.raises(Conflict, match=told):
        await record_waiver(database, policy, Waiver(KEY, "carol", "known", expires=WEEK, row=row))
    assert len(await database.fetch(f"SELECT FROM {GATE.table} WHERE bundle_id = $1", bundle)) == 1


async def test_a_waiver_tells_of_which_check_it_is(database: Database, policy: Policy, bundle: str) -> None:
    row = await add(
        database, GATE, bundle_id=bundle, source_key="gate/sonar/x", result="failed", url="https://ci.example.org/7",
        **STOOD,
    )  # fmt: skip
    waived = await record_waiver(database, policy, Waiver(KEY, "carol", "known", expires=WEEK, row=row))
    before, after = await row_of(database, GATE.table, row), await row_of(database, GATE.table, waived.row_id)
    assert after["waived"]
    for name in ("run", "job", "subject", "url"):
        assert after[name] == before[name] != "", name
    assert json.loads(after["identity"]) == STOOD["identity"]
    gate = await record_waiver(database, policy, Waiver(KEY, "carol", "known", expires=WEEK, gate=Gate.UAT))
    assert (await row_of(database, GATE.table, gate.row_id))["identity"] is None


async def test_a_retraction_tells_of_which_check_it_was(database: Database, bundle: str) -> None:
    for noun in (ITEM, GATE, INVARIANT, GUARD):
        subject = {} if noun is INVARIANT else {name: STOOD[name] for name in ("subject", "identity")}
        said = {"run": "7", "job": "unit", "mismatched": FOREIGN} | subject
        row = await add(database, noun, bundle_id=bundle, **said)
        gone = await record_retraction(database, row, "ada", "wrong build")
        told = await row_of(database, noun.table, gone.row_id)
        for name, value in said.items():
            assert (json.loads(told[name]) if name == "identity" else told[name]) == value, (noun.name, name)
        assert not told["late"]
        assert not told["confirms"]


async def test_a_late_row_may_be_withdrawn(database: Database, bundle: str) -> None:
    for noun in (ITEM, GATE, INVARIANT, GUARD):
        kept = await add(database, noun, bundle_id=bundle, source_key="k")
        late = await add(database, noun, bundle_id=bundle, source_key="k", late=True)
        gone = await record_retraction(database, late, "ada", "wrong build")
        assert (gone.status, gone.retracted_id) == (Status.CREATED, late)
        assert await in_force(database, noun.table, bundle, "k") == [kept]


async def test_a_verdict_that_was_withdrawn_is_recorded_anew(database: Database, policy: Policy, bundle: str) -> None:
    answer = await decide_at(database, policy, Question(bundle=KEY))
    first = await record_verdict(database, answer, policy, POLICY, "ada")
    await record_retraction(database, first.item_id, "ada", "recorded by mistake")
    anew = await record_verdict(database, answer, policy, POLICY, "ada")
    assert (anew.status, anew.item_id == first.item_id) == (Status.SUPERSEDED, False)
    assert await in_force(database, ITEM.table, bundle, "artifact/readiness/verdict") == [anew.item_id]
    same = await record_verdict(database, answer, policy, POLICY, "ada")
    assert (same.status, same.item_id) == (Status.UNCHANGED, anew.item_id)
