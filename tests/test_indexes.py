"""The seed's "Initial indexes": each lookup, on 50,000 rows a table, is answered without a sequential scan."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest

from tests.conftest import with_database

ROWS = 50_000

FILL = f"""
CREATE TEMP TABLE made AS SELECT n, gen_random_uuid() AS id FROM generate_series(1, {ROWS}) AS n;
INSERT INTO platform_evidence_bundles (id, bundle_key, kind, environment, profile, product, created_at)
SELECT id, 'bundle ' || n, 'release_candidate', 'env ' || n % 5, 'profile ' || n % 3, 'product ' || n % 40,
       now() - n * interval '1 minute'
FROM made;
CREATE TEMP TABLE few AS SELECT array_agg(id) AS ids FROM (SELECT id FROM made ORDER BY n LIMIT 1000) AS first;
INSERT INTO platform_evidence_items
  (id, bundle_id, evidence_type, source_key, source_digest, result, completed_at)
SELECT gen_random_uuid(), ids[1 + n % 1000], (ARRAY['ci', 'uat', 'security', 'guard'])[1 + n / 1000 % 4], 'key ' || n,
       repeat('a', 64), (ARRAY['passed', 'failed', 'warned'])[1 + n / 1000 % 3], now() - n * interval '1 minute'
FROM made, few;
INSERT INTO platform_release_gate_results (id, bundle_id, gate, source_key, source_digest, result, enforcement)
SELECT gen_random_uuid(), ids[1 + n % 1000], (ARRAY['uat', 'security', 'capacity'])[1 + n / 1000 % 3], 'key ' || n,
       repeat('a', 64), (ARRAY['passed', 'failed'])[1 + n / 1000 % 2], 'blocking'
FROM made, few;
INSERT INTO platform_product_invariant_results (id, bundle_id, invariant_id, source_key, source_digest, result)
SELECT gen_random_uuid(), ids[1 + n % 1000], 'PI-LAUNCH-' || lpad((n % 200)::text, 3, '0'), 'key ' || n,
       repeat('a', 64), (ARRAY['passed', 'failed'])[1 + n / 1000 % 2]
FROM made, few;
INSERT INTO platform_status_component_status
  (id, environment, component, status, observed_at, source_key, source_digest)
SELECT gen_random_uuid(), 'env ' || n % 5, 'component ' || n / 5 % 300,
       (ARRAY['operational', 'partial_outage', 'unknown'])[1 + n / 7 % 3], now() - n * interval '1 minute', 'key ' || n,
       repeat('a', 64)
FROM made;
INSERT INTO platform_guard_report_summaries
  (id, bundle_id, guard, source_key, source_digest, mode, result, generated_at)
SELECT gen_random_uuid(), ids[1 + n % 1000], 'guard ' || n % 50, 'key ' || n, repeat('a', 64), 'warning', 'passed',
       now() - n * interval '1 minute'
FROM made, few;
ANALYZE;
"""

LOOKUPS = {
    "bundle by environment, profile, product and update time": (
        "SELECT * FROM platform_evidence_bundles WHERE environment = 'env 1' AND profile = 'profile 1'"
        " AND product = 'product 1' ORDER BY updated_at DESC LIMIT 20"
    ),
    "item by bundle, type, result and completion time": (
        "SELECT * FROM platform_evidence_items WHERE bundle_id = (SELECT ids[7] FROM few) AND evidence_type = 'ci'"
        " AND result = 'passed' ORDER BY completed_at DESC"
    ),
    "gate by bundle and result": (
        "SELECT * FROM platform_release_gate_results WHERE bundle_id = (SELECT ids[7] FROM few) AND result = 'failed'"
    ),
    "invariant by bundle, invariant and result": (
        "SELECT * FROM platform_product_invariant_results WHERE bundle_id = (SELECT ids[7] FROM few)"
        " AND invariant_id = 'PI-LAUNCH-006' AND result = 'passed'"
    ),
    "the rows of a check": (
        "SELECT * FROM platform_evidence_items WHERE bundle_id = (SELECT ids[7] FROM few) AND source_key = 'key 6'"
    ),
    "the gate results of a check": (
        "SELECT * FROM platform_release_gate_results WHERE bundle_id = (SELECT ids[7] FROM few)"
        " AND source_key = 'key 6'"
    ),
    "the invariant results of a check": (
        "SELECT * FROM platform_product_invariant_results WHERE bundle_id = (SELECT ids[7] FROM few)"
        " AND source_key = 'key 6'"
    ),
    "the guard reports of a check": (
        "SELECT * FROM platform_guard_report_summaries WHERE bundle_id = (SELECT ids[7] FROM few)"
        " AND source_key = 'key 6'"
    ),
    "component status by environment, component and status": (
        "SELECT * FROM platform_status_component_status WHERE environment = 'env 1' AND component = 'component 1'"
        " AND status = 'operational'"
    ),
    "guard report by guard and generated time": (
        "SELECT * FROM platform_guard_report_summaries WHERE guard = 'guard 1' ORDER BY generated_at DESC LIMIT 20"
    ),
}


@pytest.fixture(scope="module")
async def filled(server: str, template: str) -> AsyncIterator[Any]:
    """A connection to a database of 50,000 rows a table."""
    name = f"evidence_full_{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(server)
    await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    connection = await asyncpg.connect(with_database(server, name))
    await connection.execute(FILL)
    yield connection
    await connection.close()
    await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await admin.close()


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


@pytest.mark.parametrize("lookup", LOOKUPS)
async def test_a_lookup_of_the_seed_reads_an_index(filled: Any, lookup: str) -> None:
    found = await filled.fetch(LOOKUPS[lookup])
    assert found, "a lookup that finds nothing proves nothing"
    [row] = await filled.fetch(f"EXPLAIN (FORMAT JSON) {LOOKUPS[lookup]}")
    used = [node for node in nodes(json.loads(row[0])[0]["Plan"]) if node.get("Relation Name", "") != "few"]
    assert not [node for node in used if node["Node Type"] == "Seq Scan"], used
    assert [node for node in used if "Index" in node["Node Type"] or node["Node Type"] == "Bitmap Heap Scan"]
    if lookup.endswith("of a check"):
        [index] = [node["Index Name"] for node in used if "Index Name" in node]
        assert index.endswith("_source"), "the index of the check, and not of all its bundle's rows"
    if "LIMIT" in LOOKUPS[lookup]:
        assert not [node for node in used if "Sort" in node["Node Type"]], "the index gives the order"


async def test_the_tables_are_as_large_as_claimed(filled: Any) -> None:
    for table in (
        "platform_evidence_bundles",
        "platform_evidence_items",
        "platform_release_gate_results",
        "platform_product_invariant_results",
        "platform_status_component_status",
        "platform_guard_report_summaries",
    ):
        assert await filled.fetchval(f"SELECT count(*) FROM {table}") == ROWS
