"""asOf means what we knew then: a random history, asked about at random times, by SQL and naively."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.config import read_policy
from app.db.pool import Database
from app.domain.errors import Invalid, Unavailable
from app.domain.paging import Direction, Order, PageRequest
from app.domain.readiness import decide
from app.readmodels import rows
from app.readmodels.bundles import bundle_ids_by_keys
from app.readmodels.nouns import BUNDLE, COMPONENT, ITEM, NOUNS
from app.readmodels.predicates import AllOf, Compare, Has, Predicate, Scope
from app.readmodels.readiness import verdicts_by_bundle_ids
from app.readmodels.rows import SUPERSEDED, Reader, RowQuery
from tests.readmodels.history import History
from tests.readmodels.naive import Everything, counted, ordered, plain, read_everything
from tests.readmodels.situations import situations
from tests.rows import add, supersede

WRITES = 1_000
TIMES = 200
SEED = 20260601

WHOLE = PageRequest(size=500)
FAILED: Predicate = AllOf((Has("gates", Compare("result", "eq", "failed")), Compare("retracted", "eq", False)))


def moved_since(moment: datetime) -> Predicate:
    """Bundles that a row came for at or after a moment."""
    return Compare("updated_at", "gte", moment)


async def answers(
    reader: Reader, everything: Everything, keys: list[str], since: datetime, as_of: datetime | None
) -> dict[str, Any]:
    """What the read models say, all of them; ids and keys are those of `everything`."""
    said: dict[str, Any] = {}
    bundle_ids = [row["id"] for row in everything.tables[BUNDLE.name]]
    for noun in NOUNS:
        columns = frozenset(noun.columns) | {SUPERSEDED}
        order = Order(next(iter(noun.orders)), Direction.ASC)
        now, history = (
            RowQuery(order, page=WHOLE, as_of=as_of),
            RowQuery(order, page=WHOLE, as_of=as_of, superseded=True),
        )
        name, ids = noun.name, [row["id"] for row in everything.tables[noun.name]]
        for kind, query in (("current", now), ("history", history)):
            said[f"{name} {kind}"] = plain((await rows.list_rows(reader, noun, query, columns)).rows)
            said[f"{name} {kind} count"] = await rows.count_rows(reader, noun, query)
            for column in noun.groups:
                groups = await rows.group_rows(reader, noun, query, column)
                assert [g.count for g in groups] == sorted((g.count for g in groups), reverse=True)
                said[f"{name} {kind} by {column}"] = {group.value: group.count for group in groups}
            if noun.in_bundle:
                pages = await rows.pages_by_bundle_ids(reader, noun, bundle_ids, query, columns)
                said[f"{name} {kind} of bundles"] = {key: plain(page.rows) for key, page in pages.items()}
                said[f"{name} {kind} count of bundles"] = await rows.counts_by_bundle_ids(
                    reader, noun, bundle_ids, query
                )
                by_result = await rows.groups_by_bundle_ids(reader, noun, bundle_ids, query, "result")
                said[f"{name} {kind} by result of bundles"] = {
                    key: {group.value: group.count for group in groups} for key, groups in by_result.items()
                }
        found = await rows.rows_by_ids(reader, noun, ids, columns, as_of)
        said[f"{name} by id"] = {key: plain([row])[0] for key, row in found.items()}
        after = await rows.successors_by_ids(reader, noun, ids, columns, as_of)
        said[f"{name} successors"] = {key: plain([row])[0] for key, row in after.items()}
        chains = await rows.histories_by_ids(reader, noun, list(found), columns, as_of)
        said[f"{name} chains"] = {key: plain(chain) for key, chain in chains.items()}
    by_name = Order("component", Direction.ASC)
    latest = RowQuery(by_name, page=WHOLE, as_of=as_of, latest=True)
    said["latest"] = plain((await rows.list_rows(reader, COMPONENT, latest, frozenset(COMPONENT.columns))).rows)
    said["latest count"] = await rows.count_rows(reader, COMPONENT, latest)
    by_key = Order("bundle_key", Direction.ASC)
    for name, predicate in (("failed", FAILED), ("moved", moved_since(since))):
        query = RowQuery(by_key, predicate, WHOLE, as_of)
        said[name] = [row["id"] for row in (await rows.list_rows(reader, BUNDLE, query, frozenset())).rows]
    newest = RowQuery(Order("updated_at"), page=WHOLE, as_of=as_of)
    said["newest"] = [row["id"] for row in (await rows.list_rows(reader, BUNDLE, newest, frozenset())).rows]
    said["keys"] = await bundle_ids_by_keys(reader, keys, as_of)
    return said


def expected(everything: Everything, known: Everything, keys: list[str], since: datetime) -> dict[str, Any]:
    """What they should say of what was known."""
    said: dict[str, Any] = {}
    bundle_ids = [row["id"] for row in everything.tables[BUNDLE.name]]
    for noun in NOUNS:
        order = Order(next(iter(noun.orders)), Direction.ASC)
        name, ids = noun.name, [row["id"] for row in everything.tables[noun.name]]
        for kind, listed in (("current", known.current(noun)), ("history", known.rows(noun))):
            said[f"{name} {kind}"] = ordered(listed, order)
            said[f"{name} {kind} count"] = len(listed)
            for column in noun.groups:
                said[f"{name} {kind} by {column}"] = counted(listed, column)
            if noun.in_bundle:
                of = {key: [row for row in listed if row["bundle_id"] == key] for key in bundle_ids}
                said[f"{name} {kind} of bundles"] = {key: ordered(own, order) for key, own in of.items()}
                said[f"{name} {kind} count of bundles"] = {key: len(own) for key, own in of.items()}
                said[f"{name} {kind} by result of bundles"] = {key: counted(own, "result") for key, own in of.items()}
        visible = {row["id"]: row for row in known.rows(noun)}
        said[f"{name} by id"] = visible
        after = {row_id: known.successor(noun, row_id) for row_id in ids}
        said[f"{name} successors"] = {key: row for key, row in after.items() if row is not None}
        said[f"{name} chains"] = {row_id: known.history(noun, row_id) for row_id in visible}
    latest = ordered(known.latest(), Order("component", Direction.ASC))
    said["latest"] = [{name: row[name] for name in COMPONENT.columns} for row in latest]
    said["latest count"] = len(latest)
    by_key = Order("bundle_key", Direction.ASC)
    for name, predicate in (("failed", FAILED), ("moved", moved_since(since))):
        listed = known.where(BUNDLE, known.current(BUNDLE), predicate)
        said[name] = [row["id"] for row in ordered(listed, by_key)]
    said["newest"] = [row["id"] for row in ordered(known.current(BUNDLE), Order("updated_at"))]
    meant = {key: known.bundle_of_key(key) for key in keys}
    said["keys"] = {key: row_id for key, row_id in meant.items() if row_id is not None}
    return said


def differing(mine: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """The names of answers that are not alike."""
    assert mine.keys() == theirs.keys()
    return [name for name, value in mine.items() if value != theirs[name]]


async def test_reads_as_of_any_time_are_what_was_known_then(database: Database) -> None:
    history, reader = History(database, SEED), Reader(database)
    dice = random.Random(SEED)  # noqa: S311 - the same times every time
    told: list[tuple[datetime, datetime, dict[str, Any]]] = []
    policy, situated = read_policy().policy, set[str]()
    while history.written < WRITES:
        await history.step()
        if dice.random() < 0.03:
            so_far = await read_everything(database)
            at = await database.fetchval("SELECT clock_timestamp()")
            since = dice.choice(so_far.tables[BUNDLE.name])["recorded_at"]
            told.append((at, since, await answers(reader, so_far, history.keys, since, None)))
    everything = await read_everything(database)
    recorded = sorted({row["recorded_at"] for table in everything.tables.values() for row in table})
    assert sum(map(len, everything.tables.values())) > WRITES * 0.9
    assert len(recorded) < WRITES, "some transactions had several rows"
    for n in range(TIMES):
        at = dice.choice(recorded) + timedelta(microseconds=(0, -1, 1, dice.randrange(2000))[n % 4])
        since = dice.choice(recorded)
        await database.settle(at)
        said = await answers(reader, everything, history.keys, since, at)
        known = everything.at(at)
        assert differing(said, expected(everything, known, history.keys, since)) == [], (n, at)
        decided = {bundle_id: decide(inputs, policy, at) for bundle_id, inputs in situations(known)}
        assert await verdicts_by_bundle_ids(reader, policy, list(decided), at) == decided, (n, at)
        situated.update(verdict.inputs_digest for verdict in decided.values())
    assert len(situated) > TIMES
    assert len(told) > 4
    for at, since, then in told:
        await database.settle(at)
        asked = everything.at(at)
        again = await answers(reader, asked, history.keys, since, at)
        chosen = {name: value for name, value in again.items() if name != "keys"}
        assert differing(chosen, {name: value for name, value in then.items() if name != "keys"}) == [], at
        assert {key: again["keys"][key] for key in then["keys"]} == then["keys"]


async def test_reads_of_now_are_what_is_known_now(database: Database) -> None:
    history = History(database, SEED + 1)
    while history.written < 60:
        await history.step()
    everything = await read_everything(database)
    since = everything.tables[BUNDLE.name][-1]["recorded_at"]
    said = await answers(Reader(database), everything, history.keys, since, None)
    assert differing(said, expected(everything, everything, history.keys, since)) == []


async def test_every_scope_sees_its_part_at_any_time(database: Database) -> None:
    history = History(database, SEED + 2)
    dice = random.Random(SEED)  # noqa: S311
    while history.written < 120:
        await history.step()
    everything = await read_everything(database)
    recorded = sorted({row["recorded_at"] for table in everything.tables.values() for row in table})
    none: frozenset[str] = frozenset()
    scopes = [
        Scope(products=frozenset({"portal"})),
        Scope(environments=frozenset({"staging"})),
        Scope(frozenset({"console"}), frozenset({"production", "elsewhere"})),
        Scope(products=none),
        Scope(environments=none),
        Scope(frozenset({"portal", "console"}), frozenset({"staging", "production"})),
    ]
    since = recorded[len(recorded) // 2]
    for scope in scopes:
        for at in (None, dice.choice(recorded), dice.choice(recorded)):
            said = await answers(Reader(database, scope), everything, history.keys, since, at)
            known = everything.at(at).seen_by(scope)
            assert differing(said, expected(everything, known, history.keys, since)) == [], scope
    for name, value in (await answers(Reader(database), everything, history.keys, since, None)).items():
        assert value, f"{name}: there was nothing to hide"


async def test_a_reader_waits_for_a_writer_that_fixed_its_time_before(database: Database) -> None:
    bundle = await add(database, BUNDLE)
    reader, query = Reader(database), RowQuery(Order("recorded_at"))

    async def read(at: datetime) -> list[str]:
        await database.settle(at)
        page = await rows.list_rows(reader, ITEM, RowQuery(Order("recorded_at"), as_of=at), frozenset())
        return [row["id"] for row in page.rows]

    async with database.transaction() as transaction:
        item = await add(transaction, ITEM, bundle_id=bundle)  # type: ignore[arg-type]
        at = await database.fetchval("SELECT clock_timestamp()")
        waiting = asyncio.create_task(read(at))
        await asyncio.sleep(0.1)
        assert not waiting.done(), "the row may still come in with an earlier time"
        assert (await rows.list_rows(reader, ITEM, query, frozenset())).rows == []
        before = await transaction.fetchval("SELECT now() - interval '1 second'")
        await database.settle(before)
        with pytest.raises(Unavailable, match="still at work"):
            await database.settle(at, patience=0.05)
    assert await waiting == [item]


async def test_the_future_is_not_known(database: Database) -> None:
    with pytest.raises(Invalid, match="future"):
        await database.settle(datetime.now(UTC) + timedelta(minutes=1))
    await database.settle(datetime.min.replace(tzinfo=UTC))


async def test_a_chain_is_read_whole_from_any_of_its_rows(database: Database) -> None:
    bundle = await add(database, BUNDLE)
    chain = [await add(database, ITEM, bundle_id=bundle)]
    for _ in range(30):
        chain.append(await supersede(database, ITEM, chain[-1]))
    found = await rows.histories_by_ids(Reader(database), ITEM, [chain[0], chain[17], chain[-1]], frozenset())
    for start in (chain[0], chain[17], chain[-1]):
        assert [row["id"] for row in found[start]] == chain
