"""Kept answers when the database goes away and comes back, in order or by a crash: never an old one."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from app.db import embedded, migrate
from app.db.pool import Database
from app.domain.errors import EvidenceError
from tests.readpath.witness import Story, Witness
from tests.web import client as web


class Cluster:
    """A PostgreSQL of the test's own that can be stopped and started; its address stays."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running = contextlib.ExitStack()

    async def start(self) -> str:
        """Start it; returns its DSN."""
        dsn = await asyncio.to_thread(self._running.enter_context, embedded.running(self._folder))
        with (self._folder / "pgdata" / "postgresql.conf").open("a") as settings:
            settings.write("fsync = off\n")  # only the server crashes here, never the machine; recovery is short so
        return dsn

    async def stop(self) -> None:
        """End it in order: sessions are cut, what was committed is on disk."""
        await asyncio.to_thread(self._running.close)

    async def crash(self) -> None:
        """End it at once; the next start recovers from its log."""
        postmaster = psutil.Process(int((self._folder / "pgdata" / "postmaster.pid").read_text().split()[0]))
        postmaster.send_signal(signal.SIGQUIT)
        await asyncio.to_thread(postmaster.wait, 30)
        await self.stop()


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    # Short, for the socket's path, and not below pytest's own folder, which is closed to the user PostgreSQL runs as.
    with tempfile.TemporaryDirectory(prefix="evidence-pg-", ignore_cleanup_errors=True) as folder:
        made = Cluster(Path(folder))
        try:
            yield made
        finally:
            await made.stop()


async def test_a_restart_lets_nothing_old_through(cluster: Cluster) -> None:
    dsn = await cluster.start()
    await migrate.migrate(dsn)
    database, ending, done = await Database.connect(dsn), asyncio.Event(), asyncio.Event()
    story = await Story.begin(database)
    failed = 0

    async def write() -> None:
        nonlocal failed
        while not ending.is_set():
            try:
                await story.write()
            except EvidenceError:
                failed += 1
                with contextlib.suppress(EvidenceError):
                    await story.find()
            await story.hearing(story.random.randint(1, 20))
        done.set()

    async def restart() -> None:
        probe = Witness(story, (client,))
        for end in (cluster.stop, cluster.crash):
            await story.hearing(200)
            await end()
            for _ in range(10):  # GraphQL and REST
                response = await probe.ask()
                assert "errors" in response.json() or response.status_code == 503
            await cluster.start()
            for witness in witnesses:
                witness.seen.clear()
            await story.hearing(200)
            assert {"plan", "cache"} <= set[str]().union(*(witness.seen for witness in witnesses))
        ending.set()

    async with web(dsn) as client:
        witnesses = [Witness(story, (client,)) for _ in range(3)]
        async with asyncio.TaskGroup() as tasks:
            for witness in witnesses:
                tasks.create_task(witness.watch(done))
            tasks.create_task(write())
            tasks.create_task(restart())
    await database.close()
    assert failed, "writers met the restart as well"
