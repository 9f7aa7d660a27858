"""The artifact set that the project is measured by, where it lies beside the checkout: files and their ground truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.importers import registry
from app.importers.base import Artifact
from app.importers.describe import describe

ARTIFACTS = Path(__file__).resolve().parents[2].parent / "shared" / "artifacts"

needs_artifacts = pytest.mark.skipif(not (ARTIFACTS / "INDEX.json").exists(), reason="the artifact set is not here")


def index() -> dict[str, Any]:
    """INDEX.json, or an empty index where the set is not here."""
    path = ARTIFACTS / "INDEX.json"
    if not path.exists():
        return {"files": [], "hostile": []}
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def entries(*formats: str) -> list[dict[str, Any]]:
    """The index entries of these formats, or of all."""
    return [entry for entry in index()["files"] if not formats or entry["format"] in formats]


def others(*formats: str) -> list[dict[str, Any]]:
    """The index entries of every other format."""
    return [entry for entry in entries() if entry["format"] not in formats]


def artifact(entry: dict[str, Any]) -> Artifact:
    """The entry's file, read anew at each call."""
    path = ARTIFACTS / entry["file"]
    return Artifact(path.name, path.stat().st_size, lambda: path.open("rb"))


def inspect(entry: dict[str, Any]) -> dict[str, Any]:
    """What `evidence inspect` says of the entry's file, its format found by its content."""
    found = artifact(entry)
    return describe(found.name, registry.read(found))


def short(entry: dict[str, Any]) -> str:
    """A test id."""
    return str(entry["file"]).rpartition("__")[2]
