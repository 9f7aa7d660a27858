"""SARIF 2.1.0 (OASIS standard), and what older tools of Microsoft's still write: the drafts of 2.0.0, and 1.0.0.

Severity is `security-severity` of the rule where it has one, by CVSS bands, else the result's effective level:
error high, warning medium, note low, none info. Results of the kinds pass, notApplicable and informational are no
findings; open and review are findings of unknown severity. A result is suppressed when it has suppressions and every
one is accepted (section 3.27.23); one whose baselineState is absent was found before and is no longer there, so it is
counted in the payload only. The payload's `levels` are of every result in the file.

Runs of linters and runs of scanners, told by `sarif_tools`, are evidence of two types, and an item each. The libraries
at hand build objects without resolving levels, overrides or rule references, which is all the work here; hence none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.checks import Subject, subject_of
from app.domain.evidence import EvidenceType, FindingCounts, Result, worst_result
from app.importers.base import Artifact, ImportBatch, Item, Probe, Reject, clip
from app.importers.documents import as_dict, as_list, as_text, read_json
from app.importers.findings import Findings, open_sentence
from app.importers.moments import moment
from app.importers.names import image_target, listed, only, repository_target, whole_commit
from app.importers.sarif_results import (
    LEVELS,
    NO_FINDING,
    UNDECIDED,
    is_suppressed,
    kind_and_level,
    location_of,
    message_of,
    severity_in,
)
from app.importers.sarif_rules import Rules
from app.importers.sarif_tools import Kind, driver_of, kind_of, tool_name

FORMAT = "sarif"

_VERSION = re.compile(r"[12]\.\d+\.\d+(-.*)?")

_RUN_LIKE = re.compile(r"\d*|.*\d{3}.*|(?:run|build|job|attempt|pipeline)\W*\d*|[0-9a-f]{7,40}", re.IGNORECASE)
"""What ends the id of a run that is one of many, such as a date, a number or a commit."""

_PARTS = {EvidenceType.SECURITY: "scanners", EvidenceType.CI: "linters"}
"""The keys of a log's two items, where it has two."""


def detect(probe: Probe) -> bool:
    """An object with runs that its $schema, its version or its tools call SARIF."""
    document = probe.document
    if probe.kind != "json" or not isinstance(document, dict):
        return False
    if "sarif" in as_text(document.get("$schema")).lower():
        return True
    if "runs" not in document:
        return False
    runs = as_list(document.get("runs"))
    numbered = bool(_VERSION.fullmatch(as_text(document.get("version"))))
    return numbered and (not runs or any("tool" in as_dict(run) for run in runs))


def parse(artifact: Artifact) -> ImportBatch:
    """One item over all runs of scanners, one over those of linters. A run without results says nothing of what was
    found, so it is inconclusive."""
    document = as_dict(read_json(artifact))
    version = _version(document)
    runs = document.get("runs")
    if not isinstance(runs, list):
        raise Reject("the SARIF log has no list of runs")
    if any(as_list(as_dict(external).get("results")) for external in as_list(document.get("inlineExternalProperties"))):
        raise Reject("results in inlineExternalProperties are not read; write them into their run")
    parts: dict[EvidenceType, _Part] = {}
    for number, run in enumerate(runs):
        if not isinstance(run, dict):
            raise Reject(f"runs[{number}] is not an object")
        kind = kind_of(run)
        evidence_type = EvidenceType.CI if kind is Kind.LINTER else EvidenceType.SECURITY
        parts.setdefault(evidence_type, _Part()).add_run(run, number, kind)
    parts = parts or {EvidenceType.SECURITY: _Part()}
    return ImportBatch(
        FORMAT,
        dialect=version,
        items=tuple(
            parts[of].item(version, of, key if len(parts) > 1 else "") for of, key in _PARTS.items() if of in parts
        ),
        subject=_subject(runs),
        commit=_commit(runs),
    )


def _version(document: dict[str, Any]) -> str:
    version, schema = as_text(document.get("version")), as_text(document.get("$schema"))
    if not version:
        version = next((known for known in ("2.1.0", "2.0.0", "1.0.0") if known in schema), "")
    for known in ("2.1.0", "2.0.0"):
        if version == known or version.startswith(f"{known}-"):
            return known
    if version == "1.0.0":  # its betas are of other shapes
        return version
    said = f"SARIF {clip(version, 40)}" if version else "a SARIF log that states no version"
    raise Reject(f"{said} is not read; write SARIF 2.1.0, which Microsoft's Sarif.Multitool converts older logs to")


