"""Which check a report is of, and which of two reports counts: pure.

Source: design/domain.md, "Which check a file reports on, and when it replaces". A check is bundle, evidence type,
format, name and subject. The name is the source key; the subject is what the artifact itself says it reports on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import count
from typing import Any

HELD = 64
"""Names of classes, files or targets that a subject keeps of what the artifact holds: those of the smallest hashes, so
that what two subjects kept can be compared however many they had."""

LABEL_LIMIT = 200
"""Characters of a subject as people read it, and of each of its words."""

APART = "~"
"""Stands in a source key between the name of a check and what tells it from another check of that name."""

PART = "#"
"""Stands in a source key before what tells a part of an artifact from its others."""

_EVERYBODYS = frozenset(
    (
        "pytest", "jest", "jest tests", "root suite", "mocha tests", "mocha", "vitest", "vitest tests", "junit",
        "junit tests", "test", "tests", "testsuite", "testsuites", "test suite", "test suites", "test run", "testrun",
        "all tests", "allsuites", "default suite", "suite", "unnamed", "playwright", "playwright tests", "cypress",
        "cypress tests", "surefire", "gotestsum", "go test", "nunit", "xunit", "xunit.net", "mstest", "trx", "karma",
        "cucumber", "behave", "features", "phpunit", "cli arguments", "nextest-run", "nextest", "rspec", "report",
        "mochawesome", "unittest", "python -m pytest", "nosetests", "results",
    )
)  # fmt: skip
_SPACE = re.compile(r"\s+")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Subject:
    """What an artifact says it reports on, the same from run to run.

    `tool` is the scanner, guard or runner without its version; `target` what it looked at (image without tag, module,
    SARIF category, repository, collection, project and job of a webhook); `name` what the artifact calls itself (the
    root suite), empty where it has the name that everybody's has. `holds` are the classes or files of tests, or the
    targets, that it holds: at most HELD hashes, `more` where there were more. `of_tests` says that it reports tests, so
    that a person's name for the check outweighs the rest.
    """

    tool: str = ""
    target: str = ""
    name: str = ""
    holds: frozenset[str] = frozenset()
    more: bool = False
    of_tests: bool = False

    @property
    def label(self) -> str:
        """The subject for a person; "" where the artifact says nothing of itself."""
        words = [word for word in (self.name, self.target) if word]
        return _clip(" ".join(words) or self.tool)

    @property
    def silent(self) -> bool:
        """Whether the artifact tells nothing that another artifact of the tool would not tell as well."""
        return not (self.target or self.name or self.holds)

    def as_dict(self) -> dict[str, Any]:
        """The subject as the database keeps it; without what is empty."""
        told: dict[str, Any] = {name: text for name in ("tool", "target", "name") if (text := getattr(self, name))}
        if self.holds:
            told["holds"] = " ".join(sorted(self.holds))
        return told | {name: True for name in ("more", "of_tests") if getattr(self, name)}

    @classmethod
    def of_dict(cls, told: Mapping[str, Any]) -> Subject:
        """The subject that `as_dict` wrote."""
        return cls(
            told.get("tool", ""),
            told.get("target", ""),
            told.get("name", ""),
            frozenset(told.get("holds", "").split()),
            told.get("more", False),
            told.get("of_tests", False),
        )


UNSAID = Subject()
"""The subject of an artifact that tells nothing of itself."""


class Held:
    """The classes or files of a report of tests, as they stream by: only what a subject keeps of them is kept."""

    def __init__(self) -> None:
        self._last = ""
        self._kept: set[str] = set()
        self._more = False

    def add(self, name: str) -> None:
        """Take one in. Neighbours are mostly of one class, and cost a comparison."""
        if name == self._last:
            return
        self._last = name
        if not name or name.isspace():
            return
        self._kept.add(_hash(name))
        if len(self._kept) > 2 * HELD:
            self._kept = set(sorted(self._kept)[:HELD])
            self._more = True

    def subject(self, tool: str, name: str = "", *, target: str = "") -> Subject:
        """The subject of the report; `name` may be everybody's."""
        word = _word(name)
        own = "" if word.lower() in _EVERYBODYS else word
        kept = frozenset(sorted(self._kept)[:HELD])
        return Subject(_word(tool), _word(target), own, kept, self._more or len(self._kept) > HELD, True)


def subject_of_tests(tool: str = "", name: str = "", holds: Iterable[str] = (), *, target: str = "") -> Subject:
    """The subject of a report of tests. `name` may be anything, everybody's too; `holds` may be without end."""
    held = Held()
    for each in holds:
        held.add(each)
    return held.subject(tool, name, target=target)


