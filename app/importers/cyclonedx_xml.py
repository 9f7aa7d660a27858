"""CycloneDX XML as a stream of the parts that matter, each in the shape that the JSON spelling has.

Source: the published schemas 1.0 to 1.7 and the vulnerability extension 1.0, which writes the vulnerabilities of
BOMs before 1.4, either beside the components or inside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

from app.importers.base import Artifact
from app.importers.markup import child, children, local, namespace, pruned, text_of

_KEPT = frozenset({"metadata", "vulnerability"})
_COMPONENT_FACTS = ("name", "version", "purl")
_SUBJECT_FACTS = (*_COMPONENT_FACTS, "group")

Part = tuple[str, dict[str, Any]]


def parts(artifact: Artifact) -> Iterator[Part]:
    """("bom" | "metadata" | "component" | "vulnerabilities" | "vulnerability", its facts) in document order.

    A component has `nested`, whether it is inside another; `vulnerabilities` says that there is a list of them.
    """
    path: list[str] = []
    components: list[dict[str, Any]] = []
    for event, name, element in pruned(artifact, _KEPT):
        if event == "start":
            path.append(name)
            if len(path) == 1:
                yield "bom", _bom(element)
            elif _is_component(path):
                components.append({"bom-ref": element.get("bom-ref", ""), "nested": bool(components)})
            elif name == "vulnerabilities":
                yield "vulnerabilities", {}
            continue
        if _is_component(path):
            yield "component", components.pop()
        elif components and name in _COMPONENT_FACTS and _is_component(path[:-1]):
            components[-1][name] = (element.text or "").strip()
        elif name == "metadata" and len(path) == 2:
            yield "metadata", _metadata(element)
        elif name == "vulnerability" and path[-2:-1] == ["vulnerabilities"]:
            found = _vulnerability(element)
            if not found["affects"] and components:
                owner = components[-1]
                found["affects"] = [{"ref": owner.get("purl") or owner["bom-ref"]}]
            yield "vulnerability", found
        path.pop()


def _is_component(path: list[str]) -> bool:
    """bom/components/component, and components/component below it: not those of tools, pedigrees or formulas."""
    return (
        len(path) % 2 == 1
        and len(path) > 1
        and all(name == ("components" if place % 2 == 0 else "component") for place, name in enumerate(path[1:]))
    )


def _bom(root: Element) -> dict[str, Any]:
    return {
        "specVersion": namespace(root.tag).rpartition("/")[2],
        "serialNumber": root.get("serialNumber", ""),
        "version": root.get("version", ""),
    }


def _text(element: Element, name: str) -> str:
    return text_of(child(element, name))


def _metadata(element: Element) -> dict[str, Any]:
    tools = child(element, "tools")
    listed: list[Element] = []
    if tools is not None:
        within = child(tools, "components")
        listed = [*children(tools, "tool"), *(children(within, "component") if within is not None else [])]
    subject = child(element, "component")
    return {
        "timestamp": _text(element, "timestamp"),
        "tools": [{"name": _text(tool, "name"), "version": _text(tool, "version")} for tool in listed],
        "component": {}
        if subject is None
        else {
            "bom-ref": subject.get("bom-ref", ""),
            "type": subject.get("type", ""),
            "externalReferences": [
                {"type": reference.get("type", ""), "url": _text(reference, "url")}
                for reference in _below(subject, "externalReferences", "reference")
            ],
        }
        | {key: _text(subject, key) for key in _SUBJECT_FACTS},
    }


def _vulnerability(element: Element) -> dict[str, Any]:
    analysis = child(element, "analysis")
    found: dict[str, Any] = {
        "id": _text(element, "id"),
        "description": _text(element, "description"),
        "recommendation": _text(element, "recommendation"),
        "updated": _text(element, "updated"),
        "ratings": [_rating(rating) for rating in _below(element, "ratings", "rating")],
        "references": [{"id": _text(reference, "id")} for reference in _below(element, "references", "reference")],
        "affects": [
            {
                "ref": _text(target, "ref"),
                "versions": [
                    {local(fact.tag): text_of(fact) for fact in version}
                    for version in _below(target, "versions", "version")
                ],
            }
            for target in _below(element, "affects", "target")
        ],
    }
    if analysis is not None:
        found["analysis"] = {local(fact.tag): text_of(fact) for fact in analysis}
    if element.get("ref"):  # the extension names the component in an attribute
        found["affects"].append({"ref": element.get("ref")})
    return found


def _rating(rating: Element) -> dict[str, Any]:
    score = child(rating, "score")
    base = child(score, "base") if score is not None else None
    return {
        "severity": _text(rating, "severity"),
        "method": _text(rating, "method"),
        "score": text_of(base if base is not None else score),
    }


def _below(element: Element, group: str, name: str) -> list[Element]:
    within = child(element, group)
    return [] if within is None else children(within, name)
