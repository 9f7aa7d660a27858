"""Every parameter of the contract: what it takes is taken, anything else is refused with its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from starlette.requests import Request

from app.db.pool import Database
from app.readmodels.nouns import BUNDLE, COMPONENT, GUARD, ITEM
from app.rest_v3.contract import BASE, Parameter, parameters, resolve
from app.rest_v3.paths import query_pairs
from app.rest_v3.problems import unknown_path
from tests.rest_v3.conftest import Opened, World
from tests.rest_v3.test_contract import NEEDED, NO_ID, PATHS
from tests.rows import START, add, supersede

OF_ONE_THING = ("getBundle", "listBundleItems", "getItem", "getComponentHistory")
"""Operations on something that was not yet there at a time long past."""

ASKED = [operation for operation in PATHS if parameters(operation, "query")]
"""Operations with parameters in their query."""

MOMENTS = (
    "2026-06-01T12:00:00Z",
    "2026-06-01T12:00:00+00:00",
    "2026-06-01T12:00:00.123456-07:00",
    "2026-06-01t12:00:00z",
    "0001-01-01T00:00:00Z",
)
NO_MOMENTS = (
    "",
    "yesterday",
    "2026-06-01",
    "2026-06-01T12:00:00",
    "2026-13-01T00:00:00Z",
    "2026-06-01T24:01:00Z",
    "1780315200",
    "now()",
    "-infinity",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2026-06-01T12:00:00Z\0",
)


def _good_one(schema: Mapping[str, Any]) -> list[str]:
    if "enum" in schema:
        return list(schema["enum"])
    if schema.get("format") == "date-time":
        return list(MOMENTS)
    match schema["type"]:
        case "boolean":
            return ["true", "false"]
        case "integer":
            return [str(schema["minimum"]), "37", str(schema["maximum"])]
    return ["x" * schema["minLength"], "ü€😀 %&=+?#/", "x" * schema["maxLength"]]


def _bad_one(schema: Mapping[str, Any]) -> list[str]:
    if "enum" in schema:
        return ["", "nonsense", schema["enum"][0].upper(), f"{schema['enum'][0]} ", ",".join(schema["enum"][:2])]
    if schema.get("format") == "date-time":
        return list(NO_MOMENTS)
    match schema["type"]:
        case "boolean":
            return ["", "TRUE", "1", "yes"]
        case "integer":
            low, high = schema["minimum"], schema["maximum"]
            return [str(low - 1), str(high + 1), "-1", "", "ten", "1.5", "1e2", " 5", "+5", "٣", "9" * 40]
    return ["", "x" * (schema["maxLength"] + 1), "a\0b"]


def good(parameter: Parameter) -> Iterator[list[str]]:
    """Value lists that the parameter takes: each value alone, and all at once where it may be repeated."""
    if not parameter.many:
        yield from ([value] for value in _good_one(parameter.schema))
        return
    values = _good_one(resolve(parameter.schema["items"]))
    yield from ([value] for value in values)
    yield values
    yield [values[0]] * parameter.schema["maxItems"]


def bad(parameter: Parameter) -> Iterator[list[str]]:
    """Value lists that it does not take."""
    if not parameter.many:
        yield from ([value] for value in _bad_one(parameter.schema))
        value = _good_one(parameter.schema)[0]
        yield [value, value]
        return
    schema = resolve(parameter.schema["items"])
    value = _good_one(schema)[0]
    yield from ([wrong] for wrong in _bad_one(schema))
    yield from ([value, wrong] for wrong in _bad_one(schema))
    yield [value] * (parameter.schema["maxItems"] + 1)


def path_of(operation: str, world: World) -> str:
    """The operation's path over a small world."""
    return BASE + PATHS[operation].format(bundle=world["bundle"][0], item=world["item"][1])


