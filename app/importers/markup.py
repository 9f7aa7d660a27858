"""XML read as a stream, in bounded memory, with entities and external references refused (defusedxml over expat).

Several test runners write control characters, raw or as references, that XML 1.0 forbids; they are replaced by
U+FFFD on the way in, so that a coloured message does not cost a report.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.parsers.expat import ExpatError

from defusedxml import ElementTree as SafeElementTree
from defusedxml.common import DefusedXmlException

from app.importers.base import Artifact, Reject, clip

XML_LIMIT = 1024 * 1024 * 1024
"""Bytes. XML is read as a stream, so the limit bounds time, not memory."""

ELEMENT_DEPTH_LIMIT = 200

TEXT_RUN_LIMIT = 1024 * 1024
"""Characters kept of one unbroken run of text. Captured output may be hundreds of megabytes; nobody reads it here."""

TAG_LIMIT = 4 * 1024 * 1024
"""Bytes of one tag, comment or the like, which expat must hold whole and, before 2.6, reads again at each chunk."""

_DEFAULT_LIMIT = 1000
_CHUNK = 64 * 1024
_REFERENCE = re.compile(rb"&#(?:x([0-9a-fA-F]{1,8})|([0-9]{1,10}));")
_CONTROLS = bytes((*range(1, 9), 11, 12, *range(14, 32)))
_PLAIN = bytes.maketrans(_CONTROLS, b"?" * len(_CONTROLS))
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")
_REPLACEMENT = b"&#xFFFD;"


def _mend_reference(match: re.Match[bytes]) -> bytes:
    point = int(match.group(1), 16) if match.group(1) else int(match.group(2))
    legal = (
        point in (0x9, 0xA, 0xD) or 0x20 <= point <= 0xD7FF or 0xE000 <= point <= 0xFFFD or 0x10000 <= point <= 0x10FFFF
    )
    return match.group(0) if legal else _REPLACEMENT


class _Brief(TreeBuilder):
    """Builds elements whose runs of text are cut at TEXT_RUN_LIMIT."""

    _room = TEXT_RUN_LIMIT

    def start(self, tag: Any, attrs: Any, /) -> Element:
        self._room = TEXT_RUN_LIMIT
        return super().start(tag, attrs)

    def end(self, tag: Any, /) -> Element:
        self._room = TEXT_RUN_LIMIT
        return super().end(tag)

    def data(self, data: Any, /) -> None:
        if self._room > 0:
            self._room -= len(data)
            super().data(data)


class _Mended:
    """A stream whose illegal characters and references are replaced. UTF-16 passes untouched."""

    def __init__(self, stream: BinaryIO, parser: Any) -> None:
        self._stream = stream
        self._parser = parser
        self._fed = 0
        self._held = b""
        self._wide: bool | None = None

    def read(self, _size: int = -1) -> bytes:
        if self._fed - max(self._parser.CurrentByteIndex, 0) > TAG_LIMIT:
            raise Reject(
                f"one tag or comment is longer than {TAG_LIMIT:,} bytes",
                line=self._parser.CurrentLineNumber,
                column=self._parser.CurrentColumnNumber + 1,
            )
        data = self._read()
        self._fed += len(data)
        return data

    def _read(self) -> bytes:
        chunk = self._stream.read(_CHUNK)
        if self._wide is None:
            self._wide = chunk.startswith(_WIDE)
        if self._wide:
            return chunk
        data = self._held + chunk
        self._held = b""
        if chunk:
            # A reference may be cut by the end of the chunk; its longest form is 12 bytes.
            cut = data.rfind(b"&", max(0, len(data) - 12))
            if cut >= 0 and b";" not in data[cut:]:
                data, self._held = data[:cut], data[cut:]
                if not data:
                    return self._read()
        if b"&#" in data:
            data = _REFERENCE.sub(_mend_reference, data)
        # Inside CDATA a reference would stand as text, so a raw control character becomes a plain question mark.
        return data.translate(_PLAIN)


def local(tag: str) -> str:
    """The tag without its namespace."""
    return tag.rpartition("}")[2]


def namespace(tag: str) -> str:
    """The namespace of the tag, or ""."""
    return tag[1:].partition("}")[0] if tag.startswith("{") else ""


def events(artifact: Artifact) -> Iterator[tuple[str, Element]]:
    """("start" | "end", element) in document order. Clear an element at its end to keep memory flat.

    Raises Reject, with the place, on anything that is not well-formed XML without entities.
    """
    if artifact.size > XML_LIMIT:
        raise Reject(f"{artifact.size:,} bytes; XML is limited to {XML_LIMIT:,} bytes")
    depth = 0
    begun = False
    parser = _parser(_Brief())
    with artifact.open() as stream, _refusals(lambda: begun):
        source = _Mended(stream, parser.parser)
        for event, element in SafeElementTree.iterparse(source, events=("start", "end"), parser=parser):
            begun = True
            depth += 1 if event == "start" else -1
            if depth > ELEMENT_DEPTH_LIMIT:
                raise Reject(f"elements nested deeper than {ELEMENT_DEPTH_LIMIT} levels")
            yield event, element


def pruned(
    artifact: Artifact, keep: frozenset[str], drop: frozenset[str] = frozenset()
) -> Iterator[tuple[str, str, Element]]:
    """("start" | "end", local name, element) in document order, in flat memory.

    At its end an element named in `keep` has its whole subtree, apart from elements named in `drop` (captured
    output, as a rule), which are emptied; any other element has its attributes and text, but no children. At
    its start an element has its attributes only.
    """
    open_elements: list[Element] = []
    kept = 0
    for event, element in events(artifact):
        name = local(element.tag)
        if event == "start":
            open_elements.append(element)
            kept += name in keep
            yield event, name, element
            continue
        open_elements.pop()
        if name in drop:
            element.clear()
        yield event, name, element
        kept -= name in keep
        if not kept and open_elements:
            del open_elements[-1][:]


def walk(
    artifact: Artifact,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str, str], None],
    texts: frozenset[str] = frozenset(),
    drop: frozenset[str] = frozenset(),
) -> None:
    """Call `start(local name, attributes)` and `end(local name, text)` for every element, in document order; no
    element is built, which halves the time of a large report. Text is that before the first child, for elements
    named in `texts` only. Elements named in `drop` (captured output, as a rule) are passed over with all that is in
    them. Raises Reject as `events` does."""
    if artifact.size > XML_LIMIT:
        raise Reject(f"{artifact.size:,} bytes; XML is limited to {XML_LIMIT:,} bytes")
    parser = _parser(TreeBuilder()).parser
    depth = 0
    dropped = 0
    begun = False
    open_texts: list[list[str]] = []
    room = 0

    def started(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, dropped, room, begun
        begun = True
        depth += 1
        if depth > ELEMENT_DEPTH_LIMIT:
            raise Reject(f"elements nested deeper than {ELEMENT_DEPTH_LIMIT} levels")
        name = tag.rpartition("}")[2] if "}" in tag else tag
        if dropped or (name in drop and depth > 1):
            dropped += 1
            parser.CharacterDataHandler = None
            return
        if name in texts:
            open_texts.append([])
            room = TEXT_RUN_LIMIT
            parser.CharacterDataHandler = said
        elif open_texts:
            parser.CharacterDataHandler = None
        start(name, attributes)

    def said(text: str) -> None:
        nonlocal room
        if room > 0:
            room -= len(text)
            open_texts[-1].append(text)

    def ended(tag: str) -> None:
        nonlocal depth, dropped
        depth -= 1
        if dropped:
            dropped -= 1
            return
        name = tag.rpartition("}")[2] if "}" in tag else tag
        if name in texts:
            parser.CharacterDataHandler = None
            end(name, "".join(open_texts.pop()))
        else:
            end(name, "")

    parser.ordered_attributes = False
    parser.StartElementHandler = started
    parser.EndElementHandler = ended
    parser.CharacterDataHandler = None
    parser.DefaultHandlerExpand = None  # it would be given all text that no other handler wants
    with artifact.open() as stream, _refusals(lambda: begun):
        source = _Mended(stream, parser)
        while chunk := source.read():
            parser.Parse(chunk, False)
        parser.Parse(b"", True)


def _parser(target: TreeBuilder) -> Any:
    """defusedxml's parser, which also refuses entities of an external DTD and defaults that swell every element."""
    safe: Any = SafeElementTree.XMLParser(target=target)
    safe.parser.SkippedEntityHandler = _undefined
    safe.parser.AttlistDeclHandler = _declared
    return safe


