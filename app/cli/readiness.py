"""`evidence readiness` and `evidence replay`: is it fit to ship, and does a recorded verdict still come out so."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from app.cli.base import command, user, with_database
from app.cli.options import ActorOption, AsOfOption, Format, FormatOption, JsonOption, PolicyOption, moment, policy_file
from app.cli.verdicts import markdown, shown_value, text
from app.db.pool import Database
from app.domain.digests import plain
from app.domain.moments import iso
from app.domain.verdict import Readiness
from app.readmodels.readiness import Answer, Question
from app.reviews import Replay, decide_at, record_verdict
from app.reviews import replay as replay_item
from app.reviews.verdicts import RecordedVerdict

EXIT = {Readiness.READY: 0, Readiness.AT_RISK: 1, Readiness.BLOCKED: 1, Readiness.UNKNOWN: 2}


@command("readiness")
def readiness(
    bundle: Annotated[str | None, typer.Option("--bundle", metavar="KEY", help="A bundle's key, or its id.")] = None,
    environment: Annotated[
        str | None, typer.Option("--environment", help="An environment: its newest bundle of each product and profile.")
    ] = None,
    profile: Annotated[str | None, typer.Option("--profile", help="Only this deployment profile.")] = None,
    product: Annotated[str | None, typer.Option("--product", help="Only this product.")] = None,
    as_of: AsOfOption = None,
    policy: PolicyOption = None,
    format: FormatOption = Format.TEXT,
    record: Annotated[
        bool, typer.Option("--record", help="Keep the verdict as evidence of the bundle, for `evidence replay`.")
    ] = False,
    actor: ActorOption = None,
    allow_at_risk: Annotated[bool, typer.Option("--allow-at-risk", help="End with 0 when it is at risk, too.")] = False,
) -> None:
    """Whether a bundle, or an environment, is ready, and a reason for everything that is not clean.

    Ends with 0 when it is ready, 1 when it is not, 2 when that could not be told.
    """
    chosen = policy_file(policy)
    question = Question(bundle, environment, profile, product)
    at = moment(as_of, "as-of")

    async def work(database: Database) -> tuple[Answer, RecordedVerdict | None]:
        answer = await decide_at(database, chosen.policy, question, at)
        if not record:
            return answer, None
        return answer, await record_verdict(database, answer, chosen.policy, chosen.text, actor or user())

    answer, kept = with_database(work, name="readiness")
    if format is Format.JSON:
        told = answer.verdict.to_dict()
        if kept is not None:
            told["recorded"] = {"item_id": kept.item_id, "status": kept.status.value}
        typer.echo(json.dumps(told, sort_keys=True))
    else:
        typer.echo(markdown(answer) if format is Format.MARKDOWN else text(answer))
        if kept is not None:
            typer.echo(f"\nverdict {kept.status}: item {kept.item_id}")
    code = EXIT[answer.verdict.state]
    if allow_at_risk and answer.verdict.state is Readiness.AT_RISK:
        code = 0
    if code:
        raise typer.Exit(code)


@command("replay")
def replay(
    item: Annotated[str, typer.Argument(metavar="ITEM", help="The id of the item that holds the verdict.")],
    as_json: JsonOption = False,
) -> None:
    """Decide a recorded verdict again, from the rows as of its time and the policy kept with it.

    Ends with 0 when it comes out the same, 1 when it does not, 2 when that could not be told.
    """

    async def work(database: Database) -> Replay:
        return await replay_item(database, item)

    done = with_database(work, name="replay")
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "item_id": done.item_id,
                    "bundle_key": done.bundle_key,
                    "evaluated_at": plain(done.evaluated_at),
                    "equal": done.equal,
                    "differences": [
                        {"path": path, "recorded": recorded, "replayed": replayed}
                        for path, recorded, replayed in done.differences
                    ],
                }
            )
        )
    elif done.equal:
        typer.echo(f"equal: {done.bundle_key} as of {iso(done.evaluated_at)} is {done.verdict.headline()}")
    else:
        typer.echo(f"not equal: {done.bundle_key} as of {iso(done.evaluated_at)}")
        for path, recorded, replayed in done.differences:
            typer.echo(f"  {path}\n    recorded {shown_value(recorded)}\n    replayed {shown_value(replayed)}")
    if not done.equal:
        raise typer.Exit(1)
