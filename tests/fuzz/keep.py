"""Keep what fuzzing found as tests: of the inputs in .fuzz, those that go where neither samples nor kept ones go.

python -m tests.fuzz.keep        (after `make fuzz`; a finding is kept once what it broke is mended)
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.sound import FOUND, found

ROOT = Path(__file__).resolve().parents[2]
KEPT_LIMIT = 2_000
"""Bytes of an input that is kept; a larger one that broke nothing is not worth its room."""


def keep(kind: str) -> int:
    """Add to the kept inputs of a kind; returns how many there are."""
    work = ROOT / ".fuzz" / kind
    kept = set(found(kind))
    with tempfile.TemporaryDirectory() as folder:
        known = {path.name for path in (work / "seeds").iterdir()}
        for path in (work / "seeds").iterdir():
            (Path(folder) / path.name).write_bytes(path.read_bytes())
        merge = ["-merge=1", "-use_counters=0", folder, str(work / "corpus")]
        subprocess.run([sys.executable, "-m", f"tests.fuzz.fuzz_{kind}", *merge], cwd=ROOT, check=True)
        new = [path.read_bytes() for path in Path(folder).iterdir() if path.name not in known]
    kept |= {data for data in new if len(data) <= KEPT_LIMIT}
    for pattern in ("crash-*", "timeout-*", "oom-*"):
        kept |= {path.read_bytes() for path in work.glob(pattern)}
    FOUND.mkdir(exist_ok=True)
    lines = [f"{data!r}\n" for data in sorted(kept, key=lambda data: (len(data), data))]
    (FOUND / f"{kind}.txt").write_text("".join(lines), encoding="ascii")
    return len(kept)


if __name__ == "__main__":
    for kind in ("json", "xml", "text"):
        if (ROOT / ".fuzz" / kind).exists():
            sys.stdout.write(f"{kind}: {keep(kind)} kept\n")
