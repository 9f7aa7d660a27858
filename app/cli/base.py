"""What every command shares: the Typer app, the error edge, and a database for the time of a command."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn, ParamSpec, TypeVar

import typer

from app.config import Settings, read_settings
from app.db import embedded
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


def fail(message: str, code: int = MISUSE) -> NoReturn:
    """End with one sentence on standard error."""
    sys.stderr.write(f"evidence: {message}\n")
    raise typer.Exit(code)


def command(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Register a command whose domain errors end it with a sentence and exit code 2, never a stack trace."""

    def register(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(*args, **kwargs)
            except EvidenceError as error:
                fail(error.message)
            except KeyboardInterrupt:
                fail("interrupted", 130)

        app.command(name)(guarded)
        return guarded

    return register


@contextlib.contextmanager
def database_url(settings: Settings | None = None, *, hold: bool = False) -> Iterator[str]:
    """The DSN of DATABASE_URL, or of the embedded PostgreSQL, which runs for the time of the block."""
    chosen = settings or read_settings()
    if chosen.database_url is not None:
        yield chosen.database_url
        return
    with embedded.running(chosen.data, hold=hold) as dsn:
        yield dsn