def subject_of(tool: str, target: str = "", name: str = "", holds: Iterable[str] = ()) -> Subject:
    """The subject of a scan, a guard's report, a measurement, a webhook: of all that is not a report of tests."""
    kept, more = _sample(holds)
    return Subject(_word(tool), _word(target), _word(name), kept, more)


def image_name(reference: str) -> str:
    """A container image without tag and digest: `registry:5000/team/app:1.2@sha256:…` is `registry:5000/team/app`."""
    name = reference.strip().partition("@")[0]
    head, slash, tail = name.rpartition("/")
    return f"{head}{slash}{tail.partition(':')[0]}"


def same_check(known: Subject, arriving: Subject, *, named: bool) -> bool:
    """Whether two reports under one name are of one check; in doubt they are not. `named`: somebody named the check,
    by --source-key or as a CI job's, which decides for reports of tests.

    A report of tests that tells nothing of itself is told from all others here; see `stands_in_for`.
    """
    if known.of_tests and arriving.of_tests:
        if named:
            return True
        if (known.tool, known.target, known.name) != (arriving.tool, arriving.target, arriving.name):
            return False
        return bool(known.name) or share(known, arriving) >= 0.5
    if (known.of_tests, known.tool, known.target, known.name) != (
        arriving.of_tests,
        arriving.tool,
        arriving.target,
        arriving.name,
    ):
        return False
    if known.target or known.name:
        return True
    # Where only one of them tells what it holds, as a list without findings does not, somebody's name decides.
    return share(known, arriving) >= 0.5 or (named and not (known.holds and arriving.holds))


def share(one: Subject, other: Subject) -> float:
    """What part of the smaller of two sets both hold, 0 to 1; where only samples are known, what part of those that
    both would have kept. Two empty sets are alike, an empty one and another are not."""
    if not one.holds or not other.holds:
        return float(one.holds == other.holds)
    # A sample is of the smallest hashes: beyond its greatest nothing is known of it.
    ends = [max(subject.holds) for subject in (one, other) if subject.more]
    first, second = ({each for each in subject.holds if not ends or each <= min(ends)} for subject in (one, other))
    if not first or not second:
        return 0.0
    return len(first & second) / min(len(first), len(second))


def stands_in_for(known: Subject, arriving: Subject) -> bool:
    """Whether a report of tests without a test, as a crash leaves it, can be that of the only check of its name: it is
    known by that check's subject then, so that it hides no other."""
    return (
        known.of_tests
        and arriving.of_tests
        and arriving.silent
        and (not arriving.tool or not known.tool or known.tool == arriving.tool)
    )


def heir(known: Subject, arriving: Subject) -> Subject:
    """The subject of a report that replaces another of its check: its own, with what it does not tell of itself."""
    if not arriving.silent:
        return arriving
    return replace(known, tool=arriving.tool or known.tool)


def apart_suffix(subject: Subject, taken: Iterable[str] = (), *, mismatch: str = "") -> str:
    """What is put behind a name that another check has: `~` and a word of the subject, numbered where that is taken.
    `mismatch` is the commit or version of evidence that is another's."""
    word = _UNSAFE.sub("-", mismatch or subject.name or subject.target or subject.tool).strip("-.")[:40] or "other"
    used = set(taken)
    numbered = (f"{APART}{word}{f'-{number}' if number > 1 else ''}" for number in count(1))
    return next(suffix for suffix in numbered if suffix not in used)


def bare_key(key: str) -> str:
    """A source key without what tells its check from another of the name."""
    name, mark, part = key.partition(PART)
    return name.partition(APART)[0] + mark + part


def same_commit(one: str, other: str) -> bool:
    """Whether two names of commits can be of one: one begins with the other, of which 7 characters are enough."""
    a, b = one.strip().lower(), other.strip().lower()
    length = min(len(a), len(b))
    return a == b or (length >= 7 and a[:length] == b[:length])


def _sample(names: Iterable[str]) -> tuple[frozenset[str], bool]:
    hashes = {_hash(name) for name in dict.fromkeys(names) if name and name.strip()}
    return frozenset(sorted(hashes)[:HELD]), len(hashes) > HELD


def _hash(name: str) -> str:
    return sha256(_word(name).encode(errors="replace")).hexdigest()[:10]


def _word(text: str) -> str:
    return _clip(_SPACE.sub(" ", "".join(c if c.isprintable() else " " for c in text[: 4 * LABEL_LIMIT])).strip())


def _clip(text: str) -> str:
    return text if len(text) <= LABEL_LIMIT else f"{text[: LABEL_LIMIT - 9]}-{sha256(text.encode()).hexdigest()[:8]}"
