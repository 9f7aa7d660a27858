"""The project's own evidence as a first thing to look at: `examples/history.toml` replayed into an empty database.

The history is a list of steps, run in their order; `do` says what a step does, and `bundle` for which bundle's key:

    [[step]]
    do = "import"                # files and folders, as evidence; paths count from the history's folder
    bundle = "release/gateway/0.1.0-rc.1"
    kind = "release_candidate"   # kind, environment and product make the bundle when it is new, and may be left out
    environment = "staging"      # afterwards; so may profile, title, version, commit
    product = "gateway"
    paths = ["0.1.0-rc.1/staging"]
    # also: type, format, source_key, actor

    [[step]]
    do = "evaluate"              # decide the gates that evidence can decide; also: actor
    bundle = "release/gateway/0.1.0-rc.1"

    [[step]]
    do = "record"                # what a person says; `what` is entry, approval or waiver
    what = "waiver"
    bundle = "release/gateway/0.1.0-rc.1"
    actor = "release-manager"
    reason = "The finding is in a tool that does not ship."
    gate = "security"            # of a waiver; of an entry: the gate that it decides, if any
    expires = "7d"               # a duration or a time; a waiver must have it, an approval may
    # of an entry also: check (its name, a must), result (passed), title, type (operator); of an approval: result

    [[step]]
    do = "verdict"               # decide readiness, and keep the verdict as evidence; also: actor
    bundle = "release/gateway/0.1.0-rc.1"
"""

from __future__ import annotations

import asyncio
import sys
import tomllib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import typer

from app.cli.options import expiry
from app.config import PolicyFile, read_policy, read_settings
from app.db.pool import Database
from app.domain.errors import Invalid
from app.domain.evidence import BundleKind, EvidenceType, Result
from app.domain.gates import Gate
from app.ingest import BundleRequest, ImportRequest, Readers, Status, find, import_entries
from app.readmodels.readiness import Question
from app.reviews import (
    Approval,
    Entry,
    Waiver,
    decide_at,
    evaluate,
    record_approval,
    record_entry,
    record_verdict,
    record_waiver,
)

MANIFEST = "history.toml"
ACTOR = "make examples"
"""Who does what a step names nobody for."""

Step = dict[str, Any]


def load_examples(dsn: str, folder: Path) -> None:
    """Replay the examples' steps when the database holds no bundle. Says what it does; a missing folder is no error."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        typer.echo(f"no {manifest}; starting with the database as it is")
        return
    steps = read_steps(manifest)
    settings = read_settings()
    chosen = read_policy(settings.policy, settings.catalogue)
    taken = asyncio.run(_replay(dsn, folder, steps, chosen))
    if taken is not None:
        typer.echo(f"recorded {taken} rows and artifacts from {folder}/")


def read_steps(manifest: Path) -> list[Step]:
    """The steps of a history. Invalid names the step that cannot be one."""
    try:
        steps = tomllib.loads(manifest.read_text(encoding="utf-8")).get("step")
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"{manifest} is not valid TOML: {error}") from None
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise Invalid(f"{manifest} has no [[step]] tables")
    for number, step in enumerate(steps, start=1):
        if step.get("do") not in DOINGS:
            raise Invalid(f"{manifest}: step {number}: do must be one of {', '.join(DOINGS)}, not {step.get('do')!r}")
        if not isinstance(step.get("bundle"), str):
            raise Invalid(f"{manifest}: step {number}: bundle must name a bundle")
    return steps


async def _replay(dsn: str, folder: Path, steps: list[Step], chosen: PolicyFile) -> int | None:
    database = await Database.connect(dsn, size=2, application_name="evidence-examples")
    try:
        if await database.fetchval("SELECT EXISTS (SELECT FROM platform_evidence_bundles)"):
            return None
        taken = 0
        for number, step in enumerate(steps, start=1):
            try:
                taken += await DOINGS[step["do"]](database, folder, step, chosen)
            except (KeyError, TypeError, ValueError) as error:
                what = f"{error} is missing" if isinstance(error, KeyError) else error
                raise Invalid(f"{folder / MANIFEST}: step {number} ({step['do']}): {what}") from None
        return taken
    finally:
        await database.close()


async def _import(database: Database, folder: Path, step: Step, _: PolicyFile) -> int:
    request = ImportRequest(
        BundleRequest(
            step["bundle"],
            BundleKind(step["kind"]) if "kind" in step else None,
            step.get("environment"),
            step.get("profile"),
            step.get("product"),
            step.get("title"),
            step.get("version"),
            step.get("commit"),
        ),
        actor=step.get("actor", ACTOR),
        evidence_type=EvidenceType(step["type"]) if "type" in step else None,
        format=step.get("format"),
        source_key=step.get("source_key"),
    )
    entries = find([folder / path for path in step["paths"]])
    taken = 0
    with Readers(1) as readers:
        async for outcome in import_entries(database, request, entries, readers):
            if outcome.status is Status.REJECTED:
                sys.stderr.write(f"evidence: {outcome.name}: {outcome.reason}\n")
            taken += outcome.created
    return taken


async def _evaluate(database: Database, _: Path, step: Step, chosen: PolicyFile) -> int:
    return (await evaluate(database, chosen.policy, step["bundle"], step.get("actor", ACTOR))).appended


async def _record(database: Database, _: Path, step: Step, chosen: PolicyFile) -> int:
    bundle, actor, reason = step["bundle"], step["actor"], step["reason"]
    result, ends = Result(step.get("result", Result.PASSED)), expiry(step.get("expires"))
    gate = Gate(step["gate"]) if "gate" in step else None
    match step["what"]:
        case "entry":
            kind, title = EvidenceType(step.get("type", EvidenceType.OPERATOR)), step.get("title", "")
            said = Entry(bundle, actor, reason, step["check"], result, title, kind, gate, ends)
            done = await record_entry(database, chosen.policy, said)
        case "approval":
            done = await record_approval(database, chosen.policy, Approval(bundle, actor, reason, result, ends))
        case "waiver":
            if ends is None:
                raise KeyError("expires")
            done = await record_waiver(database, chosen.policy, Waiver(bundle, actor, reason, ends, gate))
        case other:
            raise ValueError(f"what must be entry, approval or waiver, not {other!r}")
    return done.status is not Status.UNCHANGED


async def _verdict(database: Database, _: Path, step: Step, chosen: PolicyFile) -> int:
    answer = await decide_at(database, chosen.policy, Question(bundle=step["bundle"]))
    done = await record_verdict(database, answer, chosen.policy, chosen.text, step.get("actor", ACTOR))
    return done.status is not Status.UNCHANGED


DOINGS: dict[str, Callable[[Database, Path, Step, PolicyFile], Awaitable[int]]] = {
    "import": _import,
    "evaluate": _evaluate,
    "record": _record,
    "verdict": _verdict,
}
