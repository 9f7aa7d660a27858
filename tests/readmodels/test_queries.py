"""Every named query of the project is one that a migrated database can prepare, is used, and is named once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.db.pool import Database, statement_log
from app.db.queries import Query, load, parse
from app.domain.paging import Cursor, Direction, Order, PageRequest
from app.domain.policy import parse_policy
from app.readmodels import bundles, component_history, readiness, rows
from app.readmodels.nouns import BUNDLE, CHILDREN, COMPONENT, NOUNS, Noun
from app.readmodels.predicates import AllOf, Compare, Has, Scope
from app.readmodels.rows import SUPERSEDED, Reader, RowQuery
from tests.rows import START, small_world

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "app").rglob("sql/*.sql"))


def _package(path: Path) -> str:
    return ".".join(path.parent.parent.relative_to(ROOT).parts)


def queries() -> Iterator[tuple[str, Query]]:
    """All named queries, each with the file it is in."""
    for path in FILES:
        for query in load(_package(path), path.stem).values():
            yield str(path.relative_to(ROOT)), query


ALL = list(queries())
PLAIN = [(where, query) for where, query in ALL if not query.slots]
SLOTTED = [(where, query) for where, query in ALL if query.slots]


def test_every_file_of_sql_is_looked_at() -> None:
    assert {path.name for path in FILES} == {path.name for path in (ROOT / "app").rglob("*.sql")}
    assert {"rows.sql", "batches.sql"} <= {path.name for path in FILES}


def test_names_are_given_once_in_a_package_and_every_file_parses() -> None:
    named = Counter((where.rpartition("/sql/")[0], query.name) for where, query in ALL)
    assert [name for name, count in named.items() if count > 1] == []
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert len(parse(text, path.name)) == len(re.findall(r"^-- name:", text, re.MULTILINE))


@pytest.mark.parametrize(
    "text",
    [
        "-- name: a\n-- Why.\nSELECT 1;\n-- name: a\n-- Why.\nSELECT 2;",
        "-- name: a\nSELECT 1;",
        "-- name: a\n-- Why.\n",
        "SELECT 0;\n-- name: a\n-- Why.\nSELECT 1;",
    ],
)
def test_a_name_twice_no_comment_no_statement_or_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="made up"):
        parse(text, "made up")


def test_no_query_is_unused() -> None:
    """A name stands in quotes in its own package; `insert_{noun}` in code stands for all that begin so."""
    unused = []
    for where, query in ALL:
        code = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / where).parent.parent.glob("*.py"))
        prefixes = re.findall(r'f"(\w+_)\{\w+\}"', code)
        if f'"{query.name}"' not in code and not any(query.name.startswith(prefix) for prefix in prefixes):
            unused.append(f"{where}: {query.name}")
    assert unused == []


def test_no_name_is_asked_for_that_is_not_there() -> None:
    for path in FILES:
        package = _package(path)
        for module in path.parent.parent.glob("*.py"):
            code = module.read_text(encoding="utf-8")
            for loaded in re.findall(rf'load\("{re.escape(package)}", "{path.stem}"\)\["(\w+)"\]', code):
                assert loaded in load(package, path.stem), f"{module.name} asks for {loaded}"
            constant = re.search(rf'^(_?SQL) = load\("{re.escape(package)}", "{path.stem}"\)', code, re.MULTILINE)
            for named in re.findall(rf'\b{constant.group(1)}\["(\w+)"\]', code) if constant else ():
                assert named in load(package, path.stem), f"{module.name} asks for {named}"


async def test_every_whole_query_can_be_prepared(database: Database) -> None:
    for where, query in PLAIN:
        async with database.acquire() as connection:
            prepared = await connection.prepare(query.sql)
            names = [attribute.name for attribute in prepared.get_attributes()]
        assert len(set(names)) == len(names), f"{where}: {query.name} gives two columns one name"
        assert "?column?" not in names, f"{where}: {query.name} gives a column no name"


def shapes(noun: Noun) -> Iterator[RowQuery]:
    """Lists of a noun that differ in what they fill slots with."""
    for column in noun.orders:
        for direction in Direction:
            order = Order(column, direction)
            at: Any = START if noun.types.get(column) == "timestamptz" else "m"
            cursor = Cursor(order, at, "0198c5a2-7d5e-7cc3-9c1e-0f6f0e3b2a11")
            yield RowQuery(order, page=PageRequest(size=3, after=cursor))
            yield RowQuery(order, page=PageRequest(size=3, backward=True, before=cursor), as_of=START)
    order = Order(next(iter(noun.orders)))
    filtered = AllOf((Compare("actor", "ne", "x"), Compare("retracted", "eq", False), Compare("id", "in", [])))
    yield RowQuery(order, filtered, superseded=True)
    if noun is BUNDLE:
        for relation, child in CHILDREN.items():
            yield RowQuery(order, Has(relation, Compare(child.groups[0], "eq", "x")), as_of=START)
    if noun is COMPONENT:
        yield RowQuery(order, latest=True)
        yield RowQuery(order, latest=True, as_of=START)


async def exercise(reader: Reader, ids: list[str]) -> None:
    """Every read of the read models, with every sort of filling."""
    for noun in NOUNS:
        columns = frozenset(noun.columns) | {SUPERSEDED}
        for query in shapes(noun):
            await rows.list_rows(reader, noun, query, columns)
            if noun.in_bundle:
                await rows.pages_by_bundle_ids(reader, noun, ids, query, columns)
        # Counts and groups share all but the page with the lists; the last shape has the most in its condition.
        await rows.count_rows(reader, noun, query)
        for group in noun.groups:
            await rows.group_rows(reader, noun, query, group)
        if noun.in_bundle:
            await rows.counts_by_bundle_ids(reader, noun, ids, query)
            for group in noun.groups:
                await rows.groups_by_bundle_ids(reader, noun, ids, query, group)
        for as_of in (None, START):
            await rows.rows_by_ids(reader, noun, ids, columns, as_of)
            await rows.successors_by_ids(reader, noun, ids, columns, as_of)
            await rows.histories_by_ids(reader, noun, ids, columns, as_of)
    await bundles.nouns_by_ids(reader, ids)
    for as_of in (None, START):
        await bundles.bundle_ids_by_keys(reader, ["release/portal/1.0.0"], as_of)
    policy = parse_policy("version = 1\n[[rules]]", "nothing is required")
    questions = [readiness.Question(bundle="release/portal/1.0.0"), readiness.Question(bundle=ids[0])]
    for profile in (None, "standard"):
        questions += [readiness.Question(None, "staging", profile, product) for product in (None, "portal")]
    for question in questions:
        await readiness.readiness(reader, policy, question)
    await readiness.verdicts_by_bundle_ids(reader, policy, ids)
    asked = [component_history.Asked("staging", "api", None)]
    await component_history.environment_healths(reader.database, reader.scope, policy, None, START)
    await component_history.uptimes(reader.database, asked, START)
    await component_history.daily(reader.database, asked, START)
    await component_history.open_news(reader.database, [], START)
    shown = frozenset(COMPONENT.columns)
    if reader.scope.everything:
        await component_history.history(reader, policy, "staging", "api", None, 7, shown)


def _pattern(query: Query) -> re.Pattern[str]:
    parts = re.split(r"\{\w+\}", query.sql)
    return re.compile(r"[\s\S]*?".join(re.escape(part) for part in parts))


async def test_every_query_with_slots_runs_with_what_fills_them(database: Database) -> None:
    world = await small_world(database)
    scopes = [Scope(), Scope(frozenset({"portal"}), frozenset({"staging"}))]
    with statement_log() as log:
        await exercise(Reader(database, scopes[0]), world["bundle"])
        await exercise(replace(Reader(database), scope=scopes[1]), [world["bundle"][0]])
    ran = set(log.statements)
    missing = [
        f"{where}: {query.name}" for where, query in SLOTTED if not any(_pattern(query).search(sql) for sql in ran)
    ]
    assert missing == [], "no read of the read models runs these"


REFUSALS: list[tuple[str, Callable[[Reader], Awaitable[Any]]]] = [
    ("bundle has no column payload", lambda r: rows.rows_by_ids(r, BUNDLE, [], frozenset({"payload"}))),
    ("cannot be ordered by title", lambda r: rows.list_rows(r, BUNDLE, RowQuery(Order("title")), frozenset())),
    ("cannot be counted by title", lambda r: rows.group_rows(r, BUNDLE, RowQuery(Order("bundle_key")), "title")),
    ("'x' is not an id", lambda r: rows.rows_by_ids(r, BUNDLE, ["x"], frozenset())),
]


@pytest.mark.parametrize(("sentence", "read"), REFUSALS)
async def test_names_that_are_no_columns_never_reach_sql(
    database: Database, sentence: str, read: Callable[[Reader], Awaitable[Any]]
) -> None:
    with statement_log() as log, pytest.raises(Exception, match=sentence):
        await read(Reader(database))
    assert log.statements == []
