"""Benchmark of readiness and component history: 20,000 bundles, 10 million component snapshots, each question warm.

A scratch embedded PostgreSQL is made, filled and removed again; the gateway runs as a process of its own and is asked
over HTTP, one question at a time. The plans are those of the same reads, run once more under EXPLAIN.

    python -m bench.readiness [--snapshots 10000000] [--bundles 20000] [--rounds 50] [--folder FOLDER, kept]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import json
import math
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import asyncpg

from app.config import read_policy
from app.db import embedded
from app.db.pool import Database, Row
from app.domain.policy import Policy
from app.readmodels import component_history
from app.readmodels.component_history import Asked, freshness_of
from app.readmodels.readiness import Question, moment, readiness
from app.readmodels.rows import Reader
from app.rest_v3.component_history import SNAPSHOT
from app.rest_v3.presenters import presenter
from app.rest_v3.readiness import columns
from bench.measure import database_cpu, postmaster_of, server_cpu
from bench.seed import seed
from bench.servers import Server
from bench.snapshots import COMPONENTS, days_for, fill

HERE = Path(__file__).parent
RESULTS = HERE / "READINESS.md"
PORT = 18290
GOAL = 50.0
"""Milliseconds that the median of each question must stay under."""
WARM = 10
"""Askings before any is timed: past the five after which PostgreSQL settles on a plan."""
ENVIRONMENT = "staging"
COMPONENT = "service-042"

_DAY = "date ratio worst downSeconds knownSeconds noDataSeconds"
_WINDOW = "window ratio worst downSeconds knownSeconds noDataSeconds"
_REASON = "code severity subjectType subject rowId sentence"
_VERDICT = f"state headline reasons {{ {_REASON} }} proofs {{ subjectType subject rowId }} inputsDigest evaluatedAt"
_ONE = f'filter: {{environment: {{eq: "{ENVIRONMENT}"}}, component: {{eq: "{COMPONENT}"}}}}'
_WHOLE = f'environments: ["{ENVIRONMENT}"]'


@dataclass(frozen=True)
class Asking:
    """A question: what it asks, over HTTP (a path, or the text of a GraphQL operation), and the same of the read models."""

    name: str
    wire: str
    read: Callable[[Reader, Policy], Awaitable[Any]]


class Explained:
    """A database on which every statement is explained before it is run; stands for a Database in a Reader."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.plans: list[tuple[str, str]] = []

    async def fetch(self, sql: str, *args: object) -> Sequence[Row]:
        """All rows."""
        plan = await self.database.fetch(f"EXPLAIN (ANALYZE, BUFFERS, VERBOSE OFF) {sql}", *args)
        self.plans.append((sql, "\n".join(str(next(iter(row.values()))) for row in plan)))
        return await self.database.fetch(sql, *args)

    @contextlib.asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Explained]:
        """Itself: nobody writes meanwhile."""
        yield self


async def _verdict(reader: Reader, policy: Policy) -> Any:
    return await readiness(reader, policy, Question(environment=ENVIRONMENT))


async def _verdict_with_rows(reader: Reader, policy: Policy) -> Any:
    return await readiness(reader, policy, Question(environment=ENVIRONMENT), None, columns())


async def _history(reader: Reader, policy: Policy) -> Any:
    shown = presenter(SNAPSHOT).columns
    return await component_history.history(reader, policy, ENVIRONMENT, COMPONENT, None, 90, shown)


def _asked(policy: Policy, count: int) -> list[Asked]:
    names = [f"service-{number:03}" for number in range(1, count + 1)] if count > 1 else [COMPONENT]
    return [Asked(ENVIRONMENT, name, freshness_of(policy, ENVIRONMENT, name)) for name in names]


def _windows(count: int) -> Callable[[Reader, Policy], Awaitable[Any]]:
    async def read(reader: Reader, policy: Policy) -> Any:
        return await component_history.uptimes(reader.database, _asked(policy, count), await moment(reader.database))

    return read


