"""Bundles by key, and any row by its id alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.db.queries import load
from app.readmodels.nouns import BUNDLE, NOUNS, Noun
from app.readmodels.predicates import Parameters, known, visible
from app.readmodels.rows import Reader, check_ids

_BY_NAME = {noun.name: noun for noun in NOUNS}


async def bundle_ids_by_keys(reader: Reader, keys: Sequence[str], as_of: datetime | None = None) -> dict[str, str]:
    """The id that each bundle key means: its latest revision, by now or as of then. Unknown keys are absent."""
    parameters = Parameters()
    sql = load("app.readmodels", "bundles")["bundle_ids_by_keys"].fill(
        keys=parameters.add(list(keys), "text[]"),
        where=f"{visible(BUNDLE, reader.scope, parameters)} AND {known(BUNDLE, as_of, parameters)}",
    )
    return {row["bundle_key"]: row["id"] for row in await reader.database.fetch(sql, *parameters.values)}


async def nouns_by_ids(reader: Reader, ids: Sequence[str]) -> dict[str, Noun]:
    """Which noun each id is of, whether or not the reader may see it; unknown ids are absent."""
    sql = load("app.readmodels", "nodes")["nouns_by_ids"].sql
    rows = await reader.database.fetch(sql, check_ids(ids))
    return {row["id"]: _BY_NAME[row["noun"]] for row in rows}
