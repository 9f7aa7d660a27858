"""A test run as the test readers gather it, whatever the runner, and the one item that it becomes.

Here is what all of them share: the cases, each case's outcome in the producer's own word, trouble outside any
case (a hook, a fixture, a crashed host), the totals the file declares, what the run is of, and how these make a result.
Knows no format.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from app.domain.checks import Held, subject_of_tests
from app.domain.evidence import EvidenceType, Result, TestCounts, worst_result
from app.domain.invariants import INVARIANT_ID
from app.importers.base import ImportBatch, Item, Reject, clip
from app.importers.cases import Cases
from app.importers.documents import as_count
from app.importers.origins import Origin

PROBLEMS = 20
"""How many troubles outside any case the payload keeps."""

OUTCOME_WORDS = 40
"""How many different outcome words the payload keeps; the rest are counted as "other"."""

INVARIANT_LABELS = frozenset({"invariant", "invariants", "category", "tag"})
"""Names, in lower case, of the properties, traits and annotations that may name an invariant."""

TOLD_ONLY = frozenset(
    (
        "timestamp", "start_timestamp", "end_timestamp", "starttime", "start_time", "endtime", "end_time", "start",
        "end", "startedat", "finishedat", "time", "date", "duration", "duration_ms", "elapsed", "comment", "comments",
        "hostname", "speed",
    )
)  # fmt: skip
"""Keys of JSON reports of tests that decide no outcome, in lower case: one given twice is told, the last is taken."""

_LABEL_ID = re.compile(rf"(?<![\w-]){INVARIANT_ID.pattern}(?![\w-])")
_FRAMEWORK = re.compile(r"[\\/](net(?:standard|coreapp)?\d+(?:\.\d+)*(?:-[a-z0-9.]+)?)[\\/]", re.IGNORECASE)
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Tally(NamedTuple):
    """Cases, those skipped, and all that failed, at one place in a file."""

    total: int
    skipped: int
    bad: int


@dataclass(slots=True)
class Run:
    """One run in the making. `noun` is what its cases are called."""

    dialect: str
    tool: str
    producer: str = ""
    name: str = ""
    noun: str = "tests"
    cases: Cases = field(default_factory=Cases)
    outcomes: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    declared: dict[str, int] = field(default_factory=dict)
    """Totals as the file states them, under the file's own names."""
    declared_total: int | None = None
    """How many cases the file says that it holds."""
    declared_bad: int | None = None
    """How many of them it says failed, in any way."""
    declared_not_run: int = 0
    """How many of them it says did not run; such need not be written."""
    shortfalls: list[str] = field(default_factory=list)
    """What parts of the file declare and do not hold, as sentences."""
    subject_tool: str = ""
    """The runner, where the artifact tells it better than `tool` does."""
    subject_name: str = ""
    """What the artifact calls what it tests, the same from run to run."""
    held: Held = field(default_factory=Held)
    origin: Origin = field(default_factory=Origin)
    started_at: datetime | None = None
    completed_at: datetime | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    limits: set[Result] = field(default_factory=set)
    """Results that the run's own can be no better than."""
    problem_count: int = 0
    shortfall_count: int = 0
    inconclusive: int = 0

    def add(
        self,
        name: str,
        result: Result,
        outcome: str,
        *,
        suite: str = "",
        message: str = "",
        labels: Iterable[str] = (),
        holder: str | None = None,
        **more: Any,
    ) -> None:
        """Count a case. `outcome` is the producer's word; `labels` are tags and the values of INVARIANT_LABELS;
        `holder` is the class or file that it stands in, "" for none, where `suite` is none such."""
        if holder is None:
            holder = suite or name
        if holder:
            self.held.add(holder)
        word = clip(outcome, 40) or "none"
        self.outcomes[word if word in self.outcomes or len(self.outcomes) < OUTCOME_WORDS else "other"] += 1
        self.inconclusive += result is Result.INCONCLUSIVE
        if result is Result.PENDING:
            self.limits.add(Result.PENDING)
        self.cases.add(
            name,
            result,
            suite=suite,
            message=plain(message),
            invariants=[found for label in labels for found in ids_in_label(label)],
            **more,
        )

    def problem(self, text: str) -> None:
        """Note trouble outside any case. A run with such trouble is an error, however well its cases did."""
        self.problem_count += 1
        if len(self.problems) < PROBLEMS:
            self.problems.append(clip(plain(text)))

    def shortfall(self, text: str) -> None:
        """Note that a part of the file declares what it does not hold. Such a run is no pass."""
        self.shortfall_count += 1
        if len(self.shortfalls) < PROBLEMS:
            self.shortfalls.append(clip(text, 300))

    def look(self, where: str, declared: int | None, written: int, not_run: int = 0) -> None:
        """Hold what a part of the file declares against the cases in it; of those that are missing, so many as
        `not_run` need not be there."""
        if declared is not None and declared - written > max(not_run, 0):
            noun = self.noun[:-1] if declared == 1 else self.noun
            self.shortfall(f"{where} declares {declared:,} {noun} and holds {written:,}")

    def part(self, name: str, declared: int | None, not_run: int, bad: int, before: Tally) -> None:
        """Hold what a part that has ended declares (cases, cases not run, failures and errors) against what came since
        `before`, the tally at its start."""
        now = self.tally()
        skipped = now.skipped - before.skipped
        self.look(name, declared, now.total - before.total, not_run - skipped)
        if bad and now.bad == before.bad:
            self.shortfall(f"{name} declares {bad:,} {'failure' if bad == 1 else 'failures'} that no case shows")

    def tally(self) -> Tally:
        """What came so far."""
        counts = self.cases.counts()
        return Tally(counts.total, counts.skipped, counts.failed + counts.error + self.problem_count)

    def batch(self, format: str, evidence_type: EvidenceType, repeated: Iterable[str] = ()) -> ImportBatch:
        """The run as a batch of one item; `repeated` are the keys that the file gives twice. Raises Reject when the
        file declares cases and holds none."""
        counts = self.cases.counts()
        if counts.total == 0 and self.declared_total:
            raise Reject(f"the file declares {self.declared_total} {self.noun} and holds none of them")
        if not self.shortfall_count:  # a part that says so says it better
            self.look("the report", self.declared_total, counts.total, self.declared_not_run - counts.skipped)
        if self.declared_bad and not (counts.failed or counts.error or self.problem_count):
            failures = "failure" if self.declared_bad == 1 else "failures"
            self.shortfall(f"the report declares {self.declared_bad:,} {failures} that no case shows")
        payload: dict[str, Any] = {"outcomes": dict(self.outcomes)} | self.facts
        if troubled := self.cases.troubled():
            payload["troubled_tests"] = troubled
        if self.problems:
            payload["problems"] = self.problems
        if self._contradicted(counts) or self.shortfalls:
            payload["declared"] = self.declared
        if self.shortfalls:
            payload["shortfalls"] = self.shortfalls
        if twice := [clip(key, 100) for key in repeated]:
            payload["duplicate_keys"] = twice
        item = Item(
            evidence_type=evidence_type,
            title=clip(self._title(counts), 300),
            result=self._result(counts),
            producer=clip(self.producer or self.tool, 200),
            tests=counts,
            started_at=self.started_at,
            completed_at=self.completed_at,
            payload=payload,
            url=self.origin.url,
        )
        invariants = self.cases.invariants(self.completed_at or self.started_at)
        return ImportBatch(
            format,
            self.dialect,
            items=(item,),
            invariants=invariants,
            subject=subject_of_tests(self.subject_tool or self.tool, self.subject_name, self.held.names()),
            commit=self.origin.commit,
        )

    def _result(self, counts: TestCounts) -> Result:
        outcomes = [counts.result(), *self.limits]
        if self.problem_count:
            outcomes.append(Result.ERROR)
        if self.shortfall_count:
            # Cases were lost, or something failed that no case shows: nobody can call that a pass.
            outcomes.append(Result.INCONCLUSIVE)
        if self.inconclusive:
            outcomes.append(Result.WARNED if counts.passed else Result.INCONCLUSIVE)
        return worst_result(outcomes)

    def _contradicted(self, counts: TestCounts) -> bool:
        bad = counts.failed + counts.error
        return self.declared_total not in (None, counts.total) or self.declared_bad not in (None, bad)

    def _title(self, counts: TestCounts) -> str:
        name = clip(self.name, 120) or f"{self.tool} {self.noun}"
        words = [
            f"{count} {word}"
            for word, count in (
                ("passed", counts.passed),
                ("failed", counts.failed),
                ("in error", counts.error),
                ("skipped", counts.skipped),
            )
            if count
        ]
        noun = self.noun[:-1] if counts.total == 1 else self.noun
        told = f"{', '.join(words)} of {counts.total} {noun}" if words else f"no {self.noun} ran"
        if counts.flaky:
            told += f", {counts.flaky} flaky"
        if self.problem_count:
            told += f"; {self.problem_count} {'error' if self.problem_count == 1 else 'errors'} outside them"
            if self.problems and self.problems[0]:
                told += f": {clip(self.problems[0].partition(chr(10))[0], 120)}"
        if self.shortfalls:
            more = f" ({self.shortfall_count - 1} more)" if self.shortfall_count > 1 else ""
            told += f"; {self.shortfalls[-1]}{more}"
        return f"{name}: {told}"