def _days(count: int) -> Callable[[Reader, Policy], Awaitable[Any]]:
    async def read(reader: Reader, policy: Policy) -> Any:
        return await component_history.daily(reader.database, _asked(policy, count), await moment(reader.database))

    return read


async def _environments(reader: Reader, policy: Policy) -> Any:
    at = await moment(reader.database)
    return await component_history.environment_healths(reader.database, reader.scope, policy, None, at)


BASE = "/api/v3/platform/status"
ASKINGS = (
    Asking("readiness of an environment, GraphQL", f'{{ readiness(environment: "{ENVIRONMENT}") {{ {_VERDICT} }} }}', _verdict),
    Asking("the same with the rows behind it, REST", f"{BASE}/readiness?environment={ENVIRONMENT}", _verdict_with_rows),
    Asking("a component's uptime over 1h, 24h, 7d, 30d, GraphQL", f"{{ componentStatuses({_ONE}) {{ nodes {{ health {{ uptimes {{ {_WINDOW} }} }} }} }} }}", _windows(1)),
    Asking("a component's 90 days, GraphQL", f"{{ componentStatuses({_ONE}) {{ nodes {{ health {{ daily {{ {_DAY} }} }} }} }} }}", _days(1)),
    Asking("a component's latest, windows and 90 days, REST", f"{BASE}/components/{ENVIRONMENT}/{COMPONENT}/history", _history),
    Asking("all environments with their components, GraphQL", "{ environmentStatuses { environment status countsByStatus { status count } components { component health { status fresh freshUntil } } } }", _environments),
    Asking("the same, REST", f"{BASE}/environments", _environments),
)  # fmt: skip
WIDE = (
    Asking(f"uptime of all {COMPONENTS} components of an environment, GraphQL", f"{{ environmentStatuses({_WHOLE}) {{ components {{ component health {{ uptimes {{ window ratio worst }} }} }} }} }}", _windows(COMPONENTS)),
    Asking(f"90 days of all {COMPONENTS} components of an environment, GraphQL", f"{{ environmentStatuses({_WHOLE}) {{ components {{ component health {{ daily {{ date ratio worst }} }} }} }} }}", _days(COMPONENTS)),
)  # fmt: skip
"""Questions of a hundred components at once; they are measured, the goal is for one."""


@contextlib.contextmanager
def served(dsn: str) -> Iterator[tuple[http.client.HTTPConnection, Server]]:
    """The gateway as a process, and a connection to it."""
    settings = {"DATABASE_URL": dsn, "PORT": str(PORT), "HOST": "127.0.0.1", "EVIDENCE_CACHE_BYTES": "0"}
    process = subprocess.Popen([sys.executable, "-m", "app", "serve"], env=os.environ | settings, cwd=HERE.parent)
    try:
        for _ in range(200):
            assert process.poll() is None, "the gateway ended"
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
            try:
                connection.request("GET", "/livez")
                connection.getresponse().read()
            except OSError:
                time.sleep(0.1)
                continue
            yield connection, Server("gateway", [], "ours", (), process=process)
            return
        raise SystemExit("the gateway did not start")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def go_first(postmaster: int) -> bool:
    """Ask the system to run this process, what it starts and the database before others; False where it will not."""
    try:
        for process in (os.getpid(), postmaster):
            os.setpriority(os.PRIO_PROCESS, process, -15)
    except PermissionError:
        return False
    return True


def ask(connection: http.client.HTTPConnection, wire: str) -> bytes:
    """The body of one answer."""
    if wire.startswith("/"):
        connection.request("GET", wire)
    else:
        connection.request("POST", "/graphql", json.dumps({"query": wire}), {"content-type": "application/json"})
    answered = connection.getresponse()
    body = answered.read()
    assert answered.status == 200, (wire, body[:400])
    assert b'"errors"' not in body[:300], (wire, body[:400])
    return body


