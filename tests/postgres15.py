"""A scratch cluster of Debian's PostgreSQL 15, the oldest version the schema supports."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

BINARIES = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture(scope="session")
def server15() -> Iterator[str]:
    """DSN of the cluster; skips where PostgreSQL 15 is not installed, and fails there in CI."""
    if not (BINARIES / "initdb").exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI must test on PostgreSQL 15, and {BINARIES} is not there")
        pytest.skip(f"PostgreSQL 15 is not installed at {BINARIES}")
    # Short, for the socket's path; the server refuses to run as root.
    folder = Path(tempfile.mkdtemp(prefix="pg15-", dir="/tmp"))
    user = _unprivileged() if os.geteuid() == 0 else None
    if user is not None:
        os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [BINARIES / program, *arguments],
            user=user,
            cwd=folder,
            env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    data = str(folder / "data")
    try:
        run("initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync")
        options = f"-k {folder} -c listen_addresses='' -c fsync=off -c max_connections=40"
        run("pg_ctl", "-D", data, "-w", "-o", options, "-l", str(folder / "log"), "start")
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> str:
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"
