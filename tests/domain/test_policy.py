"""The policy's format: what it takes, how rules are laid over each other, and what it says of mistakes."""

from __future__ import annotations

import random
from datetime import timedelta
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.catalogue import parse_catalogue
from app.domain.errors import ErrorCode, Invalid
from app.domain.evidence import BundleKind, EvidenceType, Severity
from app.domain.gates import Enforcement, Gate
from app.domain.policy import InvalidPolicy, Policy, parse_policy
from app.domain.requirements import CountingRule, Requirements
from tests.domain.inputs import Drawing

DEFAULT = resources.files("app.domain").joinpath("policy_default.toml").read_text()
CATALOGUE = resources.files("app.domain").joinpath("catalogue.toml").read_text()


def asked(policy: Policy, **names: str) -> Requirements:
    scope = {"kind": "release_candidate", "environment": "staging", "profile": "standard", "product": "app"} | names
    return policy.requirements(**scope)


def problems(text: str, **options: list[str]) -> list[tuple[int, str]]:
    with pytest.raises(InvalidPolicy) as caught:
        parse_policy(text, "policy.toml", options.get("known"))
    return [(problem.line, problem.message) for problem in caught.value.problems]


def test_the_default_policy_is_valid_and_knows_its_invariants() -> None:
    policy = parse_policy(DEFAULT, "default", parse_catalogue(CATALOGUE, "catalogue.toml"))
    for kind in BundleKind:
        for environment in ("staging", "production"):
            needs = asked(policy, kind=kind.value, environment=environment)
            assert needs.gates.required(), (kind, environment)
            assert all(needs.freshness.of_evidence(each) for each in EvidenceType)
            assert needs.freshness.of_component("api")
    candidate = asked(policy, environment="production")
    assert candidate.gates.named["uat"] is Enforcement.BLOCKING
    assert candidate.approval.four_eyes
    assert asked(policy, environment="dev").gates.named["uat"] is None
    assert asked(policy, profile="hardened").security.limit(Severity.MEDIUM) == 0
    assert asked(policy).security.limit(Severity.MEDIUM) is None


def test_a_rule_that_names_more_wins_whatever_the_order() -> None:
    blocks = [
        '[[rules]]\ngates.uat = "report_only"\ngates.security = "blocking"',
        '[[rules]]\nkind = "release_candidate"\ngates.uat = "warning"',
        '[[rules]]\nenvironment = ["staging", "qa"]\ngates.uat = "off"',
        '[[rules]]\nprofile = "hardened"\ngates.uat = "warning"\ngates.capacity = "warning"',
        '[[rules]]\nproduct = "portal"\nprofile = "*"\ngates.uat = "blocking"',
        '[[rules]]\nkind = "release_candidate"\nprofile = "hardened"\ngates.capacity = "blocking"',
    ]
    digests = set()
    for seed in range(20):
        order = list(blocks)
        random.Random(seed).shuffle(order)  # noqa: S311 - an order to try
        policy = parse_policy("\n".join(["version = 1", *order]), "p")
        digests.add(policy.digest)
        assert asked(policy, environment="production").gates.named["uat"] is Enforcement.WARNING
        assert asked(policy, environment="qa").gates.named["uat"] is None
        assert asked(policy, profile="hardened").gates.named["uat"] is None
        assert asked(policy, profile="hardened").gates.named["capacity"] is Enforcement.BLOCKING
        assert asked(policy, product="portal", profile="hardened").gates.named["uat"] is Enforcement.BLOCKING
        assert asked(policy, product="portal").gates.named["security"] is Enforcement.BLOCKING
        assert asked(policy, kind="uat_package", environment="x").gates.named["uat"] is Enforcement.REPORT_ONLY
    assert len(digests) == 1
    rules = asked(policy, profile="hardened").rules
    assert rules[0] == "*"
    assert rules[-1] == "profile=hardened kind=release_candidate"


def test_rules_that_are_as_specific_may_not_meet() -> None:
    text = """version = 1
[[rules]]
environment = ["staging", "qa"]
[[rules]]
environment = "production"
[[rules]]
environment = ["qa", "dev"]
"""
    [(line, message)] = problems(text)
    assert line == 6
    assert "the rule at line 2" in message


