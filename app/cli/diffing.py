"""`evidence diff`: what changed from one bundle to another."""

from __future__ import annotations

from typing import Annotated

import typer

from app.cli.base import command, with_database
from app.cli.diffs import markdown, text
from app.cli.options import AsOfOption, Format, FormatOption, moment
from app.db.pool import Database
from app.domain.changes import Diff
from app.readmodels.diffs import bundle_diff
from app.readmodels.rows import Reader


@command("diff")
def diff(
    base: Annotated[str, typer.Argument(metavar="BASE", help="The key, or the id, of the bundle to compare with.")],
    head: Annotated[str, typer.Argument(metavar="HEAD", help="The key, or the id, of the bundle that is looked at.")],
    as_of: AsOfOption = None,
    format: FormatOption = Format.TEXT,
    whole: Annotated[bool, typer.Option("--all", help="Also what is clean in both.")] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 1 when anything is worse.")] = False,
) -> None:
    """What changed from one bundle to another: gates, invariants, items and findings as regressed, new, persisting,
    fixed or gone. The bundles may be of different environments, or the same one at work.

    Ends with 0, with --exit-code with 1 when anything regressed or new is trouble, with 2 on misuse.
    """
    at = moment(as_of, "as-of")

    async def work(database: Database) -> Diff:
        if at is not None:
            await database.settle(at)
        return await bundle_diff(Reader(database), base, head, at)

    found = with_database(work, name="diff")
    if format is Format.JSON:
        typer.echo(found.to_json())
    else:
        typer.echo((markdown if format is Format.MARKDOWN else text)(found, whole))
    if exit_code and found.is_worse():
        raise typer.Exit(1)
