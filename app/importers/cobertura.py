"""Cobertura coverage reports, as many tools write them, to a `ci` item with the coverage recomputed from the lines.

Source: coverage-04.dtd. A class lists its lines itself and once more under its methods; the class's own lines are
counted, and the methods' lines only for a report whose classes list none. Duplicate entries are counted as they
stand. Branches come from `condition-coverage="50% (1/2)"`, or else from the conditions' own percentages. The
attributes of the root, which are often those of a larger report, are kept under `declared`.

Coverage has no threshold of its own, so a report with lines is `passed`; one without any is inconclusive, whatever
its root declares. The file is read as a stream; the parsers on offer build trees.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element

from app.domain.checks import subject_of
from app.domain.evidence import EvidenceType, Result
from app.importers.base import Artifact, ImportBatch, Item, Probe, Reject, Rejected, clip
from app.importers.figures import count, number, percent
from app.importers.markup import pruned
from app.importers.moments import moment

FORMAT = "cobertura"

PACKAGES_KEPT = 20
PACKAGES_FOLLOWED = 5000

_DECLARED = (
    "line-rate", "branch-rate", "lines-covered", "lines-valid", "branches-covered", "branches-valid", "timestamp",
    "version",
)  # fmt: skip
_RATES = frozenset({"line-rate", "branch-rate", "lines-valid", "lines-covered"})
_FRACTION = re.compile(r"\(\s*(\d{1,9})\s*/\s*(\d{1,9})\s*\)")
_SHARE = re.compile(r"\s*(\d{1,3}(?:\.\d+)?)\s*%\s*")


def detect(probe: Probe) -> bool:
    """The root `coverage` with Cobertura's rates or packages; Clover's and SonarQube's `coverage` have neither."""
    return (
        probe.kind == "xml"
        and probe.root == "coverage"
        and bool(_RATES & set(probe.attributes) or "packages" in probe.children)
        and not {"project", "file"} & set(probe.children)
    )


@dataclass(slots=True)
class _Lines:
    total: int = 0
    hit: int = 0
    branches: int = 0
    branches_hit: int = 0
    undetailed: int = 0
    """Lines with branches of which the report does not say how many there are."""

    def add(self, line: Element) -> None:
        self.total += 1
        self.hit += (number(line.attrib.get("hits")) or 0) > 0
        if line.attrib.get("branch", "").strip().lower() != "true":
            return
        fraction = _FRACTION.search(line.attrib.get("condition-coverage", ""))
        if fraction:
            self.branches += int(fraction.group(2))
            self.branches_hit += min(int(fraction.group(1)), int(fraction.group(2)))
            return
        shares = [_SHARE.fullmatch(c.attrib.get("coverage", "")) for c in line.iter() if "coverage" in c.attrib]
        self.undetailed += not any(shares)
        for share in filter(None, shares):
            # A condition has two ways out, so 50% is one of two.
            self.branches += 2
            self.branches_hit += round(min(float(share.group(1)), 100) / 50)

    def take(self, other: _Lines) -> None:
        self.total, self.hit = self.total + other.total, self.hit + other.hit
        self.branches, self.branches_hit = self.branches + other.branches, self.branches_hit + other.branches_hit
        self.undetailed += other.undetailed


@dataclass(slots=True)
class _Report:
    declared: dict[str, str] = field(default_factory=dict)
    own: _Lines = field(default_factory=_Lines)
    methods: _Lines = field(default_factory=_Lines)
    classes: int = 0
    packages: dict[str, list[int]] = field(default_factory=dict)


def parse(artifact: Artifact) -> ImportBatch | Rejected:
    """One item whose payload holds `coverage`."""
    report = _read(artifact)
    lines = report.own if report.own.total else report.methods
    declared = report.declared
    coverage: dict[str, Any] = {
        "classes": report.classes,
        "class_level_line_entries": report.own.total,
        "class_level_lines_hit": report.own.hit,
        "line_percent": percent(lines.hit, lines.total) if lines.total else None,
        "branches": lines.branches,
        "branches_hit": lines.branches_hit,
        "branch_percent": percent(lines.branches_hit, lines.branches) if lines.branches else None,
        "declared": declared,
    }
    if lines is report.methods and lines.total:
        coverage |= {"method_level_line_entries": lines.total, "method_level_lines_hit": lines.hit}
    if lines.undetailed:
        coverage["branch_lines_without_detail"] = lines.undetailed
    contradicted = _contradicted(declared, lines)
    if contradicted:
        coverage["note"] = "the root declares other totals than the lines add up to"
    coverage["least_covered"] = _least(report.packages)
    item = Item(
        evidence_type=EvidenceType.CI,
        title=_title(lines),
        result=Result.PASSED if lines.total else Result.INCONCLUSIVE,
        producer=clip(f"cobertura {declared.get('version', '')}", 120),
        completed_at=moment(declared.get("timestamp")),
        payload={"coverage": coverage},
    )
    return ImportBatch(FORMAT, items=(item,), subject=subject_of("cobertura", holds=report.packages))


def _read(artifact: Artifact) -> _Report:
    report, path = _Report(), list[str]()
    own, methods = _Lines(), _Lines()
    package = ""
    for event, name, element in pruned(artifact, frozenset({"line"})):
        if event == "start":
            if not path:
                if name != "coverage":
                    raise Reject(f"the root element is <{clip(name, 60)}>, not <coverage>")
                report.declared = {k: clip(element.attrib[k], 60) for k in _DECLARED if k in element.attrib}
            if name == "package":
                package = clip(element.attrib.get("name", ""), 200)
            path.append(name)
            continue
        path.pop()
        if name == "line" and path[-2:] == ["class", "lines"]:
            own.add(element)
        elif name == "line" and path[-2:] == ["method", "lines"]:
            methods.add(element)
        elif name == "class":
            _close_class(report, package, own, methods)
            own, methods = _Lines(), _Lines()
    return report


def _close_class(report: _Report, package: str, own: _Lines, methods: _Lines) -> None:
    report.classes += 1
    report.own.take(own)
    report.methods.take(methods)
    if package in report.packages or len(report.packages) < PACKAGES_FOLLOWED:
        lines = own if own.total else methods
        sums = report.packages.setdefault(package, [0, 0])
        sums[0], sums[1] = sums[0] + lines.hit, sums[1] + lines.total


def _contradicted(declared: dict[str, str], lines: _Lines) -> bool:
    stated = (count(declared.get("lines-covered")), count(declared.get("lines-valid")))
    return None not in stated and stated != (lines.hit, lines.total)


def _least(packages: dict[str, list[int]]) -> list[dict[str, Any]]:
    ordered = sorted((hit / total, name, hit, total) for name, (hit, total) in packages.items() if total)
    return [
        {"package": name, "lines": total, "line_percent": percent(hit, total)}
        for _share, name, hit, total in ordered[:PACKAGES_KEPT]
    ]


def _title(lines: _Lines) -> str:
    if not lines.total:
        return "Coverage: the report lists no lines"
    told = f"Coverage: {percent(lines.hit, lines.total)}% of {lines.total:,} lines"
    if lines.branches:
        told += f", {percent(lines.branches_hit, lines.branches)}% of {lines.branches:,} branches"
    return told
