"""`evidence evaluate`: decide the gates that evidence can decide."""

from __future__ import annotations

import json

import typer

from app.cli.base import command, user, with_database
from app.cli.options import ActorOption, BundleOption, JsonOption, PolicyOption, policy_file
from app.db.pool import Database
from app.domain.digests import plain
from app.reviews import Evaluated, Evaluation
from app.reviews import evaluate as evaluate_bundle


@command("evaluate")
def evaluate(
    bundle: BundleOption, policy: PolicyOption = None, actor: ActorOption = None, as_json: JsonOption = False
) -> None:
    """Decide each gate that evidence can decide, from the bundle's current evidence and the policy, and append what
    changed; unchanged evidence appends nothing.

    Ends with 0 when the gates were decided, whatever came out; ask `evidence readiness` whether it may ship.
    """
    chosen = policy_file(policy).policy

    async def work(database: Database) -> Evaluation:
        return await evaluate_bundle(database, chosen, bundle, actor or user())

    done = with_database(work, name="evaluate")
    if as_json:
        typer.echo(json.dumps(evaluation_json(done)))
        return
    for each in done.gates:
        typer.echo(_line(each))
    typer.echo(f"{done.bundle_key}: {done.appended} of {len(done.gates)} gates appended, policy {chosen.name}")


def evaluation_json(done: Evaluation) -> dict[str, object]:
    """What --json says of an evaluation."""
    return {
        "bundle": {"id": done.bundle_id, "bundle_key": done.bundle_key},
        "policy_digest": done.policy_digest,
        "evaluated_at": plain(done.evaluated_at),
        "gates": [
            {"gate": each.gate.value, "status": each.status.value, "row_id": each.row_id}
            | (
                {"result": None, "retracted": True}
                if each.decision is None
                else {
                    "result": each.decision.result.value,
                    "enforcement": each.decision.enforcement.value,
                    "summary": each.decision.summary,
                    "item_ids": list(each.decision.item_ids),
                    "guard_ids": list(each.decision.guard_ids),
                }
            )
            for each in done.gates
        ],
    }


def _line(each: Evaluated) -> str:
    if each.decision is None:
        return f"{each.gate:<20} {'withdrawn':<13} there is no evidence left to decide it from"
    return f"{each.gate:<20} {each.decision.result:<13} {each.status:<11} {each.decision.summary}"
