"""Every format, one line each; detection by content, and the one edge where a parse becomes a value."""

from __future__ import annotations

import io
import re
from contextlib import suppress
from itertools import islice
from typing import Any

from app.importers import (
    alertmanager,
    cobertura,
    code_quality,
    contract_drift,
    cucumber_json,
    cucumber_messages,
    cyclonedx,
    github_checks,
    gitlab_api,
    gitlab_security,
    grype,
    guard,
    health,
    intoto,
    junit,
    k6,
    k8s_status,
    load_stats,
    mochawesome,
    openvex,
    playwright_json,
    sarif,
    sonar_gate,
    trivy,
    xunit_other,
)
from app.importers.base import Artifact, ImportBatch, Importer, Probe, Reject, Rejected, clip
from app.importers.documents import YAML_LIMIT, decode, parse_json, read_json, read_yaml
from app.importers.markup import events, local, namespace

IMPORTERS: tuple[Importer, ...] = (
    alertmanager,
    cobertura,
    code_quality,
    contract_drift,
    cucumber_json,
    cucumber_messages,
    cyclonedx,
    github_checks,
    gitlab_api,
    gitlab_security,
    grype,
    guard,
    health,
    intoto,
    junit,
    k6,
    k8s_status,
    load_stats,
    mochawesome,
    openvex,
    playwright_json,
    sarif,
    sonar_gate,
    trivy,
    xunit_other,
)

FORMATS: dict[str, Importer] = {importer.FORMAT: importer for importer in IMPORTERS}

_HEAD = 256 * 1024
_CHILDREN = 40
_EVENTS = 10_000
_LINES = 20
_EXTENSIONS = frozenset(("json", "xml", "yaml", "yml", "csv", "txt", "log"))
_YAML = re.compile(r"(?:[#%].*\n|---.*\n|\s*\n)*(?:-\s+)*[A-Za-z_$\"'][\w.$/\"'-]*:(?:\s|$)", re.MULTILINE)


def read(artifact: Artifact, format: str | None = None) -> ImportBatch | Rejected:
    """The evidence in one artifact. `format` skips detection; otherwise exactly one importer must claim it.

    Never raises for bad input.
    """
    try:
        if artifact.size == 0:
            return Rejected("the file is empty")
        if format is not None:
            if format not in FORMATS:
                return Rejected(f"unknown format {format[:50]!r}; the formats are {', '.join(sorted(FORMATS))}")
            chosen = FORMATS[format]
        else:
            chosen = _detect(artifact)
    except Reject as refused:
        return _rejected(refused, None)
    try:
        return chosen.parse(artifact)
    except Reject as refused:
        return _rejected(refused, chosen.FORMAT)


def _rejected(refused: Reject, format: str | None) -> Rejected:
    """The sentence may quote the artifact, so it is made printable and short."""
    return Rejected(clip(refused.reason, 900), refused.line, refused.column, format)


def _detect(artifact: Artifact) -> Importer:
    found = probe(artifact)
    claims = [importer for importer in IMPORTERS if importer.detect(found)]
    if len(claims) == 1:
        return claims[0]
    if claims:
        names = ", ".join(sorted(importer.FORMAT for importer in claims))
        raise Reject(f"ambiguous: the content fits {names}; say which with --format")
    if said := _not_read(found):
        raise Reject(said)
    if found.kind in ("text", "csv") and _YAML.match("\n".join(found.lines)):
        read_yaml(artifact)  # raises, and so says where broken YAML is broken
    raise Reject(f"unknown format: {_describe(found)} is none of the {len(FORMATS)} that are read{_likely(artifact)}")


def _likely(artifact: Artifact) -> str:
    """The formats whose names come close to the file's; what is read at all stands in the README."""
    words = set(re.split(r"[^a-z0-9]+", artifact.name.rpartition("/")[2].lower())) - _EXTENSIONS
    near = [name for name in sorted(FORMATS) if any(len(word) > 2 and word in name for word in words)]
    return f"; by its name it could be {', '.join(near[:3])}: --format takes it as such" if near else ""


