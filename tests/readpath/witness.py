"""A bundle whose rows count upwards, and witnesses who would notice an answer older than one that they know of."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from app.db.pool import Database
from app.readmodels.nouns import BUNDLE, GATE, ITEM
from tests.rows import add, supersede

QUERY = """query Written($id: ID!) { bundle(id: $id) {
  updatedAt items(first: 100) { nodes { title } } gates(last: 1) { totalCount nodes { summary } } } }"""


@dataclass(slots=True)
class Story:
    """What was written to one bundle so far: each write's number stands in a row of its own.

    `committed` is the number of the last write that is known to be committed.
    """

    database: Database
    bundle: str
    items: list[str]
    random: random.Random
    committed: int = 0
    answered: int = 0
    _heard: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    async def begin(cls, database: Database, *, seed: int = 1) -> Story:
        """A bundle with three items."""
        bundle = await add(database, BUNDLE)
        items = [await add(database, ITEM, bundle_id=bundle, title="0", source_key=f"ci/junit/{n}") for n in range(3)]
        return cls(database, bundle, items, random.Random(seed))  # noqa: S311 - the same story in every run

    async def write(self) -> None:
        """The next number: an item is superseded, or a gate result added."""
        number = self.committed + 1
        if self.random.random() < 0.7:
            at = self.random.randrange(len(self.items))
            self.items[at] = await supersede(self.database, ITEM, self.items[at], title=str(number))
        else:
            await add(self.database, GATE, bundle_id=self.bundle, summary=str(number))
        self.committed = number

    async def find(self) -> None:
        """Find out which writes the database has, after one whose outcome nobody heard."""
        row = await self.database.fetchrow(
            "SELECT max(title::int) AS item, (SELECT coalesce(max(summary::int), 0) FROM platform_release_gate_results"
            " WHERE bundle_id = $1) AS gate FROM platform_evidence_items WHERE bundle_id = $1",
            self.bundle,
        )
        assert row is not None
        assert max(row["item"], row["gate"]) >= self.committed
        self.committed = max(row["item"], row["gate"])
        for at, item in enumerate(self.items):
            later = "SELECT id::text FROM platform_evidence_items WHERE supersedes_id = $1"
            self.items[at] = await self.database.fetchval(later, item) or item

    def hear(self) -> None:
        """An answer came."""
        self.answered += 1
        self._heard.set()

    async def hearing(self, answers: int) -> None:
        """Wait for so many answers more, so that readers and writers keep pace."""
        wanted = self.answered + answers
        while self.answered < wanted:
            self._heard.clear()
            await self._heard.wait()


class Stale(AssertionError):
    """An answer older than what its reader could know."""


@dataclass(slots=True)
class Witness:
    """A client of one or several workers, asked in turn. `seen` holds by which paths answers came."""

    story: Story
    workers: Sequence[httpx.AsyncClient]
    newest: int = 0
    turn: int = 0
    seen: set[str] = field(default_factory=set)

    async def ask(self) -> httpx.Response:
        """The next question, twice of three times over GraphQL, else over REST. Stale when the answer is old; an answer
        that holds no data must be an error that says so."""
        self.turn += 1
        at = self.turn % len(self.workers)
        floor = max(self.newest, self.story.committed)
        if self.turn % 3:
            asked = {"query": QUERY, "variables": {"id": self.story.bundle}}
            response = await self.workers[at].post("/graphql", json=asked)
        else:
            response = await self.workers[at].get(f"/api/v3/platform/evidence/bundles/{self.story.bundle}")
        number = _number(response)
        if number is not None:
            if number < floor:
                raise Stale(f"{number} of {floor} by worker {at}, {dict(response.headers)}")
            self.newest = number
            self.seen.add(response.headers.get("x-evidence-path", "rest"))
        self.story.hear()
        return response

    async def watch(self, done: asyncio.Event) -> None:
        """Ask until `done`."""
        while not done.is_set():
            await self.ask()


async def paths(worker: httpx.AsyncClient) -> set[tuple[str, str]]:
    """By which paths a worker says that it answered, each with its face."""
    told = (await worker.get("/metrics")).text
    found = re.findall(r'^evidence_(graphql|rest)_answers_total\{path="(\w+)"', told, re.MULTILINE)
    return {(face, path) for face, path in found}


SHORT = {("graphql", "plan"), ("graphql", "cache"), ("rest", "plan"), ("rest", "cache")}


async def write(story: Story, workers: Sequence[httpx.AsyncClient], ended: asyncio.Event) -> None:
    """Sixty writes, and more until every worker gave answers by every short path; a thousand end it whatever they did.
    Readers ask now once and now often between two of them."""
    while story.committed < 60 or (
        story.committed < 1_000 and not all([await paths(worker) >= SHORT for worker in workers])
    ):
        await story.write()
        await story.hearing(story.random.randint(1, 20))
    ended.set()


def _number(response: httpx.Response) -> int | None:
    """The highest number in an answer; None when it is an error that says that the database is away."""
    body: Any = response.json()
    if response.headers["content-type"].startswith("application/problem+json"):
        assert (response.status_code, body["code"]) == (503, "UNAVAILABLE"), body
        return None
    assert response.status_code == 200, body
    if "errors" in body:
        assert body["data"] == {"bundle": None}, body
        assert {error["extensions"]["code"] for error in body["errors"]} == {"UNAVAILABLE"}, body
        return None
    if "data" not in body:
        return max(
            int(text) for text in [i["title"] for i in body["items"]] + [g["summary"] for g in body["gateResults"]]
        )
    bundle = body["data"]["bundle"]
    titles = [node["title"] for node in bundle["items"]["nodes"]]
    return max(int(text) for text in titles + [node["summary"] for node in bundle["gates"]["nodes"]])
