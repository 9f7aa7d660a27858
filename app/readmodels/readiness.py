"""What verdicts are decided from, and the verdicts: rows as of one moment, read in a fixed number of statements.

All statements of one answer see one snapshot of the database, and rows recorded by one time; without a time, by now.
Recorded verdicts are left out: a verdict is no evidence for itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Protocol, cast

from app.db.pool import Database, Row
from app.db.queries import load
from app.domain.errors import Invalid, NotFound
from app.domain.evidence import FINDING_COUNT_FIELDS, TEST_COUNT_FIELDS
from app.domain.facts import (
    PAYLOAD_KEYS,
    BundleFacts,
    ComponentFacts,
    GateFacts,
    GuardFacts,
    Inputs,
    InvariantFacts,
    ItemFacts,
    of_row,
)
from app.domain.policy import Policy
from app.domain.readiness import decide, decide_all
from app.domain.verdict import Verdict
from app.readmodels.nouns import BUNDLE, COMPONENT, GATE, GUARD, INVARIANT, ITEM, Noun
from app.readmodels.predicates import Parameters, Scope, current, known, last, visible
from app.readmodels.rows import Columns, Reader, check_ids, rows_by_ids

VERDICT_FORMAT = "readiness-verdict"
"""The format of items that hold a verdict of this program."""

ROW_LIMIT = 500
"""Rows of a noun that are read along with a verdict."""


class Source(Protocol):
    """What statements run on: a database, or an open transaction."""

    async def fetch(self, sql: str, *args: object) -> Sequence[Row]:
        """All rows."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about: one bundle, by id or key, or an environment, where the newest bundle of each product and
    profile counts. Where a bundle is given with the others, they must be its own."""

    bundle: str | None = None
    environment: str | None = None
    profile: str | None = None
    product: str | None = None

    def __post_init__(self) -> None:
        """Raises Invalid when nothing is named, or by an empty name."""
        if self.bundle is None and self.environment is None:
            raise Invalid("readiness is of a bundle or of an environment; name one", field="environment")
        for name in ("bundle", "environment", "profile", "product"):
            if getattr(self, name) == "":
                raise Invalid(f"{name} is empty; give a name, or leave it out", field=name)

    def check(self, bundle: BundleFacts) -> None:
        """Raises Invalid when the bundle is not of the environment, profile or product that is asked about."""
        for name in ("environment", "profile", "product"):
            asked, own = getattr(self, name), getattr(bundle, name)
            if asked is not None and asked != own:
                raise Invalid(f"the bundle {bundle.bundle_key} has the {name} {own}, not {asked}", field=name)


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict and what it was decided from: one `Inputs` a bundle, or one without a bundle where there is none.

    `rows` are the rows behind it by noun, where they were asked for; `truncated` names the nouns that have more."""

    verdict: Verdict
    inputs: tuple[Inputs, ...]
    rows: Mapping[str, list[Row]] = field(default_factory=dict)
    truncated: frozenset[str] = frozenset()


async def readiness(
    reader: Reader,
    policy: Policy,
    question: Question,
    as_of: datetime | None = None,
    rows: Mapping[str, Columns] | None = None,
) -> Answer:
    """Whether a bundle or an environment is ready, and why. NotFound for a bundle that there is not.

    At most ten statements, whatever there is, and one more for each noun of `rows`, which says whose rows to read
    along, with which columns. `as_of` must be settled, see Database.settle.
    """
    async with reader.database.snapshot() as source:
        at = as_of or await moment(source)
        if question.bundle is not None:
            inputs = [await inputs_of_bundle(source, reader.scope, question, at)]
            verdict = decide(inputs[0], policy, at)
        else:
            inputs = await inputs_of_environment(source, reader.scope, question, at)
            verdict = decide_all(inputs, policy, at, environment=question.environment or "")
        answer = Answer(verdict, tuple(inputs))
        if not rows:
            return answer
        # A transaction runs statements as a database does, which is all that reading rows by id wants.
        inside = Reader(cast("Database", source), reader.scope)
        return await _with_rows(inside, answer, rows)


