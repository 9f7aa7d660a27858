"""Readiness: the verdict on a bundle or an environment, a reason for everything that is not clean, and the proofs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

from app.domain import verdict as domain
from app.graphql_api.connections import Count
from app.graphql_api.context import Context, Info
from app.graphql_api.records import Evidence, load_row
from app.graphql_api.selection import columns_for, names_below
from app.graphql_api.vocabularies import ReadinessState, ReasonCode, ReasonSeverity, SubjectType
from app.readmodels.nouns import BUNDLE
from app.readmodels.readiness import Question, readiness, verdicts_by_bundle_ids

if TYPE_CHECKING:
    from app.graphql_api.bundles import EvidenceBundle

Bundle = Annotated["EvidenceBundle", strawberry.lazy("app.graphql_api.bundles")]

_NOUN_OF = {
    domain.SubjectType.BUNDLE: "bundle",
    domain.SubjectType.EVIDENCE: "item",
    domain.SubjectType.GATE: "gate",
    domain.SubjectType.INVARIANT: "invariant",
    domain.SubjectType.GUARD: "guard",
    domain.SubjectType.COMPONENT: "component",
}


async def _row(info: Info, subject: domain.SubjectType, row_id: str, as_of: datetime | None) -> Evidence | None:
    from app.graphql_api.query import RECORDS  # noqa: PLC0415 - the roots know every type

    record = RECORDS[_NOUN_OF[subject]]
    columns = columns_for(record.needs, names_below(info, ()))
    return record.wrap(await load_row(info.context, record.noun, row_id, columns, as_of), as_of)


async def _bundle(info: Info, bundle_id: str, as_of: datetime | None) -> EvidenceBundle | None:
    from app.graphql_api.bundles import EvidenceBundle  # noqa: PLC0415 - bundles know their verdicts

    row = await load_row(info.context, BUNDLE, bundle_id, EvidenceBundle.columns(info), as_of)
    return EvidenceBundle.wrap(row, as_of)


@strawberry.type(description="One thing that is not clean, and what it does to the verdict.")
class Reason:
    """A domain Reason."""

    reason: strawberry.Private[domain.Reason]
    as_of: strawberry.Private[datetime | None]

    @strawberry.field(description="Why it is not clean.")
    def code(self) -> ReasonCode:
        """The code."""
        return self.reason.code

    @strawberry.field(description="BLOCKING blocks, WARNING puts at risk, INFO does nothing.")
    def severity(self) -> ReasonSeverity:
        """The severity."""
        return self.reason.severity

    @strawberry.field(description="What the reason speaks of.")
    def subject_type(self) -> SubjectType:
        """The sort of subject."""
        return self.reason.subject_type

    @strawberry.field(
        description="Its name: of a gate, an invariant, a guard, a component, a type of evidence, or a bundle's key."
    )
    def subject(self) -> str:
        """The subject."""
        return self.reason.subject

    @strawberry.field(description="One sentence for a person.")
    def sentence(self) -> str:
        """The sentence."""
        return self.reason.sentence

    @strawberry.field(description="Id of the row to blame; null where the trouble is that there is none.")
    def row_id(self) -> strawberry.ID | None:
        """The row's id."""
        return None if self.reason.row_id is None else strawberry.ID(self.reason.row_id)

    @strawberry.field(description="The row to blame; null where the trouble is that there is none.")
    async def row(self, info: Info) -> Evidence | None:
        """The row."""
        if self.reason.row_id is None:
            return None
        return await _row(info, self.reason.subject_type, self.reason.row_id, self.as_of)

    @strawberry.field(description="The bundle it holds against; null for what belongs to the environment.")
    async def bundle(self, info: Info) -> Bundle | None:
        """The bundle."""
        return None if self.reason.bundle_id is None else await _bundle(info, self.reason.bundle_id, self.as_of)


