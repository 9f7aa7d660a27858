"""JSON, JSON lines and YAML read strictly: one meaning, or a rejection that says where."""

from __future__ import annotations

import codecs
from typing import Any

import pytest

from app.importers import documents
from app.importers.base import Artifact, Reject
from app.importers.documents import (
    as_count,
    as_dict,
    as_list,
    as_text,
    decode,
    json_lines,
    parse_json,
    read_documents,
    read_json,
    read_json_lines,
    read_yaml,
)


def _of(data: bytes | str) -> Artifact:
    return Artifact.of_bytes("artifact", data.encode() if isinstance(data, str) else data)


def _refused(call: Any, *arguments: Any) -> Reject:
    with pytest.raises(Reject) as caught:
        call(*arguments)
    return caught.value


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_encodings(mark: bytes, encoding: str) -> None:
    assert decode(mark + 'é €\n"😀"'.encode(encoding)) == 'é €\n"😀"'
    assert read_json(_of(mark + '{"é": "😀"}'.encode(encoding))) == {"é": "😀"}


def test_wrong_encoding_says_where() -> None:
    refused = _refused(decode, b"one\ntw\xe9\n")
    assert (refused.line, refused.column) == (2, 3)
    assert "0xe9" in refused.reason
    assert "UTF-8" in refused.reason


@pytest.mark.parametrize(
    ("text", "reason", "place"),
    [
        ("{", "not valid JSON", (1, 2)),
        ('{"a": 1,\n "b": }', "not valid JSON", (2, 7)),
        ('{"a": 1} x', "Extra data", (1, 10)),
        ("[1,\n NaN]", "NaN is not a JSON value", (2, 2)),
        ('["Infinity", -Infinity]', "-Infinity is not a JSON value", (1, 14)),
        ('["1e999",\n1e999]', "1e999 is not a JSON value", (2, 1)),
        ('{"a": {"ok": true}, "b": {"ok": false,\n"ok": true}}', "'ok' is given twice", (2, 1)),
        ('{"a": [1],\n "\\u0061": [2]}', "'a' is given twice", (2, 2)),
        ("[" * 101 + "]" * 101, "nested deeper", (None, None)),
        ("[" * 100_000, "nested deeper", (None, None)),
        ("9" * 5_000, "not valid JSON", (None, None)),
        ('"a\nb"', "not valid JSON: Invalid control character", (1, 3)),
        ("", "not valid JSON", (1, 1)),
    ],
)
def test_json_refused(text: str, reason: str, place: tuple[int | None, int | None]) -> None:
    refused = _refused(parse_json, text)
    assert reason in refused.reason
    assert (refused.line, refused.column) == place


def test_json_taken() -> None:
    assert parse_json('{"a": 1, "a": 1}') == {"a": 1}, "twice the same leaves one meaning"
    assert parse_json("[" * 100 + "]" * 100)
    assert parse_json("1e308") == 1e308
    assert parse_json('"NaN"') == "NaN"


def test_json_is_parsed_once() -> None:
    artifact = _of("{}")
    assert read_json(artifact) is read_json(artifact)


def test_size_is_judged_before_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def unread() -> Any:
        raise AssertionError("it was opened")

    for read in (read_json, read_yaml, lambda artifact: next(json_lines(artifact))):
        assert "limited to" in _refused(read, Artifact("large", 1 << 40, unread)).reason
    monkeypatch.setattr(documents, "JSON_LIMIT", 10)
    assert _refused(lambda: list(json_lines(_of('{"a": 1}\n{"a": 12345}\n')))).line == 2


@pytest.mark.parametrize("text", ["[" + "{}," * 1_000_000 + "{}]", "[[" + "[]," * 999_999 + "[]]]"])
def test_tiny_objects_by_the_million_are_refused_unparsed(text: str) -> None:
    """They would take fifty times their size."""
    assert "objects and arrays; one JSON document is limited to 1,000,000" in _refused(read_json, _of(text)).reason


def test_json_lines() -> None:
    text = '{"a": 1}\n\n  \r\n{"b": "\u2028"}\r\n'
    assert list(json_lines(_of(text))) == [(1, {"a": 1}), (4, {"b": "\u2028"})]
    assert [document for _, document in json_lines(_of(text.encode("utf-16")))] == [{"a": 1}, {"b": "\u2028"}]
    refused = _refused(lambda: list(json_lines(_of('{"a": 1}\n{"a": }\n'))))
    assert (refused.line, refused.column) == (2, 7)
    refused = _refused(read_json_lines, _of('{}\n\n{"a": 1, "a": 2}'))
    assert (refused.line, refused.column) == (3, 10)


