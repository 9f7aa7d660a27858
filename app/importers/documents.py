"""JSON read strictly: one meaning or a rejection with line and column.

The standard library's parser is used because it alone here lets us see duplicated keys and refuse NaN; a parser
that takes the last of two keys turns a failed threshold into a passed one.
"""

from __future__ import annotations

import codecs
import io
import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from app.importers.base import Artifact, Reject, clip
from app.importers.yaml_documents import parse_yaml

JSON_LIMIT = 24 * 1024 * 1024
"""Bytes. A parsed document takes about ten times its size, so this keeps an import under 400 MB."""

NODE_LIMIT = 1_000_000
"""Objects and arrays of one JSON text. Reports have one in 30 bytes or more; tiny ones by the million take fifty times
their size."""

YAML_LIMIT = 4 * 1024 * 1024
"""Bytes. YAML parses about twenty times slower than JSON."""

JSON_LINES_LIMIT = 1024 * 1024 * 1024
"""Bytes. JSON lines are read as a stream, so the limit bounds time, not memory."""

DEPTH_LIMIT = 100
"""Levels of nesting that any known format stays far below."""

REPEATED_LIMIT = 20
"""Different keys of one document that may be given twice with different values."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode(data: bytes) -> str:
    """Text of UTF-8, or of UTF-16 or UTF-32 with a byte order mark. Rejects other encodings with the place."""
    encoding, body = "utf-8", data
    for bom, name in _BOMS:
        if data.startswith(bom):
            encoding, body = name, data[len(bom) :]
            break
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        before = body[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        raise Reject(
            f"not {encoding.upper()} text: byte 0x{body[error.start]:02x} cannot be read; save the file as UTF-8",
            line=line,
            column=column,
        ) from None


def read_text(artifact: Artifact, limit: int = JSON_LIMIT) -> str:
    """The artifact's text; rejects what is larger than `limit` bytes before reading it."""
    if artifact.size > limit:
        raise Reject(f"{artifact.size:,} bytes; formats read whole are limited to {limit:,} bytes")
    return decode(artifact.read())


def read_json(artifact: Artifact, repeatable: frozenset[str] = frozenset()) -> Any:
    """The artifact as one JSON document; parsed once, for detection and the importer both.

    Keys of `repeatable`, in lower case, decide nothing in the format: one that an object gives twice with different
    values has the last, and `repeated_keys` tells of it. Any other such key is refused.
    """
    document = look_at_json(artifact)
    for key in repeated_keys(artifact):
        if key.lower() not in repeatable:
            raise _refused_twice(read_text(artifact), key)
    return document


def look_at_json(artifact: Artifact) -> Any:
    """The document for detection alone, which may hold keys that the format then refuses."""
    if "json" not in artifact.parsed:
        repeated: set[str] = set()
        artifact.parsed["json"] = parse_json(read_text(artifact), repeated)
        artifact.parsed["repeated"] = repeated
    return artifact.parsed["json"]


def repeated_keys(artifact: Artifact) -> list[str]:
    """The keys that an object of the document gives twice with different values, of which the last was taken."""
    return sorted(artifact.parsed.get("repeated", ()))


def read_json_lines(artifact: Artifact) -> list[Any]:
    """The artifact as one JSON document a line; blank lines are passed over."""
    documents = []
    # Not splitlines: it also splits at U+2028 and others, which JSON allows inside strings.
    for number, line in enumerate(io.StringIO(read_text(artifact), newline=None), start=1):
        if line.strip():
            try:
                documents.append(parse_json(line))
            except Reject as refused:
                raise Reject(refused.reason, line=number, column=refused.column) from None
    return documents


def json_lines(artifact: Artifact, repeatable: frozenset[str] = frozenset()) -> Iterator[tuple[int, Any]]:
    """(line number, document) of one JSON document a line, read as a stream, so that the file may be larger
    than `JSON_LIMIT`; each line may not. Blank lines are passed over. `repeatable` as for `read_json`."""
    if artifact.size > JSON_LINES_LIMIT:
        raise Reject(f"{artifact.size:,} bytes; JSON lines are limited to {JSON_LINES_LIMIT:,} bytes")
    with artifact.open() as stream:
        start = stream.read(4)
    # UTF-8 holds no byte 0x0a but the line feed; in the wider encodings lines are found after decoding only.
    if any(start.startswith(bom) for bom, name in _BOMS if name != "utf-8"):
        yield from enumerate(read_json_lines(artifact), start=1)
        return
    with artifact.open() as stream:
        number = 0
        while line := stream.readline(JSON_LIMIT + 1):
            number += 1
            if len(line) > JSON_LIMIT:
                raise Reject(f"a line of more than {JSON_LIMIT:,} bytes", line=number)
            if line.strip():
                try:
                    yield number, _parse_line(artifact, decode(line), repeatable)
                except Reject as refused:
                    raise Reject(refused.reason, line=number, column=refused.column) from None


def _parse_line(artifact: Artifact, text: str, repeatable: frozenset[str]) -> Any:
    repeated: set[str] = set()
    document = parse_json(text, repeated)
    for key in sorted(repeated):
        if key.lower() not in repeatable:
            raise _refused_twice(text, key)
        artifact.parsed.setdefault("repeated", set()).add(key)
    return document


