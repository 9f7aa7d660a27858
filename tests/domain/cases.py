"""Reads readiness_cases.md: policies from its TOML blocks, cases from its tables, facts from their short rows."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app.domain.components import ComponentState
from app.domain.evidence import BundleKind, EvidenceType, FindingCounts, Result, TestCounts
from app.domain.facts import (
    BundleFacts,
    ComponentFacts,
    GateFacts,
    GuardFacts,
    Inputs,
    InvariantFacts,
    ItemFacts,
)
from app.domain.gates import Enforcement, Gate
from app.domain.policy import Policy, parse_policy
from app.domain.verdict import Verdict

FILE = Path(__file__).with_name("readiness_cases.md")
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DEFAULT_POLICY = Path(__file__).parents[2] / "app" / "domain" / "policy_default.toml"

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_FLAGS = {"waived", "retracted", "evaluated", "platform", "no-bundle", "late", "confirms", *Enforcement}


@dataclass(frozen=True)
class Case:
    name: str
    policy: str
    inputs: str
    at: datetime
    state: str
    reasons: list[str]


def span(text: str) -> timedelta:
    """A time such as 90m, 2d, -30d or 0."""
    number, unit = re.fullmatch(r"([+-]?\d+)([mhd]?)", text).groups()  # type: ignore[union-attr]
    return timedelta(**{_UNITS[unit or "m"]: int(number)})


def read_policies() -> dict[str, Policy]:
    """The policies of the file by name, and the default one."""
    found = re.findall(r"\n([a-z-]+): [^\n]*\n\n```toml\n(.*?)```", FILE.read_text(), re.DOTALL)
    policies = {name: parse_policy(text, name) for name, text in found}
    return policies | {"default": parse_policy(DEFAULT_POLICY.read_text(), "default")}


def read_cases() -> list[Case]:
    """All rows of all tables, each named by its section and first cell."""
    cases, section = [], ""
    for line in FILE.read_text().splitlines():
        if line.startswith("## "):
            section = line[3:]
        elif line.startswith("| ") and not line.startswith("| case "):
            name, policy, inputs, at, state, reasons = (cell.strip() for cell in line.strip("|").split("|"))
            wanted = [] if reasons == "none" else [each.strip() for each in reasons.split(";")]
            cases.append(Case(f"{section}: {name}", policy, inputs, NOON + span(at), state, wanted))
    return cases


def told(verdict: Verdict) -> list[str]:
    """The verdict's reasons as the table writes them."""
    return [
        f"{each.severity} {each.code} {each.subject_type} {each.subject}" + (f"@{each.row_id}" if each.row_id else "")
        for each in verdict.reasons
    ]


def facts(text: str) -> Inputs:
    """The inputs that a cell describes."""
    rows: dict[str, list[Any]] = {kind: [] for kind in ("item", "gate", "invariant", "guard", "component")}
    numbers: Counter[str] = Counter()
    bundle: BundleFacts | None = _bundle({})
    for row in filter(None, (part.strip() for part in text.split(";"))):
        words = row.split()
        options = dict(word.split("=", 1) for word in words if "=" in word)
        flags = {word for word in words if word in _FLAGS}
        plain = [word for word in words if "=" not in word and word not in _FLAGS]
        kind = plain[0] if plain else "no-bundle"
        if kind in ("bundle", "no-bundle"):
            bundle = None if kind == "no-bundle" else _bundle(options)
            continue
        numbers[kind] += 1
        common = {
            "id": options.get("id", f"{kind}-{numbers[kind]}"),
            "recorded_at": NOON - span(options.get("age", "1h")),
            "supersedes_id": options.get("replaces"),
            "retracted": "retracted" in flags,
        }
        if kind != "component":
            common |= {"late": "late" in flags, "confirms": "confirms" in flags}
            common |= {"mismatched": f"commit {options['of']}, not aaaa111" if "of" in options else ""}
        result = plain[2] if len(plain) > 2 else "passed"
        rows[kind].append(_MAKERS[kind](plain[1], result, options, flags, common))
    made = {f"{kind}s": tuple(facts) for kind, facts in rows.items()}
    if bundle is None:
        return Inputs("staging", "standard", "app", None, **made)
    return Inputs(bundle.environment, bundle.profile, bundle.product, bundle, **made)