def test_yaml() -> None:
    assert read_yaml(_of("a: 1\n---\nb: [x, 2020-01-01, 2020-01-01T00:00:00Z]\n")) == [
        {"a": 1},
        {"b": ["x", "2020-01-01", "2020-01-01T00:00:00Z"]},
    ]


@pytest.mark.parametrize(
    ("text", "reason", "line"),
    [
        ("a: &x 1\nb: *x\n", "aliases are refused", 2),
        ("a: [1\nb: 2\n", "not valid YAML", 2),
        ("a: 1\na: 2\n", "'a' is given twice", 2),
        ("a: .nan\n", "not a number", 1),
        ("a: !!python/object/apply:os.system ['true']\n", "not valid YAML", 1),
        ("a: !!timestamp nonsense\n", "not valid YAML", 1),
        ("[" * 150 + "]" * 150, "nested deeper", 1),
    ],
)
def test_yaml_refused(text: str, reason: str, line: int | None) -> None:
    refused = _refused(read_yaml, _of(text))
    assert reason in refused.reason
    assert refused.line == line


@pytest.mark.parametrize(
    ("text", "documents"),
    [
        ('{"a": 1}', [{"a": 1}]),
        ('{"a": 1}\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        ("a: 1\n---\na: 2\n", [{"a": 1}, {"a": 2}]),
    ],
)
def test_documents_in_any_spelling(text: str, documents: list[Any]) -> None:
    assert read_documents(_of(text)) == documents


def test_documents_are_refused_as_what_they_most_likely_are() -> None:
    refused = _refused(read_documents, _of('{"a": 1} trailing\n'))
    assert "Extra data" in refused.reason
    assert (refused.line, refused.column) == (1, 10)


def test_odd_types_become_empty() -> None:
    odd: list[Any] = [None, True, 1, 1.5, "x", [1], {"a": 1}]
    assert [as_dict(value) for value in odd] == [{}, {}, {}, {}, {}, {}, {"a": 1}]
    assert [as_list(value) for value in odd] == [[], [], [], [], [], [1], []]
    assert [as_text(value) for value in odd] == ["", "", "1", "1.5", "x", "", ""]
    assert [as_count(value) for value in odd] == [None, None, 1, None, None, None, None]
    assert [as_count(value) for value in (" 12 ", "-1", -1, 2.0, 1e308, "1" * 11, "²")] == [
        12,
        None,
        None,
        2,
        None,
        None,
        None,
    ]


def test_a_key_given_twice_that_decides_nothing_is_told_and_the_last_is_taken() -> None:
    artifact = _of('{"a": {"time": 1, "time": 2}, "b": [{"Time": "x", "Time": "y"}], "c": 3, "c": 3}')
    assert read_json(artifact, frozenset({"time"})) == {"a": {"time": 2}, "b": [{"Time": "y"}], "c": 3}
    assert documents.repeated_keys(artifact) == ["Time", "time"]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"a": 1,\n"a": 2}', (2, 1)),
        ('{"time": 1, "time": 2,\n "ok": true, "ok": false}', (2, 14)),
        ('{"time": [1],\n "time": [2]}', (2, 2)),
        ('{"time": 1,\n "time": {"ok": false}}', (2, 2)),
    ],
)
def test_a_key_given_twice_that_may_decide_is_refused(text: str, where: tuple[int, int]) -> None:
    refused = _refused(read_json, _of(text), frozenset({"time"}))
    assert "is given twice" in refused.reason
    assert (refused.line, refused.column) == where
    assert "is given twice" in _refused(read_json, _of(text)).reason


def test_too_many_different_keys_given_twice_are_refused() -> None:
    keys = [f"k{number}" for number in range(documents.REPEATED_LIMIT + 1)]
    text = "{" + ",".join(f'"{key}": 1, "{key}": 2' for key in keys) + "}"
    assert "'k20' is given twice" in _refused(read_json, _of(text), frozenset(keys)).reason


def test_lines_are_held_to_the_same() -> None:
    artifact = _of('{"time": 1, "time": 2}\n{"ok": 1}\n')
    assert list(json_lines(artifact, frozenset({"time"}))) == [(1, {"time": 2}), (2, {"ok": 1})]
    assert documents.repeated_keys(artifact) == ["time"]
    assert _refused(list, json_lines(_of('{"ok": 1}\n{"ok": 1, "ok": 2}\n'), frozenset({"time"}))).line == 2
