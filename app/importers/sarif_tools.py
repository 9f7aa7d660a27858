"""What kind of tool wrote a SARIF run: a linter, whose findings are `ci`, or a scanner, whose findings are `security`.

Told by what the tool is, not by what it found, so that its clean run and its failing one are of one kind, and either
replaces the other. A linter in the table stays one though some of its rules are about security: its clean run is
no security scan, and what it finds still fails `ci`. Of a tool that is in no table, its own words decide: its name,
its makers, its rules' tags and `security-severity`, the taxonomies it follows.

Where nothing tells, findings count as `security`, for a finding must not be missed; but silence of a tool that may be a
linter proves nothing, so a clean run of it is inconclusive. A tag `security` on the run or its driver settles it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

from app.importers.documents import as_dict, as_list, as_text
from app.importers.names import without_version

# Names in small letters without spaces and marks, as `_plain` leaves them.
LINTERS = frozenset(
    (
        "actionlint", "androidlint", "ansiblelint", "autopep8", "basedpyright", "biome", "black", "blocklint",
        "buf", "buildifier", "cargoclippy", "cargofmt", "cfnlint", "checkmake", "checkstyle", "clang",
        "clangformat", "clangtidy", "clippy", "cmakelint", "codeclimate", "codenarc", "codespell", "commitlint",
        "cpd", "cpplint", "credo", "csharpier", "cspell", "csslint", "dartanalyze", "dartanalyzer", "deadnix",
        "deno", "denolint", "depcheck", "dependencycruiser", "deptry", "detekt", "dialyxir", "dialyzer",
        "djlint", "dockerfilelint", "dotenvlinter", "dotnetformat", "dprint", "editorconfigchecker",
        "elmreview", "erblint", "errorprone", "eslint", "flake8", "flutter", "fsharplint", "fxcop", "gcc",
        "gherkinlint", "gitlint", "gnuc", "gofmt", "goimports", "golangcilint", "golint", "govet", "hadolint",
        "hamllint", "hlint", "htmlhint", "htmlvalidate", "infer", "inspectcode", "isort",
        "jetbrainsinspectcode", "jscpd", "jshint", "jslint", "jsonlint", "knip", "ktfmt", "ktlint", "lintr",
        "lizard", "luacheck", "lychee", "markdownlint", "markdownlintcli2", "mdformat", "megalinter",
        "misspell", "mypy", "ndepend", "nilaway", "oxlint", "perlcritic", "phan", "phpcodesniffer", "phpcs",
        "phpcsfixer", "phpmd", "phpstan", "pmd", "pmdcpd", "prettier", "proselint", "protolint", "psalm",
        "psscriptanalyzer", "pycodestyle", "pydocstyle", "pyflakes", "pylint", "pyre", "pyright", "pytype",
        "qodana", "radon", "redocly", "reek", "remark", "remarklint", "resharper", "revive", "robocop",
        "roslyn", "roslynator", "rstcheck", "rubocop", "ruff", "rufffmt", "rustc", "rustfmt", "scalafix",
        "scalafmt", "scalastyle", "scapegoat", "scsslint", "selene", "shellcheck", "shfmt", "slimlint",
        "snakefmt", "solhint", "spectral", "sphinxlint", "spotbugs", "sqlcheck", "sqlfluff", "standard",
        "standardjs", "standardrb", "staticcheck", "statix", "stylecop", "stylecopanalyzers", "stylelint",
        "stylua", "swiftformat", "swiftlint", "taplo", "textlint", "tflint", "tsc", "tslint", "tsqllint", "ty",
        "typescript", "typos", "unparam", "vacuum", "vale", "verible", "verilator", "vint", "vulture",
        "wartremover", "xmllint", "xo", "yamale", "yamllint", "yapf",
    )
)  # fmt: skip

SCANNERS = frozenset(
    (
        "anchore", "anchoregrype", "appscan", "appscreener", "aquasecuritytrivy", "bandit", "bearer", "binskim",
        "blackduck", "brakeman", "bundleraudit", "burp", "cargoaudit", "cargodeny", "checkmarx", "checkov",
        "clair", "clairctl", "codeql", "codescanner", "conftest", "contrast", "coverity", "cppcheck",
        "credscan", "cxflow", "datadogstaticanalyzer", "dependencycheck", "detectsecrets", "devskim", "dlint",
        "dockerscout", "dockle", "endorlabs", "falco", "findsecbugs", "flawfinder", "fortify", "ggshield",
        "gitguardian", "gitleaks", "gosec", "govulncheck", "grype", "guarddog", "hclappscan", "horusec",
        "jfrog", "jfrogxray", "kics", "klocwork", "kubeaudit", "kubebench", "kubelinter", "kubescape",
        "kubesec", "lgtm", "lgtmcom", "mend", "mobsfscan", "mythril", "nancy", "nikto", "njsscan", "nodejsscan",
        "noseyparker", "nuclei", "osvscanner", "owaspdependencycheck", "owaspzap", "paranoid", "pipaudit",
        "polaris", "poutine", "prefast", "prowler", "pysa", "pythonsecurityanalysis", "qualys", "rapid7",
        "retirejs", "safety", "scorecard", "secretlint", "securitycodescan", "semgrep", "semgreposs",
        "semgreppro", "shellscriptanalysis", "slither", "snyk", "snykcode", "snykcontainer", "snykiac",
        "snykopensource", "sonatype", "sonatypelift", "terrascan", "tfsec", "trivy",
        "trivyvulnerabilityscanner", "trufflehog", "veracode", "whitesource", "wiz", "wizcli", "xray", "zap",
        "zizmor",
    )
)  # fmt: skip

_LINTER_NAME = re.compile(r".+(?:lint|linter|linters|formatter|typechecker|codestyle)")
_FAMILY = re.compile(
    r".*compiler|gnu(?:c|go|fortran|ada|d|cobol|modula2|rust|objectivec)\d*|qd[a-z]{2,6}"
    r"|(?:jetbrains)?(?:resharper|qodana|inspectcode|rider).*"
)
"""Compilers, and the names that JetBrains gives one inspector."""
_SIGN = re.compile(
    r"secur|vulnerab|\bcves?\b|\bcwe\b|owasp|\bsast\b|\bdast\b|\biast\b|\bsca\b|secret|leak|malware|scan|pentest"
    r"|exploit|audit|\btaint|attack|\bsec\b|appsec|devsec|sec$",
    re.IGNORECASE,
)
_TAXONOMY = re.compile(r"\bcwe\b|owasp|sans top|\bcapec\b|nist", re.IGNORECASE)
_SECURITY_PLUGIN = re.compile(r"find-?sec-?bugs|security", re.IGNORECASE)
_WRAPPED = re.compile(r"\s*\((?:mega|super)-?linter.*\)\s*$", re.IGNORECASE)
_UNMARKED = re.compile(r"[^a-z0-9]+")


class Kind(Enum):
    """What a run's tool is for."""

    LINTER = "linter"
    SCANNER = "scanner"
    UNTOLD = "untold"