def test_values_are_read_as_meant() -> None:
    policy = parse_policy(
        """
version = 1
description = "all settings"
[roles]
leads = ["Alice", "*@leads.example.org"]
[[rules]]
description = "one of each"
kind = ["release_candidate", "uat_package"]
gates = { uat = "blocking", capacity = "off" }
invariants = { PI-LAUNCH-001 = "blocking", "*" = "off" }
guards."plan.tf" = "warning"
components = { "*" = "warning" }
evidence = { ci = "blocking" }
[rules.freshness]
ci = "1d12h"
security = "unlimited"
gate = "2w"
component = "90s"
gates.approval = "1h"
components = { batch = "2h" }
[rules.thresholds]
security = { max_high = 3, max_critical = "unlimited" }
contract_drift.max_breaking = 2
capacity = { max_failed_thresholds = 1, max_error_rate = 0.5, max_percentiles_ms = { p95 = 800, "p99.9" = 1e3 } }
uat = { min_pass_rate = 0.98, max_flaky = 0 }
guard.max_failed = 1
[rules.approval]
approvers = 2
four_eyes = true
by = ["role:leads"]
[rules.waivers]
by = ["carol"]
gates = ["uat"]
max_duration = "3d"
counts_as = "report_only"
""",
        "p",
    )
    needs = asked(policy)
    assert needs.gates.required() == {"uat": Enforcement.BLOCKING}
    assert needs.gates.of("capacity", Enforcement.BLOCKING) is Enforcement.REPORT_ONLY
    assert needs.gates.of("security", Enforcement.BLOCKING) is Enforcement.BLOCKING
    assert needs.invariants.of("PI-X-001", Enforcement.BLOCKING) is Enforcement.REPORT_ONLY
    assert needs.guards.of("plan.tf", Enforcement.BLOCKING) is Enforcement.WARNING
    assert needs.components.of("api", Enforcement.REPORT_ONLY) is Enforcement.WARNING
    assert needs.freshness.of_evidence(EvidenceType.CI) == timedelta(days=1, hours=12)
    assert needs.freshness.of_evidence(EvidenceType.SECURITY) is None
    assert needs.freshness.of_gate(Gate.UAT) == timedelta(weeks=2)
    assert needs.freshness.of_gate(Gate.APPROVAL) == timedelta(hours=1)
    assert needs.freshness.of_component("api") == timedelta(seconds=90)
    assert needs.freshness.of_component("batch") == timedelta(hours=2)
    assert needs.security.limit(Severity.HIGH) == 3
    assert needs.security.limit(Severity.CRITICAL) is None
    assert needs.capacity.max_percentiles_ms == {"p95": 800.0, "p99.9": 1000.0}
    assert (needs.uat.min_pass_rate, needs.uat.max_flaky, needs.guard.max_failed) == (0.98, 0, 1)
    assert (needs.approval.approvers, needs.approval.four_eyes) == (2, True)
    assert needs.waivers.max_duration == timedelta(days=3)
    assert needs.is_one_of("ALICE", needs.approval.by)
    assert needs.is_one_of("x@Leads.example.org", needs.approval.by)
    assert not needs.is_one_of("mallory", needs.approval.by)
    assert not needs.is_one_of(" ", ("*",))
    assert asked(policy, kind="security_review") == Requirements(roles=policy.roles)


def test_every_mistake_is_named_with_its_line_and_what_is_allowed() -> None:
    text = """version = 2
owner = "me"
[roles]
leads = "alice"
[[rules]]
kind = "release"
gates = { uat = "block", securty = "blocking" }
freshness.ci = "7 days"
[rules.thresholds.security]
max_hihg = 0
max_low = -1
max_info = true
[rules.invariants]
PI-LAUNCH-01 = "blocking"
PI-LAUNCH-999 = "blocking"
[rules.approval]
approvers = 0
by = [
  "role:nobody",
]
[rules.waivers]
gates = ["everything"]
counts_as = "blocking"
[[rules]]
environment = []
thresholds.capacity.max_percentiles_ms = { ninety = 1 }
evidence = "ci"
"""
    found = problems(text, known=["PI-LAUNCH-001"])
    expected = {
        1: "must be there and be 1",
        2: "owner: not a key that is known here; allowed: version, description, roles, rules",
        4: "roles.leads: must be a list of names",
        6: "'release' is not a kind of bundle; allowed: release_candidate",
        7: 'must be one of blocking, warning, report_only, off; not "block"',
        8: 'rules[1].freshness.ci: must be a duration such as "15m"',
        10: "did you mean max_high?",
        11: "must be a whole number from 0",
        12: "not true",
        14: "must be an invariant id such as PI-LAUNCH-001",
        15: "not in the catalogue",
        17: "a whole number from 1 to 100",
        18: "role:nobody: there is no such role; [roles] has: leads",
        22: "must be a list of gates out of contract_drift",
        23: "must be warning or report_only",
        25: 'must be a name, a list of names, or "*"',
        26: "must be a percentile such as p95",
        27: 'rules[2].evidence: must be a table; not "ci"',
    }
    assert sorted({line for line, _ in found}) == sorted(expected)
    for line, words in expected.items():
        assert any(words in message for at, message in found if at == line), (line, words, found)
    assert any("did you mean security?" in message for line, message in found if line == 7)


