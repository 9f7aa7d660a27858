"""ETag and If-None-Match (RFC 9110, sections 8.8.3 and 13.1.2), and HEAD as GET without a body."""

from __future__ import annotations

import httpx
import pytest

from app.db.pool import Database
from app.readmodels.nouns import ITEM
from app.rest_v3.contract import BASE
from tests.rest_v3.conftest import Opened, World
from tests.rest_v3.test_contract import ABSENT, NEEDED, NO_ID, PATHS
from tests.rest_v3.test_parameters import path_of
from tests.rows import add

PASSING = ("x-request-id",)


def stable(response: httpx.Response) -> dict[str, str]:
    """The headers that two answers to one question share."""
    return {name: value for name, value in response.headers.items() if name not in PASSING}


@pytest.mark.parametrize("operation", list(PATHS))
async def test_head_has_the_headers_of_get(rest: httpx.AsyncClient, world: World, operation: str) -> None:
    path = path_of(operation, world)
    for more in ({}, {"limit": "1"}, {"limit": "0"}, {"colour": "red"}):
        params = NEEDED.get(operation, {}) | more
        for headers in ({}, {"if-none-match": "*"}):
            get = await rest.get(path, params=params, headers=headers)
            head = await rest.head(path, params=params, headers=headers)
            assert (head.status_code, stable(head)) == (get.status_code, stable(get)), (params, headers)
            assert head.content == b""
            if get.status_code != 304:
                assert int(head.headers["content-length"]) == len(get.content) > 0


@pytest.mark.parametrize("operation", list(PATHS))
async def test_what_the_client_holds_is_not_sent_again(rest: httpx.AsyncClient, world: World, operation: str) -> None:
    path = str(httpx.URL(path_of(operation, world), params=NEEDED.get(operation, {})))
    first = await rest.get(path)
    tag = first.headers["etag"]
    assert (await rest.get(path)).headers["etag"] == tag
    held = (
        tag, f"W/{tag}", f'"other", {tag}', f'"other",{tag},"more"', f'W/"a,b" , W/{tag}', " * ", f"\t{tag} ",
        f'"", {tag}',
    )  # fmt: skip
    for given in held:
        response = await rest.get(path, headers={"if-none-match": given})
        assert response.status_code == 304, given
        assert response.content == b""
        for name in ("etag", "cache-control", "vary"):
            assert response.headers[name] == first.headers[name]
        assert "link" not in response.headers
    bare, shorter = tag.strip('"'), tag[:-2] + '"'
    for given in ("", '"other"', bare, shorter, f'"{bare}, x"', "**", '"*"', "W/*"):
        response = await rest.get(path, headers={"if-none-match": given})
        assert response.status_code == 200, given
        assert response.content == first.content
    several = [("if-none-match", '"other"'), ("if-none-match", tag)]
    assert (await rest.get(path, headers=several)).status_code == 304, "a list may come in several lines"


async def test_tags_follow_the_content(rest: httpx.AsyncClient, database: Database, world: World) -> None:
    bundle = f"{BASE}/evidence/bundles/{world['bundle'][0]}"
    paths = [bundle, f"{bundle}/items", f"{BASE}/evidence/bundles", f"{BASE}/evidence/bundles?limit=1"]
    tags = [(await rest.get(path)).headers["etag"] for path in paths]
    assert len(set(tags)) == len(tags)
    await add(database, ITEM, bundle_id=world["bundle"][0])
    for path, tag in zip(paths, tags, strict=True):
        moved = await rest.get(path, headers={"if-none-match": tag})
        assert moved.status_code == 200, path
        assert moved.headers["etag"] != tag


async def test_two_spellings_of_a_bundle_are_one_representation(rest: httpx.AsyncClient, world: World) -> None:
    by_id = await rest.get(f"{BASE}/evidence/bundles/{world['bundle'][0]}")
    by_key = await rest.get(f"{BASE}/evidence/bundles/release/portal/1.0.0")
    assert by_id.headers["etag"] == by_key.headers["etag"]
    assert by_id.content == by_key.content


async def test_problems_have_no_validators(dsn: str, opened: Opened) -> None:
    async with opened(dsn) as http:
        for path in ABSENT.values():
            response = await http.get(f"{BASE}{path}", headers={"if-none-match": "*"})
            assert response.status_code == 404
            assert "etag" not in response.headers
            assert response.headers["cache-control"] == "no-store"
        refused = await http.get(f"{BASE}/evidence/items/{NO_ID}?x=1", headers={"if-none-match": "*"})
        assert refused.status_code == 400


async def test_nobody_else_s_copy_answers(rest: httpx.AsyncClient) -> None:
    headers = (await rest.get(f"{BASE}/evidence/bundles")).headers
    assert headers["cache-control"] == "private, no-cache"
    assert "Authorization" in headers["vary"]