def query(operation: str, name: str, values: list[str]) -> str:
    """A query string with one parameter, as often as there are values, and what the operation needs beside it."""
    beside = {} if name == "bundle" else {k: v for k, v in NEEDED.get(operation, {}).items() if k != name}
    if (operation, name) == ("listComponents", "includeSuperseded"):
        beside["latest"] = "false"
    return urlencode([*((name, value) for value in values), *beside.items()])


def refused(response: httpx.Response, name: str) -> str:
    """The sentence of a refusal that names the parameter."""
    body = response.json()
    assert response.status_code == 400, (str(response.url)[:300], response.status_code)
    assert body["code"] == "INVALID"
    assert body["field"] == name
    assert name in body["detail"]
    return str(body["detail"])


@pytest.mark.parametrize("operation", ASKED)
async def test_what_a_parameter_takes_is_taken(rest: httpx.AsyncClient, world: World, operation: str) -> None:
    path = path_of(operation, world)
    for name, parameter in parameters(operation, "query").items():
        values = list(good(parameter))
        if name == "cursor":
            page = await rest.get(path, params={"limit": 1})
            values = [[page.json()["nextCursor"]]]
        if name == "bundle":
            values = [[world["bundle"][0]], [world["bundle"][0].upper()], ["release/portal/1.1.0"]]
        # A row that was not known then is not there: the parameter is taken all the same.
        statuses = (200, 404) if name == "asOf" and operation in OF_ONE_THING else (200,)
        for given in values:
            answer = await rest.get(f"{path}?{query(operation, name, given)}")
            assert answer.status_code in statuses, (name, given[:3], answer.text)


@pytest.mark.parametrize("operation", ASKED)
async def test_what_it_does_not_take_is_refused_by_name(rest: httpx.AsyncClient, world: World, operation: str) -> None:
    path = path_of(operation, world)
    for name, parameter in parameters(operation, "query").items():
        for given in bad(parameter):
            sentence = refused(await rest.get(f"{path}?{query(operation, name, given)}"), name)
            assert len(sentence) < 400
        if name == "asOf":
            future = datetime.now(UTC) + timedelta(hours=1)
            for moment in (future.isoformat(), "9999-12-31T23:59:59.999999Z"):
                assert "future" in refused(await rest.get(f"{path}?{query(operation, name, [moment])}"), name)


@pytest.mark.parametrize("operation", list(PATHS))
async def test_unknown_parameters_are_refused_by_name(rest: httpx.AsyncClient, world: World, operation: str) -> None:
    path = path_of(operation, world)
    for name in ("colour", "Limit", "limit[]", "as_of", "cursor ", "ü", "x" * 100, ""):
        response = await rest.get(f"{path}?{urlencode({name: '1'})}")
        assert response.status_code == 400
        assert response.json()["field"] == name[:60]
        assert "unknown parameter" in response.json()["detail"]
    own = sorted(parameters(operation, "query"))
    sentence = (await rest.get(f"{path}?colour=1")).json()["detail"]
    assert sentence.endswith(f"this path takes {', '.join(own) or 'none'}")


async def test_a_time_without_a_zone_is_told_from_no_time(rest: httpx.AsyncClient) -> None:
    path = f"{BASE}/evidence/bundles"
    assert "needs a zone" in refused(await rest.get(path, params={"asOf": "2026-06-01T12:00:00"}), "asOf")
    assert "ISO 8601" in refused(await rest.get(path, params={"asOf": "noon"}), "asOf")
    assert (await rest.get(f"{path}?asOf=2026-06-01T12:00:00+00:00")).status_code == 200, "an unescaped plus sign"


