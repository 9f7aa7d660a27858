"""Guards that print text: import-linter (`lint-imports`), terraform-compliance and, around the policy reports that
guard_policy_reports.py reads, `kyverno apply`. Colours are taken out.

import-linter: a broken contract is a high finding, a warning (an ignored import that matches nothing) a low one,
ignored imports are suppressed; a run that stops before its report is an error. It exits non-zero: blocking.
terraform-compliance: scenarios are its checks; failures are high findings, those tagged not to fail are warnings.
"""

from __future__ import annotations

import re
from typing import Any

from app.domain.evidence import Result, Severity
from app.domain.gates import Enforcement
from app.importers.base import Reject, clip
from app.importers.guard_report import Draft, declared, producer

IMPORT_LINTER, TERRAFORM_COMPLIANCE, KYVERNO_APPLY = "import-linter", "terraform-compliance", "kyverno-apply"

LINE_LIMIT = 2000
"""Characters of a line that names a contract; a longer one is none."""

_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_LOGO = "╔══╗─────────▶╔╗ ╔╗"
_ANALYZED = re.compile(r"Analyzed (\d{1,9}) files, (\d{1,9}) dependencies\.")
_CONTRACT = re.compile(r"(.+?) (KEPT|BROKEN)(?: \((.*?)\))?(?: \[[^\]]*\])?")
_KEPT_BROKEN = re.compile(r"Contracts: (\d{1,9}) kept, (\d{1,9}) broken\.")
_IGNORED = re.compile(r"(\d{1,9}) ignored imports?")
_INITIATED = re.compile(r"terraform-compliance v(\S+) initiated")
_APPLYING = re.compile(r"Applying \d+ (?:policy|policies|validating|mutating)\b.*")
_APPLIED = re.compile(r"pass: \d+, fail: \d+, .*")
_TOTALS = re.compile(r"(\d{1,9}) (features?|scenarios?|steps?) \(([^)]*)\)")
_FAILURE = re.compile(r"(Failure|warning|info|no-?failure|no-?fail|dontfail)\s*: ?(.*)", re.IGNORECASE)


def plain(text: str) -> list[str]:
    """The lines of a terminal's output without colours and trailing space."""
    return [line.rstrip() for line in _COLOURS.sub("", text).splitlines()]


def dialect_of(first_lines: list[str]) -> str:
    """Which of the tools printed it, by its first lines, or ""."""
    lines = [line.strip() for line in first_lines]
    if any(line.startswith(_LOGO) or line == "Import Linter" or _ANALYZED.fullmatch(line) for line in lines):
        return IMPORT_LINTER
    if any(line == "POLICY REPORT:" or _APPLYING.fullmatch(line[:LINE_LIMIT]) for line in lines):
        return KYVERNO_APPLY
    return TERRAFORM_COMPLIANCE if any(_INITIATED.fullmatch(line) for line in lines) else ""


def yaml_part(lines: list[str]) -> tuple[str, int]:
    """(The policy reports below what `kyverno apply` says, how many lines stand above them)."""
    start = next((number for number, line in enumerate(lines) if line.startswith("apiVersion:")), None)
    if start is None:
        raise Reject("kyverno printed no policy report; call it with --policy-report", line=len(lines) or None)
    end = next((n for n in range(start, len(lines)) if _APPLIED.fullmatch(lines[n][:LINE_LIMIT])), len(lines))
    return "\n".join(lines[start:end]), start


def read(lines: list[str], dialect: str) -> list[Draft]:
    """The tool's draft."""
    return [_import_linter(lines) if dialect == IMPORT_LINTER else _terraform_compliance(lines)]


