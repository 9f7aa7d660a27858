"""Drawn readiness inputs and policies: made of few names, so that rows meet, and mostly good, so that little decides.

Everything follows from a seed. Hypothesis draws the seeds; drawing every field through it is fifty times slower, and
what it would shrink is small here already.
"""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from app.domain.components import ComponentState
from app.domain.evidence import BundleKind, EvidenceType, FindingCounts, Result, TestCounts
from app.domain.facts import BundleFacts, ComponentFacts, GateFacts, GuardFacts, Inputs, InvariantFacts, ItemFacts
from app.domain.gates import Enforcement, Gate
from app.domain.policy import Policy, parse_policy

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)

INVARIANTS = ["PI-LAUNCH-001", "PI-CONNECT-001", "PI-RELEASE-001"]
NAMES = ["a", "b"]
ACTORS = ["", "alice", "Alice", "bob", "carol"]
KEYS = ["k1", "k2", "operator/waiver"]
KINDS = [kind.value for kind in BundleKind]
ENVIRONMENTS = ["staging", "production"]
ENFORCEMENTS = ["report_only", "warning", "blocking", "blocking", "off"]
FOREIGN = "commit bbbb222, not aaaa111"
FEEDING_NO_GATE = [EvidenceType.CI, EvidenceType.SMOKE, EvidenceType.ARTIFACT, EvidenceType.OPERATOR]


