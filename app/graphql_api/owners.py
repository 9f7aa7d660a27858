"""The way back from a row to its bundle."""

from __future__ import annotations

from typing import Any

from app.graphql_api.context import Info
from app.graphql_api.records import Evidence, load_row
from app.readmodels.nouns import BUNDLE


async def load_bundle(info: Info, record: Evidence) -> Any:
    """The bundle that a row belongs to; None for a row without one."""
    from app.graphql_api.bundles import EvidenceBundle  # noqa: PLC0415 - bundles know their children's types

    bundle_id = record.row["bundle_id"]
    if bundle_id is None:
        return None
    columns = EvidenceBundle.columns(info)
    return EvidenceBundle.wrap(await load_row(info.context, BUNDLE, bundle_id, columns, record.as_of), record.as_of)
