"""The project's own evidence as a first thing to look at."""

from __future__ import annotations

from pathlib import Path


def load_examples(dsn: str, folder: Path) -> None:
    """Import the examples when the database holds no bundle."""
