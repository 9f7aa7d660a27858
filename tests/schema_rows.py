"""The six tables as the database sees them: a row in each by plain SQL, and the whole schema as text."""

from __future__ import annotations

from typing import Any

import asyncpg

BUNDLES = "platform_evidence_bundles"
ITEMS = "platform_evidence_items"
GATES = "platform_release_gate_results"
INVARIANTS = "platform_product_invariant_results"
COMPONENTS = "platform_status_component_status"
GUARDS = "platform_guard_report_summaries"
TABLES = (BUNDLES, ITEMS, GATES, INVARIANTS, COMPONENTS, GUARDS)
DERIVED = ("platform_status_component_days",)
"""Tables that hold no evidence, and can be made again from those that do."""

BUNDLE_ID = "00000000-0000-7000-8000-000000000001"
OTHER_BUNDLE_ID = "00000000-0000-7000-8000-000000000002"

LIKELY: dict[str, dict[str, Any]] = {
    BUNDLES: {"kind": "release_candidate", "environment": "staging", "profile": "standard", "product": "portal"},
    ITEMS: {"bundle_id": BUNDLE_ID, "evidence_type": "ci", "source_key": "k", "result": "passed"},
    GATES: {
        "bundle_id": BUNDLE_ID,
        "gate": "uat",
        "source_key": "k",
        "result": "passed",
        "enforcement": "blocking",
    },
    INVARIANTS: {"bundle_id": BUNDLE_ID, "invariant_id": "PI-LAUNCH-001", "source_key": "k", "result": "passed"},
    COMPONENTS: {"environment": "staging", "component": "api", "status": "operational", "source_key": "k"},
    GUARDS: {"bundle_id": BUNDLE_ID, "guard": "lint", "source_key": "k", "mode": "warning", "result": "passed"},
}
"""What a row of each table needs, besides its id."""


async def insert(connection: Any, table: str, **values: Any) -> Any:
    """Insert a likely row with some values of one's own; returns it."""
    row = LIKELY[table] | values
    columns = list(row)
    literals = [_literal(value) for value in row.values()]
    if "id" not in row:
        columns.append("id")
        literals.append("gen_random_uuid()")
    if table == BUNDLES and "bundle_key" not in row:
        columns.append("bundle_key")
        literals.append("'bundle ' || gen_random_uuid()")
    if table == COMPONENTS and "observed_at" not in row:
        columns.append("observed_at")
        literals.append("now()")
    if table != BUNDLES and "source_digest" not in row:
        columns.append("source_digest")
        literals.append("encode(sha256(gen_random_uuid()::text::bytea), 'hex')")
    return await connection.fetchrow(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(literals)}) RETURNING *"
    )


def _literal(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "NULL" if value is None else str(value)
    escaped = str(value).replace("'", "''")
    return f"'{escaped}'"


async def one_row_each(connection: Any) -> dict[str, Any]:
    """Two bundles and a row in every other table; returns the rows by table."""
    made = {BUNDLES: await insert(connection, BUNDLES, id=BUNDLE_ID, bundle_key="one")}
    await insert(connection, BUNDLES, id=OTHER_BUNDLE_ID, bundle_key="two")
    for table in TABLES[1:]:
        made[table] = await insert(connection, table)
    return made


CATALOGUE = """
SELECT 'table ' || c.relname || ': ' || coalesce(obj_description(c.oid, 'pg_class'), '') AS line
FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
UNION ALL
SELECT 'column ' || c.relname || ' ' || a.attnum || ' ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
       || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
       || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
       || ': ' || coalesce(col_description(c.oid, a.attnum), '')
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'trigger ' || pg_get_triggerdef(t.oid)
FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal
UNION ALL
SELECT 'function ' || pg_get_functiondef(oid) || ': ' || coalesce(obj_description(oid, 'pg_proc'), '')
FROM pg_proc WHERE pronamespace = 'public'::regnamespace
ORDER BY 1
"""


async def catalogue(dsn: str) -> list[str]:
    """Every table, column, constraint, index, trigger, function and comment, a line each; Alembic's own table aside."""
    connection = await asyncpg.connect(dsn)
    try:
        found = [row["line"] for row in await connection.fetch(CATALOGUE)]
    finally:
        await connection.close()
    return [line for line in found if "alembic_version" not in line]
