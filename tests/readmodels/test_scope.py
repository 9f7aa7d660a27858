"""A scope hides other products' rows: from every read of the read models, and so on both faces."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from app.db.pool import Database
from app.domain.errors import NotFound
from app.domain.paging import Direction, Order, PageRequest
from app.domain.policy import parse_policy
from app.readmodels import rows
from app.readmodels.bundles import bundle_ids_by_keys, nouns_by_ids
from app.readmodels.nouns import BUNDLE, COMPONENT, GATE, GUARD, INVARIANT, ITEM, NOUNS, Noun
from app.readmodels.predicates import Compare, Has, Negated, Scope
from app.readmodels.readiness import Question, readiness, verdicts_by_bundle_ids
from app.readmodels.rows import SUPERSEDED, Reader, RowQuery
from tests.rows import START, add, supersede
from tests.web import client, data

CHILD_NOUNS = (ITEM, GATE, INVARIANT, GUARD)
MINE = Scope(products=frozenset({"portal"}))
HERE = Scope(environments=frozenset({"staging"}))
BOTH = Scope(frozenset({"portal"}), frozenset({"staging"}))
NOTHING = Scope(frozenset(), frozenset())


@dataclass(frozen=True, slots=True)
class Owned:
    """A bundle and its rows: by noun, the superseded row and the one that replaced it."""

    product: str
    environment: str
    rows: dict[str, tuple[str, str]]

    def seen_by(self, scope: Scope) -> bool:
        """Whether the scope shows it."""
        return (scope.products is None or self.product in scope.products) and (
            scope.environments is None or self.environment in scope.environments
        )


@dataclass(frozen=True, slots=True)
class Land:
    """Two products in two environments, a guard report of the platform, and components."""

    owned: tuple[Owned, ...]
    platform_guard: str
    components: dict[str, str]

    def ids(self, noun: Noun, scope: Scope, *, history: bool = True) -> set[str]:
        """The ids of a noun that a scope shows; with those that were superseded, or without."""
        if noun is COMPONENT:
            return {r for e, r in self.components.items() if scope.environments is None or e in scope.environments}
        seen = [own.rows[noun.name] for own in self.owned if own.seen_by(scope)]
        found = {row_id for old, new in seen for row_id in ((old, new) if history else (new,))}
        return found | ({self.platform_guard} if noun is GUARD and scope.everything else set())

    def every(self, noun: Noun) -> list[str]:
        """All ids of a noun."""
        return sorted(self.ids(noun, Scope()))

    def bundles(self, scope: Scope) -> set[str]:
        """The bundles that have rows, as far as a scope shows them."""
        return {own.rows["bundle"][1] for own in self.owned if own.seen_by(scope)}


@pytest.fixture
async def land(database: Database) -> Land:
    """Rows of all nouns on both sides of every scope."""
    owned = []
    for product in ("portal", "console"):
        for environment in ("staging", "production"):
            about = {"product": product, "environment": environment}
            first = await add(database, BUNDLE, bundle_key=f"{product}/{environment}", **about)
            bundle = await supersede(database, BUNDLE, first, **about)
            made = {"bundle": (first, bundle)}
            for noun in CHILD_NOUNS:
                old = await add(database, noun, bundle_id=bundle)
                made[noun.name] = (old, await supersede(database, noun, old, bundle_id=bundle))
            owned.append(Owned(product, environment, made))
    platform = await add(database, GUARD, guard="platform")
    components = {
        e: await add(database, COMPONENT, environment=e, observed_at=START) for e in ("staging", "production")
    }
    return Land(tuple(owned), platform, components)


SCOPES = [Scope(), MINE, HERE, BOTH, NOTHING]
NAMES = ["all", "product", "environment", "both", "nothing"]
EACH = [(scope, noun) for scope in SCOPES for noun in NOUNS]


def listing(noun: Noun, **more: Any) -> RowQuery:
    """A whole list of a noun."""
    return RowQuery(Order(next(iter(noun.orders)), Direction.ASC), page=PageRequest(500), **more)


async def test_lists_counts_and_groups(database: Database, land: Land) -> None:
    for scope, noun in EACH:
        reader, expected = Reader(database, scope), set[str]()
        for history in (False, True):
            query, expected = listing(noun, superseded=history), land.ids(noun, scope, history=history)
            page = await rows.list_rows(reader, noun, query, frozenset(noun.columns) | {SUPERSEDED})
            assert {row["id"] for row in page.rows} == expected, (scope, noun.name)
            assert await rows.count_rows(reader, noun, query) == len(expected)
            for column in noun.groups:
                groups = await rows.group_rows(reader, noun, query, column)
                assert sum(group.count for group in groups) == len(expected), (scope, noun.name, column)
        if noun is COMPONENT:
            latest = listing(noun, latest=True)
            assert {row["id"] for row in (await rows.list_rows(reader, noun, latest, frozenset())).rows} == expected
            assert await rows.count_rows(reader, noun, latest) == len(expected)


async def test_rows_by_id_and_along_chains(database: Database, land: Land) -> None:
    for scope, noun in EACH:
        reader, every, seen = Reader(database, scope), land.every(noun), land.ids(noun, scope)
        assert set(await rows.rows_by_ids(reader, noun, every, frozenset())) == seen, (scope, noun.name)
        found = await rows.successors_by_ids(reader, noun, every, frozenset())
        assert {row["id"] for row in found.values()} <= seen
        replaced = set() if noun is COMPONENT else {o.rows[noun.name][0] for o in land.owned if o.seen_by(scope)}
        assert set(found) == replaced, (scope, noun.name)
        chains = await rows.histories_by_ids(reader, noun, every, frozenset())
        assert {row["id"] for chain in chains.values() for row in chain} == seen
        for row_id, chain in chains.items():
            assert (row_id in {row["id"] for row in chain}) == (row_id in seen)


async def test_children_of_bundles(database: Database, land: Land) -> None:
    """Asked by the ids of bundles that the reader may not even know."""
    bundles = sorted(land.bundles(Scope()))
    for scope in SCOPES:
        reader, seen = Reader(database, scope), land.bundles(scope)
        for noun in CHILD_NOUNS:
            query = listing(noun)
            pages = await rows.pages_by_bundle_ids(reader, noun, bundles, query, frozenset())
            counts = await rows.counts_by_bundle_ids(reader, noun, bundles, query)
            groups = await rows.groups_by_bundle_ids(reader, noun, bundles, query, "result")
            for bundle in bundles:
                grouped = sum(group.count for group in groups[bundle])
                assert len(pages[bundle].rows) == counts[bundle] == grouped == (bundle in seen), (scope, noun.name)


async def test_bundles_by_key_and_by_relation(database: Database, land: Land) -> None:
    every = [f"{own.product}/{own.environment}" for own in land.owned]
    for scope in SCOPES:
        reader = Reader(database, scope)
        keys = {f"{own.product}/{own.environment}": own.rows["bundle"][1] for own in land.owned if own.seen_by(scope)}
        assert await bundle_ids_by_keys(reader, every) == keys
        for relation in ("items", "gates", "invariants", "guard_reports"):
            passed = Has(relation, Compare("result", "eq", "passed"))
            page = await rows.list_rows(reader, BUNDLE, listing(BUNDLE, where=passed), frozenset())
            assert {row["id"] for row in page.rows} == set(keys.values()), scope
            assert await rows.count_rows(reader, BUNDLE, listing(BUNDLE, where=Negated(passed))) == 0


async def test_the_noun_of_an_id_is_no_secret_and_gives_no_row(database: Database, land: Land) -> None:
    hidden = [own.rows["item"][1] for own in land.owned if not own.seen_by(BOTH)]
    reader = Reader(database, BOTH)
    assert {noun.name for noun in (await nouns_by_ids(reader, hidden)).values()} == {ITEM.name}
    assert await rows.rows_by_ids(reader, ITEM, hidden, frozenset()) == {}


@pytest.mark.parametrize("scope", SCOPES, ids=NAMES)
async def test_verdicts(database: Database, land: Land, scope: Scope) -> None:
    reader, policy = Reader(database, scope), parse_policy("version = 1\n[[rules]]", "nothing is required")
    bundles = land.bundles(Scope())
    assert set(await verdicts_by_bundle_ids(reader, policy, sorted(bundles))) == land.bundles(scope)
    for own in land.owned:
        for named in (own.rows["bundle"][1], f"{own.product}/{own.environment}"):
            if own.seen_by(scope):
                assert (await readiness(reader, policy, Question(named))).inputs[0].bundle is not None
            else:
                with pytest.raises(NotFound):
                    await readiness(reader, policy, Question(named))
    for environment in ("staging", "production"):
        answer = await readiness(reader, policy, Question(environment=environment))
        shown = {inputs.bundle.id for inputs in answer.inputs if inputs.bundle is not None}
        assert shown == {o.rows["bundle"][1] for o in land.owned if o.environment == environment and o.seen_by(scope)}
        guards = {guard.id for inputs in answer.inputs for guard in inputs.guards}
        assert guards <= land.ids(GUARD, scope)
        components = {component.id for inputs in answer.inputs for component in inputs.components}
        assert components <= land.ids(COMPONENT, scope)


@pytest.fixture(params=SCOPES, ids=NAMES)
async def scoped(
    request: pytest.FixtureRequest, dsn: str, land: Land, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[httpx.AsyncClient, Scope]]:
    """The whole app, whose reader has a scope."""
    scope: Scope = request.param
    monkeypatch.setattr("app.web.Reader", lambda database: Reader(database, scope))
    async with client(dsn) as http:
        yield http, scope


async def test_rest_shows_what_the_scope_shows(scoped: tuple[httpx.AsyncClient, Scope], land: Land) -> None:
    http, scope = scoped
    base = "/api/v3/platform"

    async def listed(path: str) -> set[str]:
        return {row["id"] for row in (await http.get(f"{base}{path}")).json()["data"]}

    assert await listed("/evidence/bundles?includeSuperseded=true&limit=500") == land.ids(BUNDLE, scope)
    assert await listed("/guards/reports?includeSuperseded=true&limit=500") == land.ids(GUARD, scope)
    assert await listed("/status/components") == land.ids(COMPONENT, scope)
    for own in land.owned:
        status = 200 if own.seen_by(scope) else 404
        bundle, key = own.rows["bundle"][1], f"{own.product}/{own.environment}"
        for named in (bundle, key):
            for path in (
                f"/evidence/bundles/{named}",
                f"/evidence/bundles/{named}/items",
                f"/guards/reports?bundle={named}",
            ):
                assert (await http.get(f"{base}{path}")).status_code == status, path
        for item in own.rows["item"]:
            assert (await http.get(f"{base}/evidence/items/{item}")).status_code == status


NODES = """query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Evidence { superseded }
  ... on EvidenceItem { supersededBy { id } supersedes { id } history { id } bundle { id } } } }"""
NODE = "query($id: ID!) { node(id: $id) { id } bundle(id: $id) { id } }"
LISTS = """{
  bundles(first: 50, includeSuperseded: true) {
    nodes { id } totalCount countsByProduct { count } countsByKind { count } }
  componentStatuses { nodes { id } totalCount countsByStatus { count } }
  guardReports(first: 50, includeSuperseded: true) {
    nodes { id bundle { id } } totalCount countsByGuard { count } } }"""
WHOLE = """query($key: String) { bundle(key: $key) { id counts { items { count } guardReports { count } }
  items { nodes { id } totalCount countsByResult { count } } gates { nodes { id items { id } } totalCount }
  invariants { nodes { id } } guardReports { nodes { id } } supersedes { id } history { id } } }"""


async def test_graphql_shows_what_the_scope_shows(scoped: tuple[httpx.AsyncClient, Scope], land: Land) -> None:
    http, scope = scoped
    for noun in NOUNS:
        every = land.every(noun)
        nodes = (await data(http, NODES, ids=every))["nodes"]
        assert {node["id"] for node in nodes if node} == land.ids(noun, scope)
        for row_id in every:
            one = await data(http, NODE, id=row_id)
            assert (one["node"] is not None) == (row_id in land.ids(noun, scope))
            assert (one["bundle"] is not None) == (noun is BUNDLE and row_id in land.ids(noun, scope))
    lists = await data(http, LISTS)
    for name, noun in (("bundles", BUNDLE), ("componentStatuses", COMPONENT), ("guardReports", GUARD)):
        expected = land.ids(noun, scope)
        assert {node["id"] for node in lists[name]["nodes"]} == expected
        assert lists[name]["totalCount"] == len(expected)
        for groups in (value for field, value in lists[name].items() if field.startswith("countsBy")):
            assert sum(group["count"] for group in groups) == len(expected)
    for own in land.owned:
        bundle = (await data(http, WHOLE, key=f"{own.product}/{own.environment}"))["bundle"]
        assert (bundle is not None) == own.seen_by(scope)
        if bundle is not None:
            assert bundle["items"]["totalCount"] == 1
            assert bundle["counts"] == {"items": [{"count": 1}], "guardReports": [{"count": 1}]}
            assert [row["id"] for row in bundle["history"]] == list(own.rows["bundle"])


async def test_no_answer_is_kept_for_other_eyes(dsn: str, land: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    """One process answers many readers: what it remembers of an answer, or of how to find it, is theirs alone."""
    eyes = [Scope()]
    monkeypatch.setattr("app.web.Reader", lambda database: Reader(database, eyes[0]))
    base = "/api/v3/platform"
    every = {row_id for noun in NOUNS for row_id in land.every(noun)}
    paths = [
        f"{base}/evidence/bundles?includeSuperseded=true", f"{base}/guards/reports", f"{base}/status/components",
        *(f"{base}/evidence/bundles/{own.rows['bundle'][1]}" for own in land.owned),
        *(f"{base}/evidence/bundles/{own.product}/{own.environment}/items" for own in land.owned),
    ]  # fmt: skip
    queries = [(LISTS, {}), *((WHOLE, {"key": f"{own.product}/{own.environment}"}) for own in land.owned)]
    async with client(dsn) as http:
        for scope in [*SCOPES, *SCOPES, *reversed(SCOPES)]:
            eyes[0] = scope
            seen = {row_id for noun in NOUNS for row_id in land.ids(noun, scope)}
            answers = [(await http.get(path)).text for path in paths if not _names(path, every - seen)]
            for query, variables in queries:
                answers.append((await http.post("/graphql", json={"query": query, "variables": variables})).text)
            shown = {row_id for row_id in every for answer in answers if row_id in answer}
            assert shown <= seen, scope
            assert scope is NOTHING or shown, scope
            for path in paths:
                if _names(path, every - seen):
                    assert (await http.get(path)).status_code == 404, (scope, path)


def _names(path: str, ids: set[str]) -> bool:
    return any(row_id in path for row_id in ids)


async def test_a_gate_does_not_show_items_of_bundles_out_of_sight(
    database: Database, dsn: str, land: Land, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row may name rows of other bundles; they are read with the reader's eyes all the same."""
    mine = next(own for own in land.owned if own.seen_by(BOTH))
    theirs = next(own for own in land.owned if own.product == "console")
    gate = await add(
        database, GATE, bundle_id=mine.rows["bundle"][1], item_ids=[theirs.rows["item"][1], mine.rows["item"][1]]
    )
    invariant = await add(
        database, INVARIANT, bundle_id=mine.rows["bundle"][1], evidence_item_id=theirs.rows["item"][1]
    )
    monkeypatch.setattr("app.web.Reader", lambda database: Reader(database, BOTH))
    query = """query($ids: [ID!]!) { nodes(ids: $ids) { ... on GateResult { items { id title } }
        ... on InvariantResult { evidenceItem { id title } } } }"""
    async with client(dsn) as http:
        shown = (await data(http, query, ids=[gate, invariant]))["nodes"]
    assert [item["id"] for item in shown[0]["items"]] == [mine.rows["item"][1]]
    assert shown[1] == {"evidenceItem": None}
