"""The roots: where every GraphQL operation begins."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated

import strawberry

from app.domain.errors import Invalid
from app.graphql_api.bundles import EvidenceBundle, EvidenceBundleConnection, EvidenceBundleFilter, EvidenceBundleOrder
from app.graphql_api.components import (
    ComponentStatus,
    ComponentStatusConnection,
    ComponentStatusFilter,
    ComponentStatusOrder,
)
from app.graphql_api.connections import AFTER, AS_OF, BEFORE, FIRST, LAST, SUPERSEDED_TOO, listing
from app.graphql_api.context import Info
from app.graphql_api.diffs import BundleDiff, diff_of
from app.graphql_api.environments import EnvironmentStatus, environments_of
from app.graphql_api.gates import GateResult
from app.graphql_api.guards import GuardReport, GuardReportConnection, GuardReportFilter, GuardReportOrder
from app.graphql_api.invariants import InvariantResult
from app.graphql_api.items import EvidenceItem
from app.graphql_api.nodes import check_count
from app.graphql_api.readiness import Verdict, readiness_of
from app.graphql_api.records import Evidence, Node, load_row
from app.graphql_api.selection import columns_for, names_below
from app.readmodels.bundles import bundle_ids_by_keys, nouns_by_ids
from app.readmodels.nouns import BUNDLE, Noun
from app.readmodels.readiness import Question
from app.readmodels.rows import check_ids

RECORDS: dict[str, type[Evidence]] = {
    record.noun.name: record
    for record in (EvidenceBundle, EvidenceItem, GateResult, InvariantResult, ComponentStatus, GuardReport)
}

AsOf = Annotated[datetime | None, strawberry.argument(description=AS_OF)]
First = Annotated[int | None, strawberry.argument(description=FIRST)]
After = Annotated[str | None, strawberry.argument(description=AFTER)]
Last = Annotated[int | None, strawberry.argument(description=LAST)]
Before = Annotated[str | None, strawberry.argument(description=BEFORE)]
SupersededToo = Annotated[bool, strawberry.argument(description=SUPERSEDED_TOO)]


async def _load_node(info: Info, row_id: str, as_of: datetime | None) -> Evidence | None:
    """A row of any noun: one statement finds the nouns of all ids, one more a noun reads the rows."""

    async def probe(ids: list[str]) -> dict[str, Noun]:
        return await nouns_by_ids(info.context.reader, ids)

    noun: Noun | None = await info.context.loader(("noun",), probe).load(row_id)  # type: ignore[arg-type]
    if noun is None:
        return None
    record = RECORDS[noun.name]
    columns = columns_for(record.needs, names_below(info, ()))
    return record.wrap(await load_row(info.context, noun, row_id, columns, as_of), as_of)


@strawberry.type(description="Where every question begins. Every root takes a moment to answer as of.")
class Query:
    """The query root."""

    @strawberry.field(description="Bundles, the latest moved first unless told.")
    async def bundles(
        self,
        info: Info,
        filter: Annotated[EvidenceBundleFilter | None, strawberry.argument(description="Which to list.")] = None,
        order_by: Annotated[
            EvidenceBundleOrder | None, strawberry.argument(description="The latest moved first, unless told.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        include_superseded: SupersededToo = False,
        as_of: AsOf = None,
    ) -> EvidenceBundleConnection:
        """A page of bundles."""
        return EvidenceBundleConnection(
            listing=listing(
                info,
                EvidenceBundle,
                order=(order_by or EvidenceBundleOrder()).order(),
                filter=filter,
                first=first,
                after=after,
                last=last,
                before=before,
                as_of=await info.context.settled(as_of),
                superseded=include_superseded,
            )
        )

    @strawberry.field(description="One bundle, by its id or by its key; null when there is none.")
    async def bundle(
        self,
        info: Info,
        id: Annotated[strawberry.ID | None, strawberry.argument(description="The bundle's id.")] = None,
        key: Annotated[
            str | None, strawberry.argument(description="The bundle's key; it means the latest revision of that key.")
        ] = None,
        as_of: AsOf = None,
    ) -> EvidenceBundle | None:
        """A bundle by id or key."""
        if (id is None) == (key is None):
            raise Invalid("bundle takes either id or key, and just one of them", field="id")
        await info.context.settled(as_of)
        if key is not None:

            async def by_key(keys: list[str]) -> dict[str, str]:
                return await bundle_ids_by_keys(info.context.reader, keys, as_of)

            found: str | None = await info.context.loader(("key", as_of), by_key).load(key)  # type: ignore[arg-type]
            if found is None:
                return None
            row_id = found
        else:
            row_id = check_ids([str(id)])[0]
        row = await load_row(info.context, BUNDLE, row_id, EvidenceBundle.columns(info), as_of)
        return EvidenceBundle.wrap(row, as_of)

    @strawberry.field(description="Any row of evidence by its id; null when there is none.")
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The row's id.")],
        as_of: AsOf = None,
    ) -> Node | None:
        """A row of any noun."""
        await info.context.settled(as_of)
        return await _load_node(info, check_ids([id])[0], as_of)

    @strawberry.field(description="Rows of evidence by id, in the order asked for; null in the place of unknown ids.")
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="The rows' ids, at most 500.")],
        as_of: AsOf = None,
    ) -> list[Node | None]:
        """Rows of any nouns."""
        check_count(ids)
        await info.context.settled(as_of)
        checked = check_ids(ids, name="ids")
        return list(await asyncio.gather(*(_load_node(info, row_id, as_of) for row_id in checked)))

    @strawberry.field(
        description="Component status: the latest snapshot per environment and component, or all snapshots."
    )
    async def component_statuses(
        self,
        info: Info,
        filter: Annotated[ComponentStatusFilter | None, strawberry.argument(description="Which to list.")] = None,
        order_by: Annotated[
            ComponentStatusOrder | None, strawberry.argument(description="By component, unless told.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        latest: Annotated[
            bool, strawberry.argument(description="Whether only the latest snapshot of each component is listed.")
        ] = True,
        include_superseded: SupersededToo = False,
        as_of: AsOf = None,
    ) -> ComponentStatusConnection:
        """A page of component snapshots."""
        if latest and include_superseded:
            raise Invalid("includeSuperseded goes with latest: false", field="includeSuperseded")
        return ComponentStatusConnection(
            listing=listing(
                info,
                ComponentStatus,
                order=(order_by or ComponentStatusOrder()).order(),
                filter=filter,
                first=first,
                after=after,
                last=last,
                before=before,
                as_of=await info.context.settled(as_of),
                superseded=include_superseded,
                latest=latest,
            )
        )

    @strawberry.field(description="Guard reports of bundles and of the platform itself, the latest first unless told.")
    async def guard_reports(
        self,
        info: Info,
        filter: Annotated[GuardReportFilter | None, strawberry.argument(description="Which to list.")] = None,
        order_by: Annotated[
            GuardReportOrder | None, strawberry.argument(description="The latest first, unless told.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        include_superseded: SupersededToo = False,
        as_of: AsOf = None,
    ) -> GuardReportConnection:
        """A page of guard reports."""
        return GuardReportConnection(
            listing=listing(
                info,
                GuardReport,
                order=(order_by or GuardReportOrder()).order(),
                filter=filter,
                first=first,
                after=after,
                last=last,
                before=before,
                as_of=await info.context.settled(as_of),
                superseded=include_superseded,
            )
        )

    @strawberry.field(
        description="Whether a bundle, or an environment, is ready, and why. Of an environment, the newest current "
        "bundle of each product and profile counts, and the worst state wins. Name a bundle or an environment."
    )
    async def readiness(
        self,
        info: Info,
        environment: Annotated[str | None, strawberry.argument(description="Where it is to run.")] = None,
        profile: Annotated[str | None, strawberry.argument(description="Only this deployment profile.")] = None,
        product: Annotated[str | None, strawberry.argument(description="Only this product.")] = None,
        bundle: Annotated[str | None, strawberry.argument(description="One bundle, by its id or its key.")] = None,
        as_of: AsOf = None,
    ) -> Verdict:
        """The verdict on a bundle or an environment."""
        question = Question(bundle, environment, profile, product)
        return await readiness_of(info, question, await info.context.settled(as_of))

    @strawberry.field(
        description="How environments are doing: of those named, in that order, else of all that components run in."
    )
    async def environment_statuses(
        self,
        info: Info,
        environments: Annotated[
            list[str] | None, strawberry.argument(description="Which; one without components is UNKNOWN.")
        ] = None,
        as_of: AsOf = None,
    ) -> list[EnvironmentStatus]:
        """The worst component of each."""
        return await environments_of(info, environments, await info.context.settled(as_of))

    @strawberry.field(description="What changed from one bundle to another, also across environments.")
    async def bundle_diff(
        self,
        info: Info,
        base: Annotated[str, strawberry.argument(description="The bundle to compare with, by its id or its key.")],
        head: Annotated[str, strawberry.argument(description="The bundle that is looked at, by its id or its key.")],
        as_of: AsOf = None,
    ) -> BundleDiff:
        """What changed between two bundles."""
        return await diff_of(info, base, head, await info.context.settled(as_of))
