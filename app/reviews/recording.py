"""What people say: operator entries, approvals and waivers, with an actor and a reason, held against the policy.

The same words again are the row that stands; other words of the same check supersede it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from app.db.pool import Database, Row, Transaction
from app.domain.digests import digest, plain
from app.domain.errors import Conflict, Forbidden, Invalid, NotFound
from app.domain.evaluation import EVALUATED
from app.domain.evidence import EvidenceType, Result
from app.domain.facts import BundleFacts, GateFacts, Inputs
from app.domain.gates import Enforcement, Gate
from app.domain.policy import Policy
from app.domain.requirements import Requirements
from app.domain.waivers import approvers, recorders, refusal
from app.domain.weighing import duration_text
from app.ingest import Bundle, Status
from app.readmodels.predicates import Scope
from app.readmodels.readiness import Question, inputs_of_bundle
from app.readmodels.rows import check_ids
from app.reviews.chains import SQL, check_words, gate_ends, insert_gate, insert_item, lock_bundle, recorded_at

Expiry = datetime | timedelta
"""An end: a moment, or so long after the recording."""

BY_HAND = (EvidenceType.OPERATOR, EvidenceType.UAT, EvidenceType.SMOKE)
"""Types of evidence that a person may vouch for; the others come from tools."""

GIVEN = (Result.PASSED, Result.WARNED)


@dataclass(frozen=True, slots=True)
class Entry:
    """What an operator saw: a named check with its result. `gate` is the gate that it decides as well, if any."""

    bundle: str
    actor: str
    reason: str
    check: str
    result: Result = Result.PASSED
    title: str = ""
    evidence_type: EvidenceType = EvidenceType.OPERATOR
    gate: Gate | None = None
    expires: Expiry | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's word that the bundle may ship; with the result failed, that it may not."""

    bundle: str
    actor: str
    reason: str
    result: Result = Result.PASSED
    expires: Expiry | None = None


@dataclass(frozen=True, slots=True)
class Waiver:
    """A gate let through until it expires; with `row`, only that one result of the gate."""

    bundle: str
    actor: str
    reason: str
    expires: Expiry
    gate: Gate | None = None
    row: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """The row that stands for what was said, and for an entry with a gate, that gate's. `notice` is what the speaker
    should know, if anything."""

    noun: str
    row_id: str
    status: Status
    bundle_key: str
    gate_row_id: str | None = None
    expires_at: datetime | None = None
    notice: str = ""


@dataclass(frozen=True, slots=True)
class _Review:
    """A bundle under its lock, with what is known of it and what the policy asks."""

    transaction: Transaction
    bundle: Bundle
    facts: BundleFacts
    inputs: Inputs
    required: Requirements
    at: datetime


async def record_entry(database: Database, policy: Policy, entry: Entry) -> Recorded:
    """Record an operator's entry as an item, and as a gate result where it decides a gate that evidence cannot."""
    check_words(actor=entry.actor, reason=entry.reason, check=entry.check)
    if entry.title:
        check_words(title=entry.title)
    if "#" in entry.check:
        raise Invalid("check must not hold a #, which marks the parts of an artifact", field="check")
    if entry.evidence_type not in BY_HAND:
        allowed = ", ".join(BY_HAND)
        raise Invalid(
            f"evidence of type {entry.evidence_type} comes from tools; import it, or use one of {allowed}", field="type"
        )
    if entry.gate is Gate.APPROVAL:
        raise Invalid("an approval is recorded with `evidence record approval`", field="gate")
    if entry.gate in EVALUATED:
        raise Invalid(
            f"the gate {entry.gate} is decided from evidence: import that and evaluate the bundle, or record a waiver",
            field="gate",
        )
    if entry.expires is not None and entry.gate is None:
        raise Invalid("expires goes with a gate; an item is as fresh as the policy says", field="expires")
    key = f"{entry.evidence_type}/entry/{entry.check}"
    async with database.transaction() as transaction:
        review = await _review(transaction, policy, entry.bundle, entry.actor)
        expires_at = _expires_at(entry.expires, review.at)
        content = [entry.actor, entry.reason, entry.result, entry.title, entry.gate, expires_at]
        last = await transaction.fetchrow(SQL["item_chain_end"].sql, review.bundle.id, key)
        ends = await gate_ends(transaction, review.bundle, [key])
        if last is not None and _says(last, content):
            decided = next((row for (_, gate), row in ends.items() if gate is entry.gate), None)
            gate_id = None if decided is None else str(decided["id"])
            return Recorded("item", str(last["id"]), Status.UNCHANGED, review.bundle.key, gate_id, expires_at)
        title = entry.title or entry.check
        item_id = await insert_item(
            transaction,
            review.bundle,
            entry.evidence_type,
            source_key=key,
            source_digest=_digest(content, last),
            title=title,
            result=entry.result,
            completed_at=review.at,
            actor=entry.actor,
            reason=entry.reason,
            supersedes=None if last is None else last["id"],
        )
        gate_id = None
        for (_, gate), end in ends.items():
            if gate is not entry.gate and not end["retracted"]:
                await _append(review, gate, end, key, content, Result(end["result"]), entry.actor, retracted=True)
        if entry.gate is not None:
            made = await _append(
                review,
                entry.gate,
                ends.get((key, entry.gate)),
                key,
                content,
                entry.result,
                entry.actor,
                reason=entry.reason,
                summary=title,
                expires_at=expires_at,
                item_ids=[item_id],
            )
            gate_id = str(made)
    return Recorded("item", str(item_id), _status(last), review.bundle.key, gate_id, expires_at)


