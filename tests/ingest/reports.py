"""Small artifacts made for the ingest tests, and what the tables hold after them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from app.domain.evidence import BundleKind, EvidenceType, FindingCounts, Result, TestCounts
from app.domain.gates import Enforcement, Gate
from app.importers.base import (
    ComponentSnapshot,
    GateResult,
    GuardReport,
    ImportBatch,
    InvariantResult,
    Item,
)
from app.ingest import BundleRequest, ImportRequest, Parsed

TABLES = (
    "platform_evidence_bundles",
    "platform_evidence_items",
    "platform_release_gate_results",
    "platform_product_invariant_results",
    "platform_status_component_status",
    "platform_guard_report_summaries",
)

PASS = Result.PASSED
NEW_BUNDLE = ("--kind", "release_candidate", "--environment", "staging", "--product", "portal")


def bundle(key: str = "release/portal/1.0.0-rc.1", **more: Any) -> BundleRequest:
    """A bundle that may be made."""
    given: dict[str, Any] = {
        "kind": BundleKind.RELEASE_CANDIDATE,
        "environment": "staging",
        "product": "portal",
    }
    return BundleRequest(key, **(given | more))


def request(**more: Any) -> ImportRequest:
    """An import into that bundle."""
    given: dict[str, Any] = {"bundle": bundle(), "actor": "ada"}
    return ImportRequest(**(given | more))


def batch(
    *invariants: str,
    items: Sequence[str] = ("",),
    gates: Sequence[str] = (),
    guards: Sequence[str] = (),
    components: Sequence[str] = (),
    result: Result = PASS,
) -> ImportBatch:
    """A batch by the names of its parts."""
    kind = EvidenceType.CI
    return ImportBatch(
        "junit",
        items=tuple(Item(kind, f"run {key}".strip(), result, tests=TestCounts(1, 1), key=key) for key in items),
        gates=tuple(GateResult(Gate.APPROVAL, result, Enforcement.BLOCKING, "", key=key) for key in gates),
        invariants=tuple(InvariantResult(name, result) for name in invariants),
        guards=tuple(
            GuardReport(name, Enforcement.WARNING, result, FindingCounts(), item=0 if items else None)
            for name in guards
        ),
        components=tuple(ComponentSnapshot(name, _operational()) for name in components),
    )


def _operational() -> Any:
    from app.domain.components import ComponentState

    return ComponentState.OPERATIONAL


def parsed(outcome: ImportBatch, digest: str, name: str = "unit-tests.xml") -> Parsed:
    """A batch as if read from a file; the digest is filled up from a short word."""
    return Parsed(name, outcome, digest.encode().hex().ljust(64, "0"))


def junit(passed: int = 1, failed: int = 0, *, invariant: str = "", note: str = "") -> bytes:
    """A JUnit report; `note` makes its digest another."""
    named = f" [{invariant}]" if invariant else ""
    cases = [f'<testcase classname="c" name="passes {i}{named}"/>' for i in range(passed)]
    cases += [f'<testcase classname="c" name="fails {i}{named}"><failure/></testcase>' for i in range(failed)]
    return f'<testsuite name="suite"><!-- {note} -->{"".join(cases)}</testsuite>'.encode()


def folder_of(path: Path, count: int, note: str = "") -> Path:
    """A folder of that many JUnit reports, in three folders, each of another content."""
    for number in range(count):
        place = path / f"part{number % 3}" / f"report-{number:03}.xml"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(junit(1 + number % 4, number % 2, invariant=f"PI-LAUNCH-{number:03}", note=f"{note}{number}"))
    return path


async def rows(dsn: str, table: str, columns: str = "*", order: str = "recorded_at, id") -> list[dict[str, Any]]:
    """The rows of a table."""
    connection = await asyncpg.connect(dsn)
    try:
        return [dict(row) for row in await connection.fetch(f"SELECT {columns} FROM {table} ORDER BY {order}")]
    finally:
        await connection.close()


async def counts(dsn: str) -> dict[str, int]:
    """Rows by table."""
    return {table: (await rows(dsn, table, "count(*) AS n", "1"))[0]["n"] for table in TABLES}


async def contents(dsn: str) -> dict[str, list[str]]:
    """All tables with ids and recording times aside; a row is named by what it holds, references by what they name."""
    whole = {table: await rows(dsn, table) for table in TABLES}
    names: dict[UUID, str] = {}
    for table, found in whole.items():
        for row in found:
            natural = [row.get(column) for column in ("bundle_key", "revision", "gate", "invariant_id", "guard")]
            names[row["id"]] = json.dumps([table, *natural, row.get("source_key"), row.get("source_digest")])
    told: dict[str, list[str]] = {}
    for table, found in whole.items():
        kept = []
        for row in found:
            told_row = {}
            for column, value in row.items():
                if column == "id" or column.startswith("recorded_") or column in ("created_at", "updated_at"):
                    continue
                told_row[column] = named(value, names)
            kept.append(json.dumps(told_row, sort_keys=True))
        told[table] = sorted(kept)
    return told


def named(value: Any, names: dict[UUID, str]) -> str:
    """A value, references to rows by what those hold."""
    if isinstance(value, list):
        return str(sorted(names[reference] for reference in value))
    return names[value] if isinstance(value, UUID) else str(value)
