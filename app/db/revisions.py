"""The revisions of the schema that this program knows, read from their files: a server needs no more of Alembic."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from app.domain.errors import Unavailable


def scripts() -> Path:
    """Where the revisions lie: inside the package of a wheel, at the top of a checkout."""
    inside = Path(str(files("app"))) / "_migrations"
    return inside if inside.is_dir() else Path(str(files("app"))).parent / "migrations"


@cache
def head() -> str:
    """The newest revision: files are named by revision, and revisions begin with their number."""
    known = sorted(file.stem for file in (scripts() / "versions").glob("[0-9]*.py"))
    if not known:
        raise Unavailable("no migrations were found beside the program; install it again")
    return known[-1].partition("_")[0]
