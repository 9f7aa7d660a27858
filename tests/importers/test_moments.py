"""Times as producers write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from app.importers.moments import moment

NOON = datetime(2024, 2, 29, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2024-02-29T12:00:00Z",
        "2024-02-29T12:00:00z",
        "2024-02-29T12:00:00",
        "2024-02-29 12:00:00 UTC",
        "2024-02-29T12:00Z",
        "2024-02-29T13:00:00+01:00",
        "2024-02-29T17:30:00+0530",
        "2024-02-29T04:00:00-08",
        "2024-02-29T12:00:00.000000000Z",
        "2024-02-29T12:00:00,000",
        " 2024-02-29T12:00:00Z ",
        "Thu, 29 Feb 2024 12:00:00 GMT",
        "Thu, 29 Feb 2024 13:00:00 +0100",
        "1709208000",
        "1709208000000",
        1709208000,
        1709208000.0,
        1709208000000,
        1709208000000000,
        1709208000000000000,
    ],
)
def test_one_moment_in_many_spellings(written: Any) -> None:
    assert moment(written) == NOON
    found = moment(written)
    assert found is not None
    assert found.tzinfo is UTC


def test_fractions() -> None:
    assert moment("2024-02-29T12:00:00.123456789Z") == NOON.replace(microsecond=123456)
    assert moment("2024-02-29T12:00:00.5Z") == NOON.replace(microsecond=500_000)
    assert moment(1709208000.25) == NOON.replace(microsecond=250_000)
    assert moment("2024-02-29") == NOON.replace(hour=0)


@pytest.mark.parametrize(
    "written",
    [
        None, True, False, "", "yesterday", "2023-02-29T12:00:00Z", "2024-13-01", "2024-02-29T25:00:00Z",
        "1970-01-01T00:00:00", "2999-01-01T00:00:00Z", 0, -1, 1, float("nan"), float("inf"), 10**400, -(10**400),
        [], {}, "9" * 400, "٢٠٢٤-02-29", "2024-02-29T12:00:00+99:00", "Thu, 99 Feb 2024 12:00:00 GMT", ",",
        "0001-01-01T00:00:00+14:00", b"2024-02-29",
    ],
)  # fmt: skip
def test_what_is_no_plausible_time_is_none(written: Any) -> None:
    assert moment(written) is None
