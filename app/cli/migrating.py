"""`evidence migrate`: bring the database to this program's schema, or print the SQL that would."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.base import command, database_url
from app.db import migrate as migrations


@command("migrate")
def migrate(
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL for a DBA; touch nothing.")] = False,
    to: Annotated[str, typer.Option("--to", help="A revision; `base` takes an empty schema down.")] = "head",
) -> None:
    """Bring the database to this program's schema. Safe to run from several places at once."""
    if sql:
        typer.echo(migrations.sql(to))
        return
    with database_url() as dsn:
        before, after = migrations.migrate_sync(dsn, to)
    if before == after:
        typer.echo(f"already at revision {after or 'base'}")
    else:
        typer.echo(f"migrated from {before or 'an empty database'} to {after or 'base'}")
