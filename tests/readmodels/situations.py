"""What verdicts on all bundles are decided from, gathered naively from all rows."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TypeVar

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
from app.readmodels.nouns import BUNDLE, COMPONENT, GATE, GUARD, INVARIANT, ITEM, Noun
from tests.readmodels.naive import Everything

F = TypeVar("F")


def situations(known: Everything) -> list[tuple[str, Inputs]]:
    """The inputs of every bundle, with its id."""
    running: dict[tuple[str, str], ComponentFacts] = {}
    for fact in (of_row(ComponentFacts, row) for row in known.current(COMPONENT)):
        place = (fact.environment, fact.component)
        if place not in running or _age(fact) > _age(running[place]):
            running[place] = fact
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
            tuple(fact for fact in running.values() if fact.environment == bundle.environment),
        )
        made.append((bundle.id, inputs))
    return made


def _of(known: Everything, noun: Noun, fact: type[F], bundle_id: str | None) -> tuple[F, ...]:
    return tuple(of_row(fact, row) for row in known.current(noun) if row["bundle_id"] == bundle_id)


def _age(fact: ComponentFacts) -> tuple[datetime, uuid.UUID]:
    return made_at(fact.observed_at, fact.recorded_at), uuid.UUID(fact.id)