def test_how_much_weighs_what_does_not_count() -> None:
    silent = asked(parse_policy("version = 1\n[[rules]]", "p"))
    assert silent.counting == CountingRule(Enforcement.BLOCKING, Enforcement.WARNING)
    text = 'version = 1\n[[rules]]\ncounting = { mismatched = "off", late = "blocking" }'
    assert asked(parse_policy(text, "p")).counting == CountingRule(Enforcement.REPORT_ONLY, Enforcement.BLOCKING)
    wrong = 'version = 1\n[[rules]]\n[rules.counting]\nmismatched = "maybe"\nlater = "off"\nlate = true\n'
    assert problems(wrong) == [
        (4, 'rules[1].counting.mismatched: must be one of blocking, warning, report_only, off; not "maybe"'),
        (5, "rules[1].counting.later: not a key that is known here; did you mean late? allowed: mismatched, late"),
        (6, "rules[1].counting.late: must be one of blocking, warning, report_only, off; not true"),
    ]


def test_the_error_reads_as_a_list() -> None:
    with pytest.raises(Invalid) as caught:
        parse_policy("version = 1\n[[rules]]\nx = 1\n[[rules]]\n", "policy.toml")
    assert caught.value.code is ErrorCode.INVALID
    assert caught.value.message.startswith("policy.toml has 2 problems:\n  line 3: rules[1].x: not a key")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("version = 1\nrules = [", 2),
        ("version = 1\n\nx = \n", 3),
        ("a = 1\na = 2", 2),
        ("version = 1\n[[rules]]\nx = '\x00'", 3),
        ("", 1),
        ("a = " + "[" * 5000, 1),
    ],
)
def test_what_is_not_toml_is_told_with_its_line(text: str, line: int) -> None:
    assert problems(text)[0][0] == line


def test_the_digest_is_of_the_meaning() -> None:
    one = parse_policy('version = 1\n[[rules]]\nfreshness = { ci = "7d" }\nwaivers.by = ["b", "a"]', "one")
    same = parse_policy(
        '# note\r\nversion = 1\r\ndescription = "x"\r\n[[rules]]\r\nkind = "*"\r\n[rules.waivers]\r\n'
        'by = ["a", "b", "a"]\r\n[rules.freshness]\r\nci = "1w"\r\n',
        "another name",
    )
    other = parse_policy('version = 1\n[[rules]]\nfreshness = { ci = "8d" }\nwaivers.by = ["a", "b"]', "one")
    assert one.digest == same.digest != other.digest
    assert len(one.digest) == 64


@given(st.integers(0, 2**48))
def test_drawn_policies_keep_their_digest(seed: int) -> None:
    assert Drawing(seed).policy().digest == Drawing(seed).policy().digest


def misplaced(text: str) -> list[int]:
    """Lines that problems name and the text does not have."""
    try:
        parse_policy(text, "p")
    except InvalidPolicy as error:
        lines = [problem.line for problem in error.problems] or [0]
        return [line for line in lines if not 1 <= line <= text.count("\n") + 1]
    return []


@given(st.text(max_size=200) | st.integers(0, len(DEFAULT)).map(lambda cut: DEFAULT[:cut]))
def test_any_text_is_a_policy_or_a_list_of_problems(text: str) -> None:
    assert not misplaced(text)


@given(st.integers(0, 10_000), st.sampled_from(["", "x", "= 3", '"', "[[rules]]\n", "1", "[]", "{", "\n"]))
def test_a_mutilated_policy_never_breaks_the_reader(place: int, inserted: str) -> None:
    place %= len(DEFAULT)
    assert not misplaced(DEFAULT[:place] + inserted + DEFAULT[place + 3 :])
