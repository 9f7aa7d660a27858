"""Random histories of imports, held against a program that keeps everything and knows nothing but the rules."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.db.pool import Database
from app.domain.checks import subject_of, subject_of_tests
from app.domain.evidence import EvidenceType, Result
from app.importers.base import ImportBatch, Item
from app.ingest import Parsed, Together, record
from app.readmodels.nouns import ITEM
from app.readmodels.predicates import Parameters, current
from app.reviews.retracting import record_retraction
from tests.ingest.naive import Gateway
from tests.ingest.reports import bundle, request
from tests.ingest.sent import COMMIT, Report, Sent

HISTORIES = 2000
BEFORE = datetime(2026, 1, 1, tzinfo=UTC)
AHEAD = 10.0**6

TIMES = st.sampled_from((None, None, -3.0, -2.0, -1.0, AHEAD))
RESULTS = st.sampled_from(("passed", "passed", "failed", "warned", "error", "inconclusive"))
COMMITS = st.sampled_from(("", "", "", COMMIT, COMMIT[:7], "b" * 40))
HELD = st.frozensets(st.sampled_from("abcd"), max_size=3)

tests = st.builds(
    Report,
    st.just(""),
    RESULTS,
    TIMES,
    st.just(True),
    st.sampled_from(("pytest", "pytest", "jest")),
    st.just(""),
    st.sampled_from(("", "", "unit", "integration")),
    HELD,
    COMMITS,
)
scans = st.builds(
    Report,
    st.just(""),
    RESULTS,
    TIMES,
    st.just(False),
    st.sampled_from(("bandit", "semgrep")),
    st.sampled_from(("", "api", "web")),
    st.just(""),
    st.just(frozenset()),
    COMMITS,
)
files = st.lists(st.one_of(tests, tests, scans), min_size=1, max_size=5)
send = st.tuples(
    st.just("send"),
    st.integers(0, 4),
    st.sampled_from(("junit", "junit", "results")),
    st.sampled_from(("", "", "unit")),
    st.sampled_from(("", "", "1", "2")),
)
together = st.tuples(st.just("together"), st.lists(send, min_size=2, max_size=3))
withdraw = st.tuples(st.sampled_from(("withdraw", "withdraw", "withdraw late")), st.integers(0, 9))
histories = st.tuples(files, st.lists(st.one_of(send, send, send, together, withdraw), min_size=1, max_size=9))

_numbers = itertools.count()

LATE = """
SELECT item.id, split_part(item.source_key, '~', 1) AS name, item.title, item.run
FROM platform_evidence_items AS item JOIN platform_evidence_bundles AS bundle ON bundle.id = item.bundle_id
WHERE bundle_key = $1 AND item.late
  AND NOT EXISTS (SELECT FROM platform_evidence_items AS later WHERE later.supersedes_id = item.id)
"""

STANDING = """
SELECT item.id
FROM platform_evidence_items AS item JOIN platform_evidence_bundles AS bundle ON bundle.id = item.bundle_id
WHERE bundle_key = $1 AND split_part(item.source_key, '~', 1) = $2 AND item.title = $3 AND item.run = $4
  AND item.late = $5 AND NOT item.retracted
  AND NOT EXISTS (SELECT FROM platform_evidence_items AS later WHERE later.supersedes_id = item.id)
ORDER BY item.source_key LIMIT 1
"""


def batch(report: Report) -> ImportBatch:
    """The report as an importer gives it."""
    moment = None if report.made is None else BEFORE + timedelta(days=report.made)
    subject = (
        subject_of_tests(report.tool, report.own, report.holds, target=report.target)
        if report.tests
        else subject_of(report.tool, report.target, report.own, report.holds)
    )
    item = Item(EvidenceType.CI, report.digest, Result(report.result), completed_at=moment)
    return ImportBatch("junit" if report.tests else "sarif", items=(item,), subject=subject, commit=report.commit)


async def in_force(database: Database, key: str, as_of: datetime | None) -> list[tuple[str, str, str]]:
    """Name, title and run of the current rows."""
    parameters = Parameters()
    sql = (
        "SELECT item.id, split_part(item.source_key, '~', 1) AS name, item.title, item.run"
        " FROM platform_evidence_items AS item JOIN platform_evidence_bundles AS bundle ON bundle.id = item.bundle_id"
        f" WHERE {current(ITEM, as_of, parameters)} AND bundle.bundle_key = {parameters.add(key, 'text')}"
    )
    return sorted((row["name"], row["title"], row["run"]) for row in await database.fetch(sql, *parameters.values))


async def play(database: Database, drawn: list[Report], events: list[Any]) -> None:
    """Let the gateway and the naive program live through the same history, and compare them at each moment of it."""
    key = f"release/portal/{next(_numbers)}"
    made = [replace(each, digest=f"f{number}") for number, each in enumerate(drawn)]
    naive = Gateway()
    moments: list[tuple[datetime, list[tuple[str, str, str]]]] = []

    async def tell(event: Any, sent_with: Together, group: int) -> None:
        _, file, name, job, run = event
        report = made[file % len(made)]
        said = batch(report)
        parsed = Parsed(f"{name}.xml", said, report.digest.encode().hex().ljust(64, "0"))
        asked = request(bundle=bundle(key, commit=COMMIT), run=run, job=job)
        outcome = await record(database, asked, parsed, stem=name, together=sent_with)
        full = "/".join(part for part in ("ci", said.format, job, name) if part)
        expected = naive.send(Sent(report, full, bool(job), run, group))
        assert outcome.status.value == expected, (outcome, made, events)
        assert outcome.sentence

    async def observe() -> None:
        now = await database.fetchval("SELECT clock_timestamp()")
        assert await in_force(database, key, None) == naive.in_force(), (made, events)
        late = await database.fetch(LATE, key)
        assert sorted((row["name"], row["title"], row["run"]) for row in late) == naive.late(), (made, events)
        moments.append((now, naive.in_force()))

    for group, event in enumerate(events):
        if event[0] == "send":
            await tell(event, Together(), group)
        elif event[0] == "together":
            sent_with = Together()
            for each in event[1]:
                await tell(each, sent_with, group)
        else:
            is_late = event[0] == "withdraw late"
            standing = naive.late() if is_late else naive.in_force()
            if not standing:
                continue
            name, digest, run = standing[event[1] % len(standing)]
            row = await database.fetchval(STANDING, key, name, digest, run, is_late)
            await record_retraction(database, str(row), "carol", "not ours")
            (naive.withdraw_late if is_late else naive.withdraw)(name, digest, run)
        await observe()
    for moment, expected in moments:
        assert await in_force(database, key, moment) == expected, (made, events)


async def test_random_histories_end_as_the_rules_say(database: Database) -> None:
    loop = asyncio.get_running_loop()

    @settings(
        max_examples=HISTORIES, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=False
    )
    @given(histories)
    def run(history: tuple[list[Report], list[Any]]) -> None:
        asyncio.run_coroutine_threadsafe(play(database, *history), loop).result()

    await asyncio.to_thread(run)
