"""`node` and `nodes` by plan: rows of any noun in the order asked, from one statement, whatever their texts hold."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.db.pool import Database, statement_log
from app.readmodels.nouns import BUNDLE, ITEM
from app.readmodels.plan import Unsayable
from app.readmodels.predicates import Scope
from app.readmodels.rows import Reader
from tests.readpath.test_equality import Paths
from tests.rows import add, small_world

NODES = """query Nodes($ids: [ID!]!) { nodes(ids: $ids) { __typename id
  ... on EvidenceBundle { bundleKey items(first: 1) { totalCount nodes { title } } }
  ... on EvidenceItem { title payload bundle { bundleKey } supersededBy { id } }
  ... on Evidence { recordedAt } } }"""
UNKNOWN = "00000000-0000-7000-8000-000000000000"


async def _both(paths: Paths, text: str, **variables: Any) -> Any:
    wanted, errors = await paths.resolvers(text, variables)
    assert not errors
    with statement_log() as log:
        given = await paths.plan(text, variables)
    assert given == wanted
    assert len(log.statements) == 1
    return orjson.loads(given)["data"]


async def test_rows_of_all_nouns_come_in_the_order_asked(database: Database) -> None:
    made = await small_world(database)
    ids = [made[noun][0] for noun in ("item", "component", "gate", "bundle", "guard", "invariant")]
    asked = [*ids, UNKNOWN, ids[3].upper(), ids[0]]
    data = await _both(Paths(database), NODES, ids=asked)
    assert [row and row["id"] for row in data["nodes"]] == [*ids, None, ids[3], ids[0]]
    assert len({row["__typename"] for row in data["nodes"] if row}) == 6


async def test_nothing_but_what_is_selected_is_shown(database: Database) -> None:
    bundle = await add(database, BUNDLE)
    item = await add(database, ITEM, bundle_id=bundle)
    text = """query One($id: ID!, $item: ID!) { none: nodes(ids: []) { id } node(id: $id) { ... on EvidenceItem { id } }
      bundle(id: $id) { title } other: node(id: $item) { ... on EvidenceItem { id: title } }
      hidden: nodes(ids: [$item]) { id @skip(if: true) } }"""
    data = await _both(Paths(database), text, id=bundle, item=item)
    assert data == {
        "none": [], "node": {}, "bundle": {"title": "Portal"}, "other": {"id": "Unit tests"}, "hidden": [{}],
    }  # fmt: skip


@pytest.mark.parametrize("odd", ['{"":\x01,"":"', '"},{"":\\u0001,"":"', "\x01"])
async def test_a_text_like_the_mark_harms_nothing(database: Database, odd: str) -> None:
    bundle = await add(database, BUNDLE, title=odd, summary={odd: odd})
    ids = [bundle, await add(database, ITEM, bundle_id=bundle, title=odd, producer=odd, payload={odd: [odd]})]
    data = await _both(Paths(database), NODES, ids=ids)
    assert data["nodes"][1]["title"] == odd


async def test_what_the_scope_hides_is_null(database: Database) -> None:
    mine, other = await add(database, BUNDLE, product="mine"), await add(database, BUNDLE, product="other")
    paths = Paths(database)
    paths.reader = Reader(database, Scope(products=frozenset({"mine"})))
    data = await _both(paths, "query N($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[other, mine])
    assert data["nodes"] == [None, {"id": mine}]


@pytest.mark.parametrize("ids", [["x"], [UNKNOWN] * 501])
async def test_wrong_ids_are_told_by_the_resolvers(database: Database, ids: list[str]) -> None:
    with pytest.raises(Unsayable, match="error: invalid"):
        await Paths(database).plan(NODES, {"ids": ids})
