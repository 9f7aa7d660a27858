"""What the database itself keeps: evidence is added and never changed, chains are linear, times are the writer's."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from app.db import migrate
from app.db.pool import Database
from app.domain.errors import Invalid, Unavailable
from tests.conftest import with_database
from tests.postgres15 import server15  # noqa: F401 - a fixture
from tests.schema_rows import (
    BUNDLE_ID,
    BUNDLES,
    COMPONENTS,
    GATES,
    GUARDS,
    INVARIANTS,
    ITEMS,
    OTHER_BUNDLE_ID,
    TABLES,
    insert,
    one_row_each,
)

RECORDED_LOCK = 7305414816092


@pytest.fixture(params=["server", "server15"])
async def connection(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    """A connection to a migrated database with a row in each table, on the newest and the oldest PostgreSQL."""
    server = request.getfixturevalue(request.param)
    name = f"evidence_rules_{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(server)
    await admin.execute(f'CREATE DATABASE "{name}"')
    await migrate.migrate(with_database(server, name))
    opened = await asyncpg.connect(with_database(server, name))
    await one_row_each(opened)
    yield opened
    await opened.close()
    await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await admin.close()


STATEMENTS = {
    "UPDATE": "UPDATE {table} SET reason = 'tidied'",
    "UPDATE of nothing": "UPDATE {table} SET reason = 'tidied' WHERE false",
    "UPDATE by upsert": "INSERT INTO {table} SELECT * FROM {table} LIMIT 1 ON CONFLICT (id) DO UPDATE SET reason = 'x'",
    "DELETE": "DELETE FROM {table}",
    "TRUNCATE": "TRUNCATE {table}",
    "TRUNCATE CASCADE": "TRUNCATE {table} CASCADE",
}


async def test_evidence_is_never_changed_or_erased(connection: Any) -> None:
    for table in TABLES:
        before = await connection.fetch(f"SELECT * FROM {table} ORDER BY id")
        for what, statement in STATEMENTS.items():
            if what == "TRUNCATE" and table in (BUNDLES, ITEMS):
                # Other tables refer to it, which PostgreSQL says before it asks a trigger.
                with pytest.raises(asyncpg.FeatureNotSupportedError, match="referenced in a foreign key constraint"):
                    await connection.execute(statement.format(table=table))
                continue
            with pytest.raises(asyncpg.RestrictViolationError) as refused:
                await connection.execute(statement.format(table=table))
            assert f"evidence is append-only: {what.split()[0]} on " in str(refused.value), (table, what)
            assert "is refused" in str(refused.value)
            assert refused.value.detail
            assert "supersedes_id" in (refused.value.hint or "")
        assert await connection.fetch(f"SELECT * FROM {table} ORDER BY id") == before


async def test_a_client_cannot_change_a_bundle(connection: Any) -> None:
    for change in ("updated_at = now() + interval '1 day'", "updated_at = updated_at", "environment = 'production'"):
        with pytest.raises(asyncpg.RestrictViolationError, match="evidence is append-only: UPDATE"):
            await connection.execute(f"UPDATE {BUNDLES} SET {change}")


async def test_a_chain_has_one_successor_a_row(connection: Any) -> None:
    for table in TABLES:
        first = await insert(connection, table, **({} if table == BUNDLES else {"source_key": "chain"}))
        same = {name: first[name] for name in ("bundle_key",) if name in first}
        same |= {"source_key": "chain"} if table != BUNDLES else {}
        second = await insert(connection, table, supersedes_id=first["id"], **same)
        with pytest.raises(asyncpg.UniqueViolationError):
            await insert(connection, table, supersedes_id=first["id"], **same)
        third = await insert(connection, table, supersedes_id=second["id"], **same)
        assert third["supersedes_id"] == second["id"]
        itself = uuid.uuid4()
        with pytest.raises((asyncpg.CheckViolationError, asyncpg.ForeignKeyViolationError)):
            await insert(connection, table, id=itself, supersedes_id=itself, **same)
        with pytest.raises(asyncpg.ForeignKeyViolationError, match="names no row"):
            await insert(connection, table, supersedes_id=uuid.uuid4(), **same)


@pytest.mark.parametrize(
    ("table", "other"),
    [
        (ITEMS, {"bundle_id": OTHER_BUNDLE_ID}),
        (ITEMS, {"source_key": "another"}),
        (GATES, {"bundle_id": OTHER_BUNDLE_ID}),
        (GATES, {"gate": "security"}),
        (INVARIANTS, {"bundle_id": OTHER_BUNDLE_ID}),
        (INVARIANTS, {"invariant_id": "PI-LAUNCH-002"}),
        (INVARIANTS, {"source_key": "another"}),
        (COMPONENTS, {"environment": "production"}),
        (COMPONENTS, {"component": "web"}),
        (GUARDS, {"bundle_id": OTHER_BUNDLE_ID}),
        (GUARDS, {"bundle_id": None}),
        (GUARDS, {"guard": "other"}),
        (GUARDS, {"source_key": "another"}),
    ],
)
async def test_a_row_supersedes_only_the_same_check(connection: Any, table: str, other: dict[str, Any]) -> None:
    [old] = await connection.fetch(f"SELECT id FROM {table}")
    with pytest.raises(asyncpg.CheckViolationError, match=f"may supersede only one with the same {next(iter(other))}"):
        await insert(connection, table, supersedes_id=old["id"], **other)
    await insert(connection, table, supersedes_id=old["id"])


async def test_one_source_has_one_chain(connection: Any) -> None:
    for table in (ITEMS, GATES, INVARIANTS, GUARDS):
        with pytest.raises(asyncpg.UniqueViolationError):
            await insert(connection, table)
    without_bundle = await insert(connection, GUARDS, bundle_id=None)
    with pytest.raises(asyncpg.UniqueViolationError):
        await insert(connection, GUARDS, bundle_id=None)
    assert without_bundle["bundle_id"] is None


async def test_bytes_may_come_again(connection: Any) -> None:
    """What was seen before and is not in force is evidence anew; an observation that says when it was made is one."""
    for table in (ITEMS, GATES, INVARIANTS, GUARDS):
        [row] = await connection.fetch(f"SELECT * FROM {table}")
        again = await insert(connection, table, supersedes_id=row["id"], source_digest=row["source_digest"])
        assert again["source_digest"] == row["source_digest"]
    [row] = await connection.fetch(f"SELECT * FROM {COMPONENTS}")
    same = {"source_digest": row["source_digest"], "observed_at": row["observed_at"]}
    with pytest.raises(asyncpg.UniqueViolationError):
        await insert(connection, COMPONENTS, **same)
    await insert(connection, COMPONENTS, source_digest=row["source_digest"])


async def test_what_came_late_stands_beside_its_chain(connection: Any) -> None:
    for table in (ITEMS, GATES, INVARIANTS, GUARDS):
        [row] = await connection.fetch(f"SELECT * FROM {table}")
        assert (await insert(connection, table, late=True))["supersedes_id"] is None
        with pytest.raises(asyncpg.CheckViolationError):
            await insert(connection, table, late=True, supersedes_id=row["id"])


async def test_a_link_is_one_that_a_browser_opens(connection: Any) -> None:
    for table in (ITEMS, GATES, GUARDS, COMPONENTS):
        with pytest.raises(asyncpg.CheckViolationError):
            await insert(connection, table, source_key="other", url="javascript:alert(1)")
        assert (await insert(connection, table, source_key="other", url="https://x.example/"))["url"]


async def test_a_retraction_says_what_who_and_why(connection: Any) -> None:
    for table in TABLES:
        [old] = await connection.fetch(f"SELECT * FROM {table} ORDER BY id LIMIT 1")
        same = {"bundle_key": old["bundle_key"]} if table == BUNDLES else {}
        whole = {"retracted": True, "actor": "ada", "reason": "wrong build", "supersedes_id": old["id"]} | same
        for lacking in ("actor", "reason", "supersedes_id"):
            given = {name: value for name, value in whole.items() if name != lacking}
            with pytest.raises(asyncpg.CheckViolationError):
                await insert(connection, table, **given)
        assert (await insert(connection, table, **whole))["retracted"]


async def test_a_bundle_counts_its_revisions(connection: Any) -> None:
    second = await insert(connection, BUNDLES, bundle_key="one", supersedes_id=BUNDLE_ID)
    assert second["revision"] == 2
    moved = await insert(connection, BUNDLES, bundle_key="three", supersedes_id=OTHER_BUNDLE_ID)
    assert moved["revision"] == 1
    with pytest.raises(asyncpg.CheckViolationError, match="a retraction keeps the bundle_key one"):
        await insert(
            connection, BUNDLES, bundle_key="four", supersedes_id=second["id"], retracted=True, actor="a", reason="r"
        )


async def test_a_waiver_needs_an_actor_a_reason_and_an_end(connection: Any) -> None:
    whole = {"waived": True, "actor": "ada", "reason": "known", "expires_at": "2030-01-01"}
    for lacking in ("actor", "reason", "expires_at"):
        given = {name: value for name, value in whole.items() if name != lacking}
        with pytest.raises(asyncpg.CheckViolationError):
            await insert(connection, GATES, source_key="waiver", **given)
    assert (await insert(connection, GATES, source_key="waiver", **whole))["waived"]


VOCABULARIES = [
    (BUNDLES, "kind"),
    (ITEMS, "evidence_type"),
    (ITEMS, "result"),
    (ITEMS, "source_digest"),
    (ITEMS, "source_key"),
    (GATES, "gate"),
    (GATES, "enforcement"),
    (GATES, "result"),
    (INVARIANTS, "area"),
    (INVARIANTS, "result"),
    (COMPONENTS, "status"),
    (GUARDS, "mode"),
    (GUARDS, "result"),
]


async def test_words_outside_the_vocabulary_are_refused(connection: Any) -> None:
    for table, column in VOCABULARIES:
        place = {} if table == BUNDLES else {"source_key": "words"}
        with pytest.raises(asyncpg.CheckViolationError):
            await insert(connection, table, **(place | {column: ""}))


async def test_updated_at_follows_a_statement_of_many_rows(connection: Any) -> None:
    """One statement that brings rows to several bundles moves each of them, and only those."""
    third = await insert(connection, BUNDLES)
    before = {row["id"]: row["updated_at"] for row in await connection.fetch(f"SELECT id, updated_at FROM {BUNDLES}")}
    await connection.execute(
        f"INSERT INTO {ITEMS} (id, bundle_id, evidence_type, source_key, source_digest, result)"
        f" SELECT gen_random_uuid(), bundle, 'ci', 'many ' || n, repeat('a', 64), 'passed'"
        f" FROM unnest($1::uuid[]) AS bundle, generate_series(1, 500) AS n",
        [uuid.UUID(BUNDLE_ID), uuid.UUID(OTHER_BUNDLE_ID)],
    )
    after = {row["id"]: row["updated_at"] for row in await connection.fetch(f"SELECT id, updated_at FROM {BUNDLES}")}
    recorded = await connection.fetchval(f"SELECT max(recorded_at) FROM {ITEMS}")
    for name in (BUNDLE_ID, OTHER_BUNDLE_ID):
        assert after[uuid.UUID(name)] == recorded > before[uuid.UUID(name)]
    assert after[third["id"]] == before[third["id"]]


async def test_every_table_of_a_bundle_moves_it(connection: Any) -> None:
    for table in (ITEMS, GATES, INVARIANTS, GUARDS):
        row = await insert(connection, table, source_key="mover")
        moved = await connection.fetchval(f"SELECT updated_at FROM {BUNDLES} WHERE id = $1", uuid.UUID(BUNDLE_ID))
        assert moved == row["recorded_at"]


async def test_a_transaction_records_at_one_moment(connection: Any) -> None:
    async with connection.transaction():
        first = await insert(connection, ITEMS, source_key="first")
        await asyncio.sleep(0.01)
        rest = [await insert(connection, table, source_key="rest") for table in TABLES[1:]]
        rest.append(await insert(connection, BUNDLES))
    assert {row["recorded_at"] for row in rest} == {first["recorded_at"]}
    assert {row["recorded_xid"] for row in rest} == {first["recorded_xid"]}
    later = await insert(connection, ITEMS, source_key="later")
    assert later["recorded_at"] > first["recorded_at"]
    assert later["recorded_xid"] > first["recorded_xid"]


async def test_the_moment_is_taken_after_the_lock(connection: Any, dsn: str) -> None:
    """A writer that waited for the lock records a time after it got it, so a settled asOf never gains a row."""
    writer, holder = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    try:
        async with holder.transaction():
            await holder.execute("SELECT pg_advisory_xact_lock($1)", RECORDED_LOCK)
            writing = asyncio.create_task(insert(writer, BUNDLES))
            await asyncio.sleep(0.2)
            assert not writing.done()
            released = await holder.fetchval("SELECT clock_timestamp()")
        assert (await writing)["recorded_at"] > released
    finally:
        await writer.close()
        await holder.close()


async def _now(database: Database) -> datetime:
    moment: datetime = await database.fetchval("SELECT clock_timestamp()")
    return moment


async def test_settle_waits_for_a_writer_that_began_before(database: Database, dsn: str) -> None:
    writer = await asyncpg.connect(dsn)
    try:
        transaction = writer.transaction()
        await transaction.start()
        row = await insert(writer, BUNDLES)
        as_of = await _now(database)
        waiting = asyncio.create_task(database.settle(as_of))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        assert await database.fetchval(f"SELECT count(*) FROM {BUNDLES} WHERE recorded_at <= $1", as_of) == 0
        await transaction.commit()
        await asyncio.wait_for(waiting, timeout=5)
        seen = await database.fetchval(f"SELECT id FROM {BUNDLES} WHERE recorded_at <= $1", as_of)
        assert seen == row["id"]
    finally:
        await writer.close()


async def test_settle_does_not_wait_for_who_came_later(database: Database, dsn: str) -> None:
    as_of = await _now(database)
    await asyncio.sleep(0.01)
    writer = await asyncpg.connect(dsn)
    try:
        async with writer.transaction():
            await insert(writer, BUNDLES)
            await asyncio.wait_for(database.settle(as_of), timeout=1)
    finally:
        await writer.close()


async def test_settle_has_patience_and_refuses_the_future(database: Database, dsn: str) -> None:
    with pytest.raises(Invalid, match="asOf lies in the future"):
        await database.settle(await _now(database) + timedelta(seconds=60))
    writer = await asyncpg.connect(dsn)
    try:
        async with writer.transaction():
            await insert(writer, BUNDLES)
            as_of = await _now(database)
            with pytest.raises(Unavailable, match="still at work"):
                await database.settle(as_of, patience=0.1)
    finally:
        await writer.close()
