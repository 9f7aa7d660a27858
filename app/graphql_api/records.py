"""What every evidence type shares: a row from the read models, and the reads along its chain of supersession."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Self, TypeVar

import strawberry
from strawberry.utils.str_converters import to_camel_case

from app.db.pool import Row
from app.domain.evidence import FINDING_COUNT_FIELDS, TEST_COUNT_FIELDS
from app.graphql_api.context import Context, Info
from app.graphql_api.selection import columns_for, names_below
from app.readmodels import rows
from app.readmodels.nouns import Noun
from app.readmodels.rows import SUPERSEDED, Columns

NEEDS: dict[str, frozenset[str]] = {
    "superseded": frozenset({SUPERSEDED}),
    "supersedes": frozenset({"supersedes_id"}),
    "tests": frozenset(f"tests_{name}" for name in TEST_COUNT_FIELDS),
    "findings": frozenset(f"findings_{name}" for name in FINDING_COUNT_FIELDS),
    "bundle": frozenset({"bundle_id"}),
    "evidenceItem": frozenset({"evidence_item_id"}),
}
"""Fields that are made of other columns than the one of their name."""


def needs_of(noun: Noun, **more: str) -> dict[str, frozenset[str]]:
    """Which columns each GraphQL field of a noun is made of; `more` adds or replaces, by GraphQL name."""
    own = {to_camel_case(column): frozenset({column}) for column in noun.columns}
    # `node` reads a row for the fields of all fragments, those on other types among them.
    made = {name: columns for name, columns in NEEDS.items() if columns <= noun.columns.keys() | {SUPERSEDED}}
    return own | made | {name: frozenset({column}) for name, column in more.items()}


def column(description: str) -> Any:
    """A field that is the column of its own name."""
    return strawberry.field(default=None, description=description)  # resolve_column reads the row, not the attribute


def resolve_column(root: Any, name: str) -> Any:
    """Strawberry's default resolver here: the row's column, or the attribute of an object that is no row."""
    row = getattr(root, "row", None)
    return getattr(root, name) if row is None else row[name]


@strawberry.interface(
    description="Anything with an id; `node(id)` finds it. The id is the same in REST, CLI and database."
)
class Node:
    """Whatever has an id."""

    id: strawberry.ID = column("UUIDv7, made by the writer of the row.")


@strawberry.interface(
    description="A recorded row of evidence. It is never changed: a later row may supersede it, and a retraction "
    "supersedes it with a reason."
)
class Evidence(Node):
    """What all six record types share."""

    noun: ClassVar[Noun]
    needs: ClassVar[Mapping[str, frozenset[str]]]

    row: strawberry.Private[Row]
    as_of: strawberry.Private[datetime | None]

    recorded_at: datetime = column("When the platform learned it; `asOf` compares with this.")
    actor: str = column("Who recorded it, or the person the artifact names; empty where nobody is named.")
    reason: str = column("Why, in the actor's words: of a retraction, a waiver or an operator entry; else empty.")
    retracted: bool = column("True on a row that withdraws the one it supersedes.")
    superseded: bool = column("Whether a later row replaced or retracted this one (by `asOf`, where one is given).")

    @classmethod
    def wrap(cls, row: Row | None, as_of: datetime | None) -> Self | None:
        """The type over a row; None over none."""
        return None if row is None else cls(row=row, as_of=as_of)

    @classmethod
    def columns(cls, info: Info, *paths: tuple[str, ...]) -> Columns:
        """The columns that the operation reads of this type at `paths` below the current field."""
        return columns_for(cls.needs, names_below(info, *(paths or ((),))))


T = TypeVar("T", bound=Evidence)


async def load_row(context: Context, noun: Noun, row_id: str, columns: Columns, as_of: datetime | None) -> Row | None:
    """A row by id, batched with the others of this request that want the same columns."""

    async def batch(ids: Any) -> dict[str, Row]:
        return await rows.rows_by_ids(context.reader, noun, ids, columns, as_of)

    row: Row | None = await context.loader(("row", noun.name, columns, as_of), batch).load(row_id)
    return row


async def predecessor(info: Info, record: T) -> T | None:
    """The record that this one superseded."""
    before = record.row["supersedes_id"]
    if before is None:
        return None
    cls = type(record)
    return cls.wrap(await load_row(info.context, cls.noun, before, cls.columns(info), record.as_of), record.as_of)


async def successor(info: Info, record: T) -> T | None:
    """The record that superseded this one."""
    cls, as_of, columns = type(record), record.as_of, type(record).columns(info)

    async def batch(ids: Any) -> dict[str, Row]:
        return await rows.successors_by_ids(info.context.reader, cls.noun, ids, columns, as_of)

    loader = info.context.loader(("successor", cls.noun.name, columns, as_of), batch)
    return cls.wrap(await loader.load(record.row["id"]), as_of)


async def history(info: Info, record: T) -> list[T]:
    """The whole chain that this record belongs to, oldest first."""
    cls, as_of, columns = type(record), record.as_of, type(record).columns(info)

    async def batch(ids: Any) -> dict[str, list[Row]]:
        return await rows.histories_by_ids(info.context.reader, cls.noun, ids, columns, as_of)

    loader = info.context.loader(("history", cls.noun.name, columns, as_of), batch)
    return [cls(row=row, as_of=as_of) for row in await loader.load(record.row["id"])]


@strawberry.type(description="Test cases by outcome; total = passed + failed + error + skipped.")
class TestCounts:
    """Counts of test cases."""

    __test__ = False

    total: int = strawberry.field(description="Cases in the artifact, counted one by one.")
    passed: int = strawberry.field(description="Cases that passed, flaky ones included.")
    failed: int = strawberry.field(description="Cases that failed an assertion.")
    error: int = strawberry.field(description="Cases that broke before they could pass or fail.")
    skipped: int = strawberry.field(description="Cases that were not run.")
    flaky: int = strawberry.field(description="Cases that passed only after a retry; also counted as passed.")


@strawberry.type(description="Findings by severity. Suppressed ones are counted only as suppressed.")
class FindingCounts:
    """Counts of findings."""

    critical: int = strawberry.field(description="Open critical findings.")
    high: int = strawberry.field(description="Open findings of high severity.")
    medium: int = strawberry.field(description="Open findings of medium severity.")
    low: int = strawberry.field(description="Open findings of low severity.")
    info: int = strawberry.field(description="Open findings that merely inform.")
    unknown: int = strawberry.field(description="Open findings whose severity nobody stated.")
    suppressed: int = strawberry.field(description="Findings suppressed, dismissed or stated as not affecting.")


def test_counts(row: Row) -> TestCounts | None:
    """The row's test counts; None where its artifact holds no tests."""
    if row["tests_total"] is None:
        return None
    return TestCounts(**{name: row[f"tests_{name}"] for name in TEST_COUNT_FIELDS})


def finding_counts(row: Row) -> FindingCounts | None:
    """The row's finding counts; None where its artifact is no scan."""
    if row["findings_critical"] is None:
        return None
    return FindingCounts(**{name: row[f"findings_{name}"] for name in FINDING_COUNT_FIELDS})