class Drawing:
    """Draws from one seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - draws test data

    def one(self, *choices: Any) -> Any:
        return self.chance.choice(choices)

    def likely(self, percent: int) -> bool:
        return self.chance.randrange(100) < percent

    def some(self, choices: list[Any], percent: int) -> list[Any]:
        return [each for each in choices if self.likely(percent)]

    def few(self) -> range:
        return range(self.one(0, 0, 1, 1, 2, 3))

    def result(self) -> Result:
        drawn: Result = Result.PASSED if self.likely(80) else self.one(*Result)
        return drawn

    def moment(self) -> datetime:
        return AT + timedelta(
            minutes=self.chance.randrange(-600, 30) if self.likely(80) else self.chance.randrange(-30000, 0)
        )

    def standing(self) -> dict[str, Any]:
        """What may be said of a row of a bundle beside its result: mostly nothing."""
        return {"mismatched": FOREIGN if self.likely(3) else "", "confirms": self.likely(5)}

    def words(self, names: list[str], percent: int) -> dict[str, str]:
        return {name: self.one(*ENFORCEMENTS) for name in self.some(names, percent)}

    def rule(self) -> dict[str, Any]:
        """The settings of a rule."""
        windows = ["1h", "12h", "7d", "7d", "unlimited"]
        limits = [0, 1, 3, "unlimited"]
        types = [kind.value for kind in EvidenceType]
        sections: dict[str, Any] = {
            "gates": self.words([gate.value for gate in Gate], 35),
            "invariants": self.words([*INVARIANTS, "*"], 30),
            "guards": self.words([*NAMES, "*"], 25),
            "components": self.words([*NAMES, "*"], 25),
            "evidence": self.words([*types, "*"], 15),
            "freshness": {
                name: self.one(*windows) for name in self.some([*types, "gate", "invariant", "component"], 30)
            },
            "thresholds": {
                "contract_drift": {"max_breaking": self.one(*limits)},
                "security": {
                    f"max_{name}": self.one(*limits) for name in self.some(["critical", "high", "medium"], 50)
                },
                "capacity": {
                    "max_failed_thresholds": self.one(*limits),
                    "max_error_rate": self.one(0, 0.5, "unlimited"),
                },
                "uat": {"min_pass_rate": self.one(0, 0.5, 1), "max_flaky": self.one(*limits)},
                "guard": {"max_failed": self.one(*limits)},
            },
            "approval": {
                "approvers": self.one(1, 1, 2),
                "four_eyes": self.likely(30),
                "by": self.one(["*"], ["alice", "b*"]),
            },
            "waivers": {
                "by": self.some(["carol", "b*", "*"], 40),
                "max_duration": self.one(*windows),
                "counts_as": self.one("warning", "report_only"),
            },
            "counting": {name: self.one(*ENFORCEMENTS) for name in self.some(["mismatched", "late"], 50)},
        }
        return {name: section for name, section in sections.items() if self.likely(70)}

    def policy(self) -> Policy:
        """A rule for everything, and sometimes narrower ones."""
        rules = [self.rule()]
        if self.likely(30):
            rules.append({"kind": self.one(*KINDS)} | self.rule())
        if self.likely(30):
            rules.append({"environment": self.one(*ENVIRONMENTS)} | self.rule())
        return parse_policy(toml(rules), "drawn")

    def item(self, number: int) -> ItemFacts:
        """An item with counts and payload, some of them not as they should be."""
        passed, failed = self.one(0, 3, 3), self.one(0, 0, 0, 1)
        payload = {
            "contract_drift": self.one([], {}, {"breaking": None}, {"breaking": 0}, {"breaking": 0}, {"breaking": 2}),
            "capacity": self.one("?", {}, {"thresholds": [{"ok": self.one(True, True, False, None)}], "error_rate": 0}),
            "top_findings": self.one(None, [{"id": "CVE-1", "severity": "high", "package": "p", "version": "1"}, 3]),
            "vex_statements": [{"vulnerability": "CVE-1", "products": ["pkg:npm/p@1"], "status": "not_affected"}],
        }
        return ItemFacts(
            id=f"item-{number}",
            evidence_type=self.one(*EvidenceType),
            source_key=self.one(*KEYS),
            result=self.result(),
            recorded_at=self.moment(),
            completed_at=self.one(None, self.moment()),
            tests=self.one(None, TestCounts(passed + failed, passed, failed, flaky=self.one(0, min(1, passed)))),
            findings=self.one(None, FindingCounts(), FindingCounts(high=self.one(0, 1), medium=2)),
            payload={name: payload[name] for name in self.some(list(payload), 20)},
            actor=self.one(*ACTORS),
            retracted=self.likely(10),
            late=self.likely(10),
            **self.standing(),
        )

    def gate(self, number: int) -> GateFacts:
        """A gate result, an approval or a waiver."""
        return GateFacts(
            id=f"gate-{number}",
            gate=self.one(*Gate),
            source_key=self.one(*KEYS),
            result=self.result(),
            enforcement=self.one(*Enforcement),
            recorded_at=self.moment(),
            evaluated_at=self.one(None, self.moment()),
            waived=self.likely(30),
            expires_at=self.one(None, AT + timedelta(hours=self.one(-1, 1, 100))),
            policy_digest=self.one(None, None, "0" * 64),
            item_ids=tuple(self.some(["item-0", "item-1", "gone"], 10)),
            details=self.one({}, {"approved_by": ["bob", 3]}),
            actor=self.one(*ACTORS),
            supersedes_id=self.one(None, None, "gate-0", "earlier"),
            **self.standing(),
        )

    def invariant(self, number: int) -> InvariantFacts:
        """What one import says of an invariant."""
        return InvariantFacts(
            id=f"invariant-{number}",
            invariant_id=self.one(*INVARIANTS),
            source_key=self.one(*KEYS),
            result=self.result(),
            recorded_at=self.moment(),
            evidence_item_id=self.one(None, None, "item-0", "gone"),
            actor=self.one(*ACTORS),
            **self.standing(),
        )

    def guard(self, number: int) -> GuardFacts:
        """A guard's report."""
        return GuardFacts(
            id=f"guard-{number}",
            guard=self.one(*NAMES),
            source_key=self.one(*KEYS),
            mode=self.one(*Enforcement),
            result=self.result(),
            recorded_at=self.moment(),
            bundle_id=self.one(None, "b", "b", "other"),
            evidence_item_id=self.one(None, "item-0"),
            **self.standing(),
        )

    def component(self, number: int) -> ComponentFacts:
        """A snapshot."""
        return ComponentFacts(
            id=f"component-{number}",
            environment=self.one(*ENVIRONMENTS),
            component=self.one(*NAMES),
            status=ComponentState.OPERATIONAL if self.likely(70) else self.one(*ComponentState),
            observed_at=self.moment(),
            recorded_at=self.moment(),
            cause="" if self.likely(70) else self.one("alert:1", "alert:2"),
        )

    def inputs(self) -> Inputs:
        """Rows of every kind, a few of each."""
        kind, environment = BundleKind(self.one(*KINDS)), self.one(*ENVIRONMENTS)
        bundle = BundleFacts("b", "key", kind, environment, "standard", "app", actor=self.one(*ACTORS))
        return Inputs(
            environment,
            "standard",
            "app",
            bundle if self.likely(95) else None,
            tuple(self.item(number) for number in self.few()),
            tuple(self.gate(number) for number in self.few()),
            tuple(self.invariant(number) for number in self.few()),
            tuple(self.guard(number) for number in self.few()),
            tuple(self.component(number) for number in self.few()),
        )

    def situation(self) -> tuple[Inputs, Policy]:
        """Inputs and a policy, mostly with a pass added for whatever the policy asks for and is not there."""
        rows, policy = self.inputs(), self.policy()
        return (completed(rows, policy) if self.likely(85) else rows), policy

    def with_a_failure(self, rows: Inputs) -> Inputs:
        """The inputs with one failing, blocking row more."""
        result, moment = self.one(Result.FAILED, Result.ERROR), self.moment()
        match self.one("item", "gate", "invariant", "guard", "component"):
            case "item":
                # Of a type that feeds no gate: what a failed UAT run weighs, the gate's limits say.
                item = ItemFacts("new", self.one(*FEEDING_NO_GATE), "new", result, moment, actor=self.one(*ACTORS))
                return replace(rows, items=(*rows.items, item))
            case "gate":
                gate = replace(
                    self.gate(99), result=result, enforcement=Enforcement.BLOCKING, waived=False, supersedes_id=None
                )
                return replace(rows, gates=(*rows.gates, gate))
            case "invariant":
                invariant = InvariantFacts("new", self.one(*INVARIANTS), "new", result, moment)
                return replace(rows, invariants=(*rows.invariants, invariant))
            case "guard":
                mode, bundle_id = Enforcement.BLOCKING, self.one(None, "b")
                guard = GuardFacts("new", self.one(*NAMES), "new", mode, result, moment, bundle_id=bundle_id)
                return replace(rows, guards=(*rows.guards, guard))
            case _:
                down = ComponentState.MAJOR_OUTAGE
                snapshot = ComponentFacts("new", rows.environment, self.one(*NAMES), down, moment, moment)
                return replace(rows, components=(*rows.components, snapshot))

    def with_what_does_not_count(self, rows: Inputs) -> tuple[Inputs, str]:
        """The inputs with one row more that is of another commit, or came late, and its id."""
        name = self.one("item", "gate", "invariant", "guard")
        made = getattr(self, name)(99)
        row = replace(made, id="new", supersedes_id=None, retracted=False)
        if name == "item" and self.likely(50):
            row = replace(row, late=True, result=self.one(*Result))
        else:
            row = replace(row, late=self.likely(10), mismatched=FOREIGN, result=self.one(*Result))
        return changed(rows, {f"{name}s": (*getattr(rows, f"{name}s"), row)}), row.id

    def with_a_fix(self, rows: Inputs) -> Inputs | None:
        """The inputs with a fresh pass in the place of a failure; None when there is no failure."""
        kept = rows.current()
        bad = (Result.FAILED, Result.ERROR)
        failed = [
            (field, row)
            for field in ("items", "gates", "invariants", "guards")
            for row in getattr(kept, field)
            if row.result in bad and not getattr(row, "waived", False)
        ]
        if not failed:
            return None
        field, row = self.one(*failed)
        changes: dict[str, Any] = {"id": "fix", "supersedes_id": row.id, "result": Result.PASSED, "recorded_at": AT}
        if field == "gates":
            # The producer's word of today, with no end.
            changes |= {"evaluated_at": None, "expires_at": None, "item_ids": ()}
        if field != "items":
            return changed(rows, {field: (*getattr(rows, field), replace(row, **changes))})
        clean = {"contract_drift": {"breaking": 0}, "capacity": {"thresholds": [{"ok": True}], "error_rate": 0}}
        changes |= {"completed_at": None, "tests": TestCounts(1, 1), "findings": FindingCounts()}
        changes |= {"payload": {key: clean.get(key, value) for key, value in row.payload.items()}}

        # An import proves its invariants and decides its gates anew, so they point to the new item.
        def moved(id: str | None) -> str | None:
            return "fix" if id == row.id else id

        return replace(
            rows,
            items=(*rows.items, replace(row, **changes)),
            invariants=tuple(replace(each, evidence_item_id=moved(each.evidence_item_id)) for each in rows.invariants),
            guards=tuple(replace(each, evidence_item_id=moved(each.evidence_item_id)) for each in rows.guards),
            gates=tuple(replace(each, item_ids=tuple(map(str, map(moved, each.item_ids)))) for each in rows.gates),
        )


