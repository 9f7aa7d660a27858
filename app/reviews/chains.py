"""What every writer of a review shares: the bundle under its lock, the moment of recording, the ends of chains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db.pool import Row, Transaction
from app.db.queries import load
from app.domain.digests import canonical
from app.domain.errors import Invalid, NotFound
from app.domain.evidence import EvidenceType, Result
from app.domain.gates import Enforcement, Gate
from app.importers.base import clip
from app.ingest import Bundle, BundleRequest, ensure_bundle
from app.ingest.bundles import Incomplete

SQL = load("app.reviews", "rows")

TEXT_LIMIT = 2000
"""Characters of a reason."""

NAME_LIMIT = 150
"""Characters of an actor, and of the name of a check."""

_ORIGIN: dict[str, str | None] = {"run": "", "job": "", "subject": "", "identity": None, "url": ""}
"""What a row says of where it came from, and what stands there in words that came from nowhere."""


async def lock_bundle(transaction: Transaction, given: str, actor: str) -> Bundle:
    """The latest revision of a bundle, by key or id, with its writers held off to the transaction's end.

    NotFound when there is none; Refused when it was retracted, or the id is of an earlier revision.
    """
    try:
        return await ensure_bundle(transaction, BundleRequest(given), actor)
    except Incomplete:
        raise NotFound(f"there is no bundle {given[:200]!r}", field="bundle") from None


async def recorded_at(transaction: Transaction) -> datetime:
    """The moment under which the transaction's rows are recorded."""
    moment: datetime = await transaction.fetchval(SQL["recorded_at"].sql)
    return moment


async def gate_ends(
    transaction: Transaction, bundle: Bundle, source_keys: Sequence[str]
) -> dict[tuple[str, Gate], Row]:
    """The last row of each chain that began under one of the source keys, by that key and gate."""
    rows = await transaction.fetch(SQL["gate_chain_ends"].sql, bundle.id, list(source_keys))
    return {(row["known_by"], Gate(row["gate"])): row for row in rows}


async def insert_gate(
    transaction: Transaction,
    bundle: Bundle,
    gate: Gate,
    *,
    source_key: str,
    source_digest: str,
    result: Result,
    enforcement: Enforcement,
    evaluated_at: datetime,
    actor: str,
    reason: str = "",
    summary: str = "",
    waived: bool = False,
    expires_at: datetime | None = None,
    policy_digest: str | None = None,
    item_ids: Sequence[str | UUID] = (),
    details: Mapping[str, Any] | None = None,
    supersedes: UUID | None = None,
    retracted: bool = False,
    like: Row | None = None,
) -> UUID:
    """Write one gate result; returns its id. `like` is the result of whose check, run and place it is."""
    made = uuid7()
    await transaction.execute(
        SQL["insert_gate"].sql,
        made,
        bundle.id,
        gate.value,
        source_key,
        source_digest,
        result.value,
        enforcement.value,
        summary,
        waived,
        expires_at,
        policy_digest,
        [str(item) for item in item_ids],
        canonical(details or {}),
        evaluated_at,
        actor,
        reason,
        supersedes,
        retracted,
        *(like[name] if like else unsaid for name, unsaid in _ORIGIN.items()),
    )
    return made


async def insert_item(
    transaction: Transaction,
    bundle: Bundle,
    evidence_type: EvidenceType,
    *,
    source_key: str,
    source_digest: str,
    title: str,
    result: Result,
    completed_at: datetime,
    actor: str,
    reason: str = "",
    format: str = "",
    producer: str = "",
    payload: Mapping[str, Any] | None = None,
    supersedes: UUID | None = None,
) -> UUID:
    """Write one item; returns its id."""
    made = uuid7()
    await transaction.execute(
        SQL["insert_item"].sql,
        made,
        bundle.id,
        evidence_type.value,
        source_key,
        source_digest,
        format,
        title,
        result.value,
        producer,
        canonical(payload or {}),
        completed_at,
        actor,
        reason,
        supersedes,
    )
    return made


def check_words(**words: str) -> None:
    """Raises Invalid naming the first that is empty, padded, too long or cannot be printed, by its option's name."""
    for name, text in words.items():
        limit = TEXT_LIMIT if name == "reason" else NAME_LIMIT
        option = name.replace("_", "-")
        if not text.strip() or text != text.strip():
            raise Invalid(f"{option} is empty or has space around it", field=name)
        if len(text) > limit:
            raise Invalid(f"{option} is longer than {limit} characters", field=name)
        if clip(text, limit) != text:
            raise Invalid(f"{option} holds characters that cannot be printed", field=name)
