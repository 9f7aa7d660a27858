"""What a report of tests says of itself: the same from run to run, in bounded memory, and never everybody's name."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.checks import HELD, Held, steady, subject_of_tests

NAMES = st.text(st.sampled_from(string.ascii_letters + string.digits + r" /\:._-T2é"), max_size=60)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("shop.CartTest", "shop.CartTest"),
        ("tests/cart.spec.ts", "tests/cart.spec.ts"),
        ("/home/runner/work/shop/shop/packages/cart/test/cart.spec.ts", "packages/cart/test/cart.spec.ts"),
        ("D:\\a\\shop\\shop\\tests\\Cart.cs", "tests/Cart.cs"),
        ("/builds/team/shop/tests/cart.py", "tests/cart.py"),
        ("/var/lib/jenkins/workspace/shop-main@2/tests/cart.py", "tests/cart.py"),
        ("/home/vsts/work/1/s/tests/cart.py", "tests/cart.py"),
        ("/scratch/tmp.X3fq/checkout/src/test/cart.py", "src/test/cart.py"),
        ("file:///scratch/a/b/c/cart.js", "b/c/cart.js"),
        ("nightly 2026-11-27T18:46:01.250Z", "nightly"),
        ("nightly 2026-11-27", "nightly 2026-11-27"),
        ("run 0f8fad5b-d9cb-469f-a165-70867728950e of shop", "run of shop"),
        ("shop 1764268000123", "shop"),
        ("Chrome Headless 96.0.4664.45 (Linux x86_64)", "Chrome Headless (Linux x86_64)"),
        # What may tell one product from another stays: two checks kept apart are seen, two taken for one are not.
        ("tenant 100001", "tenant 100001"),
        ("api v1.2.3", "api v1.2.3"),
        ("10.0.0.1", "10.0.0.1"),
        ("", ""),
    ],
)
def test_a_name_without_what_differs_from_run_to_run(name: str, kept: str) -> None:
    assert steady(name) == kept


@given(NAMES)
def test_a_steady_name_stays(name: str) -> None:
    assert steady(steady(name)) == steady(name)


@pytest.mark.parametrize("name", ["pytest tests", "AllTests", "Jest Tests", "bun test", "(empty)", "test  results"])
def test_everybodys_name_is_none(name: str) -> None:
    assert subject_of_tests("x", name).name == ""


@given(st.lists(NAMES, max_size=200), st.randoms(use_true_random=False))
def test_names_gathered_in_any_order_are_the_same_subject(names: list[str], order: random.Random) -> None:
    mixed = [*names, *names]
    order.shuffle(mixed)
    held = Held()
    for name in mixed:
        held.add(name)
    assert subject_of_tests(holds=held.names()) == subject_of_tests(holds=names)


def test_names_without_end_take_no_more_room() -> None:
    names = [f"shop.Test{number}" for number in range(20_000)]
    held = Held()
    for name in names:
        held.add(name)
        assert len(held._fresh) < 2048
    assert len(held.names()) == HELD + 1
    subject = subject_of_tests(holds=held.names())
    assert subject.more
    assert subject == subject_of_tests(holds=names)
