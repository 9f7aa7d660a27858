"""Write what one artifact says, whole: into the chain of its check, withdrawing what vanished."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db.pool import Row, Transaction
from app.db.queries import load
from app.domain.checks import UNSAID, bare_key
from app.domain.errors import Invalid
from app.importers.base import ImportBatch, clip
from app.ingest.bundles import Bundle
from app.ingest.rows import NAMED_BY, Origin, Prepared, Standing, as_json, made, mismatch, prepare, results
from app.ingest.standing import Arrival, Check, Decision, Status, checks_of, decide

SQL = load("app.ingest", "batches")


@dataclass(frozen=True, slots=True)
class Written:
    """What `write_batch` did, and why in a sentence. `rows` counts the rows written by table, retractions included;
    `item_ids` are the ids of the artifact's items, those that stood already when the status is unchanged."""

    status: Status
    source_key: str
    item_ids: tuple[UUID, ...] = ()
    rows: dict[str, int] = field(default_factory=dict)
    retracted: int = 0
    sentence: str = ""
    suffix: str = ""


async def write_batch(
    transaction: Transaction,
    bundle: Bundle,
    batch: ImportBatch,
    origin: Origin,
    *,
    taken: Collection[str] = (),
    renamed: str | None = None,
) -> Written:
    """Write a batch for a bundle in the caller's transaction, after `ensure_bundle`. At most a dozen statements.

    `taken` are the suffixes of checks of this name that the same import has brought a report of. `renamed` is what the
    check was called before: what stands under that name gives way. Raises Conflict when another writer was faster,
    Invalid when a value cannot be stored or there is no check of the earlier name; nothing is kept then, for the
    caller's transaction is broken.
    """
    names = origin.names(batch)
    if not (batch.items or batch.gates or batch.invariants or batch.guards):
        return await write_components(transaction, bundle.environment, batch, origin)
    foreign = mismatch(batch, bundle.commit, bundle.version)
    prepared = prepare(batch, origin, Standing(batch.subject, mismatched=foreign))
    arrival = _arrival(batch, origin, prepared, foreign)
    found = await transaction.fetch(SQL["earlier_rows"].sql, bundle.id, names, origin.digest)
    decision = decide(arrival, checks_of(found, origin.digest), names[0], taken)
    rows: dict[str, int] = {}
    replaced: set[UUID] = set()
    if decision.writes:
        _stand(prepared, decision)
        if decision.check is not None and decision.status is not Status.LATE:
            if decision.status is Status.CONFIRMED:
                _keep_what_people_put(prepared, decision.check)
            replaced = _link(prepared, decision.check.last)
        for noun, arriving in prepared.of_bundle().items():
            if arriving:
                await transaction.execute(SQL[f"insert_{noun}"].sql, bundle.id, as_json(arriving))
                rows[noun] = len(arriving)
    if prepared.components:
        added = await transaction.fetch(SQL["insert_components"].sql, bundle.environment, as_json(prepared.components))
        if added:
            rows["components"] = len(added)
    key = names[0] + decision.suffix
    gone: dict[str, int] = {}
    if decision.replaces and decision.check is not None:
        vanished = [row for row in decision.check.current if row["id"] not in replaced]
        gone = await _retract(transaction, vanished, origin, f"no longer reported by {key}")
    sentence = decision.sentence
    if renamed is not None and decision.status is not Status.LATE:
        before = await _before(transaction, bundle, renamed, names)
        withdrawn = await _retract(transaction, before, origin, f"the check is called {key} now")
        gone = {noun: gone.get(noun, 0) + withdrawn.get(noun, 0) for noun in gone.keys() | withdrawn.keys()}
        sentence += f"; {renamed} gave way" if withdrawn else f"; {renamed} had given way before"
    for noun, count in gone.items():
        rows[noun] = rows.get(noun, 0) + count
    if decision.writes:
        item_ids = tuple(row["id"] for row in prepared.items)
    else:
        standing = decision.check.same if decision.check else []
        wanted = [row for row in standing if row["noun"] == "items" and (row["last"] or row["late"])]
        item_ids = tuple(sorted(row["id"] for row in wanted))
    return Written(decision.status, key, item_ids, rows, sum(gone.values()), sentence, decision.suffix)


