"""JUnit suites that declare more than they hold: never a clean pass, unless the writer is known to count otherwise."""

from __future__ import annotations

import copy
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.importers import junit
from app.importers.base import Artifact, ImportBatch, Item

HEAD = '<testcase classname="shop.Cart" name="a"/>'


def batch_of(text: str) -> ImportBatch:
    return junit.parse(Artifact.of_bytes("junit.xml", text.encode()))


def item_of(text: str) -> Item:
    (item,) = batch_of(text).items
    return item


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            f'<testsuite name="s" tests="65255">{HEAD}<testcase name="b"/></testsuite>',
            "the report declares 65,255 tests and holds 2",
        ),
        (
            f'<testsuites><testsuite><testsuite name="y" tests="2">{HEAD}</testsuite></testsuite></testsuites>',
            "suite y declares 2 tests and holds 1",
        ),
        (
            f'<testsuites tests="1"><testsuite name="s" errors="1">{HEAD}</testsuite></testsuites>',
            "suite s declares 1 error that no case shows",
        ),
        (f'<testsuites errors="2">{HEAD}</testsuites>', "the report declares 2 errors that no case shows"),
        (
            f'<testsuite name="s" tests="3" failures="2" errors="1">{HEAD}</testsuite>',
            "the report declares 3 tests and holds 1, and 2 failures and 1 error that no case shows",
        ),
        ('<testsuites><testsuite name="s" tests="6"/></testsuites>', "suite s declares 6 tests and holds 0"),
        # A rerun explains as many tests as there were attempts, no more.
        (
            '<testsuite name="s" tests="4"><testcase name="a"><flakyFailure/></testcase></testsuite>',
            "the report declares 4 tests and holds 1",
        ),
        # So do tests that are declared as skipped and not written.
        (
            f'<testsuite name="s" tests="9" skipped="7">{HEAD}</testsuite>',
            "the report declares 9 tests and holds 1",
        ),
        (
            '<testsuite name="s" tests="3" skipped="1"><testcase name="a"/><testcase name="b"><skipped/></testcase>'
            "</testsuite>",
            "the report declares 3 tests and holds 2",
        ),
        # The failure of one suite shows nothing of the failure of another.
        (
            f'<testsuites><testsuite name="s" failures="1">{HEAD}</testsuite><testsuite name="t" tests="2">{HEAD}'
            "</testsuite></testsuites>",
            "suite t declares 2 tests and holds 1 (1 more suite does so)",
        ),
    ],
)
def test_what_is_declared_and_not_there_is_no_pass(text: str, said: str) -> None:
    item = item_of(text)
    assert item.result.value == "inconclusive"
    assert item.title.endswith(f"; {said}")
    assert item.payload["declared_by_suites"]
    assert "declared" in item.payload


@pytest.mark.parametrize(
    ("text", "result"),
    [
        # Surefire: three attempts counted as three tests and two failures, of one case that passed in the end.
        (
            '<testsuite name="s" tests="3" failures="2"><testcase name="a"><flakyFailure/><flakyFailure/></testcase>'
            "</testsuite>",
            "warned",
        ),
        (
            '<testsuite name="s" tests="3" failures="3"><testcase name="a"><failure/><rerunFailure/><rerunError/>'
            "</testcase></testsuite>",
            "failed",
        ),
        # A writer that adds up the totals of every suite, those of suites inside others too.
        (
            f'<testsuites tests="2"><testsuite name="x" tests="1"><testsuite name="y" tests="1">{HEAD}</testsuite>'
            "</testsuite></testsuites>",
            "passed",
        ),
        # Disabled and skipped tests that are counted and not written.
        (f'<testsuite name="AllTests" tests="4" disabled="3">{HEAD}</testsuite>', "passed"),
        (f'<testsuite name="s" tests="4" skipped="3">{HEAD}</testsuite>', "passed"),
        # Less declared than written.
        (f'<testsuites tests="0" failures="0"><testsuite name="s" tests="0">{HEAD}</testsuite></testsuites>', "passed"),
        ('<testsuite tests="many" failures="-1" errors="">' + HEAD + "</testsuite>", "passed"),
        # Assertions: Catch2 and doctest.
        (
            f'<testsuites><testsuite name="t" errors="0" failures="0" tests="412" hostname="tbd">{HEAD}</testsuite>'
            "</testsuites>",
            "passed",
        ),
        (f'<testsuite name="t" failures="0" tests="412" doctest_version="2.4.11">{HEAD}</testsuite>', "passed"),
        (
            '<testsuite name="t" tests="412"><testcase classname="src/cart.cpp" name="a" status="run"/></testsuite>',
            "passed",
        ),
        # Assertions of one name, which Newman writes once, and subtests of pytest: cases may be lost, or not.
        (
            '<testsuites name="shop" tests="9" time="1"><testsuite name="s" id="1" timestamp="" tests="3" failures="0" '
            f'errors="0" time="0">{HEAD}</testsuite></testsuites>',
            "warned",
        ),
        (
            '<testsuites name="pytest tests"><testsuite name="pytest" errors="0" failures="0" skipped="0" tests="10" '
            f'hostname="ci">{HEAD}</testsuite></testsuites>',
            "warned",
        ),
        # A failure that another attribute calls an error is shown all the same.
        ('<testsuite tests="1" errors="1"><testcase name="a"><failure/></testcase></testsuite>', "failed"),
        ('<testsuite tests="1" errors="1"><testcase name="a" status="failed"/></testsuite>', "failed"),
    ],
)
def test_writers_that_count_otherwise(text: str, result: str) -> None:
    assert item_of(text).result.value == result


