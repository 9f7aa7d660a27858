"""Make one set of example artifacts from the project as it stands: `make examples SET=0.1.0-rc.2/run-1`.

Each file is the unedited output of a tool run on this checkout; tools that find something to complain about end
with an exit code other than 0, and their report is kept all the same, since that is evidence too.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
BIN = Path(sys.executable).parent


def run(command: list[str], output: Path | None = None, **environment: str) -> None:
    """Run a tool in the checkout; its standard output becomes the file."""
    print(f"  {' '.join(command[:4])} ...", flush=True)
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, check=False, capture_output=output is not None, timeout=900
    )
    if output is not None:
        output.write_bytes(done.stdout)


def health(folder: Path) -> None:
    """Start the gateway over an empty embedded database and keep what it says of its own health."""
    with tempfile.TemporaryDirectory() as data:
        environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
        environment |= {"PORT": "0", "EVIDENCE_DATA": data}
        started = subprocess.Popen(
            [str(BIN / "evidence"), "run", "--examples", data],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            for line in started.stdout or ():
                if "health" in line:
                    url = line.split()[-1]
                    break
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                try:
                    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own loopback address
                        document = json.load(answer)
                    break
                except OSError:
                    time.sleep(0.1)
            (folder / "health.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        finally:
            started.send_signal(signal.SIGTERM)
            started.wait(30)


def main(folder: Path) -> None:
    """Make the set."""
    for part in ("ci", "uat", "guards", "status"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    pytest = [str(BIN / "python"), "-m", "pytest", "-p", "no:cacheprovider", "-o", "junit_family=xunit2"]
    unit = ["tests/domain", "tests/ingest", "tests/readmodels"]
    run([*pytest, *unit, f"--junitxml={folder / 'ci' / 'unit-tests.xml'}"])
    run([*pytest, "tests/graphql_api", "tests/rest_v3", f"--junitxml={folder / 'ci' / 'api-tests.xml'}"])
    run([*pytest, "tests/test_explorer.py", "tests/acceptance", f"--junitxml={folder / 'uat' / 'acceptance.xml'}"])
    ruff = [str(BIN / "ruff"), "check", "--exit-zero"]
    run([*ruff, "--output-format=gitlab", "."], folder / "ci" / "code-quality.json")
    run([*ruff, "--isolated", "--select=S", "--output-format=sarif", "app"], folder / "ci" / "bandit-rules.sarif")
    run([str(BIN / "lint-imports"), "--no-cache"], folder / "guards" / "import-linter.txt")
    health(folder / "status")
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            # Evidence is shown to others: where the checkout lies, and on which machine, is nobody's business.
            text = (
                file.read_text(encoding="utf-8")
                .replace(f"{ROOT}/", "")
                .replace(str(ROOT), ".")
                .replace(sys.base_prefix, "/usr")
            )
            file.write_text(text.replace(f'hostname="{platform.node()}"', 'hostname="localhost"'), encoding="utf-8")
            print(f"  {file.relative_to(ROOT)}: {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("/"):
        sys.exit("usage: make.py SET, such as 0.1.0-rc.2/run-1")
    main(HERE / sys.argv[1])