def timed(
    connection: http.client.HTTPConnection, server: Server, postmaster: int, asking: Asking, rounds: int
) -> dict[str, Any]:
    """Milliseconds of an answer, as its client sees them, and of CPU that the gateway and the database spend on it."""
    for _ in range(WARM):
        body = ask(connection, asking.wire)
    taken = []
    spent, of_database = server_cpu(server), database_cpu(postmaster)
    for _ in range(rounds):
        began = time.perf_counter()
        ask(connection, asking.wire)
        taken.append((time.perf_counter() - began) * 1000)
    return {
        "name": asking.name,
        "median": statistics.median(taken),
        "fastest": min(taken),
        "cpu": (server_cpu(server) - spent) / rounds,
        "database": (database_cpu(postmaster) - of_database) / rounds,
        "p95": sorted(taken)[max(0, math.ceil(0.95 * len(taken)) - 1)],
        "bytes": len(body),
    }


async def explained(database: Database, policy: Policy, asking: Asking) -> list[tuple[str, str]]:
    """The statements of the reads, each with its plan, warm."""
    for _ in range(3):
        await asking.read(Reader(database), policy)
    looking = Explained(database)
    await asking.read(Reader(cast("Database", looking)), policy)
    return looking.plans


async def _described(dsn: str) -> dict[str, str]:
    connection = await asyncpg.connect(dsn)
    try:
        size = "SELECT pg_size_pretty(pg_total_relation_size($1::text::regclass))"
        return {
            "version": (await connection.fetchval("SELECT version()")).split(" on ")[0],
            "bundles": f"{await connection.fetchval('SELECT count(*) FROM platform_evidence_bundles'):,}",
            "snapshots": f"{await connection.fetchval('SELECT count(*) FROM platform_status_component_status'):,}",
            "days": f"{await connection.fetchval('SELECT count(*) FROM platform_status_component_days'):,}",
            "snapshots size": await connection.fetchval(size, "platform_status_component_status"),
            "days size": await connection.fetchval(size, "platform_status_component_days"),
        }
    finally:
        await connection.close()


async def _chain_guards(dsn: str) -> None:
    """Let a guard's hundred reports replace one another, as imports of one check do: the seed has them side by side."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(
            "UPDATE platform_guard_report_summaries AS report SET source_key = 'bench/' || report.guard,"
            " supersedes_id = chained.before FROM (SELECT id, lag(id) OVER (PARTITION BY guard ORDER BY generated_at)"
            " AS before FROM platform_guard_report_summaries) AS chained WHERE chained.id = report.id"
        )
    finally:
        await connection.close()


async def _set_up(dsn: str, bundles: int, days: int) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        if await connection.fetchval("SELECT to_regclass('platform_evidence_bundles')") is not None:
            print("the folder has been filled before")
            return
        # A bulk load: without this the log is written out every few seconds.
        await connection.execute("ALTER SYSTEM SET max_wal_size = '8GB'")
        await connection.execute("SELECT pg_reload_conf()")
    finally:
        await connection.close()
    await seed(dsn, bundles)
    await _chain_guards(dsn)
    print(f"{bundles:,} bundles; now {days} days of snapshots", flush=True)
    await fill(dsn, days)


def measured(dsn: str, postmaster: int, rounds: int) -> list[dict[str, Any]]:
    """All questions, timed and explained."""
    policy = read_policy().policy
    with served(dsn) as (connection, server):
        lines = [timed(connection, server, postmaster, asking, rounds) for asking in (*ASKINGS, *WIDE)]

    async def explain() -> None:
        database = await Database.connect(dsn)
        try:
            for place, asking in enumerate((*ASKINGS, *WIDE)):
                lines[place]["plans"] = await explained(database, policy, asking)
        finally:
            await database.close()

    asyncio.run(explain())
    return lines


def table(lines: list[dict[str, Any]]) -> str:
    """The figures, a line a question."""
    rows = [
        "| question | median, ms | fastest | p95 | CPU, gateway + database | plans below | answer, KB | under 50 ms |",
        "|---|---|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {line['name']} | {line['median']:.1f} | {line['fastest']:.1f} | {line['p95']:.1f} | {line['cpu']:.1f} + {line['database']:.1f} | {len(line['plans'])} |"
        f" {line['bytes'] / 1000:.1f} | {'yes' if line['median'] < GOAL else 'no'} |"
        for line in lines
    ]
    return "\n".join(rows)


def _plans(lines: list[dict[str, Any]]) -> str:
    parts, told = [], set()
    for line in lines:
        shown = []
        for sql, plan in line["plans"]:
            table_named = re.search(r"platform_\w+", sql)
            shown.append(f"{'-' * 8} {table_named.group(0) if table_named else 'the time'}\n{plan}")
        text = "\n".join(shown)
        if line["name"] in told:
            continue
        told.add(line["name"])
        parts.append(f"<details><summary>{line['name']}</summary>\n\n```\n{text}\n```\n\n</details>\n")
    return "\n".join(parts)


def write(lines: list[dict[str, Any]], facts: dict[str, str], load: float, first: bool, rounds: int) -> None:
    """READINESS.md, whole."""
    cpu = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), "")  # fmt: skip
    RESULTS.write_text(
        f"""# What readiness and component history cost

