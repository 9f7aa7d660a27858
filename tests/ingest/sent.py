"""Reports as the random histories hand them in, to the gateway and to the naive program alike."""

from __future__ import annotations

from dataclasses import dataclass

COMMIT = "a" * 40
"""The commit of the bundle."""


@dataclass(frozen=True)
class Report:
    """The content of a file: the same bytes, the same report."""

    digest: str
    result: str
    made: float | None = None
    tests: bool = True
    tool: str = ""
    target: str = ""
    own: str = ""
    holds: frozenset[str] = frozenset()
    commit: str = ""

    @property
    def foreign(self) -> bool:
        """Whether it says that it is of another commit than the bundle."""
        return bool(self.commit) and not COMMIT.startswith(self.commit)


@dataclass(frozen=True)
class Sent:
    """A report as it was handed in: under a name, that somebody gave it or not, in a run, together with others."""

    report: Report
    name: str
    named: bool = False
    run: str = ""
    together: int = 0
