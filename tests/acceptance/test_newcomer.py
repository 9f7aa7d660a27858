"""What a newcomer sees: one command, a gateway over a real PostgreSQL, real evidence in it, and a clean end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

ROOT = Path(__file__).parents[2]
EVIDENCE = Path(sys.executable).parent / "evidence"
STARTED_WITHIN = 60.0
STOPPED_WITHIN = 20.0


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Gateway:
    """A gateway process with its own data folder."""

    def __init__(self, data: Path, port: int, *command: str, **environment: str) -> None:
        inherited = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [str(EVIDENCE), *(command or ("run",))],
            cwd=ROOT,
            env=inherited | {"PORT": str(port), "EVIDENCE_DATA": str(data)} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait(self) -> None:
        """Return once it is healthy; fails with its output when it ends before."""
        deadline = time.monotonic() + STARTED_WITHIN
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/healthz", timeout=5).status_code == 200:
                    return
            if self.process.poll() is not None:
                pytest.fail(f"ended with {self.process.returncode}: {self.end()}")
            time.sleep(0.05)
        pytest.fail(f"not healthy within {STARTED_WITHIN} s: {self.end()}")

    def end(self, how: int = signal.SIGTERM) -> str:
        """Send a signal; returns all output once it has ended."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        output, _ = self.process.communicate(timeout=STOPPED_WITHIN)
        return output


def postmasters(data: Path) -> list[psutil.Process]:
    """The PostgreSQL servers over a data folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if str(data / "pgdata") in command and "postgres" in Path(command[0]).name:
            found.append(process)
    return found


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway as `make run` starts it, over a folder of its own."""
    started = Gateway(tmp_path_factory.mktemp("data"), free_port())
    started.wait()
    yield started
    started.end()


@pytest.mark.invariant("PI-LAUNCH-001")
def test_one_command_gives_a_gateway_with_evidence_in_it(gateway: Gateway) -> None:
    query = """{ bundles(first: 5) { totalCount nodes { id bundleKey items { nodes { id title result } totalCount }
        gates { nodes { gate result } } invariants { nodes { invariantId result } } } } }"""
    answered: dict[str, Any] = httpx.post(f"{gateway.url}/graphql", json={"query": query}, timeout=30).json()
    assert "errors" not in answered
    bundles = answered["data"]["bundles"]
    assert bundles["totalCount"] >= 3
    assert any(bundle["items"]["totalCount"] > 0 for bundle in bundles["nodes"])


@pytest.mark.invariant("PI-CONNECT-001")
def test_both_faces_show_the_same_bundle(gateway: Gateway) -> None:
    query = "{ bundles(first: 1) { nodes { id bundleKey title items(first: 500) { nodes { id } } } } }"
    answered = httpx.post(f"{gateway.url}/graphql", json={"query": query}, timeout=30).json()
    bundle = answered["data"]["bundles"]["nodes"][0]
    for name in (bundle["id"], bundle["bundleKey"]):
        shown = httpx.get(f"{gateway.url}/api/v3/platform/evidence/bundles/{name}", timeout=30).json()
        assert shown["id"] == bundle["id"]
        assert shown["title"] == bundle["title"]
        assert [item["id"] for item in shown["items"]] == [item["id"] for item in bundle["items"]["nodes"]]


def test_metrics_count_what_was_answered(gateway: Gateway) -> None:
    httpx.get(f"{gateway.url}/livez", timeout=30)
    text = httpx.get(f"{gateway.url}/metrics", timeout=30).text
    assert 'evidence_http_requests_total{method="GET",route="/livez",status="200"}' in text


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.invariant("PI-APPFAIL-001")
def test_it_stops_cleanly_database_included(tmp_path: Path, how: int) -> None:
    first = Gateway(tmp_path, free_port(), "run", "--examples", str(tmp_path))
    first.wait()
    assert len(postmasters(tmp_path)) == 1
    output = first.end(how)
    assert first.process.returncode == 0, output
    assert output.rstrip().endswith("stopped")
    assert postmasters(tmp_path) == []


@pytest.mark.invariant("PI-APPFAIL-002")
def test_a_second_start_names_what_is_in_use_and_harms_nothing(tmp_path: Path) -> None:
    port = free_port()
    first = Gateway(tmp_path, port, "run", "--examples", str(tmp_path))
    try:
        first.wait()
        same_port = Gateway(tmp_path, port)
        output = same_port.end(0)
        assert same_port.process.returncode == 2
        assert f"port {port} on 127.0.0.1 is in use" in output
        same_folder = Gateway(tmp_path, free_port())
        output = same_folder.end(0)
        assert same_folder.process.returncode == 2
        assert f"the data folder {tmp_path} is in use by process {first.process.pid}" in output
        assert "Traceback" not in output
        assert httpx.get(f"{first.url}/healthz", timeout=10).status_code == 200
    finally:
        first.end()
    assert postmasters(tmp_path) == []


def test_it_starts_again_after_a_kill(tmp_path: Path) -> None:
    killed = Gateway(tmp_path, free_port(), "run", "--examples", str(tmp_path))
    killed.wait()
    killed.end(signal.SIGKILL)
    again = Gateway(tmp_path, free_port(), "run", "--examples", str(tmp_path))
    again.wait()
    again.end()
    assert postmasters(tmp_path) == []


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"PORT": "http"}, "PORT must be a number, not 'http'"),
        ({"PORT": "70000"}, "PORT must lie between 0 and 65535"),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL must start with postgresql://"),
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x"}, "the database cannot be reached"),
        ({"HOST": "203.0.113.1"}, "cannot listen on 203.0.113.1"),
    ],
)
def test_settings_that_cannot_be_used_are_named(tmp_path: Path, environment: dict[str, str], sentence: str) -> None:
    started = Gateway(tmp_path, free_port(), **environment)
    output = started.end(0)
    assert started.process.returncode == 2
    assert sentence in output
    assert "Traceback" not in output
