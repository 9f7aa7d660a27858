"""Decide a bundle's gates from its current evidence, and append what changed; unchanged inputs append nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.db.pool import Database, Row, Transaction
from app.domain.digests import digest
from app.domain.evaluation import EVALUATED, GateDecision, evaluate_gate
from app.domain.evidence import Result
from app.domain.facts import Inputs
from app.domain.gates import Enforcement, Gate
from app.domain.policy import Policy
from app.ingest import Bundle, Status
from app.readmodels.predicates import Scope
from app.readmodels.readiness import Question, inputs_of_bundle
from app.reviews.chains import check_words, gate_ends, insert_gate, lock_bundle, recorded_at


@dataclass(frozen=True, slots=True)
class Evaluated:
    """One gate and what became of it. `row_id` is the current row's; `decision` is None where there is nothing left
    to decide it from, and the earlier result was withdrawn."""

    gate: Gate
    status: Status
    row_id: str
    decision: GateDecision | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The gates that evidence can decide, those left out that nobody asks for and nothing feeds."""

    bundle_key: str
    bundle_id: str
    policy_digest: str
    evaluated_at: datetime
    gates: tuple[Evaluated, ...]

    @property
    def appended(self) -> int:
        """Rows written."""
        return sum(each.status is not Status.UNCHANGED for each in self.gates)


def evaluation_key(gate: Gate) -> str:
    """The source key of the gate's evaluated results."""
    return f"evaluation/{gate.value}"


async def evaluate(database: Database, policy: Policy, bundle: str, actor: str) -> Evaluation:
    """Evaluate the gates of a bundle, named by key or id, in one transaction that holds off the bundle's other writers.

    NotFound when there is no such bundle, Refused when it was retracted or replaced.
    """
    check_words(actor=actor)
    async with database.transaction() as transaction:
        locked = await lock_bundle(transaction, bundle, actor)
        at = await recorded_at(transaction)
        inputs = await inputs_of_bundle(transaction, Scope(), Question(str(locked.id)), at)
        ends = await gate_ends(transaction, locked, [evaluation_key(gate) for gate in EVALUATED])
        gates = []
        for gate in EVALUATED:
            end = ends.get((evaluation_key(gate), gate))
            told = await _append(transaction, locked, policy, actor, gate, _decide(inputs, policy, gate, at), end, at)
            if told is not None:
                gates.append(told)
    return Evaluation(locked.key, str(locked.id), policy.digest, at, tuple(gates))


def _decide(inputs: Inputs, policy: Policy, gate: Gate, at: datetime) -> GateDecision | None:
    if inputs.bundle is None:
        return None
    return evaluate_gate(gate, inputs.bundle, inputs.items, inputs.guards, policy, at)


async def _append(
    transaction: Transaction,
    bundle: Bundle,
    policy: Policy,
    actor: str,
    gate: Gate,
    decision: GateDecision | None,
    end: Row | None,
    at: datetime,
) -> Evaluated | None:
    """Supersede the end of the gate's chain unless it says the same; None where there is nothing to say."""
    standing = end is not None and not end["retracted"]
    if decision is None:
        if end is None or not standing:
            return None
        return Evaluated(gate, Status.SUPERSEDED, str(await _withdraw(transaction, bundle, end, actor, at)), None)
    if end is not None and standing and decision.same_as(end["policy_digest"], json.loads(end["details"])):
        return Evaluated(gate, Status.UNCHANGED, str(end["id"]), decision)
    supersedes: UUID | None = None if end is None else end["id"]
    details: dict[str, Any] = dict(decision.details)
    if decision.guard_ids:
        details["guard_ids"] = list(decision.guard_ids)
    made = await insert_gate(
        transaction,
        bundle,
        gate,
        source_key=evaluation_key(gate),
        source_digest=decision.source_digest(None if supersedes is None else str(supersedes)),
        result=decision.result,
        enforcement=decision.enforcement,
        evaluated_at=decision.evaluated_at,
        actor=actor,
        reason=f"evaluated under {policy.name}",
        summary=decision.summary,
        policy_digest=decision.policy_digest,
        item_ids=decision.item_ids,
        details=details,
        supersedes=supersedes,
    )
    return Evaluated(gate, Status.SUPERSEDED if supersedes else Status.CREATED, str(made), decision)


async def _withdraw(transaction: Transaction, bundle: Bundle, end: Row, actor: str, at: datetime) -> UUID:
    return await insert_gate(
        transaction,
        bundle,
        Gate(end["gate"]),
        source_key=end["source_key"],
        source_digest=digest(["withdrawn", end["id"]]),
        result=Result(end["result"]),
        enforcement=Enforcement(end["enforcement"]),
        evaluated_at=at,
        actor=actor,
        reason="there is no evidence left to decide it from, and the policy does not ask for it",
        supersedes=end["id"],
        retracted=True,
    )