def completed(rows: Inputs, policy: Policy) -> Inputs:
    """The inputs with a fresh pass for all that the policy asks for and is not there."""
    if rows.bundle is None:
        return rows
    asked = policy.requirements(
        kind=rows.bundle.kind, environment=rows.environment, profile=rows.profile, product=rows.product
    )
    kept = rows.current()
    made: dict[str, Any] = {"recorded_at": AT, "result": Result.PASSED, "source_key": "added"}
    types = asked.evidence.required().keys() - {row.evidence_type.value for row in kept.items}
    gates = asked.gates.required().keys() - {row.gate.value for row in kept.gates}
    invariants = asked.invariants.required().keys() - {row.invariant_id for row in kept.invariants}
    guards = asked.guards.required().keys() - {row.guard for row in kept.guards}
    blocking = Enforcement.BLOCKING
    people = {"approval": ["alice", "bob", "dora"]}
    added: dict[str, list[Any]] = {
        "items": [ItemFacts(id=f"item-{name}", evidence_type=EvidenceType(name), **made) for name in types],
        "gates": [
            GateFacts(id=f"gate-{name}-{actor}", gate=Gate(name), enforcement=blocking, actor=actor, **made)
            for name in gates
            for actor in people.get(name, [""])
        ],
        "invariants": [InvariantFacts(id=f"invariant-{name}", invariant_id=name, **made) for name in invariants],
        "guards": [GuardFacts(id=f"guard-{name}", guard=name, mode=blocking, bundle_id="b", **made) for name in guards],
        "components": [
            ComponentFacts(f"component-{name}", rows.environment, name, ComponentState.OPERATIONAL, AT, AT)
            for name in asked.components.required()
        ],
    }
    return changed(rows, {field: (*getattr(rows, field), *more) for field, more in added.items()})


def changed(rows: Inputs, fields: dict[str, Any]) -> Inputs:
    """The inputs with other rows, by the name of their field."""
    return replace(rows, **fields)


def toml(rules: list[dict[str, Any]]) -> str:
    """A policy's text. JSON's strings, numbers, lists and booleans are TOML's, and tables can be written inline."""

    def value(of: Any) -> str:
        if isinstance(of, dict):
            return "{ " + ", ".join(f"{json.dumps(key)} = {value(each)}" for key, each in of.items()) + " }"
        return json.dumps(of)

    blocks = ["\n".join(["[[rules]]", *(f"{key} = {value(each)}" for key, each in rule.items())]) for rule in rules]
    return "\n".join(["version = 1", *blocks])
