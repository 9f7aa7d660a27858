"""A bundle with evidence, and policies to hold it against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from app.db.pool import Database, Row
from app.domain.policy import Policy, parse_policy
from app.readmodels.nouns import BUNDLE, GATE, ITEM
from tests.rows import add

KEY = "release/portal/1.0.0"

POLICY = """
version = 1
[roles]
leads = ["carol", "dan"]
[[rules]]
gates = { security = "blocking", uat = "warning", approval = "warning" }
freshness = { security = "7d", uat = "7d", gate = "7d" }
approval = { approvers = 1, four_eyes = true, by = ["role:leads", "ci"] }
waivers = { by = ["carol"], gates = ["security", "uat"], max_duration = "10d" }
"""


@pytest.fixture
def policy() -> Policy:
    """Security blocks, carol waives, carol and dan approve."""
    return parse_policy(POLICY, "test")


def findings(**counts: int) -> dict[str, int]:
    """The columns of a scan's findings."""
    names = ("critical", "high", "medium", "low", "info", "unknown", "suppressed")
    return {f"findings_{name}": counts.get(name, 0) for name in names}


async def add_scan(database: Database, bundle: str, key: str, **values: Any) -> str:
    """A security scan, clean unless `findings` says otherwise."""
    made = {"evidence_type": "security", "format": "sarif", "title": "Scan", "actor": "ci", **findings()} | values
    return await add(database, ITEM, bundle_id=bundle, source_key=key, **made)


@pytest.fixture
async def bundle(database: Database) -> str:
    """A bundle with one scan that found something bad."""
    made = await add(database, BUNDLE, bundle_key=KEY, actor="ci")
    await add_scan(database, made, "security/scan", result="failed", **findings(high=2))
    return made


async def gates(database: Database, bundle: str) -> list[Row]:
    """All gate results of a bundle, as they were recorded."""
    return list(
        await database.fetch(f"SELECT * FROM {GATE.table} WHERE bundle_id = $1 ORDER BY recorded_at, id", bundle)
    )


async def current_gates(database: Database, bundle: str) -> Mapping[str, Row]:
    """The current gate results of a bundle by source key."""
    rows = await database.fetch(
        f"SELECT * FROM {GATE.table} AS gate WHERE bundle_id = $1 AND NOT retracted"
        f" AND NOT EXISTS (SELECT FROM {GATE.table} AS later WHERE later.supersedes_id = gate.id)",
        bundle,
    )
    return {row["source_key"]: row for row in rows}
