"""Artifacts read in a process of their own, with its time and memory measured and capped."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

# The peak is taken from /proc, because ru_maxrss starts at that of the process that forked this one.
_CHILD = """
import json, re, sys, time
from pathlib import Path
from app.importers import registry
from app.importers.base import Artifact
from app.importers.describe import describe
for path in map(Path, sys.argv[1:]):
    artifact = Artifact(path.name, path.stat().st_size, lambda path=path: path.open("rb"))
    start = time.process_time()
    told = describe(path.name, registry.read(artifact))
    seconds = time.process_time() - start
    peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
    print(json.dumps([told, seconds, int(peak[1]) / 1024]), flush=True)
"""


@dataclass(frozen=True)
class Outcome:
    """What the import said, the processor time it took, and the most memory the process had held until then."""

    told: dict[str, Any]
    seconds: float
    megabytes: float


def read_apart(*paths: Path, wait: float = 120.0) -> list[Outcome]:
    """Read one after the other in a child that may hold 1 GB of address space; a crash or a hang fails the test."""
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, *map(str, paths)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=wait,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)),
    )
    outcomes = [Outcome(*json.loads(line)) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"died at {paths[len(outcomes)].name}: {done.stderr[-2000:]}"
    assert done.stderr == ""
    return outcomes
