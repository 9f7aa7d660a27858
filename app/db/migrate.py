"""Alembic, driven from here: bring a database to the newest schema, or print the SQL that would."""

from __future__ import annotations

import asyncio
import contextlib
import io
from pathlib import Path
from typing import Any

from alembic import command, context
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.db.pool import domain_error
from app.db.revisions import scripts


def _config(output: io.StringIO | None = None) -> Config:
    config = Config(output_buffer=output) if output is not None else Config()
    config.set_main_option("script_location", str(scripts()))
    config.set_main_option("path_separator", "os")
    config.attributes["run_sql"] = _run_sql
    return config


def _run_sql(revision: Path, direction: str) -> None:
    """Run `sql/<revision>.<direction>.sql` whole, or print it when Alembic is offline."""
    sql = (revision.parent.parent / "sql" / f"{revision.stem}.{direction}.sql").read_text(encoding="utf-8")
    migration = context.get_context()
    if context.is_offline_mode():
        migration.impl.static_output(sql)
        return
    bind = migration.connection
    assert bind is not None, "online, Alembic has a connection"  # noqa: S101 - narrows for mypy
    # The driver's own script mode: the SQL stays as a DBA would run it, without parameters or splitting.
    adapted: Any = bind.connection.dbapi_connection
    adapted.run_async(lambda driver: driver.execute(sql))


async def _with_connection(dsn: str, work: Any) -> Any:
    import asyncpg  # noqa: PLC0415 - the engine is given the driver's own connection, so every DSN form works

    engine = create_async_engine(
        "postgresql+asyncpg://", poolclass=NullPool, async_creator=lambda: asyncpg.connect(dsn, timeout=10)
    )
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(work)
    except (DBAPIError, OSError, TimeoutError, asyncpg.PostgresError) as error:
        driver = error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig is not None else error
        meant = domain_error(driver) if isinstance(driver, Exception) else None
        if meant is None:
            raise
        raise meant from error
    finally:
        await engine.dispose()


async def migrate(dsn: str, revision: str = "head") -> tuple[str | None, str | None]:
    """Bring the database to `revision`; returns the revision before and after. `base` takes an empty schema down.

    Safe to run from several places at once: one does the work, the others wait and find it done.
    """

    def work(connection: Connection) -> tuple[str | None, str | None]:
        before = MigrationContext.configure(connection).get_current_revision()
        connection.rollback()
        config = _config()
        config.attributes["connection"] = connection
        downwards = revision == "base" or revision.startswith("-")
        (command.downgrade if downwards else command.upgrade)(config, revision)
        connection.rollback()
        return before, MigrationContext.configure(connection).get_current_revision()

    result: tuple[str | None, str | None] = await _with_connection(dsn, work)
    return result


async def current(dsn: str) -> str | None:
    """The revision that the database is at; None when it was never migrated."""

    def work(connection: Connection) -> str | None:
        return MigrationContext.configure(connection).get_current_revision()

    revision: str | None = await _with_connection(dsn, work)
    return revision


def sql(revision: str = "head") -> str:
    """The whole migration as SQL, for a DBA to read and run."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        command.upgrade(_config(output), f"base:{revision}" if ":" not in revision else revision, sql=True)
    return output.getvalue()


def migrate_sync(dsn: str, revision: str = "head") -> tuple[str | None, str | None]:
    """`migrate` for callers without an event loop."""
    return asyncio.run(migrate(dsn, revision))
