"""VEX statements and the findings they answer. Pure: takes and gives plain values.

A statement says of one vulnerability in some products whether it matters. Shape, as importers keep it in an item's
payload under `vex_statements`:

    {"vulnerability": "CVE-2024-1", "aliases": [...], "products": [...], "subcomponents": [...],
     "status": "not_affected", "justification": "...", "timestamp": "2024-01-31T00:00:00Z"}

`products` are names of what was shipped, `subcomponents` the parts of it that the statement is about; both are
package URLs, image references, digests such as `sha256:...` or other identifiers. Source of the rules: OpenVEX
specification v0.2.0, "Statement Inheritance" and "Updating Statements": the newest statement about a vulnerability in a
product is the one that holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

AFFECTED = "affected"
UNDER_INVESTIGATION = "under_investigation"
NOT_AFFECTED = "not_affected"
FIXED = "fixed"

STATUSES = (NOT_AFFECTED, AFFECTED, FIXED, UNDER_INVESTIGATION)
"""The four statuses of OpenVEX."""

ANSWERS = frozenset({NOT_AFFECTED, FIXED})
"""The statuses that close a finding."""

Finding = dict[str, Any]
Statement = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answers:
    """Findings split by whether a statement closes them; each answered one with the statement that does."""

    open: list[Finding]
    answered: list[tuple[Finding, Statement]]

    def by_severity(self) -> dict[str, int]:
        """How many findings were answered, by their `severity`."""
        return dict(Counter(str(finding.get("severity")) for finding, _statement in self.answered))


def answered(findings: Iterable[Finding], statements: Sequence[Statement], subject: Sequence[str] = ()) -> Answers:
    """Which findings are answered by a not_affected or fixed statement.

    A finding has `id`, and where known `aliases` (a list, or text with commas), `purl`, `package` and `version`.
    `subject` names what was scanned: image references, digests, package URLs. A statement is about a finding when the
    vulnerability is the same and one of its products is the finding's package or, for all of its packages or for the
    subcomponents named, the subject. A statement that names no product answers nothing: whom it speaks of is unknown.
    Of several, the newest holds; among equals, the later in the sequence.
    """
    by_vulnerability: dict[str, list[Statement]] = {}
    for statement in sorted(statements, key=_when):
        for name in _vulnerability_names(statement.get("vulnerability"), statement.get("aliases")):
            by_vulnerability.setdefault(name, []).append(statement)
    still_open: list[Finding] = []
    closed: list[tuple[Finding, Statement]] = []
    for finding in findings:
        names = _vulnerability_names(finding.get("id"), finding.get("aliases"))
        about = [s for name in names for s in by_vulnerability.get(name, ()) if _about(s, finding, subject)]
        holding = max(enumerate(about), key=lambda pair: (_when(pair[1]), pair[0]), default=None)
        if holding is not None and holding[1].get("status") in ANSWERS:
            closed.append((finding, holding[1]))
        else:
            still_open.append(finding)
    return Answers(still_open, closed)


def superseded(statements: Sequence[Statement]) -> set[int]:
    """The places in one document of statements that a newer one about the same vulnerability and products replaces."""
    newest: dict[tuple[str, str, tuple[str, ...]], int] = {}
    replaced: set[int] = set()
    for place in sorted(range(len(statements)), key=lambda i: _when(statements[i])):
        statement = statements[place]
        parts = tuple(sorted(_texts(statement.get("subcomponents"))))
        keys = [(str(statement.get("vulnerability")), p, parts) for p in _texts(statement.get("products")) or [""]]
        for key in keys:
            newest[key] = place
    held = set(newest.values())
    replaced.update(place for place in range(len(statements)) if place not in held)
    return replaced


def _when(statement: Statement) -> str:
    """Times are kept in UTC in one spelling, so that their text sorts as they do."""
    return str(statement.get("timestamp") or "")


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [part for part in value if isinstance(part, str) and part] if isinstance(value, (list, tuple)) else []


def _vulnerability_names(name: Any, aliases: Any) -> set[str]:
    return {text.casefold() for text in [*_texts([name]), *_texts(aliases)]}


def _about(statement: Statement, finding: Finding, subject: Sequence[str]) -> bool:
    products, parts = _texts(statement.get("products")), _texts(statement.get("subcomponents"))
    is_subject = any(_is_subject(product, name) for product in products for name in subject)
    if parts:
        return is_subject and any(_is_package(part, finding) for part in parts)
    return is_subject or any(_is_package(product, finding) for product in products)


class _Purl(NamedTuple):
    """A package URL's parts, casefolded and unquoted. Source: package-url/purl-spec."""

    type: str
    path: str
    version: str
    qualifiers: dict[str, str]


def _purl(text: str) -> _Purl | None:
    if not text.lower().startswith("pkg:"):
        return None
    rest, _, _subpath = text[4:].strip("/").partition("#")
    rest, _, query = rest.partition("?")
    start, at, version = rest.rpartition("@")
    if not at or "/" in version:  # an @ may open a scope: pkg:npm/@scope/name
        start, version = rest, ""
    kind, _, path = start.partition("/")
    path = unquote(path).casefold().strip("/")
    if kind.casefold() == "pypi":
        path = path.replace("_", "-")
    return _Purl(kind.casefold(), path, unquote(version).casefold(), dict(parse_qsl(query.casefold())))


def _is_package(pattern: str, finding: Finding) -> bool:
    """Whether the identifier covers the finding's package. What the identifier leaves out, it leaves open."""
    wanted = _purl(pattern)
    own = finding.get("purl")
    if wanted is None:
        return isinstance(own, str) and own == pattern
    found = _purl(own) if isinstance(own, str) else None
    if found is not None:
        return (
            (wanted.type, wanted.path) == (found.type, found.path)
            and wanted.version in ("", found.version)
            and wanted.qualifiers.items() <= found.qualifiers.items()
        )
    # Reports without package URLs name a package and a version; only both together are taken as enough.
    names = {wanted.path, wanted.path.replace("/", ":"), wanted.path.rpartition("/")[2]}
    package, version = (str(finding.get(key) or "").casefold() for key in ("package", "version"))
    return bool(wanted.version) and version == wanted.version and package in names


def _is_subject(product: str, name: str) -> bool:
    """Whether a product's identifier names what was scanned."""
    if product.casefold() == name.casefold():
        return True
    wanted = _purl(product)
    if wanted is None:
        return False
    found = _purl(name)
    if found is not None:
        return _is_package(product, {"purl": name})
    return wanted.type in ("oci", "docker") and _is_image(wanted, name.casefold())


def _is_image(wanted: _Purl, reference: str) -> bool:
    """Whether a package URL names the image of a reference such as `registry/path/name:tag@sha256:...`."""
    reference, _, digest = reference.partition("@")
    if reference.startswith("sha256:"):
        return wanted.version == reference
    repository, colon, tag = reference.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = reference, ""
    where = wanted.qualifiers.get("repository_url", "")
    return (
        repository.rpartition("/")[2] == wanted.path.rpartition("/")[2]
        and wanted.version in ("", digest, tag)
        and wanted.qualifiers.get("tag", tag) == tag
        and (not where or repository in (where, f"{where}/{wanted.path}"))
    )
