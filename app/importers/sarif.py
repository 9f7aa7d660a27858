"""SARIF 2.1.0 (OASIS standard), and what older tools of Microsoft's still write: the drafts of 2.0.0, and 1.0.0.

Severity is `security-severity` of the rule where it has one, by CVSS bands, else the result's effective level:
error high, warning medium, note low, none info. A result is suppressed when it has suppressions and every one is
accepted (section 3.27.23); one whose baselineState is absent was found before and is no longer there, so it is
counted in the payload only. The payload's `levels` are of every result in the file. The libraries at hand build
objects without resolving levels, overrides or rule references, which is all the work there is; hence none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.checks import subject_of
from app.domain.evidence import EvidenceType, Result, Severity, worst_result
from app.importers.base import Artifact, ImportBatch, Item, Probe, Reject, clip
from app.importers.documents import as_dict, as_list, as_text, read_json
from app.importers.findings import Findings, open_sentence, severity_of, severity_of_score
from app.importers.moments import moment
from app.importers.sarif_rules import Rules, index_of

FORMAT = "sarif"

LEVELS = {
    "error": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "note": Severity.LOW,
    "none": Severity.INFO,
}

# 1.0.0 and 2.0.0 said in `level` what 2.1.0 says in `kind`.
_KIND_LEVELS = {"pass": "pass", "notapplicable": "notApplicable", "open": "open"}

_VERSION = re.compile(r"[12]\.\d+\.\d+(-.*)?")

_UNDECIDED = ("open", "review")
_NO_FINDINGS = ("pass", "notApplicable", "informational")
"""Kinds of results that say that there is nothing to mend, whatever their level (section 3.27.9)."""

# Tools that look at style and correctness. Their findings are not a scan for weaknesses, and neither is their silence;
# a tool that is not named here is taken for a scanner, for a finding that is overlooked is worse.
_LINTERS = re.compile(
    r"(resharper|inspectcode|jetbrains|eslint|tslint|stylelint|ruff|flake8|pylint|pyflakes|pycodestyle|mypy|pyright|black"
    r"|checkstyle|pmd|ktlint|detekt|swiftlint|swiftformat|rubocop|standardrb|golangci-lint|golint|staticcheck|revive"
    r"|clippy|rustfmt|shellcheck|markdownlint|yamllint|hadolint|actionlint|biome|oxlint|jshint|prettier|rslint|credo"
    r"|phpstan|psalm|phpcs|php_codesniffer|cppcheck|cpplint|clang-tidy|roslyn|microsoft \(r\) visual c# compiler"
    r"|android lint|dotnet-format|stylecop|vale|sqlfluff|buf|spectral|oasdiff|csslint|htmlhint|perlcritic|scalastyle)"
    r"(\b|[- ].*)",
    re.IGNORECASE,
)

_PLACES = ("physicalLocation", "resultFile", "analysisTarget")


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
    """One item over all runs. A run without results says nothing of what was found, so it is inconclusive."""
    document = as_dict(read_json(artifact))
    version = _version(document)
    runs = document.get("runs")
    if not isinstance(runs, list):
        raise Reject("the SARIF log has no list of runs")
    if any(as_list(as_dict(external).get("results")) for external in as_list(document.get("inlineExternalProperties"))):
        raise Reject("results in inlineExternalProperties are not read; write them into their run")
    logs: dict[EvidenceType, _Log] = {}
    for number, run in enumerate(runs):
        if not isinstance(run, dict):
            raise Reject(f"runs[{number}] is not an object")
        logs.setdefault(_evidence_type(run), _Log()).add_run(run, number)
    found = logs or {EvidenceType.SECURITY: _Log()}
    tools = sorted({_tool_name(run) for run in runs} - {""})
    categories = sorted({_category(run) for run in runs} - {""})
    revisions = {revision for run in runs if (revision := _revision(run))}
    return ImportBatch(
        FORMAT,
        dialect=version,
        items=tuple(log.item(version, kind) for kind, log in found.items()),
        subject=subject_of(" ".join(tools), " ".join(categories)),
        commit=revisions.pop() if len(revisions) == 1 else "",
    )


def _evidence_type(run: dict[str, Any]) -> EvidenceType:
    """A linter's run is of ci, unless its rules speak of security; a scanner's, and an unknown tool's, of security."""
    if not _LINTERS.fullmatch(_tool_name(run)):
        return EvidenceType.SECURITY
    driver = as_dict(as_dict(run.get("tool")).get("driver"))
    for rule in as_list(driver.get("rules")):
        told = as_dict(as_dict(rule).get("properties"))
        if "security-severity" in told or "security" in as_list(told.get("tags")):
            return EvidenceType.SECURITY
    return EvidenceType.CI


