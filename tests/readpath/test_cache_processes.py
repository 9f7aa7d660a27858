"""Kept answers over several workers that are processes of their own, as operators run them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator

import httpx

from app.db.pool import Database
from tests.readpath.witness import SHORT, Story, Witness, paths, write

STARTED_WITHIN = 60.0
STOPPED_WITHIN = 20.0


@contextlib.asynccontextmanager
async def serving(dsn: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway process of its own, on a port that the system chose."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app", "serve",
        env=os.environ | {"DATABASE_URL": dsn, "HOST": "127.0.0.1", "PORT": "0", "EVIDENCE_LOG_LEVEL": "error"},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(STARTED_WITHIN):
            told = (await process.stdout.readline()).decode()
        assert told.startswith("Evidence gateway on http://"), told
        async with httpx.AsyncClient(base_url=told.split()[-1], timeout=30) as client:
            yield client
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(STOPPED_WITHIN):
            await process.communicate()


async def test_two_processes_never_go_back_in_time(dsn: str, database: Database) -> None:
    story, done = await Story.begin(database), asyncio.Event()
    async with serving(dsn) as one, serving(dsn) as two:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(4):
                tasks.create_task(Witness(story, (one, two)).watch(done))
            tasks.create_task(write(story, (one, two), done))
        assert await paths(one) >= SHORT
        assert await paths(two) >= SHORT
