"""Both paths give the same bytes: thousands of operations drawn from the schema, run on plans and on resolvers."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from graphql import GraphQLError

from app.config import read_policy
from app.db.pool import Database
from app.domain.paging import CursorCodec
from app.graphql_api.context import Context
from app.graphql_api.operations import Documents, Refused, run
from app.graphql_api.planned import Plans
from app.readmodels.nouns import BUNDLE, COMPONENT, GATE, GUARD, INVARIANT, ITEM
from app.readmodels.plan import Unsayable
from app.readmodels.rows import Reader
from tests.readpath.operations import Drawing, World
from tests.rows import START, add, retract, small_world, supersede

OPERATIONS = int(os.environ.get("EVIDENCE_TEST_OPERATIONS", "5000" if os.environ.get("CI") else "600"))
MOST = 0.7
"""The share of answers without errors that must come from a plan."""


async def awkward_world(database: Database) -> dict[str, list[str]]:
    """A small world with every null, odd text and chain that a read can meet."""
    made = await small_world(database, 4)
    bundle, bare = made["bundle"][:2]
    odd = 'tab\t quote" back\\slash \x01\x1f\x80 line\nend ünï🙂 </script> \u2028'
    made["item"].append(
        await add(database, ITEM, bundle_id=bundle, title=odd, producer=odd, payload={odd: [odd, 1e-7]})
    )
    made["gate"].append(
        await add(
            database, GATE, bundle_id=bundle, gate="approval", waived=True, expires_at=START, actor="ada", reason="odd",
            policy_digest="", item_ids=[*made["item"][:3], made["item"][0]], summary=odd, evaluated_at=START,
        )
    )  # fmt: skip
    made["invariant"].append(await add(database, INVARIANT, bundle_id=bundle, invariant_id="X", area=None, title=odd))
    made["guard"].append(await add(database, GUARD, guard="alone", findings_critical=None, generated_at=None))
    made["component"].append(
        await add(database, COMPONENT, component="db", source_key="probe/db", source_digest="0" * 64, message=odd)
    )
    newer = await supersede(
        database, BUNDLE, bundle, kind="uat_package", environment="staging", profile="standard", product="portal",
        title=odd, summary={"n": [1, 2.50, None]},
    )  # fmt: skip
    made["bundle"].append(newer)
    old = made["item"][-1]
    for _ in range(3):
        old = await supersede(database, ITEM, old, title="again")
        made["item"].append(old)
    for noun in (ITEM, GATE, INVARIANT):
        gone = await add(database, noun, bundle_id=bare)
        made[noun.name] += [gone, await retract(database, noun, gone)]
    return made


class Paths:
    """Both paths over one database."""

    def __init__(self, database: Database) -> None:
        self.reader = Reader(database)
        self.cursors = CursorCodec(b"test")
        self.policy = read_policy().policy
        self.documents = Documents()
        self.plans = Plans(self.documents, self.cursors)

    async def plan(self, text: str, variables: Mapping[str, Any]) -> bytes:
        prepared = self.plans.prepare(text, None, variables, self.reader.scope)
        return (await self.plans.answer(prepared, self.reader)).body

    async def resolvers(self, text: str, variables: Mapping[str, Any]) -> tuple[bytes, list[GraphQLError]]:
        document = self.documents.get(text)
        result = await run(
            document, document.operation(None), variables, Context(self.reader, self.cursors, self.policy)
        )
        return orjson.dumps({"data": result.data}), result.errors or []


async def world_of(database: Database, paths: Paths, made: Mapping[str, list[str]]) -> World:
    every = [row_id for ids in made.values() for row_id in ids]
    times = [row["recorded_at"] for row in await database.fetch("SELECT recorded_at FROM platform_evidence_items")]
    world = World(
        ids=[*every, "00000000-0000-7000-8000-000000000000"],
        keys=[row["bundle_key"] for row in await database.fetch("SELECT bundle_key FROM platform_evidence_bundles")],
        texts=["staging", "portal", "junit", "", 'ünï"code\n', "ci/junit/unit", "ada"],
        moments=[START.isoformat(), "2020-01-01T00:00:00Z", *(time.isoformat() for time in times)],
    )
    pages = """{ bundles { edges { cursor node { items { edges { cursor } } gates { edges { cursor } } } } }
      asc: bundles(orderBy: {field: BUNDLE_KEY, direction: ASC}) { edges { cursor } }
      componentStatuses { edges { cursor } } guardReports { edges { cursor } } }"""
    body, errors = await paths.resolvers(pages, {})
    assert not errors
    world.cursors = re.findall(r'"cursor":"([^"]+)"', body.decode())
    return world


# graphql-core leaves coroutines behind when one root's error ends the others.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::RuntimeWarning")
async def test_drawn_operations_give_the_same_bytes_on_both_paths(database: Database) -> None:
    paths = Paths(database)
    world = await world_of(database, paths, await awkward_world(database))
    reasons: Counter[str] = Counter()
    whole = planned = 0
    for seed in range(OPERATIONS):
        drawn = Drawing(seed, world).operation()
        try:
            wanted, errors = await paths.resolvers(drawn.text, drawn.variables)
        except Refused as refused:
            wanted, errors = b"", refused.errors
        try:
            given = await paths.plan(drawn.text, drawn.variables)
        except Refused:
            assert errors, drawn
            continue
        except Unsayable as unsayable:
            # A wrong argument below an empty list is no error on the resolvers, which never come to it.
            reasons[unsayable.reason] += 1
            whole += not errors
            continue
        assert not errors, (drawn, errors)
        assert given == wanted, drawn
        whole += 1
        planned += 1
    told = f"{planned} of {whole} answers without errors came from a plan; others: {reasons.most_common(12)}"
    sys.stdout.write(f"{told}\n")
    assert all(reasons), "every fallback says why"
    assert planned > MOST * whole, told


@pytest.mark.parametrize("text", ["{ bundles { nodes { items { nodes { title } } } } }"])
async def test_a_text_that_holds_the_separator_is_left_to_the_resolvers(database: Database, text: str) -> None:
    bundle = await add(database, BUNDLE)
    await add(database, ITEM, bundle_id=bundle, title="a\x7fb")
    with pytest.raises(Unsayable):
        await Paths(database).plan(text, {})
