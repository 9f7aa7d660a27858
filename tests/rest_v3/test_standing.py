"""What came late is on no list but history's; what is of another commit says so; both as the contract has it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest

from app.db.pool import Database
from app.readmodels.nouns import BUNDLE, GATE, GUARD, INVARIANT, ITEM
from app.rest_v3.contract import BASE
from tests.rest_v3.conftest import Opened
from tests.rows import add

LISTS = {"items": ITEM, "gateResults": GATE, "invariantResults": INVARIANT, "guardSummaries": GUARD}
FOREIGN = "commit bbbb222, not aaaaaaa"
URL = 'https://ci.example.org/runs/7?a=1&b="2"'

Made = Mapping[str, Mapping[str, str]]


@pytest.fixture
async def made(database: Database) -> Made:
    """A bundle with a row of each noun that counts, one that came late and one of another commit, by list."""
    bundle = await add(database, BUNDLE, bundle_key="k")
    found: dict[str, dict[str, str]] = {"bundle": {"id": bundle}}
    for name, noun in LISTS.items():
        said: dict[str, Any] = {} if noun is INVARIANT else {"subject": "portal", "url": URL}
        own = await add(database, noun, bundle_id=bundle, source_key="k", run="7", job="unit", **said)
        late = await add(database, noun, bundle_id=bundle, source_key="k", late=True, result="failed")
        foreign = await add(database, noun, bundle_id=bundle, source_key="k~b", mismatched=FOREIGN)
        found[name] = {"own": own, "late": late, "foreign": foreign}
    return found


@pytest.fixture
async def http(dsn: str, opened: Opened, made: Made) -> AsyncIterator[httpx.AsyncClient]:
    async with opened(dsn) as client:
        yield client


async def get(http: httpx.AsyncClient, path: str, **params: str) -> Any:
    response = await http.get(f"{BASE}{path}", params=params)
    assert response.status_code == 200, response.text
    return response.json()


def ids(rows: list[dict[str, Any]]) -> set[str]:
    return {row["id"] for row in rows}


@pytest.mark.parametrize("as_of", [False, True])
async def test_what_came_late_is_listed_in_history_alone(
    http: httpx.AsyncClient, made: Made, database: Database, as_of: bool
) -> None:
    then = (await database.fetchval("SELECT clock_timestamp()")).isoformat()
    at = {"asOf": then} if as_of else {}
    path = f"/evidence/bundles/{made['bundle']['id']}"
    whole = await get(http, path, **at)
    verdict = await get(http, "/status/readiness", bundle="k", **at)
    for name in ("items", "gateResults", "invariantResults"):
        assert ids(whole[name]) == {made[name]["own"], made[name]["foreign"]}, name
    for name in ("gateResults", "invariantResults", "guardSummaries"):
        assert ids(verdict[name]) == {made[name]["own"], made[name]["foreign"]}, name
    for listed, name in ((f"{path}/items", "items"), ("/guards/reports", "guardSummaries")):
        now, history = await get(http, listed, **at), await get(http, listed, includeSuperseded="true", **at)
        assert ids(now["data"]) == {made[name]["own"], made[name]["foreign"]}
        told = {row["id"]: row for row in history["data"]}
        assert told.keys() == set(made[name].values())
        late = told[made[name]["late"]]
        assert (late["late"], late["superseded"], late["supersedesId"]) == (True, False, None)
        assert told[made[name]["foreign"]]["mismatched"] == FOREIGN
        own = told[made[name]["own"]]
        assert (own["late"], own["mismatched"], own["confirms"]) == (False, "", False)
        assert (own["run"], own["job"], own["subject"], own["url"]) == ("7", "unit", "portal", URL)


async def test_a_late_item_by_id_says_so(http: httpx.AsyncClient, made: Made) -> None:
    row = await get(http, f"/evidence/items/{made['items']['late']}")
    assert (row["late"], row["superseded"], row["result"]) == (True, False, "failed")