async def _with_rows(reader: Reader, answer: Answer, wanted: Mapping[str, Columns]) -> Answer:
    """The answer with the rows behind it, in the order of their names; those it points at are kept first."""
    pointed = {reason.row_id for reason in answer.verdict.reasons} | {proof.row_id for proof in answer.verdict.proofs}
    found: dict[str, list[Row]] = {}
    truncated = set()
    for name, columns in wanted.items():
        noun, relation, named = _BEHIND[name]
        facts = {fact.id: fact for inputs in answer.inputs for fact in getattr(inputs, relation)}
        order = sorted(facts, key=lambda id: (getattr(facts[id], named), id))
        if len(order) > ROW_LIMIT:
            truncated.add(name)
            kept = set(sorted(order, key=lambda id: id not in pointed)[:ROW_LIMIT])
            order = [id for id in order if id in kept]
        rows = await rows_by_ids(reader, noun, order, columns, answer.verdict.evaluated_at)
        found[name] = [rows[id] for id in order if id in rows]
    return Answer(answer.verdict, answer.inputs, found, frozenset(truncated))


async def verdicts_by_bundle_ids(
    reader: Reader, policy: Policy, bundle_ids: Sequence[str], as_of: datetime | None = None
) -> dict[str, Verdict]:
    """The verdicts on many bundles, in as many statements as one takes; bundles out of sight are absent."""
    async with reader.database.snapshot() as source:
        at = as_of or await moment(source)
        inputs = await inputs_of_bundles(source, reader.scope, bundle_ids, at)
    verdicts = {}
    for bundle_id, each in inputs.items():
        verdicts[bundle_id] = decide(each, policy, at)
        await asyncio.sleep(0)  # others may answer between two verdicts
    return verdicts


async def moment(source: Source) -> datetime:
    """Now, by the database's clock."""
    rows = await source.fetch(_SQL["moment"].sql)
    at: datetime = rows[0]["at"]
    return at


async def inputs_of_bundle(source: Source, scope: Scope, question: Question, at: datetime) -> Inputs:
    """The inputs of the bundle that a question names. NotFound, or Invalid where the question contradicts itself."""
    reading = _Reading(source, scope, at)
    bundle = await reading.named(question.bundle or "")
    question.check(bundle)
    return (await reading.inputs([bundle]))[0]


async def inputs_of_pair(source: Source, scope: Scope, first: str, second: str, at: datetime) -> tuple[Inputs, Inputs]:
    """The inputs of two bundles, each by id or key; they may be the same. NotFound names the one that there is not."""
    reading = _Reading(source, scope, at)
    one, two = await reading.named(first), await reading.named(second)
    found = {each.bundle: each for each in await reading.inputs(list(dict.fromkeys([one, two])))}
    return found[one], found[two]


async def inputs_of_bundles(source: Source, scope: Scope, bundle_ids: Sequence[str], at: datetime) -> dict[str, Inputs]:
    """The inputs of many bundles by id; bundles that are unknown, or out of sight, are absent."""
    reading = _Reading(source, scope, at)
    return {
        each.bundle.id: each
        for each in await reading.inputs(await reading.bundles(check_ids(bundle_ids)))
        if each.bundle
    }


async def inputs_of_environment(source: Source, scope: Scope, question: Question, at: datetime) -> list[Inputs]:
    """The inputs of the newest current bundle of each profile and product of an environment, or of those asked for.

    The newest is the one that came to be last (`created_at`, then the id). Without any, the environment's components
    and the platform's guards, with no bundle.
    """
    reading = _Reading(source, scope, at)
    environment = question.environment or ""
    bundles = await reading.newest(environment, question.profile, question.product)
    if bundles:
        return await reading.inputs(bundles)
    components = await reading.components([environment])
    guards = await reading.platform_guards()
    return [
        Inputs(
            environment,
            question.profile or "",
            question.product or "",
            guards=tuple(guards),
            components=tuple(components.get(environment, ())),
        )
    ]


async def latest_components(
    source: Source, scope: Scope, environments: Sequence[str] | None, at: datetime, component: str | None = None
) -> dict[str, list[ComponentFacts]]:
    """What each component of some environments, or of all that are known, stands by, by environment; of one component
    alone where it is named."""
    if environments is None:
        environments = [row["environment"] for row in await source.fetch(_SQL["environments"].sql)]
    return await _Reading(source, scope, at).components(environments, component)


_SQL = load("app.readmodels", "readiness")
_BEHIND = {
    "gate": (GATE, "gates", "gate"),
    "invariant": (INVARIANT, "invariants", "invariant_id"),
    "component": (COMPONENT, "components", "component"),
    "guard": (GUARD, "guards", "guard"),
}
"""The nouns whose rows stand behind a verdict: where `Inputs` has them, and what they are called by."""

