"""Whole answers kept across requests, and proven fresh before each use: exact by validation, not by trust in messages.

An answer is kept with the snapshot that its rows were read in (`pg_current_snapshot`). A request that finds one waits
for a fence: a round trip to the database that began after the request came, shared by all requests that wait. The
fence asks whether any row of evidence became visible since that snapshot, by the transaction that every row records
(`recorded_xid`). None did: the answer is what the database would say now, so it is sent. One did: all answers of that
snapshot are dropped. So nobody ever sees an older answer after a newer one, whichever worker or path gave it, and there
is no time in which a commit goes unseen. A fence that fails empties the cache; a standby, whose snapshots do not list
what is in progress, has none.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from app.db.pool import Row
from app.domain.errors import EvidenceError
from app.readmodels.nouns import NOUNS

log = structlog.get_logger(__name__)

ERAS = 8
"""Snapshots whose answers are kept; while nothing is written, all soon share one."""

OVERHEAD = 1_000
"""Bytes that an entry is taken to cost beside question and body: headers, a place in a table."""

GATHERING = 8
"""Turns of the event loop that a fence waits for more requests to share it, as long as each turn brings one."""

_ARRIVED = " OR ".join(
    f"EXISTS (SELECT FROM {noun.table} WHERE recorded_xid >= pg_snapshot_xmin($1::text::pg_snapshot)"
    " AND NOT pg_visible_in_snapshot(recorded_xid, $1::text::pg_snapshot))"
    for noun in NOUNS
)
FENCE = (
    "SELECT pg_current_snapshot()::text AS snapshot, pg_is_in_recovery() OR"
    f" CASE WHEN pg_current_snapshot()::text = $1::text THEN false ELSE {_ARRIVED} END AS stale"
)


class Line(Protocol):
    """A connection of the fence's own, made when first needed and made anew after it broke."""

    async def fetchrow(self, sql: str, *args: object) -> Row | None:
        """The first row; an EvidenceError when the database does not answer."""

    async def close(self) -> None:
        """End it."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it goes out: its body and its headers; `asked` is how many bytes its question has."""

    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    asked: int = 0

    @property
    def size(self) -> int:
        """Bytes that it is taken to hold, with its question and its place."""
        return len(self.body) + self.asked + OVERHEAD


@dataclass(slots=True)
class _Era:
    """The answers that are true of one snapshot; the least recently used come first."""

    snapshot: str
    answers: OrderedDict[Hashable, Kept] = field(default_factory=OrderedDict)


class AnswerCache:
    """Answers by request, at most `limit` bytes of them."""

    def __init__(self, line: Line, limit: int) -> None:
        self._line = line
        self._limit = limit
        self._eras: list[_Era] = []
        self._held = 0
        self._waiting: list[asyncio.Future[bool]] = []
        self._fencing: asyncio.Task[None] | None = None

    @property
    def held(self) -> int:
        """Bytes of answers kept."""
        return self._held

    def __contains__(self, key: Hashable) -> bool:
        return self._find(key) is not None

    async def fresh(self, key: Hashable) -> Kept | None:
        """The answer of a request, proven to be what the database says now; None when there is none."""
        fence: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(fence)
        if self._fencing is None:
            self._fencing = asyncio.create_task(self._fence())
        if not await fence:
            return None
        era = self._find(key)
        if era is None:
            return None
        era.answers.move_to_end(key)
        return era.answers[key]

    def keep(self, key: Hashable, answer: Kept, snapshot: str) -> None:
        """Keep an answer whose rows were read in `snapshot`."""
        size = answer.size
        if size > self._limit // 8:
            return
        old = self._find(key)
        if old is not None:
            self._held -= old.answers.pop(key).size
        era = next((era for era in self._eras if era.snapshot == snapshot), None)
        if era is None:
            era = _Era(snapshot)
            self._eras.append(era)
            if len(self._eras) > ERAS:
                self._drop(self._eras[0])
        era.answers[key] = answer
        self._held += size
        while self._held > self._limit:
            first = self._eras[0]
            if not first.answers:
                self._drop(first)
                continue
            _, gone = first.answers.popitem(last=False)
            self._held -= gone.size

    async def close(self) -> None:
        """Let go of everything."""
        if self._fencing is not None:
            self._fencing.cancel()
        self._clear()
        await self._line.close()

    def _find(self, key: Hashable) -> _Era | None:
        for era in self._eras:
            if key in era.answers:
                return era
        return None

    def _drop(self, era: _Era) -> None:
        self._eras.remove(era)
        self._held -= sum(answer.size for answer in era.answers.values())

    def _clear(self) -> None:
        self._eras.clear()
        self._held = 0

    async def _fence(self) -> None:
        """Fences, one after the other, as long as somebody waits; each serves those who came before it began."""
        served: list[asyncio.Future[bool]] = []
        try:
            while self._waiting:
                await self._gather()
                served, self._waiting = self._waiting, []
                _settle(served, await self._validate())
        except Exception:
            self._clear()
            log.exception("the cache's fence failed")
        finally:
            self._fencing = None
            _settle([*served, *self._waiting], False)
            self._waiting = []

    async def _gather(self) -> None:
        """Let requests that lie in the sockets already come in: a fence costs more than a turn of the loop."""
        for _ in range(GATHERING):
            before = len(self._waiting)
            await asyncio.sleep(0)
            if len(self._waiting) == before:
                return

    async def _validate(self) -> bool:
        """Bring every era to now, or drop it. False, with nothing kept, when the database does not answer."""
        for era in list(self._eras):
            try:
                row = await self._line.fetchrow(FENCE, era.snapshot)
            except EvidenceError:
                self._clear()
                return False
            if era not in self._eras:
                continue
            if row is None or row["stale"]:
                self._drop(era)
            elif row["snapshot"] != era.snapshot:
                self._advance(era, row["snapshot"])
        return True

    def _advance(self, era: _Era, snapshot: str) -> None:
        """What was true of an era is true of a later snapshot; it joins the era of that snapshot where there is one."""
        same = next((other for other in self._eras if other.snapshot == snapshot), None)
        if same is None:
            era.snapshot = snapshot
            return
        for key, answer in era.answers.items():
            if key in same.answers:
                self._held -= answer.size
            else:
                same.answers[key] = answer
        self._eras.remove(era)


def _settle(fences: list[asyncio.Future[bool]], held: bool) -> None:
    for fence in fences:
        if not fence.done():
            fence.set_result(held)
