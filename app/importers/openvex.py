"""OpenVEX documents: statements on whether a vulnerability matters in a product.

Source: OpenVEX specification v0.2.0, and v0.0.1, in which a vulnerability and a product are plain text. No Python
parser library is kept for it. A document whose context is empty or missing is told by its statements. A statement
counts once, whatever number of products it names: not_affected and fixed ones are suppressed findings, affected and
under_investigation ones open findings of unknown severity, for VEX gives none. An open statement that a newer one of
the same document replaces for all its products counts as suppressed.
The statements themselves are kept, for they answer findings of other reports (`app.domain.vex`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from app.domain.checks import Subject, subject_of
from app.domain.evidence import EvidenceType, Result, Severity
from app.domain.vex import ANSWERS, STATUSES, superseded
from app.importers.base import Artifact, ImportBatch, Item, Probe, Reject, clip
from app.importers.documents import as_dict, as_list, as_text, read_json
from app.importers.findings import Findings, open_sentence
from app.importers.moments import moment
from app.importers.names import package_target, shorten
from app.importers.vex_statements import Statements

FORMAT = "openvex"

_MADE_ID = re.compile(r"[0-9a-f]{32,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-", re.IGNORECASE)
_CONTEXTS = ("https://openvex.dev/ns", "http://openvex.dev/ns", "openvex.dev/ns")


def detect(probe: Probe) -> bool:
    """Told by the JSON-LD context; where that is empty or missing, by statements such as VEX alone makes."""
    document = probe.document
    return (
        probe.kind == "json"
        and isinstance(document, dict)
        and (_context(document) != "" or _is_without_context(document))
    )


def parse(artifact: Artifact) -> ImportBatch:
    """One item for the document."""
    document = as_dict(read_json(artifact))
    context = _context(document)
    if not context and not _is_without_context(document):
        said = clip(as_text(document.get("@context")), 100)
        raise Reject(
            f"the document's @context is {said!r}, not that of OpenVEX"
            if said
            else "the document has no @context, and no author with statements of a vulnerability and a status each"
        )
    listed = document.get("statements")
    if not isinstance(listed, list):
        raise Reject("the document has no list of statements")
    statements, places = Statements(), []
    for number, statement in enumerate(listed):
        status = as_text(as_dict(statement).get("status"))
        if status not in STATUSES:
            raise Reject(
                f"statements[{number}] has the status {clip(status, 50)!r}; it is one of {', '.join(STATUSES)}"
            )
        names = _vulnerability(statement)
        if not names:
            raise Reject(f"statements[{number}] names no vulnerability")
        places.append((len(statements.all), status, names, _products(statement)))
        for parts, products in _by_parts(statement):
            statements.add(
                vulnerability=names[0],
                aliases=names[1:],
                products=products,
                subcomponents=parts,
                status=status,
                justification=as_text(statement.get("justification")) or as_text(statement.get("impact_statement")),
                timestamp=statement.get("timestamp") or document.get("timestamp"),
            )
    replaced = superseded(statements.all)
    findings, closed_later = Findings(), 0
    for index, (start, status, names, products) in enumerate(places):
        end = places[index + 1][0] if index + 1 < len(places) else len(statements.all)
        replaced_here = replaced.issuperset(range(start, end))
        closed_later += replaced_here and status not in ANSWERS
        if status in ANSWERS or replaced_here:
            findings.suppress()
        else:
            findings.add(
                Severity.UNKNOWN,
                id=names[0],
                title=as_text(as_dict(listed[index]).get("action_statement")) or status.replace("_", " "),
                location=", ".join(products[:5]),
                aliases=", ".join(names[1:10]),
                status=status,
            )
    counts = findings.counts()
    author = as_text(document.get("author"))
    told = open_sentence(counts) if listed else "no statements"
    item = Item(
        evidence_type=EvidenceType.SECURITY,
        title=clip(f"VEX document{f' by {shorten(author)}' if author else ''}: {told}"),
        result=counts.result() if listed else Result.INCONCLUSIVE,
        producer=clip(as_text(document.get("tooling")) or author, 200),
        findings=counts,
        completed_at=moment(document.get("last_updated")) or moment(document.get("timestamp")),
        payload={
            "document": clip(as_text(document.get("@id")), 300),
            "document_version": clip(as_text(document.get("version")), 20),
            "author": clip(author, 200),
            "role": clip(as_text(document.get("role")), 200),
            "statements": len(listed),
            "by_status": dict(Counter(status for _start, status, _names, _products in places)),
            "superseded_open": closed_later,
            "vex_statements": statements.kept(without=replaced),
            "top_findings": findings.top(),
        },
    )
    return ImportBatch(
        FORMAT,
        dialect=context.rpartition("/ns")[2].strip("/") or "v0.0.1",
        items=(item,),
        subject=_subject(document, author, [name for _start, _status, _names, named in places for name in named]),
    )


def _subject(document: dict[str, Any], author: str, products: list[str]) -> Subject:
    """Who speaks, and the document's own id, which stays as its version counts up. Tools make one of what it says, anew
    for every version; such a document is known by the products that it speaks of."""
    own = as_text(document.get("@id")).strip()
    kept = "" if _MADE_ID.search(own) else own
    return subject_of(f"OpenVEX {author}", kept, holds=map(package_target, products))


def _context(document: dict[str, Any]) -> str:
    """The OpenVEX context, which JSON-LD also allows to stand in a list."""
    value = document.get("@context")
    named = (as_text(one).strip() for one in (value if isinstance(value, list) else [value]))
    return next((one for one in named if one.startswith(_CONTEXTS)), "")


def _is_without_context(document: dict[str, Any]) -> bool:
    """No context at all, which early tools left empty, an author, and statements that each have what VEX asks for."""
    statements = [as_dict(one) for one in as_list(document.get("statements"))]
    return (
        not any(as_list(document.get("@context")) or [document.get("@context")])
        and bool(as_text(document.get("author")))
        and bool(statements)
        and all(as_text(one.get("status")) in STATUSES and one.get("vulnerability") for one in statements)
    )


def _vulnerability(statement: dict[str, Any]) -> list[str]:
    """The vulnerability's names: its own, then its aliases, then what its address ends in."""
    said = statement.get("vulnerability")
    if not isinstance(said, dict):
        return [name for name in [as_text(said).strip()] if name]
    names = [as_text(said.get("name")), *map(as_text, as_list(said.get("aliases")))]
    address = as_text(said.get("@id"))
    names.append(address.rstrip("/").rpartition("/")[2] if "://" in address else address)
    return list(dict.fromkeys(name.strip() for name in names if name.strip()))[:20]


