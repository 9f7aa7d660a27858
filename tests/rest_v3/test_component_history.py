"""How components and environments did, over both faces: equal to each other, and to a count of minutes of raw rows."""

from __future__ import annotations

import bisect
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from app.db.pool import Database, statement_log
from app.domain.components import ComponentState
from app.readmodels.nouns import COMPONENT
from app.rest_v3.contract import BASE
from tests.rest_v3.conftest import Opened
from tests.rest_v3.faces import selected, shared
from tests.rows import add, retract, supersede
from tests.web import ask, data

ENVIRONMENTS = f"{BASE}/status/environments"
MINUTE = timedelta(minutes=1)
FRESH = 15
"""Minutes that a snapshot holds by the default policy."""
NAMES = ("api", "ü/worker 1", "batch", "rare")

_DAILY = selected("V3PlatformComponentHistory").replace("daily {", "daily(days: $days) {")
HEALTH = (
    "query($environment: String!, $component: String!, $days: Int!, $asOf: DateTime) {"
    " componentStatuses(filter: {environment: {eq: $environment}, component: {eq: $component}}, asOf: $asOf) {"
    f" nodes {{ {selected('V3PlatformComponentStatus')} health {{ {_DAILY} }} }} }} }}"
)
ROLLED_UP = (
    "query($environments: [String!], $asOf: DateTime) { environmentStatuses(environments: $environments, asOf: $asOf) {"
    f" {selected('V3PlatformEnvironmentStatus')} }} }}"
)


async def refusal(http: httpx.AsyncClient, query: str, **variables: Any) -> dict[str, Any]:
    """The one error of a GraphQL answer."""
    [error] = (await ask(http, query, **variables))["errors"]
    found: dict[str, Any] = error
    return found


def path_of(environment: str, component: str) -> str:
    """Where REST has a component's history."""
    return f"{BASE}/status/components/{quote(environment, safe='')}/{quote(component, safe='')}/history"


@pytest.fixture
async def base(database: Database) -> datetime:
    """The time that all snapshots are minutes before."""
    found: datetime = await database.fetchval("SELECT clock_timestamp()")
    return found


@pytest.fixture
async def watched(database: Database, base: datetime) -> None:
    """Components with every state, gaps, silence, corrections and withdrawals, all at whole minutes before `base`."""
    dice = random.Random(4)  # noqa: S311 - the same dice every time
    states = [*ComponentState, *[ComponentState.OPERATIONAL] * 3]

    async def put(environment: str, component: str, back: int) -> str:
        status = dice.choice(states).value
        at = base - back * MINUTE
        return await add(
            database, COMPONENT, environment=environment, component=component, status=status, observed_at=at
        )

    for component in NAMES[:3]:
        for back in dice.sample(range(1, 180), 14) + dice.sample(range(180, 3 * 1440), 12):
            made = await put("staging", component, back)
            if dice.random() < 0.15:
                made = await supersede(
                    database, COMPONENT, made, status="major_outage", observed_at=base - back * MINUTE
                )
            if dice.random() < 0.15:
                await retract(database, COMPONENT, made)
    await add(database, COMPONENT, environment="staging", component="api", status="partial_outage", observed_at=base)
    await put("staging", "rare", 60 * 24 * 40)
    for back in (3, 9):
        await add(database, COMPONENT, environment="production", component="api", observed_at=base - back * MINUTE)


@pytest.fixture
async def http(dsn: str, opened: Opened, watched: None) -> AsyncIterator[httpx.AsyncClient]:
    """The app over what was watched."""
    async with opened(dsn) as made:
        yield made