def _undefined(name: str, _parameter: bool) -> None:
    raise Reject(f"the entity {name!r} is not defined in the file, and nothing is fetched to find it")


def _declared(_element: str, attribute: str, _type: str, default: str | None, _required: bool) -> None:
    if default is not None and len(default) > _DEFAULT_LIMIT:
        raise Reject(f"the attribute {attribute!r} has a default of more than {_DEFAULT_LIMIT} characters")


@contextmanager
def _refusals(begun: Callable[[], bool]) -> Iterator[None]:
    """What expat and defusedxml raise, as Reject with the place. `begun` tells whether an element was met: until then
    a LookupError or ValueError is of the declared encoding, afterwards it is a fault of the reader."""
    try:
        yield
    except (ParseError, ExpatError) as error:
        line, column = error.position if isinstance(error, ParseError) else (error.lineno, error.offset)
        message = str(error).partition(":")[0]
        raise Reject(f"not well-formed XML: {message}", line=line, column=column + 1) from None
    except DefusedXmlException as error:
        raise Reject(f"XML with entities or external references is refused: {_short(error)}") from None
    except (LookupError, ValueError) as error:
        if begun():
            raise
        raise Reject(f"the XML's encoding cannot be read, save it as UTF-8: {clip(error, 100)}") from None


def _short(error: DefusedXmlException) -> str:
    name = getattr(error, "name", None)
    return f"it declares the entity {name!r}" if name else type(error).__name__


def tree(artifact: Artifact, limit: int = 16 * 1024 * 1024) -> Element:
    """The whole document as a tree, for formats that are small by nature."""
    if artifact.size > limit:
        raise Reject(f"{artifact.size:,} bytes; this format is limited to {limit:,} bytes")
    root: Element | None = None
    for _event, element in events(artifact):
        if root is None:
            root = element
    if root is None:
        raise Reject("the file holds no element")
    return root


def child(element: Element, name: str) -> Element | None:
    """The first child of that local name, in whatever namespace."""
    return next((c for c in element if local(c.tag) == name), None)


def children(element: Element, name: str) -> list[Element]:
    """The children of that local name, in whatever namespace."""
    return [c for c in element if local(c.tag) == name]


def text_of(element: Element | None) -> str:
    """All text below the element, or ""."""
    return "" if element is None else "".join(element.itertext()).strip()
