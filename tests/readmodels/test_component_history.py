"""Uptime by SQL over summaries and snapshots is what the domain makes of all snapshots, however they were written."""

from __future__ import annotations

import asyncio
import itertools
import random
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from app.config import read_policy
from app.db import migrate
from app.db.pool import Database, statement_log
from app.domain.causes import standing
from app.domain.components import ComponentState
from app.domain.errors import Invalid, NotFound
from app.domain.facts import ComponentFacts, current, made_at, of_row
from app.domain.policy import parse_policy
from app.domain.uptime import days, windows
from app.readmodels.component_history import (
    Asked,
    History,
    daily,
    environment_healths,
    freshness_of,
    history,
    is_fresh,
    open_news,
    uptimes,
)
from app.readmodels.nouns import COMPONENT
from app.readmodels.predicates import Scope
from app.readmodels.rows import Reader
from tests.conftest import with_database
from tests.postgres15 import server15  # noqa: F401 - a fixture
from tests.rows import add, digest, retract, supersede

DAY = timedelta(days=1)
FRESHNESS = (None, timedelta(minutes=15), timedelta(hours=5), timedelta(days=3))
STATES = [state.value for state in ComponentState]
CAUSES = ("", "", "", "alert:1", "alert:2", "page:é")
COMPONENTS = [("staging", "api"), ("staging", "db"), ("production", "api"), ("production", "rare"), ("none", "none")]


class Snapshots:
    """Writes snapshots in any order: one by one, many in a statement, superseded, retracted, at the same time."""

    def __init__(self, database: Database, seed: int, now: datetime) -> None:
        self.database = database
        self.random = random.Random(seed)  # noqa: S311 - the same dice every time
        self.now = now
        self.heads: list[str] = []

    def values(self) -> dict[str, Any]:
        environment, component = self.random.choice(COMPONENTS[:3] * 5 + COMPONENTS[3:4])
        back = self.random.choice((0.02, 0.5, 3, 12, 100)) * DAY * self.random.random()
        if self.random.random() < 0.2:
            back = timedelta(days=self.random.randint(0, 4))  # the same moments, and midnights
        moment = self.now.replace(hour=0, minute=0, second=0, microsecond=0) if self.random.random() < 0.3 else self.now
        return {
            "environment": environment,
            "component": component,
            "status": self.random.choice([*STATES, "operational", "operational"]),
            "cause": self.random.choice(CAUSES),
            "details": {"began_at": began}
            if (began := self.random.choice(("", "", "2026-01-01", "2026-01-02")))
            else {},
            "observed_at": moment - back + timedelta(minutes=self.random.choice((0, 0, 0, 30))),
        }

    async def step(self) -> None:
        chance = self.random.random()
        if chance < 0.1 and self.heads:
            place = self.random.randrange(len(self.heads))
            same = ("environment", "component")
            values = {key: value for key, value in self.values().items() if key not in same}
            self.heads[place] = await supersede(self.database, COMPONENT, self.heads[place], **values)
        elif chance < 0.15 and self.heads:
            await retract(self.database, COMPONENT, self.heads.pop(self.random.randrange(len(self.heads))))
        elif chance < 0.3:
            await self.many()
        else:
            self.heads.append(await add(self.database, COMPONENT, **self.values()))

    async def many(self) -> None:
        """A probe that reported every few minutes, in one statement."""
        values = self.values()
        rows = await self.database.fetch(
            f"INSERT INTO {COMPONENT.table} (id, environment, component, status, observed_at, cause)"
            " SELECT gen_random_uuid(), $1, $2, $3, at, $7 FROM generate_series($4::timestamptz, $5, $6) AS at"
            " RETURNING id::text",
            values["environment"],
            values["component"],
            values["status"],
            values["observed_at"] - DAY,
            values["observed_at"],
            timedelta(minutes=self.random.choice((7, 40))),
            values["cause"],
        )
        self.heads += [row["id"] for row in rows][:3]


async def known(database: Database, as_of: datetime) -> dict[tuple[str, str], list[ComponentFacts]]:
    """All snapshots recorded by then, with no SQL to speak of."""
    listed = ", ".join(f"{COMPONENT.columns[name]} AS {name}" for name in (
        "id", "environment", "component", "status", "observed_at", "recorded_at", "supersedes_id", "retracted", "cause",
    ))  # fmt: skip
    listed += ", COALESCE(component.details ->> 'began_at', '') AS began_at"
    found: dict[tuple[str, str], list[ComponentFacts]] = {key: [] for key in COMPONENTS}
    for row in await database.fetch(f"SELECT {listed} FROM {COMPONENT.table} AS component"):
        if row["recorded_at"] <= as_of:
            found[row["environment"], row["component"]].append(of_row(ComponentFacts, row))
    return found


