"""`evidence schema`: the GraphQL schema as text, written to or checked against schema.graphql."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated

import typer

from app.cli.base import command, fail
from app.graphql_api.schema import sdl

FILE = Path("schema.graphql")


@command("schema")
def schema(
    write: Annotated[bool, typer.Option("--write", help=f"Write {FILE} again.")] = False,
    check: Annotated[bool, typer.Option("--check", help=f"Fail when {FILE} differs from the types.")] = False,
) -> None:
    """Print the GraphQL schema."""
    text = sdl()
    if write:
        FILE.write_text(text, encoding="utf-8")
        typer.echo(f"wrote {FILE}")
    elif check:
        kept = FILE.read_text(encoding="utf-8") if FILE.exists() else ""
        if kept != text:
            diff = difflib.unified_diff(kept.splitlines(), text.splitlines(), str(FILE), "types", lineterm="")
            typer.echo("\n".join(list(diff)[:60]))
            fail(f"{FILE} differs from the types; run `make schema` and review the change", 1)
        typer.echo(f"{FILE} equals the types")
    else:
        typer.echo(text, nl=False)