async def record_approval(database: Database, policy: Policy, approval: Approval) -> Recorded:
    """Record an approval, or its refusal. Forbidden when the policy does not let the actor approve, or lets them not
    approve alone what they recorded themselves."""
    check_words(actor=approval.actor, reason=approval.reason)
    if approval.result not in (*GIVEN, Result.FAILED):
        raise Invalid("an approval is passed, warned (approved with remarks) or failed (refused)", field="result")
    key = f"operator/approval/{approval.actor.casefold()}"
    async with database.transaction() as transaction:
        review = await _review(transaction, policy, approval.bundle, approval.actor)
        rule = review.required.approval
        if not review.required.is_one_of(approval.actor, rule.by):
            raise Forbidden(
                f"{approval.actor} may not approve {review.bundle.key}; the policy lets {_people(rule.by)} approve it",
                field="actor",
            )
        if rule.four_eyes and approval.result in GIVEN and _alone(review, approval.actor):
            raise Forbidden(
                f"{approval.actor} recorded evidence of {review.bundle.key}, and the policy asks for four eyes: "
                "somebody else must approve it first",
                field="actor",
            )
        expires_at = _expires_at(approval.expires, review.at)
        content = [approval.actor, approval.reason, approval.result, expires_at]
        end = (await gate_ends(transaction, review.bundle, [key])).get((key, Gate.APPROVAL))
        window = review.required.freshness.of_gate(Gate.APPROVAL)
        # Said again after half its time, an approval is a new one and not the same message sent twice.
        renewed = end is not None and window is not None and review.at - end["recorded_at"] > window / 2
        if end is not None and not renewed and _says(end, content):
            return Recorded("gate", str(end["id"]), Status.UNCHANGED, review.bundle.key, expires_at=expires_at)
        words = "Refused" if approval.result is Result.FAILED else "Approved"
        made = await _append(
            review,
            Gate.APPROVAL,
            end,
            key,
            content,
            approval.result,
            approval.actor,
            reason=approval.reason,
            summary=f"{words} by {approval.actor}",
            expires_at=expires_at,
        )
        given = {name.casefold() for row in _approvals(review) for name in approvers(row)} | {approval.actor.casefold()}
    notice = ""
    if approval.result in GIVEN and len(given) < rule.approvers:
        notice = f"{len(given)} of the {rule.approvers} approvals that the policy asks for"
    return Recorded("gate", str(made), _status(end), review.bundle.key, expires_at=expires_at, notice=notice)


async def record_waiver(database: Database, policy: Policy, waiver: Waiver) -> Recorded:
    """Record a waiver of a gate, or of one result. Forbidden when the policy does not let the actor waive the gate, or
    the gate be waived; Invalid when it would last longer than the policy allows."""
    check_words(actor=waiver.actor, reason=waiver.reason)
    if (waiver.gate is None) == (waiver.row is None):
        raise Invalid("a waiver is of a gate or of one result; give either gate or row", field="gate")
    async with database.transaction() as transaction:
        review = await _review(transaction, policy, waiver.bundle, waiver.actor)
        expires_at = _expires_at(waiver.expires, review.at)
        end: Row | None
        if waiver.row is not None:
            end = await _waivable(review, waiver.row)
            gate, key, result = Gate(end["gate"]), end["source_key"], Result(end["result"])
        else:
            gate, result = waiver.gate or Gate.UAT, Result.SKIPPED
            key = f"operator/waiver/{gate}"
            end = (await gate_ends(transaction, review.bundle, [key])).get((key, gate))
        _check_waiver(review, gate, waiver, expires_at)
        content = ["waiver", waiver.actor, waiver.reason, result, expires_at]
        if end is not None and _says(end, content):
            return Recorded("gate", str(end["id"]), Status.UNCHANGED, review.bundle.key, expires_at=expires_at)
        kept = waiver.row is not None and end is not None
        made = await _append(
            review,
            gate,
            end,
            key,
            content,
            result,
            waiver.actor,
            reason=waiver.reason,
            summary=str(end["summary"]) if kept and end is not None else f"Waived by {waiver.actor}",
            waived=True,
            expires_at=expires_at,
            like=end if kept else None,
        )
    return Recorded("gate", str(made), _status(end), review.bundle.key, expires_at=expires_at)


async def _review(transaction: Transaction, policy: Policy, given: str, actor: str) -> _Review:
    bundle = await lock_bundle(transaction, given, actor)
    at = await recorded_at(transaction)
    inputs = await inputs_of_bundle(transaction, Scope(), Question(str(bundle.id)), at)
    facts = inputs.bundle
    if facts is None:
        raise NotFound(f"there is no bundle {given[:200]!r}", field="bundle")
    required = policy.requirements(
        kind=facts.kind.value, environment=facts.environment, profile=facts.profile, product=facts.product
    )
    return _Review(transaction, bundle, facts, inputs, required, at)


