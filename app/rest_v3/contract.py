"""The contract itself, read at start: its parameters check requests, its schemas say what a presenter shows.

`doc/api/openapi/domains/v3-read-models.yaml` is written first; what it does not name is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from app.domain.errors import Invalid
from app.domain.moments import parse_iso

FILE = "v3-read-models.yaml"
BASE = "/api/v3/platform"

ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""What the contract's `format: uuid` takes."""

_LONGEST = 10_000


@cache
def source() -> bytes:
    """The OpenAPI document as it is written: inside the package of a wheel, under doc/ in a checkout."""
    inside = Path(str(files("app.rest_v3"))) / FILE
    beside = Path(str(files("app"))).parent / "doc" / "api" / "openapi" / "domains" / FILE
    return (inside if inside.is_file() else beside).read_bytes()


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document."""
    made: dict[str, Any] = yaml.load(source(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    return made


def resolve(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a `$ref` names, or the node itself."""
    while "$ref" in node:
        found: Any = document()
        for step in str(node["$ref"]).removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


def properties(schema: str) -> tuple[str, ...]:
    """The property names of a schema, in the contract's order."""
    return tuple(document()["components"]["schemas"][schema]["properties"])


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter as the contract has it."""

    name: str
    schema: Mapping[str, Any]

    @property
    def many(self) -> bool:
        """Whether it may be repeated."""
        return self.schema.get("type") == "array"

    def parse(self, values: list[str]) -> Any:
        """The checked value. Invalid names the parameter and what it takes."""
        if self.many:
            limit = int(self.schema["maxItems"])
            if len(values) > limit:
                raise Invalid(f"{self.name} may be given at most {limit} times", field=self.name)
            return tuple(self._one(value, resolve(self.schema["items"])) for value in values)
        if len(values) > 1:
            raise Invalid(f"{self.name} may be given once, not {len(values)} times", field=self.name)
        return self._one(values[0], self.schema)

    def _one(self, text: str, schema: Mapping[str, Any]) -> str | int | bool | datetime:
        if schema.get("enum") and text not in schema["enum"]:
            raise Invalid(f"{self.name} must be one of {', '.join(schema['enum'])}, not {text[:60]!r}", field=self.name)
        match schema.get("format"):
            case "date-time":
                # A plus sign in a query string reads as a space; in a time it can only have been a plus sign.
                return parse_iso(text.replace(" ", "+"), field=self.name)
            case "uuid":
                return self._id(text)
        match schema.get("type"):
            case "integer":
                return self._integer(text, schema)
            case "boolean":
                if text not in ("true", "false"):
                    raise Invalid(f"{self.name} must be true or false, not {text[:60]!r}", field=self.name)
                return text == "true"
        low, high = schema.get("minLength", 0), schema.get("maxLength", _LONGEST)
        if not low <= len(text) <= high:
            raise Invalid(f"{self.name} must have {low} to {high} characters, not {len(text)}", field=self.name)
        if "\0" in text:
            raise Invalid(f"{self.name} must not hold a NUL character", field=self.name)
        return text

    def _integer(self, text: str, schema: Mapping[str, Any]) -> int:
        low, high = schema["minimum"], schema["maximum"]
        if not re.fullmatch(r"-?[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise Invalid(
                f"{self.name} must be a whole number from {low} to {high}, not {text[:60]!r}", field=self.name
            )
        return int(text)

    def _id(self, text: str) -> str:
        if not ID.fullmatch(text):
            raise Invalid(
                f"{text[:60]!r} is not an id; ids look like 0198c5a2-7d5e-7cc3-9c1e-0f6f0e3b2a11", field=self.name
            )
        return text.lower()


@cache
def parameters(operation_id: str, place: str) -> dict[str, Parameter]:
    """The parameters that an operation takes in `place`, query or path, by name."""
    for path in document()["paths"].values():
        operation = path.get("get", {})
        if operation.get("operationId") == operation_id:
            resolved = [resolve(p) for p in operation.get("parameters", [])]
            return {p["name"]: Parameter(p["name"], resolve(p["schema"])) for p in resolved if p["in"] == place}
    raise KeyError(operation_id)


def parse_query(operation_id: str, pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The query parameters of a request, checked against the contract; defaults are filled in.

    Invalid names a parameter that the operation does not have.
    """
    allowed = parameters(operation_id, "query")
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        if name not in allowed:
            known = ", ".join(sorted(allowed)) or "none"
            raise Invalid(f"unknown parameter {name[:60]!r}; this path takes {known}", field=name[:60])
        given.setdefault(name, []).append(value)
    parsed = {name: parameter.schema["default"] for name, parameter in allowed.items() if "default" in parameter.schema}
    return parsed | {name: allowed[name].parse(values) for name, values in given.items()}


def parse_path(operation_id: str, given: Mapping[str, str]) -> dict[str, Any]:
    """The parameters in a request's path, checked against the contract."""
    return {name: parameter.parse([given[name]]) for name, parameter in parameters(operation_id, "path").items()}
