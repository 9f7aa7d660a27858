"""Where an artifact stands among those before it: of which check it is, and whether it counts. Pure.

Source: design/domain.md, "Which check a file reports on, and when it replaces".
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.db.pool import Row
from app.domain.checks import (
    APART,
    PART,
    Subject,
    apart_suffix,
    bare_key,
    heir,
    same_check,
    share,
    stands_in_for,
)
from app.domain.digests import spelled
from app.domain.evidence import RESULT_ORDER, Result, worst_result
from app.domain.facts import made_at


class Status(StrEnum):
    """What became of an artifact."""

    CREATED = "created"
    UNCHANGED = "unchanged"
    SUPERSEDED = "superseded"
    CONFIRMED = "confirmed"
    """The same bytes from another run: a row of its own, and fresh from now on."""
    LATE = "late"
    """Made before the one in force: kept, and not in force."""
    APART = "apart"
    """Kept beside another check of that name."""
    MISMATCHED = "mismatched"
    """Of another commit or version than its bundle: shown, never proof."""
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Arrival:
    """An artifact as it comes in. `named`: somebody named the check. `made` is None where it does not say; `places`
    are the noun, the bare key and the name of its rows."""

    subject: Subject
    digest: str
    run: str
    named: bool
    path: str
    mismatched: str
    made: datetime | None
    results: tuple[Result, ...]
    places: frozenset[tuple[str, str, str]]


@dataclass(slots=True)
class Check:
    """What stands under one name: the check that `suffix` tells from the others of the name, "" for the first."""

    suffix: str
    last: list[Row] = field(default_factory=list)
    """The end of each chain, withdrawn or not."""
    same: list[Row] = field(default_factory=list)
    """All rows of the arriving artifact's digest, those that were replaced and those that came late among them."""

    @property
    def current(self) -> list[Row]:
        """The artifact's rows in force."""
        return [row for row in self.last if row["own"]]

    @property
    def subject(self) -> Subject | None:
        """What the check is known by; None for one recorded before subjects were."""
        known = next((row["identity"] for row in self.last if row["identity"] is not None), None)
        return None if known is None else Subject.of_dict(json.loads(known) if isinstance(known, str) else known)

    @property
    def mismatched(self) -> str:
        """What its evidence is of and the bundle is not."""
        return next((row["mismatched"] for row in self.last if row["mismatched"]), "")

    @property
    def made(self) -> datetime | None:
        """When what is in force says that it was made, but never after it came in; None where it does not say."""
        return max((made_at(row["made"], row["recorded_at"]) for row in self.current if row["made"]), default=None)

    @property
    def received(self) -> datetime:
        """When what is in force came in."""
        received: datetime = max(row["recorded_at"] for row in self.current)
        return received

    @property
    def worst(self) -> Result:
        """The worst in force."""
        return worst_result([Result(row["result"]) for row in self.current if row["noun"] != "invariants"])

    def holds(self, arrival: Arrival) -> bool:
        """Whether every row in force is of the arriving digest, and none of the artifact's is missing. What a person
        put in a gate's place, such as a waiver, stands for it."""
        ends = {(row["noun"], bare_key(row["known_by"]), row["name"]): row for row in self.last}
        if not ends.keys() >= arrival.places or not self.current:
            return False
        told = [ends[place] for place in arrival.places]
        return all(_same(row, arrival.digest) for row in [*told, *self.current])


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done with an artifact. `check` is the one it is of, None where it is the first of it; `writes` says
    that rows are to be written, `replaces` that they come into force in the place of the check's."""

    status: Status
    suffix: str
    subject: Subject
    sentence: str
    check: Check | None = None
    writes: bool = True

    @property
    def replaces(self) -> bool:
        """Whether what stands gives way."""
        return self.check is not None and self.writes and self.status is not Status.LATE


def checks_of(rows: Iterable[Row], digest: str) -> dict[str, Check]:
    """The checks that stand under the names of an artifact, by suffix."""
    found: dict[str, Check] = {}
    for row in rows:
        suffix = _suffix(row["known_by"])
        check = found.setdefault(suffix, Check(suffix))
        if row["last"]:
            check.last.append(row)
        if row["source_digest"] == digest and row["own"]:
            check.same.append(row)
    return found


