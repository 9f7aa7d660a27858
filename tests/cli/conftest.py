"""The command over a test's own database."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from app.cli import load

Run = Callable[..., Result]


@pytest.fixture
def run(dsn: str) -> Run:
    """Runs the command line in process."""

    def invoke(*args: object, **environment: str) -> Result:
        return CliRunner().invoke(load(), [str(arg) for arg in args], env={"DATABASE_URL": dsn} | environment)

    return invoke
