"""What a verdict or a diff is decided from: the rows of one bundle and its environment, as plain frozen values.

Fields are named as the columns of migrations/sql/0001_evidence_tables.up.sql; `of_row` makes a fact from a row. Ids
are text, times aware datetimes (one without a zone is read as UTC). A reader may hand in current rows alone or whole
chains: `current` keeps what nothing supersedes and nobody retracted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Protocol, TypeVar

from app.domain.components import ComponentState
from app.domain.digests import ADDED, aware, canonical, digest, unordered
from app.domain.evidence import (
    FINDING_COUNT_FIELDS,
    RESULT_ORDER,
    TEST_COUNT_FIELDS,
    BundleKind,
    EvidenceType,
    FindingCounts,
    Result,
    TestCounts,
)
from app.domain.gates import Enforcement, Gate

PAYLOAD_KEYS = ("capacity", "contract_drift", "subject", "top_findings", "vex_statements")
"""What gates and diffs read of an item's payload; the rest is left out of facts and digests."""

_PAYLOAD_KEYS = frozenset(PAYLOAD_KEYS)


@dataclass(frozen=True, slots=True)
class BundleFacts:
    """A bundle."""

    id: str
    bundle_key: str
    kind: BundleKind
    environment: str
    profile: str
    product: str
    version: str = ""
    commit_sha: str = ""
    actor: str = ""


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """An evidence item. Of `payload` only PAYLOAD_KEYS are read. `mismatched` says what it is of and the bundle is not;
    `confirms`: it repeats its predecessor, and counts from when it was recorded."""

    id: str
    evidence_type: EvidenceType
    source_key: str
    result: Result
    recorded_at: datetime
    completed_at: datetime | None = None
    title: str = ""
    format: str = ""
    source_digest: str = ""
    tests: TestCounts | None = None
    findings: FindingCounts | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    actor: str = ""
    supersedes_id: str | None = None
    retracted: bool = False
    late: bool = field(default=False, metadata=ADDED)
    mismatched: str = field(default="", metadata=ADDED)
    confirms: bool = field(default=False, metadata=ADDED)
    identity: str | None = field(default=None, metadata=ADDED)
    """What the report is of, as JSON text; None where it was recorded before that was kept. It tells checks apart and
    decides no verdict, so no digest holds it."""

    @property
    def check(self) -> tuple[str, str]:
        """What it is a report of; one of another commit is of another check, whatever its name."""
        return self.source_key, self.mismatched


@dataclass(frozen=True, slots=True)
class GateFacts:
    """A gate result. `policy_digest` is there when an evaluation decided it; `waived` makes it a waiver."""

    id: str
    gate: Gate
    source_key: str
    result: Result
    enforcement: Enforcement
    recorded_at: datetime
    evaluated_at: datetime | None = None
    summary: str = ""
    waived: bool = False
    expires_at: datetime | None = None
    policy_digest: str | None = None
    item_ids: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    actor: str = ""
    reason: str = ""
    supersedes_id: str | None = None
    retracted: bool = False
    late: bool = field(default=False, metadata=ADDED)
    mismatched: str = field(default="", metadata=ADDED)
    confirms: bool = field(default=False, metadata=ADDED)


@dataclass(frozen=True, slots=True)
class InvariantFacts:
    """What one import says of one invariant."""

    id: str
    invariant_id: str
    source_key: str
    result: Result
    recorded_at: datetime
    evaluated_at: datetime | None = None
    title: str = ""
    evidence_item_id: str | None = None
    actor: str = ""
    supersedes_id: str | None = None
    retracted: bool = False
    late: bool = field(default=False, metadata=ADDED)
    mismatched: str = field(default="", metadata=ADDED)
    confirms: bool = field(default=False, metadata=ADDED)