def _import_linter(lines: list[str]) -> Draft:
    draft = Draft(guard="import-linter", mode=Enforcement.BLOCKING, producer="import-linter")
    start = next((n for n, line in enumerate(lines) if _ANALYZED.fullmatch(line.strip())), None)
    if start is None:
        return _stopped(lines, draft)
    end = next((n for n in range(start, len(lines)) if _KEPT_BROKEN.fullmatch(lines[n].strip())), None)
    if end is None:
        raise Reject("the output ends before the count of contracts", line=len(lines))
    broken = []
    for line in lines[start + 1 : end]:
        contract = _CONTRACT.fullmatch(line) if len(line) <= LINE_LIMIT else None
        if contract is None:
            continue
        name, state, remark = contract.groups()
        ignored = _IGNORED.search(remark or "")
        draft.findings.suppress(int(ignored.group(1)) if ignored else 0)
        if state == "BROKEN":
            broken.append(name)
        else:
            draft.passed()
    sections = _sections(lines[end + 1 :])
    for name in broken:
        chains = [line.strip("- ") for line in sections.get(name, []) if line.startswith("- ")]
        draft.failed(
            id=name, title=next((line for line in sections.get(name, []) if line), name), imports="; ".join(chains)
        )
    warnings = [line[2:] for line in _warnings(lines[end + 1 :])]
    for warning in warnings:
        draft.findings.add(Severity.LOW, title=warning)
    counts = _KEPT_BROKEN.fullmatch(lines[end].strip())
    analyzed = _ANALYZED.fullmatch(lines[start].strip())
    if counts and analyzed:
        draft.facts = {"files": int(analyzed.group(1)), "dependencies": int(analyzed.group(2))}
        draft.facts |= declared(draft.checks, {"passed": int(counts.group(1)), "failed": int(counts.group(2))})
        if int(counts.group(2)) and not broken:
            raise Reject("contracts are counted as broken, but none is named", line=end + 1)
    if warnings and not broken:
        draft.result = Result.WARNED
    kept = draft.checks["passed"]
    draft.title = f"import-linter: {kept} contracts kept, {len(broken)} broken"
    return draft


def _stopped(lines: list[str], draft: Draft) -> Draft:
    """A run that printed its logo and then why it could not go on."""
    words = re.compile(r"[A-Za-z]{3}")
    spoken = [
        line.strip() for line in lines if words.search(line) and line.strip() not in ("Import Linter", "Contracts")
    ]
    if not spoken:
        raise Reject("the output ends before the contracts", line=len(lines) or None)
    draft.error(title=clip(" ".join(spoken[-5:]), 300))
    draft.title = "import-linter could not check the contracts"
    return draft


def _sections(lines: list[str]) -> dict[str, list[str]]:
    """What is printed under each underlined heading, after the heading "Broken contracts"."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    begun = False
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if line == "Broken contracts":
            begun = True
        elif begun and line and len(following) >= 3 and set(following) == {"-"}:
            current = found.setdefault(line, [])
        elif begun and not (line and set(line) == {"-"}):
            current.append(line)
    return found


def _warnings(lines: list[str]) -> list[str]:
    """The warnings, between their heading and that of the broken contracts."""
    if "Warnings" not in lines:
        return []
    start = lines.index("Warnings")
    end = lines.index("Broken contracts") if "Broken contracts" in lines[start:] else len(lines)
    return [line for line in lines[start:end] if line.startswith("- ")]


def _terraform_compliance(lines: list[str]) -> Draft:
    version = next((match.group(1) for line in lines if (match := _INITIATED.fullmatch(line.strip()))), "")
    draft = Draft(
        guard="terraform-compliance",
        mode=Enforcement.BLOCKING,
        producer=producer("terraform-compliance", version),
    )
    totals: dict[str, dict[str, int]] = {}
    scenario = ""
    for line in lines:
        text = line.strip()
        if text.startswith(("Scenario:", "Scenario Outline:")):
            scenario = text.partition(":")[2].strip()
        elif match := _TOTALS.fullmatch(text):
            totals[match.group(2).rstrip("s")] = _numbers(match.group(3))
        elif match := _FAILURE.match(text):
            fails = match.group(1).lower() == "failure"
            severity = Severity.HIGH if fails else Severity.MEDIUM
            draft.findings.add(severity, id=scenario, title=match.group(2).strip())
    if "scenario" not in totals:
        raise Reject("the output ends before its count of scenarios", line=len(lines) or None)
    counted = totals["scenario"]
    draft.checks.update({name: counted.get(name, 0) for name in ("passed", "failed", "skipped")})
    draft.facts = {"totals": totals}
    counts = draft.findings.counts()
    for _ in range(counted.get("failed", 0) if not counts.high else 0):
        draft.findings.add(Severity.HIGH, title="a scenario failed; its message is not in the output")
    draft.findings.suppress(counted.get("skipped", 0))
    if not draft.checks["failed"] and counts.medium:
        draft.result = Result.WARNED
    return draft


def _numbers(text: str) -> dict[str, int]:
    """{"passed": 2, "failed": 1} of "2 passed, 1 failed"."""
    found: dict[str, Any] = {}
    for number, word in re.findall(r"(\d{1,9}) (\w{1,20})", text):
        found[word] = int(number)
    return found
