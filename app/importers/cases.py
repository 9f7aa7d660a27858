"""Test cases as they are gathered: counted by outcome, the troubled ones kept, invariants proved by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.evidence import Result, TestCounts, worst_result
from app.domain.invariants import INVARIANT_ID, ids_in_text
from app.importers.base import TOP_TESTS, InvariantResult, clip

_COUNTED = {
    Result.PASSED: "passed",
    Result.WARNED: "passed",  # a flaky pass
    Result.FAILED: "failed",
    Result.ERROR: "error",
    Result.SKIPPED: "skipped",
    Result.PENDING: "skipped",  # written down, not yet built
    Result.INCONCLUSIVE: "skipped",  # ran, and says neither yes nor no
}

INVARIANT_LIMIT = 1000
"""Different invariants that one artifact may name."""

TESTS_PER_INVARIANT = 20


@dataclass(slots=True)
class Cases:
    """A running count of test cases. Memory is bounded by the limits above and TOP_TESTS."""

    _tally: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("passed", "failed", "error", "skipped"), 0))
    _flaky: int = 0
    _troubled: list[dict[str, Any]] = field(default_factory=list)
    _proofs: dict[str, list[tuple[str, Result]]] = field(default_factory=dict)
    _outcomes: dict[str, set[Result]] = field(default_factory=dict)

    def add(
        self,
        name: str,
        result: Result,
        *,
        suite: str = "",
        message: str = "",
        invariants: Iterable[str] = (),
        **more: Any,
    ) -> None:
        """Count one case. `result` is passed, warned (a flaky pass), failed, error or skipped; pending and
        inconclusive count as skipped, yet are kept among the troubled and never hide behind another test's pass
        of the same invariant. `invariants` are ids given by property, annotation or tag; ids in the name, as
        `[PI-LAUNCH-001]`, are found here."""
        self._tally[_COUNTED[result]] += 1
        self._flaky += result is Result.WARNED
        if result not in (Result.PASSED, Result.SKIPPED) and len(self._troubled) < TOP_TESTS:
            told = {"name": clip(name, 300), "suite": clip(suite, 300), "message": clip(message)}
            told |= {key: clip(value, 300) for key, value in more.items()}
            self._troubled.append({"result": result.value} | {key: value for key, value in told.items() if value})
        if invariants or "PI-" in name:  # the search is dear, and reports of a million cases are many
            for invariant in dict.fromkeys((*(i.strip() for i in invariants), *ids_in_text(name))):
                self.prove(invariant, name, result)

    def prove(self, invariant: str, name: str, result: Result) -> None:
        """Let what is called `name`, a case or a whole suite, speak for an invariant without counting it. Anything
        but an invariant's id is passed over."""
        known = invariant in self._proofs
        if not INVARIANT_ID.fullmatch(invariant) or (not known and len(self._proofs) >= INVARIANT_LIMIT):
            return
        self._outcomes.setdefault(invariant, set()).add(result)
        tests = self._proofs.setdefault(invariant, [])
        if len(tests) < TESTS_PER_INVARIANT:
            tests.append((clip(name, 300), result))

    def counts(self) -> TestCounts:
        """The counts so far."""
        return TestCounts(total=sum(self._tally.values()), flaky=self._flaky, **self._tally)

    def troubled(self) -> list[dict[str, Any]]:
        """The cases that neither passed cleanly nor were skipped, at most TOP_TESTS, in file order."""
        return self._troubled

    def invariants(self, evaluated_at: datetime | None, item: int = 0) -> tuple[InvariantResult, ...]:
        """One result per invariant named: the worst over its tests; a flaky pass is warned; skipped beside a pass
        does not hide the pass."""
        return tuple(
            InvariantResult(
                invariant_id=invariant,
                result=worst_result(list(self._outcomes[invariant])),
                title=tests[0][0],
                evaluated_at=evaluated_at,
                details={"tests": [{"name": name, "result": result.value} for name, result in tests]},
                item=item,
            )
            for invariant, tests in sorted(self._proofs.items())
        )
