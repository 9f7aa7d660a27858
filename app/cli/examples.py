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
from pathlib import Path
from typing import Any

import typer

from app.db.pool import Database
from app.domain.errors import Invalid
from app.domain.evidence import BundleKind, EvidenceType
from app.ingest import BundleRequest, ImportRequest, Readers, Status, find, import_entries

MANIFEST = "history.toml"


def load_examples(dsn: str, folder: Path) -> None:
    """Replay the examples' steps when the database holds no bundle. Says what it does; a missing folder is no error."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        typer.echo(f"no {manifest}; starting with the database as it is")
        return
    taken = asyncio.run(_replay(dsn, folder, _steps(manifest)))
    if taken is not None:
        typer.echo(f"imported {taken} example artifacts from {folder}/")


def _steps(manifest: Path) -> list[dict[str, Any]]:
    try:
        steps = tomllib.loads(manifest.read_text(encoding="utf-8"))["import"]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise Invalid(f"{manifest} is no history of examples: {error}") from None
    checked: list[dict[str, Any]] = steps
    return checked


async def _replay(dsn: str, folder: Path, steps: list[dict[str, Any]]) -> int | None:
    database = await Database.connect(dsn, size=1, application_name="evidence-examples")
    try:
        if await database.fetchval("SELECT EXISTS (SELECT FROM platform_evidence_bundles)"):
            return None
        taken = 0
        for step in steps:
            taken += await _replay_step(database, folder, step)
        return taken
    finally:
        await database.close()


async def _replay_step(database: Database, folder: Path, step: dict[str, Any]) -> int:
    request = ImportRequest(
        BundleRequest(
            step["bundle"],
            BundleKind(step["kind"]),
            step["environment"],
            step.get("profile"),
            step["product"],
            step.get("title"),
            step.get("version"),
            step.get("commit"),
        ),
        actor=step.get("actor", "make examples"),
        evidence_type=EvidenceType(step["type"]) if "type" in step else None,
        format=step.get("format"),
        source_key=step.get("source_key"),
    )
    taken = 0
    with Readers(1) as readers:
        async for outcome in import_entries(database, request, find([folder / path for path in step["paths"]]), readers):
            if outcome.status is Status.REJECTED:
                sys.stderr.write(f"evidence: {outcome.name}: {outcome.reason}\n")
            taken += outcome.created
    return taken