async def check(database: Database, moments: Sequence[datetime], freshness: Sequence[timedelta | None]) -> int:
    """Compare both ways at each time; returns how many days had data."""
    with_data = 0
    counts = itertools.cycle((90, 1, 7, 30, 2))
    for at in moments:
        facts = await known(database, at)
        for window in freshness:
            asked = [Asked(*key, window) for key in COMPONENTS]
            for key, by_sql in zip(COMPONENTS, await uptimes(database, asked, at), strict=True):
                assert by_sql == windows(facts[key], at, window), (key, at, window)
            count = next(counts)
            for key, by_day in zip(COMPONENTS, await daily(database, asked, at, count), strict=True):
                assert by_day == days(facts[key], at, window, count), (key, at, window)
                with_data += sum(bool(day.known) for day in by_day)
    return with_data


async def check_standings(database: Database, at: datetime) -> int:
    """Compare how components stand with what the domain makes of all snapshots; returns how many have open trouble."""
    facts = await known(database, at)
    healths = {
        (each.environment, health.snapshot.component): health
        for each in await environment_healths(database, Scope(), POLICY, None, at)
        for health in each.components
    }
    open_ones = 0
    for (environment, component), rows in facts.items():
        now = standing(current(rows), lambda row: is_fresh(made_at(row.observed_at, row.recorded_at), _window(row), at))
        health = healths.pop((environment, component), None)
        assert (now is None) == (health is None)
        if now is not None and health is not None:
            assert (health.snapshot.id, health.open) == (now.row.id, now.open)
            open_ones += now.open
            if now.open:
                assert await open_news(database, [now.row.id], at) == {now.row.id}
    assert not healths
    return open_ones


def _window(row: ComponentFacts) -> timedelta | None:
    return freshness_of(POLICY, row.environment, row.component)


async def moments_of(database: Database, dice: random.Random, count: int) -> list[datetime]:
    rows = await database.fetch(f"SELECT recorded_at AS at FROM {COMPONENT.table} ORDER BY 1")
    recorded = [row["at"] for row in rows]
    chosen = dice.sample(recorded, min(count, len(recorded))) if recorded else []
    last = await database.fetchval("SELECT clock_timestamp()")
    return [*chosen, last, last + timedelta(days=2)]


@pytest.mark.parametrize("seed", range(4))
async def test_sql_and_domain_agree_to_the_microsecond(database: Database, seed: int) -> None:
    now = await database.fetchval("SELECT clock_timestamp()")
    written = Snapshots(database, seed, now)
    for _ in range(120):
        await written.step()
    moments = await moments_of(database, written.random, 4)
    assert await check(database, moments, FRESHNESS) > 50
    assert sum([await check_standings(database, at) for at in moments]) > 0


async def test_the_same_on_the_oldest_postgresql(request: pytest.FixtureRequest) -> None:
    oldest = request.getfixturevalue("server15")
    name = f"evidence_history_{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(oldest)
    await admin.execute(f'CREATE DATABASE "{name}"')
    await migrate.migrate(with_database(oldest, name))
    database = await Database.connect(with_database(oldest, name))
    try:
        written = Snapshots(database, 15, await database.fetchval("SELECT clock_timestamp()"))
        for _ in range(80):
            await written.step()
        moments = await moments_of(database, written.random, 2)
        assert await check(database, moments, FRESHNESS) > 0
        assert sum([await check_standings(database, at) for at in moments]) > 0
    finally:
        await database.close()
        await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await admin.close()


async def test_summaries_are_used_and_yet_nothing_depends_on_them(database: Database) -> None:
    now = await database.fetchval("SELECT clock_timestamp()")
    written = Snapshots(database, 5, now)
    for _ in range(80):
        await written.step()
    moments = await moments_of(database, written.random, 2)
    with_them = await check(database, moments, FRESHNESS)
    summaries = int(await database.fetchval("SELECT count(*) FROM platform_status_component_days"))
    assert summaries > 20
    await database.fetch("DELETE FROM platform_status_component_days WHERE extract(day FROM day)::int % 2 = 0")
    assert await check(database, moments, FRESHNESS) == with_them
    await database.fetch("DELETE FROM platform_status_component_days")
    assert await check(database, moments, FRESHNESS) == with_them
    for _ in range(30):
        await written.step()
    assert await check(database, [moments[-1]], FRESHNESS) > 0


