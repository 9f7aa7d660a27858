"""Whose word counts: which waivers hold at a time, and whether a gate has the approvals it needs.

A waiver is a gate result with `waived`, an actor, a reason and an end. It holds when the policy lets its actor waive
that gate, until it expires, and no longer than the policy's longest duration after it was recorded. One that took a
result's place in its chain waives that result; one with a chain of its own waives the gate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from app.domain.digests import aware
from app.domain.facts import GateFacts, Inputs
from app.domain.gates import Gate
from app.domain.policy_settings import ANY
from app.domain.requirements import Requirements
from app.domain.verdict import ReasonCode, said

WAIVER_SEGMENT = "waiver"
"""A part of a source key that marks a chain of waivers, such as operator/waiver/security."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a waiver does not hold, as the end of a sentence. Stale: time ended it; missing: it never held."""

    code: ReasonCode
    words: str


def refusal(waiver: GateFacts, required: Requirements, at: datetime) -> Refusal | None:
    """Why a waiver does not hold; None when it does."""
    rule = required.waivers
    if waiver.expires_at is None:
        return Refusal(ReasonCode.MISSING, f"the waiver by {waiver.actor} has no end, so it does not count")
    if ANY not in rule.gates and waiver.gate.value not in rule.gates:
        return Refusal(
            ReasonCode.MISSING, f"the waiver by {waiver.actor} does not count, as the gate may not be waived here"
        )
    if not required.is_one_of(waiver.actor, rule.by):
        return Refusal(ReasonCode.MISSING, f"the waiver by {waiver.actor} does not count, as they may not waive it")
    if aware(waiver.expires_at) <= at:
        return Refusal(ReasonCode.STALE, f"the waiver by {waiver.actor} expired at {said(waiver.expires_at)}")
    if rule.max_duration is not None and at - aware(waiver.recorded_at) >= rule.max_duration:
        return Refusal(ReasonCode.STALE, f"the waiver by {waiver.actor} has outlasted what the policy allows")
    return None


def waives_gate(waiver: GateFacts) -> bool:
    """Whether it waives the gate as a whole rather than the one result whose place it took."""
    return waiver.supersedes_id is None or WAIVER_SEGMENT in waiver.source_key.split("/")


@dataclass(frozen=True, slots=True)
class Tally:
    """Approvals that count, and those by people whom the policy does not let approve. `shortfall` says why they are not
    enough, as the end of a sentence; empty when they are."""

    counted: tuple[GateFacts, ...]
    refused: tuple[GateFacts, ...]
    shortfall: str


def tally_approvals(rows: Iterable[GateFacts], inputs: Inputs, required: Requirements) -> Tally:
    """Whether these approvals, all given and fresh, are by enough people, and not only by recorders of evidence."""
    rule = required.approval
    counted: list[GateFacts] = []
    refused: list[GateFacts] = []
    people: set[str] = set()
    for row in rows:
        named = approvers(row)
        allowed = {name.strip().casefold() for name in named if required.is_one_of(name, rule.by)}
        people |= allowed
        (counted if allowed or (not named and ANY in rule.by) else refused).append(row)
    # However many approvals say nobody's name, they may all be the same person's.
    have = max(len(people), min(1, len(counted)))
    if have < rule.approvers:
        return Tally(tuple(counted), tuple(refused), f"has {have} of the {rule.approvers} approvals it needs")
    if rule.four_eyes and not people - recorders(inputs):
        by = (
            f"is approved only by {', '.join(sorted(people))}, who recorded evidence" if people else "names no approver"
        )
        return Tally(tuple(counted), tuple(refused), f"{by}; somebody else must approve too")
    return Tally(tuple(counted), tuple(refused), "")


def approvers(row: GateFacts) -> tuple[str, ...]:
    """The people an approval names: its actor, and those that its artifact lists under `approved_by`."""
    listed = row.details.get("approved_by")
    others = [each for each in listed if isinstance(each, str)] if isinstance(listed, list | tuple) else []
    return tuple(dict.fromkeys(name for name in (row.actor, *others) if name.strip()))


def recorders(inputs: Inputs) -> set[str]:
    """Everybody who recorded the bundle or evidence in it, counted or not, approvals and waivers apart; without regard
    to case."""
    names = {item.actor for item in inputs.items} | {row.actor for row in inputs.invariants}
    names |= {guard.actor for guard in inputs.guards}
    names |= {row.actor for row in inputs.gates if row.gate is not Gate.APPROVAL and not row.waived}
    names |= {inputs.bundle.actor} if inputs.bundle else set()
    return {name.strip().casefold() for name in names if name.strip()}