@dataclass(frozen=True, slots=True)
class GuardFacts:
    """A guard's report; without a bundle it speaks of the platform itself."""

    id: str
    guard: str
    source_key: str
    mode: Enforcement
    result: Result
    recorded_at: datetime
    generated_at: datetime | None = None
    findings: FindingCounts | None = None
    bundle_id: str | None = None
    evidence_item_id: str | None = None
    actor: str = ""
    supersedes_id: str | None = None
    retracted: bool = False
    late: bool = field(default=False, metadata=ADDED)
    mismatched: str = field(default="", metadata=ADDED)
    confirms: bool = field(default=False, metadata=ADDED)


@dataclass(frozen=True, slots=True)
class ComponentFacts:
    """A snapshot of a component's status. `cause` names the alert or incident that told it, where one did, and
    `began_at` when that says the trouble began."""

    id: str
    environment: str
    component: str
    status: ComponentState
    observed_at: datetime
    recorded_at: datetime
    message: str = ""
    cause: str = field(default="", metadata=ADDED)
    began_at: str = field(default="", metadata=ADDED)
    supersedes_id: str | None = None
    retracted: bool = False


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that is known of one bundle and of the environment it is meant for. `bundle` None: there is none."""

    environment: str
    profile: str
    product: str
    bundle: BundleFacts | None = None
    items: tuple[ItemFacts, ...] = ()
    gates: tuple[GateFacts, ...] = ()
    invariants: tuple[InvariantFacts, ...] = ()
    guards: tuple[GuardFacts, ...] = ()
    components: tuple[ComponentFacts, ...] = ()
    late: tuple[ItemFacts, ...] = ()
    """Items that came after a newer report of their check; `current` sets them apart wherever they are handed in."""

    @classmethod
    def of_bundle(
        cls,
        bundle: BundleFacts,
        *,
        items: Iterable[ItemFacts] = (),
        gates: Iterable[GateFacts] = (),
        invariants: Iterable[InvariantFacts] = (),
        guards: Iterable[GuardFacts] = (),
        components: Iterable[ComponentFacts] = (),
    ) -> Inputs:
        """The inputs of a bundle, in its own environment, profile and product. Rows as `current` keeps them."""
        return cls(
            bundle.environment,
            bundle.profile,
            bundle.product,
            bundle,
            tuple(items),
            tuple(gates),
            tuple(invariants),
            tuple(guards),
            tuple(components),
        ).current()

    def current(self) -> Inputs:
        """The same without superseded and retracted rows, each row once, in the order of their ids."""
        return Inputs(
            self.environment,
            self.profile,
            self.product,
            self.bundle,
            current(self.items),
            current(self.gates),
            current(self.invariants),
            current(self.guards),
            current(self.components),
            _late((*self.items, *self.late)),
        )

    def matching(self) -> Inputs:
        """The same without what is of another commit or version than the bundle."""
        return replace(
            self,
            items=tuple(row for row in self.items if not row.mismatched),
            gates=tuple(row for row in self.gates if not row.mismatched),
            invariants=tuple(row for row in self.invariants if not row.mismatched),
            guards=tuple(row for row in self.guards if not row.mismatched),
        )

    def digest(self) -> str:
        """SHA-256 over the current rows, whatever their order."""
        kept = self.current()
        return digest(
            {
                "scope": [kept.environment, kept.profile, kept.product],
                "bundle": kept.bundle,
                "items": unordered(pinned(item) for item in kept.items),
                "gates": unordered(kept.gates),
                "invariants": unordered(kept.invariants),
                "guards": unordered(kept.guards),
                "components": unordered(kept.components),
            }
            | ({"late": unordered(pinned(item) for item in kept.late)} if kept.late else {})
        )


class Row(Protocol):
    """What every fact has."""

    @property
    def id(self) -> str: ...
    @property
    def supersedes_id(self) -> str | None: ...
    @property
    def retracted(self) -> bool: ...


R = TypeVar("R", bound=Row)
F = TypeVar("F")


def current(rows: Iterable[R]) -> tuple[R, ...]:
    """The rows that nothing among them supersedes and that withdraw nothing, one per id, in the order of their ids."""
    given = list(rows)
    superseded = {row.supersedes_id for row in given}
    kept: dict[str, R] = {}
    for row in given:
        if row.id in superseded or row.retracted or getattr(row, "late", False):
            continue
        # An id stands for one row; should two differ all the same, the choice must not depend on their order.
        if row.id not in kept or (row != kept[row.id] and canonical(row) > canonical(kept[row.id])):
            kept[row.id] = row
    return tuple(kept[id] for id in sorted(kept))


def _late(rows: Iterable[ItemFacts]) -> tuple[ItemFacts, ...]:
    """Of each check the worst report that came late, of several the last, where none came into force since. A good
    report that comes late as well does not hide a bad one."""
    given = list(rows)
    if not any(row.late for row in given):
        return ()
    in_force: dict[tuple[str, str], datetime] = {}
    for row in current(given):
        came = aware(row.recorded_at)
        in_force[row.check] = max(came, in_force.get(row.check, came))
    superseded = {row.supersedes_id for row in given}
    worst: dict[tuple[str, str], ItemFacts] = {}
    for row in given:
        if not row.late or row.retracted or row.id in superseded:
            continue
        if row.check in in_force and aware(row.recorded_at) <= in_force[row.check]:
            continue
        if row.check not in worst or _weight(row) > _weight(worst[row.check]):
            worst[row.check] = row
    return tuple(worst[check] for check in sorted(worst))


def _weight(row: ItemFacts) -> tuple[int, datetime, str, str]:
    return -RESULT_ORDER.index(row.result), aware(row.recorded_at), row.id, canonical(row)


def pinned(item: ItemFacts) -> ItemFacts:
    """The item as digests take it: with no more of the payload than is read, and without what tells checks apart."""
    if item.payload.keys() <= _PAYLOAD_KEYS and item.identity is None:
        return item
    payload = {key: item.payload[key] for key in PAYLOAD_KEYS if key in item.payload}
    return replace(item, payload=payload, identity=None)


def made_at(occurred: datetime | None, recorded_at: datetime, confirms: bool = False) -> datetime:
    """When evidence was made: as it says itself, but never after it was recorded. What another run confirmed counts
    from then."""
    known = aware(recorded_at)
    return known if occurred is None or confirms else min(aware(occurred), known)


_ENUMS: dict[str, Any] = {
    "kind": BundleKind,
    "evidence_type": EvidenceType,
    "result": Result,
    "enforcement": Enforcement,
    "mode": Enforcement,
    "gate": Gate,
    "status": ComponentState,
}


def of_row(fact: type[F], row: Mapping[str, Any]) -> F:
    """A fact from a database row: columns by name; ids as text; JSON columns parsed or as text; count columns
    (tests_total, findings_high and so on) gathered. A column that is not there leaves the field's default."""
    values: dict[str, Any] = {}
    for each in fields(fact):  # type: ignore[arg-type]
        name = each.name
        if name == "tests":
            values[name] = _counts(row, "tests_", TEST_COUNT_FIELDS, TestCounts)
        elif name == "findings":
            values[name] = _counts(row, "findings_", FINDING_COUNT_FIELDS, FindingCounts)
        elif name in row:
            values[name] = _value(name, row[name])
        elif each.default is MISSING and each.default_factory is MISSING:
            raise KeyError(f"{fact.__name__} needs the column {name}")
    return fact(**values)


def _value(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _ENUMS:
        return _ENUMS[name](value)
    if name == "item_ids":
        return tuple(sorted(str(each) for each in value))
    if name in ("payload", "details"):
        document = json.loads(value) if isinstance(value, str | bytes) else value
        return document if name == "details" else {key: document[key] for key in PAYLOAD_KEYS if key in document}
    return str(value) if name == "id" or name.endswith("_id") else value


def _counts(row: Mapping[str, Any], prefix: str, names: tuple[str, ...], make: Any) -> Any:
    """The counts, or None where the row has none."""
    known = {name: row[prefix + name] for name in names if row.get(prefix + name) is not None}
    return make(**known) if known else None
