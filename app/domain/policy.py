"""The policy: which rules hold for which bundles, read from TOML with every problem named by its line.

A rule has selectors (kind, environment, profile, product; each a name, a list of names, or "*", which is the default)
and settings. All rules that match a bundle are laid over each other, setting by setting, the more specific on top:
- a rule that names more of the four selectors is more specific than one that names fewer;
- between rules that name as many, product counts before environment, before profile, before kind.
Two rules as specific as each other may not match the same bundle; such a policy is refused, so order in the file
never matters.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from app.domain.digests import digest
from app.domain.errors import Invalid
from app.domain.evidence import BundleKind, EvidenceType, Severity
from app.domain.gates import Enforcement, Gate
from app.domain.policy_settings import ANY, OFF, RULE, Path, Setting, Table, Unfit, patterns
from app.domain.requirements import (
    ApprovalRule,
    Asked,
    CapacityLimits,
    ContractDriftLimits,
    CountingRule,
    Freshness,
    GuardLimits,
    Requirements,
    SecurityLimits,
    Subjects,
    UatLimits,
    WaiverRule,
)
from app.domain.toml_lines import Path as Place
from app.domain.toml_lines import key_lines, line_of

SELECTORS = ("product", "environment", "profile", "kind")
"""What a rule is matched by, in the order in which they count."""

VERSION = 1
"""The version of the policy's format that this code reads."""

_TOP = ("version", "description", "roles", "rules")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong with a policy at a line (from 1), and what is allowed there."""

    line: int
    message: str


class InvalidPolicy(Invalid):
    """The policy cannot be used. `problems` holds all that is wrong with it, in the order of its lines."""

    def __init__(self, name: str, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        count = len(self.problems)
        told = "".join(f"\n  line {problem.line}: {problem.message}" for problem in self.problems)
        super().__init__(f"{name} has {count} problem{'s' if count != 1 else ''}:{told}", field="policy")


@dataclass(frozen=True, slots=True)
class Rule:
    """Selectors (empty: matches anything) and the settings that hold where they match."""

    selectors: Mapping[str, tuple[str, ...]]
    settings: Mapping[Path, Setting]
    line: int = field(default=1, compare=False)

    def matches(self, wanted: Mapping[str, str]) -> bool:
        """Whether the rule holds for these names of product, environment, profile and kind."""
        return all(wanted[name] in names for name, names in self.selectors.items())

    def specificity(self) -> tuple[int, ...]:
        """Larger is more specific."""
        return (len(self.selectors), *(int(name in self.selectors) for name in SELECTORS))

    def overlaps(self, other: Rule) -> bool:
        """Whether both are as specific as each other and match a common bundle."""
        return self.specificity() == other.specificity() and all(
            set(names) & set(other.selectors[name]) for name, names in self.selectors.items()
        )

    def __str__(self) -> str:
        told = [f"{name}={'|'.join(self.selectors[name])}" for name in SELECTORS if name in self.selectors]
        return " ".join(told) or "*"


@dataclass(frozen=True, slots=True)
class Policy:
    """A valid policy. `digest` is the same for texts that differ only in layout, comments, descriptions or order."""

    name: str
    rules: tuple[Rule, ...]
    """Least specific first."""
    roles: Mapping[str, tuple[str, ...]]
    digest: str

    def requirements(self, *, kind: str, environment: str, profile: str, product: str) -> Requirements:
        """What is asked of such a bundle; nothing at all where no rule matches."""
        wanted = {"kind": kind, "environment": environment, "profile": profile, "product": product}
        matching = [rule for rule in self.rules if rule.matches(wanted)]
        merged: dict[Path, Setting] = {}
        for rule in matching:
            merged.update(rule.settings)
        return _requirements(merged, self.roles, tuple(str(rule) for rule in matching))


def parse_policy(text: str, name: str, known_invariants: Iterable[str] | None = None) -> Policy:
    """The policy in a TOML text; `name` is what messages call it. With `known_invariants`, ids outside it are problems.

    InvalidPolicy names every problem with its line and what is allowed.
    """
    text = text.replace("\r\n", "\n")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidPolicy(name, [Problem(_syntax_line(str(error), text), f"not valid TOML: {error}")]) from None
    except RecursionError:
        raise InvalidPolicy(name, [Problem(1, "not usable TOML: nested too deeply")]) from None
    reading = _Reading(document, key_lines(text), None if known_invariants is None else frozenset(known_invariants))
    rules, roles = reading.run()
    if reading.problems:
        raise InvalidPolicy(name, reading.problems)
    ordered = tuple(sorted(rules, key=lambda rule: (rule.specificity(), sorted(rule.selectors.items()))))
    pinned = [[rule.selectors, sorted(rule.settings.items())] for rule in ordered]
    return Policy(name, ordered, roles, digest({"version": VERSION, "roles": roles, "rules": pinned}))


def _syntax_line(message: str, text: str) -> int:
    """The line that tomllib's message ends with; it says `at end of document` where there is none."""
    _, _, rest = message.rpartition("(at line ")
    number = rest.partition(",")[0]
    return int(number) if number.isdigit() else text.rstrip().count("\n") + 1