def _identifiers(product: Any) -> Iterator[str]:
    """All that names a product or a part of one: `@id`, package URL, CPE, and hashes as `sha256:...`."""
    if not isinstance(product, dict):
        yield as_text(product)
        return
    yield as_text(product.get("@id"))
    for value in as_dict(product.get("identifiers")).values():
        yield as_text(value)
    for algorithm, value in as_dict(product.get("hashes")).items():
        yield f"{algorithm.lower().replace('sha-', 'sha')}:{as_text(value).lower()}"


def _products(statement: dict[str, Any]) -> list[str]:
    return [name for one in as_list(statement.get("products")) if (name := next(filter(None, _identifiers(one)), ""))]


def _by_parts(statement: dict[str, Any]) -> list[tuple[list[str], list[str]]]:
    """(subcomponents, products): products with the same subcomponents together, for a statement about parts of one
    product says nothing of another. v0.0.1 gives the subcomponents beside the products."""
    of_all = [name for one in as_list(statement.get("subcomponents")) for name in _identifiers(one) if name]
    groups: dict[tuple[str, ...], list[str]] = {}
    for product in as_list(statement.get("products")):
        own = as_list(as_dict(product).get("subcomponents"))
        parts = tuple(name for one in own for name in _identifiers(one) if name) or tuple(of_all)
        groups.setdefault(parts, []).extend(name for name in _identifiers(product) if name)
    return [(list(parts), products) for parts, products in groups.items()] or [([], [])]