def _subject(runs: list[dict[str, Any]]) -> Subject:
    """The tools, and what their runs say that they looked at; never what they found."""
    tools = sorted({name for run in runs if (name := tool_name(run))})
    return subject_of(", ".join(tools), ", ".join(sorted({target for run in runs if (target := _target(run))})))


def _target(run: dict[str, Any]) -> str:
    """The run's category, else the image that Trivy names, else the repository."""
    category = as_text(as_dict(run.get("automationDetails")).get("id")).strip()
    head, _, tail = category.rpartition("/")
    if _RUN_LIKE.fullmatch(tail):
        category = head
    properties = as_dict(run.get("properties"))
    named = (as_text(one) for one in (properties.get("imageName"), *as_list(properties.get("repoTags"))[:5]))
    return category.strip("/ ") or image_target(named) or only(repository_target(uri) for uri, _ in _origins(run))


def _commit(runs: list[dict[str, Any]]) -> str:
    """The commit that was looked at, where all runs that name one name the same."""
    return whole_commit(only(revision.strip().lower() for run in runs for _, revision in _origins(run)))


def _origins(run: dict[str, Any]) -> list[tuple[str, str]]:
    """(repository, revision) of what was looked at; there are several where several repositories were."""
    told = map(as_dict, as_list(run.get("versionControlProvenance"))[:50])
    return [(as_text(one.get("repositoryUri")), as_text(one.get("revisionId"))) for one in told]


