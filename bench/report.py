"""Measurements to a table and a plot: RESULTS.md and results.svg of a full run, the table alone of a quick one."""

from __future__ import annotations

import json
import platform
import statistics
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.servers import HERE, PEERS

WORKS = ("Q1", "Q2", "Q3", "Q4", "R3")
_BUSY = 0.25


def _median(lines: list[dict[str, Any]], key: str) -> float:
    quiet = [line for line in lines if line["foreign"] <= _BUSY] or lines
    return statistics.median(line[key] for line in quiet)


def table(lines: list[dict[str, Any]], connections: int) -> list[str]:
    """Requests a second with CPU ms of server and database, a row a server."""
    rows = [
        f"| req/s at {connections} connections (server + database CPU ms) | {' | '.join(WORKS)} | peak MiB |",
        "|---|" + "---|" * (len(WORKS) + 1),
    ]
    for server in dict.fromkeys(line["server"] for line in lines):
        cells = []
        for work in WORKS:
            found = [
                line
                for line in lines
                if (line["server"], line["work"], line["connections"], line["first"])
                == (server, work, connections, None)
            ]
            cells.append(
                f"{_median(found, 'rps'):,.0f} ({_median(found, 'server_ms'):.2f} + {_median(found, 'database_ms'):.2f})"
                if found
                else ""
            )
        peak = max(line["memory"] for line in lines if line["server"] == server)
        rows.append(f"| {server} | {' | '.join(cells)} | {peak:.0f} |")
    return rows


def goals(lines: list[dict[str, Any]]) -> list[str]:
    """Every goal with its ratio."""

    def rps(server: str, work: str) -> float | None:
        found = [
            line
            for line in lines
            if (line["server"], line["work"], line["connections"], line["first"]) == (server, work, 8, None)
        ]
        return _median(found, "rps") if found else None

    peers = {line["server"] for line in lines} - {"gateway", "gateway_hot", "limit1", "limit3"}
    rows = ["| goal | work | ratio | reached |", "|---|---|---|---|"]
    for work in WORKS:
        mine = rps("gateway", work)
        best = max((value for peer in peers if (value := rps(peer, work)) is not None), default=None)
        if mine and best:
            rows.append(
                f"| 2x the fastest peer, nothing cached | {work} | {mine / best:.2f} | {_yes(mine / best, 2)} |"
            )
        limit = rps("limit1", work)
        if mine and limit and work in ("Q2", "Q4"):
            rows.append(f"| at least limit 1 | {work} | {mine / limit:.2f} | {_yes(mine / limit, 1)} |")
        hot, constant = rps("gateway_hot", work), rps("limit3", work)
        if hot and constant:
            rows.append(
                f"| hot at least half of limit 3 | {work} | {hot / constant:.2f} | {_yes(hot / constant, 0.5)} |"
            )
    return rows


def _yes(ratio: float, wanted: float) -> str:
    return "yes" if ratio >= wanted else "no"


def growth(lines: list[dict[str, Any]]) -> list[str]:
    """Mean ms of Q2 by the number of bundles."""
    sized = [line for line in lines if line["first"] is not None]
    if not sized:
        return []
    rows = ["| Q2, one connection: mean ms (server + database CPU ms) | 1 | 20 | 100 | 500 |", "|---|---|---|---|---|"]
    for server in dict.fromkeys(line["server"] for line in sized):
        cells = []
        for first in (1, 20, 100, 500):
            found = [line for line in sized if line["server"] == server and line["first"] == first]
            cells.append(
                f"{_median(found, 'mean_us') / 1000:.2f} ({_median(found, 'server_ms'):.2f} +"
                f" {_median(found, 'database_ms'):.2f})"
                if found
                else ""
            )
        rows.append(f"| {server} | {' | '.join(cells)} |")
    return rows