async def _append(
    review: _Review,
    gate: Gate,
    end: Row | None,
    source_key: str,
    content: Sequence[Any],
    result: Result,
    actor: str,
    *,
    reason: str = "",
    summary: str = "",
    waived: bool = False,
    expires_at: datetime | None = None,
    item_ids: Sequence[UUID] = (),
    like: Row | None = None,
    retracted: bool = False,
) -> UUID:
    """A gate result at the end of its chain; `like` is the result whose figures it repeats."""
    return await insert_gate(
        review.transaction,
        review.bundle,
        gate,
        source_key=source_key,
        source_digest=_digest(content, end),
        result=result,
        enforcement=review.required.gates.of(gate.value, Enforcement.BLOCKING),
        evaluated_at=review.at,
        actor=actor,
        reason=reason or ("said anew without it" if retracted else ""),
        summary=summary,
        waived=waived,
        expires_at=expires_at,
        policy_digest=None if like is None else like["policy_digest"],
        item_ids=item_ids if like is None else like["item_ids"],
        details=None if like is None else json.loads(like["details"]),
        supersedes=None if end is None else end["id"],
        retracted=retracted,
        like=like,
    )


async def _waivable(review: _Review, row_id: str) -> Row:
    """The gate result that a waiver is to take the place of."""
    row = await review.transaction.fetchrow(SQL["gate_by_id"].sql, check_ids([row_id], name="row")[0])
    if row is None or row["bundle_id"] != review.bundle.id:
        raise NotFound(f"{review.bundle.key} has no gate result {row_id}", field="row")
    if row["successor_id"] is not None:
        raise Conflict(f"the gate result {row_id} was replaced by {row['successor_id']}; waive that one", field="row")
    if row["retracted"]:
        raise Conflict(f"the gate result {row_id} withdraws another; there is nothing to waive", field="row")
    # A waiver is current and of the bundle, and would make so what is not.
    does_not_count = "came after a newer one" if row["late"] else row["mismatched"] and f"is of {row['mismatched']}"
    if does_not_count:
        raise Conflict(f"the gate result {row_id} {does_not_count}, and decides nothing; waive the gate", field="row")
    return row


def _check_waiver(review: _Review, gate: Gate, waiver: Waiver, expires_at: datetime | None) -> None:
    rule = review.required.waivers
    candidate = GateFacts(
        id="",
        gate=gate,
        source_key="",
        result=Result.SKIPPED,
        enforcement=Enforcement.BLOCKING,
        recorded_at=review.at,
        waived=True,
        expires_at=expires_at,
        actor=waiver.actor,
    )
    refused = refusal(candidate, review.required, review.at)
    if refused is not None:
        raise Forbidden(
            f"{refused.words}; of {review.bundle.key}, the policy lets {_people(rule.by)} waive "
            f"{'any gate' if '*' in rule.gates else ', '.join(rule.gates) or 'no gate'}",
            field="actor",
        )
    if rule.max_duration is not None and expires_at is not None and expires_at - review.at > rule.max_duration:
        raise Invalid(
            f"expires is {plain(expires_at)}; the policy lets a waiver last {duration_text(rule.max_duration)} at most",
            field="expires",
        )


def _approvals(review: _Review) -> list[GateFacts]:
    """The approvals that were given of this commit."""
    return [
        row
        for row in review.inputs.matching().gates
        if row.gate is Gate.APPROVAL and not row.waived and row.result in GIVEN
    ]


def _alone(review: _Review, actor: str) -> bool:
    """Whether the actor recorded evidence, and nobody who did not has approved."""
    own = recorders(review.inputs)
    given = {name.strip().casefold() for row in _approvals(review) for name in approvers(row)}
    return actor.casefold() in own and not given - own - {actor.casefold()}


def _people(names: Sequence[str]) -> str:
    return "anybody" if "*" in names else ", ".join(names) or "nobody"


def _expires_at(expires: Expiry | None, at: datetime) -> datetime | None:
    try:
        moment = at + expires if isinstance(expires, timedelta) else expires
    except OverflowError:
        raise Invalid("expires lies beyond the calendar", field="expires") from None
    if moment is not None and moment <= at:
        raise Invalid(f"expires is {plain(moment)}, which has passed", field="expires")
    return moment


def _digest(content: Sequence[Any], end: Row | None) -> str:
    """Words may come back to what they were, and that is a new row again; so the row replaced counts."""
    return digest(["said", *content, None if end is None else str(end["id"])])


def _says(end: Row, content: Sequence[Any]) -> bool:
    before = end["supersedes_id"]
    said = digest(["said", *content, None if before is None else str(before)])
    return not end["retracted"] and end["source_digest"] == said


def _status(end: Row | None) -> Status:
    return Status.CREATED if end is None else Status.SUPERSEDED
