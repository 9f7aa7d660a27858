"""What verdicts on all bundles are decided from, gathered naively from all rows."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import Any, TypeVar

from app.domain.facts import (
    BundleFacts,
    ComponentFacts,
    GateFacts,
    GuardFacts,
    Inputs,
    InvariantFacts,
    ItemFacts,
    made_at,
    of_row,
)
from app.readmodels.nouns import BUNDLE, GATE, GUARD, INVARIANT, ITEM, Noun
from tests.readmodels.naive import Everything

F = TypeVar("F")


def situations(known: Everything) -> list[tuple[str, Inputs]]:
    """The inputs of every bundle, with its id."""
    by_place: dict[tuple[str, str], list[ComponentFacts]] = {}
    for fact in (of_row(ComponentFacts, row | {"began_at": _began(row)}) for row in known.told()):
        by_place.setdefault((fact.environment, fact.component), []).append(fact)
    running = [fact for facts in by_place.values() for fact in _standing(facts)]
    made = []
    for bundle in (of_row(BundleFacts, row) for row in known.rows(BUNDLE)):
        inputs = Inputs(
            bundle.environment,
            bundle.profile,
            bundle.product,
            bundle,
            _of(known, ITEM, ItemFacts, bundle.id),
            _of(known, GATE, GateFacts, bundle.id),
            _of(known, INVARIANT, InvariantFacts, bundle.id),
            (*_of(known, GUARD, GuardFacts, bundle.id), *_of(known, GUARD, GuardFacts, None)),
            tuple(fact for fact in running if fact.environment == bundle.environment),
        )
        made.append((bundle.id, inputs))
    return made


def _of(known: Everything, noun: Noun, fact: type[F], bundle_id: str | None) -> tuple[F, ...]:
    return tuple(of_row(fact, row) for row in known.current(noun) if row["bundle_id"] == bundle_id)


def _standing(facts: list[ComponentFacts]) -> list[ComponentFacts]:
    """What a component stands by: the last poll, the causes that are not over, and the last news of the others."""
    told: dict[str, ComponentFacts] = {}
    silent: dict[str, ComponentFacts] = {}
    for fact in sorted(facts, key=_age):
        silent.pop(fact.cause, None)
        if fact.cause and fact.status == "unknown":
            silent[fact.cause] = fact
        else:
            told[fact.cause] = fact
    kept = [told.pop("")] if "" in told else []
    troubles = [fact for fact in told.values() if fact.status != "operational"]
    good = [fact for fact in told.values() if fact.status == "operational"]
    last = sorted(good, key=_age)[-1:] or sorted(silent.values(), key=_age)[-1:]
    return kept + troubles + last


def _began(row: dict[str, Any]) -> str:
    details = json.loads(row["details"]) if isinstance(row["details"], str) else row["details"]
    return str(details.get("began_at", ""))


def _age(fact: ComponentFacts) -> tuple[datetime, datetime, uuid.UUID]:
    return made_at(fact.observed_at, fact.recorded_at), fact.observed_at, uuid.UUID(fact.id)
