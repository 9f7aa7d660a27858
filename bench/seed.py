"""Seed of the benchmark: 20,000 bundles x (10 items, 7 gates, 5 invariants), 10,000 component snapshots, 3,000 guard reports.

The draws are those of the peers' seed, one by one, and the values are mapped onto this project's vocabularies by the
tables below, so that answers can be compared with a peer's. Ids are md5 of a name. Rows are loaded by COPY with triggers
off: the moments that triggers would set are given.

    DATABASE_URL=... python -m bench.seed        (BUNDLES=2000 for a small one; the database must be empty)
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from app.db import migrate

ENVIRONMENTS = ("dev", "staging", "production")
PRODUCTS = ("atlas", "beacon", "citadel", "delta")
PROFILES = ("standard", "hardened")
STATUSES = ("passed", "passed", "passed", "failed", "pending")
DRAWN_RESULTS = ("pass", "pass", "pass", "pass", "warn", "fail")
KINDS = {"release": "release_candidate", "nightly": "uat_package", "hotfix": "production_change"}
RESULTS = {"pass": "passed", "warn": "warned", "fail": "failed"}
TYPES = {
    "unit-tests": "ci", "integration-tests": "ci", "sbom": "artifact", "vuln-scan": "security", "provenance": "artifact",
    "load-test": "uat", "migration-check": "guard", "license-scan": "security", "static-analysis": "security",
    "smoke": "smoke",
}  # fmt: skip
GATES = {
    "tests": "uat", "coverage": "contract_drift", "security": "security", "licenses": "guard",
    "performance": "capacity", "approval": "approval", "rollback": "environment_profile",
}  # fmt: skip
INVARIANTS = ("INV-001", "INV-002", "INV-003", "INV-004", "INV-005")
COMPONENT_STATES = {"up": "operational", "degraded": "degraded_performance", "down": "major_outage"}
MODES = {"enforce": "blocking", "audit": "report_only"}
WORDS = [
    "alpha",
    "bravo",
    "kappa",
    "delta",
    "echo",
    "gamma",
    "hotel",
    "index",
    "jumbo",
    "kilo",
    "lima",
    "metric",
    "node",
    "omega",
    "probe",
    "query",
    "relay",
    "sigma",
    "trace",
    "unit",
    "vector",
    "window",
]
BASE = datetime(2025, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)

BUNDLE = (
    "id bundle_key kind environment profile product title version commit_sha summary created_at recorded_at updated_at"
)
ITEM = (
    "id bundle_id evidence_type source_key source_digest format title result producer artifact_path payload started_at "
    "completed_at recorded_at"
)
GATE = "id bundle_id gate source_key source_digest result enforcement summary details evaluated_at recorded_at"
INVARIANT = (
    "id bundle_id invariant_id source_key source_digest title result evidence_item_id details evaluated_at recorded_at"
)
COMPONENT = "id environment component status message observed_at details recorded_at"
GUARD = (
    "id guard source_key source_digest mode result findings_critical findings_high findings_medium findings_low "
    "findings_info findings_unknown findings_suppressed artifact_path generated_at summary recorded_at"
)


def uid(name: str) -> uuid.UUID:
    """The id of a named row, the same in the peers' tables."""
    return uuid.UUID(bytes=hashlib.md5(name.encode()).digest())  # noqa: S324 - a name, not a secret