def tool_name(run: dict[str, Any]) -> str:
    """The tool's name without its version, and without the name of a program that ran it for somebody."""
    driver = driver_of(run)
    name = as_text(driver.get("name")) or as_text(driver.get("fullName"))
    version = as_text(driver.get("semanticVersion")) or as_text(driver.get("version"))
    return without_version(_WRAPPED.sub("", name), version)


def driver_of(run: dict[str, Any]) -> dict[str, Any]:
    """2.1.0 describes the tool in its driver, 2.0.0 and 1.0.0 in the tool itself."""
    tool = as_dict(run.get("tool"))
    return as_dict(tool.get("driver")) or tool


def kind_of(run: dict[str, Any]) -> Kind:
    """What the run's tool is for."""
    driver = driver_of(run)
    name = tool_name(run)
    plain, first = _plain(name), _plain(name.split(" ", maxsplit=1)[0])
    extensions = [as_dict(one) for one in as_list(as_dict(run.get("tool")).get("extensions"))]
    if {plain, first} & SCANNERS:
        return Kind.SCANNER
    if plain in LINTERS or _FAMILY.fullmatch(plain):
        # SpotBugs names its plugins in every run, whatever it found.
        named = any(_SECURITY_PLUGIN.search(as_text(one.get("name"))) for one in extensions)
        return Kind.SCANNER if plain == "spotbugs" and named else Kind.LINTER
    if _tagged(run) or _tagged(driver) or _SIGN.search(name):
        return Kind.SCANNER
    if any(_is_about_security(rule) for rule in _rules(run, driver, extensions)):
        return Kind.SCANNER
    if _LINTER_NAME.fullmatch(plain):
        return Kind.LINTER
    if _SIGN.search(" ".join(_words(run, driver, extensions))) or _follows_taxonomy(run, driver, extensions):
        return Kind.SCANNER
    return Kind.UNTOLD


def _plain(name: str) -> str:
    return _UNMARKED.sub("", name.lower())


def _tagged(thing: dict[str, Any]) -> bool:
    tags = as_list(as_dict(thing.get("properties")).get("tags"))
    return any(as_text(tag).strip().lower() == "security" for tag in tags)


def _rules(run: dict[str, Any], driver: dict[str, Any], extensions: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    older = as_dict(run.get("resources")).get("rules") or run.get("rules")
    for listed in (driver.get("rules"), older, *(one.get("rules") for one in extensions)):
        yield from map(as_dict, as_dict(listed).values() or as_list(listed))


def _is_about_security(rule: dict[str, Any]) -> bool:
    return "security-severity" in as_dict(rule.get("properties")) or _tagged(rule)


def _words(run: dict[str, Any], driver: dict[str, Any], extensions: list[dict[str, Any]]) -> Iterator[str]:
    """What the tool says of itself; not of what it found."""
    for component in (driver, *extensions[:20]):
        for key in ("name", "fullName", "product", "productSuite", "organization", "informationUri"):
            yield as_text(component.get(key))[:300]
        for key in ("shortDescription", "fullDescription"):
            described = component.get(key)
            yield (as_text(as_dict(described).get("text")) or as_text(described))[:500]
    yield as_text(as_dict(as_dict(run.get("automationDetails")).get("description")).get("text"))[:500]


def _follows_taxonomy(run: dict[str, Any], driver: dict[str, Any], extensions: list[dict[str, Any]]) -> bool:
    named = [as_text(as_dict(one).get("name")) for one in as_list(run.get("taxonomies"))[:50]]
    for component in (driver, *extensions[:20]):
        named += [as_text(as_dict(one).get("name")) for one in as_list(component.get("supportedTaxonomies"))[:50]]
    return any(map(_TAXONOMY.search, named))
