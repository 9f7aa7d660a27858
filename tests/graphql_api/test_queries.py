"""What nested queries answer, and that their number of SQL statements does not grow with their width."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app.db.pool import Database, statement_log
from app.readmodels.nouns import GATE
from tests.rows import START, retract, small_world
from tests.web import ask, client, data

World = dict[str, list[str]]

NESTED = """
query Nested($first: Int = 20) {
  bundles(first: $first, orderBy: {field: BUNDLE_KEY, direction: ASC}) {
    nodes {
      id bundleKey
      items(first: 50) { nodes { id title result tests { total passed } findings { medium suppressed } bundle { id } } }
      gates { nodes { gate result enforcement items { sourceKey } } }
      invariants { nodes { invariantId area evidenceItem { id title } } }
      guardReports { nodes { guard findings { high } } }
    }
  }
}
"""


async def test_a_nested_query_answers_children_of_every_bundle(http: httpx.AsyncClient, world: World) -> None:
    bundles = (await data(http, NESTED))["bundles"]["nodes"]
    assert [b["bundleKey"] for b in bundles] == ["release/portal/1.0.0", "release/portal/1.1.0", "release/portal/1.2.0"]
    for bundle in bundles:
        assert [item["result"] for item in bundle["items"]["nodes"]] == ["PASSED", "WARNED"]
        assert bundle["items"]["nodes"][0]["tests"] == {"total": 3, "passed": 3}
        assert bundle["items"]["nodes"][0]["findings"] is None
        assert bundle["items"]["nodes"][1]["findings"] == {"medium": 2, "suppressed": 4}
        assert {item["bundle"]["id"] for item in bundle["items"]["nodes"]} == {bundle["id"]}
        assert bundle["gates"]["nodes"][0]["items"] == [{"sourceKey": "security/sarif/scan"}]
        assert bundle["invariants"]["nodes"][0]["evidenceItem"]["title"] == "Unit tests"
        assert len(bundle["guardReports"]["nodes"]) == 1
    assert bundles[0]["gates"]["nodes"][0]["result"] == "FAILED"


@pytest.mark.parametrize("width", [1, 3, 12])
async def test_statements_do_not_grow_with_width(database: Database, dsn: str, width: int) -> None:
    await small_world(database, bundles=width)
    async with client(dsn) as http:
        with statement_log() as log:
            planned = await data(http, NESTED, first=width)
        assert len(log.statements) == 1
        http.headers["x-evidence-path"] = "resolvers"
        with statement_log() as log:
            assert len((await data(http, NESTED, first=width))["bundles"]["nodes"]) == width
        assert planned == await data(http, NESTED, first=width)
    # bundles, items, gates, invariants, guards, then: bundle of items, items of gates, item of invariants
    assert len(log.statements) == 8


async def test_counts_do_not_depend_on_paging(http: httpx.AsyncClient, world: World) -> None:
    answered = await data(
        http,
        """{ bundles(first: 1) { nodes { id items(first: 1) { totalCount countsByResult { value count } }
             counts { items { result count } gates { result count } } } totalCount
             countsByEnvironment { value count } countsByKind { value count } } }""",
    )
    page = answered["bundles"]
    assert page["totalCount"] == 3
    assert page["countsByEnvironment"] == [{"value": "staging", "count": 2}, {"value": "production", "count": 1}]
    assert page["countsByKind"] == [{"value": "RELEASE_CANDIDATE", "count": 3}]
    assert page["nodes"][0]["items"] == {
        "totalCount": 2,
        "countsByResult": [{"value": "PASSED", "count": 1}, {"value": "WARNED", "count": 1}],
    }
    assert page["nodes"][0]["counts"]["items"] == [{"result": "PASSED", "count": 1}, {"result": "WARNED", "count": 1}]


async def test_one_bundle_by_id_or_key(http: httpx.AsyncClient, world: World) -> None:
    by_id = await data(http, "query($id: ID!) { bundle(id: $id) { id bundleKey summary } }", id=world["bundle"][0])
    by_key = await data(http, '{ bundle(key: "release/portal/1.0.0") { id bundleKey summary } }')
    assert by_id == by_key
    assert by_id["bundle"]["summary"] == {"note": 'ünï"code"', "build": 0, "ratio": 1.5}
    assert await data(http, '{ bundle(key: "no such bundle") { id } }') == {"bundle": None}


async def test_node_finds_every_noun(http: httpx.AsyncClient, world: World) -> None:
    ids = [world[noun][0] for noun in ("bundle", "item", "gate", "invariant", "component", "guard")]
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Evidence { recordedAt superseded } } }"
    nodes = (await data(http, query, ids=[*ids, "0198c5a2-7d5e-7cc3-9c1e-0f6f0e3b2a11"]))["nodes"]
    assert nodes[-1] is None
    assert [node["id"] for node in nodes[:-1]] == ids
    assert [node["__typename"] for node in nodes[:-1]] == [
        "EvidenceBundle", "EvidenceItem", "GateResult", "InvariantResult", "ComponentStatus", "GuardReport",
    ]  # fmt: skip
    assert [node["superseded"] for node in nodes[:-1]] == [False, True, False, False, False, False]
    one = await data(http, "query($id: ID!) { node(id: $id) { ... on EvidenceItem { title } } }", id=world["item"][1])
    assert one == {"node": {"title": "Unit tests"}}


async def test_chains_of_supersession(http: httpx.AsyncClient, world: World) -> None:
    old, new = world["item"][:2]
    query = """query($ids: [ID!]!) { nodes(ids: $ids) { ... on EvidenceItem {
        id superseded supersedes { id } supersededBy { id result } history { id } } } }"""
    first, second = (await data(http, query, ids=[old, new]))["nodes"]
    assert first == {
        "id": old, "superseded": True, "supersedes": None, "supersededBy": {"id": new, "result": "PASSED"},
        "history": [{"id": old}, {"id": new}],
    }  # fmt: skip
    assert second["supersedes"] == {"id": old}
    assert second["supersededBy"] is None
    assert second["history"] == first["history"]


async def test_retracted_rows_leave_posture_but_not_history(
    http: httpx.AsyncClient, world: World, database: Database
) -> None:
    gate = world["gate"][0]
    retraction = await retract(database, GATE, gate)
    query = """query($id: ID!) { bundle(id: $id) { gates { nodes { id } }
        all: gates(includeSuperseded: true) { nodes { id retracted reason actor } } } }"""
    bundle = (await data(http, query, id=world["bundle"][0]))["bundle"]
    assert gate not in [g["id"] for g in bundle["gates"]["nodes"]]
    assert {"id": retraction, "retracted": True, "reason": "recorded by mistake", "actor": "ada"} in bundle["all"][
        "nodes"
    ]


async def test_as_of_answers_what_was_known_then(http: httpx.AsyncClient, world: World, database: Database) -> None:
    row = await database.fetchrow("SELECT recorded_at FROM platform_evidence_items WHERE id = $1", world["item"][0])
    assert row is not None
    query = """query($id: ID!, $then: DateTime) { bundle(id: $id, asOf: $then) { updatedAt
        items { nodes { id superseded } totalCount } gates { totalCount } } }"""
    then = await data(http, query, id=world["bundle"][0], then=row["recorded_at"].isoformat())
    assert then["bundle"]["items"] == {"nodes": [{"id": world["item"][0], "superseded": False}], "totalCount": 1}
    assert then["bundle"]["gates"] == {"totalCount": 0}
    now = await database.fetchval("SELECT clock_timestamp()")
    assert await data(http, query, id=world["bundle"][0], then=now.isoformat()) == await data(
        http, query, id=world["bundle"][0]
    )


FILTERS: list[tuple[str, list[int]]] = [
    ("{environment: {eq: \"production\"}}", [1]),
    ("{environment: {not: \"production\"}}", [0, 2]),
    ("{bundleKey: {in: [\"release/portal/1.0.0\", \"release/portal/1.2.0\"]}}", [0, 2]),
    ("{kind: {in: [UAT_PACKAGE]}}", []),
    ("{createdAt: {gt: \"2026-06-01T12:00:00Z\", lte: \"2026-06-03T12:00:00Z\"}}", [1, 2]),
    ("{gates: {some: {result: {eq: FAILED}, enforcement: {eq: BLOCKING}}}}", [0]),
    ("{gates: {none: {result: {eq: FAILED}}}}", [1, 2]),
    ("{items: {some: {completedAt: {gte: \"2026-06-01T13:00:00Z\"}}}}", [0, 1, 2]),
    ("{invariants: {some: {invariantId: {eq: \"PI-LAUNCH-001\"}}}}", [0, 1, 2]),
    ("{guardReports: {some: {guard: {not: \"x\"}}}}", [0, 1, 2]),
    ("{or: [{version: {eq: \"1.0.0\"}}, {version: {eq: \"1.1.0\"}}], not: {environment: {eq: \"production\"}}}", [0]),
    ("{and: [{product: {eq: \"portal\"}}, {profile: {eq: \"other\"}}]}", []),
    ("{or: []}", []),
    ("{}", [0, 1, 2]),
    ("null", [0, 1, 2]),
]  # fmt: skip


@pytest.mark.parametrize(("condition", "expected"), FILTERS)
async def test_filters(http: httpx.AsyncClient, world: World, condition: str, expected: list[int]) -> None:
    order = "orderBy: {field: CREATED_AT, direction: ASC}"
    answered = await data(http, f"{{ bundles(filter: {condition}, {order}) {{ nodes {{ id }} totalCount }} }}")
    assert [node["id"] for node in answered["bundles"]["nodes"]] == [world["bundle"][n] for n in expected]
    assert answered["bundles"]["totalCount"] == len(expected)


async def test_components_are_the_latest_of_each(http: httpx.AsyncClient, world: World) -> None:
    query = """{ componentStatuses { totalCount nodes { environment component status observedAt }
        countsByStatus { value count } }
        all: componentStatuses(latest: false) { totalCount } }"""
    answered = await data(http, query)
    assert answered["all"] == {"totalCount": 8}
    assert answered["componentStatuses"]["totalCount"] == 4
    assert answered["componentStatuses"]["countsByStatus"] == [{"value": "PARTIAL_OUTAGE", "count": 4}]
    assert {node["observedAt"] for node in answered["componentStatuses"]["nodes"]} == {"2026-06-01T12:01:00+00:00"}
    query = '{ componentStatuses(asOf: "2020-01-01T00:00:00Z") { totalCount } }'
    assert await data(http, query) == {"componentStatuses": {"totalCount": 0}}


async def test_times_are_spelled_as_the_database_spells_them(http: httpx.AsyncClient, world: World) -> None:
    query = "query($id: ID!) { node(id: $id) { ... on EvidenceItem { completedAt } } }"
    answered = await data(http, query, id=world["item"][1])
    assert answered["node"]["completedAt"] == "2026-06-01T13:00:00.25+00:00"


async def _all_pages(http: httpx.AsyncClient, query: str, *, forward: bool) -> list[str]:
    keys: list[str] = []
    cursor: str | None = None
    for _ in range(20):
        page = (await data(http, query, cursor=cursor))["bundles"]
        found = [edge["node"]["bundleKey"] for edge in page["edges"]]
        keys = keys + found if forward else found + keys
        info = page["pageInfo"]
        if not info["hasNextPage" if forward else "hasPreviousPage"]:
            return keys
        cursor = info["endCursor" if forward else "startCursor"]
    raise AssertionError("pages do not end")


@pytest.mark.parametrize("field", ["UPDATED_AT", "CREATED_AT", "RECORDED_AT", "BUNDLE_KEY"])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_pages_cover_the_list_both_ways(dsn: str, database: Database, field: str, direction: str) -> None:
    await small_world(database, bundles=7)
    order = f"orderBy: {{field: {field}, direction: {direction}}}"
    shape = "{ edges { cursor node { bundleKey } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }"
    async with client(dsn) as http:
        whole = await data(http, f"{{ bundles(first: 500, {order}) {shape} }}")
        keys = [edge["node"]["bundleKey"] for edge in whole["bundles"]["edges"]]
        forward = f"query($cursor: String) {{ bundles(first: 2, after: $cursor, {order}) {shape} }}"
        backward = f"query($cursor: String) {{ bundles(last: 3, before: $cursor, {order}) {shape} }}"
        assert len(set(keys)) == 7
        assert await _all_pages(http, forward, forward=True) == keys
        assert await _all_pages(http, backward, forward=False) == keys


async def test_a_page_stays_right_while_rows_arrive(dsn: str, database: Database) -> None:
    await small_world(database, bundles=4)
    order = "orderBy: {field: RECORDED_AT, direction: DESC}"
    shape = "{ nodes { bundleKey } pageInfo { endCursor hasNextPage } }"
    async with client(dsn) as http:
        first = (await data(http, f"{{ bundles(first: 2, {order}) {shape} }}"))["bundles"]
        await small_world_more(database)
        after = first["pageInfo"]["endCursor"]
        second = (await data(http, f'{{ bundles(first: 2, after: "{after}", {order}) {shape} }}'))["bundles"]
    keys = [n["bundleKey"] for n in first["nodes"] + second["nodes"]]
    assert keys == [f"release/portal/1.{n}.0" for n in (3, 2, 1, 0)]


async def small_world_more(database: Database) -> None:
    """Two more bundles, recorded after all others."""
    from app.readmodels.nouns import BUNDLE
    from tests.rows import add

    for n in range(2):
        await add(database, BUNDLE, bundle_key=f"late/{n}", created_at=START)


async def test_children_page_per_parent_with_one_cursor(http: httpx.AsyncClient, world: World) -> None:
    query = """{ bundles { nodes { items(first: 1) { nodes { id } pageInfo { hasNextPage endCursor } } } } }"""
    for node in (await data(http, query))["bundles"]["nodes"]:
        assert node["items"]["pageInfo"]["hasNextPage"] is True
        cursor = node["items"]["pageInfo"]["endCursor"]
        rest = f'{{ bundles {{ nodes {{ items(first: 5, after: "{cursor}") {{ nodes {{ id }} }} }} }} }}'
        pages: list[dict[str, Any]] = (await data(http, rest))["bundles"]["nodes"]
        assert any(len(page["items"]["nodes"]) == 1 for page in pages)


async def test_only_selected_columns_are_read(http: httpx.AsyncClient, world: World) -> None:
    with statement_log() as log:
        await data(http, "{ bundles { nodes { title items { nodes { result } } } } }")
    assert not any("payload" in sql or "summary" in sql for sql in log.statements)
    with statement_log() as log:
        await ask(http, "{ bundles { totalCount } }")
    assert len(log.statements) == 1
