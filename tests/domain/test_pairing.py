"""Which checks of two bundles are one check, and that no other check's result is held against one."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.domain.changes import Change, Diff
from app.domain.checks import Subject, bare_key, subject_of, subject_of_tests
from app.domain.diff import diff
from app.domain.evidence import BundleKind, EvidenceType, FindingCounts, Result
from app.domain.facts import BundleFacts, GateFacts, Inputs, ItemFacts
from app.domain.gates import Enforcement, Gate
from app.domain.pairing import may_be_one, named_alike

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
UNIT, INTEGRATION = subject_of_tests("pytest", "unit"), subject_of_tests("pytest", "integration")
WEB, API = subject_of("trivy", "registry/web"), subject_of("trivy", "registry/api")
FOREIGN = "commit bbbb222, not aaaa111"


def report(key: str, subject: Subject | None, result: Result = Result.PASSED, **more: Any) -> ItemFacts:
    identity = None if subject is None else json.dumps(subject.as_dict())
    return ItemFacts(key, EvidenceType.CI, key, result, NOW, identity=identity, **more)


def scan(key: str, subject: Subject | None, *ids: str, **more: Any) -> ItemFacts:
    """A scan that lists high findings."""
    listed = [{"id": each, "severity": "high", "package": "p", "location": "l"} for each in ids]
    counts = FindingCounts(high=len(ids))
    result = Result.FAILED if ids else Result.PASSED
    return report(key, subject, result, findings=counts, payload={"top_findings": listed}, format="trivy", **more)


def changes(*, base: list[ItemFacts], head: list[ItemFacts]) -> Diff:
    facts = BundleFacts("b", "k", BundleKind.RELEASE_CANDIDATE, "staging", "standard", "app")
    return diff(Inputs.of_bundle(facts, items=base), Inputs.of_bundle(facts, items=head))


def told(found: Diff) -> dict[str, Change]:
    return {entry.name: entry.change for entry in found.items}


def test_the_order_in_which_checks_came_makes_no_difference() -> None:
    base = [report("ci/j", UNIT, Result.FAILED), report("ci/j~integration", INTEGRATION)]
    head = [report("ci/j", INTEGRATION), report("ci/j~unit", UNIT)]
    assert told(changes(base=base, head=head)) == {"ci/j": Change.UNCHANGED, "ci/j~unit": Change.FIXED}
    back = [report("ci/j", INTEGRATION), report("ci/j~unit", UNIT, Result.FAILED)]
    assert told(changes(base=base, head=back)) == {"ci/j": Change.UNCHANGED, "ci/j~unit": Change.PERSISTING}


def test_another_check_of_the_name_fixes_nothing() -> None:
    found = changes(base=[report("ci/j", UNIT, Result.FAILED)], head=[report("ci/j", INTEGRATION)])
    assert told(found) == {"ci/j": Change.NEW, "ci/j~unit": Change.GONE}


def test_a_name_that_is_made_up_is_no_others() -> None:
    other = subject_of_tests("jest", "unit")
    base = [report("ci/j", UNIT), report("ci/j~a", subject_of_tests("jest", "a"))]
    found = changes(base=base, head=[report("ci/j", INTEGRATION), report("ci/j~unit", other)])
    assert told(found) == {
        "ci/j": Change.NEW,
        "ci/j~unit": Change.NEW,
        "ci/j~unit-2": Change.GONE,
        "ci/j~a": Change.GONE,
    }


def test_parts_go_with_their_check() -> None:
    base = [report("ci/j#1", UNIT, Result.FAILED), report("ci/j#2", UNIT), report("ci/j~b#1", INTEGRATION)]
    head = [report("ci/j#1", INTEGRATION), report("ci/j~unit#1", UNIT), report("ci/j~unit#2", UNIT)]
    assert told(changes(base=base, head=head)) == {
        "ci/j#1": Change.UNCHANGED,
        "ci/j~unit#1": Change.FIXED,
        "ci/j~unit#2": Change.UNCHANGED,
    }
    alone = changes(base=base[:2], head=head[:1])
    assert told(alone) == {"ci/j#1": Change.NEW, "ci/j~unit#1": Change.GONE, "ci/j~unit#2": Change.GONE}


def test_checks_that_no_name_tells_apart_are_told_by_what_they_hold() -> None:
    def holding(*names: str) -> Subject:
        return subject_of_tests("pytest", "pytest", names)

    base = [report("ci/j", holding("a", "b"), Result.FAILED), report("ci/j~other", holding("x", "y"))]
    head = [report("ci/j", holding("x", "y", "z")), report("ci/j~other", holding("a", "b", "c"))]
    assert told(changes(base=base, head=head)) == {"ci/j": Change.UNCHANGED, "ci/j~other": Change.FIXED}


def test_rows_from_before_are_known_by_their_names() -> None:
    base = [report("ci/j", None, Result.FAILED)]
    assert told(changes(base=base, head=[report("ci/j", UNIT)])) == {"ci/j": Change.FIXED}
    assert told(changes(base=[report("ci/j", UNIT)], head=base)) == {"ci/j": Change.REGRESSED}


def test_the_last_report_says_what_a_check_is_of() -> None:
    old = replace(report("ci/j#1", UNIT), recorded_at=NOW - timedelta(days=1))
    now = report("ci/j#2", INTEGRATION)
    found = named_alike([old, now], [report("ci/j", INTEGRATION), report("ci/j~unit", UNIT)])
    assert [each.source_key for each in found] == ["ci/j#1", "ci/j#2"]


def test_another_image_that_is_clean_fixes_no_finding() -> None:
    base = [scan("security/t", WEB, "CVE-1")]
    found = changes(base=base, head=[scan("security/t", API)])
    assert [(each.id, each.change, each.source_key) for each in found.findings] == [
        ("CVE-1", Change.GONE, "security/t~registry-web")
    ]
    renamed = changes(base=base, head=[scan("security/folder/t", WEB)])
    assert [each.change for each in renamed.findings] == [Change.FIXED]
    # The other scan of the same tool has a partner of its own in the base.
    silent = subject_of("trivy")
    before = [scan("security/a", silent, "CVE-1"), scan("security/b", silent)]
    assert [each.change for each in changes(base=before, head=before[1:]).findings] == [Change.GONE]


def test_a_finding_in_another_image_is_news() -> None:
    base = [scan("security/web", WEB, "CVE-1"), scan("security/api", API)]
    head = [scan("security/web", WEB), scan("security/api", API, "CVE-1")]
    found = changes(base=base, head=head)
    assert [(each.source_key, each.change) for each in found.findings] == [
        ("security/api", Change.NEW),
        ("security/web", Change.FIXED),
    ]
    assert found.is_worse()
    moved = [scan("security/t", API, "CVE-1"), scan("security/t~registry-web", WEB, "CVE-1")]
    base = [scan("security/t", WEB, "CVE-1"), scan("security/t~registry-api", API)]
    assert {each.source_key: each.change for each in changes(base=base, head=moved).findings} == {
        "security/t": Change.NEW,
        "security/t~registry-web": Change.PERSISTING,
    }


def test_evidence_of_another_commit_is_no_result_of_a_bundle() -> None:
    failed = report("ci/j", UNIT, Result.FAILED)
    foreign = report("ci/j~bbbb222", UNIT, mismatched=FOREIGN)
    found = changes(base=[failed], head=[foreign])
    assert told(found) == {"ci/j": Change.GONE}
    late = report("ci/j", UNIT, late=True)
    assert told(changes(base=[failed], head=[failed, late])) == {"ci/j": Change.PERSISTING}
    vulnerable = changes(base=[scan("s", WEB, "CVE-1")], head=[scan("s", WEB, mismatched=FOREIGN)])
    assert [each.change for each in vulnerable.findings] == [Change.GONE]
    facts = BundleFacts("b", "k", BundleKind.RELEASE_CANDIDATE, "staging", "standard", "app")
    refused = GateFacts("1", Gate.APPROVAL, "k", Result.FAILED, Enforcement.BLOCKING, NOW)
    given = replace(refused, id="2", result=Result.PASSED, mismatched=FOREIGN)
    [gate] = diff(Inputs.of_bundle(facts, gates=[refused]), Inputs.of_bundle(facts, gates=[given])).gates
    assert gate.change is Change.GONE


SUBJECTS = [None, UNIT, INTEGRATION, subject_of_tests("pytest", "", ["a", "b"]), subject_of_tests("pytest"), WEB, API]


def some(chance: random.Random, parts: list[str]) -> list[ItemFacts]:
    keys = [name + part for name in ("k", "k~a", "k~b", "other") for part in parts]
    return [
        replace(report(key, chance.choice(SUBJECTS), chance.choice(list(Result))), id=key)
        for key in chance.sample(keys, chance.randrange(len(keys) + 1))
    ]


@given(st.integers(0, 2**48))
def test_no_two_checks_become_one(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - draws test data
    parts = chance.choice([[""], ["", "#1"]])
    base, head = some(chance, parts), some(chance, parts)
    renamed = named_alike(base, head)
    assert [replace(each, source_key="") for each in renamed] == [replace(each, source_key="") for each in base]
    assert len({each.source_key for each in renamed}) == len(base)
    assert {each.id: each for each in named_alike(base[::-1], head[::-1])} == {each.id: each for each in renamed}
    assert named_alike(head, head) == tuple(head)
    if len(parts) == 1:
        unsaid = {bare_key(each.source_key) for each in (*base, *head) if each.identity is None}
        now = {each.source_key: each for each in head}
        for each in renamed:
            if each.source_key in now and bare_key(each.source_key) not in unsaid:
                assert may_be_one(each, now[each.source_key])
