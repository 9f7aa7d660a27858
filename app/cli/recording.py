"""`evidence record`: what people say, taken down with who said it and why."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from app.cli.base import app, command, user, with_database
from app.cli.options import ActorOption, BundleOption, JsonOption, PolicyOption, expiry, policy_file
from app.db.pool import Database
from app.domain.digests import plain
from app.domain.errors import Invalid
from app.domain.evidence import EvidenceType, Result
from app.domain.gates import Gate
from app.reviews import (
    Approval,
    Entry,
    Recorded,
    Retraction,
    Waiver,
    record_approval,
    record_entry,
    record_retraction,
    record_waiver,
)

group = typer.Typer(help="Record an operator's entry, an approval, a waiver or a retraction.", no_args_is_help=True)
app.add_typer(group, name="record")

ReasonOption = Annotated[str, typer.Option("--reason", help="Why, in a sentence for whoever reads it later.")]
ExpiresOption = Annotated[
    str | None, typer.Option("--expires", metavar="WHEN", help="A duration such as 7d, or a time.")
]
ResultOption = Annotated[Result, typer.Option("--result", help="What came out.")]


@command("entry", group)
def entry(
    bundle: BundleOption,
    reason: ReasonOption,
    check: Annotated[str, typer.Option("--check", help="Names what was checked; a later entry of it supersedes.")],
    result: ResultOption = Result.PASSED,
    title: Annotated[str, typer.Option("--title", help="One line for people; else the check's name.")] = "",
    evidence_type: Annotated[
        EvidenceType, typer.Option("--type", help="Evidence that a person can vouch for: operator, uat or smoke.")
    ] = EvidenceType.OPERATOR,
    gate: Annotated[
        Gate | None, typer.Option("--gate", help="A gate that it decides as well: environment_profile.")
    ] = None,
    expires: ExpiresOption = None,
    actor: ActorOption = None,
    policy: PolicyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record what an operator saw, as evidence of a bundle."""
    chosen, ends = policy_file(policy).policy, expiry(expires)
    said = Entry(bundle, actor or user(), reason, check, result, title, evidence_type, gate, ends)

    async def work(database: Database) -> Recorded:
        return await record_entry(database, chosen, said)

    _tell(with_database(work, name="record"), as_json)


@command("approval", group)
def approval(
    bundle: BundleOption,
    reason: ReasonOption,
    result: ResultOption = Result.PASSED,
    expires: ExpiresOption = None,
    actor: ActorOption = None,
    policy: PolicyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve a bundle, or refuse to with --result failed, as far as the policy lets the actor."""
    chosen = policy_file(policy).policy
    said = Approval(bundle, actor or user(), reason, result, expiry(expires))

    async def work(database: Database) -> Recorded:
        return await record_approval(database, chosen, said)

    _tell(with_database(work, name="record"), as_json)


@command("waiver", group)
def waiver(
    bundle: BundleOption,
    reason: ReasonOption,
    expires: Annotated[str, typer.Option("--expires", metavar="WHEN", help="A duration such as 7d, or a time.")],
    gate: Annotated[Gate | None, typer.Option("--gate", help="The gate to let through.")] = None,
    row: Annotated[
        str | None, typer.Option("--row", metavar="ID", help="Instead of a gate: only this result of it.")
    ] = None,
    actor: ActorOption = None,
    policy: PolicyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a gate through until the waiver expires, as far as the policy lets the actor."""
    chosen, ends = policy_file(policy).policy, expiry(expires)
    if ends is None:
        raise Invalid("a waiver needs an end", field="expires")
    said = Waiver(bundle, actor or user(), reason, ends, gate, row)

    async def work(database: Database) -> Recorded:
        return await record_waiver(database, chosen, said)

    _tell(with_database(work, name="record"), as_json)


@command("retraction", group)
def retraction(
    row: Annotated[str, typer.Option("--row", metavar="ID", help="The id of the row to withdraw, of any table.")],
    reason: ReasonOption,
    actor: ActorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Withdraw a row: it leaves the posture, and stays in the history."""

    async def work(database: Database) -> Retraction:
        return await record_retraction(database, row, actor or user(), reason)

    done = with_database(work, name="record")
    if as_json:
        typer.echo(json.dumps(plain(done)))
    else:
        typer.echo(f"{done.noun} {done.named} ({done.retracted_id}) withdrawn by {done.row_id} ({done.status})")


def _tell(done: Recorded, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(plain(done)))
        return
    ends = f", until {plain(done.expires_at)}" if done.expires_at is not None else ""
    typer.echo(f"{done.noun} {done.row_id} of {done.bundle_key} {done.status}{ends}")
    if done.gate_row_id is not None:
        typer.echo(f"gate {done.gate_row_id} decided by it")
    if done.notice:
        typer.echo(done.notice)