def read_documents(artifact: Artifact) -> list[Any]:
    """The artifact's documents, for formats that tools write as JSON, as JSON lines or as YAML: one, one a line, or
    as many as the YAML stream holds."""
    if "yaml" in artifact.parsed:
        return read_yaml(artifact)
    with artifact.open() as stream:
        start = stream.read(4096).lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00")[:1]
    if start not in (b"{", b"["):
        return read_yaml(artifact)
    try:
        return [read_json(artifact)]
    except Reject as refused:
        if "Extra data" not in refused.reason:
            raise
        try:
            return read_json_lines(artifact)
        except Reject:
            raise refused from None


def read_yaml(artifact: Artifact) -> list[Any]:
    """The artifact as YAML documents, plain values only."""
    if "yaml" not in artifact.parsed:
        artifact.parsed["yaml"] = parse_yaml(read_text(artifact, YAML_LIMIT), DEPTH_LIMIT)
    found: list[Any] = artifact.parsed["yaml"]
    return found


def parse_json(text: str, repeated: set[str] | None = None) -> Any:
    """A JSON document. Rejects NaN and Infinity, keys given twice with different values, and deep nesting. Where
    `repeated` is given, such keys of plain values are put there, and the last value is taken."""
    nodes = text.count("{") + text.count("[")
    if nodes > NODE_LIMIT:
        raise Reject(f"{nodes:,} objects and arrays; one JSON document is limited to {NODE_LIMIT:,}")
    try:
        document = json.loads(text, object_pairs_hook=_objects(repeated), parse_constant=_constant, parse_float=_float)
    except json.JSONDecodeError as error:
        raise Reject(f"not valid JSON: {error.msg}", line=error.lineno, column=error.colno) from None
    except _Duplicate as error:
        raise _refused_twice(text, error.key) from None
    except _Constant as error:
        line, column = _place(text, _bare(text, error.name))
        said = f"{clip(error.name, 50)} is not a JSON value: not a finite number"
        raise Reject(said, line=line, column=column) from None
    except RecursionError:
        raise Reject(f"nested deeper than {DEPTH_LIMIT} levels") from None
    except ValueError as error:  # integers beyond the interpreter's digit limit
        raise Reject(f"not valid JSON: {error}") from None
    _check_depth(document)
    return document


class _Duplicate(Exception):
    def __init__(self, key: str) -> None:
        self.key = key


class _Constant(Exception):
    def __init__(self, name: str) -> None:
        self.name = name


def _objects(repeated: set[str] | None) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    def made_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            seen: dict[str, Any] = {}
            for key, value in pairs:
                if key in seen and seen[key] != value:
                    plain = not isinstance(value, (dict, list)) and not isinstance(seen[key], (dict, list))
                    if repeated is None or not plain or len(repeated) >= REPEATED_LIMIT:
                        raise _Duplicate(key)
                    repeated.add(key)
                seen[key] = value
        return made

    return made_of


def _refused_twice(text: str, key: str) -> Reject:
    line, column = _place(text, _again(text, key))
    said = f"the key {key[:100]!r} is given twice in one object with different values; which one counts is unknown"
    return Reject(said, line=line, column=column)


def _constant(name: str) -> NoReturn:
    raise _Constant(name)


def _float(text: str) -> float:
    """1e999 is JSON by its grammar, yet Python makes it infinity."""
    number = float(text)
    if not math.isfinite(number):
        raise _Constant(text)
    return number


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:]|[^\s"{}\[\]:,]+', re.DOTALL)


def _again(text: str, key: str) -> int | None:
    """Where an object first repeats the key; the parser's hooks do not say."""
    seen = [False]
    last = None
    for token in _TOKEN.finditer(text):
        spelled = token.group()
        if spelled in "{[":
            seen.append(False)
        elif spelled in "}]":
            seen.pop()
        elif spelled == ":" and last is not None and json.loads(last.group()) == key:
            if seen[-1]:
                return last.start()
            seen[-1] = True
        last = token
    return None


def _bare(text: str, name: str) -> int | None:
    """Where the name first stands outside any string."""
    return next((token.start() for token in _TOKEN.finditer(text) if token.group() == name), None)


def _place(text: str, at: int | None) -> tuple[int | None, int | None]:
    if at is None:
        return None, None
    return text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1


def _check_depth(document: Any) -> None:
    level = [document] if isinstance(document, (dict, list)) else []
    for _ in range(DEPTH_LIMIT):
        if not level:
            return
        # The exact types, for speed: the parser makes no others.
        level = [
            inner
            for value in level
            for inner in (value.values() if type(value) is dict else value)
            if type(inner) is dict or type(inner) is list
        ]
    if level:
        raise Reject(f"nested deeper than {DEPTH_LIMIT} levels")


def as_dict(value: Any) -> dict[str, Any]:
    """The value when it is an object, else an empty one: producers leave out, or mistype, what they do not know."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """The value when it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """The value when it is text or a number, else empty."""
    if isinstance(value, bool) or value is None:
        return ""
    return str(value) if isinstance(value, (str, int, float)) else ""


def as_count(value: Any) -> int | None:
    """The value when it is a whole number, or text of one, from 0 to a billion; else None."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value.strip()) <= 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if 0 <= value <= 1_000_000_000 and value == int(value) else None
