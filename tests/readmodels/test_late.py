"""What is read of reports that came late is what the domain makes of all rows, at every moment."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from app.db.pool import Database, Row
from app.domain.facts import BundleFacts, Inputs, ItemFacts, of_row
from app.domain.policy import parse_policy
from app.domain.readiness import decide
from app.domain.verdict import ReasonCode
from app.readmodels.nouns import BUNDLE, GATE, GUARD, INVARIANT, ITEM
from app.readmodels.predicates import Scope
from app.readmodels.readiness import inputs_of_bundles, moment
from tests.rows import add, retract, supersede

NOTHING = parse_policy("version = 1\n[[rules]]", "nothing")
FOREIGN = "commit bbbb222, not aaaa111"


async def read(database: Database, bundle: str, at: datetime) -> Inputs:
    await database.settle(at)
    async with database.snapshot() as source:
        return (await inputs_of_bundles(source, Scope(), [bundle], at))[bundle]


def expected(bundle: BundleFacts, rows: Sequence[Row], at: datetime) -> Inputs:
    return Inputs.of_bundle(bundle, items=[of_row(ItemFacts, row) for row in rows if row["recorded_at"] <= at])


async def test_late_reports_are_read_as_the_domain_counts_them(database: Database) -> None:
    chance = random.Random(5)  # noqa: S311 - the same dice every time
    bundle = await add(database, BUNDLE, bundle_key="k")
    heads: dict[tuple[str, str], str] = {}
    late: list[str] = []
    for _ in range(120):
        # The one key of two commits is harsher than an import, which tells them apart by their names as well.
        place = (chance.choice(["a", "b"]), chance.choice(["", "", FOREIGN]))
        key = place[0] + ("~x" if place[1] and place[0] == "a" else "")
        told: dict[str, Any] = {"result": chance.choice(["passed", "warned", "failed"]), "mismatched": place[1]}
        told |= {"identity": {"tool": "pytest"}}
        if place not in heads and place != ("b", FOREIGN):
            heads[place] = await add(database, ITEM, bundle_id=bundle, source_key=key, **told)
        elif place not in heads or chance.random() < 0.45:
            late.append(await add(database, ITEM, bundle_id=bundle, source_key=key, late=True, **told))
        elif late and chance.random() < 0.3:
            await retract(database, ITEM, late.pop(chance.randrange(len(late))))
        else:
            told |= {"retracted": chance.random() < 0.3, "actor": "ada", "reason": "wrong"}
            heads[place] = await supersede(database, ITEM, heads[place], **told)
    rows = await database.fetch(f"SELECT * FROM {ITEM.table} WHERE bundle_id = $1", bundle)
    seen = 0
    for at in [row["recorded_at"] for row in rows]:
        found = await read(database, bundle, at)
        assert found.bundle is not None
        wanted = expected(found.bundle, rows, at)
        assert found.current() == wanted
        assert found.digest() == wanted.digest()
        assert not any(row.late for row in found.items)
        # Of each check and result no more than one is read, however many came.
        assert len(found.late) == len({(row.check, row.result) for row in found.late})
        seen += len(wanted.late)
    assert seen > 100


@pytest.mark.parametrize("said", [{"late": True}, {"mismatched": FOREIGN}])
async def test_every_kind_of_row_says_whether_it_counts(database: Database, said: dict[str, Any]) -> None:
    bundle = await add(database, BUNDLE, bundle_key="k")
    for noun in (ITEM, GATE, INVARIANT, GUARD):
        await add(database, noun, bundle_id=bundle, source_key="k~b", confirms=True, **said)
    found = await read(database, bundle, await moment(database))
    rows: list[Any] = [*found.items, *found.gates, *found.invariants, *found.guards]
    assert all(row.confirms for row in rows)
    if "late" in said:
        assert not rows
        assert [row.source_key for row in found.late] == ["k~b"]
        return
    assert [row.mismatched for row in rows] == [FOREIGN] * 4
    told = {each.sentence for each in decide(found, NOTHING, await moment(database)).reasons if each.row_id}
    assert told == {
        f"{label}k~b is of {FOREIGN} as the bundle: it is shown, and proves nothing."
        for label in ("", "The gate security by ", "The invariant PI-LAUNCH-001 by ", "The guard import-linter by ")
    }


async def test_a_late_report_says_what_counts_instead(database: Database) -> None:
    bundle = await add(database, BUNDLE, bundle_key="k")
    kept = await add(database, ITEM, bundle_id=bundle, source_key="ci/junit/unit")
    made = datetime.fromisoformat("2026-06-01T12:00:00Z")
    late = {"source_key": "ci/junit/unit", "late": True, "result": "failed", "completed_at": made}
    await add(database, ITEM, bundle_id=bundle, **late)

    async def told() -> list[tuple[str, str]]:
        at = await moment(database)
        reasons = decide(await read(database, bundle, at), NOTHING, at).reasons
        return [(each.severity.value, each.sentence) for each in reasons if each.code is ReasonCode.LATE]

    older = "An older report of ci/junit/unit (failed, made 2026-06-01 12:00 UTC) came after the newer one, so it does "
    assert await told() == [("warning", f"{older}not count; the one that counts is passed.")]
    await retract(database, ITEM, kept)
    assert await told() == [("warning", f"{older}not count; none of that check counts now.")]
