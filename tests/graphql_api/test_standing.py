"""What came late is current nowhere and found in history; what is of another commit is shown as such; on both paths."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest

from app.db.pool import Database
from app.readmodels.nouns import BUNDLE, COMPONENT, GATE, GUARD, INVARIANT, ITEM
from tests.rows import add, retract, supersede
from tests.web import client

LISTS = {"items": ITEM, "gates": GATE, "invariants": INVARIANT, "guardReports": GUARD}
FOREIGN = "commit bbbb222, not aaaaaaa"
RUN, URL = "7/2 ü", 'https://ci.example.org/runs/7?a=1&b="2"'

Made = Mapping[str, Mapping[str, str]]
"""Ids by list and by how the row stands."""


@pytest.fixture
async def made(database: Database) -> Made:
    """Of each noun a row that was replaced, the one that counts, one that came late and failed, a late one that was
    withdrawn, and one of another commit."""
    bundle = await add(database, BUNDLE, bundle_key="k")
    found: dict[str, dict[str, str]] = {"bundle": {"id": bundle}}
    for name, noun in LISTS.items():
        own: dict[str, Any] = {"bundle_id": bundle, "source_key": "k", "run": RUN, "job": "unit", "confirms": True}
        own |= {} if noun is INVARIANT else {"subject": "portal ü", "url": URL}
        old = await add(database, noun, bundle_id=bundle, source_key="k", result="warned")
        current = await supersede(database, noun, old, **own)
        late = await add(database, noun, bundle_id=bundle, source_key="k", late=True, result="failed")
        gone = await add(database, noun, bundle_id=bundle, source_key="k", late=True, result="error")
        withdrawal = await retract(database, noun, gone)
        foreign = await add(database, noun, bundle_id=bundle, source_key="k~b", mismatched=FOREIGN)
        found[name] = {
            "old": old, "current": current, "late": late, "gone": gone, "withdrawal": withdrawal, "foreign": foreign,
        }  # fmt: skip
    return found


class Asked:
    """Asks both paths, and holds their bytes against one another."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def __call__(self, query: str, *, planned: bool = True, **variables: Any) -> dict[str, Any]:
        body = {"query": query, "variables": variables}
        told = await self._http.post("/graphql", json=body)
        reference = await self._http.post("/graphql", json=body, headers={"x-evidence-path": "resolvers"})
        if planned:
            assert told.headers["x-evidence-path"] == "plan"
        assert told.content == reference.content
        answered: dict[str, Any] = told.json()
        assert "errors" not in answered, answered["errors"]
        data: dict[str, Any] = answered["data"]
        return data


@pytest.fixture
async def asked(dsn: str, made: Made) -> AsyncIterator[Asked]:
    async with client(dsn) as http:
        yield Asked(http)


def ids(connection: Mapping[str, Any]) -> set[str]:
    return {row["id"] for row in connection["nodes"]}


@pytest.mark.parametrize("name", LISTS)
async def test_what_came_late_is_listed_in_history_alone(asked: Asked, made: Made, name: str) -> None:
    bundle = (
        await asked(
            f"""query($id: ID!) {{ bundle(id: $id) {{
                now: {name} {{ totalCount countsByResult {{ value count }} nodes {{ id late }} }}
                all: {name}(includeSuperseded: true) {{ totalCount nodes {{ id late superseded retracted }} }}
                counts {{ {name} {{ result count }} }} }} }}""",
            id=made["bundle"]["id"],
        )
    )["bundle"]
    rows = made[name]
    assert ids(bundle["now"]) == {rows["current"], rows["foreign"]}
    assert bundle["now"]["totalCount"] == 2
    assert bundle["now"]["countsByResult"] == [{"value": "PASSED", "count": 2}]
    assert bundle["counts"][name] == [{"result": "PASSED", "count": 2}]
    assert ids(bundle["all"]) == set(rows.values())
    assert bundle["all"]["totalCount"] == len(rows)
    told = {row["id"]: row for row in bundle["all"]["nodes"]}
    assert {how for how, row_id in rows.items() if told[row_id]["late"]} == {"late", "gone"}
    assert {how for how, row_id in rows.items() if told[row_id]["superseded"]} == {"old", "gone"}
    assert {how for how, row_id in rows.items() if told[row_id]["retracted"]} == {"withdrawal"}


@pytest.mark.parametrize("name", LISTS)
async def test_what_came_late_is_current_at_no_moment(asked: Asked, made: Made, database: Database, name: str) -> None:
    query = f"""query($id: ID!, $then: DateTime) {{ bundle(id: $id, asOf: $then) {{
        now: {name} {{ nodes {{ id }} totalCount }}
        all: {name}(includeSuperseded: true) {{ nodes {{ id }} totalCount }} }} }}"""
    rows = made[name]
    order = list(rows.values())
    for upto, row_id in enumerate(order, start=1):
        then = await database.fetchval(f"SELECT recorded_at FROM {LISTS[name].table} WHERE id = $1", row_id)
        bundle = (await asked(query, id=made["bundle"]["id"], then=then.isoformat()))["bundle"]
        known = order[:upto]
        wanted = {rows["current"]} if rows["current"] in known else {rows["old"]}
        wanted |= {rows["foreign"]} & set(known)
        assert ids(bundle["now"]) == wanted, row_id
        assert bundle["now"]["totalCount"] == len(wanted)
        assert ids(bundle["all"]) == set(known)


