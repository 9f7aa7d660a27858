"""The verdict over REST: the same as GraphQL's, value by value, with the rows that it was decided from."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from app.db.pool import Database, statement_log
from app.readmodels.nouns import BUNDLE, COMPONENT, GATE, GUARD, ITEM
from app.rest_v3.contract import BASE
from tests.rest_v3.conftest import Opened, World
from tests.rows import add, retract
from tests.web import data

PATH = f"{BASE}/status/readiness"

VERDICT = """query($environment: String, $profile: String, $product: String, $bundle: String, $asOf: DateTime) {
  readiness(environment: $environment, profile: $profile, product: $product, bundle: $bundle, asOf: $asOf) {
    state headline environment profile product bundles { id bundleKey }
    reasons { code severity subjectType subject rowId sentence bundle { id } }
    proofs { subjectType subject rowId bundle { id } }
    policyDigest inputsDigest evaluatedAt } }"""


def as_rest(value: Any) -> Any:
    """GraphQL's values in REST's words: members of enums in lower case, bundles by id."""
    if isinstance(value, dict):
        flat = {key: as_rest(each) for key, each in value.items() if key != "bundle"}
        return flat | ({"bundleId": value["bundle"] and value["bundle"]["id"]} if "bundle" in value else {})
    if isinstance(value, list):
        return [as_rest(each) for each in value]
    return value.lower() if isinstance(value, str) and re.fullmatch("[A-Z_]+", value) else value


async def now(database: Database) -> str:
    moment = await database.fetchval("SELECT clock_timestamp()")
    return str(moment.isoformat())


@pytest.mark.parametrize(
    "asked",
    [
        {"environment": "staging"},
        {"environment": "production", "profile": "standard"},
        {"environment": "staging", "product": "portal"},
        {"environment": "staging", "product": "portal", "profile": "standard"},
        {"environment": "nowhere"},
        {"bundle": "release/portal/1.0.0"},
        {"bundle": "release/portal/1.1.0", "environment": "production"},
    ],
)
async def test_both_faces_give_the_same_verdict(
    rest: httpx.AsyncClient, database: Database, world: World, asked: dict[str, str]
) -> None:
    await add(database, GUARD, guard="of-the-platform", result="failed")
    await add(database, GATE, bundle_id=world["bundle"][2], gate="guard", result="error", source_key="other")
    moment = await now(database)
    answered = await rest.get(PATH, params={**asked, "asOf": moment})
    assert answered.status_code == 200, answered.text
    theirs = (await data(rest, VERDICT, **asked, asOf=moment))["readiness"]
    assert answered.json()["verdict"] == as_rest(theirs)


async def test_as_of_now_is_no_as_of(rest: httpx.AsyncClient) -> None:
    for asked in ({"environment": "staging"}, {"bundle": "release/portal/1.0.0"}):
        now = (await rest.get(PATH, params=asked)).json()
        then = (await rest.get(PATH, params={**asked, "asOf": now["verdict"]["evaluatedAt"]})).json()
        assert then == now


async def test_the_rows_behind_the_verdict_come_along(
    rest: httpx.AsyncClient, database: Database, world: World
) -> None:
    platform = await add(database, GUARD, guard="of-the-platform")
    await add(database, GUARD, guard="of-another", bundle_id=world["bundle"][0])
    withdrawn = await add(database, GATE, bundle_id=world["bundle"][2], gate="capacity")
    await retract(database, GATE, withdrawn)
    down = await add(database, COMPONENT, environment="staging", component="db", status="major_outage")
    body = (await rest.get(PATH, params={"environment": "staging"})).json()
    assert [row["id"] for row in body["verdict"]["bundles"]] == [world["bundle"][2]]
    assert [row["gate"] for row in body["gateResults"]] == ["security", "uat"]
    assert {row["bundleId"] for row in body["gateResults"]} == {world["bundle"][2]}
    assert [row["invariantId"] for row in body["invariantResults"]] == ["PI-LAUNCH-001"]
    assert [(row["guard"], row["bundleId"]) for row in body["guardSummaries"]] == [
        ("import-linter", world["bundle"][2]),
        ("of-the-platform", None),
    ]
    assert body["guardSummaries"][1]["id"] == platform
    assert [row["component"] for row in body["componentStatus"]] == ["api", "db", "worker"]
    assert body["componentStatus"][1]["id"] == down
    assert body["truncated"] == []


async def test_more_rows_than_are_shown_are_told_and_those_pointed_at_come_first(
    rest: httpx.AsyncClient, database: Database, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = world["bundle"][2]
    failed = [
        await add(database, GATE, bundle_id=bundle, gate="uat", result=result, source_key=f"uat/{n}")
        for n, result in enumerate(("passed", "failed", "passed"))
    ][1]
    monkeypatch.setattr("app.readmodels.readiness.ROW_LIMIT", 2)
    body = (await rest.get(PATH, params={"bundle": bundle})).json()
    assert len(body["gateResults"]) == 2
    assert failed in [row["id"] for row in body["gateResults"]]
    assert body["truncated"] == ["gateResults"]


@pytest.mark.parametrize("width", [1, 4])
async def test_statements_do_not_grow_with_the_number_of_bundles(
    dsn: str, opened: Opened, database: Database, width: int
) -> None:
    for number in range(width):
        bundle = await add(database, BUNDLE, product=f"product-{number}")
        await add(database, ITEM, bundle_id=bundle)
    async with opened(dsn) as http:
        with statement_log() as log:
            body = (await http.get(PATH, params={"environment": "staging"})).json()
    assert len(body["verdict"]["bundles"]) == width
    # the time, the newest bundles, their items, gates, invariants, guards, platform guards, components, what causes
    # told of those; then the rows
    assert len(log.statements) == 9 + 4


@pytest.mark.parametrize(
    ("asked", "status", "told"),
    [
        ({}, 400, "name one"),
        ({"profile": "standard"}, 400, "name one"),
        ({"environment": ""}, 400, "environment must have 1 to 500 characters"),
        ({"bundle": "no/such/bundle"}, 404, "no/such/bundle"),
        ({"bundle": "release/portal/1.0.0", "environment": "production"}, 400, "has the environment staging"),
        ({"environment": "staging", "asOf": "2999-01-01T00:00:00Z"}, 400, "future"),
        ({"environment": "staging", "limit": "5"}, 400, "unknown parameter 'limit'"),
    ],
)
async def test_wrong_questions_are_refused_by_name(
    rest: httpx.AsyncClient, asked: dict[str, str], status: int, told: str
) -> None:
    answered = await rest.get(PATH, params=asked)
    assert answered.status_code == status
    assert told in answered.json()["detail"]