class Draws:
    """The random sequence, drawn in the peers' order."""

    def __init__(self) -> None:
        self.random = random.Random(20250601)

    def words(self, count: int) -> str:
        return " ".join(self.random.choices(WORDS, k=count))

    def blob(self, tag: str) -> str:
        """About 400 bytes of JSON."""
        r = self.random
        return json.dumps(
            {
                "tool": tag, "run": r.randrange(10**6), "ok": r.random() < 0.8,
                "duration_s": round(r.random() * 900, 3),
                "counts": {"total": r.randrange(2000), "failed": r.randrange(9), "skipped": r.randrange(30)},
                "labels": [self.words(1) for _ in range(6)],
                "host": {"arch": "x86_64", "cpus": r.choice([2, 4, 8]), "image": self.words(2)},
                "note": self.words(22), "ref": f"{r.getrandbits(128):032x}",
            }
        )  # fmt: skip


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _bundle(draw: Draws, i: int) -> dict[str, list[tuple[Any, ...]]]:
    r = draw.random
    environment, product, profile = ENVIRONMENTS[i % 3], PRODUCTS[(i // 3) % 4], PROFILES[(i // 12) % 2]
    created = BASE + timedelta(minutes=20 * i) + r.randrange(600_000) * MILLISECOND
    updated = created + r.randrange(86_400_000) * MILLISECOND
    bundle = uid(f"bundle-{i}")
    version = f"{1 + i // 5000}.{i // 100 % 50}.{i % 100}"
    kind = list(KINDS.values())[i % 3 if i % 7 else 2]
    title = f"{product} {version} for {environment}: {draw.words(3)}"
    commit = f"{r.getrandbits(160):040x}"
    r.choice(STATUSES)  # the peers' status column, which has no counterpart here
    bundles = [
        (
            bundle, f"{product}/{environment}/{i:06d}", kind, environment, profile, product, title, version, commit,
            draw.blob("bundle"), created, created, updated,
        )
    ]  # fmt: skip
    items = []
    for k, (name, evidence_type) in enumerate(TYPES.items()):
        started = created + r.randrange(3_600_000) * MILLISECOND
        title, result = f"{name} {draw.words(4)}", RESULTS[r.choice(DRAWN_RESULTS)]
        producer, digest = f"ci/{draw.words(1)}", f"{r.getrandbits(256):064x}"
        payload = draw.blob(name)
        items.append(
            (
                uid(f"item-{i}-{k}"), bundle, evidence_type, f"bench/{name}", digest, name, title, result, producer,
                f"artifacts/{product}/{i:06d}/{name}.json", payload, started,
                started + r.randrange(900_000) * MILLISECOND, updated,
            )
        )  # fmt: skip
    gates = [
        (
            uid(f"gate-{i}-{k}"), bundle, gate, f"bench/{name}", _digest(f"gate-{i}-{k}"), RESULTS[r.choice(DRAWN_RESULTS)],
            "blocking" if k < 5 else "report_only", draw.words(8), draw.blob(name),
            updated - r.randrange(600_000) * MILLISECOND, updated,
        )
        for k, (name, gate) in enumerate(GATES.items())
    ]  # fmt: skip
    invariants = [
        (
            uid(f"inv-{i}-{k}"), bundle, name, f"bench/{name}", _digest(f"inv-{i}-{k}"), f"{name} {draw.words(5)}",
            RESULTS[r.choice(DRAWN_RESULTS)], r.choice([row[0] for row in items]) if r.random() < 0.7 else None,
            draw.blob(name), updated - r.randrange(600_000) * MILLISECOND, updated,
        )
        for k, name in enumerate(INVARIANTS)
    ]  # fmt: skip
    return {
        "platform_evidence_bundles": bundles,
        "platform_evidence_items": items,
        "platform_release_gate_results": gates,
        "platform_product_invariant_results": invariants,
    }


def _components(draw: Draws) -> list[tuple[Any, ...]]:
    return [
        (
            uid(f"comp-{c}-{s}"), ENVIRONMENTS[c % 3], f"component-{c:02d}",
            COMPONENT_STATES[draw.random.choice(["up", "up", "up", "degraded", "down"])], draw.words(6),
            BASE + timedelta(minutes=5 * s, seconds=c), draw.blob("probe"), BASE + timedelta(minutes=5 * s, seconds=c),
        )
        for c in range(50)
        for s in range(200)
    ]  # fmt: skip


def _guards(draw: Draws) -> list[tuple[Any, ...]]:
    rows = []
    for g in range(30):
        for s in range(100):
            mode, result = MODES[draw.random.choice(["enforce", "audit"])], RESULTS[draw.random.choice(DRAWN_RESULTS)]
            at = BASE + timedelta(hours=s, seconds=g)
            rows.append(
                (
                    uid(f"guard-{g}-{s}"), f"guard-{g:02d}", f"bench/{s:03d}", _digest(f"guard-{g}-{s}"), mode, result,
                    0, draw.random.randrange(50), 0, 0, 0, 0, 0, f"guards/{g:02d}/{s:03d}.json", at, draw.blob("guard"), at,
                )
            )  # fmt: skip
    return rows


COLUMNS = {
    "platform_evidence_bundles": BUNDLE,
    "platform_evidence_items": ITEM,
    "platform_release_gate_results": GATE,
    "platform_product_invariant_results": INVARIANT,
    "platform_status_component_status": COMPONENT,
    "platform_guard_report_summaries": GUARD,
}


async def seed(dsn: str, bundles: int = 20_000) -> None:
    """Migrate an empty database and fill it."""
    await migrate.migrate(dsn)
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SET session_replication_role = replica")

        async def copy(table: str, rows: list[tuple[Any, ...]]) -> None:
            await connection.copy_records_to_table(table, records=rows, columns=COLUMNS[table].split())

        draw = Draws()
        waiting: dict[str, list[tuple[Any, ...]]] = {}
        for i in range(bundles):
            for table, rows in _bundle(draw, i).items():
                waiting.setdefault(table, []).extend(rows)
            if i % 2000 == 1999 or i == bundles - 1:
                for table, rows in waiting.items():
                    await copy(table, rows)
                waiting.clear()
        await copy("platform_status_component_status", _components(draw))
        await copy("platform_guard_report_summaries", _guards(draw))
        await connection.execute("VACUUM (ANALYZE, FREEZE)")
    finally:
        await connection.close()


if __name__ == "__main__":
    began = time.time()
    asyncio.run(seed(os.environ["DATABASE_URL"], int(os.environ.get("BUNDLES", "20000"))))
    print(f"seeded in {time.time() - began:.1f} s")
