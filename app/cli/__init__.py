"""The `evidence` command: one module per group of commands, one place where errors become sentences."""

from __future__ import annotations

from app.cli import (  # noqa: F401 - each registers its commands
    diffing,
    evaluating,
    importing,
    migrating,
    policy,
    readiness,
    recording,
    schema,
    serving,
)
from app.cli.base import app

__all__ = ["app"]