def _not_read(found: Probe) -> str:
    """What is known and not read, and what to hand in instead."""
    first = found.lines[0].strip() if found.lines else ""
    if first.startswith(("TN:", "SF:")):
        return "an lcov tracefile is not read; write Cobertura XML, as lcov_cobertura does"
    if re.fullmatch(r"mode: (set|count|atomic)", first):
        return "a Go coverage profile is not read; write Cobertura XML, as gocover-cobertura does"
    document = found.document if isinstance(found.document, dict) else {}
    if {"consumer", "provider"} <= document.keys() and {"interactions", "messages"} & document.keys():
        return "a Pact contract says what a consumer expects, not whether the provider honours it; verify it first"
    return ""


def _describe(found: Probe) -> str:
    if found.kind == "xml":
        return f"XML with the root element <{clip(found.root, 100)}>"
    if found.kind == "json":
        document = found.document
        if isinstance(document, dict):
            return f"a JSON object with the keys {clip(', '.join(list(document)[:8]), 200) or '(none)'}"
        return f"a JSON {'array' if isinstance(document, list) else 'value'}"
    return {"jsonl": "JSON lines", "yaml": "YAML", "csv": "a table"}.get(found.kind, "text")


def probe(artifact: Artifact) -> Probe:
    """What the content looks like. Raises Reject when it is broken in a way that no format could mend."""
    with artifact.open() as stream:
        head = stream.read(_HEAD)
    if head.startswith(b"\x1f\x8b"):
        raise Reject("the file is compressed by gzip; unpack it, or hand in a tar archive")
    if b'"scanner_name": "govulncheck"' in head[:4096] or b'"scanner_name":"govulncheck"' in head[:4096]:
        raise Reject("govulncheck's own JSON is a stream that is not read; use govulncheck -format sarif")
    start = head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00")[:1]
    if start == b"<":
        return _probe_xml(artifact)
    if start in (b"{", b"["):
        return _probe_json(artifact)
    return _probe_text(artifact, head)


def _probe_xml(artifact: Artifact) -> Probe:
    root: Any = None
    children: list[str] = []
    depth = 0
    try:
        for event, element in islice(events(artifact), _EVENTS):
            depth += 1 if event == "start" else -1
            if event == "start" and root is None:
                root = element
            elif event == "start" and depth == 2:
                children.append(local(element.tag))
                if len(children) >= _CHILDREN:
                    break
            elif event == "end" and depth == 1:
                del root[:]  # not clear(), which would lose the attributes
    except Reject:
        if root is None:
            raise
        # Broken further down: the importer meets the same place and rejects it in the format's name.
    return Probe(
        "xml",
        root=local(root.tag),
        namespace=namespace(root.tag),
        attributes=dict(root.attrib),
        children=tuple(children),
    )


def _probe_json(artifact: Artifact) -> Probe:
    lines = _first_lines(artifact)
    if len(lines) > 1:
        try:
            first = parse_json(lines[0])
        except Reject:
            first = None
        if isinstance(first, (dict, list)):
            return Probe("jsonl", document=_parsed_lines(artifact), lines=lines)
    return Probe("json", document=read_json(artifact))


def _parsed_lines(artifact: Artifact) -> list[Any]:
    documents = []
    for number, line in _numbered_lines(artifact):
        try:
            documents.append(parse_json(line))
        except Reject as refused:
            raise Reject(refused.reason, line=number, column=refused.column) from None
    return documents


def _first_lines(artifact: Artifact) -> tuple[str, ...]:
    return tuple(line for _number, line in _numbered_lines(artifact))


def _numbered_lines(artifact: Artifact) -> list[tuple[int, str]]:
    """The first non-blank lines, whole ones only, with their numbers from 1."""
    with artifact.open() as stream:
        head = stream.read(_HEAD)
    whole = head if len(head) == artifact.size else head[: head.rfind(b"\n") + 1]
    # Not splitlines: it also splits at U+2028 and others, which JSON allows inside strings.
    lines = enumerate(io.StringIO(decode(whole), newline=None), start=1)
    return list(islice(((number, line.rstrip("\n")) for number, line in lines if line.strip()), _LINES))


def _probe_text(artifact: Artifact, head: bytes) -> Probe:
    lines = _first_lines(artifact)
    if not lines:
        raise Reject("the file holds nothing but white space" if not head.strip() else "the file has no line breaks")
    if _YAML.match("\n".join(lines)) and artifact.size <= YAML_LIMIT:
        with suppress(Reject):
            return Probe("yaml", document=read_yaml(artifact), lines=lines)
    if all("," in line or "\t" in line for line in lines[:2]):
        return Probe("csv", lines=lines)
    return Probe("text", lines=lines)