class _Reading:
    """One walk over a parsed document, gathering what is wrong with it."""

    def __init__(self, document: dict[str, Any], lines: dict[Place, int], invariants: frozenset[str] | None) -> None:
        self.document = document
        self.lines = lines
        self.invariants = invariants
        self.problems: list[Problem] = []

    def wrong(self, place: Place, message: str) -> None:
        spelled = "".join(_spelled(part) for part in place).lstrip(".")
        self.problems.append(Problem(line_of(self.lines, place), f"{spelled}: {message}" if spelled else message))

    def unknown(self, place: Place, allowed: Iterable[str]) -> None:
        close = difflib.get_close_matches(str(place[-1]), list(allowed), n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        self.wrong(place, f"not a key that is known here; {hint}allowed: {', '.join(allowed)}")

    def run(self) -> tuple[list[Rule], dict[str, tuple[str, ...]]]:
        for key in self.document:
            if key not in _TOP:
                self.unknown((key,), _TOP)
        version = self.document.get("version")
        if type(version) is not int or version != VERSION:
            self.wrong(("version",), f"must be there and be {VERSION}, the version of the format")
        self.description((), self.document)
        roles = self.roles()
        entries = self.document.get("rules")
        if not isinstance(entries, list) or not entries or not all(isinstance(each, dict) for each in entries):
            self.wrong(("rules",), "there must be at least one [[rules]] table")
            entries = []
        rules = [self.rule(("rules", index), entry, roles) for index, entry in enumerate(entries)]
        for index, rule in enumerate(rules):
            for earlier in rules[:index]:
                if rule.overlaps(earlier):
                    self.wrong(
                        ("rules", index),
                        f"({rule}) and the rule at line {earlier.line} ({earlier}) match the same bundles and none is "
                        "more specific; name another selector in one, or make them one rule",
                    )
        return rules, roles

    def description(self, place: Place, table: dict[str, Any]) -> None:
        if not isinstance(table.get("description", ""), str):
            self.wrong((*place, "description"), "must be a text")

    def roles(self) -> dict[str, tuple[str, ...]]:
        given = self.document.get("roles", {})
        if not isinstance(given, dict):
            self.wrong(("roles",), 'must be a table such as [roles] with release-manager = ["alice@example.org"]')
            return {}
        roles: dict[str, tuple[str, ...]] = {}
        for role, members in given.items():
            roles[role] = ()
            try:
                roles[role] = patterns(members)
            except Unfit as error:
                self.wrong(("roles", role), f"must be {error}")
            for member in roles[role]:
                if member.startswith("role:"):
                    self.wrong(("roles", role), f"{member}: a role holds people, not roles")
        return roles

    def rule(self, place: Place, entry: dict[str, Any], roles: dict[str, tuple[str, ...]]) -> Rule:
        selectors: dict[str, tuple[str, ...]] = {}
        settings: dict[Path, Setting] = {}
        self.description(place, entry)
        known = RULE.keys or {}
        for key, value in entry.items():
            if key in SELECTORS:
                names = self.selector((*place, key), value)
                if names:
                    selectors[key] = names
            elif key in known:
                self.read((*place, key), value, known[key], (key,), settings)
            elif key != "description":
                self.unknown((*place, key), (*SELECTORS, "description", *known))
        for path in (("approval", "by"), ("waivers", "by")):
            for name in settings.get(path) or ():  # type: ignore[union-attr]
                if str(name).startswith("role:") and str(name)[5:] not in roles:
                    self.wrong(
                        (*place, *path), f"{name}: there is no such role; [roles] has: {', '.join(roles) or 'none'}"
                    )
        return Rule(selectors, settings, line_of(self.lines, place))

    def selector(self, place: Place, value: Any) -> tuple[str, ...]:
        names = value if isinstance(value, list) else [value]
        if not names or not all(isinstance(name, str) and name.strip() for name in names):
            self.wrong(place, f'must be a name, a list of names, or "{ANY}"')
            return ()
        if names == [ANY]:
            return ()
        if ANY in names:
            self.wrong(place, f'"{ANY}" stands alone, not in a list')
        if place[-1] == "kind":
            kinds = [kind.value for kind in BundleKind]
            for name in names:
                if name not in kinds:
                    self.wrong(place, f"{name!r} is not a kind of bundle; allowed: {', '.join(kinds)}, {ANY}")
        return tuple(sorted(set(names)))

    def read(self, place: Place, value: Any, expected: Any, path: Path, settings: dict[Path, Setting]) -> None:
        """Take a setting, or all the settings of a table, into `settings`."""
        if not isinstance(expected, Table):
            try:
                settings[path] = expected(value)
            except Unfit as error:
                self.wrong(place, f"must be {error}; not {_shown(value)}")
            return
        if not isinstance(value, dict):
            self.wrong(place, f"must be a table; not {_shown(value)}")
            return
        for key, each in value.items():
            deeper: Place = (*place, key)
            if expected.keys is not None:
                if key in expected.keys:
                    self.read(deeper, each, expected.keys[key], (*path, key), settings)
                else:
                    self.unknown(deeper, expected.keys)
            elif not expected.fits(key.strip()):
                self.wrong(deeper, f"must be {expected.allowed}")
            else:
                if (
                    path == ("invariants",)
                    and key != ANY
                    and self.invariants is not None
                    and key not in self.invariants
                ):
                    close = difflib.get_close_matches(key, self.invariants, n=1)
                    self.wrong(deeper, f"not in the catalogue{f'; did you mean {close[0]}?' if close else ''}")
                self.read(deeper, each, expected.read, (*path, key), settings)


def _spelled(part: str | int) -> str:
    """A part of a place; rules count from 1, and names that TOML would quote are quoted."""
    if isinstance(part, int):
        return f"[{part + 1}]"
    return f".{part}" if part.replace("-", "").replace("_", "").isalnum() else f'."{part}"'


def _shown(value: Any) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _requirements(
    merged: dict[Path, Setting], roles: Mapping[str, tuple[str, ...]], rules: tuple[str, ...]
) -> Requirements:
    def under(*path: str) -> dict[str, Any]:
        depth = len(path)
        return {key[-1]: value for key, value in merged.items() if key[:depth] == path and len(key) == depth + 1}

    def asked(word: str) -> Asked:
        return None if word == OFF else Enforcement(word)

    def subjects(table: str) -> Subjects:
        named = {name: asked(word) for name, word in under(table).items()}
        other = named.pop(ANY, None)
        if under(table).get(ANY) == OFF:
            other = Enforcement.REPORT_ONLY
        return Subjects(named, other)

    def window(seconds: int | None) -> timedelta | None:
        return None if seconds is None else timedelta(seconds=seconds)

    def windows(*path: str) -> dict[str, timedelta | None]:
        return {name: window(seconds) for name, seconds in under(*path).items()}

    fresh = windows("freshness")
    waivers = under("waivers")
    if "max_duration" in waivers:
        waivers["max_duration"] = window(waivers["max_duration"])
    if "counts_as" in waivers:
        waivers["counts_as"] = Enforcement(waivers["counts_as"])
    default_findings = SecurityLimits().max_findings
    findings = {Severity(key.removeprefix("max_")): limit for key, limit in under("thresholds", "security").items()}
    return Requirements(
        gates=subjects("gates"),
        invariants=subjects("invariants"),
        guards=subjects("guards"),
        components=subjects("components"),
        evidence=subjects("evidence"),
        freshness=Freshness(
            evidence={kind: fresh[kind.value] for kind in EvidenceType if kind.value in fresh},
            gate=fresh.get("gate"),
            gates={Gate(name): each for name, each in windows("freshness", "gates").items()},
            invariant=fresh.get("invariant"),
            component=fresh.get("component"),
            components=windows("freshness", "components"),
            guards=windows("freshness", "guards"),
        ),
        contract_drift=ContractDriftLimits(**under("thresholds", "contract_drift")),
        security=SecurityLimits({**default_findings, **findings}),
        capacity=CapacityLimits(
            **under("thresholds", "capacity"), max_percentiles_ms=under("thresholds", "capacity", "max_percentiles_ms")
        ),
        uat=UatLimits(**under("thresholds", "uat")),
        guard=GuardLimits(**under("thresholds", "guard")),
        approval=ApprovalRule(**under("approval")),
        waivers=WaiverRule(**waivers),
        counting=CountingRule(
            **{name: asked(word) or Enforcement.REPORT_ONLY for name, word in under("counting").items()}
        ),
        roles=roles,
        rules=rules,
    )