@dataclass(slots=True)
class _Part:
    """What is gathered over the runs of one kind of tool."""

    findings: Findings = field(default_factory=Findings)
    levels: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    baseline: Counter[str] = field(default_factory=Counter)
    notifications: Counter[str] = field(default_factory=Counter)
    total: int = 0
    runs: int = 0
    untold: int = 0
    without_results: int = 0
    results_elsewhere: int = 0
    doubts: set[Result] = field(default_factory=set)
    tools: dict[str, None] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    started: list[datetime] = field(default_factory=list)
    ended: list[datetime] = field(default_factory=list)

    def add_run(self, run: dict[str, Any], number: int, kind: Kind) -> None:
        self.tools[_tool(run)] = None
        results = run.get("results")
        invocations = [as_dict(i) for i in as_list(run.get("invocations"))]
        if not invocations:  # 1.0.0 has one at most, and its notifications beside it
            notes = {key: run[key] for key in ("toolNotifications", "configurationNotifications") if key in run}
            invocations = [one] if (one := as_dict(run.get("invocation")) | notes) else []
        self.runs += 1
        self.untold += kind is Kind.UNTOLD
        self.doubts.update(self._invoked(invocations, clean=results == []))
        if as_list(as_dict(run.get("externalPropertyFileReferences")).get("results")):
            self.results_elsewhere += 1
            self.doubts.add(Result.INCONCLUSIVE)
        if results is None:
            self.without_results += 1
            self.doubts.add(Result.INCONCLUSIVE)
        elif not isinstance(results, list):
            raise Reject(f"runs[{number}].results is not a list")
        else:
            rules = Rules.of_run(run, invocations)
            artifacts = as_list(run.get("artifacts"))
            for index, result in enumerate(results):
                if not isinstance(result, dict):
                    raise Reject(f"runs[{number}].results[{index}] is not an object")
                self._add_result(result, rules, artifacts)
        automation = as_text(as_dict(run.get("automationDetails")).get("id"))
        revision = next((revision for _, revision in _origins(run)), "")
        for key, value in (("automation_id", automation), ("revision", revision)):
            if text := clip(value, 200):
                self.facts.setdefault(key, text)

    def _invoked(self, invocations: list[dict[str, Any]], *, clean: bool) -> Iterator[Result]:
        """Error where a tool says that it failed. Where it noted an error on the way, what it did not find is in doubt:
        inconclusive, or warned when it says that it succeeded all the same. An exit code alone, of which many tell of
        findings so, puts only a run without any in doubt."""
        for invocation in invocations:
            if started := moment(invocation.get("startTimeUtc") or invocation.get("startTime")):
                self.started.append(started)
            if ended := moment(invocation.get("endTimeUtc") or invocation.get("endTime")):
                self.ended.append(ended)
            succeeded = invocation.get("executionSuccessful", invocation.get("toolExecutionSuccessful"))
            noted = Counter(_notified(invocation))
            self.notifications += noted
            broken = as_text(invocation.get("processStartFailureMessage")) or as_text(invocation.get("exitSignalName"))
            if succeeded is False or broken:
                yield Result.ERROR
            elif noted["error"]:
                yield Result.WARNED if succeeded is True else Result.INCONCLUSIVE
            elif clean and succeeded is not True and as_text(invocation.get("exitCode")) not in ("", "0"):
                yield Result.INCONCLUSIVE

    def _add_result(self, result: dict[str, Any], rules: Rules, artifacts: list[Any]) -> None:
        rule = rules.of_result(result)
        kind, level = kind_and_level(result, rules, rule)
        baseline = as_text(result.get("baselineState")).lower()
        self.total += 1
        self.levels[level if level in LEVELS else "other"] += 1
        self.kinds[kind] += kind != "fail"
        self.baseline[clip(baseline, 20)] += 1
        if kind in NO_FINDING:
            return
        if is_suppressed(result):
            self.findings.suppress()
        elif baseline != "absent":
            if kind in UNDECIDED:
                self.doubts.add(Result.WARNED)
            self.findings.add(
                severity_in(kind, level, rule),
                id=as_text(result.get("ruleId")) or as_text(rule.get("id")),
                title=message_of(result, rule),
                location=location_of(result, artifacts),
                level=level,
                kind=kind if kind != "fail" else "",
            )

    def item(self, version: str, evidence_type: EvidenceType, key: str) -> Item:
        counts = self.findings.counts()
        result = worst_result([counts.result(), *self.doubts]) if self.runs else Result.INCONCLUSIVE
        told = open_sentence(counts)
        if self._proves_nothing(counts):
            result = worst_result([result, Result.INCONCLUSIVE])
            told += "; nothing says that the tool looks for security faults"
        payload: dict[str, Any] = {
            "version": version,
            "runs": self.runs,
            "results": self.total,
            "levels": dict(sorted(self.levels.items())),
        }
        optional = {
            "kinds": _counted(self.kinds),
            "baseline": _counted(self.baseline),
            "notifications": _counted(self.notifications),
            "runs_without_results": self.without_results,
            "runs_with_results_elsewhere": self.results_elsewhere,
            "runs_of_tools_of_unknown_kind": self.untold,
        }
        payload |= {name: value for name, value in optional.items() if value} | self.facts
        return Item(
            evidence_type=evidence_type,
            title=clip(f"{listed(self.tools) or 'SARIF log'}: {told}"),
            result=result,
            producer=clip(", ".join(filter(None, list(self.tools)[:5])), 200),
            findings=counts,
            started_at=min(self.started, default=None),
            completed_at=max(self.ended, default=None),
            payload=payload | {"top_findings": self.findings.top()},
            key=key,
        )

    def _proves_nothing(self, counts: FindingCounts) -> bool:
        """A clean run of tools of which nothing says that they are scanners."""
        return 0 < self.runs == self.untold and counts.result() is Result.PASSED


def _counted(counter: Counter[str]) -> dict[str, int]:
    """The eight most common, without empty names: a producer may put anything there."""
    return {name: count for name, count in counter.most_common(8) if name and count}


def _tool(run: dict[str, Any]) -> str:
    """Name and version."""
    driver = driver_of(run)
    version = as_text(driver.get("semanticVersion")) or as_text(driver.get("version"))
    name = as_text(driver.get("name")) or as_text(driver.get("fullName"))
    return clip(f"{name} {version}" if name else "", 100)


def _notified(invocation: dict[str, Any]) -> Iterator[str]:
    for key in (
        "toolExecutionNotifications",
        "toolConfigurationNotifications",
        "toolNotifications",
        "configurationNotifications",
    ):
        for notification in as_list(invocation.get(key)):
            level = as_text(as_dict(notification).get("level")).lower() or "warning"
            yield level if level in LEVELS else "other"
