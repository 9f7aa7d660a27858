"""Health endpoints and status pages: a snapshot of the service and of each part it names.

Read: Spring Boot Actuator (`components`; `details` before 2.2; inline before 2.0) and Spring Boot Admin's events and
instances; the IETF draft health+json (draft-inadarei-api-health-check, `checks`); MicroProfile Health (a list of
`checks`); NestJS Terminus and ASP.NET Core (`entries`, `results`), which differ in the container's name; Statuspage
(see statuspage.py). No parser library serves: each is a few lines of JSON.

The whole is the component that the document names (serviceId, an instance's name), else it is named after its file; its
parts go by their keys, behind that name. Parts inside a part are told in its details.

Most of them are answers of the moment, observed when they say, else when they come in. Spring Boot Admin tells of
changes: the state of an instance holds until it tells of another, so the instance is the cause.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from app.domain.components import ComponentState
from app.importers.base import Artifact, ImportBatch, Probe, Reject, Rejected, clip, link
from app.importers.documents import as_dict, as_list, as_text, read_json
from app.importers.moments import moment
from app.importers.snapshots import Snapshots, cause_of, known_state, worst_state
from app.importers.statuspage import is_component, is_statuspage, page_of, read_statuspage

FORMAT = "health"

PARTS_KEPT = 30
FACTS_KEPT = 20

_CONTAINERS = ("components", "checks", "entries", "results", "details")
_IETF_WORDS = {"pass", "fail", "warn"}
_IETF_KEYS = {"serviceid", "releaseid", "version", "description", "notes", "output", "links", "checks"}
_ACTUATOR_WORDS = {"up", "down", "out_of_service", "unknown"}
_ACTUATOR_KEYS = {"components", "description", "details", "groups"}
_TEXTS = ("output", "error", "message", "description", "exception")


def detect(probe: Probe) -> bool:
    """A status page, an event or instance of Spring Boot Admin, or an object whose `status` is a health word."""
    return probe.kind == "json" and _dialect(probe.document) != ""


def parse(artifact: Artifact) -> ImportBatch | Rejected:
    """The service and its parts, or the page's components."""
    document = read_json(artifact)
    dialect = _dialect(document)
    if not dialect:
        raise Reject("no health document: an object with a known word under 'status', or a status page, is wanted")
    snapshots = Snapshots(artifact)
    if dialect == "statuspage":
        read_statuspage(document if isinstance(document, dict) else page_of(document), snapshots)
    elif dialect == "spring-boot-admin":
        for instance in document if isinstance(document, list) else [document]:
            _instance(as_dict(instance), snapshots)
    else:
        name = _service_id(document) if dialect == "health+json" else ""
        _service(document, snapshots, snapshots.name(name), moment(document.get("time")))
    return snapshots.batch(FORMAT, dialect)


def _dialect(document: Any) -> str:
    if isinstance(document, list):
        if document and all(_is_instance(value) for value in document):
            return "spring-boot-admin"
        return "statuspage" if document and all(is_component(value) for value in document) else ""
    if not isinstance(document, dict):
        return ""
    if is_statuspage(document):
        return "statuspage"
    if _is_instance(document):
        return "spring-boot-admin"
    word = document.get("status", document.get("outcome"))  # outcome: MicroProfile Health 1
    return _shape(document, word.lower()) if isinstance(word, str) else ""


def _shape(document: dict[str, Any], word: str) -> str:
    keys = document.keys() - {"status", "outcome"}
    found = _container(document)
    if found is None:
        if word in _IETF_WORDS and (not keys or {key.lower() for key in keys} & _IETF_KEYS):
            return "health+json"
        return "actuator" if word in _ACTUATOR_WORDS and keys <= _ACTUATOR_KEYS else ""
    name, parts = found
    if known_state(word) is None and name not in ("components", "details"):
        return ""  # only Actuator lets a service make up its words
    if isinstance(parts, list):
        return "microprofile"
    if name in ("entries", "results"):
        return "aspnetcore"
    if word in _IETF_WORDS or any(isinstance(part, list) for part in parts.values()):
        return "health+json"
    return "terminus" if name == "details" and {"info", "error"} & keys else "actuator"


def _is_instance(value: Any) -> bool:
    known = as_dict(value)
    info = as_dict(known.get("statusInfo"))
    return isinstance(info.get("status"), str) and ("instance" in known or "registration" in known)


def _container(document: dict[str, Any]) -> tuple[str, Any] | None:
    """Where the parts stand: (key, parts by name or a list of named parts); the key is "" when they are inline."""
    for key in _CONTAINERS:
        parts = document.get(key)
        if isinstance(parts, dict) and any(_is_part(part) for part in parts.values()):
            return key, parts
        if key == "checks" and isinstance(parts, list) and any(_is_named(part) for part in parts):
            return key, parts
    inline = {key: value for key, value in document.items() if isinstance(value, dict) and _is_part(value)}
    return ("", inline) if inline else None


def _is_part(value: Any) -> bool:
    if isinstance(value, list):
        return (
            bool(value)
            and all(_is_part(part) for part in value if isinstance(part, dict))
            and any(isinstance(part, dict) for part in value)
        )
    return isinstance(value, dict) and known_state(_word(value)) is not None


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("name"), str) and _word(value) != ""


def _word(value: dict[str, Any]) -> str:
    """The word of a part; `state` and `outcome` are those of MicroProfile Health 1."""
    return next((text for key in ("status", "state", "outcome") if (text := as_text(value.get(key)))), "")


