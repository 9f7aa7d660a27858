"""What changed between two bundles: checks by name, findings one by one, across environments too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from app.domain import changes as domain
from app.domain.facts import BundleFacts
from app.graphql_api.context import Info
from app.graphql_api.records import FindingCounts, TestCounts, load_row
from app.graphql_api.vocabularies import Change, Result, Severity
from app.readmodels.diffs import bundle_diff
from app.readmodels.nouns import BUNDLE

if TYPE_CHECKING:
    from app.graphql_api.bundles import EvidenceBundle

Bundle = Annotated["EvidenceBundle", strawberry.lazy("app.graphql_api.bundles")]
OnlyChanges = Annotated[
    list[Change] | None, strawberry.argument(description="Only these changes; all of them unless told.")
]


@strawberry.type(description="A check as one of the bundles has it.")
class CheckSide:
    """A domain Side."""

    result: Result = strawberry.field(description="The worst result of its current rows.")
    waived: bool = strawberry.field(description="Whether a waiver stands beside it; of gates only.")
    title: str = strawberry.field(description="One line for a person; empty where there is none.")
    row_ids: list[strawberry.ID] = strawberry.field(description="Ids of its current rows.")
    tests: TestCounts | None = strawberry.field(description="Test cases by outcome; of items only.")
    findings: FindingCounts | None = strawberry.field(description="Findings by severity; of items only.")

    @classmethod
    def of(cls, side: domain.Side | None) -> CheckSide | None:
        """The type over a side."""
        if side is None:
            return None
        return cls(
            result=side.result,
            waived=side.waived,
            title=side.title,
            row_ids=[strawberry.ID(row_id) for row_id in side.row_ids],
            tests=None if side.tests is None else TestCounts(**side.tests.as_dict()),
            findings=None if side.findings is None else FindingCounts(**side.findings.as_dict()),
        )


@strawberry.type(description="A gate, an invariant or an item, and how it changed.")
class CheckChange:
    """A domain Entry."""

    name: str = strawberry.field(description="The gate, the invariant's id, or the item's source key.")
    change: Change = strawberry.field(description="How it changed.")
    base: CheckSide | None = strawberry.field(description="In the base; null where it does not have it.")
    head: CheckSide | None = strawberry.field(description="In the head; null where it does not have it.")


@strawberry.type(description="A finding, and how it changed.")
class FindingChange:
    """A domain FindingEntry."""

    change: Change = strawberry.field(description="How it changed; REGRESSED is one whose severity rose.")
    severity: Severity = strawberry.field(description="How bad it is, in the head where it is there.")
    base_severity: Severity | None = strawberry.field(description="How bad it was in the base; null where new.")
    id: str = strawberry.field(description="The vulnerability or rule, such as `CVE-2026-1`; empty where it has none.")
    title: str = strawberry.field(description="One line for a person.")
    location: str = strawberry.field(description="Where it was found.")
    package: str = strawberry.field(description="The package it is in; empty where there is none.")
    source_key: str = strawberry.field(description="The item that lists it.")
    answered: bool = strawberry.field(description="Fixed by a VEX statement: still found, and does not matter.")


@strawberry.type(description="Open findings of one severity in all items of each bundle.")
class FindingTotals:
    """A domain FindingTotals."""

    severity: Severity = strawberry.field(description="The severity.")
    base: int = strawberry.field(description="Open findings in the base.")
    head: int = strawberry.field(description="Open findings in the head.")


@strawberry.type(description="What changed from one bundle to another; what needs a look comes first.")
class BundleDiff:
    """A domain Diff."""

    diff: strawberry.Private[domain.Diff]
    as_of: strawberry.Private[datetime | None]

    @strawberry.field(description="The bundle that is compared with.")
    async def base(self, info: Info) -> Bundle:
        """The base."""
        return await _bundle(info, self.diff.base, self.as_of)

    @strawberry.field(description="The bundle that is looked at.")
    async def head(self, info: Info) -> Bundle:
        """The head."""
        return await _bundle(info, self.diff.head, self.as_of)

    @strawberry.field(description="Whether anything regressed, or is new and trouble.")
    def worse(self) -> bool:
        """Whether it got worse."""
        return self.diff.is_worse()

    @strawberry.field(description="Gates.")
    def gates(self, changes: OnlyChanges = None) -> list[CheckChange]:
        """Gates by name."""
        return _checks(self.diff.gates, changes)

    @strawberry.field(description="Invariants.")
    def invariants(self, changes: OnlyChanges = None) -> list[CheckChange]:
        """Invariants by id."""
        return _checks(self.diff.invariants, changes)

    @strawberry.field(description="Items, by their source key.")
    def items(self, changes: OnlyChanges = None) -> list[CheckChange]:
        """Items by source key."""
        return _checks(self.diff.items, changes)

    @strawberry.field(description="Findings that the items list.")
    def findings(self, changes: OnlyChanges = None) -> list[FindingChange]:
        """Findings."""
        return [
            FindingChange(
                change=each.change,
                severity=each.severity,
                base_severity=each.base_severity,
                id=each.id,
                title=each.title,
                location=each.location,
                package=each.package,
                source_key=each.source_key,
                answered=each.answered,
            )
            for each in self.diff.findings
            if changes is None or each.change in changes
        ]

    @strawberry.field(description="Open findings by severity, whether or not the items list them one by one.")
    def finding_totals(self) -> list[FindingTotals]:
        """Totals."""
        return [
            FindingTotals(severity=each.severity, base=each.base, head=each.head) for each in self.diff.finding_totals
        ]

    @strawberry.field(
        description="Listed findings that may be new or not, because the other bundle's list was cut short; the totals "
        "tell of those."
    )
    def undecided(self) -> int:
        """How many could not be told."""
        return self.diff.undecided


def _checks(entries: Sequence[domain.Entry], changes: Sequence[Change] | None) -> list[CheckChange]:
    return [
        CheckChange(name=each.name, change=each.change, base=CheckSide.of(each.base), head=CheckSide.of(each.head))
        for each in entries
        if changes is None or each.change in changes
    ]


async def _bundle(info: Info, bundle: BundleFacts | None, as_of: datetime | None) -> EvidenceBundle:
    from app.graphql_api.bundles import EvidenceBundle  # noqa: PLC0415 - as in owners.py

    row = None
    if bundle is not None:
        row = await load_row(info.context, BUNDLE, bundle.id, EvidenceBundle.columns(info), as_of)
    if row is None:
        raise LookupError("the bundles of a diff are there")
    return EvidenceBundle(row=row, as_of=as_of)


async def diff_of(info: Info, base: str, head: str, as_of: datetime | None) -> BundleDiff:
    """What changed between two bundles, each by id or key."""
    return BundleDiff(diff=await bundle_diff(info.context.reader, base, head, as_of), as_of=as_of)
