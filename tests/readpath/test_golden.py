"""`tests/queries/<case>.graphql` beside `<case>.json`, the answer and how many statements each path runs, and
`<case>.sql`, the statement of the plan.

Ids, moments and cursors differ from run to run and stand as numbered names; `$item` and such take the id of the first
row of a noun. Goldens are written by hand or with EVIDENCE_WRITE_GOLDEN=1, never in CI.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.db.pool import Database, statement_log
from app.graphql_api.schema import schema
from tests.readpath.test_unplanned import OPERATIONS as UNPLANNED
from tests.rows import small_world
from tests.web import client

QUERIES = Path(__file__).parent.parent / "queries"
CASES = sorted(path.stem for path in QUERIES.glob("*.graphql"))
WRITE = bool(os.environ.get("EVIDENCE_WRITE_GOLDEN")) and not os.environ.get("CI")
_PASSING = re.compile(
    r'"(?P<id>[0-9a-f]{8}-[0-9a-f-]{27})"|"(?P<cursor>[A-Za-z0-9_-]{80,})"|"(?P<digest>[0-9a-f]{64})"'
    r'|"(?P<key>(?:release/portal|ci/junit)/[0-9a-f-]{36})"|"(?P<moment>20(?!26-06-0)\d\d-[^"]{10,30}\+00:00)"'
)
_STEPS = re.compile(r"(\(SELECT |\(WITH |\(|\)| (?:CROSS JOIN LATERAL|CROSS JOIN|FROM|WHERE|ORDER BY|GROUP BY) )")


def _named(body: bytes) -> Any:
    """The answer with what passes named in the order of its first appearance."""
    names: dict[str, str] = {}

    def name(match: re.Match[str]) -> str:
        return f'"{names.setdefault(match.group(0), f"{match.lastgroup} {len(names) + 1}")}"'

    return orjson.loads(_PASSING.sub(name, body.decode()))


def _laid_out(sql: str) -> str:
    """A statement with its sub-selects and clauses on lines of their own, for people."""
    lines, opened = [""], list[bool]()
    for step in _STEPS.split(sql):
        if step == ")" and opened.pop():
            lines.append("  " * sum(opened) + ")")
        elif step in ("(SELECT ", "(WITH "):
            opened.append(True)
            lines[-1] += "("
            lines.append("  " * sum(opened) + step[1:])
        elif step.startswith(" ") and step.strip().isupper() and (not opened or opened[-1]):
            lines.append("  " * sum(opened) + step[1:])
        else:
            if step == "(":
                opened.append(False)
            lines[-1] += step
    return "\n".join(line.rstrip() for line in lines) + "\n"


@pytest.mark.parametrize("case", CASES)
async def test_golden(dsn: str, database: Database, case: str) -> None:
    made = await small_world(database)
    text = (QUERIES / f"{case}.graphql").read_text(encoding="utf-8")
    asked = {"query": text, "variables": {noun: ids[0] for noun, ids in made.items() if f"${noun}:" in text}}
    async with client(dsn) as http:
        with statement_log() as planned:
            fast = await http.post("/graphql", json=asked)
        assert fast.headers["x-evidence-path"] == "plan"
        with statement_log() as resolved:
            slow = await http.post("/graphql", json=asked, headers={"x-evidence-path": "resolvers"})
    assert fast.content == slow.content
    assert len(planned.statements) == 1
    given = {
        "statements": {"plan": len(planned.statements), "resolvers": len(resolved.statements)},
        "answer": _named(fast.content),
    }
    golden, statement = QUERIES / f"{case}.json", QUERIES / f"{case}.sql"
    if WRITE:
        golden.write_bytes(orjson.dumps(given, option=orjson.OPT_INDENT_2) + b"\n")
        statement.write_text(_laid_out(planned.statements[0]), encoding="utf-8")
    assert given == orjson.loads(golden.read_bytes())
    assert _laid_out(planned.statements[0]) == statement.read_text(encoding="utf-8")


def test_every_root_has_a_golden_or_no_plan() -> None:
    query = schema._schema.query_type
    assert query is not None
    planned = " ".join((QUERIES / f"{case}.graphql").read_text(encoding="utf-8") for case in CASES)
    unplanned = {reason for reason in UNPLANNED.values() if "." not in reason}
    assert {name for name in query.fields if not re.search(rf"\b{name}\b *[({{]", planned)} == unplanned
