"""A bundle is found by its id or its key, whatever letters the key has, and its links lead back to it."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest

from app.db.pool import Database
from app.readmodels.nouns import BUNDLE, ITEM
from app.rest_v3.contract import BASE
from tests.rest_v3.conftest import Opened
from tests.rows import add, retract, supersede

KEYS = (
    "plain", "release/portal/2.14.0-rc.3", "with space", "zürich/日本/😀", "what?", "100%", "100%25", "a%2Fb", "a+b",
    "a&b=c", "#1", "semi;colon,comma", "it's \"quoted\"", "<b>", "back\\slash", "a//b", "/leading", "trailing/",
    "a/items", "items", "a/items/items", "a/items/b", "[x]{y}|z^`", "~tilde.-_", "%", "%zz", "line\u2028break",
    "x" * 300,
    "0198c5a27d5e7cc39c1e0f6f0e3b2a11", "{0198c5a2-7d5e-7cc3-9c1e-0f6f0e3b2a11}",
    "0198c5a2-7d5e-7cc3-9c1e-0f6f0e3b2a11",
)  # fmt: skip


@pytest.fixture
async def bundles(database: Database) -> dict[str, str]:
    """A bundle for every key, with two items; ids by key."""
    made = {}
    for key in KEYS:
        made[key] = await add(database, BUNDLE, bundle_key=key)
        for _ in range(2):
            await add(database, ITEM, bundle_id=made[key])
    return made


async def test_a_bundle_is_found_by_its_key(dsn: str, opened: Opened, bundles: dict[str, str]) -> None:
    async with opened(dsn) as http:
        for key, row_id in bundles.items():
            by_id = await http.get(f"{BASE}/evidence/bundles/{row_id}")
            assert by_id.json()["bundleKey"] == key
            spelled = [quote(key, safe="")]
            if not key.endswith("/items"):
                spelled.append(quote(key, safe="/"))
            for path in spelled:
                found = await http.get(f"{BASE}/evidence/bundles/{path}")
                assert found.status_code == 200, (key, path, found.text)
                assert found.content == by_id.content, key


async def test_its_items_are_found_and_paged_by_its_key(dsn: str, opened: Opened, bundles: dict[str, str]) -> None:
    async with opened(dsn) as http:
        for key, row_id in bundles.items():
            for path in (quote(key, safe=""), quote(key, safe="/")):
                first = await http.get(f"{BASE}/evidence/bundles/{path}/items", params={"limit": 1})
                assert first.status_code == 200, (key, path, first.text)
                second = await http.get(first.links["next"]["url"])
                rows = first.json()["data"] + second.json()["data"]
                assert {row["bundleId"] for row in rows} == {row_id}, key
                assert len({row["id"] for row in rows}) == 2
                assert second.json()["nextCursor"] is None


async def test_a_raw_slash_before_items_means_the_list(dsn: str, opened: Opened, database: Database) -> None:
    owner = await add(database, BUNDLE, bundle_key="a")
    namesake = await add(database, BUNDLE, bundle_key="a/items")
    item = await add(database, ITEM, bundle_id=owner)
    async with opened(dsn) as http:
        assert [row["id"] for row in (await http.get(f"{BASE}/evidence/bundles/a/items")).json()["data"]] == [item]
        for encoded in ("a%2Fitems", "a%2fitems"):
            assert (await http.get(f"{BASE}/evidence/bundles/{encoded}")).json()["id"] == namesake
        assert (await http.get(f"{BASE}/evidence/bundles/a%2Fitems/items")).json()["data"] == []
        assert (await http.get(f"{BASE}/evidence/bundles/a/items/items")).json()["data"] == []


async def test_keys_are_filters_too(dsn: str, opened: Opened, bundles: dict[str, str]) -> None:
    async with opened(dsn) as http:
        page = (await http.get(f"{BASE}/evidence/bundles", params={"bundleKey": list(KEYS), "limit": 500})).json()
        assert {row["bundleKey"]: row["id"] for row in page["data"]} == bundles
        for key in KEYS:
            reports = await http.get(f"{BASE}/guards/reports", params={"bundle": key})
            assert reports.json()["data"] == []


async def test_an_id_goes_before_a_key_that_looks_like_it(dsn: str, opened: Opened, database: Database) -> None:
    first = await add(database, BUNDLE, bundle_key="first")
    await add(database, BUNDLE, bundle_key=first)
    async with opened(dsn) as http:
        assert (await http.get(f"{BASE}/evidence/bundles/{first}")).json()["bundleKey"] == "first"


async def test_unknown_bundles_are_not_found(dsn: str, opened: Opened, bundles: dict[str, str]) -> None:
    async with opened(dsn) as http:
        for path in ("PLAIN", "plain/", "with%2520space", "release/portal", "plain%20", "%F0%9F%98", "a%2F%2Fb%2F"):
            for more in ("", "/items"):
                answer: httpx.Response = await http.get(f"{BASE}/evidence/bundles/{path}{more}")
                assert answer.status_code == 404, path
                assert answer.json()["field"] == "bundleId"


async def test_a_key_means_its_latest_revision_by_then(dsn: str, opened: Opened, database: Database) -> None:
    first = await add(database, BUNDLE, bundle_key="k", title="one")
    second = await supersede(database, BUNDLE, first, title="two")
    then = await database.fetchval("SELECT recorded_at FROM platform_evidence_bundles WHERE id = $1", first)
    gone = await add(database, BUNDLE, bundle_key="gone")
    withdrawn = await retract(database, BUNDLE, gone)
    async with opened(dsn) as http:
        path = f"{BASE}/evidence/bundles/k"
        assert (await http.get(path)).json()["id"] == second
        old = (await http.get(path, params={"asOf": then.isoformat()})).json()
        assert (old["id"], old["superseded"]) == (first, False)
        assert (await http.get(f"{BASE}/evidence/bundles/{first}")).json()["superseded"] is True
        before = await http.get(path, params={"asOf": "2020-01-01T00:00:00Z"})
        assert before.status_code == 404
        shown = (await http.get(f"{BASE}/evidence/bundles/gone")).json()
        assert (shown["id"], shown["retracted"]) == (withdrawn, True)
