"""The readable table of readiness cases, each row a test."""

from __future__ import annotations

import pytest

from app.domain.readiness import decide
from tests.domain.cases import Case, facts, read_cases, read_policies, told

POLICIES = read_policies()
CASES = read_cases()


def test_the_table_is_all_there() -> None:
    assert len(CASES) >= 60
    assert {case.policy for case in CASES} == POLICIES.keys()
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_readiness(case: Case) -> None:
    verdict = decide(facts(case.inputs), POLICIES[case.policy], case.at)
    assert (verdict.state.value, sorted(told(verdict))) == (case.state, sorted(case.reasons))
    assert all(reason.sentence for reason in verdict.reasons)
    assert verdict.policy_digest == POLICIES[case.policy].digest
    assert verdict.evaluated_at == case.at
