"""Kept answers under writers: whichever worker is asked, and however often the fence breaks, nobody sees an old one."""

from __future__ import annotations

import asyncio

from app.db.pool import Database
from app.readmodels.cache import FENCE
from tests.readpath.witness import SHORT, Story, Witness, paths, write
from tests.web import client as web

BREAK_FENCES = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND left(query, 60) = left($1, 60)"
)


async def test_two_workers_and_many_readers_never_go_back_in_time(dsn: str, database: Database) -> None:
    story, done = await Story.begin(database), asyncio.Event()
    async with web(dsn) as one, web(dsn) as two:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(6):
                tasks.create_task(Witness(story, (one, two)).watch(done))
            tasks.create_task(write(story, (one, two), done))
        assert await paths(one) >= SHORT
        assert await paths(two) >= SHORT


async def test_a_fence_that_breaks_again_and_again_lets_nothing_old_through(dsn: str, database: Database) -> None:
    story, written, done = await Story.begin(database), asyncio.Event(), asyncio.Event()
    broken = 0

    async def breaking() -> None:
        nonlocal broken
        while not written.is_set():
            broken += await database.fetchval(BREAK_FENCES, FENCE)
            await story.hearing(story.random.randint(1, 12))
        done.set()

    async with web(dsn) as one, web(dsn) as two:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(6):
                tasks.create_task(Witness(story, (one, two)).watch(done))
            tasks.create_task(breaking())
            tasks.create_task(write(story, (one, two), written))
        assert await paths(one) >= SHORT
        assert await paths(two) >= SHORT
    assert broken > 20
