"""Fixtures: one real PostgreSQL for the run, one migrated database a test, made from a template."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from app.cli import load
from app.db import embedded, migrate
from app.db.pool import Database

Run = Callable[..., Result]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests marked `invariant` say so in the JUnit report, where the gateway reads it."""
    for marker in item.iter_markers("invariant"):
        item.user_properties += [("invariant", invariant) for invariant in marker.args]


def with_database(dsn: str, name: str) -> str:
    """The DSN of another database on the same server."""
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(path=f"/{name}"))


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """DSN of a server where databases may be made: DATABASE_URL, or an embedded PostgreSQL."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield given
        return
    # Not below pytest's own folder: a second run as root closes that to the user that PostgreSQL runs as.
    with (
        tempfile.TemporaryDirectory(prefix="evidence-pg-", ignore_cleanup_errors=True) as folder,
        embedded.running(Path(folder)) as dsn,
    ):
        yield dsn


@pytest.fixture(scope="session")
async def template(server: str) -> AsyncIterator[str]:
    """Name of a migrated, empty database that tests copy."""
    name = f"evidence_template_{uuid.uuid4().hex[:12]}"
    await _execute(server, f'CREATE DATABASE "{name}"')
    await migrate.migrate(with_database(server, name))
    yield name
    await _execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
async def empty_dsn(server: str) -> AsyncIterator[str]:
    """DSN of a database without a schema."""
    name = f"evidence_empty_{uuid.uuid4().hex[:12]}"
    await _execute(server, f'CREATE DATABASE "{name}"')
    yield with_database(server, name)
    await _execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
async def dsn(server: str, template: str) -> AsyncIterator[str]:
    """DSN of a migrated database of the test's own."""
    name = f"evidence_test_{uuid.uuid4().hex[:12]}"
    await _execute(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield with_database(server, name)
    await _execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    """A pool over the test's own database."""
    pool = await Database.connect(dsn)
    yield pool
    await pool.close()


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """Other people's artifacts with counted truth; skips where they are not beside the project."""
    folder = Path(__file__).parents[2] / "shared" / "artifacts"
    if not folder.is_dir():
        pytest.skip("no ../shared/artifacts beside the project")
    return folder


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
def run(dsn: str) -> Run:
    """Runs the command line in process, over the test's own database."""

    def invoke(*args: object, **environment: str) -> Result:
        return CliRunner().invoke(load(), [str(arg) for arg in args], env={"DATABASE_URL": dsn} | environment)

    return invoke
