"""Where keys stand in a TOML text."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.domain.toml_lines import Path, key_lines, line_of

TEXT = r'''
# a comment with [brackets] and "quotes"
plain = 1 # [not.a.table]
"quoted \"key\"".'literal.key' = "a # b \" c"
text = """
[not.a.table]
\""" still text """""
literal = \'\'\'
x = 1
\'\'\'
many = [ # first
  1, [2,
  3], { a = 1, b.c = [
    4 ] },
]

[ table . inner ]
time = 2026-06-01 12:00:00Z

[[rules]]
name = 'a'
[rules.deep]
x = true
[[rules.list]]
y = 1
[[rules.list]]
y = 2
[[rules]]
name = "b"
[rules.deep]
x = 1.5
'''.replace("\\'", "'").lstrip("\n")


def places(value: Any, path: Path = ()) -> list[Path]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in pairs for place in places(each, (*path, key)))]


def test_every_place_has_its_line() -> None:
    document = tomllib.loads(TEXT)
    lines = key_lines(TEXT)
    assert set(places(document)) - {()} <= lines.keys() | {("table",), ("rules",)}
    numbered = TEXT.split("\n")

    def at(*path: str | int) -> str:
        return numbered[lines[path] - 1].strip()

    assert at("plain").startswith("plain = 1")
    assert at('quoted "key"', "literal.key").startswith('"quoted')
    assert at("text") == 'text = """'
    assert at("literal") == "literal = '''"
    assert at("many", 1, 1).startswith("3]")
    assert at("many", 2, "b", "c", 0) == "4 ] },"
    assert at("table", "inner") == "[ table . inner ]"
    assert at("table", "inner", "time").startswith("time")
    assert at("rules", 0, "list", 1, "y") == "y = 2"
    assert at("rules", 1, "name") == 'name = "b"'
    assert at("rules", 1, "deep", "x") == "x = 1.5"
    assert line_of(lines, ("rules", 1, "deep", "nothing", "there")) == lines[("rules", 1, "deep")]
    assert line_of(lines, ("nowhere",)) == 1


_KEYS = st.sampled_from(["a", "b-c", "d_1", '"e f"', "'g.h'", '"\\u0041#"'])
_VALUES = st.sampled_from(
    [
        "1",
        '"x"',
        "'#'",
        '"""\na = 1\n"""',
        "'''\n[t]\n'''",
        "[1, 2]",
        "[\n1,\n# c\n2 ]",
        "{ k = 1, l = [3] }",
        "2026-06-01",
        '"\\\\"',
        '""',
    ]
)


@given(st.lists(st.tuples(_KEYS, _VALUES, st.sampled_from(["", "  # c", "\n\n"])), unique_by=lambda each: each[0]))
def test_keys_are_found_on_the_line_they_were_written_on(pairs: list[tuple[str, str, str]]) -> None:
    text, wanted = "", {}
    for key, value, after in pairs:
        name = next(iter(tomllib.loads(f"{key} = 1")))
        wanted[name] = text.count("\n") + 1
        text += f"{key} = {value}{after}\n"
    tomllib.loads(text)
    lines = key_lines(text)
    assert {name: lines[(name,)] for name in wanted} == wanted