@strawberry.type(description="One required thing that is as it should be, and the row that says so.")
class Proof:
    """A domain Proof."""

    proof: strawberry.Private[domain.Proof]
    as_of: strawberry.Private[datetime | None]

    @strawberry.field(description="What is proved.")
    def subject_type(self) -> SubjectType:
        """The sort of subject."""
        return self.proof.subject_type

    @strawberry.field(description="Its name: of a gate, an invariant, a guard, a component or a type of evidence.")
    def subject(self) -> str:
        """The subject."""
        return self.proof.subject

    @strawberry.field(description="Id of the row that proves it.")
    def row_id(self) -> strawberry.ID:
        """The row's id."""
        return strawberry.ID(self.proof.row_id)

    @strawberry.field(description="The row that proves it.")
    async def row(self, info: Info) -> Evidence | None:
        """The row."""
        return await _row(info, self.proof.subject_type, self.proof.row_id, self.as_of)

    @strawberry.field(description="The bundle it is proved for; null for what belongs to the environment.")
    async def bundle(self, info: Info) -> Bundle | None:
        """The bundle."""
        return None if self.proof.bundle_id is None else await _bundle(info, self.proof.bundle_id, self.as_of)


@strawberry.type(
    description="Ready or not, and why. Equal rows, policy and time give an equal verdict. No data is UNKNOWN, never "
    "READY; over several bundles the worst state counts."
)
class Verdict:
    """A domain Verdict."""

    verdict: strawberry.Private[domain.Verdict]
    as_of: strawberry.Private[datetime | None]

    @strawberry.field(description="The state.")
    def state(self) -> ReadinessState:
        """The state."""
        return self.verdict.state

    @strawberry.field(description="One line, such as `blocked: 2 blocking, 1 warning, 5 proved`.")
    def headline(self) -> str:
        """The line."""
        return self.verdict.headline()

    @strawberry.field(description="The environment it is about.")
    def environment(self) -> str:
        """The environment."""
        return self.verdict.environment

    @strawberry.field(description="The deployment profile it is about; empty over several.")
    def profile(self) -> str:
        """The profile."""
        return self.verdict.profile

    @strawberry.field(description="The product it is about; empty over several.")
    def product(self) -> str:
        """The product."""
        return self.verdict.product

    @strawberry.field(description="The bundles it was decided over; empty where none is recorded.")
    async def bundles(self, info: Info) -> list[Bundle]:
        """The bundles."""
        found = [await _bundle(info, bundle_id, self.as_of) for bundle_id in self.verdict.bundle_ids]
        return [bundle for bundle in found if bundle is not None]

    @strawberry.field(description="What is not clean, the worst first; with `severity`, only such reasons.")
    def reasons(
        self,
        severity: Annotated[
            list[ReasonSeverity] | None, strawberry.argument(description="Only reasons of these severities.")
        ] = None,
    ) -> list[Reason]:
        """The reasons."""
        return [
            Reason(reason=each, as_of=self.as_of)
            for each in self.verdict.reasons
            if severity is None or each.severity in severity
        ]

    @strawberry.field(description="How many reasons there are of each severity, the worst first.")
    def counts_by_severity(self) -> list[Count]:
        """Counts of reasons."""
        return [Count(value=each.name, count=self.verdict.count(each)) for each in domain.ReasonSeverity]

    @strawberry.field(description="What is required and as it should be.")
    def proofs(self) -> list[Proof]:
        """The proofs."""
        return [Proof(proof=each, as_of=self.as_of) for each in self.verdict.proofs]

    @strawberry.field(description="SHA-256 of the policy's meaning, in hex; layout and comments do not change it.")
    def policy_digest(self) -> str:
        """The policy."""
        return self.verdict.policy_digest

    @strawberry.field(description="SHA-256 of the rows it was decided from, in hex.")
    def inputs_digest(self) -> str:
        """The inputs."""
        return self.verdict.inputs_digest

    @strawberry.field(description="The time it holds for: `asOf`, else when it was asked.")
    def evaluated_at(self) -> datetime:
        """The time."""
        return self.verdict.evaluated_at


async def readiness_of(info: Info, question: Question, as_of: datetime | None) -> Verdict:
    """The answer to a question."""
    answer = await readiness(info.context.reader, info.context.policy, question, as_of)
    return Verdict(verdict=answer.verdict, as_of=as_of)


async def readiness_of_bundle(context: Context, bundle_id: str, as_of: datetime | None) -> Verdict:
    """The verdict on a bundle, read with those of its neighbours."""

    async def batch(ids: Sequence[str]) -> dict[str, domain.Verdict]:
        return await verdicts_by_bundle_ids(context.reader, context.policy, ids, as_of)

    verdict: domain.Verdict = await context.loader(("readiness", as_of), batch).load(bundle_id)
    return Verdict(verdict=verdict, as_of=as_of)
