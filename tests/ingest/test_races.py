"""Many writers at once: one row each, one chain each, and nothing lost."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.db import migrate
from app.db.pool import Database
from app.domain.errors import Conflict
from app.ingest import Readers, Status, ensure_bundle, find, import_entries, record, write_batch
from app.ingest import artifacts as artifacts_module
from tests.ingest.reports import NEW_BUNDLE, batch, bundle, contents, counts, folder_of, parsed, request, rows


async def test_eight_importers_of_the_same_files_make_one_row_each(dsn: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "reports", 50)

    async def one(number: int) -> list[Status]:
        pool = await Database.connect(dsn, size=1)
        try:
            with Readers(1) as readers:
                entries = find([folder])
                run = import_entries(pool, request(actor=f"importer {number}"), entries, readers)
                return [outcome.status async for outcome in run]
        finally:
            await pool.close()

    told = await asyncio.gather(*(one(number) for number in range(8)))
    made = [statuses.count(Status.CREATED) for statuses in told]
    assert sum(made) == 50
    assert all(set(statuses) <= {Status.CREATED, Status.UNCHANGED} for statuses in told)
    found = await counts(dsn)
    assert found["platform_evidence_bundles"] == 1
    assert found["platform_evidence_items"] == 50
    assert found["platform_product_invariant_results"] == 50


async def test_eight_processes_of_the_same_files_make_one_row_each(dsn: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "reports", 50)
    command = [sys.executable, "-m", "app", "import", str(folder), "--bundle", "race", *NEW_BUNDLE, "--json"]
    environment = os.environ | {"DATABASE_URL": dsn}
    start = partial(asyncio.create_subprocess_exec, env=environment, stdout=subprocess.PIPE)
    running = [await start(*command, "--jobs", "1") for _ in range(8)]
    written = [await process.communicate() for process in running]
    assert [process.returncode for process in running] == [0] * 8
    summaries = [json.loads(out.splitlines()[-1])["summary"] for out, _ in written]
    assert sum(summary["created"] for summary in summaries) == 50
    assert sum(summary["unchanged"] for summary in summaries) == 350
    found = await counts(dsn)
    assert (found["platform_evidence_bundles"], found["platform_evidence_items"]) == (1, 50)


async def test_the_order_of_files_does_not_matter(database: Database, dsn: str, tmp_path: Path) -> None:
    old, new = find([folder_of(tmp_path / "old", 12)]), find([folder_of(tmp_path / "new", 12, "new ")])
    told = []
    for number in range(3):
        of = request(bundle=bundle(f"bundle {number}"))
        for entries in (old, new):
            random.Random(number).shuffle(entries)  # noqa: S311
            with Readers(1) as readers:
                _ = [outcome async for outcome in import_entries(database, of, entries, readers)]
        told.append(
            await database.fetch(
                "SELECT source_key, source_digest, result, tests_total, item.retracted"
                " FROM platform_evidence_items AS item"
                " JOIN platform_evidence_bundles AS bundle ON bundle.id = bundle_id"
                " WHERE bundle_key = $1 AND NOT EXISTS"
                " (SELECT FROM platform_evidence_items AS next WHERE next.supersedes_id = item.id) ORDER BY 1",
                f"bundle {number}",
            )
        )
    assert len(told[0]) == 12
    assert told[0] == told[1] == told[2]


async def test_two_writers_that_replace_the_same_row_make_one_chain(database: Database, dsn: str) -> None:
    await record(database, request(), parsed(batch(), "first"))
    both = await asyncio.gather(*(record(database, request(), parsed(batch(), f"next {n}")) for n in range(6)))
    assert {outcome.status for outcome in both} == {Status.SUPERSEDED}
    found = await rows(dsn, "platform_evidence_items")
    assert [row["supersedes_id"] for row in found] == [None, *(row["id"] for row in found[:-1])]
    assert len({row["recorded_at"] for row in found}) == 7


async def test_writers_of_two_bundles_do_not_wait_for_each_other(database: Database, dsn: str) -> None:
    async with database.transaction() as holder:
        await ensure_bundle(holder, bundle("one"), "ada")
        outcome = await asyncio.wait_for(
            record(database, request(bundle=bundle("two")), parsed(batch(), "a")), timeout=5
        )
        assert outcome.created


async def test_a_writer_that_ignores_the_lock_is_survived(
    database: Database, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The constraints are the backstop: a row that appears after the look-up costs a retry, not a duplicate."""
    await record(database, request(), parsed(batch(), "first"))
    calls = []

    async def write_late(transaction: Any, *rest: Any, **more: Any) -> Any:
        calls.append(transaction)
        if len(calls) == 1:
            return await write_batch(_Late(database, transaction), *rest, **more)  # type: ignore[arg-type]
        return await write_batch(transaction, *rest, **more)

    monkeypatch.setattr(artifacts_module, "write_batch", write_late)
    outcome = await record(database, request(), parsed(batch(), "second"))
    assert outcome.status is Status.SUPERSEDED
    found = await rows(dsn, "platform_evidence_items")
    assert [row["supersedes_id"] for row in found] == [None, found[0]["id"], found[1]["id"]]


