"""The servers that are compared: this gateway with and without its cache, the limits, and the peers that are installed.

Peers live in ../shared/bench-peers; `make bench` copies them to bench/out/peers and installs them there. A peer whose
program is missing is left out, and the result says so.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from bench.works import GRAPHQL, requests

HERE = Path(__file__).parent.resolve()
OUT = HERE / "out"
PEERS = OUT / "peers"
SERVER_CORE, LOAD_CORE = os.environ.get("SERVER_CORE", "0"), os.environ.get("LOAD_CORE", "1")


@dataclass
class Server:
    """One program under load."""

    name: str
    command: list[str]
    dialect: str
    works: tuple[str, ...]
    path: str = "/graphql"
    environment: dict[str, str] = field(default_factory=dict)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it on the server's core until it answers its first work."""
        log = (OUT / f"{self.name}.log").open("wb")
        environment = os.environ | {"PORT": str(self.port), "NODE_ENV": "production"} | self.environment
        command = ["taskset", "-c", SERVER_CORE, *(part.replace("{port}", str(self.port)) for part in self.command)]
        self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=HERE.parent)
        for _ in range(300):
            time.sleep(0.1)
            if self.process.poll() is not None:
                raise SystemExit(f"{self.name} ended; see {log.name}")
            try:
                self.ask(self.works[0], requests(self.dialect, self.works[0])[0])
            except OSError:
                continue
            return
        raise SystemExit(f"{self.name} did not start; see {log.name}")

    def stop(self) -> None:
        """End it."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(8)
            except subprocess.TimeoutExpired:
                self.process.kill()

    def ask(self, work: str, request: str) -> bytes:
        """One answer."""
        base = f"http://127.0.0.1:{self.port}"
        headers = {"content-type": "application/json", "accept": "application/json"}
        asked = (
            urllib.request.Request(base + request)
            if work == "R3"
            else urllib.request.Request(base + self.path, request.encode(), headers)
        )
        try:
            with urllib.request.urlopen(asked, timeout=60) as response:
                body: bytes = response.read()
                return body
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{self.name} {work}: {error} {error.read()[:400]!r}") from None


def _uvicorn(app: str, folder: Path, python: str = sys.executable) -> list[str]:
    return [
        python, "-m", "uvicorn", "--app-dir", str(folder), "--loop", "uvloop", "--http", "httptools", "--no-access-log",
        "--log-level", "warning", "--host", "127.0.0.1", "--port", "{port}", app,
    ]  # fmt: skip


def servers(ours: str, theirs: str | None) -> list[Server]:
    """All that can be started. `ours` and `theirs` are the databases with this project's tables and the peers'."""
    works = (*GRAPHQL, "R3")
    run = [sys.executable, "-m", "app", "serve"]
    python = str(PEERS / "venv/bin/python") if (PEERS / "venv/bin/python").exists() else sys.executable
    database = {"DATABASE_URL": ours}
    found = [
        Server("gateway", run, "ours", works, environment=database | {"EVIDENCE_CACHE_BYTES": "0"}),
        Server("gateway_hot", run, "ours", works, environment=database),
        Server("limit1", _uvicorn("bench.limits:app", HERE.parent), "ours", works, environment=database | {"LIMIT": "1"}),
        Server(
            "limit3", _uvicorn("bench.limits:app", HERE.parent), "ours", GRAPHQL,
            environment={"LIMIT": "3", "FIXTURES": str(OUT / "fixtures")},
        ),
    ]  # fmt: skip
    if theirs is not None and (PEERS / "peers").is_dir():
        at = PEERS / "peers"
        peer = {"DATABASE_URL": theirs}
        found.append(
            Server("strawberry", _uvicorn("strawberry_app:app", at, python), "strawberry", GRAPHQL, "/graphql/", peer)
        )
        if (PEERS / "venv").is_dir():
            found.append(Server("fastapi", _uvicorn("fastapi_rest:app", at, python), "hand", ("R3",), environment=peer))
        if shutil.which("node") and (PEERS / "node_modules").is_dir():
            for name, dialect, more in (("mercurius", "hand", ("R3",)), ("postgraphile", "postgraphile", ())):
                command = ["node", str(at / f"{name}.mjs")]
                environment = peer | {"GRAPHILE_ENV": "production"}
                found.append(Server(name, command, dialect, (*GRAPHQL, *more), environment=environment))
    for place, server in enumerate(found):
        server.port = 18200 + place
    return found
