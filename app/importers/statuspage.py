"""Status pages in the API of Atlassian Statuspage: summary, status, components, incidents, maintenances (v2), and the
management API's list of components.

The page itself becomes a component, by its name, only where the document lists no components: a page's indicator
is made from its components. Incidents tell in a component's message; their effect is in its status already.

A page tells what is true now, so it is observed when it comes in; when trouble began is told in the details. A page is
a cause for each of its components: what it says of one holds until it says otherwise, whatever others see in between.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from app.domain.components import TROUBLED, ComponentState
from app.importers.base import Reject, clip, link
from app.importers.documents import as_dict, as_list, as_text
from app.importers.moments import moment
from app.importers.snapshots import Snapshots, cause_of, known_state, worst_state

STATE_BY_IMPACT = {
    "none": ComponentState.OPERATIONAL,
    "minor": ComponentState.DEGRADED_PERFORMANCE,
    "major": ComponentState.PARTIAL_OUTAGE,
    "critical": ComponentState.MAJOR_OUTAGE,
    "maintenance": ComponentState.UNDER_MAINTENANCE,
}
"""The words of a page's indicator and of an incident's impact."""

_LISTS = ("components", "incidents", "scheduled_maintenances")
_OVER = {"resolved", "postmortem", "completed", "scheduled"}


def is_statuspage(document: dict[str, Any]) -> bool:
    """Whether a document has a page and something of its status."""
    page = as_dict(document.get("page"))
    if not (page.get("id") or page.get("name")):
        return False
    return "indicator" in as_dict(document.get("status")) or any(isinstance(document.get(key), list) for key in _LISTS)


def is_component(value: Any) -> bool:
    """Whether a value is a component as the management API lists them, without their page."""
    known = as_dict(value)
    return all(isinstance(known.get(key), str) for key in ("page_id", "name", "status"))


def page_of(components: list[dict[str, Any]]) -> dict[str, Any]:
    """The document that these components would stand in."""
    return {"page": {"id": components[0]["page_id"]}, "components": components}


def read_statuspage(document: dict[str, Any], snapshots: Snapshots) -> None:
    """The page's components; the page alone where the document lists none. Raises Reject when it tells neither."""
    page = as_dict(document.get("page"))
    page_id, updated = as_text(page.get("id")) or as_text(page.get("name")), clip(as_text(page.get("updated_at")), 40)
    components = [component for component in as_list(document.get("components")) if isinstance(component, dict)]
    if not components:
        state, message = _page_state(document)
        name = as_text(page.get("name")) or as_text(page.get("id"))
        told = [*_open(document, "incidents"), *_open(document, "scheduled_maintenances")]
        about = {
            "page": clip(as_text(page.get("url")), 300),
            "updated_at": updated,
            "began_at": _beginning(told, state),
        }
        snapshots.add(
            name,
            state,
            message,
            details={key: fact for key, fact in about.items() if fact},
            cause=cause_of("statuspage", page_id),
            url=link(*(entry.get("shortlink") for entry in told), page.get("url")),
        )
        return
    incidents = _incidents_by_component(document)
    names = _names(components)
    for component, name in zip(components, names, strict=True):
        word = as_text(component.get("status"))
        state = known_state(word) or ComponentState.UNKNOWN
        told = incidents.get(as_text(component.get("id")), [])
        sentences = [_sentence(entry) for entry in told]
        since = clip(as_text(component.get("updated_at")), 40)
        facts: dict[str, Any] = {
            "id": clip(as_text(component.get("id")), 60),
            "status": clip(word, 60),
            "since": since,
            "began_at": _beginning([*told, {"created_at": component.get("updated_at")}], state),
            "updated_at": updated,
            "group": component.get("group") is True,
            "incidents": sentences,
        }
        message = "; ".join([clip(word, 60).replace("_", " ") or "no status reported", *sentences])
        snapshots.add(
            name,
            state,
            message,
            details={key: fact for key, fact in facts.items() if fact},
            cause=cause_of("statuspage", page_id, as_text(component.get("id")) or name),
            url=link(*(entry.get("shortlink") for entry in told), page.get("url")),
        )


def _names(components: list[dict[str, Any]]) -> list[str]:
    """The components' names; behind their group's name, or their id, where two of the page are named alike."""
    by_id = {as_text(component.get("id")): as_text(component.get("name")) for component in components}
    plain = [as_text(component.get("name")) or as_text(component.get("id")) for component in components]
    twice = {name for name, count in Counter(plain).items() if count > 1}
    names = []
    for component, name in zip(components, plain, strict=True):
        group = by_id.get(as_text(component.get("group_id")), "") if component.get("group_id") else ""
        names.append(f"{group or as_text(component.get('id'))}/{name}" if name in twice else name)
    return names


def _open(document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    told = (entry for entry in as_list(document.get(key)) if isinstance(entry, dict))
    return [entry for entry in told if as_text(entry.get("status")) not in _OVER]


def _incidents_by_component(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for key in ("incidents", "scheduled_maintenances"):
        for entry in _open(document, key)[:100]:
            for component in as_list(entry.get("components")):
                told = found.setdefault(as_text(as_dict(component).get("id")), [])
                if len(told) < 10:
                    told.append(entry)
    return found


def _sentence(entry: dict[str, Any]) -> str:
    return clip(f"{as_text(entry.get('name'))} ({as_text(entry.get('status'))})", 200)


def _beginning(entries: list[dict[str, Any]], state: ComponentState) -> str:
    """When the trouble began that entries tell of, as far as they say; "" where there is none."""
    times = (moment(entry.get("started_at")) or moment(entry.get("created_at")) for entry in entries)
    began = min((time for time in times if time), default=None)
    return began.isoformat() if began is not None and state in TROUBLED else ""


def _page_state(document: dict[str, Any]) -> tuple[ComponentState, str]:
    status = as_dict(document.get("status"))
    if "indicator" in status:
        word = as_text(status.get("indicator"))
        state = STATE_BY_IMPACT.get(word, ComponentState.UNKNOWN)
        return state, clip(as_text(status.get("description")) or word)
    if isinstance(document.get("components"), list) and not isinstance(document.get("incidents"), list):
        raise Reject("the page's list of components is empty, and it has no indicator")
    incidents, maintenances = _open(document, "incidents"), _open(document, "scheduled_maintenances")
    states = [STATE_BY_IMPACT.get(as_text(entry.get("impact")), ComponentState.UNKNOWN) for entry in incidents]
    states += [ComponentState.UNDER_MAINTENANCE for _ in maintenances]
    names = "; ".join(clip(as_text(entry.get("name")), 100) for entry in (incidents + maintenances)[:5])
    if not states:
        return ComponentState.OPERATIONAL, "no incident is open"
    return worst_state(states), names
