"""CycloneDX in JSON and XML: a bill of materials is an artifact, one that lists vulnerabilities is a security report.

Source: the published schemas 1.0 to 1.7. The kept Python library validates and builds whole object trees, refuses
what is a little off the schema, and would hold a large BOM in memory several times; so the few fields are read here.

A vulnerability counts once, by its most severe rating; where no rating names a severity, by its CVSS score. One
whose analysis says not_affected, false_positive or resolved is suppressed. An empty list of vulnerabilities is no
clean scan: tools that did not look for any write the same, so such a BOM stays an artifact.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from app.domain.checks import Subject, subject_of
from app.domain.evidence import EvidenceType, Result, Severity
from app.domain.vex import AFFECTED, FIXED, NOT_AFFECTED, UNDER_INVESTIGATION
from app.importers.base import Artifact, ImportBatch, Item, Probe, Reject, clip
from app.importers.cyclonedx_xml import Part, parts
from app.importers.documents import as_dict, as_list, as_text, read_json
from app.importers.findings import Findings, open_sentence, severity_of, severity_of_score
from app.importers.moments import moment
from app.importers.names import image_target, only, package_target, path_target, shorten, without_version
from app.importers.vex_statements import Statements

FORMAT = "cyclonedx"

RATINGS = ("critical", "high", "medium", "low", "info", "none", "unknown")
"""Worst first."""

STATUS_OF_STATE = {
    "not_affected": NOT_AFFECTED,
    "false_positive": NOT_AFFECTED,
    "resolved": FIXED,
    "resolved_with_pedigree": FIXED,
    "exploitable": AFFECTED,
    "in_triage": UNDER_INVESTIGATION,
}
"""What an analysis state says in the words of VEX."""

REFERENCE_LIMIT = 200_000
"""Components whose package URL is remembered for the vulnerabilities that point at them."""

HELD_LIMIT = 5_000
"""Components, the first, whose names tell which BOM it is where it does not say what it is of."""

_COMMIT = re.compile(r"[@#/=]([0-9a-f]{40})(?=$|[?#/&.])")
_NAMESPACE = "http://cyclonedx.org/schema/bom"


def detect(probe: Probe) -> bool:
    """Told by `bomFormat`, or by the namespace of the root."""
    if probe.kind == "json" and isinstance(probe.document, dict):
        return as_text(probe.document.get("bomFormat")).casefold() == "cyclonedx"
    return probe.kind == "xml" and probe.root == "bom" and probe.namespace.startswith(_NAMESPACE)


def parse(artifact: Artifact) -> ImportBatch:
    """One item."""
    with artifact.open() as stream:
        start = stream.read(64).lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00")[:1]
    is_xml = start == b"<"
    bom = _Bom()
    for kind, facts in parts(artifact) if is_xml else _json_parts(read_json(artifact)):
        bom.add(kind, facts)
    return ImportBatch(
        FORMAT,
        dialect="xml" if is_xml else "json",
        items=(bom.item(),),
        subject=bom.subject(),
        commit=bom.commit(),
    )


def _json_parts(document: Any) -> Iterator[Part]:
    bom = as_dict(document)
    if as_text(bom.get("bomFormat")).casefold() != "cyclonedx":
        raise Reject("the document does not say bomFormat CycloneDX")
    yield "bom", bom
    metadata = as_dict(bom.get("metadata"))
    tools = metadata.get("tools")
    listed = tools if isinstance(tools, list) else as_list(as_dict(tools).get("components"))
    yield "metadata", metadata | {"tools": [as_dict(tool) for tool in listed]}
    yield from _json_components(bom.get("components"), nested=False)
    found = bom.get("vulnerabilities")
    if found is None:
        return
    yield "vulnerabilities", {}
    for vulnerability in _objects(found, "vulnerabilities"):
        yield "vulnerability", vulnerability


def _json_components(listed: Any, *, nested: bool) -> Iterator[Part]:
    for component in _objects([] if listed is None else listed, "components"):
        yield "component", component | {"nested": nested}
        yield from _json_components(component.get("components"), nested=True)


def _objects(value: Any, name: str) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise Reject(f"{name} is not a list")
    for number, one in enumerate(value):
        if not isinstance(one, dict):
            raise Reject(f"{name}[{number}] is not an object")
    return value


class _Bom:
    """What the parts add up to."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.components = Counter[str]()
        self.types = Counter[str]()
        self.has_list = False
        self.vulnerabilities = 0
        self.by_worst_rating = Counter[str]()
        self.states = Counter[str]()
        self.findings = Findings()
        self.statements = Statements()
        self._purls: dict[str, str] = {}
        self._held: set[str] = set()

    def add(self, kind: str, facts: dict[str, Any]) -> None:
        """Take in one part."""
        if kind == "bom":
            self.facts = facts
        elif kind == "metadata":
            self.metadata = facts
            self._remember(as_dict(facts.get("component")))
        elif kind == "component":
            self.components["nested" if facts.get("nested") else "top"] += 1
            self._remember(facts)
            if len(self._held) < HELD_LIMIT:
                self._held.add(as_text(facts.get("name")))
        elif kind == "vulnerabilities":
            self.has_list = True
        else:
            self._vulnerability(facts)

    def _remember(self, component: dict[str, Any]) -> None:
        reference, purl = as_text(component.get("bom-ref")), as_text(component.get("purl"))
        if reference and purl and len(self._purls) < REFERENCE_LIMIT:
            self._purls[reference] = purl

    def _vulnerability(self, found: dict[str, Any]) -> None:
        self.vulnerabilities += 1
        ratings = [as_dict(rating) for rating in as_list(found.get("ratings"))]
        word = _worst_word(ratings)
        self.by_worst_rating[word] += 1
        analysis = as_dict(found.get("analysis"))
        state = clip(as_text(analysis.get("state")).casefold(), 40)
        self.states[state or "none given"] += 1
        status = STATUS_OF_STATE.get(state, "")
        identifier = as_text(found.get("id"))
        aliases = dict.fromkeys(as_text(as_dict(one).get("id")) for one in as_list(found.get("references")))
        affected = [as_dict(one) for one in as_list(found.get("affects"))]
        if status:
            self.statements.add(
                vulnerability=identifier,
                aliases=[alias for alias in aliases if alias],
                products=self._products(affected),
                status=status,
                justification=as_text(analysis.get("justification")) or as_text(analysis.get("detail")),
                timestamp=found.get("updated") or self.metadata.get("timestamp"),
            )
        if status in (NOT_AFFECTED, FIXED):
            self.findings.suppress()
            return
        references = [as_text(one.get("ref")) for one in affected]
        purl = next(filter(None, (self._purl(one) for one in references)), "")
        self.findings.add(
            _severity(word, ratings),
            id=identifier,
            title=as_text(found.get("description")) or as_text(found.get("detail")),
            location=", ".join(filter(None, references[:5])),
            purl=purl,
            aliases=", ".join(alias for alias in list(aliases)[:10] if alias and alias != identifier),
            analysis=state,
            recommendation=as_text(found.get("recommendation")),
        )

    def _purl(self, reference: str) -> str:
        """The package URL that a reference leads to. A BOM-Link (`urn:cdx:serial/version#ref`) ends in one."""
        end = reference.rpartition("#")[2] if reference.startswith("urn:cdx:") else reference
        purl = self._purls.get(end, end)
        return purl if purl.startswith("pkg:") else ""

    def _products(self, affected: list[dict[str, Any]]) -> list[str]:
        """What an analysis speaks of. Where versions are listed, only those named exactly are taken."""
        subject = as_text(as_dict(self.metadata.get("component")).get("purl"))
        products: list[str] = [subject] if subject and not affected else []
        for one in affected:
            reference = as_text(one.get("ref"))
            product = self._purl(reference) or reference
            versions = [as_text(as_dict(version).get("version")) for version in as_list(one.get("versions"))]
            if versions and product.startswith("pkg:") and "@" not in product.rpartition("/")[2]:
                products.extend(_with_version(product, version) for version in versions if version)
            elif product:
                products.append(product)
        return products

    def subject(self) -> Subject:
        """What the BOM is of, without its version, else the names of its components."""
        tools = (as_dict(tool) for tool in as_list(self.metadata.get("tools")))
        named = (without_version(as_text(tool.get("name")), as_text(tool.get("version"))) for tool in tools)
        told = ", ".join(sorted(set(filter(None, named))))
        target = _target(as_dict(self.metadata.get("component")))
        return subject_of(told, target) if target else subject_of(told, holds=self._held)

    def commit(self) -> str:
        """The commit in the addresses of the repository that what the BOM is of names as its own."""
        component = as_dict(self.metadata.get("component"))
        references = map(as_dict, as_list(component.get("externalReferences"))[:100])
        addresses = [as_text(one.get("url")) for one in references if as_text(one.get("type")).lower() == "vcs"]
        qualifiers = unquote(as_text(component.get("purl"))[:2000].partition("?")[2]).split("&")
        addresses += [each for each in qualifiers if each.startswith("vcs_url=")]
        return only(commit for address in addresses for commit in _COMMIT.findall(address.lower()))

    def item(self) -> Item:
        """The evidence in the BOM."""
        subject = as_dict(self.metadata.get("component"))
        name = " ".join(filter(None, (as_text(subject.get("name")), as_text(subject.get("version")))))
        total = self.components.total()
        payload: dict[str, Any] = {
            "spec_version": clip(as_text(self.facts.get("specVersion")), 20),
            "serial_number": clip(as_text(self.facts.get("serialNumber")), 100),
            "subject": [clip(text, 300) for key in ("purl", "bom-ref") if (text := as_text(subject.get(key)))],
            "components_top_level": self.components["top"],
            "components": total,
            "vulnerabilities": self.vulnerabilities,
        }
        about = f" of {shorten(name)}" if name else ""
        common: dict[str, Any] = {
            "producer": clip(_tools(as_list(self.metadata.get("tools"))), 200),
            "completed_at": moment(self.metadata.get("timestamp")),
        }
        if not self.vulnerabilities:
            told = f"{total:,} component{'' if total == 1 else 's'}"
            return Item(
                evidence_type=EvidenceType.ARTIFACT,
                title=clip(f"Bill of materials{about}: {told if total else 'no components'}"),
                result=Result.PASSED if total else Result.INCONCLUSIVE,
                payload=payload | {"vulnerability_list": "empty" if self.has_list else "absent"},
                **common,
            )
        counts = self.findings.counts()
        return Item(
            evidence_type=EvidenceType.SECURITY,
            title=clip(f"CycloneDX vulnerabilities{about}: {open_sentence(counts)}"),
            result=counts.result(),
            findings=counts,
            payload=payload
            | {
                "by_worst_rating": dict(self.by_worst_rating.most_common(20)),
                "analysis_states": dict(self.states.most_common(20)),
                "vex_statements": self.statements.kept(),
                "top_findings": self.findings.top(),
            },
            **common,
        )


