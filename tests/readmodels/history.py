"""A random history of evidence: rows of all nouns, superseded and retracted, alone and many in a transaction."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any, cast

from app.db.pool import Database
from app.readmodels.nouns import BUNDLE, COMPONENT, GATE, GUARD, INVARIANT, ITEM, Noun
from tests.rows import START, add, digest, retract, supersede

RESULTS = ("passed", "warned", "failed", "error", "pending", "inconclusive")


class History:
    """Writes one step after the other; the same seed writes the same history, ids and times aside."""

    def __init__(self, database: Database, seed: int) -> None:
        self.database = database
        self.random = random.Random(seed)  # noqa: S311 - the same dice every time
        self.bundles: list[str] = []
        self.keys: list[str] = []
        self.heads: dict[str, list[str]] = {noun.name: [] for noun in (ITEM, GATE, INVARIANT, COMPONENT, GUARD)}
        self.written = 0

    async def step(self) -> None:
        """One write, or a transaction of some."""
        if self.bundles and self.random.random() < 0.15:
            async with self.database.transaction() as transaction:
                # A transaction runs statements as a database does, which is all that adding rows wants.
                inside = cast("Database", transaction)
                for _ in range(self.random.randint(2, 4)):
                    await self._write(inside)
        else:
            await self._write(self.database)

    async def _write(self, database: Database) -> None:
        self.written += 1
        chance = self.random.random()
        if not self.bundles or chance < 0.08:
            await self._bundle(database)
        elif chance < 0.12:
            await self._next_bundle(database)
        elif chance < 0.38:
            noun = self.random.choice((ITEM, GATE, INVARIANT, COMPONENT, GUARD))
            await self._replace(database, noun)
        else:
            noun = self.random.choice((ITEM, ITEM, GATE, INVARIANT, COMPONENT, GUARD))
            self.heads[noun.name].append(await add(database, noun, **self._values(noun)))

    async def _bundle(self, database: Database) -> None:
        key = f"k{len(self.keys):03}"
        self.keys.append(key)
        self.bundles.append(await add(database, BUNDLE, bundle_key=key, **self._owner()))

    async def _next_bundle(self, database: Database) -> None:
        at = self.random.randrange(len(self.bundles))
        if self.random.random() < 0.3:
            retired = self.bundles.pop(at)
            await retract(database, BUNDLE, retired)
            if not self.bundles:
                await self._bundle(database)
        else:
            self.bundles[at] = await supersede(database, BUNDLE, self.bundles[at], **self._owner())

    async def _replace(self, database: Database, noun: Noun) -> None:
        heads = self.heads[noun.name]
        if not heads:
            return
        at = self.random.randrange(len(heads))
        if self.random.random() < 0.3:
            await retract(database, noun, heads.pop(at))
            return
        values = self._values(noun)
        for same in ("bundle_id", "guard", "gate", "invariant_id", "environment", "component", "source_key"):
            values.pop(same, None)
        if noun is GUARD:
            row = await database.fetchrow(f"SELECT bundle_id FROM {noun.table} WHERE id = $1", heads[at])
            values["bundle_id"] = row["bundle_id"] if row else None
        heads[at] = await supersede(database, noun, heads[at], **values)

    def _owner(self) -> dict[str, Any]:
        return {
            "product": self.random.choice(("portal", "console")),
            "environment": self.random.choice(("staging", "production")),
            "profile": self.random.choice(("standard", "hardened")),
            "kind": self.random.choice(("release_candidate", "uat_package")),
            "created_at": START + timedelta(hours=self.random.randrange(5)),
        }

    def _values(self, noun: Noun) -> dict[str, Any]:
        when = self.random.choice((None, START + timedelta(hours=self.random.randrange(4))))
        values: dict[str, Any] = {"source_digest": digest(str(self.random.random()))}
        match noun.name:
            case "item":
                values |= {"evidence_type": self.random.choice(("ci", "uat", "smoke")), "completed_at": when}
            case "gate":
                values |= {"gate": self.random.choice(("security", "uat")), "evaluated_at": when}
            case "invariant":
                values |= {"area": self.random.choice((None, "launch", "connect")), "evaluated_at": when}
            case "guard":
                values |= {"guard": self.random.choice(("kyverno", "opa")), "generated_at": when}
            case _:
                return {
                    "environment": self.random.choice(("staging", "production")),
                    "component": self.random.choice(("api", "worker", "web")),
                    "status": self.random.choice(("operational", "major_outage", "degraded_performance", "unknown")),
                    "cause": self.random.choice(("", "", "alert:1", "alert:2")),
                    "details": {"began_at": "2026-01-01T00:00:00+00:00"} if self.random.random() < 0.5 else {},
                    "observed_at": START + timedelta(minutes=self.random.randrange(30)),
                }
        values["result"] = self.random.choice(RESULTS)
        values["bundle_id"] = self.random.choice(self.bundles)
        if noun is GUARD and self.random.random() < 0.3:
            values["bundle_id"] = None
        return values