async def moments(database: Database, count: int) -> list[datetime]:
    """Some times at which a snapshot was recorded, and now."""
    rows = await database.fetch(f"SELECT recorded_at AS at FROM {COMPONENT.table} ORDER BY 1")
    last = await database.fetchval("SELECT clock_timestamp()")
    return [*(row["at"] for row in rows[5 :: len(rows) // count]), last]


def of_node(rest: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """GraphQL's object in the shape of a REST schema."""
    return lambda node: {value.name: value.of_node(node) for value in shared(rest)}


async def test_both_faces_tell_the_same_history(http: httpx.AsyncClient, database: Database) -> None:
    ratios: set[float | None] = set()
    for place, moment in enumerate(await moments(database, 3)):
        days = (90, 1, 7)[place % 3]
        for environment, component in [*(("staging", name) for name in NAMES), ("production", "api")]:
            asked = {"asOf": moment.isoformat(), "days": str(days)}
            answer = await http.get(path_of(environment, component), params=asked)
            variables = {"environment": environment, "component": component, "days": days, "asOf": asked["asOf"]}
            nodes = (await data(http, HEALTH, **variables))["componentStatuses"]["nodes"]
            if answer.status_code == 404:
                assert nodes == []
                continue
            told = answer.json()
            assert told.pop("snapshot") == of_node("V3PlatformComponentStatus")(nodes[0])
            assert told == of_node("V3PlatformComponentHistory")(nodes[0]["health"])
            assert len(told["daily"]) == days
            ratios |= {each["ratio"] for each in told["uptimes"]}
    assert None in ratios
    assert len(ratios) > 5, "all the same: this proves nothing"


async def test_both_faces_tell_the_same_of_environments(http: httpx.AsyncClient, database: Database) -> None:
    states = set()
    for moment in await moments(database, 4):
        for names in (None, ["production", "nowhere"], ["staging"]):
            as_of = moment.isoformat()
            asked: dict[str, Any] = {"asOf": as_of} | ({} if names is None else {"environment": names})
            told = (await http.get(ENVIRONMENTS, params=asked)).json()["data"]
            found = (await data(http, ROLLED_UP, environments=names, asOf=as_of))["environmentStatuses"]
            assert told == [of_node("V3PlatformEnvironmentStatus")(each) for each in found]
            if names is not None:
                assert [each["environment"] for each in told] == names
            for each in told:
                counted = Counter(component["status"] for component in each["components"])
                assert {count["status"]: count["count"] for count in each["countsByStatus"]} == counted
                states.add(each["status"])
    assert len(states) > 1


async def raw(database: Database) -> dict[str, list[tuple[datetime, str]]]:
    """When each component of staging changed to what, of rows that nothing replaced and nobody withdrew."""
    rows = await database.fetch(
        f"SELECT * FROM {COMPONENT.table} WHERE environment = 'staging' ORDER BY observed_at, id"
    )
    replaced = {row["supersedes_id"] for row in rows}
    found: dict[str, list[tuple[datetime, str]]] = {name: [] for name in NAMES}
    for row in rows:
        if row["id"] not in replaced and not row["retracted"]:
            found[row["component"]].append((row["observed_at"], row["status"]))
    return found


async def test_uptime_is_that_of_raw_snapshots_to_the_minute(
    http: httpx.AsyncClient, database: Database, base: datetime
) -> None:
    """Minute by minute, from the rows themselves."""
    minutes = {"1h": 60, "24h": 1440, "7d": 10_080, "30d": 43_200}
    down = {"major_outage": 60, "partial_outage": 30}
    with_data = 0
    for name, changes in (await raw(database)).items():
        times = [moment for moment, _ in changes]

        def state(back: int, times: list[datetime] = times, changes: list[tuple[datetime, str]] = changes) -> str:
            moment = base - back * MINUTE
            place = bisect.bisect_right(times, moment) - 1
            stale = place < 0 or moment - times[place] >= FRESH * MINUTE
            return "unknown" if stale else changes[place][1]

        seen = [state(back) for back in range(minutes["30d"], 0, -1)]
        told = (await http.get(path_of("staging", name), params={"days": "2"})).json()
        late = (datetime.fromisoformat(told["uptimes"][0]["end"]) - base).total_seconds()
        assert late >= 0
        for each in told["uptimes"]:
            part = Counter(seen[-minutes[each["window"]] :])
            # What lies between `base` and the time of asking is in one and not in the other, at either end.
            assert abs(each["downSeconds"] - sum(part[word] * weight for word, weight in down.items())) <= 60 + late
            assert abs(each["noDataSeconds"] - part["unknown"] * 60) <= 60 + late
            known = part.total() - part["unknown"]
            assert abs(each["knownSeconds"] - known * 60) <= 60 + late
            with_data += bool(known)
        today, yesterday = told["daily"][1], told["daily"][0]
        assert today["start"] == yesterday["end"]
        begins = datetime.fromisoformat(yesterday["start"])
        whole = Counter(
            state(back)
            for back in range(int((base - begins) / MINUTE), 0, -1)
            if base - back * MINUTE < datetime.fromisoformat(yesterday["end"])
        )
        assert abs(yesterday["noDataSeconds"] - whole["unknown"] * 60) <= 120
        assert abs(yesterday["downSeconds"] - sum(whole[word] * weight for word, weight in down.items())) <= 120
    assert with_data > 4


async def test_without_a_time_it_is_now_by_the_clock_of_the_database(
    http: httpx.AsyncClient, database: Database
) -> None:
    before = await database.fetchval("SELECT clock_timestamp()")
    rest = (await http.get(path_of("staging", "api"))).json()
    variables = {"environment": "staging", "component": "api", "days": 90}
    [node] = (await data(http, HEALTH, **variables))["componentStatuses"]["nodes"]
    after = await database.fetchval("SELECT clock_timestamp()")
    for told in (rest, node["health"]):
        ends = {each["end"] for each in told["uptimes"]} | {told["daily"][-1]["end"]}
        assert len(ends) == 1, "one answer has one time"
        assert before <= datetime.fromisoformat(ends.pop()) <= after
        assert len(told["daily"]) == 90
        assert told["daily"][-1]["date"] == after.astimezone(UTC).date().isoformat()
    assert rest["status"] == "partial_outage"
    assert rest["fresh"]


async def test_what_was_is_not_changed_by_what_comes(http: httpx.AsyncClient, database: Database) -> None:
    moment = await database.fetchval("SELECT clock_timestamp()")
    urls = [path_of("staging", "api"), ENVIRONMENTS]
    first = [await http.get(url, params={"asOf": moment.isoformat()}) for url in urls]
    now = [(await http.get(url)).json() for url in urls]
    row = first[0].json()["snapshot"]
    later = await supersede(database, COMPONENT, row["id"], status="operational", observed_at=moment)
    await add(database, COMPONENT, component="api", status="major_outage", observed_at=moment - timedelta(hours=3))
    for url, before in zip(urls, first, strict=True):
        again = await http.get(url, params={"asOf": moment.isoformat()})
        assert again.content == before.content
        assert again.headers["etag"] == before.headers["etag"]
        held = {"if-none-match": before.headers["etag"]}
        assert (await http.get(url, params={"asOf": moment.isoformat()}, headers=held)).status_code == 304
    assert (await http.get(urls[0])).json()["snapshot"]["id"] == later
    assert [(await http.get(url)).json() for url in urls] != now


async def test_a_snapshot_goes_stale_and_its_environment_with_it(http: httpx.AsyncClient, database: Database) -> None:
    query = (
        '{ componentStatuses(filter: {component: {eq: "%s"}}) { nodes { status health { status fresh freshUntil } } } }'
    )
    old = datetime.now(UTC) - timedelta(minutes=FRESH + 1)
    await add(database, COMPONENT, environment="quiet", component="stale", observed_at=old)
    [node] = (await data(http, query % "stale"))["componentStatuses"]["nodes"]
    assert node["status"] == "OPERATIONAL"
    until = datetime.fromisoformat(node["health"].pop("freshUntil"))
    assert until == old + timedelta(minutes=FRESH)
    assert node["health"] == {"status": "UNKNOWN", "fresh": False}
    told = (await http.get(path_of("quiet", "stale"))).json()
    assert (told["status"], told["fresh"], told["snapshot"]["status"]) == ("unknown", False, "operational")
    [quiet] = (await http.get(ENVIRONMENTS, params={"environment": "quiet"})).json()["data"]
    assert quiet["status"] == "unknown"
    assert quiet["components"][0]["lastStatus"] == "operational"
    await add(database, COMPONENT, environment="quiet", component="stale", status="degraded_performance",
              observed_at=datetime.now(UTC))  # fmt: skip
    [quiet] = (await http.get(ENVIRONMENTS, params={"environment": "quiet"})).json()["data"]
    assert (quiet["status"], quiet["countsByStatus"]) == (
        "degraded_performance",
        [{"status": "degraded_performance", "count": 1}],
    )


async def test_wrong_questions_are_refused_alike(http: httpx.AsyncClient) -> None:
    for days in ("0", "91", "-1", "ten"):
        refused = await http.get(path_of("staging", "api"), params={"days": days})
        assert refused.status_code == 400
        assert refused.json()["field"] == "days"
    variables = {"environment": "staging", "component": "api"}
    for number in (0, 91, -1):
        error = await refusal(http, HEALTH, **variables, days=number)
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert "days must lie between 1 and 90" in error["message"]
    for environment, component in (("staging", "none"), ("none", "api"), ("staging", "API")):
        absent = await http.get(path_of(environment, component))
        assert absent.status_code == 404
        assert absent.json()["field"] == "component"
    error = await refusal(http, ROLLED_UP, environments=["e"] * 501)
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    many = await http.get(ENVIRONMENTS, params={"environment": ["e"] * 501})
    assert many.json()["field"] == "environment"
    error = await refusal(http, ROLLED_UP, asOf="2999-01-01T00:00:00Z")
    assert "future" in error["message"]
    wide = "{ componentStatuses(first: 500) { nodes { health { uptimes { ratio } } } } }"
    error = await refusal(http, wide)
    assert error["extensions"]["code"] == "OPERATION_TOO_LARGE"


@pytest.mark.parametrize("width", [1, 6])
async def test_statements_do_not_grow_with_the_number_of_components(
    dsn: str, opened: Opened, database: Database, base: datetime, width: int
) -> None:
    for number in range(width):
        await add(database, COMPONENT, environment="wide", component=f"c{number}", observed_at=base)
    async with opened(dsn) as http:
        with statement_log() as log:
            told = (await data(http, ROLLED_UP, environments=["wide"]))["environmentStatuses"][0]
        # the time, the latest snapshots, what causes told, the rows
        assert len(log.statements) == 4, log.statements
        assert len(told["components"]) == width
        with statement_log() as log:
            query = '{ environmentStatuses(environments: ["wide"]) { components { health { uptimes { ratio } daily { ratio } } } } }'  # noqa: E501
            await data(http, query)
        assert len(log.statements) == 8  # windows and days, each with what causes told
        with statement_log() as log:
            assert len((await http.get(ENVIRONMENTS)).json()["data"][0]["components"]) == width
        assert len(log.statements) == 4  # the time, the environments, the latest snapshots, what causes told
        with statement_log() as log:
            assert (await http.get(path_of("wide", "c0"))).status_code == 200
        # the time, the latest snapshot, what causes told, its row, and that of windows and days as well
        assert len(log.statements) == 8


async def test_answers_that_hang_on_the_clock_come_from_no_cache(http: httpx.AsyncClient) -> None:
    query = '{ componentStatuses(filter: {component: {eq: "api"}}) { nodes { health { uptimes { end } } } } }'
    told = []
    for _ in range(3):
        answer = await http.post("/graphql", json={"query": query})
        assert answer.headers["x-evidence-path"].startswith("resolvers")
        told.append(answer.json()["data"]["componentStatuses"]["nodes"][0]["health"]["uptimes"][0]["end"])
    assert told == sorted(set(told)), "each later than the one before"
