"""What both of Cucumber's formats share: the statuses, and what a scenario of each counts as.

Since version 5 or so every Cucumber is strict: a run with an undefined, ambiguous or pending step fails. So a
scenario with such a step is not proven. Undefined and ambiguous mean that the test itself is broken: an error.
Pending means that it is yet to be written: it counts as skipped, and the run is pending at best.
"""

from __future__ import annotations

from app.domain.evidence import Result

WORST_FIRST = ("failed", "ambiguous", "undefined", "pending", "skipped", "passed")

RESULTS = {
    "failed": Result.FAILED,
    "ambiguous": Result.ERROR,
    "undefined": Result.ERROR,
    "pending": Result.PENDING,
    "skipped": Result.SKIPPED,
    "passed": Result.PASSED,
}


def worst_status(statuses: set[str]) -> str:
    """The worst of the statuses; "other" when none of them is Cucumber's."""
    return next((status for status in WORST_FIRST if status in statuses), "other")
