"""Withdraw a row: a superseding row with a reason and an actor hides it from posture, never from history."""

from __future__ import annotations

from dataclasses import dataclass

from uuid_utils.compat import uuid7

from app.db.pool import Database
from app.db.queries import load
from app.domain.digests import digest
from app.domain.errors import Conflict, NotFound
from app.ingest import Status
from app.readmodels.rows import check_ids
from app.reviews.chains import check_words, lock_bundle

SQL = load("app.reviews", "retractions")


@dataclass(frozen=True, slots=True)
class Retraction:
    """The row that withdraws another. `noun` is bundle, item, gate, invariant, guard or component."""

    noun: str
    row_id: str
    retracted_id: str
    named: str
    status: Status


async def record_retraction(database: Database, row_id: str, actor: str, reason: str) -> Retraction:
    """Withdraw the row of an id, of any table.

    NotFound when there is none; Conflict when it withdraws another itself, or was replaced. Withdrawn already by the
    same actor for the same reason: unchanged.
    """
    check_words(actor=actor, reason=reason)
    wanted = check_ids([row_id], name="row")[0]
    async with database.transaction() as transaction:
        row = await transaction.fetchrow(SQL["row_by_id"].sql, wanted)
        if row is None:
            raise NotFound(f"there is no row {wanted}", field="row")
        if row["bundle_id"] is not None and not row["retracted"] and row["later_id"] is None:
            await lock_bundle(transaction, str(row["bundle_id"]), actor)
            row = await transaction.fetchrow(SQL["row_by_id"].sql, wanted) or row
        noun = str(row["noun"])
        if row["retracted"]:
            raise Conflict(f"the {noun} {wanted} withdraws another row; record what holds instead", field="row")
        if row["later_id"] is not None:
            if not row["later_retracted"]:
                raise Conflict(f"the {noun} {wanted} was replaced by {row['later_id']}; withdraw that one", field="row")
            if (row["later_actor"], row["later_reason"]) == (actor, reason):
                return Retraction(noun, str(row["later_id"]), wanted, row["named"], Status.UNCHANGED)
            raise Conflict(
                f"the {noun} {wanted} was withdrawn already by {row['later_actor']}: {row['later_reason']}", field="row"
            )
        made = uuid7()
        said = digest(["retraction", wanted, actor, reason])
        await transaction.execute(SQL[f"retract_{noun}"].sql, made, wanted, said, actor, reason)
    return Retraction(noun, str(made), wanted, row["named"], Status.CREATED)
