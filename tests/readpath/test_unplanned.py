"""What hangs on the clock, on a policy or on a comparison has no plan, and says so: no answer of it is ever kept."""

from __future__ import annotations

import pytest

from app.db.pool import Database
from app.readmodels.plan import Unsayable
from tests.readpath.test_equality import Paths

OPERATIONS = {
    "{ componentStatuses { nodes { health { fresh } } } }": "ComponentStatus.health",
    "{ componentStatuses { edges { node { component health { daily(days: 2) { ratio } } } } } }": (
        "ComponentStatus.health"
    ),
    '{ environmentStatuses(environments: ["staging"]) { status } }': "environmentStatuses",
    '{ readiness(environment: "staging") { state } }': "readiness",
    '{ bundleDiff(base: "a", head: "b") { __typename } }': "bundleDiff",
    "{ bundles { nodes { readiness { state } } } }": "EvidenceBundle.readiness",
}


@pytest.mark.parametrize("text", list(OPERATIONS))
async def test_the_reason_names_the_field(database: Database, text: str) -> None:
    with pytest.raises(Unsayable) as unsayable:
        await Paths(database).plan(text, {})
    assert OPERATIONS[text] in unsayable.value.reason