def ids_in_label(text: str) -> list[str]:
    """The invariant ids that stand as whole words in a tag, or in a property meant to name them."""
    return _LABEL_ID.findall(text[:2000])


def plain(text: str) -> str:
    """The text without terminal colours."""
    return _ANSI.sub("", text)


def base_name(path: str) -> str:
    """The last part of a path of either kind of slash."""
    return re.split(r"[\\/]", path.rstrip("\\/"))[-1]


def assembly_name(path: str) -> str:
    """The name of a .NET assembly with the framework that it was built for, where its folder tells that: one project's
    tests for two frameworks are two checks."""
    framework = _FRAMEWORK.search(path)
    return " ".join(filter(None, (base_name(path), framework.group(1).lower() if framework else "")))


def numbers(source: Any, names: Iterable[str]) -> dict[str, int]:
    """The counts that stand under these names in a mapping."""
    found = {name: as_count(source.get(name)) for name in names}
    return {name: count for name, count in found.items() if count is not None}


def seconds(value: Any, per_second: int = 1) -> float | None:
    """A duration, a number or its decimal text in parts of a second, in seconds. None for anything else, and for more
    than three years."""
    try:
        found = float(value) / per_second if isinstance(value, (int, float, str)) and value is not True else -1.0
    except (ValueError, OverflowError):
        return None
    return found if 0 <= found < 10**8 else None


def after(start: datetime | None, duration: float | None) -> datetime | None:
    """`duration` seconds after `start`; None when either is unknown."""
    return None if start is None or duration is None else start + timedelta(seconds=duration)


def objects(value: Any, where: str) -> list[dict[str, Any]]:
    """An array of objects; empty when it is absent or null. Rejects anything else by its place in the file, so
    that a broken report is never read as an empty one."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise Reject(f"{where} is not a list of objects")
    return value
