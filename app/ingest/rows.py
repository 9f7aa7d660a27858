"""What one artifact becomes: rows for each table, with ids, source keys and links between them. Pure but for the ids.

Rows are plain dicts, handed to the database as one JSON array a table; columns are named as in the schema.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from app.domain.checks import Subject, same_commit
from app.domain.errors import Invalid
from app.domain.evidence import (
    FINDING_COUNT_FIELDS,
    TEST_COUNT_FIELDS,
    EvidenceType,
    FindingCounts,
    Result,
    TestCounts,
)
from app.domain.gates import Gate
from app.domain.invariants import area_of
from app.importers.base import ImportBatch, clip
from app.importers.sources import part_key, source_key

NAME_LIMIT = 300
"""Characters of the names that stand in indexes: invariant ids, components, guards."""

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Origin:
    """What an artifact is called and who brings it. `digest` is the SHA-256 of its bytes, in lower-case hex.

    `source_key` names the check outright; without it, the key is made from the artifact's type, format, the CI's `job`
    and `stem`, or its `name` where no stem is given. `evidence_type` overrides the one that the importer saw. `run` is
    the pipeline's run, "" where none is known.
    """

    name: str
    digest: str
    actor: str
    source_key: str | None = None
    stem: str | None = None
    evidence_type: EvidenceType | None = None
    run: str = ""
    job: str = ""

    @property
    def named(self) -> bool:
        """Whether somebody named the check: a person, or the CI's pipeline."""
        return self.source_key is not None or bool(self.job)

    def key(self, batch: ImportBatch, kind: str) -> str:
        """The name of the check that the artifact is of, as evidence of a kind."""
        if self.source_key is not None:
            return self.source_key
        kind = self.evidence_type or kind
        return source_key(kind, batch.format, self.name, stem=self.stem, job=self.job)

    def names(self, batch: ImportBatch) -> list[str]:
        """The names that the artifact's rows stand under: that of the whole first, then of its other types."""
        kinds = [_kind(batch), *(item.evidence_type for item in batch.items)]
        return list(dict.fromkeys(self.key(batch, kind) for kind in kinds))


@dataclass(frozen=True, slots=True)
class Standing:
    """How an artifact's rows are to stand: `suffix` tells its check from another of the name, `subject` is what the
    check is known by; the rest is as the columns of these names."""

    subject: Subject
    suffix: str = ""
    mismatched: str = ""
    late: bool = False
    confirms: bool = False


@dataclass(slots=True)
class Prepared:
    """The rows of one artifact by table. `key` is the source key, without part, of the artifact as a whole."""

    key: str
    items: Rows = field(default_factory=list)
    gates: Rows = field(default_factory=list)
    invariants: Rows = field(default_factory=list)
    guards: Rows = field(default_factory=list)
    components: Rows = field(default_factory=list)

    def of_bundle(self) -> dict[str, Rows]:
        """The rows that belong to the bundle, in the order in which they may be written."""
        return {
            "items": self.items,
            "gates": self.gates,
            "invariants": self.invariants,
            "guards": self.guards,
        }


NAMED_BY = {"items": None, "gates": "gate", "invariants": "invariant_id", "guards": "guard"}
"""The column that, beside the source key, tells the rows of a table apart."""


def mismatch(batch: ImportBatch, commit: str, version: str) -> str:
    """What the artifact says it is of and the bundle is not, for a sentence; "" where nothing contradicts."""
    told = []
    if batch.commit and commit and not same_commit(batch.commit, commit):
        told.append(f"commit {clip(batch.commit, 12)}, not {clip(commit, 12)}")
    if batch.version and version and batch.version.removeprefix("v") != version.removeprefix("v"):
        told.append(f"version {clip(batch.version, 60)}, not {clip(version, 60)}")
    return "; ".join(told)


def made(batch: ImportBatch) -> datetime | None:
    """The last moment that the artifact tells of what belongs to a bundle; None where it tells none."""
    told = [item.completed_at or item.started_at for item in batch.items]
    told += [gate.evaluated_at for gate in batch.gates] + [guard.generated_at for guard in batch.guards]
    return max((moment for each in told if (moment := _moment(each)) is not None), default=None)


def results(batch: ImportBatch) -> tuple[Result, ...]:
    """What the artifact says of what belongs to a bundle."""
    told = [item.result for item in batch.items] + [gate.result for gate in batch.gates]
    return (*told, *(guard.result for guard in batch.guards))


def _kind(batch: ImportBatch) -> str:
    """What stands first in the source key: the evidence type, or what there is where there are no items."""
    if batch.items:
        return batch.items[0].evidence_type
    if batch.guards:
        return "guard"
    return "gate" if batch.gates else "status"


