"""Write what one artifact says, whole: idempotent by digest, superseding by source key, withdrawing what vanished."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db.pool import Row, Transaction
from app.db.queries import load
from app.importers.base import ImportBatch
from app.ingest.bundles import Bundle
from app.ingest.rows import NAMED_BY, Origin, Prepared, as_json, prepare

SQL = load("app.ingest", "batches")


class Status(StrEnum):
    """What became of an artifact."""

    CREATED = "created"
    UNCHANGED = "unchanged"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Written:
    """What `write_batch` did. `rows` counts the rows written by table, retractions included; `item_ids` are the ids
    of the artifact's items, those that stood already when the status is unchanged."""

    status: Status
    source_key: str
    item_ids: tuple[UUID, ...] = ()
    rows: dict[str, int] = field(default_factory=dict)
    retracted: int = 0


async def write_batch(transaction: Transaction, bundle: Bundle, batch: ImportBatch, origin: Origin) -> Written:
    """Write a batch for a bundle in the caller's transaction, after `ensure_bundle`. At most ten statements.

    Raises Conflict when another writer was faster, Invalid when a value cannot be stored; nothing is kept then, for
    the caller's transaction is broken.
    """
    prepared = prepare(batch, origin)
    key = prepared.keys[0]
    earlier: list[Row] = []
    if any(prepared.of_bundle().values()):
        earlier = list(await transaction.fetch(SQL["earlier_rows"].sql, bundle.id, prepared.keys, origin.digest))
        if any(row["same"] for row in earlier):
            items = tuple(row["id"] for row in earlier if row["same"] and row["noun"] == "items")
            return Written(Status.UNCHANGED, key, tuple(sorted(items)))
    replaced = _link(prepared, earlier)
    rows: dict[str, int] = {}
    for noun, arriving in prepared.of_bundle().items():
        if arriving:
            await transaction.execute(SQL[f"insert_{noun}"].sql, bundle.id, as_json(arriving))
            rows[noun] = len(arriving)
    if prepared.components:
        statement = SQL["insert_components"].sql
        added = await transaction.fetch(statement, bundle.environment, as_json(prepared.components))
        if added:
            rows["components"] = len(added)
    gone = await _retract(transaction, earlier, replaced, origin, key)
    for noun, count in gone.items():
        rows[noun] = rows.get(noun, 0) + count
    item_ids = tuple(row["id"] for row in prepared.items)
    if replaced or gone:
        return Written(Status.SUPERSEDED, key, item_ids, rows, sum(gone.values()))
    return Written(Status.CREATED if rows else Status.UNCHANGED, key, item_ids, rows)


def _link(prepared: Prepared, earlier: list[Row]) -> set[UUID]:
    """Let each row supersede the last one of its chain; returns the ids of the rows replaced."""
    last = {(row["noun"], row["known_by"], row["name"]): row["id"] for row in earlier if row["last"]}
    replaced: set[UUID] = set()
    for noun, arriving in prepared.of_bundle().items():
        column = NAMED_BY[noun]
        for row in arriving:
            name = "" if column is None else str(row[column])
            row["supersedes_id"] = last.get((noun, row["source_key"], name))
            if row["supersedes_id"] is not None:
                replaced.add(row["supersedes_id"])
    return replaced


async def _retract(
    transaction: Transaction, earlier: list[Row], replaced: set[UUID], origin: Origin, key: str
) -> dict[str, int]:
    """Withdraw the rows that the artifact's predecessor had and it has not; returns how many by table."""
    gone: dict[str, list[Any]] = {}
    for row in earlier:
        if row["current"] and row["id"] not in replaced:
            gone.setdefault(row["noun"], []).append(row["id"])
    for noun, ids in gone.items():
        made = [uuid7() for _ in ids]
        reason = f"no longer reported by {key}"
        await transaction.execute(SQL[f"retract_{noun}"].sql, ids, made, origin.digest, origin.actor, reason)
    return {noun: len(ids) for noun, ids in gone.items()}
