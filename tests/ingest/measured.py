"""The `evidence` command run apart, with its processor time and the most memory that it or a child of it held."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

# A small process starts the command and measures it: the peak of a child begins at that of the process that forked it.
_MEASURE = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([done.returncode, done.stdout, done.stderr, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""


@dataclass(frozen=True)
class Run:
    """How a command ended; processor time in seconds, memory in MB."""

    code: int
    out: str
    err: str
    seconds: float
    megabytes: float

    def told(self) -> list[dict[str, Any]]:
        """The JSON lines it printed."""
        return [json.loads(line) for line in self.out.splitlines()]


def evidence(*arguments: object, wait: float = 300, **environment: str) -> Run:
    """Run `evidence` with the arguments."""
    command = [sys.executable, "-c", _MEASURE, sys.executable, "-m", "app", *map(str, arguments)]
    env = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=wait, check=True)
    return Run(*json.loads(done.stdout))
