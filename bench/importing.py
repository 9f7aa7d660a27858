"""Benchmark of `evidence import`: mixed files by the command as a person runs it, into a fresh embedded PostgreSQL.

The files are grown from the test samples of every format: elements repeated under other names until the size is one
drawn from the sizes of 586 artifacts of other people (median 2.4 KB, mean 23 KB, largest 1.1 MB). Each digest differs.

    python -m bench.importing [--files 1000] [--jobs 2] [--rounds 3] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import copy
import itertools
import json
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from app.importers import registry
from app.importers.base import Artifact, ImportBatch

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "tests/importers"
SIZES = ((0.0, 200), (0.1, 428), (0.25, 917), (0.5, 2439), (0.75, 9277), (0.9, 23860), (0.95, 61422), (0.99, 637162),
         (1.0, 1112416))  # fmt: skip
"""Quantiles of file sizes in bytes, between which sizes are drawn in a straight line."""
GOAL = 50.0
"""Files a second that an import must reach on two cores."""
SHOWN = frozenset(("name", "title", "message", "description", "summary", "shortDescription", "text"))
TICK = 0.2


def samples() -> list[Path]:
    """The samples that are taken, of all formats."""
    found = (_sample_of(answer) for answer in SAMPLES.glob("*/*.expected.json"))
    return sorted(path for path in found if path is not None)


def _sample_of(answer: Path) -> Path | None:
    stem = answer.name.removesuffix(".expected.json")
    found = [path for path in answer.parent.glob(f"{stem}.*") if path.name.split(".")[0] == stem and path != answer]
    return found[0] if found else None


def _size(chance: random.Random) -> int:
    at = chance.random()
    for (low, small), (high, large) in itertools.pairwise(SIZES):
        if at <= high:
            return round(small + (large - small) * (at - low) / (high - low))
    return SIZES[-1][1]


def _grown_json(data: bytes, size: int, number: int) -> bytes | None:
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except ValueError:
        return None
    lists = list(_lists(document))
    if lists and len(data) < size:
        longest = max(lists, key=lambda found: len(json.dumps(found)))
        grown = len(json.dumps(longest))
        for copied in range((size - len(data)) // max(grown, 1)):
            longest.extend(
                _renamed(inner, f"{number}-{copied}") for inner in longest[: max(1, len(longest) // (copied + 1))]
            )
    return json.dumps(document, indent=2).encode()


def _lists(value: Any) -> Iterator[list[Any]]:
    """The lists of objects inside."""
    if isinstance(value, list) and value and all(isinstance(inner, dict) for inner in value):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _lists(inner)


def _renamed(value: Any, mark: str) -> Any:
    if isinstance(value, dict):
        return {
            key: f"{inner} {mark}" if key in SHOWN and isinstance(inner, str) else _renamed(inner, mark)
            for key, inner in value.items()
        }
    return [_renamed(inner, mark) for inner in value] if isinstance(value, list) else value


def _grown_xml(data: bytes, size: int, number: int) -> bytes | None:
    try:
        root = ElementTree.fromstring(data)  # noqa: S314 - our own samples
    except (ElementTree.ParseError, ValueError):
        return None
    parent = max(
        root.iter(), key=lambda element: (len(element) > 0, len(ElementTree.tostring(element)) * (element is not root))
    )
    given = list(parent)
    length = sum(len(ElementTree.tostring(child)) for child in given) or 1
    for copied in range(max(0, size - len(data)) // length):
        for child in given:
            made = copy.deepcopy(child)
            if "name" in made.attrib:
                made.set("name", f"{made.get('name')} {number}-{copied}")
            parent.append(made)
    return ElementTree.tostring(root)


def _grown_lines(data: bytes, size: int) -> bytes:
    lines = data.splitlines(keepends=True)
    rest = b"".join(lines[1:])
    return data + rest * (max(0, size - len(data)) // max(len(rest), 1))


def make(folder: Path, count: int, seed: int = 1) -> Counter[str]:
    """Write `count` files, the formats in turn, each of which its importer takes; returns how many of each format."""
    chance = random.Random(seed)
    formats, seen = Counter[str](), set[bytes]()
    found = [list(group) for _, group in itertools.groupby(samples(), key=lambda path: path.parent)]
    for number in range(count):
        turn, which = divmod(number, len(found))
        path = found[which][turn % len(found[which])]
        data, size = path.read_bytes(), _size(chance)
        wanted = path.parent.name.replace("_", "-")
        for grown in (_grown_json(data, size, number), _grown_xml(data, size, number), _grown_lines(data, size), data):
            if grown is None:
                continue
            # White space at the end, which no format minds, tells files apart that did not grow.
            made = grown
            while made in seen:
                made += b"\n"
            outcome = registry.read(Artifact.of_bytes(path.name, made))
            if isinstance(outcome, ImportBatch) and outcome.format == wanted:
                break
        else:
            raise AssertionError(f"no copy of {path} is taken")
        seen.add(made)
        formats[wanted] += 1
        target = folder / path.parent.name / f"{path.name.split('.')[0]}-{number:05}{path.suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(made)
    return formats


class Watch:
    """The most memory that a process and its descendants held together, in MB: RSS, and PSS, which counts shared pages
    once; and the processor seconds of the PostgreSQL over a data folder."""

    def __init__(self, pid: int, data: Path) -> None:
        self.rss = self.pss = self.database = 0.0
        self._pid = pid
        self._postmaster = data / "pgdata" / "postmaster.pid"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        while not self._over.wait(TICK):
            rss = pss = 0
            for pid in _family(self._pid):
                try:
                    text = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
                except OSError:  # it ended meanwhile
                    continue
                told = {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines()[1:]}
                rss, pss = rss + told["Rss"], pss + told["Pss"]
            self.rss, self.pss = max(self.rss, rss / 1024), max(self.pss, pss / 1024)
            with suppress(OSError, ValueError, IndexError):  # it starts, or stops
                self.database = max(self.database, _seconds(int(self._postmaster.read_text("ascii").split()[0])))

    def end(self) -> None:
        """Stop looking."""
        self._over.set()
        self._thread.join()


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    except OSError:
        return
    for child in children:
        yield from _family(int(child))


def _seconds(postmaster: int) -> float:
    """Processor seconds of a server's processes, those that ended included."""
    ticks = 0
    for pid in _family(postmaster):
        times = [int(field) for field in Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[11:15]]
        ticks += sum(times if pid == postmaster else times[:2])
    return ticks / os.sysconf("SC_CLK_TCK")


