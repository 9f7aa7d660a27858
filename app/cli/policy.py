"""`evidence policy check` and `evidence policy show`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from app.cli.base import app, command, fail
from app.cli.options import JsonOption, policy_file
from app.config import read_policy, read_settings
from app.domain.digests import plain
from app.domain.evidence import BundleKind
from app.domain.policy import InvalidPolicy

group = typer.Typer(help="Check a policy, or show the one that holds.", no_args_is_help=True)
app.add_typer(group, name="policy")


@command("check", group)
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The policy, in TOML.")],
    catalogue: Annotated[
        Path | None,
        typer.Option("--catalogue", metavar="FILE", help="The invariants; else catalogue.toml beside the policy."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Name every problem of a policy with its line.

    Ends with 0 when there is none, 1 when there are some, 2 when the file cannot be read.
    """
    try:
        read = read_policy(file, catalogue or read_settings().catalogue)
    except InvalidPolicy as error:
        if as_json:
            problems = [{"line": problem.line, "message": problem.message} for problem in error.problems]
            typer.echo(json.dumps({"file": str(file), "valid": False, "problems": problems}))
        else:
            for problem in error.problems:
                typer.echo(f"{file}:{problem.line}: {problem.message}")
        fail(f"{file} has {len(error.problems)} problem{'s' if len(error.problems) != 1 else ''}", 1)
    rules = len(read.policy.rules)
    if as_json:
        told = {"file": str(file), "valid": True, "problems": [], "rules": rules, "digest": read.policy.digest}
        typer.echo(json.dumps(told))
    else:
        typer.echo(f"{file}: {rules} rule{'s' if rules != 1 else ''}, digest {read.policy.digest}")


@command("show", group)
def show(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="A policy; else the one that holds.")] = None,
    kind: Annotated[BundleKind | None, typer.Option("--kind", help="What is asked of this kind of bundle.")] = None,
    environment: Annotated[str | None, typer.Option("--environment", help="What is asked there.")] = None,
    profile: Annotated[str | None, typer.Option("--profile", help="What is asked of this profile.")] = None,
    product: Annotated[str | None, typer.Option("--product", help="What is asked of this product.")] = None,
) -> None:
    """Print the policy; with kind, environment, profile or product, what it asks of such a bundle, as JSON."""
    chosen = policy_file(file)
    if kind is None and environment is None and profile is None and product is None:
        typer.echo(chosen.text.rstrip("\n"))
        return
    required = chosen.policy.requirements(
        kind=kind.value if kind else "",
        environment=environment or "",
        profile=profile or "",
        product=product or "",
    )
    typer.echo(json.dumps(plain(required), indent=2, sort_keys=True))
