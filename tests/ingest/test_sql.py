"""Every named statement of the ingest fits the schema, and is used."""

from __future__ import annotations

from pathlib import Path

import asyncpg

import app.ingest
from app.db.queries import load
from app.ingest.rows import NAMED_BY

FOLDER = Path(app.ingest.__file__).parent
MADE_OF = {f"{verb}_{noun}" for verb in ("insert", "retract") for noun in NAMED_BY}


async def test_every_statement_can_be_prepared(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    for noun in ("bundles", "batches"):
        for query in load("app.ingest", noun).values():
            await connection.prepare(query.sql)
            assert len(query.comment) > 20, query.name
    await connection.close()


def test_every_statement_is_used() -> None:
    source = "".join(path.read_text("utf-8") for path in FOLDER.glob("*.py"))
    for noun in ("bundles", "batches"):
        for name in load("app.ingest", noun):
            assert f'"{name}"' in source or name in MADE_OF, name
