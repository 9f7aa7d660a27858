"""Which tools of SARIF runs are linters, and which are scanners."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.domain.evidence import EvidenceType, Result
from app.importers import registry
from app.importers.base import Artifact, ImportBatch, Item
from app.importers.sarif_tools import LINTERS, SCANNERS, Kind, kind_of

SECURITY_RULE = {"id": "A", "properties": {"security-severity": "9.8", "tags": ["security"]}}


def run(name: str, *, extensions: tuple[str, ...] = (), **driver: Any) -> dict[str, Any]:
    return {
        "tool": {"driver": {"name": name} | driver, "extensions": [{"name": one} for one in extensions]},
        "results": [],
    }


def items(*runs: dict[str, Any]) -> tuple[Item, ...]:
    outcome = registry.read(Artifact.of_bytes("r.sarif", json.dumps({"version": "2.1.0", "runs": runs}).encode()))
    assert isinstance(outcome, ImportBatch)
    return outcome.items


@pytest.mark.parametrize(
    "name",
    [
        "ESLint", "ruff", "Ruff", "Flake8", "Pylint", "Checkstyle", "PMD", "stylelint", "golangci-lint", "clippy",
        "RuboCop", "ktlint", "detekt", "SwiftLint", "ShellCheck", "markdownlint", "markdownlint-cli2", "Hadolint",
        "JetBrains InspectCode", "InspectCode", "ReSharper", "JetBrains ReSharper", "QDNET", "QDJVM", "Qodana for JVM",
        "Microsoft (R) Visual C# Compiler", "Microsoft (R) Visual Basic Compiler", "Roslyn Compiler", "TypeScript",
        "tsc", "GNU C++17", "clang-tidy", "mypy", "Android Lint", "SpotBugs", "PHP_CodeSniffer", "ESLint 9.1.0",
        "eslint (MegaLinter JAVASCRIPT_ES)", "corp-style-lint", "Corp Linter",
    ],
)  # fmt: skip
def test_linters(name: str) -> None:
    assert kind_of(run(name)) is Kind.LINTER
    (item,) = items(run(name))
    assert (item.evidence_type, item.result) == (EvidenceType.CI, Result.PASSED)


@pytest.mark.parametrize(
    "name",
    [
        "CodeQL", "Semgrep OSS", "Trivy", "Grype", "Bandit", "gosec", "Gitleaks", "Snyk Code", "Checkov", "KICS",
        "tfsec", "Brakeman", "kube-linter", "secretlint", "nodejsscan", "Cppcheck", "Flawfinder", "Contrast Security",
        "zizmor", "Corp Security Linter", "corpsec", "Corp Vulnerability Scanner", "OSV-Scanner",
    ],
)  # fmt: skip
def test_scanners(name: str) -> None:
    assert kind_of(run(name)) is Kind.SCANNER
    (item,) = items(run(name))
    assert (item.evidence_type, item.result) == (EvidenceType.SECURITY, Result.PASSED)


def test_no_tool_is_in_both_tables() -> None:
    assert not LINTERS & SCANNERS


@pytest.mark.parametrize("name", ["ESLint", "RuboCop", "PMD", "SpotBugs"])
def test_a_linter_with_rules_about_security_stays_a_linter(name: str) -> None:
    """Else its clean run, which lists no rule or all of them, would be of another type than its failing one."""
    failing = run(name, rules=[SECURITY_RULE]) | {"results": [{"ruleId": "A", "message": {"text": "m"}}]}
    (found,), (clean,) = items(failing), items(run(name))
    assert found.evidence_type is clean.evidence_type is EvidenceType.CI
    assert (found.result, clean.result) == (Result.FAILED, Result.PASSED)


def test_a_plugin_makes_spotbugs_a_scanner_whatever_it_found() -> None:
    core, plugin = "edu.umd.cs.findbugs.plugins.core", "com.h3xstream.findsecbugs"
    assert kind_of(run("SpotBugs", extensions=(core,))) is Kind.LINTER
    assert kind_of(run("SpotBugs", extensions=(core, plugin))) is Kind.SCANNER


@pytest.mark.parametrize(
    "told",
    [
        {"rules": [SECURITY_RULE]},
        {"rules": [{"id": "A", "properties": {"tags": ["Security"]}}]},
        {"informationUri": "https://example.org/vulnerability-scanner"},
        {"shortDescription": {"text": "Finds weaknesses of the OWASP top ten"}},
        {"supportedTaxonomies": [{"name": "CWE"}]},
        {"properties": {"tags": ["security"]}},
    ],
)
def test_an_unknown_tool_that_speaks_of_security_is_a_scanner(told: dict[str, Any]) -> None:
    assert kind_of(run("Proof of Care")) is Kind.UNTOLD
    assert kind_of(run("Proof of Care", **told)) is Kind.SCANNER


def test_a_tag_on_the_run_settles_what_an_unknown_tool_is() -> None:
    (item,) = items(run("Proof of Care") | {"properties": {"tags": ["security"]}})
    assert item.result is Result.PASSED


def test_silence_of_an_unknown_tool_proves_nothing_and_its_findings_count() -> None:
    (silent,) = items(run("Proof of Care"))
    assert (silent.evidence_type, silent.result) == (EvidenceType.SECURITY, Result.INCONCLUSIVE)
    found = run("Proof of Care") | {"results": [{"level": "error", "message": {"text": "m"}}]}
    (told,) = items(found)
    assert (told.evidence_type, told.result) == (EvidenceType.SECURITY, Result.FAILED)
    # Beside a scanner it adds nothing, and takes nothing away.
    (both,) = items(run("Proof of Care"), run("CodeQL"))
    assert both.result is Result.PASSED


@pytest.mark.parametrize("tool", [None, 7, [], {}, {"driver": 7}, {"driver": {"name": None, "rules": 7}}, {"name": []}])
def test_odd_tools_are_of_no_kind(tool: Any) -> None:
    assert kind_of({"tool": tool, "results": []}) is Kind.UNTOLD