def _tool_name(run: dict[str, Any]) -> str:
    tool = as_dict(run.get("tool"))
    driver = as_dict(tool.get("driver")) or tool
    return clip(as_text(driver.get("name")) or as_text(driver.get("fullName")), 100)


def _category(run: dict[str, Any]) -> str:
    """What the run was of, without what tells one run of it from another: section 3.17.3, `category/run`."""
    automation = as_text(as_dict(run.get("automationDetails")).get("id"))
    return clip(automation.rpartition("/")[0] or automation, 200)


def _revision(run: dict[str, Any]) -> str:
    """The commit that was looked at, where the run names one repository."""
    provenance = as_list(run.get("versionControlProvenance"))
    return clip(as_text(as_dict(provenance[0]).get("revisionId")), 64) if len(provenance) == 1 else ""


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


@dataclass(slots=True)
class _Log:
    """What is gathered over the runs of a log."""

    findings: Findings = field(default_factory=Findings)
    levels: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    baseline: Counter[str] = field(default_factory=Counter)
    notifications: Counter[str] = field(default_factory=Counter)
    total: int = 0
    runs: int = 0
    without_results: int = 0
    doubts: set[Result] = field(default_factory=set)
    tools: dict[str, None] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    started: list[datetime] = field(default_factory=list)
    ended: list[datetime] = field(default_factory=list)

    def add_run(self, run: dict[str, Any], number: int) -> None:
        self.tools[_tool(run)] = None
        results = run.get("results")
        invocations = [as_dict(i) for i in as_list(run.get("invocations"))]
        if not invocations:  # 1.0.0 has one at most, and its notifications beside it
            notes = {key: run[key] for key in ("toolNotifications", "configurationNotifications") if key in run}
            invocations = [one] if (one := as_dict(run.get("invocation")) | notes) else []
        self.runs += 1
        self.doubts.update(self._invoked(invocations))
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
        revision = as_dict(next(iter(as_list(run.get("versionControlProvenance"))), None)).get("revisionId")
        automation = as_dict(run.get("automationDetails")).get("id")
        for key, value in (("automation_id", automation), ("revision", revision)):
            if text := clip(as_text(value), 200):
                self.facts.setdefault(key, text)

    def _invoked(self, invocations: list[dict[str, Any]]) -> Iterator[Result]:
        """Error where a tool says that it failed. Where it noted an error on the way, what it did not find is in doubt:
        inconclusive, or warned when it says that it succeeded all the same."""
        for invocation in invocations:
            if started := moment(invocation.get("startTimeUtc") or invocation.get("startTime")):
                self.started.append(started)
            if ended := moment(invocation.get("endTimeUtc") or invocation.get("endTime")):
                self.ended.append(ended)
            succeeded = invocation.get("executionSuccessful", invocation.get("toolExecutionSuccessful"))
            noted = Counter(_notified(invocation))
            self.notifications += noted
            if succeeded is False:
                yield Result.ERROR
            elif noted["error"]:
                yield Result.WARNED if succeeded is True else Result.INCONCLUSIVE

    def _add_result(self, result: dict[str, Any], rules: Rules, artifacts: list[Any]) -> None:
        rule = rules.of_result(result)
        kind, level = _kind_and_level(result, rules, rule)
        severity = _severity(kind, level, rule)
        baseline = as_text(result.get("baselineState")).lower()
        self.total += 1
        self.levels[level if level in LEVELS else "other"] += 1
        self.kinds[kind] += kind != "fail"
        self.baseline[clip(baseline, 20)] += 1
        if _suppressed(result):
            self.findings.suppress()
        elif baseline != "absent" and kind not in _NO_FINDINGS:
            if kind in _UNDECIDED:
                self.doubts.add(Result.WARNED)
            self.findings.add(
                severity,
                id=as_text(result.get("ruleId")) or as_text(rule.get("id")),
                title=_message(result, rule),
                location=_location(result, artifacts),
                level=level,
            )

    def item(self, version: str, evidence_type: EvidenceType) -> Item:
        """What the runs say, as evidence of a type."""
        counts = self.findings.counts()
        result = worst_result([counts.result(), *self.doubts]) if self.runs else Result.INCONCLUSIVE
        producer = ", ".join(filter(None, list(self.tools)[:5]))
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
        }
        payload |= {key: value for key, value in optional.items() if value} | self.facts
        return Item(
            evidence_type=evidence_type,
            title=clip(f"{producer or 'SARIF log'}: {open_sentence(counts)}"),
            result=result,
            producer=clip(producer, 200),
            findings=counts,
            started_at=min(self.started, default=None),
            completed_at=max(self.ended, default=None),
            payload=payload | {"top_findings": self.findings.top()},
        )


