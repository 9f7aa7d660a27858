"""Verdicts that stay: decided as of a settled moment, recorded as an item of their bundle, recomputed from the rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.db.pool import Database, Row
from app.domain.digests import canonical, digest
from app.domain.errors import Invalid, NotFound
from app.domain.evidence import EvidenceType
from app.domain.moments import parse_iso
from app.domain.policy import Policy, parse_policy
from app.domain.readiness import decide
from app.domain.verdict import Verdict
from app.ingest import Status
from app.readmodels.predicates import Scope
from app.readmodels.readiness import (
    VERDICT_FORMAT,
    Answer,
    Question,
    inputs_of_bundles,
    moment,
    readiness,
)
from app.readmodels.rows import Reader, check_ids
from app.reviews.chains import SQL, check_words, insert_item, lock_bundle
from app.reviews.statements import RESULTS, differences, verdict_of, verification_summary

SOURCE_KEY = "artifact/readiness/verdict"
"""The source key of a bundle's recorded verdicts; a new one supersedes the last."""


@dataclass(frozen=True, slots=True)
class RecordedVerdict:
    """The item that holds a verdict. Unchanged: one of the same inputs, policy and outcome stands already."""

    item_id: str
    status: Status
    statement: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of deciding a recorded verdict again. `differences`: path, what is recorded, what comes out now."""

    item_id: str
    bundle_key: str
    evaluated_at: datetime
    verdict: Verdict
    differences: tuple[tuple[str, Any, Any], ...]

    @property
    def equal(self) -> bool:
        """Whether it comes out the same."""
        return not self.differences


async def decide_at(database: Database, policy: Policy, question: Question, as_of: datetime | None = None) -> Answer:
    """The answer as of a moment, now unless told, once no writer at work can still change what was known then. The
    same question as of the verdict's own time gives the same verdict for ever."""
    at = as_of or await moment(database)
    await database.settle(at)
    return await readiness(Reader(database), policy, question, at)


async def record_verdict(
    database: Database, answer: Answer, policy: Policy, policy_text: str, actor: str
) -> RecordedVerdict:
    """Keep the verdict on one bundle, an answer of `decide_at`, as evidence of that bundle.

    Unchanged when the bundle's last recorded verdict has the same inputs, policy, state, reasons and proofs. Invalid
    when the answer is not about exactly one bundle.
    """
    check_words(actor=actor)
    bundles = [each.bundle for each in answer.inputs if each.bundle is not None]
    if len(bundles) != 1:
        named = ", ".join(sorted(bundle.bundle_key for bundle in bundles)) or "none"
        raise Invalid(f"a verdict is recorded for one bundle; this one is about {named}; name one", field="bundle")
    inputs, bundle = answer.inputs[0], bundles[0]
    # Over an environment, digests are of a list of verdicts; what is recorded speaks of the bundle itself.
    verdict = decide(inputs, policy, answer.verdict.evaluated_at)
    statement = verification_summary(verdict, inputs, bundle, policy)
    source_digest = digest(statement)
    async with database.transaction() as transaction:
        locked = await lock_bundle(transaction, bundle.id, actor)
        last = await transaction.fetchrow(SQL["item_chain_end"].sql, locked.id, SOURCE_KEY)
        if last is not None and not last["retracted"]:
            kept = _statement(last)
            if _outcome(kept) == _outcome(statement):
                return RecordedVerdict(str(last["id"]), Status.UNCHANGED, kept)
        same = await transaction.fetchrow(SQL["item_by_digest"].sql, locked.id, SOURCE_KEY, source_digest)
        if same is not None:
            return RecordedVerdict(str(same["id"]), Status.UNCHANGED, statement)
        made = await insert_item(
            transaction,
            locked,
            EvidenceType.ARTIFACT,
            source_key=SOURCE_KEY,
            source_digest=source_digest,
            title=f"Readiness {verdict.headline()}",
            result=RESULTS[verdict.state],
            completed_at=verdict.evaluated_at,
            actor=actor,
            format=VERDICT_FORMAT,
            producer="evidence-gateway",
            payload={"statement": statement, "policy_text": policy_text},
            supersedes=None if last is None else last["id"],
        )
    return RecordedVerdict(str(made), Status.CREATED if last is None else Status.SUPERSEDED, statement)


async def replay(database: Database, item_id: str) -> Replay:
    """Decide a recorded verdict again, from the rows as of its time and the policy kept with it, and compare.

    NotFound when there is no such item; Invalid when it holds no verdict, or one that cannot be read any more.
    """
    row = await database.fetchrow(SQL["item_by_id"].sql, check_ids([item_id], name="item")[0])
    if row is None:
        raise NotFound(f"there is no item {item_id}", field="item")
    if row["format"] != VERDICT_FORMAT:
        raise Invalid(f"the item {item_id} ({row['source_key']}) holds no recorded verdict", field="item")
    payload = json.loads(row["payload"])
    statement = payload.get("statement")
    recorded = verdict_of(statement)
    if recorded is None or not isinstance(payload.get("policy_text"), str):
        raise Invalid(f"the item {item_id} lacks its verdict or its policy", field="item")
    name = recorded.get("policy")
    recorded = {key: value for key, value in recorded.items() if key != "policy"}
    policy = parse_policy(payload["policy_text"], str(name))
    at = parse_iso(str(recorded.get("evaluated_at")), field="evaluated_at")
    await database.settle(at)
    async with database.snapshot() as source:
        found = await inputs_of_bundles(source, Scope(), [str(row["bundle_id"])], at)
    if not found:
        raise Invalid(f"the bundle of the item {item_id} was not known at {recorded['evaluated_at']}", field="item")
    verdict = decide(next(iter(found.values())), policy, at)
    told = differences(recorded, verdict.to_dict())
    if digest(statement) != row["source_digest"]:
        told.append(("source_digest", row["source_digest"], digest(statement)))
    return Replay(str(row["id"]), row["bundle_key"], at, verdict, tuple(told))


def _statement(row: Row) -> dict[str, Any]:
    kept = json.loads(row["payload"]).get("statement")
    return kept if isinstance(kept, dict) else {}


def _outcome(statement: dict[str, Any]) -> str | None:
    """A verdict without its time."""
    told = verdict_of(statement)
    return (
        None if told is None else canonical({key: told[key] for key in told if key not in ("evaluated_at", "policy")})
    )