def prepare(batch: ImportBatch, origin: Origin, standing: Standing) -> Prepared:
    """The rows of a batch. Raises Invalid for a name too long to be stored whole."""
    base = origin.key(batch, _kind(batch)) + standing.suffix
    prepared = Prepared(base)
    distinct = _Distinct()
    common = {"source_digest": origin.digest, "actor": origin.actor}
    standing_columns = {
        "run": origin.run,
        "job": origin.job,
        "late": standing.late,
        "mismatched": standing.mismatched,
        "confirms": standing.confirms,
    }
    of_bundle = common | standing_columns
    identified = of_bundle | {"subject": standing.subject.label, "identity": standing.subject.as_dict()}
    for item in batch.items:
        key = part_key(origin.key(batch, item.evidence_type) + standing.suffix, item.key)
        prepared.items.append(
            identified
            | _counts("tests", TEST_COUNT_FIELDS, item.tests)
            | _counts("findings", FINDING_COUNT_FIELDS, item.findings)
            | {
                "id": uuid7(),
                "evidence_type": origin.evidence_type or item.evidence_type,
                "source_key": distinct("", key),
                "format": batch.format,
                "title": item.title,
                "result": item.result,
                "producer": item.producer,
                "artifact_path": origin.name,
                "payload": _payload(item.payload, batch.dialect),
                "started_at": _moment(item.started_at),
                "completed_at": _moment(item.completed_at),
                "url": item.url,
            }
        )
    item_ids = [row["id"] for row in prepared.items]
    keys = [row["source_key"] for row in prepared.items]
    for gate in batch.gates:
        prepared.gates.append(
            identified
            | {
                "id": uuid7(),
                "gate": gate.gate,
                "source_key": distinct(gate.gate, part_key(base, gate.key)),
                "result": gate.result,
                "enforcement": gate.enforcement,
                "summary": gate.summary,
                "item_ids": item_ids,
                "details": gate.details,
                "evaluated_at": _moment(gate.evaluated_at),
                # Whoever runs an import has not thereby approved anything.
                "actor": gate.actor or ("" if gate.gate is Gate.APPROVAL else origin.actor),
                "reason": gate.reason,
                "url": gate.url,
            }
        )
    for invariant in batch.invariants:
        linked = invariant.item if 0 <= invariant.item < len(keys) else None
        prepared.invariants.append(
            of_bundle
            | {
                "id": uuid7(),
                "invariant_id": _name("invariant id", invariant.invariant_id),
                "source_key": distinct(invariant.invariant_id, base if linked is None else keys[linked]),
                "area": area_of(invariant.invariant_id),
                "title": invariant.title,
                "result": invariant.result,
                "evidence_item_id": None if linked is None else item_ids[linked],
                "details": invariant.details,
                "evaluated_at": _moment(invariant.evaluated_at),
            }
        )
    for guard in batch.guards:
        linked = guard.item if guard.item is not None and 0 <= guard.item < len(keys) else None
        prepared.guards.append(
            identified
            | _counts("findings", FINDING_COUNT_FIELDS, guard.findings)
            | {
                "id": uuid7(),
                "evidence_item_id": None if linked is None else item_ids[linked],
                "guard": _name("guard's name", guard.guard),
                "source_key": distinct(guard.guard, base if linked is None else keys[linked]),
                "mode": guard.mode,
                "result": guard.result,
                "artifact_path": origin.name,
                "generated_at": _moment(guard.generated_at),
                "summary": _payload(guard.summary, "" if batch.items else batch.dialect),
                "url": guard.url,
            }
        )
    for component in batch.components:
        prepared.components.append(
            common
            | {
                "id": uuid7(),
                "component": _name("component's name", component.component),
                "source_key": distinct(f"{component.component}\0{component.cause}\0{component.observed_at}", base),
                "status": component.status,
                "message": component.message,
                "observed_at": _moment(component.observed_at),
                "details": component.details,
                "cause": clip(component.cause, NAME_LIMIT),
                "url": component.url,
            }
        )
    return prepared


class _Distinct:
    """Keys that no two rows of a table share: the second row of one name and key gets a number as its part."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, str]] = Counter()

    def __call__(self, name: str, key: str) -> str:
        self._seen[name, key] += 1
        times = self._seen[name, key]
        return key if times == 1 else self(name, f"{key}{'.' if '#' in key else '#'}{times}")


def _name(what: str, text: str) -> str:
    if not text or len(text) > NAME_LIMIT:
        raise Invalid(f"the {what} {clip(text, 40)!r} is empty or longer than {NAME_LIMIT} characters")
    return text


def _counts(prefix: str, names: tuple[str, ...], counts: TestCounts | FindingCounts | None) -> dict[str, int | None]:
    return {f"{prefix}_{name}": None if counts is None else getattr(counts, name) for name in names}


def _payload(payload: dict[str, Any], dialect: str) -> dict[str, Any]:
    """The payload, with the dialect where the importer told one and did not put it there itself."""
    return {"dialect": dialect} | payload if dialect else payload


def _moment(moment: datetime | None) -> datetime | None:
    """The moment in UTC; None where that leaves the calendar, as dates at its very edges do."""
    try:
        return None if moment is None else moment.astimezone(UTC)
    except OverflowError:
        return None


def as_json(rows: Rows) -> str:
    """The rows as a JSON array that PostgreSQL can store whatever an artifact wrote: no NUL, no lone surrogate."""
    try:
        text = orjson.dumps(rows)
    except TypeError:
        text = b"\\u0000"
    if b"\\u0000" in text:
        return json.dumps(_storable(rows), ensure_ascii=False)
    return text.decode()


def _storable(value: Any) -> Any:
    match value:
        case bool() | None:
            return value
        case str():
            return str(value).replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
        case int():
            return value if abs(value) < 10**300 else None
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {_storable(str(key)): _storable(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_storable(inner) for inner in value]
        case UUID():
            return str(value)
        case datetime():
            return value.isoformat()
        case _:
            return _storable(str(value))
