"""What an importer made of an artifact, as plain JSON: the object that `evidence inspect --json` prints.

It needs no database, so it names only what the artifact itself says.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from app.domain.invariants import area_of
from app.importers.base import ImportBatch, Item, Rejected
from app.importers.sources import source_key


def describe(name: str, outcome: ImportBatch | Rejected, *, stem: str | None = None, job: str = "") -> dict[str, Any]:
    """The batch's parts under their own names, or why it was rejected. `line` and `column` only where known;
    `stem` and `job` as for `source_key`."""
    if isinstance(outcome, Rejected):
        told: dict[str, Any] = {"file": name, "format": outcome.format, "accepted": False, "reason": outcome.reason}
        if outcome.line is not None:
            told["line"] = outcome.line
        if outcome.column is not None:
            told["column"] = outcome.column
        return told
    return {
        "file": name,
        "format": outcome.format,
        "dialect": outcome.dialect,
        "accepted": True,
        "subject": outcome.subject.label,
        "commit": outcome.commit,
        "version": outcome.version,
        "items": [_item(name, outcome.format, item, stem, job) for item in outcome.items],
        "gates": [
            {
                "gate": gate.gate.value,
                "result": gate.result.value,
                "enforcement": gate.enforcement.value,
                "summary": gate.summary,
                "reason": gate.reason,
                "actor": gate.actor,
                "evaluated_at": _time(gate.evaluated_at),
                "details": gate.details,
                "url": gate.url,
            }
            for gate in outcome.gates
        ],
        "invariants": [
            {
                "invariant_id": invariant.invariant_id,
                "area": area.value if (area := area_of(invariant.invariant_id)) else None,
                "result": invariant.result.value,
                "title": invariant.title,
                "evaluated_at": _time(invariant.evaluated_at),
                "item": invariant.item,
                "details": invariant.details,
            }
            for invariant in outcome.invariants
        ],
        "components": [
            {
                "component": component.component,
                "status": component.status.value,
                "message": component.message,
                "observed_at": _time(component.observed_at),
                "details": component.details,
                "cause": component.cause,
                "url": component.url,
            }
            for component in outcome.components
        ],
        "guards": [
            {
                "guard": guard.guard,
                "mode": guard.mode.value,
                "result": guard.result.value,
                "findings": guard.findings.as_dict(),
                "generated_at": _time(guard.generated_at),
                "summary": guard.summary,
                "url": guard.url,
            }
            for guard in outcome.guards
        ],
    }


def _item(name: str, format: str, item: Item, stem: str | None, job: str) -> dict[str, Any]:
    return {
        "evidence_type": item.evidence_type.value,
        "source_key": source_key(item.evidence_type, format, name, item.key, stem=stem, job=job),
        "title": item.title,
        "result": item.result.value,
        "producer": item.producer,
        "tests": item.tests.as_dict() if item.tests else None,
        "findings": item.findings.as_dict() if item.findings else None,
        "started_at": _time(item.started_at),
        "completed_at": _time(item.completed_at),
        "payload": item.payload,
        "url": item.url,
    }


def _time(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with Z; microseconds only where there are any."""
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
