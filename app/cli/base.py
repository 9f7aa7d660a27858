"""What every command shares: the Typer app, the error edge, and a database for the time of a command."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import getpass
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import NoReturn, ParamSpec, TypeVar

import typer

from app.config import Settings, read_settings
from app.db import embedded
from app.db.pool import Database
from app.domain.errors import EvidenceError

MISUSE = 2
"""Exit code of misuse, and of what could not be told."""

P = ParamSpec("P")
R = TypeVar("R")

app = typer.Typer(
    name="evidence",
    help="Release evidence: import it, read it, ask whether it is fit to ship.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def _evidence() -> None:
    """Keeps the name of a command needed where only one is loaded; the text above is the help."""


def fail(message: str, code: int = MISUSE) -> NoReturn:
    """End with one sentence on standard error."""
    sys.stderr.write(f"evidence: {message}\n")
    raise typer.Exit(code)


def command(name: str, group: typer.Typer | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Register a command of `evidence`, or of a group of its commands. Domain errors end it with a sentence and exit
    code 2, never a stack trace."""

    def register(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(*args, **kwargs)
            except EvidenceError as error:
                fail(error.message)
            except KeyboardInterrupt:
                fail("interrupted", 130)

        (group or app).command(name)(guarded)
        return guarded

    return register


@contextlib.contextmanager
def database_url(settings: Settings | None = None, *, hold: bool = False, migrated: bool = False) -> Iterator[str]:
    """The DSN of DATABASE_URL, or of the embedded PostgreSQL, which runs for the time of the block.

    With `migrated`, the embedded one, which is nobody else's, is brought to this program's schema first."""
    chosen = settings or read_settings()
    if chosen.database_url is not None:
        yield chosen.database_url
        return
    with embedded.running(chosen.data, hold=hold) as dsn:
        if migrated:
            from app.db.migrate import migrate_sync  # noqa: PLC0415 - Alembic is slow to load, and seldom needed

            migrate_sync(dsn)
        yield dsn


def with_database(work: Callable[[Database], Awaitable[R]], *, name: str) -> R:
    """Run one piece of work over a pool of two connections; `name` is what the database's list of clients shows."""
    settings = read_settings()

    async def run(dsn: str) -> R:
        database = await Database.connect(
            dsn, size=2, statement_timeout=settings.statement_timeout, application_name=f"evidence-{name}"
        )
        try:
            return await work(database)
        finally:
            await database.close()

    with database_url(settings) as dsn:
        return asyncio.run(run(dsn))


def user() -> str:
    """Who runs the command, where nobody is named."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"
