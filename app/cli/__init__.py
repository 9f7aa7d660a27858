"""The `evidence` command: one module per group of commands, one place where errors become sentences.

A module is loaded when one of its commands is asked for: the faces and the migrations take a second to load, which
an import of one file need not wait for.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import typer

from app.cli.base import app

MODULES = {
    "diff": "diffing",
    "evaluate": "evaluating",
    "import": "importing",
    "inspect": "importing",
    "migrate": "migrating",
    "policy": "policy",
    "readiness": "readiness",
    "record": "recording",
    "replay": "readiness",
    "run": "serving",
    "schema": "schema",
    "serve": "serving",
}
"""Each command, or group of commands, and the module below this one that registers it."""


def load(arguments: Sequence[str] = ()) -> typer.Typer:
    """The command line, with the command that the arguments begin with, or with all of them where they name none."""
    asked = MODULES.get(arguments[0]) if arguments else None
    for module in [asked] if asked else sorted(set(MODULES.values())):
        import_module(f"app.cli.{module}")
    return app
