"""A thousand distinct operations leave memory bounded, and the next as cheap to prepare as the first."""

from __future__ import annotations

import statistics
import time
import tracemalloc

from app.domain.paging import CursorCodec
from app.graphql_api.operations import Documents
from app.graphql_api.planned import PLANS, Plans
from app.readmodels.predicates import Scope

NESTED = (
    "query Q{n} {{ bundles(first: {n}) {{ nodes {{ id f{n}: title items {{ nodes {{ id title payload }} }} }} }} }}"
)


def _cold(plans: Plans, n: int) -> float:
    began = time.process_time()
    plans.prepare(NESTED.format(n=n % 400 + 1) + " " * (n // 400), None, {}, Scope())
    return time.process_time() - began


def test_a_thousand_operations_cost_no_more_than_the_first() -> None:
    plans = Plans(Documents(size=300), CursorCodec(b"test"))
    for n in range(300):
        _cold(plans, n)
    first = [_cold(plans, n) for n in range(300, 500)]
    for n in range(500, 1_000):
        _cold(plans, n)
    last = [_cold(plans, n) for n in range(1_000, 1_200)]
    # the same work on the same machine: a cost that grew with what was prepared before would be many times as much
    assert statistics.median(last) < 3 * statistics.median(first)


def test_a_thousand_operations_leave_memory_bounded() -> None:
    plans = Plans(Documents(size=300), CursorCodec(b"test"))
    tracemalloc.start()
    for n in range(600):
        _cold(plans, n)
    before = tracemalloc.get_traced_memory()[0]
    for n in range(600, 900):
        _cold(plans, n)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert len(plans._plans) <= PLANS
    assert grown < 24 * 1024 * 1024
