"""XML read as a stream: flat, forgiving of control characters, and closed to entities."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, BinaryIO

import pytest

from app.importers import markup
from app.importers.base import Artifact, Reject
from app.importers.markup import child, children, events, local, namespace, pruned, text_of, tree, walk


def _of(data: bytes | str) -> Artifact:
    return Artifact.of_bytes("artifact.xml", data.encode() if isinstance(data, str) else data)


def _walked(data: bytes | str, *texts: str, drop: str = "") -> list[tuple[str, Any]]:
    seen: list[tuple[str, Any]] = []
    walk(
        _of(data),
        lambda name, attributes: seen.append((f"<{name}", attributes)),
        lambda name, text: seen.append((f"{name}>", text)),
        frozenset(texts),
        frozenset(drop.split()),
    )
    return seen


READERS: dict[str, Callable[[Artifact], Any]] = {
    "events": lambda artifact: list(events(artifact)),
    "pruned": lambda artifact: list(pruned(artifact, frozenset())),
    "tree": tree,
    "walk": lambda artifact: walk(artifact, lambda *_: None, lambda *_: None),
}


def test_names() -> None:
    assert (local("{urn:x}a"), namespace("{urn:x}a")) == ("a", "urn:x")
    assert (local("a"), namespace("a")) == ("a", "")


def test_walk_gives_names_attributes_and_wanted_text() -> None:
    seen = _walked('<n:a xmlns:n="urn:x" k="1">t<b>one<c>two</c>three</b><c/></n:a>', "b", "c")
    assert seen == [
        ("<a", {"k": "1"}), ("<b", {}), ("<c", {}), ("c>", "two"), ("b>", "one"), ("<c", {}), ("c>", ""), ("a>", ""),
    ]  # fmt: skip


def test_walk_passes_over_what_is_dropped_with_all_that_is_in_it() -> None:
    text = "<o>n<b>one<o>two<b>three<o/></b>four</o>five</b><x:o xmlns:x='urn:x'/><c/></o>"
    assert _walked(text, "b", drop="o") == [
        ("<o", {}), ("<b", {}), ("b>", "one"), ("<c", {}), ("c>", ""), ("o>", ""),
    ]  # fmt: skip
    with pytest.raises(Reject, match="nested deeper"):
        _walked("<a><o>" + "<b>" * 300, drop="o")


def test_walk_and_events_agree() -> None:
    text = "<a x='&lt;&#65;'><b>text</b><![CDATA[more]]><b y='ü'/></a>"
    by_events = [(event, element.tag, dict(element.attrib)) for event, element in events(_of(text))]
    by_walk = [("start" if n[0] == "<" else "end", n.strip("<>"), v) for n, v in _walked(text)]
    assert [(e, n) for e, n, _ in by_events] == [(e, n) for e, n, _ in by_walk]
    assert [v for e, _, v in by_events if e == "start"] == [v for e, _, v in by_walk if e == "start"]


def test_tree_and_its_parts() -> None:
    root = tree(_of('<a xmlns="urn:x"><b>one <c>two</c></b><b/></a>'))
    assert len(children(root, "b")) == 2
    assert text_of(child(root, "b")) == "one two"
    assert child(root, "z") is None
    assert text_of(None) == ""


def test_pruned_keeps_whole_what_it_is_told_to() -> None:
    text = "<r><keep><x><out>long</out><y/></x></keep><other><x/></other></r>"
    ended = {}
    for event, name, element in pruned(_of(text), frozenset({"keep"}), frozenset({"out"})):
        if event == "end":
            ended[name] = [inner.tag for inner in element.iter()]
            if name == "out":
                assert element.text is None
    assert ended["keep"] == ["keep", "x", "out", "y"]
    assert ended["other"] == ["other"]
    assert ended["r"] == ["r"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"<a>\x1b[31mred\x00\x07</a>", None),
        (b"<a>\x1b[31mred\x07</a>", "?[31mred?"),
        (b"<a>&#27;[31mred&#x0;&#xFFFF;&#xD800;&#1114112;</a>", "\ufffd[31mred\ufffd\ufffd\ufffd\ufffd"),
        (b"<a>&#9;&#10;&#x1F600;&#233;</a>", "\t\n\U0001f600\xe9"),
        (b"<a><![CDATA[\x1b &#9;]]></a>", "? &#9;"),
        (b"<a>\xc3\xa9\xf0\x9f\x98\x80</a>", "\xe9\U0001f600"),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe9</a>', "\xe9"),
        (b'<?xml version="1.0" encoding="windows-1252"?><a>\x80</a>', "\u20ac"),
        ('<?xml version="1.0" encoding="utf-16"?><a>\xe9&#233;</a>'.encode("utf-16"), "\xe9\xe9"),
        ("<a>\xe9</a>".encode("utf-16-be"), "\xe9"),
    ],
)
def test_characters(written: bytes, read: str | None) -> None:
    if read is None:
        with pytest.raises(Reject):
            tree(_of(written))
    else:
        assert tree(_of(written)).text == read
        assert _walked(written, "a")[1] == ("a>", read)


class _Trickle(io.RawIOBase):
    """A stream that gives few bytes at a time, so that every cut falls somewhere."""

    def __init__(self, data: bytes, step: int) -> None:
        self._data, self._step = data, step

    def readable(self) -> bool:
        return True

    def read(self, _size: int = -1, /) -> bytes:
        given, self._data = self._data[: self._step], self._data[self._step :]
        return given


@pytest.mark.parametrize("step", range(1, 16))
def test_references_cut_between_chunks(step: int) -> None:
    data = b"<a b='&amp;&#x0000001b;'>&#27;&amp;&#x1F600;&lt;&#0000000065;& </a>".replace(b"& ", b"&gt;")
    artifact = Artifact("a.xml", len(data), lambda: _Trickle(data, step))  # type: ignore[arg-type, return-value]
    root = tree(artifact)
    assert root.text == "\ufffd&\U0001f600<A>"
    assert root.get("b") == "&\ufffd"


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@pytest.mark.parametrize(
    ("data", "reason", "place"),
    [
        (b"<a>\n<b></a>", "mismatched tag", (2, 6)),
        (b"<a>", "no element found", (1, 4)),
        (b"  \n", "no element found", (2, 1)),
        (b"<a/><b/>", "junk after document element", (1, 5)),
        (b"<a>&nbsp;</a>", "undefined entity", (1, 4)),
        (b"<a>\xff</a>", "invalid token", (1, 4)),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "the entity 'x'", (None, None)),
        (b'<!DOCTYPE a [<!ENTITY % x SYSTEM "y">%x;]><a/>', "the entity 'x'", (None, None)),
        (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>', "the entity 'x'", (None, None)),
        (b'<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd"><a>&x;</a>', "the entity 'x'", (None, None)),
        (b'<!DOCTYPE a [<!ATTLIST a b CDATA "' + b"x" * 2_000 + b'">]><a/>', "default of more than", (None, None)),
        (b'<?xml version="1.0" encoding="nonsense"?><a/>', "encoding cannot be read", (None, None)),
        (b'<?xml version="1.0" encoding="hex"?><a/>', "encoding cannot be read", (None, None)),
        (b'<?xml version="1.0" encoding="gb2312"?><a/>', "encoding cannot be read", (None, None)),
        (b"<a>" * 300 + b"</a>" * 300, "nested deeper than 200", (None, None)),
        (b'<a b="' + b"x" * 6_000_000 + b'"/>', "longer than", (1, 1)),
    ],
)
def test_refused(
    read: Callable[[Artifact], Any], data: bytes, reason: str, place: tuple[int | None, int | None]
) -> None:
    with pytest.raises(Reject) as caught:
        read(_of(data))
    assert reason in caught.value.reason
    assert (caught.value.line, caught.value.column) == place


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_size_is_judged_before_reading(read: Callable[[Artifact], Any]) -> None:
    def unread() -> BinaryIO:
        raise AssertionError("it was opened")

    with pytest.raises(Reject, match="limited to"):
        read(Artifact("large.xml", 1 << 40, unread))


def test_a_harmless_doctype_is_taken() -> None:
    data = b'<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd" [<!ATTLIST a b CDATA "c">]><a>x</a>'
    assert tree(_of(data)).get("b") == "c"
    assert _walked(data, "a") == [("<a", {"b": "c"}), ("a>", "x")]


def test_a_long_run_of_text_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markup, "TEXT_RUN_LIMIT", 10)
    data = b"<a>" + b"0123456789\n" * 10_000 + b"<b>kept</b></a>"
    assert len(dict(_walked(data, "a", "b"))["a>"]) < 70_000
    assert dict(_walked(data, "a", "b"))["b>"] == "kept"
    assert len(tree(_of(data)).text or "") < 70_000


def test_a_fault_of_the_reader_is_not_taken_for_one_of_the_file() -> None:
    def faulty(_name: str, _attributes: dict[str, str]) -> None:
        raise KeyError("ours")

    with pytest.raises(KeyError, match="ours"):
        walk(_of("<a/>"), faulty, lambda *_: None)