OPEN_LIMIT = 20
"""Alerts and incidents of a component that are not over, of which facts are read: the worst."""

_OWN_COLUMNS = frozenset({"payload", "retracted", "bundle_id", "began_at"})
"""Columns of facts that are not read as they are: trimmed, known beforehand, or selected by the statement itself."""


_BEGAN_AT = "COALESCE(component.details ->> 'began_at', '')"
"""When the producer of a snapshot says that it began."""


def _columns(noun: Noun, fact: type[Any]) -> str:
    """The select list that a fact is made from."""
    wanted: list[str] = []
    for each in fields(fact):
        counts = {"tests": TEST_COUNT_FIELDS, "findings": FINDING_COUNT_FIELDS}.get(each.name)
        if counts is not None:
            wanted.extend(f"{each.name}_{count}" for count in counts)
        elif each.name not in _OWN_COLUMNS:
            wanted.append(each.name)
    return ", ".join(f"{noun.columns[name]} AS {name}" for name in wanted)


@dataclass(slots=True)
class _Reading:
    """Reads of rows as of one moment, as far as a scope sees."""

    source: Source
    scope: Scope
    at: datetime

    async def _fetch(self, name: str, parameters: Parameters, **slots: str) -> Sequence[Row]:
        return await self.source.fetch(_SQL[name].fill(**slots), *parameters.values)

    def _known(self, noun: Noun, parameters: Parameters) -> str:
        return f"{visible(noun, self.scope, parameters)} AND {known(noun, self.at, parameters)}"

    def _current(self, noun: Noun, parameters: Parameters) -> str:
        return f"{visible(noun, self.scope, parameters)} AND {current(noun, self.at, parameters)}"

    async def named(self, given: str) -> BundleFacts:
        """The bundle of an id or a key, even a key that looks like an id. NotFound when there is none."""
        try:
            found = await self.bundles(check_ids([given]))
        except Invalid:
            found = []
        if not found:
            parameters = Parameters()
            keys = parameters.add([given], "text[]")
            sql = load("app.readmodels", "bundles")["bundle_ids_by_keys"].fill(
                keys=keys, where=self._known(BUNDLE, parameters)
            )
            ids = [row["id"] for row in await self.source.fetch(sql, *parameters.values)]
            found = await self.bundles(ids) if ids else []
        if not found:
            raise NotFound(f"there is no bundle {given[:200]!r}", field="bundle")
        return found[0]

    async def bundles(self, ids: Sequence[str]) -> list[BundleFacts]:
        """Bundles by id, current or not."""
        parameters = Parameters()
        rows = await self._fetch(
            "bundles_by_ids",
            parameters,
            columns=_columns(BUNDLE, BundleFacts),
            ids=parameters.add(list(ids), "uuid[]"),
            where=self._known(BUNDLE, parameters),
        )
        return [of_row(BundleFacts, row) for row in rows]

    async def newest(self, environment: str, profile: str | None, product: str | None) -> list[BundleFacts]:
        """The newest current bundle of each profile and product."""
        parameters = Parameters()
        slots = {"environment": parameters.add(environment, "text")}
        if profile is not None:
            slots["profile"] = parameters.add(profile, "text")
        if product is not None:
            slots["product"] = parameters.add(product, "text")
        pairs = {
            (False, False): "pairs_of_environment",
            (True, False): "pairs_of_profile",
            (False, True): "pairs_of_product",
            (True, True): "pair_given",
        }[profile is not None, product is not None]
        rows = await self._fetch(
            "newest_bundles",
            parameters,
            columns=_columns(BUNDLE, BundleFacts),
            pairs=_SQL[pairs].fill(**slots),
            environment=slots["environment"],
            where=self._current(BUNDLE, parameters),
        )
        return [of_row(BundleFacts, row) for row in rows]

    async def inputs(self, bundles: Sequence[BundleFacts]) -> list[Inputs]:
        """The inputs of bundles, in seven statements."""
        if not bundles:
            return []
        ids = [bundle.id for bundle in bundles]
        items = await self._children(ITEM, ItemFacts, ids)
        gates = await self._children(GATE, GateFacts, ids)
        invariants = await self._children(INVARIANT, InvariantFacts, ids)
        guards = await self._children(GUARD, GuardFacts, ids)
        of_platform = await self.platform_guards()
        components = await self.components({bundle.environment for bundle in bundles})
        return [
            Inputs(
                bundle.environment,
                bundle.profile,
                bundle.product,
                bundle,
                tuple(item for item in items[bundle.id] if not item.late),
                tuple(gates[bundle.id]),
                tuple(invariants[bundle.id]),
                (*guards[bundle.id], *of_platform),
                tuple(components.get(bundle.environment, ())),
                tuple(item for item in items[bundle.id] if item.late),
            )
            for bundle in bundles
        ]

    async def _children(self, noun: Noun, fact: type[Any], bundle_ids: Sequence[str]) -> dict[str, list[Any]]:
        parameters = Parameters()
        columns, where = _columns(noun, fact), f"{visible(noun, self.scope, parameters)} AND "
        where += self._counted_or_late(parameters) if noun is ITEM else current(noun, self.at, parameters)
        if noun is ITEM:
            keys = parameters.add(list(PAYLOAD_KEYS), "text[]")
            columns += (
                ", (SELECT COALESCE(jsonb_object_agg(part.key, part.value), '{}')"
                f" FROM jsonb_each(item.payload) AS part WHERE part.key = ANY({keys})) AS payload"
            )
            where += f" AND item.format <> {parameters.add(VERDICT_FORMAT, 'text')}"
        rows = await self._fetch(
            "rows_of_bundles",
            parameters,
            columns=columns,
            table=noun.table,
            alias=noun.alias,
            ids=parameters.add(list(bundle_ids), "uuid[]"),
            where=where,
        )
        found: dict[str, list[Any]] = {bundle_id: [] for bundle_id in bundle_ids}
        for row in rows:
            found[row["bundle_id"]].append(of_row(fact, row))
        return found

    def _counted_or_late(self, parameters: Parameters) -> str:
        """Items that count, and those that came late since: the last of each check and result."""
        newer = replace(ITEM, name="newer")
        return (
            f"{last(ITEM, self.at, parameters)} AND (NOT item.late OR NOT EXISTS (SELECT FROM {ITEM.table} AS newer"
            " WHERE newer.bundle_id = item.bundle_id AND newer.source_key = item.source_key"
            " AND newer.mismatched = item.mismatched AND newer.recorded_at > item.recorded_at"
            " AND (NOT newer.late OR newer.result = item.result)"
            f" AND {last(newer, self.at, parameters)}))"
        )

    async def platform_guards(self) -> list[GuardFacts]:
        """The current guard reports that speak of the platform itself."""
        parameters = Parameters()
        where = self._current(GUARD, parameters)
        rows = await self._fetch("guards_of_platform", parameters, columns=_columns(GUARD, GuardFacts), where=where)
        return [of_row(GuardFacts, row) for row in rows]

    async def components(
        self, environments: Iterable[str], component: str | None = None
    ) -> dict[str, list[ComponentFacts]]:
        """What each component, or the one that is named, stands by, by environment: the snapshot that was seen last by
        asking, and the latest news of causes. Two statements, the second of an index that is empty without causes."""
        found: dict[str, list[ComponentFacts]] = {}
        named = load("app.readmodels", "causes")
        for name in ("components_of_environments", "causes_of_environments"):
            parameters = Parameters()
            place = {"environment": "place.environment"}
            if component is not None:
                place["component"] = parameters.add(component, "text")
            every, where = component is None, self._current(COMPONENT, parameters)
            told = {"environment": "place.environment", "component": "known.component", "cause": "known.cause"}
            rows = await self._fetch(
                name,
                parameters,
                names=_SQL["components_known" if every else "component_given"].fill(**place),
                causes=named["causes_known" if every else "causes_of_component"].fill(**place),
                latest_news=named["latest_news"].fill(
                    **told, current=where, news=named["news"].fill(**told, current=where)
                ),
                environments=parameters.add(sorted(environments), "text[]"),
                columns=f"{_columns(COMPONENT, ComponentFacts)}, {_BEGAN_AT} AS began_at",
                where=where,
                limit=str(OPEN_LIMIT),
                at="" if name == "causes_of_environments" else parameters.add(self.at, "timestamptz"),
            )
            for row in rows:
                found.setdefault(row["environment"], []).append(of_row(ComponentFacts, row))
        return found
