"""Bad input over GraphQL: each answers with a sentence and a code, never with a trace."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.web import ask, client, data

World = dict[str, list[str]]

CASES = [
    ("{ bundles(first: 0) { nodes { id } } }", "BAD_USER_INPUT", "first must lie between 1 and 500, not 0"),
    ("{ bundles(first: 501) { nodes { id } } }", "BAD_USER_INPUT", "first must lie between 1 and 500, not 501"),
    ("{ bundles(first: 1, last: 1) { nodes { id } } }", "BAD_USER_INPUT", "exclude each other"),
    ('{ bundles(after: "nonsense") { nodes { id } } }', "BAD_USER_INPUT", "after is not a cursor of this server"),
    ('{ bundle(id: "42") { id } }', "BAD_USER_INPUT", "'42' is not an id"),
    ("{ bundle { id } }", "BAD_USER_INPUT", "either id or key"),
    ('{ node(id: "x") { id } }', "BAD_USER_INPUT", "'x' is not an id"),
    ('{ bundles(asOf: "2999-01-01T00:00:00Z") { nodes { id } } }', "BAD_USER_INPUT", "asOf lies in the future"),
    ('{ bundles(filter: {id: {eq: "x"}}) { nodes { id } } }', "BAD_USER_INPUT", "'x' is not an id"),
    ("{ bundles(filter: {version: {in: null}}) { nodes { id } } }", "BAD_USER_INPUT", "version: in needs a value"),
    ('{ bundles(asOf: "yesterday") { nodes { id } } }', "GRAPHQL_VALIDATION_FAILED", "ISO 8601"),
    ('{ bundles(asOf: "2026-01-01T00:00:00") { nodes { id } } }', "GRAPHQL_VALIDATION_FAILED", "needs a zone"),
    ("{ bundles(filter: {kind: {eq: NIGHTLY}}) { nodes { id } } }", "GRAPHQL_VALIDATION_FAILED", "NIGHTLY"),
    ("{ bundels { nodes { id } } }", "GRAPHQL_VALIDATION_FAILED", "bundels"),
    ("{ bundles { nodes { id }", "GRAPHQL_PARSE_FAILED", "Syntax Error"),
    ("mutation { x }", "GRAPHQL_VALIDATION_FAILED", "mutation"),
    ("query A { bundles { totalCount } } query B { bundles { totalCount } }", "BAD_REQUEST", "several operations"),
    ("{ componentStatuses(includeSuperseded: true) { totalCount } }", "BAD_USER_INPUT", "latest: false"),
    (
        "{ " + " ".join(f"a{n}: bundles {{ totalCount }}" for n in range(26)) + " }",
        "OPERATION_TOO_LARGE",
        "root fields",
    ),
    (
        "{ bundles(first: 500) { nodes { items(first: 500) { nodes { id } } gates(first: 500) { nodes { id } } } } }",
        "OPERATION_TOO_LARGE",
        "smaller pages",
    ),
    (
        "{ nodes(ids: ["
        + ", ".join(f'"{n}"' for n in range(300))
        + "]) { ... on EvidenceBundle { items(first: 500) { nodes { id } } gates(first: 500) { nodes { id } } } } }",
        "OPERATION_TOO_LARGE",
        "smaller pages",
    ),
]


@pytest.mark.parametrize(("query", "code", "sentence"), CASES)
async def test_bad_operations(http: httpx.AsyncClient, query: str, code: str, sentence: str) -> None:
    body = await ask(http, query)
    assert sentence in body["errors"][0]["message"]
    assert body["errors"][0]["extensions"]["code"] == code
    assert "Traceback" not in str(body)


async def test_a_deep_operation_is_refused(http: httpx.AsyncClient, world: World) -> None:
    deep = "{ bundles { nodes { " + "supersedes { " * 20 + "id" + " }" * 20 + " } } }"
    body = await ask(http, deep)
    assert body["errors"][0]["extensions"]["code"] == "OPERATION_TOO_LARGE"


async def test_bad_variables(http: httpx.AsyncClient) -> None:
    query = "query($n: Int!) { bundles(first: $n) { totalCount } }"
    for variables in ({}, {"n": "many"}):
        response = await http.post("/graphql", json={"query": query, "variables": variables})
        assert response.status_code == 400
        assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
        assert "$n" in response.json()["errors"][0]["message"]


async def test_a_changed_cursor_is_refused(http: httpx.AsyncClient, world: World) -> None:
    page = await data(http, "{ bundles(first: 1) { pageInfo { endCursor } } }")
    cursor = page["bundles"]["pageInfo"]["endCursor"]
    for bad in (cursor[:-2], "A" + cursor[1:], cursor[:20] + ("B" if cursor[20] == "A" else "A") + cursor[21:]):
        body = await ask(http, "query($c: String) { bundles(after: $c) { totalCount nodes { id } } }", c=bad)
        assert "after is not a cursor" in body["errors"][0]["message"]
    order = "orderBy: {field: BUNDLE_KEY}"
    body = await ask(http, f"query($c: String) {{ bundles(after: $c, {order}) {{ nodes {{ id }} }} }}", c=cursor)
    assert "cursor of the order updated_at desc" in body["errors"][0]["message"]


BODIES: list[tuple[bytes, str, int]] = [
    (b"", "not JSON", 400),
    (b"{", "not JSON", 400),
    (b"[]", "batches are not taken", 400),
    (b"1", "must be an object", 400),
    (b"{}", "no query", 400),
    (b'{"query": 1}', "no query", 400),
    (b'{"query": "{ __typename }", "variables": []}', "variables must be an object", 400),
    (b'{"query": "{ __typename }", "operationName": 3}', "operationName must be text", 400),
    (b'{"query": "' + b"x" * 300_000 + b'"}', "larger than", 413),
]


@pytest.mark.parametrize(("content", "sentence", "status"), BODIES)
async def test_bad_requests(http: httpx.AsyncClient, content: bytes, sentence: str, status: int) -> None:
    response = await http.post("/graphql", content=content, headers={"content-type": "application/json"})
    assert response.status_code == status
    assert sentence in response.json()["errors"][0]["message"]


async def test_http_details(http: httpx.AsyncClient, world: World) -> None:
    plain = await http.post("/graphql", content="{}", headers={"content-type": "text/plain"})
    assert plain.status_code == 415
    got = await http.get("/graphql", params={"query": "{ bundles { totalCount } }"})
    assert got.json() == {"data": {"bundles": {"totalCount": 3}}}
    assert got.headers["content-type"].startswith("application/json")
    accepted = await http.post(
        "/graphql", json={"query": "{ __typename }"}, headers={"accept": "application/graphql-response+json"}
    )
    assert accepted.headers["content-type"].startswith("application/graphql-response+json")
    page = await http.get("/graphql", headers={"accept": "text/html,application/xhtml+xml"})
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert (await http.get("/graphql", headers={"x-request-id": "abc-1"})).headers["x-request-id"] == "abc-1"


async def test_an_unforeseen_error_is_masked(http: httpx.AsyncClient, world: World, monkeypatch: Any) -> None:
    async def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("app.readmodels.rows.count_rows", broken)
    http.headers["x-evidence-path"] = "resolvers"
    body = await ask(http, '{ bundles(filter: {version: {eq: "masked"}}) { totalCount } }')
    error = body["errors"][0]
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert error["extensions"]["requestId"] in error["message"]
    assert "secret" not in str(body)


@pytest.mark.parametrize("dsn_of", ["nowhere", "empty"])
async def test_a_database_that_is_down_or_not_migrated(empty_dsn: str, dsn_of: str) -> None:
    dsn = empty_dsn if dsn_of == "empty" else "postgresql://nobody@127.0.0.1:1/none"
    async with client(dsn) as http:
        error = (await ask(http, "{ bundles { nodes { id } } }"))["errors"][0]
        assert error["extensions"]["code"] == "UNAVAILABLE"
        assert ("evidence migrate" if dsn_of == "empty" else "DATABASE_URL") in error["message"]
        health = await http.get("/healthz")
        assert health.status_code == 503
        assert health.json()["status"] == "fail"
        assert (await http.get("/livez")).status_code == 200
        problem = await http.get("/api/v3/platform/evidence/bundles")
        assert problem.status_code == 503
        assert problem.json()["code"] == "UNAVAILABLE"
