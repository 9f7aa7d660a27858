"""Rows for tests, written straight into the tables: every column a test does not care about has a likely value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import uuid_utils

from app.db.pool import Database
from app.readmodels.nouns import BUNDLE, COMPONENT, GATE, GUARD, INVARIANT, ITEM, Noun

START = datetime(2026, 6, 1, 12, tzinfo=UTC)

_DEFAULTS: dict[str, dict[str, Any]] = {
    BUNDLE.name: {
        "kind": "release_candidate",
        "environment": "staging",
        "profile": "standard",
        "product": "portal",
        "title": "Portal",
        "version": "1.0.0",
        "commit_sha": "a" * 40,
        "created_at": START,
    },
    ITEM.name: {"evidence_type": "ci", "format": "junit", "title": "Unit tests", "result": "passed"},
    GATE.name: {"gate": "security", "result": "passed", "enforcement": "blocking", "summary": "No findings"},
    INVARIANT.name: {"invariant_id": "PI-LAUNCH-001", "area": "launch", "result": "passed"},
    COMPONENT.name: {"environment": "staging", "component": "api", "status": "operational", "observed_at": START},
    GUARD.name: {
        "guard": "import-linter",
        "mode": "blocking",
        "result": "passed",
        **{f"findings_{s}": 0 for s in ("critical", "high", "medium", "low", "info", "unknown", "suppressed")},
    },
}


def new_id() -> str:
    """A UUIDv7."""
    return str(uuid_utils.uuid7())


async def add(database: Database, noun: Noun, **values: Any) -> str:
    """Insert a row; returns its id. JSON columns take Python values."""
    row: dict[str, Any] = {"id": new_id(), **_DEFAULTS[noun.name], **values}
    if noun is BUNDLE:
        row.setdefault("bundle_key", f"release/portal/{row['id']}")
    if noun in (ITEM, GATE, INVARIANT, GUARD):
        row.setdefault("source_key", f"ci/junit/{row['id']}")
        row.setdefault("source_digest", digest(row["id"]))
    names = list(row)
    marks = []
    for place, name in enumerate(names, start=1):
        if isinstance(row[name], Mapping):
            row[name] = json.dumps(row[name])
            marks.append(f"${place}::jsonb")
        else:
            marks.append(f"${place}")
    await database.fetch(f"INSERT INTO {noun.table} ({', '.join(names)}) VALUES ({', '.join(marks)})", *row.values())
    return str(row["id"])


def digest(text: str) -> str:
    """A digest that stands for an artifact."""
    return hashlib.sha256(text.encode()).hexdigest()


async def supersede(database: Database, noun: Noun, old: str, **values: Any) -> str:
    """Insert a row that replaces `old`, with the same identity."""
    row = await database.fetchrow(f"SELECT * FROM {noun.table} WHERE id = $1", old)
    assert row is not None
    same = {
        BUNDLE.name: ("bundle_key",),
        ITEM.name: ("bundle_id", "source_key"),
        GATE.name: ("bundle_id", "source_key", "gate"),
        INVARIANT.name: ("bundle_id", "source_key", "invariant_id"),
        COMPONENT.name: ("environment", "component"),
        GUARD.name: ("bundle_id", "source_key", "guard"),
    }[noun.name]
    kept = {name: row[name] for name in same if name not in values}
    return await add(database, noun, supersedes_id=old, **kept, **values)


async def retract(database: Database, noun: Noun, old: str) -> str:
    """Insert a retraction of `old`."""
    return await supersede(database, noun, old, retracted=True, actor="ada", reason="recorded by mistake")


async def small_world(database: Database, bundles: int = 3) -> dict[str, list[str]]:
    """Some bundles, each with items, gates, invariants and a guard report, one superseded item each; components."""
    made: dict[str, list[str]] = {name: [] for name in ("bundle", "item", "gate", "invariant", "guard", "component")}
    for n in range(bundles):
        bundle = await add(
            database, BUNDLE, bundle_key=f"release/portal/1.{n}.0", version=f"1.{n}.0",
            created_at=START + timedelta(days=n), environment=("staging", "production")[n % 2],
            summary={"note": "ünï\"code\"", "build": n, "ratio": 1.50},
        )  # fmt: skip
        made["bundle"].append(bundle)
        old = await add(
            database, ITEM, bundle_id=bundle, source_key="ci/junit/unit", tests_total=3, tests_passed=2, tests_failed=1,
            tests_error=0, tests_skipped=0, tests_flaky=0, result="failed", completed_at=START,
        )  # fmt: skip
        item = await supersede(
            database, ITEM, old, tests_total=3, tests_passed=3, tests_failed=0, tests_error=0, tests_skipped=0,
            tests_flaky=0, completed_at=START + timedelta(hours=1, milliseconds=250),
        )  # fmt: skip
        scan = await add(
            database, ITEM, bundle_id=bundle, evidence_type="security", format="sarif", result="warned",
            source_key="security/sarif/scan", payload={"top_findings": [{"id": "X<1>", "n": 1e3}]},
            findings_critical=0, findings_high=0, findings_medium=2, findings_low=1, findings_info=0,
            findings_unknown=0, findings_suppressed=4,
        )  # fmt: skip
        made["item"] += [old, item, scan]
        result = "failed" if n == 0 else "passed"
        made["gate"].append(await add(database, GATE, bundle_id=bundle, result=result, item_ids=[scan]))
        made["gate"].append(await add(database, GATE, bundle_id=bundle, gate="uat", enforcement="warning"))
        made["invariant"].append(
            await add(database, INVARIANT, bundle_id=bundle, evidence_item_id=item, evaluated_at=START)
        )
        made["guard"].append(
            await add(database, GUARD, bundle_id=bundle, evidence_item_id=item, generated_at=START + timedelta(days=n))
        )
    for environment in ("staging", "production"):
        for component in ("api", "worker"):
            for minute, status in enumerate(("operational", "partial_outage")):
                made["component"].append(
                    await add(
                        database, COMPONENT, environment=environment, component=component, status=status,
                        observed_at=START + timedelta(minutes=minute),
                    )
                )  # fmt: skip
    return made
