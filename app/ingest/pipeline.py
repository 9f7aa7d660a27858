"""Many artifacts at once: some processes read, one connection writes, and memory stays bounded in between."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import AsyncIterator, Generator, Iterable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from types import TracebackType

from app.db.pool import Database
from app.domain.errors import Unavailable
from app.importers.base import Rejected
from app.importers.documents import JSON_LIMIT
from app.ingest.artifacts import ImportOutcome, ImportRequest, Together, record
from app.ingest.folders import Entry, Opened, open_entries
from app.ingest.parsing import Parsed, read_artifact

AHEAD = 4
"""Artifacts in hand for each process that reads."""

IN_HAND = JSON_LIMIT
"""Bytes of artifacts that are read at once, all processes together; a larger one is read alone."""


class Readers:
    """`jobs` processes that read artifacts, or a thread for one job. Enter it before threads or connections exist,
    since the processes are forked."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def __enter__(self) -> Readers:
        self._executor: Executor
        if self.jobs == 1:
            self._executor = ThreadPoolExecutor(1)
        else:
            fork = multiprocessing.get_context("fork")
            self._executor = ProcessPoolExecutor(self.jobs, mp_context=fork, initializer=_settle_in)
            self._executor.submit(int).result()  # forks them all, now
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)

    def read(self, entries: Iterable[Entry], format: str | None = None) -> Generator[tuple[Entry, Parsed]]:
        """The entries read, in their order. Raises Unavailable when a process dies, as from want of memory."""
        waiting: deque[tuple[Opened, Future[Parsed]]] = deque()
        coming = open_entries(entries)
        upcoming = next(coming, None)
        try:
            while upcoming is not None or waiting:
                while upcoming is not None and self._room(waiting, upcoming):
                    waiting.append((upcoming, self._begin(upcoming, format)))
                    upcoming = next(coming, None)
                opened, future = waiting.popleft()
                parsed = future.result()
                opened.discard()
                yield opened.entry, parsed
        except BrokenProcessPool as error:
            raise Unavailable(
                "a process that reads files ended unexpectedly, perhaps for want of memory; what was taken is in, "
                "so run it again, with --jobs 1"
            ) from error
        finally:
            for opened, future in waiting:
                future.cancel()
                opened.discard()
            if upcoming is not None:
                upcoming.discard()

    def _room(self, waiting: deque[tuple[Opened, Future[Parsed]]], upcoming: Opened) -> bool:
        held = sum(opened.entry.size for opened, future in waiting if not future.done())
        return not waiting or (len(waiting) < AHEAD * self.jobs and held + upcoming.entry.size <= IN_HAND)

    def _begin(self, opened: Opened, format: str | None) -> Future[Parsed]:
        if isinstance(opened.artifact, Rejected):
            refused: Future[Parsed] = Future()
            refused.set_result(Parsed(opened.entry.name, opened.artifact))
            return refused
        return self._executor.submit(read_artifact, opened.artifact, format)


def _settle_in() -> None:
    """A worker leaves Ctrl-C to its parent, and ends when the parent is gone, however that ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            connection.wait([parent.sentinel])
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


async def import_entries(
    database: Database, request: ImportRequest, entries: Iterable[Entry], readers: Readers
) -> AsyncIterator[ImportOutcome]:
    """Read and record the entries, in their order, one transaction each. Raises as `record` and `Readers.read` do;
    what was recorded before stays."""
    coming = readers.read(entries, request.format)
    together = Together()
    try:
        while (pair := await asyncio.to_thread(next, coming, None)) is not None:
            entry, parsed = pair
            yield await record(database, request, parsed, stem=entry.stem, together=together)
    finally:
        coming.close()