async def test_cursors_are_tamper_checked_and_of_one_order(rest: httpx.AsyncClient, world: World) -> None:
    path = f"{BASE}/status/components"
    cursor = (await rest.get(path, params={"limit": 1})).json()["nextCursor"]
    for at in range(0, len(cursor), 7):
        changed = cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :]
        assert "not a cursor" in refused(await rest.get(path, params={"cursor": changed}), "cursor")
    for cut in (cursor[:-1], cursor[:10], cursor + "A", cursor * 2, "é", "=", "ä" * 2048):
        assert "not a cursor" in refused(await rest.get(path, params={"cursor": cut}), "cursor")
    other = refused(await rest.get(path, params={"cursor": cursor, "latest": "false"}), "cursor")
    assert "cursor of the order component asc" in other
    assert "order" in refused(await rest.get(f"{BASE}/evidence/bundles", params={"cursor": cursor}), "cursor")


async def test_superseded_snapshots_are_not_the_latest(rest: httpx.AsyncClient) -> None:
    path = f"{BASE}/status/components"
    refused(await rest.get(path, params={"includeSuperseded": "true"}), "includeSuperseded")
    refused(await rest.get(path, params={"includeSuperseded": "true", "latest": "true"}), "includeSuperseded")


async def test_a_bundle_that_there_is_not_is_not_an_empty_list(rest: httpx.AsyncClient) -> None:
    for name in (NO_ID, "no/such/bundle"):
        answer = await rest.get(f"{BASE}/guards/reports", params={"bundle": name})
        assert answer.status_code == 404
        assert answer.json()["field"] == "bundle"
        assert name in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "field", "sentence"),
    [
        ("/evidence/items/42", "itemId", "'42' is not an id"),
        ("/evidence/items/0198c5a27d5e7cc39c1e0f6f0e3b2a11", "itemId", "is not an id"),
        ("/evidence/items/%00", "itemId", "is not an id"),
        (f"/evidence/items/{'x' * 5000}", "itemId", "is not an id"),
        ("/evidence/bundles/", "bundleId", "bundleId must have 1 to 500 characters, not 0"),
        ("/evidence/bundles//items", "bundleId", "bundleId must have 1 to 500 characters, not 0"),
        (f"/evidence/bundles/{'x' * 501}", "bundleId", "bundleId must have 1 to 500 characters, not 501"),
        ("/evidence/bundles/a%00b", "bundleId", "NUL"),
        ("/evidence/bundles/a%00b/items", "bundleId", "NUL"),
    ],
)
async def test_path_parameters_are_checked_as_well(
    rest: httpx.AsyncClient, path: str, field: str, sentence: str
) -> None:
    answer = await rest.get(f"{BASE}{path}")
    assert answer.status_code == 400
    assert answer.json()["field"] == field
    assert sentence in answer.json()["detail"]


async def test_ids_are_taken_in_any_case(rest: httpx.AsyncClient, world: World) -> None:
    for path in (f"/evidence/items/{world['item'][1]}", f"/evidence/bundles/{world['bundle'][0]}"):
        stem, _, row_id = path.rpartition("/")
        assert (await rest.get(f"{BASE}{stem}/{row_id.upper()}")).json()["id"] == row_id


async def _ids(http: httpx.AsyncClient, path: str, *pairs: tuple[str, str]) -> set[str]:
    page = (await http.get(f"{BASE}{path}?{urlencode([*pairs, ('limit', '500')])}")).json()
    assert page["nextCursor"] is None
    return {row["id"] for row in page["data"]}


