"""The order of files, how they are split into imports, and how many processes read them change no current row."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from app.db.pool import Database
from app.importers.registry import FORMATS
from app.ingest import Readers, Status, find, import_entries
from tests.conftest import with_database
from tests.ingest.reports import NEW_BUNDLE, TABLES, bundle, junit, named, request, rows

SAMPLES = Path(__file__).parents[1] / "importers"
ASIDE = ("id", "created_at", "updated_at", "recorded_at", "recorded_xid")
SNAPSHOTS = "platform_status_component_status"
OLDER = 6
"""Files of which an older edition was imported before."""


@pytest.fixture
async def fresh(server: str, template: str) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """Makes migrated databases, one a call."""
    made: list[str] = []
    connection = await asyncpg.connect(server)

    async def make() -> str:
        made.append(f"evidence_order_{uuid.uuid4().hex[:12]}")
        await connection.execute(f'CREATE DATABASE "{made[-1]}" TEMPLATE "{template}"')
        return with_database(server, made[-1])

    yield make
    for name in made:
        await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await connection.close()


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The working directory: a sample of each format, and tests that speak of the same invariants."""
    folder = tmp_path / "reports"
    for format in FORMATS:
        for answer in sorted((SAMPLES / format.replace("-", "_")).glob("*.expected.json"))[:1]:
            stem = answer.name.removesuffix(".expected.json")
            [sample] = [
                path for path in answer.parent.glob(f"{stem}.*") if not path.name.startswith(f"{stem}.expected")
            ]
            target = folder / format / sample.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(sample, target)
    for number in range(OLDER):
        path = folder / f"tests/run-{number}.xml"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(junit(1, number % 2, invariant=f"PI-LAUNCH-{number // 2:03}"))
    (folder / "tests/same-as-0.xml").write_bytes((folder / "tests/run-0.xml").read_bytes())
    (folder / "tests/broken.xml").write_text("<testsuite><testcase")
    (folder / "notes.txt").write_text("Nothing to see here.\n")
    monkeypatch.chdir(folder)
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


async def current(dsn: str) -> dict[str, list[str]]:
    """The rows that nothing supersedes, each told without ids and recording times. A reference is told by what it
    names; the moment of a snapshot that states none is the moment of its import."""
    whole = {table: await rows(dsn, table) for table in TABLES}
    replaced = {row.get("supersedes_id") for found in whole.values() for row in found}
    names: dict[UUID, str] = {}
    for found in whole.values():
        for row in found:
            natural = [row.get(column) for column in ("bundle_key", "gate", "invariant_id", "guard", "source_key")]
            names[row["id"]] = json.dumps([*natural, row.get("source_digest")])
    told: dict[str, list[str]] = {}
    for table, found in whole.items():
        kept: list[str] = []
        for row in found:
            if row["id"] in replaced or row.get("retracted"):
                continue
            if table == SNAPSHOTS and row["observed_at"] == row["recorded_at"]:
                row["observed_at"] = "when it was imported"
            # What a row replaced is history: an older edition may or may not have come before.
            left_out = (*ASIDE, "supersedes_id")
            shown = {column: named(value, names) for column, value in row.items() if column not in left_out}
            kept.append(json.dumps(shown, sort_keys=True))
        # What does not say when it was seen is seen again by every import.
        told[table] = sorted(set(kept) if table == SNAPSHOTS else kept)
    return told


async def _import(dsn: str, paths: list[Path]) -> set[Status]:
    """Import some files of the working folder, in their order, as if it held no others."""
    every = {entry.path: entry for entry in find([Path()])}
    entries = list(every.values()) if paths == [Path()] else [every[path] for path in dict.fromkeys(paths)]
    pool = await Database.connect(dsn, size=1)
    try:
        with Readers(1) as readers:
            return {outcome.status async for outcome in import_entries(pool, request(), entries, readers)}
    finally:
        await pool.close()


def _dealt(files: list[Path], chance: random.Random) -> list[list[Path]]:
    """The files in some order, in one to five imports, some files in two of them."""
    order = chance.sample(files, len(files))
    imports = chance.randint(1, 5)
    cuts = sorted(chance.sample(range(1, len(order)), imports - 1))
    dealt = [order[start:end] for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    return [[*part, *chance.sample(files, 3)] for part in dealt]


async def test_neither_order_nor_split_changes_the_current_rows(
    fresh: Callable[[], Awaitable[str]], files: list[Path]
) -> None:
    dsn = await fresh()
    assert await _import(dsn, [Path()]) == {Status.CREATED, Status.REJECTED}
    expected = await current(dsn)
    assert all(expected.values()), "every table has rows to compare"
    for seed in range(8):
        chance = random.Random(seed)  # noqa: S311 - repeatability, not secrecy
        dsn = await fresh()
        for paths in _dealt(files, chance):
            await _import(dsn, paths)
        assert await current(dsn) == expected, f"seed {seed}"


async def test_older_editions_leave_nothing_current(fresh: Callable[[], Awaitable[str]], files: list[Path]) -> None:
    """Files that were there before in another edition, whatever came between."""
    dsn = await fresh()
    await _import(dsn, [Path()])
    expected = await current(dsn)
    editions = [path for path in files if path.match("tests/run-*.xml")]
    for seed in range(3):
        chance = random.Random(seed)  # noqa: S311 - repeatability, not secrecy
        dsn = await fresh()
        newest = {
            path: _replace(path, junit(3, 2, invariant=f"PI-RELEASE-{seed:03}", note=path.name)) for path in editions
        }
        await _import(dsn, [*chance.sample(files, len(files) // 2), *editions])
        for path, data in newest.items():
            _replace(path, data)
        seen = set()
        for paths in _dealt(files, chance):
            seen |= await _import(dsn, paths)
        assert Status.SUPERSEDED in seen
        assert await current(dsn) == expected, f"seed {seed}"


def _replace(path: Path, data: bytes) -> bytes:
    before = path.read_bytes()
    path.write_bytes(data)
    return before


async def test_neither_does_the_number_of_processes(fresh: Callable[[], Awaitable[str]], files: list[Path]) -> None:
    def command(dsn: str, paths: list[Path], jobs: int) -> int:
        # As if the folder held no other files.
        part = Path(tempfile.mkdtemp(dir=Path.cwd().parent))
        for path in paths:
            (part / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, part / path)
        asked = [sys.executable, "-m", "app", "import", ".", "--jobs", str(jobs), "--actor", "ada"]
        environment = os.environ | {"DATABASE_URL": dsn, "PYTHONPATH": str(SAMPLES.parents[1])}
        done = subprocess.run(
            [*asked, "--bundle", bundle().key, *NEW_BUNDLE], cwd=part, env=environment, capture_output=True, check=False
        )
        return done.returncode

    dsn = await fresh()
    await _import(dsn, [Path()])
    expected = await current(dsn)
    for seed, jobs in ((1, 2), (2, 3)):
        chance = random.Random(seed)  # noqa: S311 - repeatability, not secrecy
        dsn = await fresh()
        for paths in _dealt(files, chance)[:3]:
            assert await asyncio.to_thread(command, dsn, paths, 1 + jobs % 3) in (0, 1)
        assert await asyncio.to_thread(command, dsn, chance.sample(files, len(files)), jobs) == 1
        assert await current(dsn) == expected, f"seed {seed}, {jobs} processes"
