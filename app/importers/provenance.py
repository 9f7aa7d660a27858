"""What an attestation's predicate tells: its kind, its build's source, times and page, and what it is about.

Source: SLSA provenance v0.1, v0.2 and v1, verification summary v1, npm's publish predicate, in-toto's test result.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from app.domain.checks import Subject, subject_of
from app.importers.attestations import Attestation, builder_of
from app.importers.base import clip, link
from app.importers.documents import as_dict, as_list, as_text
from app.importers.moments import moment
from app.importers.names import image_target, only, package_target, path_target, shorten, whole_commit

_COMMIT_PAGE = re.compile(r"https?://[^?#]+/commit/([0-9a-f]{40})/?")
_VERSION = re.compile(r" v[\d.]+$")
_SUBJECTS = 1000
"""Subjects of an attestation whose names tell what it is about."""

_PREDICATES = (
    (re.compile(r"https://slsa\.dev/provenance/(v[\d.]+)"), "SLSA provenance"),
    (re.compile(r"https://slsa\.dev/verification_summary/(v[\d.]+)"), "SLSA verification summary"),
    (re.compile(r"https://github\.com/npm/attestation/tree/main/specs/publish/(v[\d.]+)"), "npm publish attestation"),
    (re.compile(r"https://docs\.pypi\.org/attestations/publish/(v[\d.]+)"), "PyPI publish attestation"),
    (re.compile(r"https://in-toto\.io/attestation/release/(v[\d.]+)"), "Release attestation"),
    (re.compile(r"https://in-toto\.io/attestation/vulns/(v[\d.]+)"), "Vulnerability scan attestation"),
    (re.compile(r"https://in-toto\.io/attestation/test-result/(v[\d.]+)"), "Test result attestation"),
    (re.compile(r"https://(?:www\.)?cyclonedx\.org/(?:bom|schema)()"), "CycloneDX attestation"),
    (re.compile(r"https://spdx\.dev/Document()"), "SPDX attestation"),
    (re.compile(r"https://openvex\.dev/ns()"), "OpenVEX attestation"),
)


def kind_of(attestation: Attestation) -> str:
    """What the attestation is, with the version of its predicate."""
    if attestation.message_digest:
        return "Signature"
    if attestation.statement.get("_type") == "link":
        return f"in-toto link {shorten(as_text(attestation.statement.get('name')), 60)}".strip()
    predicate_type = as_text(attestation.statement.get("predicateType"))
    for pattern, name in _PREDICATES:
        if match := pattern.match(predicate_type):
            return f"{name} {match.group(1)}".strip()
    return f"Attestation {shorten(predicate_type, 80)}"


def predicate_facts(statement: dict[str, Any], predicate: dict[str, Any]) -> dict[str, Any]:
    """What provenance tells: SLSA v0.1, v0.2 and v1, and npm's publish predicate. Absent facts are left out."""
    definition = as_dict(predicate.get("buildDefinition"))
    materials = definition.get("resolvedDependencies", predicate.get("materials"))
    source = as_dict(next(iter(as_list(materials)), None))
    facts = {
        "builder": builder_of(statement),
        "build_type": definition.get("buildType")
        or predicate.get("buildType")
        or as_dict(predicate.get("recipe")).get("type"),
        "source": source.get("uri"),
        "invocation": _invocation(predicate),
        "package": predicate.get("name"),
        "package_version": predicate.get("version"),
        "registry": predicate.get("registry"),
    }
    told: dict[str, Any] = {key: clip(as_text(value), 300) for key, value in facts.items() if as_text(value)}
    if isinstance(materials, (list, dict)):
        told["materials"] = len(materials)
    return told


def times_of(predicate: dict[str, Any]) -> tuple[datetime | None, datetime | None]:
    """When the build began and ended, or when the verifier looked."""
    details = as_dict(as_dict(predicate.get("runDetails")).get("metadata"))
    metadata = as_dict(predicate.get("metadata"))
    started = moment(details.get("startedOn")) or moment(metadata.get("buildStartedOn"))
    finished = moment(details.get("finishedOn")) or moment(metadata.get("buildFinishedOn"))
    return started, finished or moment(predicate.get("timeVerified"))


def _invocation(predicate: dict[str, Any]) -> str:
    details = as_dict(as_dict(predicate.get("runDetails")).get("metadata"))
    return as_text(details.get("invocationId") or as_dict(predicate.get("metadata")).get("buildInvocationId"))


def page_of(statement: dict[str, Any]) -> str:
    """The page of the build, or of the test run."""
    predicate = as_dict(statement.get("predicate"))
    return link(_invocation(predicate), predicate.get("url"))


def commit_of(found: Iterable[Attestation]) -> str:
    """The commit that was built, where all commits that the provenance names are one."""
    return only(commit for attestation in found for commit in _commits(attestation.statement))


def _commits(statement: dict[str, Any]) -> list[str]:
    """What the provenance built, as its configuration names it or first among what went in, with whatever other commits
    went in; nothing where that has no commit, for then the others are those of its parts."""
    if not as_text(statement.get("predicateType")).startswith("https://slsa.dev/provenance/"):
        return []
    predicate = as_dict(statement.get("predicate"))
    definition = as_dict(predicate.get("buildDefinition"))
    configured = [
        as_dict(predicate.get("invocation")).get("configSource"),
        as_dict(definition.get("externalParameters")).get("source"),
    ]
    used = [*as_list(definition.get("resolvedDependencies")), *as_list(predicate.get("materials"))]
    built = [_commit(one) for one in (*configured, *used[:1])]
    return [*built, *map(_commit, used[1:])] if any(built) else []


def _commit(source: Any) -> str:
    facts = as_dict(source)
    address, digest = as_text(facts.get("uri")), as_dict(facts.get("digest"))
    page = _COMMIT_PAGE.fullmatch(address)
    is_git = address.startswith(("git+", "git:")) or address.endswith(".git")
    named = as_text(digest.get("gitCommit")) or (as_text(digest.get("sha1")) if is_git else "")
    return whole_commit(named) or (page.group(1) if page else "")


def subject_of_all(found: list[Attestation]) -> Subject:
    """The kinds of a file's attestations, and what they are about: a package or image without its version."""
    kinds = sorted({_VERSION.sub("", kind_of(attestation)) for attestation in found})
    names = {name for attestation in found for one in _named(attestation) if (name := _unversioned(one))}
    kind = f"in-toto {', '.join(kinds)}"
    return subject_of(kind, names.pop()) if len(names) == 1 else subject_of(kind, holds=names)


def _named(attestation: Attestation) -> Iterator[str]:
    statement = attestation.statement
    if statement.get("_type") == "link":
        yield from list(as_dict(statement.get("products")))[:_SUBJECTS]
        return
    for one in map(as_dict, as_list(statement.get("subject"))[:_SUBJECTS]):
        yield as_text(one.get("name")) or as_text(one.get("uri"))


def _unversioned(name: str) -> str:
    if name.startswith("pkg:"):
        return package_target(name)
    if "\\" in name:
        return path_target(name)
    address = re.sub(r"^https?://", "", name)
    return image_target([address]) if "/" in address or ":" in address else address
