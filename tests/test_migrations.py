"""Migrations: up, down, up; one migrator at a time; printed for a DBA; the same on the oldest PostgreSQL supported."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from app.db import migrate, revisions
from app.domain.errors import Conflict, Unavailable
from tests.conftest import with_database
from tests.postgres15 import BINARIES, server15  # noqa: F401 - a fixture
from tests.schema_rows import BUNDLES, DERIVED, TABLES, catalogue, insert


@pytest.fixture(params=["server", "server15"])
async def empty(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """DSN of a database without a schema, on the newest and the oldest PostgreSQL."""
    server = request.getfixturevalue(request.param)
    name = f"evidence_schema_{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(server)
    await admin.execute(f'CREATE DATABASE "{name}"')
    yield with_database(server, name)
    await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await admin.close()


async def test_up_down_up_gives_the_same_schema(empty: str) -> None:
    head = revisions.head()
    assert await migrate.current(empty) is None
    assert await migrate.migrate(empty) == (None, head)
    first = await catalogue(empty)
    assert len([line for line in first if line.startswith("table ")]) == len(TABLES) + len(DERIVED)
    assert await migrate.migrate(empty) == (head, head)
    assert await migrate.migrate(empty, "base") == (head, None)
    assert await catalogue(empty) == []
    assert await migrate.migrate(empty) == (None, head)
    assert await catalogue(empty) == first
    assert await migrate.current(empty) == head


async def test_down_refuses_while_there_is_evidence(empty: str) -> None:
    await migrate.migrate(empty)
    before = await catalogue(empty)
    connection = await asyncpg.connect(empty)
    await insert(connection, BUNDLES, bundle_key="kept")
    with pytest.raises(Conflict, match="platform_evidence_bundles holds rows, so the schema cannot be taken down"):
        await migrate.migrate(empty, "base")
    assert await catalogue(empty) == before
    assert await connection.fetchval(f"SELECT count(*) FROM {BUNDLES}") == 1
    assert await migrate.current(empty) == revisions.head()
    await connection.close()


async def test_migrators_at_once_do_the_work_once(empty: str) -> None:
    told = await asyncio.gather(
        *(_output(sys.executable, "-m", "app", "migrate", DATABASE_URL=empty) for _ in range(3))
    )
    assert {line.decode().rsplit(None, 1)[-1] for line in told} == {revisions.head()}
    connection = await asyncpg.connect(empty)
    assert await connection.fetchval("SELECT count(*) FROM alembic_version") == 1
    # One transaction made all of it: the one that also wrote the version.
    makers = await connection.fetch(
        "SELECT xmin::text FROM pg_class WHERE relname LIKE 'platform%' AND relkind = 'r'"
        " UNION SELECT xmin::text FROM alembic_version"
    )
    assert len(makers) == 1
    await connection.close()


async def test_a_migration_does_not_wait_for_a_lock_for_ever(empty: str) -> None:
    await migrate.migrate(empty)
    connection = await asyncpg.connect(empty)
    async with connection.transaction():
        await connection.execute(f"LOCK TABLE {BUNDLES} IN ACCESS SHARE MODE")
        with pytest.raises(Unavailable, match="lock timeout"):
            await asyncio.wait_for(migrate.migrate(empty, "base"), timeout=20)
    await connection.close()
    assert await migrate.current(empty) == revisions.head()


async def test_the_sql_for_a_dba_gives_the_same_schema(empty: str) -> None:
    text = migrate.sql()
    assert re.search(r"SET LOCAL lock_timeout", text)
    assert text.lstrip().startswith("BEGIN;")
    connection = await asyncpg.connect(empty)
    await connection.execute(text)
    await connection.close()
    by_hand = await catalogue(empty)
    assert await migrate.current(empty) == revisions.head()
    assert await migrate.migrate(empty) == (revisions.head(), revisions.head())
    await migrate.migrate(empty, "base")
    await migrate.migrate(empty)
    assert await catalogue(empty) == by_hand


async def test_the_sql_for_a_dba_runs_through_psql(empty: str, tmp_path: Path) -> None:
    """As a DBA would: `evidence migrate --sql > file`, then psql, stopping at the first error."""
    psql = shutil.which("psql") or shutil.which("psql", path=BINARIES)
    if psql is None:
        pytest.skip("no psql on this machine")
    printed = await _output(sys.executable, "-m", "app", "migrate", "--sql", DATABASE_URL="")
    file = tmp_path / "schema.sql"
    file.write_bytes(printed)
    await _output(psql, "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "-f", str(file), empty)
    assert await migrate.current(empty) == revisions.head()


async def _output(*command: str, **environment: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *command, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, error = await process.communicate()
    assert process.returncode == 0, error.decode()
    return out


async def test_the_schema_is_told_of_in_the_database(empty: str) -> None:
    """Every table, column and function has a comment that names its owner and says more than its name."""
    await migrate.migrate(empty)
    lines = await catalogue(empty)
    told = [line for line in lines if line.startswith(("table ", "column ", "function "))]
    assert len([line for line in told if line.startswith("column ")]) > 100
    for line in told:
        comment = line.rpartition("Platform Backend: ")[2] if "Platform Backend: " in line else ""
        assert len(comment) > 8, line


async def test_every_table_of_the_seed_is_there(empty: str) -> None:
    await migrate.migrate(empty)
    connection = await asyncpg.connect(empty)
    found = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    )
    await connection.close()
    assert {row["relname"] for row in found} == {*TABLES, *DERIVED, "alembic_version"}


async def test_a_database_that_cannot_be_reached_is_a_sentence() -> None:
    with pytest.raises(Unavailable, match="cannot be reached"):
        await migrate.migrate("postgresql://nobody@127.0.0.1:1/none")