def decide(arrival: Arrival, checks: dict[str, Check], name: str, taken: Collection[str] = ()) -> Decision:
    """Where the artifact stands. `taken` are suffixes of checks that the same import has brought a report of: two files
    at once are two reports, not one and its successor."""
    check = _of_check(arrival, checks, taken)
    if check is None:
        return _first(arrival, checks, name)
    key = name + check.suffix
    subject = heir(check.subject, arrival.subject) if check.subject is not None else arrival.subject
    if check.holds(arrival):
        seen = any(row["run"] == arrival.run and not row["late"] for row in check.same)
        if seen or not arrival.run:
            return Decision(Status.UNCHANGED, check.suffix, subject, f"this is what stands for {key}", check, False)
        sentence = f"{key} is as before, confirmed by run {arrival.run}"
        return Decision(Status.CONFIRMED, check.suffix, subject, sentence, check)
    older = _older(arrival, check)
    if older:
        again = any(row["late"] and not row["replaced"] and row["run"] == arrival.run for row in check.same)
        sentence = f"{older}; it is kept, and does not count for {key}"
        return Decision(Status.LATE, check.suffix, subject, sentence, check, writes=not again)
    if arrival.mismatched:
        return Decision(Status.MISMATCHED, check.suffix, subject, _mismatch(arrival), check)
    return Decision(Status.SUPERSEDED, check.suffix, subject, _succession(arrival, check, key), check)


def _of_check(arrival: Arrival, checks: dict[str, Check], taken: Collection[str]) -> Check | None:
    """The check that the artifact is of. Of several that it could be of, the one that holds its bytes, that its path
    was of, that it shares most with, that had no news for longest."""
    free = [check for check in checks.values() if check.suffix not in taken or check.holds(arrival)]
    alike = [check for check in free if bool(check.mismatched) == bool(arrival.mismatched)]
    if arrival.mismatched:
        alike = [check for check in alike if check.mismatched == arrival.mismatched]
    fitting = [check for check in alike if _fits(check, arrival)]
    if not fitting and len(alike) == len(checks) == 1 and alike[0].subject is not None:
        fitting = [check for check in alike if check.subject and stands_in_for(check.subject, arrival.subject)]

    def order(check: Check) -> tuple[Any, ...]:
        paths = {row["artifact_path"] for row in check.last}
        common = share(check.subject, arrival.subject) if check.subject else 0.0
        return (
            not check.holds(arrival),
            arrival.path not in paths,
            -common,
            max(row["recorded_at"] for row in check.last),
        )

    return min(fitting, key=order, default=None)


def _fits(check: Check, arrival: Arrival) -> bool:
    return check.subject is None or same_check(check.subject, arrival.subject, named=arrival.named)


def _first(arrival: Arrival, checks: dict[str, Check], name: str) -> Decision:
    """The first report of a check."""
    subject = arrival.subject
    if "" not in checks and not arrival.mismatched:
        return Decision(Status.CREATED, "", subject, f"the first report of {name}")
    suffix = apart_suffix(subject, checks, mismatch=arrival.mismatched.split(",")[0])
    if arrival.mismatched:
        return Decision(Status.MISMATCHED, suffix, subject, _mismatch(arrival))
    others = [f"{name}{check.suffix}{_on(check.subject)}" for check in checks.values() if not check.mismatched]
    beside = f" beside {', '.join(others[:3])}" if others else ""
    return Decision(Status.APART, suffix, subject, f"kept{beside} as {name}{suffix}{_on(subject)}")


def _older(arrival: Arrival, check: Check) -> str:
    """Why what is in force counts, and not what comes; "" where what comes does. Where only what comes says when it was
    made, and that was before the other came in, nobody knows which was made first: the worse of the two stands."""
    if arrival.made is None or not check.current:
        return ""
    if check.made is not None:
        if arrival.made >= check.made:
            return ""
        return f"made {spelled(arrival.made)}, before the one in force ({spelled(check.made)})"
    better = RESULT_ORDER.index(worst_result(list(arrival.results))) > RESULT_ORDER.index(check.worst)
    if arrival.made >= check.received or not better:
        return ""
    return (
        f"made {spelled(arrival.made)}, before the one in force came in ({spelled(check.received)}), and that is worse"
    )


def _succession(arrival: Arrival, check: Check, key: str) -> str:
    known = check.subject
    if not check.current:
        return f"counts for {key} again, which was withdrawn"
    told = f"replaces the {check.worst.value} report of {key}"
    if known is not None and not arrival.subject.silent and known.label != arrival.subject.label:
        before, now = known.label or "nothing named", arrival.subject.label or "nothing named"
        told += f"; it reports on {now} now, on {before} before"
    return told


def _mismatch(arrival: Arrival) -> str:
    return f"it is of {arrival.mismatched} as its bundle: shown, but no proof"


def _on(subject: Subject | None) -> str:
    return f" ({subject.label})" if subject is not None and subject.label else ""


def _suffix(key: str) -> str:
    _, mark, word = key.partition(PART)[0].partition(APART)
    return mark + word


def _same(row: Row, digest: str) -> bool:
    """A gate's row under another key is a person's, and stays."""
    return bool(row["source_digest"] == digest if row["own"] else row["source_key"] != row["known_by"])