async def test_every_filter_keeps_the_rows_it_names(dsn: str, database: Database, opened: Opened) -> None:
    """One row for every value of a filter; a filter by a value gives that row, by several those rows."""
    owner = await add(database, BUNDLE, bundle_key="owner")
    cases = [
        (f"/evidence/bundles/{owner}/items", "listBundleItems", ITEM, {"bundle_id": owner}),
        ("/evidence/bundles", "listBundles", BUNDLE, {}),
        ("/status/components", "listComponents", COMPONENT, {}),
        ("/guards/reports", "listGuardReports", GUARD, {"bundle_id": owner}),
    ]
    columns = {
        "bundleKey": "bundle_key", "commitSha": "commit_sha", "evidenceType": "evidence_type", "sourceKey": "source_key"
    }  # fmt: skip
    async with opened(dsn) as http:
        for path, operation, noun, fixed in cases:
            for name, parameter in parameters(operation, "query").items():
                if not parameter.many:
                    continue
                schema = resolve(parameter.schema["items"])
                values = schema.get("enum") or ["plain", "ü€ %&=+?#/", "it's"]
                made = {}
                for value in values:
                    row = {columns.get(name, name): value}
                    if noun is COMPONENT and name != "component":
                        row["component"] = f"{name}-{value}"
                    made[value] = await add(database, noun, **fixed, **row)
                for value in values:
                    found = await _ids(http, path, (name, value))
                    assert made[value] in found, (operation, name, value)
                    assert not found & (set(made.values()) - {made[value]}), (operation, name, value)
                found = await _ids(http, path, *((name, value) for value in values[:2]))
                assert {made[value] for value in values[:2]} <= found
                assert not found & {made[value] for value in values[2:]}


async def test_filters_hold_together(rest: httpx.AsyncClient, world: World) -> None:
    items = f"/evidence/bundles/{world['bundle'][0]}/items"
    assert await _ids(rest, items, ("evidenceType", "ci"), ("result", "passed")) == {world["item"][1]}
    assert await _ids(rest, items, ("evidenceType", "ci"), ("result", "warned")) == set()


def test_letters_sent_without_escapes_are_utf_8() -> None:
    sent = {"type": "http", "query_string": "environment=zürich&product=a%2Bb+c&empty=".encode()}
    assert query_pairs(Request(sent)) == [("environment", "zürich"), ("product", "a+b c"), ("empty", "")]
    broken = {"type": "http", "query_string": b"environment=\xff"}
    assert query_pairs(Request(broken)) == [("environment", "\ufffd")]


async def test_a_query_in_no_encoding_does_not_break_a_problem() -> None:
    scope = {"type": "http", "path": "/nothing", "query_string": b"x=\xff", "headers": []}
    answer = await unknown_path(Request(scope), Exception())
    assert answer.status_code == 404
    assert b"/nothing" in answer.body


async def test_updated_since_takes_bundles_that_moved(
    rest: httpx.AsyncClient, database: Database, world: World
) -> None:
    row = await database.fetchrow("SELECT updated_at FROM platform_evidence_bundles WHERE id = $1", world["bundle"][1])
    assert row is not None
    since = ("updatedSince", row["updated_at"].isoformat())
    assert await _ids(rest, "/evidence/bundles", since) == set(world["bundle"][1:])
    await add(database, ITEM, bundle_id=world["bundle"][0])
    assert await _ids(rest, "/evidence/bundles", since) == set(world["bundle"])
    # As of then, the bundle had not moved.
    assert await _ids(rest, "/evidence/bundles", since, ("asOf", row["updated_at"].isoformat())) == {world["bundle"][1]}


async def test_history_is_listed_when_asked_for(rest: httpx.AsyncClient, database: Database, world: World) -> None:
    bundle = await supersede(database, BUNDLE, world["bundle"][0])
    assert await _ids(rest, "/evidence/bundles") == {bundle, *world["bundle"][1:]}
    assert await _ids(rest, "/evidence/bundles", ("includeSuperseded", "true")) == {bundle, *world["bundle"]}
    guard = await supersede(database, GUARD, world["guard"][0], generated_at=START)
    assert await _ids(rest, "/guards/reports") == {guard, *world["guard"][1:]}
    assert await _ids(rest, "/guards/reports", ("includeSuperseded", "true")) == {guard, *world["guard"]}
    snapshot = await supersede(database, COMPONENT, world["component"][0])
    everything = {snapshot, *world["component"]}
    assert await _ids(rest, "/status/components", ("latest", "false")) == everything - {world["component"][0]}
    both = (("latest", "false"), ("includeSuperseded", "true"))
    assert await _ids(rest, "/status/components", *both) == everything
