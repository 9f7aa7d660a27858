"""What hangs on the clock, on a policy or on a comparison has no plan, and says so: no answer of it is ever kept."""

from __future__ import annotations

import pytest

from app.db.pool import Database
from app.readmodels.nouns import BUNDLE
from app.readmodels.plan import Unsayable
from tests.readpath.test_equality import Paths
from tests.rows import add
from tests.web import client

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


async def test_header_and_metric_say_why_no_plan_answered(dsn: str, database: Database) -> None:
    await add(database, BUNDLE, title="a\x7fb")
    asked = {
        "{ bundles { totalCount } }": "plan",
        "{ __schema { queryType { name } } }": "resolvers; reason=introspection has no plan",
        "{ bundles { nodes { readiness { state } } } }": "resolvers; reason=EvidenceBundle.readiness has no plan",
        "{ bundles(first: 0) { totalCount } }": "resolvers; reason=error: invalid",
        "{ bundles { nodes { title } } }": "resolvers; reason=a text holds the character that separates values",
    }
    async with client(dsn) as http:
        for text, path in asked.items():
            assert (await http.post("/graphql", json={"query": text})).headers["x-evidence-path"] == path
        counted = (await http.get("/metrics")).text
    for labels, answers in {
        'path="plan",reason=""': 1,
        'path="resolvers",reason="no plan"': 2,
        'path="resolvers",reason="error"': 1,
        'path="resolvers",reason="rows"': 1,
    }.items():
        assert f"evidence_graphql_answers_total{{{labels}}} {answers}.0" in counted
