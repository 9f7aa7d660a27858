"""YAML read as strictly as JSON: plain values only, one meaning or a rejection with its line.

PyYAML parses (over libyaml, where it was built with it) and its events are made values here. Its own constructors
are not used: they recurse, resolve aliases, let the last of two keys win, and make dates and Python objects by tags.
Scalars resolve as in the core schema of YAML 1.2, which is JSON's: a time stays text, and so does the word no.
"""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

from app.importers.base import Reject

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML without libyaml; ten times slower
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

DOCUMENT_LIMIT = 20_000
"""Documents of one YAML stream."""

_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_NUMBER = re.compile(r"[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?", re.ASCII)
_NO_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_TAGS = {"!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:str"}


def parse_yaml(text: str, depth_limit: int) -> list[Any]:
    """The documents of a YAML stream. Keys are text. Rejects aliases, tags, keys given twice with different values,
    numbers that are none, and nesting deeper than `depth_limit`."""
    built = _Builder(depth_limit)
    try:
        for event in yaml.parse(text, Loader=_Loader):
            built.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise Reject(
            f"not valid YAML: {error.problem or error.context}",
            line=mark.line + 1 if mark else None,
            column=mark.column + 1 if mark else None,
        ) from None
    except yaml.YAMLError as error:
        raise Reject(f"not valid YAML: {str(error).partition(chr(10))[0]}") from None
    return built.documents


class _Builder:
    """The values under construction: the open lists and objects, and of each object the key that waits."""

    def __init__(self, depth_limit: int) -> None:
        self.documents: list[Any] = []
        self._depth_limit = depth_limit
        self._open: list[Any] = []
        self._keys: list[str | None] = []

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            if self._open and isinstance(self._open[-1], dict) and self._keys[-1] is None:
                self._keys[-1] = event.value
            else:
                self._place(_scalar(event), event)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            _check_tag(event)
            value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            self._place(value, event)
            self._open.append(value)
            self._keys.append(None)
            if len(self._open) > self._depth_limit:
                raise _reject(f"nested deeper than {self._depth_limit} levels", event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._open.pop()
            self._keys.pop()
        elif isinstance(event, yaml.AliasEvent):
            raise _reject("YAML aliases are refused: what they repeat multiplies", event)

    def _place(self, value: Any, event: yaml.Event) -> None:
        if not self._open:
            if len(self.documents) >= DOCUMENT_LIMIT:
                raise _reject(f"more than {DOCUMENT_LIMIT:,} YAML documents in one file", event)
            self.documents.append(value)
            return
        holder, key = self._open[-1], self._keys[-1]
        if isinstance(holder, list):
            holder.append(value)
            return
        if key is None:
            raise _reject("not valid YAML for a report: a key is a list or an object", event)
        if key in holder and (isinstance(value, (dict, list)) or holder[key] != value):
            problem = (
                f"the key {key[:100]!r} is given twice in one object with different values; which one counts is unknown"
            )
            raise _reject(problem, event)
        holder[key] = value
        self._keys[-1] = None


def _scalar(event: yaml.ScalarEvent) -> Any:
    _check_tag(event)
    text: str = event.value
    if event.tag is not None or not event.implicit[0]:
        return text  # quoted, or said to be text
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.fullmatch(text):
        number = float(text)
        if math.isfinite(number):  # which also bounds the digits of a whole one
            return int(text) if text.lstrip("+-").isdigit() else number
    elif not _NO_NUMBER.fullmatch(text):
        return text
    raise _reject(f"{text[:40]} is not a number", event)


def _check_tag(event: Any) -> None:
    if event.tag is not None and event.tag not in _TAGS:
        raise _reject(f"not valid YAML for a report: tags are refused, such as {event.tag[:60]!r}", event)


def _reject(reason: str, event: yaml.Event) -> Reject:
    mark = event.start_mark
    return Reject(reason, line=mark.line + 1, column=mark.column + 1) if mark else Reject(reason)
