"""What is new costs: the start of a server, and operations that nobody asked before.

python -m bench.cold      # one JSON line; needs no database, but for the start, which DATABASE_URL names
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from typing import Any

import asyncpg

from app.domain.paging import CursorCodec
from app.graphql_api.operations import Documents
from app.graphql_api.planned import Plans
from app.readmodels.predicates import Scope
from bench.works import ours, requests

OPERATIONS = 1_000
VARIABLES = {"environment": "production", "product": "portal", "first": 20}


def _resident() -> float:
    """MiB of this process."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def operations() -> dict[str, Any]:
    """CPU ms of preparing distinct operations shaped like Q2, in a row, and MiB of memory before and after."""
    plans, scope, text = Plans(Documents(), CursorCodec(b"bench")), Scope(), ours("Q2")
    plans.prepare(text, None, VARIABLES, scope)
    before, spent = _resident(), []
    for n in range(OPERATIONS):
        asked = text.replace("query Q2", f"query Q2of{n}").replace("title", f"title_{n}: title", 1)
        began = time.process_time()
        plans.prepare(asked, None, VARIABLES, scope)
        spent.append((time.process_time() - began) * 1000)
    return {
        "first_100_ms": statistics.median(spent[:100]),
        "last_100_ms": statistics.median(spent[-100:]),
        "p95_ms": statistics.quantiles(spent, n=20)[-1],
        "before_mib": before,
        "after_mib": _resident(),
    }


def start(dsn: str) -> float:
    """Seconds from the start of a server to its first answer."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    body, headers = requests("ours", "Q2")[0].encode(), {"content-type": "application/json"}
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/graphql", body, headers)
    began = time.perf_counter()
    environment = os.environ | {"DATABASE_URL": dsn, "PORT": str(port)}
    server = subprocess.Popen(
        [sys.executable, "-m", "app", "serve"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while time.perf_counter() - began < 30 and server.poll() is None:
            try:
                with urllib.request.urlopen(asked, timeout=10) as response:
                    response.read()
                    return time.perf_counter() - began
            except OSError:
                time.sleep(0.01)
        raise SystemExit("the server did not start")
    finally:
        server.terminate()
        server.wait(15)


def measured(dsn: str) -> dict[str, Any]:
    """Both, medians of three: operations in a process of their own each time."""
    command = [sys.executable, "-m", "bench.cold"]
    told = [json.loads(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(3)]
    return {name: statistics.median(each[name] for each in told) for name in told[0]} | {
        "start_s": statistics.median(start(dsn) for _ in range(3)),
        "postgresql": asyncio.run(_server_version(dsn)),
    }


async def _server_version(dsn: str) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()


def rows(told: dict[str, Any]) -> list[str]:
    """The figures as a table."""
    return [
        "| what is new | |",
        "|---|---|",
        f"| from the start of a server to its first nested answer | {told['start_s']:.2f} s |",
        f"| one operation like Q2 that nobody asked before, CPU | {told['first_100_ms']:.2f} ms |",
        f"| the same after {OPERATIONS:,} others; 95 of 100 within | {told['last_100_ms']:.2f} ms;"
        f" {told['p95_ms']:.2f} ms |",
        f"| memory of their process before and after them | {told['before_mib']:.0f}, {told['after_mib']:.0f} MiB |",
        "",
        f"PostgreSQL {told['postgresql']}.",
    ]


if __name__ == "__main__":
    print(json.dumps(operations()))