@pytest.mark.parametrize("name", LISTS)
async def test_no_bundle_has_what_came_late(asked: Asked, made: Made, name: str) -> None:
    for condition, found in (
        ("{result: {eq: FAILED}}", False), ("{late: {eq: true}}", False), ("{result: {eq: PASSED}}", True),
        ('{mismatched: {not: ""}}', True), ('{mismatched: {eq: "commit cccc333, not aaaaaaa"}}', False),
    ):  # fmt: skip
        for relation in ("some", "none"):
            query = f"{{ bundles(filter: {{{name}: {{{relation}: {condition}}}}}) {{ totalCount nodes {{ id }} }} }}"
            assert ((await asked(query))["bundles"]["totalCount"] == 1) is (found is (relation == "some")), condition


@pytest.mark.parametrize("name", LISTS)
async def test_lists_are_asked_for_what_does_not_count(asked: Asked, made: Made, name: str) -> None:
    bundle = (
        await asked(
            f"""query($id: ID!) {{ bundle(id: $id) {{
                none: {name}(filter: {{late: {{eq: true}}}}) {{ nodes {{ id }} }}
                late: {name}(includeSuperseded: true, filter: {{late: {{eq: true}}}}) {{ nodes {{ id }} }}
                foreign: {name}(filter: {{mismatched: {{not: ""}}}}) {{ nodes {{ id mismatched }} }}
                own: {name}(filter: {{mismatched: {{eq: ""}}}}) {{ nodes {{ id }} }} }} }}""",
            id=made["bundle"]["id"],
        )
    )["bundle"]
    rows = made[name]
    assert ids(bundle["none"]) == set()
    assert ids(bundle["late"]) == {rows["late"], rows["gone"]}
    assert bundle["foreign"]["nodes"] == [{"id": rows["foreign"], "mismatched": FOREIGN}]
    assert ids(bundle["own"]) == {rows["current"]}


@pytest.mark.parametrize("name", LISTS)
async def test_a_row_by_id_says_how_it_stands(asked: Asked, made: Made, name: str) -> None:
    rows = made[name]
    kind = {"items": "EvidenceItem", "gates": "GateResult", "invariants": "InvariantResult"}.get(name, "GuardReport")
    more = "" if name == "invariants" else "subject url"
    query = f"""query($id: ID!) {{ node(id: $id) {{ ... on {kind} {{
        run job late mismatched confirms {more} superseded
        supersededBy {{ id }} supersedes {{ id }} history {{ id }} }} }} }}"""
    told = {how: (await asked(query, id=row_id))["node"] for how, row_id in rows.items()}
    plain: dict[str, Any] = {"run": "", "job": "", "late": False, "mismatched": "", "confirms": False}
    plain |= {"subject": "", "url": ""} if more else {}
    said = {"run": RUN, "job": "unit", "confirms": True} | ({"subject": "portal ü", "url": URL} if more else {})
    wanted = {
        "old": plain, "current": plain | said, "late": plain | {"late": True}, "gone": plain | {"late": True},
        "withdrawal": plain, "foreign": plain | {"mismatched": FOREIGN},
    }  # fmt: skip
    for how, row in told.items():
        assert {column: row[column] for column in plain} == wanted[how], how
    # It replaces nothing and nothing replaces it: what is in force is no successor of it.
    late = told["late"]
    assert (late["superseded"], late["supersededBy"], late["supersedes"]) == (False, None, None)
    assert late["history"] == [{"id": rows["late"]}]
    assert told["current"]["history"] == [{"id": rows["old"]}, {"id": rows["current"]}]
    assert told["gone"]["supersededBy"] == {"id": rows["withdrawal"]}


async def test_a_failure_that_came_late_is_no_change(asked: Asked, made: Made, database: Database) -> None:
    head = await supersede(database, BUNDLE, made["bundle"]["id"])
    for noun in LISTS.values():
        await add(database, noun, bundle_id=head, source_key="k")
        await add(database, noun, bundle_id=head, source_key="k", late=True, result="failed")
        await add(database, noun, bundle_id=head, source_key="alone", late=True, result="failed")
    query = """query($base: String!, $head: String!) { bundleDiff(base: $base, head: $head) { worse
        items(changes: [REGRESSED, NEW]) { name } gates(changes: [REGRESSED, NEW]) { name }
        invariants(changes: [REGRESSED, NEW]) { name } } }"""
    told = await asked(query, planned=False, base=made["bundle"]["id"], head=head)
    assert told["bundleDiff"] == {"worse": False, "items": [], "gates": [], "invariants": []}


async def test_guard_reports_of_the_platform_come_late_too(asked: Asked, database: Database) -> None:
    own = await add(database, GUARD, source_key="platform", guard="alone")
    late = await add(database, GUARD, source_key="platform", guard="alone", late=True, result="failed")
    query = """{ now: guardReports(filter: {guard: {eq: "alone"}}) { nodes { id } totalCount }
        all: guardReports(filter: {guard: {eq: "alone"}}, includeSuperseded: true) { nodes { id } } }"""
    told = await asked(query)
    assert (ids(told["now"]), told["now"]["totalCount"]) == ({own}, 1)
    assert ids(told["all"]) == {own, late}


async def test_a_component_says_what_told_it_and_where(asked: Asked, database: Database) -> None:
    said = {"cause": "alertmanager:ü", "url": URL, "status": "major_outage"}
    await add(database, COMPONENT, component="db", **said)
    await add(database, COMPONENT, component="web")
    query = "{ componentStatuses(latest: false) { nodes { component cause url } } }"
    assert (await asked(query))["componentStatuses"]["nodes"] == [
        {"component": "db", "cause": "alertmanager:ü", "url": URL},
        {"component": "web", "cause": "", "url": ""},
    ]
