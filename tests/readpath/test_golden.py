"""`tests/queries/<case>.graphql` beside `<case>.json`: the answer, and how many statements each path runs.

Ids, moments and cursors differ from run to run and stand as numbered names. A golden is written by hand or with
EVIDENCE_WRITE_GOLDEN=1, never in CI.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.db.pool import Database, statement_log
from tests.rows import small_world
from tests.web import client

QUERIES = Path(__file__).parent.parent / "queries"
CASES = sorted(path.stem for path in QUERIES.glob("*.graphql"))
_PASSING = re.compile(
    r'"(?P<id>[0-9a-f]{8}-[0-9a-f-]{27})"|"(?P<cursor>[A-Za-z0-9_-]{80,})"|"(?P<digest>[0-9a-f]{64})"'
    r'|"(?P<key>(?:release/portal|ci/junit)/[0-9a-f-]{36})"|"(?P<moment>20(?!26-06-0)\d\d-[^"]{10,30}\+00:00)"'
)


def _named(body: bytes) -> Any:
    """The answer with what passes named in the order of its first appearance."""
    names: dict[str, str] = {}

    def name(match: re.Match[str]) -> str:
        return f'"{names.setdefault(match.group(0), f"{match.lastgroup} {len(names) + 1}")}"'

    return orjson.loads(_PASSING.sub(name, body.decode()))


@pytest.mark.parametrize("case", CASES)
async def test_golden(dsn: str, database: Database, case: str) -> None:
    await small_world(database)
    asked = {"query": (QUERIES / f"{case}.graphql").read_text(encoding="utf-8")}
    async with client(dsn) as http:
        with statement_log() as planned:
            fast = await http.post("/graphql", json=asked)
        assert fast.headers["x-evidence-path"] == "plan"
        with statement_log() as resolved:
            slow = await http.post("/graphql", json=asked, headers={"x-evidence-path": "resolvers"})
    assert fast.content == slow.content
    given = {
        "statements": {"plan": len(planned.statements), "resolvers": len(resolved.statements)},
        "answer": _named(fast.content),
    }
    golden = QUERIES / f"{case}.json"
    if os.environ.get("EVIDENCE_WRITE_GOLDEN") and not os.environ.get("CI"):
        golden.write_bytes(orjson.dumps(given, option=orjson.OPT_INDENT_2) + b"\n")
    assert given == orjson.loads(golden.read_bytes())