async def test_a_summary_that_lies_is_believed(database: Database) -> None:
    """Shows that whole days do come from their summaries."""
    now = await database.fetchval("SELECT clock_timestamp()")
    for hour in range(72):
        await add(database, COMPONENT, observed_at=now - timedelta(hours=hour, minutes=1))
    yesterday = (now - DAY).astimezone(UTC).date()
    await database.fetch(
        "UPDATE platform_status_component_days SET major_outage = operational, operational = '0' WHERE day = $1",
        yesterday,
    )
    at = await database.fetchval("SELECT clock_timestamp()")
    [by_day] = await daily(database, [Asked("staging", "api", timedelta(hours=2))], at, 3)
    assert [day.worst for day in by_day][1] is ComponentState.MAJOR_OUTAGE
    assert by_day[0].share == by_day[2].share == 1


async def test_summaries_are_kept_however_snapshots_arrive(database: Database) -> None:
    """What the trigger kept step by step is what summing all days anew gives."""
    now = await database.fetchval("SELECT clock_timestamp()")
    written = Snapshots(database, 11, now)
    for _ in range(150):
        await written.step()
    query = "SELECT * FROM platform_status_component_days ORDER BY environment, component, day"
    kept = [dict(row) for row in await database.fetch(query)]
    await database.fetch(
        "SELECT platform_status_summarise_days(array_agg(days)) FROM platform_status_component_days AS days"
    )
    assert [dict(row) for row in await database.fetch(query)] == kept


async def test_many_writers_at_once_keep_the_summaries_right(dsn: str, database: Database) -> None:
    now = await database.fetchval("SELECT clock_timestamp()")

    async def write(number: int) -> None:
        dice = random.Random(number)  # noqa: S311
        connection = await asyncpg.connect(dsn)
        try:
            for step in range(12):
                async with connection.transaction():
                    await connection.execute(
                        f"INSERT INTO {COMPONENT.table} (id, environment, component, status, observed_at)"
                        " SELECT gen_random_uuid(), 'staging', name, $1, $2::timestamptz"
                        " FROM unnest(ARRAY['api', 'db']) AS name ORDER BY name",
                        dice.choice(STATES),
                        now - timedelta(minutes=dice.choice((step, 12 - step, 600, 2000))),
                    )
                    await asyncio.sleep(dice.random() * 0.01)
        finally:
            await connection.close()

    await asyncio.gather(*(write(number) for number in range(6)))
    at = await database.fetchval("SELECT clock_timestamp()")
    assert await check(database, [at], FRESHNESS) > 0
    query = "SELECT * FROM platform_status_component_days ORDER BY environment, component, day"
    kept = [dict(row) for row in await database.fetch(query)]
    await database.fetch(
        "SELECT platform_status_summarise_days(array_agg(days)) FROM platform_status_component_days AS days"
    )
    assert [dict(row) for row in await database.fetch(query)] == kept


