"""The `evidence` command: one module per group of commands, one place where errors become sentences."""

from __future__ import annotations

from app.cli import importing, migrating, schema, serving  # noqa: F401 - each registers its commands
from app.cli.base import app

__all__ = ["app"]
