"""Following Link rel="next" to its end gives the whole list, once each, whatever arrives meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from app.db.pool import Database
from app.readmodels.nouns import BUNDLE, COMPONENT, GUARD, ITEM
from app.rest_v3.contract import BASE
from tests.rest_v3.conftest import Opened
from tests.rows import START, add, supersede

Meanwhile = Callable[[], Awaitable[None]]


async def whole(http: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    """The list on one page."""
    page = (await http.get(f"{path}{'&' if '?' in path else '?'}limit=500")).json()
    assert page["nextCursor"] is None
    rows: list[dict[str, Any]] = page["data"]
    return rows


async def followed(
    http: httpx.AsyncClient, path: str, limit: int, meanwhile: Meanwhile | None = None
) -> list[dict[str, Any]]:
    """The list page by page, by the Link header alone."""
    rows: list[dict[str, Any]] = []
    url = f"{path}{'&' if '?' in path else '?'}limit={limit}"
    for _ in range(200):
        response = await http.get(url)
        page = response.json()
        rows += page["data"]
        following = response.links.get("next", {}).get("url")
        assert (following is None) == (page["nextCursor"] is None)
        if following is None:
            return rows
        assert len(page["data"]) == limit
        assert parse_qs(urlsplit(following).query)["cursor"] == [page["nextCursor"]]
        assert urlsplit(following).path == urlsplit(str(response.url)).path
        url = following
        if meanwhile is not None:
            await meanwhile()
    raise AssertionError("the pages do not end")


@pytest.fixture
async def lists(database: Database) -> dict[str, str]:
    """Lists of 11 to 23 rows, many of them with equal sort values or none, by name."""
    owner = await add(database, BUNDLE, bundle_key="owner/of rows", environment="zürich & more")
    for n in range(10):
        await add(database, BUNDLE, environment="zürich & more")
        await add(database, ITEM, bundle_id=owner, evidence_type=("ci", "uat")[n % 2])
        await supersede(database, ITEM, await add(database, ITEM, bundle_id=owner))
        await add(database, GUARD, bundle_id=owner, generated_at=None if n % 3 else START)
        await add(database, GUARD, guard="platform", generated_at=START + timedelta(hours=n // 4))
        for component in ("same", f"c{n % 4}"):
            await add(database, COMPONENT, environment=f"e{n}", component=component, observed_at=START)
    return {
        "bundles": f"{BASE}/evidence/bundles",
        "bundles of an environment": f"{BASE}/evidence/bundles?environment=z%C3%BCrich+%26+more&environment=x",
        "items": f"{BASE}/evidence/bundles/{owner}/items",
        "items by key": f"{BASE}/evidence/bundles/owner/of%20rows/items?evidenceType=ci&includeSuperseded=true",
        "components": f"{BASE}/status/components",
        "snapshots": f"{BASE}/status/components?latest=false",
        "guard reports": f"{BASE}/guards/reports",
        "guard reports of a bundle": f"{BASE}/guards/reports?bundle=owner/of+rows",
    }


NAMES = (
    "bundles", "bundles of an environment", "items", "items by key", "components", "snapshots", "guard reports",
    "guard reports of a bundle",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
async def test_pages_followed_are_the_whole_list(dsn: str, opened: Opened, lists: dict[str, str], name: str) -> None:
    async with opened(dsn) as http:
        rows = await whole(http, lists[name])
        assert len(rows) > 8
        assert len({row["id"] for row in rows}) == len(rows)
        for limit in (1, 3, len(rows) - 1, len(rows), len(rows) + 1):
            assert await followed(http, lists[name], limit) == rows, limit


async def arrivals(database: Database) -> Meanwhile:
    """Adds a row to every list, before and after the place where a reader may be."""
    owner = await database.fetchval("SELECT id::text FROM platform_evidence_bundles WHERE bundle_key = 'owner/of rows'")

    async def arrive() -> None:
        await add(database, BUNDLE, environment="zürich & more")
        await add(database, ITEM, bundle_id=owner, evidence_type="ci")
        for generated_at in (START - timedelta(days=1), START + timedelta(days=1), None):
            await add(database, GUARD, bundle_id=owner, generated_at=generated_at)
        for component in ("a-first", "z-last"):
            await add(database, COMPONENT, component=component, environment="new", observed_at=START)

    return arrive


@pytest.mark.parametrize("name", NAMES)
async def test_rows_that_arrive_shift_nothing(
    dsn: str, opened: Opened, lists: dict[str, str], database: Database, name: str
) -> None:
    async with opened(dsn) as http:
        before = [row["id"] for row in await whole(http, lists[name])]
        seen = [row["id"] for row in await followed(http, lists[name], 4, await arrivals(database))]
        after = [row["id"] for row in await whole(http, lists[name])]
    assert len(set(seen)) == len(seen), "a row came twice"
    assert [row_id for row_id in seen if row_id in before] == before
    assert set(seen) <= set(after)


async def test_a_bundle_that_moves_is_missed_unless_as_of_holds_it(
    dsn: str, opened: Opened, database: Database
) -> None:
    """The order is by updatedAt, which moves; the contract says so."""
    made = [await add(database, BUNDLE) for _ in range(4)]
    moment = await database.fetchval("SELECT clock_timestamp()")
    path = f"{BASE}/evidence/bundles"
    held = f"{path}?asOf={moment.isoformat().replace('+', '%2B')}"

    async def move() -> None:
        await add(database, ITEM, bundle_id=made[0])

    async with opened(dsn) as http:
        moving = [row["id"] for row in await followed(http, path, 2, move)]
        assert moving == [made[3], made[2], made[1]]
        assert [row["id"] for row in await followed(http, held, 2, move)] == made[::-1]


@pytest.mark.parametrize("name", NAMES)
async def test_as_of_holds_a_list_still(
    dsn: str, opened: Opened, lists: dict[str, str], database: Database, name: str
) -> None:
    moment = await database.fetchval("SELECT clock_timestamp()")
    path = f"{lists[name]}{'&' if '?' in lists[name] else '?'}asOf={moment.isoformat().replace('+', '%2B')}"
    async with opened(dsn) as http:
        before = await whole(http, path)
        assert await followed(http, path, 4, await arrivals(database)) == before
        assert await whole(http, path) == before
        assert await whole(http, lists[name]) != before


async def test_a_link_keeps_the_question(dsn: str, opened: Opened, lists: dict[str, str]) -> None:
    async with opened(dsn) as http:
        first = await http.get(f"{lists['bundles of an environment']}&limit=2")
        asked = parse_qs(urlsplit(first.links["next"]["url"]).query)
        assert asked["environment"] == ["zürich & more", "x"]
        assert asked["limit"] == ["2"]
        second = await http.get(first.links["next"]["url"])
        assert len(parse_qs(urlsplit(second.links["next"]["url"]).query)["cursor"]) == 1


async def test_an_empty_list_is_a_page(dsn: str, opened: Opened) -> None:
    async with opened(dsn) as http:
        for path in ("/evidence/bundles", "/status/components", "/guards/reports"):
            response = await http.get(f"{BASE}{path}")
            assert response.json() == {"data": [], "nextCursor": None}
            assert "link" not in response.headers


async def test_a_bundle_says_which_lists_it_cuts(
    dsn: str, opened: Opened, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await add(database, BUNDLE)
    items = [await add(database, ITEM, bundle_id=owner) for _ in range(4)]
    monkeypatch.setattr("app.rest_v3.routes.DETAIL_ROWS", 3)
    async with opened(dsn) as http:
        cut = (await http.get(f"{BASE}/evidence/bundles/{owner}")).json()
        assert [item["id"] for item in cut["items"]] == items[:3]
        assert cut["truncated"] == ["items"]
    monkeypatch.setattr("app.rest_v3.routes.DETAIL_ROWS", 4)
    async with opened(dsn) as http:
        assert (await http.get(f"{BASE}/evidence/bundles/{owner}")).json()["truncated"] == []