def _spent() -> float:
    """Processor seconds of the child processes that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def once(folder: Path, jobs: int) -> dict[str, float]:
    """One import into a new data folder."""
    with tempfile.TemporaryDirectory(prefix="bench-import-") as data:
        environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
        environment["EVIDENCE_DATA"] = data
        evidence = [sys.executable, "-m", "app"]
        subprocess.run([*evidence, "migrate"], cwd=ROOT, env=environment, check=True, capture_output=True)
        command = [*evidence, "import", str(folder), "--bundle", "bench", "--kind", "release_candidate"]
        command += ["--environment", "staging", "--product", "bench", "--jobs", str(jobs), "--json"]
        start, spent = time.perf_counter(), _spent()
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as running:
            watch = Watch(running.pid, Path(data))
            assert running.stdout is not None
            last = ""
            for line in running.stdout:
                last = line
        whole = time.perf_counter() - start
        watch.end()
        summary = json.loads(last)["summary"]
        assert summary["created"] == summary["files"], summary
        rows = sum(summary["rows"].values())
        return {
            "files": summary["files"],
            "rows": rows,
            "seconds": whole,
            "files/s": summary["files"] / whole,
            "rows/s": rows / whole,
            "CPU, s": _spent() - spent,
            "database CPU, s": watch.database,
            "peak RSS, MB": watch.rss,
            "peak PSS, MB": watch.pss,
        }


def main() -> None:
    """Make the files, import them, tell the figures; exit code 1 below the goal."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    asked.add_argument("--files", type=int, default=1000)
    asked.add_argument("--jobs", type=int, default=2)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--keep", type=Path, help="where the files are made, and left")
    options = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-import-files-") as made:
        folder = options.keep or Path(made)
        formats = make(folder, options.files)
        total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        print(f"{options.files} files of {len(formats)} formats, {total / 1e6:.1f} MB; {os.cpu_count()} cores, "
              f"load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}, --jobs {options.jobs}")  # fmt: skip
        rounds = [once(folder, options.jobs) for _ in range(options.rounds)]
        for name in rounds[0]:
            values = [told[name] for told in rounds]
            print(f"{name:>18}  {statistics.median(values):9,.1f}   ({', '.join(f'{v:,.1f}' for v in values)})")
    reached = statistics.median(told["files/s"] for told in rounds)
    print(f"goal {GOAL:.0f} files/s: {'reached' if reached >= GOAL else 'MISSED'}, load now {os.getloadavg()[0]:.1f}")
    sys.exit(reached < GOAL)


if __name__ == "__main__":
    main()