def _service_id(document: dict[str, Any]) -> str:
    """What the draft calls `serviceId`, and its early versions `serviceID`."""
    return next((as_text(value) for key, value in document.items() if key.lower() == "serviceid"), "")


def _instance(instance: dict[str, Any], snapshots: Snapshots) -> None:
    """An instance of Spring Boot Admin as it is now, or the event that its status changed."""
    info, id = as_dict(instance.get("statusInfo")), as_text(instance.get("id")) or as_text(instance.get("instance"))
    registration = as_dict(instance.get("registration"))
    name = snapshots.name(as_text(registration.get("name")) or as_text(instance.get("instance")))
    changed = moment(instance.get("statusTimestamp"))
    details = {"began_at": changed.isoformat()} if changed else {}
    cause, url = cause_of("spring-boot-admin", id or name), link(registration.get("serviceUrl"))
    _service(info, snapshots, name, moment(instance.get("timestamp")), details=details, cause=cause, url=url)


def _service(
    document: dict[str, Any],
    snapshots: Snapshots,
    whole: str,
    at: datetime | None,
    *,
    details: dict[str, Any] | None = None,
    cause: str = "",
    url: str = "",
) -> None:
    parts = list(_parts(document))
    states = {name: _state_of(part) for name, part in parts}
    troubled = [name for name, state in states.items() if state is not ComponentState.OPERATIONAL]
    state = known_state(_word(document))
    said = (
        clip(_word(document), 60) or "no status",
        f"not well: {', '.join(troubled[:10])}" if troubled else "",
        _text(document),
    )
    times = [time for _name, part in parts if (time := _time(part))]
    kept = {"parts": {name: states[name].value for name in list(states)[:PARTS_KEPT]}}
    snapshots.add(
        whole,
        state or ComponentState.UNKNOWN,
        "; ".join(filter(None, said)),
        observed_at=at or max(times, default=None),
        details=_facts(document) | kept | (details or {}),
        cause=cause,
        url=url,
    )
    for name, part in parts:
        snapshots.add(
            f"{clip(whole, 120)}/{name}",
            states[name],
            _part_message(part),
            observed_at=_time(part) or at,
            details=_part_details(part) | (details or {}),
            cause=cause,
            url=url,
        )


def _parts(document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The parts that state how they are: (name, an object or the observations of one)."""
    found = _container(document)
    if found is None:
        return
    _key, parts = found
    if isinstance(parts, list):
        yield from ((clip(part["name"], 200), part) for part in parts if _is_named(part))
        return
    for name, part in parts.items():
        if isinstance(part, list) and any(isinstance(one, dict) for one in part):
            yield clip(name, 200), [one for one in part if isinstance(one, dict)]
        elif isinstance(part, dict) and _word(part):
            yield clip(name, 200), part


def _state_of(part: Any) -> ComponentState:
    if isinstance(part, list):
        return worst_state([_state_of(one) for one in part])
    return known_state(_word(part)) or ComponentState.UNKNOWN


def _time(part: Any) -> datetime | None:
    """When a part was looked at; the draft gives each observation its time."""
    observations = part if isinstance(part, list) else [part]
    return max((time for one in observations if (time := moment(one.get("time")))), default=None)


def _part_message(part: Any) -> str:
    observations = part if isinstance(part, list) else [part]
    state = _state_of(part)
    worst: dict[str, Any] = next((one for one in observations if _state_of(one) is state), {})
    said = [clip(_word(worst), 60)]
    if len(observations) > 1:
        said.append(f"{sum(_state_of(one) is state for one in observations)} of {len(observations)} observations")
    if worst.get("observedValue") is not None:
        said.append(clip(f"{worst.get('observedValue')} {as_text(worst.get('observedUnit'))}", 100))
    inner = [name for name, one in _parts(worst) if _state_of(one) is not ComponentState.OPERATIONAL]
    if inner:
        said.append(", ".join(inner[:10]))
    if _text(worst):
        said.append(_text(worst))
    return "; ".join(filter(None, said))


def _part_details(part: Any) -> dict[str, Any]:
    if isinstance(part, list):
        return {"observations": [_facts(one) | {"status": clip(_word(one), 60)} for one in part[:PARTS_KEPT]]}
    inner = {name: _state_of(one).value for name, one in _parts(part)}
    facts = _facts(part)
    return facts | {"parts": dict(list(inner.items())[:PARTS_KEPT])} if inner else facts


def _text(value: dict[str, Any]) -> str:
    """What an object says for a person; Actuator puts it in `details`, MicroProfile in `data`."""
    for holder in (value, as_dict(value.get("details")), as_dict(value.get("data"))):
        for key in _TEXTS:
            if text := as_text(holder.get(key)).strip():
                return clip(text, 300)
    return ""


def _facts(value: dict[str, Any]) -> dict[str, Any]:
    """The plain values of an object, those of its details and data among them, few and short."""
    kept: dict[str, Any] = {}
    for holder in (value, as_dict(value.get("details")), as_dict(value.get("data"))):
        for key, fact in holder.items():
            if isinstance(fact, (str, int, float)) and fact != "" and key != "status" and len(kept) < FACTS_KEPT:
                kept[clip(key, 100)] = fact if isinstance(fact, bool) else clip(fact, 200)
    groups = [clip(group, 60) for group in as_list(value.get("groups"))[:FACTS_KEPT] if isinstance(group, str)]
    return kept | {"groups": groups} if groups else kept
