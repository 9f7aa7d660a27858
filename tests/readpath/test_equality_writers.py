"""The same bytes on both paths while rows are written: as of a moment always, and now before a write or after it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Any

import pytest

from app.db.pool import Database
from app.readmodels.nouns import BUNDLE, COMPONENT, GATE, GUARD, INVARIANT, ITEM
from tests.readpath.operations import Drawing, operations
from tests.readpath.test_equality import OPERATIONS, Paths, ask, awkward_world, world_of
from tests.rows import add, retract, supersede
from tests.web import client

SHARE = 10
"""One in so many of the drawn operations is asked here; each is asked several times."""


class Writer:
    """Rows added, superseded and retracted, of all nouns."""

    def __init__(self, database: Database, made: Mapping[str, list[str]], seed: int) -> None:
        self._database = database
        self._bundles = made["bundle"]
        self._random = random.Random(seed)  # noqa: S311 - the same writes in every run
        self._current: dict[str, list[str]] = {noun.name: [] for noun in (BUNDLE, ITEM, GATE, INVARIANT, GUARD)}

    async def write(self) -> None:
        """One row."""
        noun = self._random.choice((BUNDLE, ITEM, ITEM, GATE, INVARIANT, GUARD, COMPONENT))
        current, chance = self._current.get(noun.name, []), self._random.random()
        if current and chance < 0.5:
            old = current.pop(self._random.randrange(len(current)))
            current.append(await supersede(self._database, noun, old, **self._values(noun)))
        elif current and chance < 0.6:
            await retract(self._database, noun, current.pop())
        else:
            owner = {} if noun in (BUNDLE, COMPONENT) else {"bundle_id": self._random.choice(self._bundles)}
            current.append(await add(self._database, noun, **owner, **self._values(noun)))

    def _values(self, noun: Any) -> dict[str, Any]:
        text = f"written {self._random.randrange(1_000)}"
        if noun is COMPONENT:
            return {"message": text, "status": self._random.choice(("operational", "partial_outage"))}
        named = {"title": text} if noun in (BUNDLE, ITEM, INVARIANT) else {"summary": text} if noun is GATE else {}
        return named if noun is BUNDLE else named | {"result": self._random.choice(("passed", "failed"))}


# graphql-core leaves coroutines behind when one root's error ends the others.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::RuntimeWarning")


async def test_as_of_a_moment_both_paths_agree_whatever_is_written(dsn: str, database: Database) -> None:
    made = await awkward_world(database)
    world, writer = await world_of(database, Paths(database), made), Writer(database, made, seed=1)
    paths: list[str] = []
    async with client(dsn) as http:
        for seed in range(OPERATIONS // SHARE):
            await writer.write()
            moment = (await database.fetchval("SELECT clock_timestamp()")).isoformat()
            drawn = Drawing(seed, world, as_of=moment).operation()
            _, cold = await asyncio.gather(writer.write(), ask(http, drawn))
            if cold.headers["x-evidence-path"] != "plan":
                continue
            _, wanted = await asyncio.gather(writer.write(), ask(http, drawn, resolvers=True))
            _, again = await asyncio.gather(writer.write(), ask(http, drawn))
            hot = await ask(http, drawn)
            assert cold.content == wanted.content, drawn
            assert again.content == wanted.content, drawn
            assert hot.content == wanted.content, drawn
            paths += [again.headers["x-evidence-path"], hot.headers["x-evidence-path"]]
    assert len(paths) > OPERATIONS // SHARE
    assert set(paths) == {"plan", "cache"}


async def test_an_answer_is_that_before_a_write_or_that_after_it(dsn: str, database: Database) -> None:
    made = await awkward_world(database)
    world, writer = await world_of(database, Paths(database), made), Writer(database, made, seed=2)
    compared = changed = 0
    async with client(dsn) as http:
        for drawn in operations(world, OPERATIONS // SHARE):
            before = await ask(http, drawn, resolvers=True)
            if (await ask(http, drawn)).headers["x-evidence-path"] != "plan":
                continue
            writing = asyncio.create_task(writer.write())
            during = [await ask(http, drawn) for _ in range(4)]
            await writing
            kept = await ask(http, drawn)
            after = await ask(http, drawn, resolvers=True)
            told = [answer.content for answer in (*during, kept)]
            # Once the later answer was given, the earlier one is not.
            earlier = next((at for at, body in enumerate(told) if body != before.content), len(told))
            assert set(told[:earlier]) <= {before.content}, drawn
            assert set(told[earlier:]) <= {after.content}, drawn
            assert kept.content == after.content, drawn
            compared += 1
            changed += before.content != after.content
    assert compared > 0.7 * (OPERATIONS // SHARE)
    assert changed > 0.05 * compared, "writes show in what is asked"
