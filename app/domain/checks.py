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

_FOLD = 2048

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
        "mochawesome", "unittest", "python -m pytest", "nosetests", "results", "pytest tests", "alltests", "suites",
        "test results", "testresults", "selected tests", "bun test", "deno test", "node", "cargo test", "swift test",
        "xctest", "xunit tests", "unit tests", "unit test", "tests suite", "default test", "surefire suite",
        "surefire test", "command line suite", "testng", "jasmine", "jasmine tests", "jasmine suite", "minitest",
        "rspec tests", "ctest", "(empty)", "empty", "(unnamed)", "(no name)", "none", "null", "undefined", "no name",
        "untitled", "anonymous", "default", "root", "my test suite", "test suite name", "wtr", "web-test-runner",
        "karma tests", "gtest", "googletest", "catch2", "doctest", "eunit", "robot", "tap", "ava", "tape", "all",
        "cucumber-js", "junitxmlreporter", "robot framework", "playwright test", "test report",
        "test-results", "test-run",
    )
)  # fmt: skip
_SPACE = re.compile(r"\s+")

_ABSOLUTE = re.compile(r"(?:file://)?(?:/|[A-Za-z]:[\\/]|\\\\)")
_WORKSPACES = re.compile(
    r"(?:/home/runner/work|/Users/runner/work|/__w|/builds|[A-Za-z]:/a)/[^/]+/[^/]+/|/home/vsts/work/\d+/s/"
    r"|/github/workspace/|.*?/jenkins(?:_home)?/workspace/[^/]+/"
)
"""Where CI systems check out, as their documentations say: what stands below is the same from run to run."""
_VARYING = re.compile(
    r"\d{4}-\d\d-\d\d[T _]\d\d[:._-]?\d\d(?:[:._-]?\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|(?i:(?<![0-9a-z])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9a-z]))"
    r"|(?<!\d)\d{10,}(?!\d)"
    r"|(?<=(?:Chrome|Safari|irefox|adless|ectron) )\d+(?:\.\d+)+"
)
"""What a run leaves in a name: a moment, a random id, milliseconds since 1970, the version of a browser."""
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
    """Names of classes or files of tests, gathered while a report streams by; memory stays small however many come.

    `names` gives those that a subject keeps, and one more where there were more.
    """

    __slots__ = ("_fresh", "_kept")

    def __init__(self) -> None:
        self._fresh: set[str] = set()
        self._kept: dict[str, str] = {}

    def add(self, name: str) -> None:
        """Take a name, again or for the first time."""
        self._fresh.add(name if len(name) < 4 * LABEL_LIMIT else name[: 4 * LABEL_LIMIT])
        if len(self._fresh) >= _FOLD:
            self._fold()

    def names(self) -> tuple[str, ...]:
        """What `subject_of_tests` needs of all the names so far."""
        self._fold()
        return tuple(self._kept[mark] for mark in sorted(self._kept))

    def _fold(self) -> None:
        for name in self._fresh:
            if word := steady(name):
                self._kept[_mark(word)] = word
        self._fresh.clear()
        if len(self._kept) > HELD + 1:
            self._kept = {mark: self._kept[mark] for mark in sorted(self._kept)[: HELD + 1]}


def steady(name: str) -> str:
    """A name of tests without what differs from run to run: a moment, a random id, the folder of the run. Of another
    absolute path the last three parts are kept."""
    word, before = _word(name), None
    while word != before:
        word, before = _steadier(word), word
    return word


def _steadier(word: str) -> str:
    if _ABSOLUTE.match(word):
        path = word.removeprefix("file://").replace("\\", "/")
        below = _WORKSPACES.sub("", path, count=1) if _WORKSPACES.match(path) else ""
        word = below or "/".join([part for part in path.split("/") if part.strip()][-3:])
    return _word(_VARYING.sub(" ", word))


def subject_of_tests(tool: str = "", name: str = "", holds: Iterable[str] = (), *, target: str = "") -> Subject:
    """The subject of a report of tests. `name` may be anything, everybody's too; `holds` may be without end."""
    kept, more = _sample(steady(each) for each in holds)
    word = steady(name)
    return Subject(_word(tool), _word(target), "" if word.lower() in _EVERYBODYS else word, kept, more, True)


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
    hashes = {_mark(_word(name)) for name in dict.fromkeys(names) if name and name.strip()}
    return frozenset(sorted(hashes)[:HELD]), len(hashes) > HELD


def _mark(word: str) -> str:
    return sha256(word.encode()).hexdigest()[:10]


def _word(text: str) -> str:
    return _clip(_SPACE.sub(" ", "".join(c if c.isprintable() else " " for c in text[: 4 * LABEL_LIMIT])).strip())


def _clip(text: str) -> str:
    return text if len(text) <= LABEL_LIMIT else f"{text[: LABEL_LIMIT - 9]}-{sha256(text.encode()).hexdigest()[:8]}"
