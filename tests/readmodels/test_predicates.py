"""Filters: random ones against a naive reading of them, and the edges by hand. Values never become SQL."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from app.db.pool import Database, statement_log
from app.domain.errors import Invalid
from app.domain.paging import Direction, Order, PageRequest
from app.readmodels import rows
from app.readmodels.nouns import BUNDLE, CHILDREN, COMPONENT, GATE, GUARD, INVARIANT, ITEM, NOUNS, Noun
from app.readmodels.predicates import (
    EVERYTHING,
    MAX_PREDICATES,
    MAX_VALUES,
    AllOf,
    AnyOf,
    Compare,
    Has,
    Negated,
    Parameters,
    Predicate,
    Scope,
    check,
    count,
    visible,
    where,
)
from app.readmodels.rows import Reader, RowQuery
from tests.readmodels.history import History
from tests.readmodels.naive import Everything, read_everything
from tests.rows import START, add

SKIPPED = ("summary", "payload", "details", "identity", "item_ids", "recorded_at", "updated_at", "created_at")
"""Columns that no filter is on, and times that the dice do not meet."""


async def found(reader: Reader, noun: Noun, predicate: Predicate) -> set[str]:
    """The ids of the current rows for which it holds."""
    query = RowQuery(Order(next(iter(noun.orders)), Direction.ASC), predicate, PageRequest(500))
    page = await rows.list_rows(reader, noun, query, frozenset())
    assert await rows.count_rows(reader, noun, query) == len(page.rows)
    return {row["id"] for row in page.rows}


class Dice:
    """Throws predicates over a noun's columns, with values that its rows have, and some that they have not."""

    def __init__(self, everything: Everything, seed: int) -> None:
        self.everything = everything
        self.random = random.Random(seed)  # noqa: S311 - the same filters every time

    def predicate(self, noun: Noun, depth: int = 3) -> Predicate:
        chance = self.random.random()
        if depth == 0 or chance < 0.4:
            return self.compare(noun)
        if noun is BUNDLE and chance < 0.6:
            relation = self.random.choice(sorted(CHILDREN))
            return Has(relation, self.predicate(CHILDREN[relation], depth - 1))
        if chance < 0.7:
            return Negated(self.predicate(noun, depth - 1))
        parts = tuple(self.predicate(noun, depth - 1) for _ in range(self.random.randrange(4)))
        return AllOf(parts) if chance < 0.85 else AnyOf(parts)

    def compare(self, noun: Noun) -> Compare:
        column = self.random.choice([name for name in noun.columns if name not in SKIPPED])
        if column.startswith(("tests_", "findings_")) or column == "revision":
            column = "result" if "result" in noun.columns else "id"
        kind = noun.types.get(column, "text")
        operators = ["eq", "ne", "in"]
        if kind == "timestamptz":
            operators += ["gt", "gte", "lt", "lte"]
        operator = self.random.choice(operators)
        if operator == "in":
            return Compare(column, operator, [self.value(noun, column) for _ in range(self.random.randrange(4))])
        value = self.value(noun, column)
        if value is None and operator not in ("eq", "ne"):
            value = START
        return Compare(column, operator, value)

    def value(self, noun: Noun, column: str) -> Any:
        row: Any = self.random.choice(self.everything.tables[noun.name])
        return row[column]


async def test_random_filters_keep_what_they_say(database: Database) -> None:
    history = History(database, 11)
    while history.written < 90:
        await history.step()
    everything, reader = await read_everything(database), Reader(database)
    dice = Dice(everything, 12)
    sizes = []
    for n in range(240):
        noun = NOUNS[n % len(NOUNS)]
        predicate = dice.predicate(noun)
        if count(predicate) > MAX_PREDICATES:
            continue
        expected = {row["id"] for row in everything.where(noun, everything.current(noun), predicate)}
        assert await found(reader, noun, predicate) == expected, (noun.name, predicate)
        sizes.append(0 < len(expected) < len(everything.current(noun)))
    assert sum(sizes) > 60, "too many filters kept all or nothing"


@pytest.fixture
async def three(database: Database) -> dict[str, str]:
    """Three items of one bundle: completed early, completed late, not completed. Ids by name."""
    owner = await add(database, BUNDLE, bundle_key="owner")
    times = {"early": START, "late": START + timedelta(hours=1), "none": None}
    made = {n: await add(database, ITEM, bundle_id=owner, completed_at=t, title=n, actor=n) for n, t in times.items()}
    return made | {"owner": owner}


EARLY, LATE = Compare("title", "eq", "early"), Compare("title", "eq", "late")