def test_failures_outside_any_case_are_named() -> None:
    item = item_of(
        '<testsuites><testsuite name="shop"><testsuite name="db"><error type="IOError" name="setUp" message="no disk"/>'
        "<testcase name='a'/></testsuite></testsuite></testsuites>"
    )
    assert item.result.value == "error"
    assert item.title == "shop: 1 passed of 1; 1 problem outside the tests: shop › db: setUp: no disk"
    assert item.payload["suite_problems"] == [
        {"suite": "shop › db", "kind": "error", "type": "IOError", "name": "setUp", "message": "no disk"}
    ]


@pytest.mark.parametrize(
    ("children", "result"),
    [
        ('<skipped type="todo"/><failure message="not yet"/>', "skipped"),
        ('<skipped type="todo"/>', "skipped"),
        ('<skipped type="todo"/><error/>', "error"),
        ('<skipped type="skipped"/><failure/>', "failed"),
        ("<skipped/><failure/>", "failed"),
        ('<failure type="todo"/>', "failed"),
    ],
)
def test_a_todo_may_fail(children: str, result: str) -> None:
    assert item_of(f'<testsuite name="s"><testcase name="a">{children}</testcase></testsuite>').result.value == result


def test_a_todo_that_fails_proves_no_invariant() -> None:
    text = '<testsuite><testcase name="[PI-LAUNCH-001] a"/><testcase name="[PI-LAUNCH-001] b">{}</testcase></testsuite>'
    (invariant,) = batch_of(text.format('<skipped type="todo"/><failure/>')).invariants
    assert invariant.result.value == "pending"


LEAVES = st.lists(st.sampled_from(["", "skipped", "flakyFailure"]), max_size=4)
TREES: st.SearchStrategy[Any] = st.recursive(
    st.tuples(LEAVES, st.just([])),
    lambda inner: st.tuples(LEAVES, st.lists(inner, min_size=1, max_size=3)),
    max_leaves=8,
)


def built(tree: Any, how: str, at: str = "s") -> Element:
    """A suite of a tree, honest in its own way: `all` cases in it, or the `sum` of the totals of all suites below."""
    cases, suites = tree
    suite = Element("testsuite", name=at)
    for number, kind in enumerate(cases):
        case = ElementTree.SubElement(suite, "testcase", name=f"{at}.{number}", classname=at)
        if kind:
            ElementTree.SubElement(case, kind)
    for number, inner in enumerate(suites):
        suite.append(built(inner, how, f"{at}{number}"))
    below = [each for each in suite.iter("testsuite") if each is not suite]
    total = len(list(suite.iter("testcase")))
    suite.set("tests", str(total if how == "all" else len(cases) + sum(int(each.get("tests", "")) for each in below)))
    return suite


@settings(deadline=None, max_examples=200)
@given(TREES, st.sampled_from(["all", "sum"]), st.data())
def test_honest_totals_say_nothing_and_a_case_lost_is_always_told(tree: Any, how: str, data: st.DataObject) -> None:
    whole = built(tree, how)
    assert "declared_by_suites" not in item_of(ElementTree.tostring(whole, "unicode")).payload
    plain = [
        (suite, case)
        for suite in whole.iter("testsuite")
        for case in suite.findall("testcase")
        if not list(case)  # an attempt or a skipped test elsewhere might explain it
    ]
    if plain and not whole.findall(".//flakyFailure"):
        suite, case = data.draw(st.sampled_from(plain))
        suite.remove(case)
        item = item_of(ElementTree.tostring(copy.deepcopy(whole), "unicode"))
        assert item.result.value == "inconclusive"
        assert "declares" in item.title
