"""One measurement: wrk against a server, CPU of server and database from /proc, everything per request."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from bench.servers import HERE, LOAD_CORE, OUT, Server
from bench.works import requests

_TICK = os.sysconf("SC_CLK_TCK")


def _stat(pid: int, *, ended: bool) -> float:
    """CPU ms of a process, with those of its ended children when asked."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(f) for f in fields[11 : 15 if ended else 13]) / _TICK * 1000


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def database_cpu(postmaster: int) -> float:
    """CPU ms of a PostgreSQL: live backends and those that ended."""
    return _stat(postmaster, ended=True) + sum(_stat(child, ended=False) for child in _children(postmaster))


def postmaster_of(folder: str) -> int:
    """The process of the PostgreSQL over a data folder."""
    return int((Path(folder) / "postmaster.pid").read_text().splitlines()[0])


def server_cpu(server: Server) -> float:
    """CPU ms of a server."""
    assert server.process is not None
    return _stat(server.process.pid, ended=True)


def memory(server: Server) -> float:
    """Resident MiB of a server."""
    assert server.process is not None
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def machine_cpu() -> float:
    """CPU ms that the whole machine has used."""
    fields = [int(f) for f in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return (fields[0] + fields[1] + fields[2] + fields[5] + fields[6]) / _TICK * 1000


def load(
    server: Server, work: str, connections: int, seconds: int, postmaster: int, first: int | None = None
) -> dict[str, Any]:
    """One run of wrk. `foreign` is CPU that nothing of ours used, as a share of one core."""
    file = OUT / f"requests-{server.name}-{work}-{first or 0}.txt"
    file.write_text("\n".join(requests(server.dialect, work, first)) + "\n")
    before = (server_cpu(server), database_cpu(postmaster), machine_cpu(), sum(os.times()[2:4]) * 1000)
    done = subprocess.run(
        ["taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s",
         "-s", str(HERE / "post.lua"), f"http://127.0.0.1:{server.port}", "--", str(file), server.path,
         "GET" if work == "R3" else "POST"],
        capture_output=True, text=True, timeout=seconds + 90, check=False,
    )  # fmt: skip
    after = (server_cpu(server), database_cpu(postmaster), machine_cpu(), sum(os.times()[2:4]) * 1000)
    told = next((line[7:] for line in done.stdout.splitlines() if line.startswith("RESULT ")), None)
    if told is None:
        raise SystemExit(done.stdout + done.stderr)
    found: dict[str, Any] = json.loads(told)
    count, wall = max(1, found["requests"]), found["us"] / 1000
    used = [b - a for a, b in zip(before, after, strict=True)]
    drain(server, postmaster)
    return found | {
        "server": server.name, "work": work, "connections": connections, "first": first,
        "rps": count / wall * 1000, "server_ms": used[0] / count, "database_ms": used[1] / count,
        "memory": memory(server), "foreign": max(0.0, used[2] - used[0] - used[1] - used[3]) / wall,
    }  # fmt: skip


def drain(server: Server, postmaster: int) -> None:
    """wrk leaves its last requests in flight: wait until the server is at rest."""
    for _ in range(60):
        before = server_cpu(server) + database_cpu(postmaster)
        time.sleep(0.2)
        if server_cpu(server) + database_cpu(postmaster) - before < 40:
            return