EDGES: list[tuple[Predicate, set[str]]] = [
    (EVERYTHING, {"early", "late", "none"}),
    (AllOf(()), {"early", "late", "none"}),
    (AnyOf(()), set()),
    (Negated(AnyOf(())), {"early", "late", "none"}),
    (Negated(AllOf(())), set()),
    (AnyOf((EARLY, LATE)), {"early", "late"}),
    (AllOf((EARLY, LATE)), set()),
    (AllOf((AnyOf((EARLY, LATE)), Negated(EARLY))), {"late"}),
    (Negated(Negated(EARLY)), {"early"}),
    (Compare("title", "in", []), set()),
    (Negated(Compare("title", "in", [])), {"early", "late", "none"}),
    (Compare("title", "in", ("early", "late", "early", "nobody")), {"early", "late"}),
    (Compare("title", "ne", "early"), {"late", "none"}),
    (Compare("completed_at", "eq", None), {"none"}),
    (Compare("completed_at", "ne", None), {"early", "late"}),
    (Negated(Compare("completed_at", "eq", None)), {"early", "late"}),
    (Compare("completed_at", "eq", START), {"early"}),
    (Compare("completed_at", "ne", START), {"late", "none"}),
    (Compare("completed_at", "gt", START), {"late"}),
    (Compare("completed_at", "gte", START), {"early", "late"}),
    (Compare("completed_at", "lt", START), set()),
    (Compare("completed_at", "lte", START), {"early"}),
    (Negated(Compare("completed_at", "gt", START)), {"early", "none"}),
    (Compare("completed_at", "in", [START, None]), {"early"}),
    (Compare("retracted", "eq", False), {"early", "late", "none"}),
    (Compare("retracted", "in", [True]), set()),
    (Compare("supersedes_id", "eq", None), {"early", "late", "none"}),
]


@pytest.mark.parametrize(("predicate", "names"), EDGES, ids=[repr(p)[:70] for p, _ in EDGES])
async def test_edges(database: Database, three: dict[str, str], predicate: Predicate, names: set[str]) -> None:
    assert await found(Reader(database), ITEM, predicate) == {three[name] for name in names}


async def test_relations_count_current_rows_alone(database: Database, three: dict[str, str]) -> None:
    reader, owner = Reader(database), three["owner"]
    for relation in CHILDREN:
        assert await found(reader, BUNDLE, Has(relation, EVERYTHING)) == ({owner} if relation == "items" else set())
    assert await found(reader, BUNDLE, Has("items", EARLY)) == {owner}
    await add(
        database, ITEM, bundle_id=owner, source_key=await _key(database, three["early"]), supersedes_id=three["early"]
    )
    assert await found(reader, BUNDLE, Has("items", EARLY)) == set()
    assert await found(reader, BUNDLE, Negated(Has("items", EARLY))) == {owner}


async def _key(database: Database, item: str) -> str:
    return str(await database.fetchval("SELECT source_key FROM platform_evidence_items WHERE id = $1", item))


HOSTILE = [
    "'; DROP TABLE platform_evidence_items; --",
    "$1",
    "{where}",
    "%s",
    "\\",
    "' OR true OR '",
    "ü\u2028😀",
    "$$",
]


@pytest.mark.parametrize("value", HOSTILE)
async def test_values_travel_as_parameters(database: Database, three: dict[str, str], value: str) -> None:
    named = await add(database, ITEM, bundle_id=three["owner"], title=value)
    with statement_log() as log:
        for predicate in (Compare("title", "eq", value), Compare("title", "in", [value])):
            assert await found(Reader(database), ITEM, predicate) == {named}
    assert all(value == "$1" or value not in sql for sql in log.statements)


def test_parameters_number_their_places() -> None:
    parameters = Parameters()
    assert [parameters.add("a", "text"), parameters.add(["b"], "uuid[]")] == ["$1::text", "$2::uuid[]"]
    sql = where(ITEM, AnyOf((EARLY, Compare("completed_at", "lt", START))), None, parameters)
    assert sql == "(item.title = $3::text) OR (item.completed_at < $4::timestamptz)"
    assert parameters.values == ["a", ["b"], "early", START]


def test_filters_that_nobody_wrote_by_hand_are_refused() -> None:
    fits = AllOf((EARLY,) * (MAX_PREDICATES - 1))
    assert count(fits) == MAX_PREDICATES
    check(fits)
    deep: Predicate = EARLY
    for _ in range(MAX_PREDICATES):
        deep = Negated(deep)
    for large in (AllOf((EARLY,) * MAX_PREDICATES), AnyOf((fits, fits)), Has("items", fits), deep):
        with pytest.raises(Invalid, match=f"more than {MAX_PREDICATES} conditions"):
            check(large)


@pytest.mark.parametrize("value", ["text", None, 3, {"a"}])
def test_in_needs_a_list(value: Any) -> None:
    with pytest.raises(Invalid, match="in needs a list"):
        where(ITEM, Compare("title", "in", value), None, Parameters())


def test_in_takes_so_many_values() -> None:
    where(ITEM, Compare("title", "in", ["x"] * MAX_VALUES), None, Parameters())
    with pytest.raises(Invalid, match="at most 500 values, not 501"):
        where(ITEM, Compare("title", "in", ["x"] * (MAX_VALUES + 1)), None, Parameters())


def test_a_scope_of_all_costs_nothing_and_one_of_none_shows_nothing() -> None:
    for noun in NOUNS:
        parameters = Parameters()
        assert visible(noun, Scope(), parameters) == "true"
        assert parameters.values == []
    for noun in (BUNDLE, ITEM, GATE, INVARIANT, GUARD):
        parameters = Parameters()
        assert "= ANY($1::text[])" in visible(noun, Scope(products=frozenset()), parameters)
        assert parameters.values == [[]]
    assert visible(COMPONENT, Scope(products=frozenset({"portal"})), Parameters()) == "true"