async def write_components(transaction: Transaction, environment: str, batch: ImportBatch, origin: Origin) -> Written:
    """Write the snapshots of components that a batch tells of; they belong to an environment, not to a bundle."""
    prepared = prepare(batch, origin, Standing(UNSAID))
    added = await transaction.fetch(SQL["insert_components"].sql, environment, as_json(prepared.components))
    rows = {"components": len(added)} if added else {}
    if not added:
        return Written(Status.UNCHANGED, prepared.key, rows=rows, sentence="these observations are recorded already")
    if any(row["repeats"] for row in added):
        return Written(Status.CONFIRMED, prepared.key, rows=rows, sentence=f"seen again in {environment}")
    return Written(Status.CREATED, prepared.key, rows=rows, sentence=f"seen in {environment}")


def _arrival(batch: ImportBatch, origin: Origin, prepared: Prepared, foreign: str) -> Arrival:
    places = frozenset(
        (noun, row["source_key"], _name(noun, row)) for noun, rows in prepared.of_bundle().items() for row in rows
    )
    return Arrival(
        batch.subject,
        origin.digest,
        origin.run,
        origin.named,
        origin.name,
        foreign,
        made(batch),
        results(batch),
        places,
    )


def _name(noun: str, row: dict[str, Any]) -> str:
    """What, beside the source key, tells a row from others of its table."""
    column = NAMED_BY[noun]
    return "" if column is None else str(row[column])


def _stand(prepared: Prepared, decision: Decision) -> None:
    """Let the rows say how they stand."""
    for noun, arriving in prepared.of_bundle().items():
        for row in arriving:
            name, mark, part = row["source_key"].partition("#")
            row["source_key"] = name + decision.suffix + mark + part
            row["late"] = decision.status is Status.LATE
            row["confirms"] = decision.status is Status.CONFIRMED
            if noun != "invariants":
                row["subject"], row["identity"] = decision.subject.label, decision.subject.as_dict()


def _link(prepared: Prepared, last: list[Row]) -> set[UUID]:
    """Let each row supersede the last one of its chain; returns the ids of the rows replaced."""
    ends = {(row["noun"], row["known_by"], row["name"]): row["id"] for row in last}
    replaced: set[UUID] = set()
    for noun, arriving in prepared.of_bundle().items():
        for row in arriving:
            row["supersedes_id"] = ends.get((noun, row["source_key"], _name(noun, row)))
            if row["supersedes_id"] is not None:
                replaced.add(row["supersedes_id"])
    return replaced


def _keep_what_people_put(prepared: Prepared, check: Check) -> None:
    """Leave out gates in whose place a person put something: the same bytes again say nothing against it."""
    taken = {(row["known_by"], row["name"]) for row in check.last if row["noun"] == "gates" and not row["own"]}
    prepared.gates = [row for row in prepared.gates if (row["source_key"], row["gate"]) not in taken]


async def _before(transaction: Transaction, bundle: Bundle, renamed: str, names: list[str]) -> list[Row]:
    """The rows in force under the earlier name of a check."""
    if bare_key(renamed) in names:
        raise Invalid(
            f"{clip(renamed, 200)} is what the check is called now; name what it was called", field="replaces"
        )
    found = await transaction.fetch(SQL["rows_of_name"].sql, bundle.id, renamed)
    if not found:
        raise Invalid(f"the bundle {bundle.key} has no check {clip(renamed, 200)} to replace", field="replaces")
    return [row for row in found if row["current"]]


async def _retract(transaction: Transaction, rows: list[Row], origin: Origin, reason: str) -> dict[str, int]:
    """Withdraw rows; returns how many by table."""
    gone: dict[str, list[Any]] = {}
    for row in rows:
        gone.setdefault(row["noun"], []).append(row["id"])
    for noun, ids in gone.items():
        made_ids = [uuid7() for _ in ids]
        await transaction.execute(SQL[f"retract_{noun}"].sql, ids, made_ids, origin.digest, origin.actor, reason)
    return {noun: len(ids) for noun, ids in gone.items()}
