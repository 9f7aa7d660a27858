"""What JUnit suites declare in their attributes, held against the cases that stand in them.

A total that is larger than what is written means that cases were lost, or that something failed which no case shows;
either way nobody can call the report a clean pass. A total that is smaller is harmless, and usual. So are totals that
count something else than cases, where the writer is known to do so: Surefire counts every rerun (its issue 2138), some
count a suite inside another twice, most count disabled and skipped tests that they do not write, Catch2 and doctest
count assertions, pytest counts subtests, and Newman writes assertions of one name once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from app.domain.evidence import Result
from app.importers.base import clip

KEPT = 20
"""How many suites that declare more than they hold the payload names."""

_NOT_RUN = ("skipped", "skips", "ignored", "notrun", "not-run")
_PYTEST = frozenset(("errors", "failures", "skipped", "hostname"))
_NEWMAN_ROOT = frozenset(("name", "tests", "time"))
_NEWMAN_SUITE = frozenset(("name", "id", "timestamp", "tests", "failures", "errors", "time"))
_SOURCES = (".cpp", ".cc", ".cxx", ".c++", ".h", ".hpp", ".hxx", ".mm")


@dataclass(slots=True)
class Suite:
    """A suite while it is open: what it declares, and what was met in it and in the suites below it."""

    attributes: dict[str, str]
    before: int
    """How many cases the report held where the suite began."""
    cases: int = 0
    """How many stand in it, known at its end."""
    cases_below: int = 0
    not_run: int = 0
    bad: int = 0
    """Failures and errors that are written: as cases, as attempts before the last, or directly in a suite."""
    attempts: int = 0
    """Attempts before the last, which some writers count as tests."""
    declared_below: int = 0
    holds_newmans: bool = False
    last_case: dict[str, str] = field(default_factory=dict)

    def take(self, inner: Suite) -> None:
        """Add a suite that has ended below this one."""
        self.cases_below += inner.cases
        self.not_run += inner.not_run
        self.bad += inner.bad
        self.attempts += inner.attempts
        self.holds_newmans |= inner.attributes.keys() == _NEWMAN_SUITE
        declared = total(inner.attributes, "tests")
        self.declared_below += inner.declared_below + (inner.own_cases if declared is None else declared)

    @property
    def own_cases(self) -> int:
        """The cases that stand directly in it."""
        return self.cases - self.cases_below

    def missing(self) -> int:
        """How many cases it declares and does not hold, apart from those that need not be there."""
        declared = total(self.attributes, "tests") or 0
        missing = declared - self.cases
        if missing <= 0 or self._counts_otherwise():
            return 0
        if self.declared_below and declared == self.own_cases + self.declared_below:
            return 0  # the sum of what the suites below declare, and each of those is looked at
        said = [total(self.attributes, word) or 0 for word in _NOT_RUN]
        unwritten = max(said) + (total(self.attributes, "disabled") or 0) - self.not_run
        return missing if missing > max(unwritten, 0) + self.attempts else 0

    def unshown(self) -> int:
        """How many failures and errors it declares, where none at all is written."""
        declared = sum(total(self.attributes, word) or 0 for word in ("failures", "errors"))
        return 0 if self.bad else declared

    def coarse(self) -> bool:
        """Whether its writer counts finer than it writes, so that what is missing is lost, or was never to be there."""
        keys = self.attributes.keys()
        return (self.attributes.get("name") == "pytest" and keys >= _PYTEST) or keys == _NEWMAN_SUITE

    def _counts_otherwise(self) -> bool:
        if self.attributes.get("hostname") == "tbd" or "doctest_version" in self.attributes:
            return True  # assertions, by Catch2 and doctest
        if self.last_case.get("status") == "run" and self.last_case.get("classname", "").lower().endswith(_SOURCES):
            return True  # doctest, told not to write its version
        return self.holds_newmans and self.attributes.keys() <= _NEWMAN_ROOT  # scripts, where suites count assertions


@dataclass(slots=True)
class Shortfall:
    """The suites that declare more than they hold, outermost last, and what that makes of the report's result."""

    suites: list[dict[str, Any]] = field(default_factory=list)
    count: int = 0
    results: set[Result] = field(default_factory=set)
    said: str = ""

    def look(self, suite: Suite, *, outermost: bool) -> Result | None:
        """Take a suite that has ended. Gives the best result that it can have, where it declares more than it holds."""
        missing, unshown = suite.missing(), suite.unshown()
        if not missing and not unshown:
            return None
        where = "the report" if outermost else f"suite {clip(suite.attributes.get('name', ''), 80) or '(unnamed)'}"
        told: dict[str, Any] = {"suite": clip(suite.attributes.get("name", ""), 300)}
        said = []
        if missing:
            declared = suite.cases + missing
            told |= {"tests": declared, "tests_written": suite.cases}
            said.append(f"{declared:,} {'test' if declared == 1 else 'tests'} and holds {suite.cases:,}")
        if unshown:
            words = {word: total(suite.attributes, word) or 0 for word in ("failures", "errors")}
            told |= {word: count for word, count in words.items() if count}
            counted = [f"{n:,} {word if n > 1 else word[:-1]}" for word, n in words.items() if n]
            said.append(f"{' and '.join(counted)} that no case shows")
        result = Result.WARNED if suite.coarse() and not unshown else Result.INCONCLUSIVE
        self.results.add(result)
        self.said = f"{where} declares {', and '.join(said)}"
        self.count += 1
        if len(self.suites) < KEPT:
            self.suites.append({key: value for key, value in told.items() if value != ""})
        return result

    def sentence(self) -> str:
        """What the outermost of them declares, for a title; "" where there is none."""
        if self.count < 2 or not self.said:
            return self.said
        return f"{self.said} ({self.count - 1} more {'suite does' if self.count == 2 else 'suites do'} so)"


def total(attributes: dict[str, str], name: str) -> int | None:
    """A total as a suite states it; None where it states none, or no number."""
    text = attributes.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
