"""Both paths give the same bytes: thousands of operations drawn from the schema, run on plans and on resolvers."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any

import httpx
import orjson
import pytest
from graphql import GraphQLError

from app.config import Settings, read_policy
from app.db.pool import Database
from app.domain.paging import CursorCodec
from app.graphql_api.context import Context
from app.graphql_api.operations import Documents, run
from app.graphql_api.planned import Plans
from app.readmodels.nouns import BUNDLE, COMPONENT, GATE, GUARD, INVARIANT, ITEM
from app.readmodels.plan import Unsayable
from app.readmodels.rows import Reader
from tests.readpath.operations import Drawn, World, operations
from tests.rows import START, add, retract, small_world, supersede
from tests.web import SECRET, client

OPERATIONS = int(os.environ.get("EVIDENCE_TEST_OPERATIONS", "5000" if os.environ.get("CI") else "600"))
MOST = 0.9
"""The share of answers without errors that must come from a plan."""

FORMS = {
    "fragments": r"fragment F\d", "inline fragments": r"\.\.\. (@\w+[^{]*)?\{", "interfaces": r"\.\.\. on Evidence\b",
    "types of an interface": r"\.\.\. on GateResult\b", "__typename": "__typename", "aliases": r"a\d+: ",
    "variables": r"\$v0", "@skip": "@skip", "@include": "@include", "conditions by variable": r"\(if: \$v",
    "pages": r"first: \d", "pages from the end": r"last: \d", "following pages": "after: ",
    "earlier pages": "before: ", "edges": "edges", "filters": "filter: ", "orders": "orderBy: ", "as of": "asOf: ",
    "superseded rows": "includeSuperseded: ", "chains": r"history\b", "any row": r"node\(", "any rows": r"nodes\(",
    "counts": "countsBy", "totals": "totalCount",
}  # fmt: skip
"""What operations are drawn to have, each in at least one of a hundred that a plan answers."""


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
    for noun in (ITEM, GATE, INVARIANT, GUARD):
        said = {"run": odd, "job": odd} | (
            {} if noun is INVARIANT else {"subject": odd, "url": "https://x.example/?a=ü"}
        )
        for stands in ({"confirms": True}, {"mismatched": odd}, {"late": True}):
            made[noun.name].append(await add(database, noun, bundle_id=bare, **said, **stands))
    return made


class Paths:
    """Both paths over one database."""

    def __init__(self, database: Database) -> None:
        self.reader = Reader(database)
        self.cursors = CursorCodec(Settings(cursor_secret=SECRET).cursor_key())
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
    pages = """{ bundles { edges { cursor node {
        items { edges { cursor } } gates { edges { cursor } } invariants { edges { cursor } }
        guardReports { edges { cursor } } } } }
      componentStatuses { edges { cursor } } guardReports { edges { cursor } } }"""
    body, errors = await paths.resolvers(pages, {})
    assert not errors
    _collect(orjson.loads(body)["data"], world.cursors)
    return world


def _collect(data: Any, cursors: dict[str, list[str]]) -> None:
    """The cursors of every list in an answer, by the list's field."""
    if isinstance(data, list):
        for each in data:
            _collect(each, cursors)
    elif isinstance(data, dict):
        for name, value in data.items():
            _collect(value, cursors)
            if isinstance(value, dict) and "edges" in value:
                cursors.setdefault(name, []).extend(edge["cursor"] for edge in value["edges"])


async def ask(http: httpx.AsyncClient, drawn: Drawn, *, resolvers: bool = False) -> httpx.Response:
    """The answer to an operation, by the resolvers or by the path that takes it."""
    return await http.post(
        "/graphql",
        json={"query": drawn.text, "variables": drawn.variables},
        headers={"x-evidence-path": "resolvers"} if resolvers else {},
    )


# graphql-core leaves coroutines behind when one root's error ends the others.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::RuntimeWarning")
async def test_drawn_operations_give_the_same_bytes_cold_and_hot(dsn: str, database: Database) -> None:
    world = await world_of(database, Paths(database), await awkward_world(database))
    reasons, forms = Counter[str](), Counter[str]()
    whole = planned = 0
    async with client(dsn) as http:
        for drawn in operations(world, OPERATIONS):
            wanted, cold = await ask(http, drawn, resolvers=True), await ask(http, drawn)
            path = cold.headers["x-evidence-path"]
            whole += "errors" not in wanted.json()
            if path != "plan":
                # The resolvers again: a verdict tells the time, so its bytes are not compared. A wrong argument below
                # an empty list is no error there, for they never come to it.
                assert path.startswith("resolvers; reason="), drawn
                assert (cold.status_code, "errors" in cold.json()) == (wanted.status_code, "errors" in wanted.json())
                if "errors" not in wanted.json():
                    reasons[path.removeprefix("resolvers; reason=")] += 1
                continue
            hot = await ask(http, drawn)
            assert hot.headers["x-evidence-path"] == "cache", drawn
            assert cold.content == wanted.content, drawn
            assert hot.content == wanted.content, drawn
            planned += 1
            forms.update(name for name, form in FORMS.items() if re.search(form, drawn.text))
            forms["nulls"] += b"null" in wanted.content
    told = f"{planned} of {whole} answers without errors came from a plan; others: {reasons.most_common(12)}"
    sys.stdout.write(f"{told}\nof those planned: {forms.most_common()}\n")
    assert all(reasons), "every fallback says why"
    assert planned > MOST * whole, told
    assert {name for name in (*FORMS, "nulls") if forms[name] * 100 < planned} == set()
    assert (OPERATIONS - whole) * 20 > OPERATIONS, "errors are among them"


@pytest.mark.parametrize("text", ["{ bundles { nodes { items { nodes { title } } } } }"])
async def test_a_text_that_holds_the_separator_is_left_to_the_resolvers(database: Database, text: str) -> None:
    bundle = await add(database, BUNDLE)
    await add(database, ITEM, bundle_id=bundle, title="a\x7fb")
    with pytest.raises(Unsayable):
        await Paths(database).plan(text, {})