def _counted(counter: Counter[str]) -> dict[str, int]:
    """The eight most common, without empty names: a producer may put anything there."""
    return {name: count for name, count in counter.most_common(8) if name and count}


def _tool(run: dict[str, Any]) -> str:
    """Name and version; 2.0.0 has them on the tool itself, 2.1.0 on its driver."""
    tool = as_dict(run.get("tool"))
    driver = as_dict(tool.get("driver")) or tool
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


def _kind_and_level(result: dict[str, Any], rules: Rules, rule: dict[str, Any]) -> tuple[str, str]:
    """Sections 3.27.9 and 3.27.10: a kind other than fail has no level of its own."""
    kind = clip(as_text(result.get("kind")), 20) or "fail"
    level = as_text(result.get("level")).lower()
    if level in _KIND_LEVELS:
        return _KIND_LEVELS[level], "none"
    if level:
        return kind, level
    if kind != "fail":
        return kind, "none"
    return kind, rules.level_of(result, rule)


def _severity(kind: str, level: str, rule: dict[str, Any]) -> Severity:
    """The rule's `security-severity` speaks of a failure; what passed or does not apply has none."""
    if kind == "fail" or level != "none":
        try:
            score = float(as_text(as_dict(rule.get("properties")).get("security-severity")))
        except ValueError:
            score = -1.0
        if score >= 0:
            return severity_of_score(score)
    return LEVELS.get(level) or severity_of(level)


def _suppressed(result: dict[str, Any]) -> bool:
    """Suppressions there are, and every one accepted; no status means accepted (section 3.35.3)."""
    given = as_list(result.get("suppressions"))
    if given:
        return all(as_text(as_dict(one).get("status")) in ("", "accepted") for one in given)
    return bool(as_list(result.get("suppressionStates")))  # 2.0.0


def _message(result: dict[str, Any], rule: dict[str, Any]) -> str:
    """The message's text, else the rule's template with its arguments put in, else the rule's description."""
    message = as_dict(result.get("message")) or as_dict(result.get("formattedRuleMessage"))
    text = as_text(message.get("text")) or as_text(message.get("markdown")) or as_text(result.get("message"))
    if not text:
        template = as_dict(as_dict(rule.get("messageStrings")).get(as_text(message.get("id"))))
        older = as_dict(rule.get("messageFormats")).get(as_text(message.get("formatId")))
        text = as_text(template.get("text")) or as_text(older)
    for number, argument in enumerate(as_list(message.get("arguments"))[:10]):
        text = text[:2000].replace(f"{{{number}}}", clip(as_text(argument), 200))
    short = rule.get("shortDescription")
    described = as_text(as_dict(short).get("text")) or as_text(short)
    return text or described or as_text(rule.get("name"))


def _location(result: dict[str, Any], artifacts: list[Any]) -> str:
    """File and line of the first location, else its logical name. In 1.0.0 the file is that of the result, else the
    one that was analysed."""
    location = as_dict(next(iter(as_list(result.get("locations"))), None))
    physical = next(filter(None, (as_dict(location.get(key)) for key in _PLACES)), {})
    artifact = as_dict(physical.get("artifactLocation")) or as_dict(physical.get("fileLocation")) or physical
    uri = as_text(artifact.get("uri"))
    if not uri:
        index = index_of(artifact.get("index"), artifacts)
        uri = as_text(as_dict(as_dict(artifacts[index]).get("location")).get("uri")) if index is not None else ""
    line = as_text(as_dict(physical.get("region")).get("startLine"))
    logical = as_dict(next(iter(as_list(location.get("logicalLocations"))), None))
    named = as_text(logical.get("fullyQualifiedName")) or as_text(logical.get("name"))
    named = named or as_text(location.get("fullyQualifiedLogicalName"))
    return (f"{uri}:{line}" if line else uri) or named