def _target(component: dict[str, Any]) -> str:
    """The component's name without version: an image's without tag, a file's without the machine's folders."""
    name, kind = as_text(component.get("name")), as_text(component.get("type")).lower()
    if kind == "container":
        return image_target([name])
    if kind in ("file", "firmware") or name.startswith(("/", ".")):
        return path_target(name)
    group = as_text(component.get("group"))
    return f"{group}/{name}" if group and name else name or package_target(as_text(component.get("purl")))


def _worst_word(ratings: list[dict[str, Any]]) -> str:
    """The most severe word among the ratings; `unrated` where none has one."""
    words = {as_text(rating.get("severity")).strip().casefold() for rating in ratings} - {""}
    known = [word for word in RATINGS if word in words]
    return known[0] if known else "unknown" if words else "unrated"


def _severity(word: str, ratings: list[dict[str, Any]]) -> Severity:
    """The severity of the word; where no rating has a telling one, that of the highest CVSS score."""
    if word not in ("unrated", "unknown"):
        return severity_of(word)
    scores = [score for rating in ratings if (score := _cvss(rating)) is not None]
    if not scores:
        return Severity.UNKNOWN
    return severity_of_score(max(scores)) if max(scores) > 0 else Severity.INFO


def _cvss(rating: dict[str, Any]) -> float | None:
    """The rating's score, when it is one of CVSS: other methods have other scales."""
    method = as_text(rating.get("method")).casefold()
    if method and not method.startswith("cvss"):
        return None
    try:
        score = float(as_text(rating.get("score")))
    except (ValueError, OverflowError):
        return None
    return score if math.isfinite(score) and 0 <= score <= 10 else None


def _with_version(purl: str, version: str) -> str:
    start, mark, query = purl.partition("?")
    return f"{start}@{version}{mark}{query}"


def _tools(tools: list[Any]) -> str:
    """Up to three of the tools that made the BOM."""
    named = (" ".join(filter(None, (as_text(t.get("name")), as_text(t.get("version"))))) for t in map(as_dict, tools))
    return ", ".join(list(dict.fromkeys(filter(None, named)))[:3])