Over {facts["bundles"]} bundles with 10 items, 7 gates and 5 invariants each, and {facts["snapshots"]} component snapshots
({facts["snapshots size"]}; their {facts["days"]} summaries of days {facts["days size"]}). The time is that of a client on the same
machine, over HTTP and one connection, with nothing cached by the gateway: median and 95th percentile of {rounds} askings
after {WARM} to warm up. What other processes take of the machine is in the times, and not in the CPU.

{table(lines)}

The goal is under {GOAL:.0f} ms for the readiness of an environment and for 90 days of a component. A hundred components
at once are beyond it: windows begin in the middle of a day, so that each component has some 900 snapshots read beside the
summaries, and 9,000 days are as many objects for GraphQL to go through.

The seed's guard reports are made to replace one another, as imports of one check do, so that 30 of 3,000 are current.

{cpu}, {os.cpu_count()} cores shared with others (load {load:.1f}), {platform.system()} {platform.release()}; {facts["version"]},
embedded with its settings as they are (256 MB of shared buffers); Python {platform.python_version()}; {datetime.now(UTC):%Y-%m-%d}.
{"The gateway and the database ran before other processes (nice -15)." if first else ""} Made by `make bench-readiness`.

## Plans

EXPLAIN (ANALYZE, BUFFERS) of every statement of each question, warm.

{_plans(lines)}"""
    )


def main() -> None:
    """Fill, ask, tell; exit code 1 where the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--snapshots", type=int, default=10_000_000)
    parser.add_argument("--bundles", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--folder", type=Path, help="where the database is made, and left; one that is there is used")
    asked = parser.parse_args()
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="bench-readiness-"))
    try:
        with embedded.running(folder) as dsn:
            began = time.perf_counter()
            asyncio.run(_set_up(dsn, asked.bundles, days_for(asked.snapshots)))
            print(f"set up in {time.perf_counter() - began:.0f} s", flush=True)
            postmaster = postmaster_of(str(folder / "pgdata"))
            first = go_first(postmaster)
            lines = measured(dsn, postmaster, asked.rounds)
            facts = asyncio.run(_described(dsn))
    finally:
        if asked.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    print(table(lines))
    if asked.snapshots >= 10_000_000 and asked.bundles >= 20_000:
        write(lines, facts, os.getloadavg()[0], first, asked.rounds)
    sys.exit(any(line["median"] >= GOAL for line in lines[: len(ASKINGS)]))


if __name__ == "__main__":
    main()