RIVAL = """
INSERT INTO platform_evidence_items
  (id, bundle_id, evidence_type, source_key, source_digest, result, supersedes_id)
SELECT gen_random_uuid(), bundle_id, evidence_type, source_key, repeat('9', 64), result, id
FROM platform_evidence_items RETURNING id
"""


class _Late:
    """A transaction in which a rival writes between the look-up and the insert."""

    def __init__(self, database: Database, transaction: Any) -> None:
        self._database = database
        self._transaction = transaction

    async def fetch(self, sql: str, *args: object) -> Any:
        seen = await self._transaction.fetch(sql, *args)
        await self._database.fetch(RIVAL)
        return seen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transaction, name)


async def test_a_writer_that_always_loses_is_told_so(
    database: Database, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lose(*_: object, **__: object) -> None:
        raise Conflict("somebody else wrote first: key")

    monkeypatch.setattr(artifacts_module, "write_batch", lose)
    outcome = await record(database, request(), parsed(batch(), "a"))
    assert (outcome.status, outcome.reason) == (Status.REJECTED, "somebody else wrote first: key")
    assert set((await counts(dsn)).values()) == {0}


@pytest.mark.parametrize("jobs", ["1", "2"])
async def test_killed_in_the_middle_and_run_again(dsn: str, empty_dsn: str, tmp_path: Path, jobs: str) -> None:
    """SIGKILL leaves whole artifacts only, and the second run brings the tables to those of an undisturbed one."""
    folder = folder_of(tmp_path / "reports", 200)
    command = [sys.executable, "-m", "app", "import", str(folder), "--bundle", "k", *NEW_BUNDLE, "--actor", "ada"]
    command += ["--json", "--jobs", jobs]
    victim = await asyncio.create_subprocess_exec(
        *command, env=os.environ | {"DATABASE_URL": dsn}, stdout=subprocess.PIPE
    )
    async with asyncio.timeout(60):
        while (await counts(dsn))["platform_evidence_items"] < 20:  # noqa: ASYNC110 - another process's progress
            await asyncio.sleep(0.005)
    readers = _children(victim.pid)
    victim.send_signal(signal.SIGKILL)
    # Its readers share its output, so this also waits for them to follow it.
    await asyncio.wait_for(victim.communicate(), timeout=10)
    assert len(readers) == (0 if jobs == "1" else 2)
    assert not any(_alive(reader) for reader in readers)
    part = await counts(dsn)
    assert 20 <= part["platform_evidence_items"] < 200
    assert part["platform_product_invariant_results"] == part["platform_evidence_items"]

    await migrate.migrate(empty_dsn)
    for target in (dsn, empty_dsn):
        again = await asyncio.create_subprocess_exec(
            *command, env=os.environ | {"DATABASE_URL": target}, stdout=subprocess.PIPE
        )
        out, _ = await again.communicate()
        assert again.returncode == 0
        assert json.loads(out.splitlines()[-1])["summary"]["files"] == 200
    assert await contents(dsn) == await contents(empty_dsn)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}/exe").exists()