def plot(lines: list[dict[str, Any]]) -> str:
    """Bars of requests a second, a group a work, each work scaled by its fastest server without a constant body."""
    names = list(dict.fromkeys(line["server"] for line in lines))
    bar, gap, height = 18, 30, 220
    width = len(WORKS) * (len(names) * bar + gap) + gap
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height + 70}" font-family="sans-serif" font-size="10">',
        f'<rect width="{width}" height="{height + 70}" fill="white"/>',
    ]
    colours = ["#1b6ca8", "#58a6d6", "#777", "#bbb", "#c0504d", "#e3a857", "#7aa35a", "#8064a2"]
    for place, work in enumerate(WORKS):
        values = {
            name: _median(found, "rps")
            for name in names
            if (
                found := [
                    line
                    for line in lines
                    if (line["server"], line["work"], line["connections"], line["first"]) == (name, work, 8, None)
                ]
            )
        }
        top = max((v for n, v in values.items() if n not in ("limit3", "gateway_hot")), default=1.0)
        left = gap + place * (len(names) * bar + gap)
        parts.append(f'<text x="{left}" y="{height + 32}" font-size="13">{work}</text>')
        for at, name in enumerate(names):
            if name not in values:
                continue
            tall = min(1.0, values[name] / top) * (height - 20)
            x, y = left + at * bar, height + 15 - tall
            parts.append(f'<rect x="{x}" y="{y:.0f}" width="{bar - 3}" height="{tall:.0f}" fill="{colours[at % 8]}"/>')
            parts.append(f'<text x="{x}" y="{y - 3:.0f}" font-size="7">{values[name]:,.0f}</text>')
    for at, name in enumerate(names):
        x = gap + at * 105
        parts.append(f'<rect x="{x}" y="{height + 44}" width="9" height="9" fill="{colours[at % 8]}"/>')
        parts.append(f'<text x="{x + 13}" y="{height + 52}">{name}</text>')
    return "\n".join([*parts, "</svg>\n"])


def versions() -> list[str]:
    """What ran, as it is installed: this gateway's packages, and the peers'."""
    told = [f"{name} {version(name)}" for name in ("asyncpg", "uvicorn", "graphql-core", "orjson")]
    told += [f"peer {name} {json.loads(file.read_text())['version']}" for name, file in _node_packages()]
    for installed in sorted(PEERS.glob("venv/lib/python3*/site-packages/*.dist-info")):
        name, _, number = installed.name.removesuffix(".dist-info").partition("-")
        if name in ("strawberry_graphql", "fastapi"):
            told.append(f"peer {name.replace('_', '-')} {number}")
    return told


def _node_packages() -> list[tuple[str, Path]]:
    found = [(name, PEERS / "node_modules" / name / "package.json") for name in ("mercurius", "postgraphile")]
    return [(name, file) for name, file in found if file.is_file()]


def write(lines: list[dict[str, Any]], more: list[str], *, final: bool) -> None:
    """Print the tables and `more` of them; of a full run, keep them below the words of RESULTS.md."""
    told = [*table(lines, 8), ""]
    if any(line["connections"] == 32 for line in lines):
        told += [*table(lines, 32), ""]
    told += [*goals(lines), "", *growth(lines), "", *more]
    print("\n".join(told))
    if not final:
        return
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        "",
    )
    head = [
        f"Run of {datetime.now(UTC):%Y-%m-%d}: {cpu}, 2 cores, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}; server on one core, PostgreSQL and load on the other.",
        f"Rounds in which others used more than {_BUSY} of a core are left out of the medians; median of that share "
        f"over all rounds: {statistics.median(line['foreign'] for line in lines):.2f}.",
        f"Versions: {', '.join(versions())}.",
        "",
        "![requests a second by work](results.svg)",
        "",
    ]
    results = HERE / "RESULTS.md"
    mark = "<!-- measured -->"
    words = results.read_text().partition(mark)[0] if results.exists() else "# What the read path costs\n\n"
    results.write_text(f"{words}{mark}\n" + "\n".join([*head, *told]) + "\n")
    (HERE / "results.svg").write_text(plot(lines))
