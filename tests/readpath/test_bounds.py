"""A thousand distinct operations leave the next as fast as the first, and memory bounded."""

from __future__ import annotations

import statistics
import time
import tracemalloc

from app.domain.paging import CursorCodec
from app.graphql_api.operations import Documents
from app.graphql_api.planned import Plans
from app.readmodels.predicates import Scope

NESTED = (
    "query Q{n} {{ bundles(first: {n}) {{ nodes {{ id f{n}: title items {{ nodes {{ id title payload }} }} }} }} }}"
)


def _cold(plans: Plans, n: int) -> float:
    began = time.process_time()
    plans.prepare(NESTED.format(n=n % 400 + 1) + " " * (n // 400), None, {}, Scope())
    return time.process_time() - began


def test_a_thousand_operations() -> None:
    plans = Plans(Documents(size=300), CursorCodec(b"test"))
    for n in range(300):
        _cold(plans, n)
    first = [_cold(plans, n) for n in range(300, 500)]
    tracemalloc.start()
    for n in range(500, 800):
        _cold(plans, n)
    before = tracemalloc.get_traced_memory()[0]
    last = [_cold(plans, n) for n in range(800, 1100)]
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert len(plans._plans) <= 1_000
    assert grown < 24 * 1024 * 1024
    # tracing slows the later ones; what is measured is that nothing grows with the number of operations
    assert statistics.median(last) < 6 * statistics.median(first)


def test_preparing_a_cold_operation_takes_a_few_milliseconds() -> None:
    plans = Plans(Documents(), CursorCodec(b"test"))
    for n in range(20):
        _cold(plans, n)
    assert statistics.median(_cold(plans, n) for n in range(20, 80)) < 0.02  # 2 ms at rest; CI machines are not