async def test_an_import_that_fails_leaves_no_trace_in_the_summaries(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as transaction:
            await transaction.execute(
                f"INSERT INTO {COMPONENT.table} (id, environment, component, status, observed_at)"
                " VALUES (gen_random_uuid(), 'staging', 'api', 'operational', now())"
            )
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await database.fetchval("SELECT count(*) FROM platform_status_component_days") == 0


async def test_odd_moments_break_nothing(database: Database) -> None:
    for moment in ("infinity", "-infinity", "0001-01-01 00:00:00+00", "9999-12-31 23:59:59+00"):
        await database.fetch(
            f"INSERT INTO {COMPONENT.table} (id, environment, component, status, observed_at)"
            " VALUES (gen_random_uuid(), 'staging', 'odd', 'operational', $1::text::timestamptz)",
            moment,
        )
    at = await database.fetchval("SELECT clock_timestamp()")
    [by_day] = await daily(database, [Asked("staging", "odd", timedelta(hours=1))], at)
    assert not any(day.known for day in by_day)
    [for_ever] = await daily(database, [Asked("staging", "odd", None)], at)
    assert all(day.share == 1 for day in for_ever)


async def test_two_statements_each_however_many_components(database: Database) -> None:
    asked = [Asked("staging", f"c{number}", timedelta(minutes=15)) for number in range(30)]
    for each in asked[::2]:
        await add(database, COMPONENT, component=each.component, observed_at=datetime.now(UTC))
    at = await database.fetchval("SELECT clock_timestamp()")
    with statement_log() as log:
        assert len(await uptimes(database, asked, at)) == 30
        assert len(await daily(database, asked, at)) == 30
        assert len(await daily(database, [], at)) == 0
    assert len(log.statements) == 4  # what was seen, and what causes told, of which there is nothing
    for wrong in (0, 91, -1):
        with pytest.raises(Invalid, match="days must lie between 1 and 90"):
            await daily(database, asked, at, wrong)


POLICY = parse_policy(
    'version = 1\n[[rules]]\nfreshness = { component = "15m", components = { rare = "2h" } }\n'
    '[[rules]]\nenvironment = "production"\nfreshness = { component = "1h" }\n',
    "test",
)


async def test_the_worst_component_is_the_state_of_its_environment(database: Database) -> None:
    now = await database.fetchval("SELECT clock_timestamp()")

    async def put(environment: str, component: str, status: str, minutes: float) -> None:
        await add(
            database, COMPONENT, environment=environment, component=component, status=status,
            observed_at=now - timedelta(minutes=minutes),
        )  # fmt: skip

    await put("fine", "api", "major_outage", 5)
    await put("fine", "api", "operational", 1)
    await put("fine", "rare", "operational", 100)
    await put("stale", "api", "operational", 1)
    await put("stale", "db", "operational", 16)
    await put("troubled", "api", "partial_outage", 1)
    await put("troubled", "db", "operational", 60)
    await put("production", "api", "operational", 59)
    at = await database.fetchval("SELECT clock_timestamp()")

    async def told(environments: list[str] | None, scope: Scope | None = None) -> dict[str, str]:
        with statement_log() as log:
            found = await environment_healths(database, scope or Scope(), POLICY, environments, at)
        assert len(log.statements) == (3 if environments is None else 2)
        return {each.environment: each.status.value for each in found}

    every = {"fine": "operational", "production": "operational", "stale": "unknown", "troubled": "partial_outage"}
    assert await told(None) == every
    assert await told(["troubled", "nowhere"]) == {"troubled": "partial_outage", "nowhere": "unknown"}
    assert await told(["fine", "stale"], Scope(environments=frozenset({"stale"}))) == {
        "fine": "unknown",
        "stale": "unknown",
    }
    [stale] = await environment_healths(database, Scope(), POLICY, ["stale"], at)
    assert [(each.snapshot.component, each.fresh, each.status.value) for each in stale.components] == [
        ("api", True, "operational"),
        ("db", False, "unknown"),
    ]


def test_windows_are_those_of_the_environment() -> None:
    assert freshness_of(POLICY, "staging", "api") == timedelta(minutes=15)
    assert freshness_of(POLICY, "staging", "rare") == timedelta(hours=2)
    assert freshness_of(POLICY, "production", "api") == timedelta(hours=1)
    assert freshness_of(read_policy().policy, "staging", "api") == timedelta(minutes=15)


async def test_a_history_is_of_one_component_that_the_reader_may_see(database: Database) -> None:
    now = await database.fetchval("SELECT clock_timestamp()")
    for component, status in (("api", "partial_outage"), ("db", "operational")):
        last = await add(database, COMPONENT, component=component, status=status, observed_at=now)
    columns = frozenset({"component", "status"})

    async def told(component: str, scope: Scope | None = None, as_of: datetime | None = None) -> History:
        reader = Reader(database, scope or Scope())
        return await history(reader, POLICY, "staging", component, as_of, 3, columns)

    found = await told("db")
    assert (found.row["id"], found.row["component"], found.health.status.value) == (last, "db", "operational")
    assert found.health.fresh_until == now + timedelta(minutes=15)
    assert list(found.uptimes) == ["1h", "24h", "7d", "30d"]
    assert len(found.daily) == 3
    assert {each.end for each in (*found.uptimes.values(), found.daily[-1])} == {found.health.at}
    assert (await told("api")).health.status.value == "partial_outage"
    assert (await told("api", Scope(environments=frozenset({"staging"})))).row["component"] == "api"
    with pytest.raises(NotFound, match="no component 'rare' in 'staging'"):
        await told("rare")
    with pytest.raises(NotFound):
        await told("api", Scope(environments=frozenset({"production"})))
    with pytest.raises(NotFound):
        await told("api", as_of=now - timedelta(minutes=1))
    await retract(database, COMPONENT, last)
    with pytest.raises(NotFound):
        await told("db")


async def test_a_clock_that_runs_ahead_does_not_freeze_a_component(database: Database) -> None:
    now = await database.fetchval("SELECT clock_timestamp()")
    await add(database, COMPONENT, status="operational", observed_at=now + timedelta(days=400))
    await add(database, COMPONENT, status="major_outage", observed_at=now)
    at = await database.fetchval("SELECT clock_timestamp()")
    [staging] = await environment_healths(database, Scope(), POLICY, ["staging"], at)
    assert [each.status.value for each in staging.components] == ["operational"]  # recorded first, yet made later
    await add(database, COMPONENT, status="partial_outage", observed_at=at + timedelta(seconds=1), recorded_at=at)
    later = at + timedelta(minutes=1)
    [staging] = await environment_healths(database, Scope(), POLICY, ["staging"], later)
    assert [each.status.value for each in staging.components] == ["partial_outage"]
    await add(
        database, COMPONENT, status="degraded_performance", observed_at=at, source_key="p", source_digest=digest("p")
    )
