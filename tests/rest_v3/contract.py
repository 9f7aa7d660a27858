"""Responses held against the OpenAPI document: status, content type, headers, body. What it does not name fails."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import yaml
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]
from referencing import Registry
from referencing.jsonschema import DRAFT202012

URI = "urn:contract"

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

FORMATS = FormatChecker(formats=("date-time", "uuid"))

_UNNAMED = frozenset({"content-type", "content-length", "date", "server"})
"""Headers that HTTP itself owns; OpenAPI has the content type in its own place."""


@dataclass(frozen=True, slots=True)
class Operation:
    """Where a request falls in the document. `id` is None for other methods and other paths."""

    id: str | None
    responses: str
    """JSON pointer of its responses."""


@dataclass(slots=True)
class Contract:
    """An OpenAPI 3.1 document as a judge of responses. `seen` collects what was judged: (operationId, status)."""

    document: Mapping[str, Any]
    seen: set[tuple[str | None, str]] = field(default_factory=set)
    _registry: Registry[Any] = field(init=False)

    def __post_init__(self) -> None:
        """Every `$ref` of the document resolves in the document itself."""
        resource = DRAFT202012.create_resource(self.document)
        self._registry = Registry().with_resource(URI, resource)

    @property
    def base(self) -> str:
        """The path that the document's paths begin with."""
        return str(self.document["servers"][0]["url"])

    def covers(self, path: str) -> bool:
        """Whether the document speaks for a path as written."""
        return path.startswith(f"{self.base}/")

    def operation(self, method: str, path: str) -> Operation:
        """The operation that a request is for; `path` is encoded as it was sent, without its query."""
        below = path.removeprefix(self.base)
        # Templates with more to say come first, as OpenAPI has concrete paths before templated ones.
        for template in sorted(self.document["paths"], key=len, reverse=True):
            pattern = re.sub(r"\\\{bundleId\\\}", ".*", re.escape(template))
            if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", pattern), below):
                item, pointer = self.document["paths"][template], _pointer("paths", template)
                if method.lower() in item:
                    return Operation(item[method.lower()]["operationId"], f"{pointer}/{method.lower()}/responses")
                return Operation(None, f"{pointer}/x-other-methods/responses")
        return Operation(None, "/x-other-paths/responses")

    def check(self, response: httpx.Response) -> None:
        """Fail, saying where, unless the response is one that the document names."""
        request = response.request
        path, method = request.url.raw_path.decode("ascii").partition("?")[0], request.method
        operation = self.operation(method, path)
        said = f"{method} {path}: {response.status_code}"
        responses = self._find(operation.responses)
        status = str(response.status_code)
        assert status in responses, f"{said} is not named at {operation.responses}"
        self.seen.add((operation.id, status))
        pointer, declared = self._resolve(f"{operation.responses}/{status}")
        self._check_headers(said, pointer, declared, response)
        if method == "HEAD":
            assert response.content == b"", f"{said} has a body"
            pointer, declared = self._resolve(f"{operation.responses}/{status}".replace("/head/", "/get/"))
        self._check_body(said, pointer, declared, response)

    def _check_headers(self, said: str, pointer: str, declared: Mapping[str, Any], response: httpx.Response) -> None:
        named = {name.lower(): name for name in declared.get("headers", {})}
        for name in response.headers:
            assert name in named or name in _UNNAMED, f"{said} has the header {name}, which is not named at {pointer}"
        for name, spelled in named.items():
            place, header = self._resolve(f"{pointer}/headers/{_escape(spelled)}")
            values = response.headers.get_list(name)
            if not values:
                assert not header.get("required"), f"{said} lacks the header {spelled}"
                continue
            assert len(values) == 1, f"{said} has {len(values)} headers {spelled}"
            value: Any = int(values[0]) if header["schema"].get("type") == "integer" else values[0]
            self._validate(f"{said}, header {spelled}", value, f"{place}/schema")

    def _check_body(self, said: str, pointer: str, declared: Mapping[str, Any], response: httpx.Response) -> None:
        content = declared.get("content", {})
        media_type = response.headers.get("content-type")
        if not content:
            assert media_type is None, f"{said} has the content type {media_type}, and should have no content"
            assert response.content == b"", f"{said} has a body"
            return
        assert media_type in content, f"{said} has the content type {media_type}; {pointer} names {list(content)}"
        if response.request.method == "HEAD":
            return
        schema = f"{pointer}/content/{_escape(media_type)}/schema"
        body = yaml.load(response.content, LOADER) if media_type == "application/yaml" else response.json()  # noqa: S506
        self._validate(said, body, schema)
        if media_type == "application/problem+json":
            assert body["status"] == response.status_code, f"{said} says {body['status']} in its body"

    def _validate(self, said: str, value: Any, pointer: str) -> None:
        validator = Draft202012Validator({"$ref": f"{URI}#{pointer}"}, registry=self._registry, format_checker=FORMATS)
        errors = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
        assert not errors, f"{said} is not what {pointer} says: {'; '.join(errors[:5])}"

    def _find(self, pointer: str) -> Any:
        return self._registry.resolver().lookup(f"{URI}#{pointer}").contents

    def _resolve(self, pointer: str) -> tuple[str, Mapping[str, Any]]:
        """What a pointer leads to, references followed, and the pointer to that."""
        found = self._find(pointer)
        while "$ref" in found:
            pointer = str(found["$ref"]).removeprefix("#")
            found = self._find(pointer)
        return pointer, found


def _escape(step: str) -> str:
    # A pointer in a URI fragment (RFC 6901, section 6).
    return step.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")


def _pointer(*steps: str) -> str:
    return "".join(f"/{_escape(step)}" for step in steps)