def _bundle(options: dict[str, str]) -> BundleFacts:
    return BundleFacts(
        id="b",
        bundle_key="release/app/1.0.0",
        kind=BundleKind(options.get("kind", "release_candidate")),
        environment=options.get("environment", "staging"),
        profile=options.get("profile", "standard"),
        product=options.get("product", "app"),
    )


def _made(options: dict[str, str], common: dict[str, Any]) -> datetime:
    made = options.get("made")
    moment: datetime = common["recorded_at"] if made is None else NOON - span(made)
    return moment


def _item(name: str, result: str, options: dict[str, str], flags: set[str], common: dict[str, Any]) -> ItemFacts:
    tests = findings = None
    payload: dict[str, Any] = {}
    if "tests" in options:
        passed, failed, flaky = map(int, options["tests"].split("/"))
        tests = TestCounts(total=passed + failed, passed=passed, failed=failed, flaky=flaky)
    if "findings" in options:
        critical, high, medium = map(int, options["findings"].split("/"))
        findings = FindingCounts(critical=critical, high=high, medium=medium)
    if "breaking" in options:
        payload["contract_drift"] = {"breaking": int(options["breaking"])}
    if "load" in options:
        held, failed = map(int, options["load"].split("/"))
        marks = [{"metric": "m", "expression": "e", "ok": number < held} for number in range(held + failed)]
        payload["capacity"] = {"thresholds": marks, "error_rate": float(options["errors"])}
    return ItemFacts(
        evidence_type=EvidenceType(name),
        source_key=options.get("key", f"{name}/tests"),
        result=Result(result),
        completed_at=_made(options, common),
        tests=tests,
        findings=findings,
        payload=payload,
        actor=options.get("by", ""),
        **common,
    )


def _gate(name: str, result: str, options: dict[str, str], flags: set[str], common: dict[str, Any]) -> GateFacts:
    return GateFacts(
        gate=Gate(name),
        source_key=options.get("key", f"gate/{name}"),
        result=Result(result),
        enforcement=Enforcement(next(iter(flags & set(Enforcement)))),
        evaluated_at=_made(options, common),
        waived="waived" in flags,
        expires_at=NOON + span(options["until"]) if "until" in options else None,
        policy_digest="0" * 64 if "evaluated" in flags else None,
        item_ids=tuple(options["uses"].split(",")) if "uses" in options else (),
        actor=options.get("by", ""),
        reason="known and accepted" if "waived" in flags else "",
        **common,
    )


def _invariant(
    name: str, result: str, options: dict[str, str], flags: set[str], common: dict[str, Any]
) -> InvariantFacts:
    return InvariantFacts(
        invariant_id=name,
        source_key=options.get("key", "uat/tests"),
        result=Result(result),
        evaluated_at=_made(options, common),
        evidence_item_id=options.get("proved-by"),
        **common,
    )


def _guard(name: str, result: str, options: dict[str, str], flags: set[str], common: dict[str, Any]) -> GuardFacts:
    return GuardFacts(
        guard=name,
        source_key=options.get("key", f"guard/{name}"),
        mode=Enforcement(next(iter(flags & set(Enforcement)))),
        result=Result(result),
        generated_at=_made(options, common),
        bundle_id=None if "platform" in flags else options.get("bundle", "b"),
        **common,
    )


def _component(
    name: str, status: str, options: dict[str, str], flags: set[str], common: dict[str, Any]
) -> ComponentFacts:
    return ComponentFacts(
        environment=options.get("in", "staging"),
        component=name,
        status=ComponentState(status),
        observed_at=_made(options, common),
        cause=options.get("cause", ""),
        **common,
    )


_MAKERS = {"item": _item, "gate": _gate, "invariant": _invariant, "guard": _guard, "component": _component}
