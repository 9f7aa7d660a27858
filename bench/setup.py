"""What a run needs: a PostgreSQL on the load's core, this project's tables seeded, the peers' tables where peers are.

Without BENCH_DATABASE_URL the embedded PostgreSQL serves, over bench/out/database. With it, BENCH_PGDATA names that
server's data folder (for its CPU), and BENCH_PEERS_URL the peers' database.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from app.db import embedded
from bench.measure import postmaster_of
from bench.seed import seed
from bench.servers import HERE, LOAD_CORE, OUT, PEERS

SHARED = HERE.parent.parent / "shared" / "bench-peers"


@contextlib.contextmanager
def databases(*, peers: bool) -> Iterator[tuple[str, str | None, int]]:
    """The address of this project's database, that of the peers', and the postmaster."""
    given = os.environ.get("BENCH_DATABASE_URL")
    if given:
        yield given, os.environ.get("BENCH_PEERS_URL"), postmaster_of(os.environ["BENCH_PGDATA"])
        return
    OUT.mkdir(exist_ok=True)
    with embedded.running(OUT / "database") as dsn:
        postmaster = postmaster_of(str(OUT / "database" / "pgdata"))
        subprocess.run(["taskset", "-acp", LOAD_CORE, str(postmaster)], check=True, capture_output=True)
        ours = _database(dsn, "ours")
        if ours is not None:
            asyncio.run(seed(ours))
        theirs = None
        if peers and _install_peers():
            made = _database(dsn, "peers")
            theirs = _named(dsn, "peers")
            if made is not None:
                python = [str(PEERS / "venv/bin/python"), "seed.py"]
                subprocess.run(python, check=True, cwd=PEERS, env=os.environ | {"DATABASE_URL": theirs})
        yield _named(dsn, "ours"), theirs, postmaster


def _named(dsn: str, name: str) -> str:
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


def _database(dsn: str, name: str) -> str | None:
    """The address of a database that was made just now; None when it was there."""

    async def make() -> bool:
        connection = await asyncpg.connect(dsn)
        try:
            if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
                return False
            await connection.execute(f'CREATE DATABASE "{name}"')
            return True
        finally:
            await connection.close()

    return _named(dsn, name) if asyncio.run(make()) else None


def _install_peers() -> bool:
    """Copy the peers beside the results and install them there; False where they cannot be had."""
    if not SHARED.is_dir():
        print("no ../shared/bench-peers beside the project: this gateway and the limits alone")
        return False
    if (PEERS / ".installed").exists():
        return True
    shutil.copytree(SHARED, PEERS, dirs_exist_ok=True, copy_function=shutil.copyfile)
    try:
        subprocess.run([sys.executable, "-m", "venv", "venv"], check=True, cwd=PEERS)
        subprocess.run(["venv/bin/pip", "install", "-q", "-r", "requirements.txt"], check=True, cwd=PEERS)
        if shutil.which("npm"):
            subprocess.run(["npm", "install", "--no-audit", "--no-fund"], check=True, cwd=PEERS)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"the peers could not be installed: {error}")
        return False
    Path(PEERS / ".installed").touch()
    return True
