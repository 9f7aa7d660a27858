"""The benchmark: `python -m bench quick|full`; what it needs is set up by setup.py.

Servers are interleaved, work by work and round by round; medians are told. Before anything is timed, every server's
answers are compared with limit 1's, variable set by variable set.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from typing import Any

from bench.cold import measured, rows
from bench.measure import load
from bench.report import write
from bench.servers import OUT, Server, servers
from bench.setup import databases
from bench.works import normal, requests

LIMITS = {"limit3"}


def verify(found: list[Server]) -> None:
    """Everybody gives the same data, or nothing is timed. Writes what limit 3 sends."""
    reference = next(server for server in found if server.name == "limit1")
    (OUT / "fixtures").mkdir(exist_ok=True)
    for work in ("Q1", "Q2", "Q3", "Q4", "R3"):
        for at in (0, 1, 7, 11):
            wanted = None
            for server in (reference, *(s for s in found if s.name not in {"limit1", *LIMITS})):
                if work not in server.works:
                    continue
                body = server.ask(work, requests(server.dialect, work)[at])
                if server.name == "gateway" and at == 0 and work != "R3":
                    (OUT / "fixtures" / f"{work}.json").write_bytes(body)
                answer = json.loads(body)
                if "errors" in answer:
                    raise SystemExit(f"{server.name} {work}: {body[:400]!r}")
                given = normal(answer.get("data", answer))
                if work == "R3":
                    given = {key: len(value) if isinstance(value, list) else None for key, value in given.items()}
                    given = {key: n for key, n in given.items() if key == "items"}
                if wanted is None:
                    wanted = given
                elif given != wanted:
                    raise SystemExit(f"{server.name} {work} #{at} differs:\n{str(wanted)[:600]}\n{str(given)[:600]}")
    print("every server gave the same data")


def main() -> None:
    """Run and report."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("what", choices=("quick", "full", "report"))
    parser.add_argument("--servers", default="")
    parser.add_argument("--works", default="Q1,Q2,Q3,Q4,R3")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--seconds", type=int, default=0)
    asked = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    results = OUT / f"{asked.what}.jsonl"
    if asked.what == "report":
        kept = [json.loads(line) for line in (OUT / "full.jsonl").read_text().splitlines()]
        write(kept, rows(json.loads((OUT / "cold.json").read_text())), final=True)
        return
    quick = asked.what == "quick"
    times, seconds = asked.rounds or (1 if quick else 3), asked.seconds or (3 if quick else 8)
    wanted = {"gateway", "gateway_hot", "limit1", "limit3", "strawberry"} if quick else None
    wanted = set(asked.servers.split(",")) | {"limit1"} if asked.servers else wanted
    lines: list[dict[str, Any]] = []
    with databases(peers=True) as (ours, theirs, postmaster):
        found = [server for server in servers(ours, theirs) if wanted is None or server.name in wanted]
        _run(found, asked, quick, times, seconds, postmaster, lines)
        new = measured(ours)
    (OUT / "cold.json").write_text(json.dumps(new))
    results.write_text("".join(json.dumps(line) + "\n" for line in lines))
    write(lines, rows(new), final=not quick)
    busy = statistics.median(line["foreign"] for line in lines)
    if busy > 0.25:
        print(f"others used {busy:.2f} of a core meanwhile: these figures are no result", file=sys.stderr)


def _run(
    found: list[Server],
    asked: argparse.Namespace,
    quick: bool,
    rounds: int,
    seconds: int,
    postmaster: int,
    lines: list[dict[str, Any]],
) -> None:
    """Start, compare, measure, end."""
    try:
        for server in found:
            if server.name not in LIMITS:
                server.start()
        verify(found)
        for server in found:
            if server.name in LIMITS:
                server.start()
        for _ in range(rounds):
            for work in asked.works.split(","):
                for server in found:
                    if work not in server.works:
                        continue
                    load(server, work, 8, 1 if quick else 3, postmaster)
                    for connections in (8,) if quick else (8, 32):
                        lines.append(load(server, work, connections, seconds, postmaster))
                        _show(lines[-1])
        for first in () if quick else (1, 20, 100, 500):
            for server in found:
                if server.name in LIMITS or "Q2" not in server.works:
                    continue
                load(server, "Q2", 1, 2, postmaster, first)
                lines.append(load(server, "Q2", 1, 4, postmaster, first))
                _show(lines[-1])
    finally:
        for server in found:
            server.stop()


def _show(line: dict[str, Any]) -> None:
    print(
        f"{line['server']:14} {line['work']} c{line['connections']:<2} {line['first'] or '':>4} {line['rps']:9.1f}/s  "
        f"p50 {line['p50_us'] / 1000:7.2f} p99 {line['p99_us'] / 1000:7.2f} ms  server {line['server_ms']:.3f} "
        f"database {line['database_ms']:.3f} ms  {line['memory']:.0f} MiB  foreign {line['foreign']:.2f} "
        f"failed {line['failed']}",
        flush=True,
    )


if __name__ == "__main__":
    main()
