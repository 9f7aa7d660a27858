"""What every fuzzer runs: libFuzzer over the registry, the test samples as seeds, the importers' words as dictionary.

An exception of `sound.check` is a finding.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["app.importers", "app.ingest.rows"]):
    from tests.fuzz.sound import FORMATS, check, found

ROOT = Path(__file__).resolve().parents[2]
SEED_LIMIT = 12_000
"""Bytes of the largest input; structure breaks the same in a small one, and a small one is quicker."""

AT_ONCE = 2
"""Formats that an input is read as, beside the one that is detected."""

Mutate = Callable[[bytes, int, int], bytes]

__all__ = ["FORMATS", "run", "words"]


def seeds(kind: str) -> Iterator[tuple[str, bytes]]:
    """Name and content of the test samples of this kind, and of what was found before."""
    for path in sorted((ROOT / "tests/importers").glob("*/*")):
        if (
            path.is_file()
            and path.parent.name != "found"
            and not path.name.endswith((".expected.json", ".rejected.json"))
        ):
            data = path.read_bytes()
            if 0 < len(data) <= SEED_LIMIT and _kind(data) == kind:
                yield f"{path.parent.name}-{path.name}", data
    for number, data in enumerate(found(kind)):
        yield f"found-{number:04}", data


def _kind(data: bytes) -> str:
    start = data.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00")[:1]
    return "xml" if start == b"<" else "json" if start in (b"{", b"[") else "text"


def words() -> list[str]:
    """The strings that stand in the importers' sources: keys, element names, states."""
    told = {
        node.value
        for path in (ROOT / "app/importers").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return sorted(word for word in told if 1 < len(word) <= 30 and word.isascii() and word.isprintable())


def run(kind: str, formats: tuple[str, ...], mutate: Mutate | None = None) -> None:
    """Fuzz what is of a kind (json, xml, text) with the arguments of the command line, which are libFuzzer's. Inputs
    and findings go to .fuzz/<kind>."""
    work = ROOT / ".fuzz" / kind
    corpus, given = work / "corpus", work / "seeds"
    for folder in (corpus, given):
        folder.mkdir(parents=True, exist_ok=True)
    for name, data in seeds(kind):
        (given / name).write_bytes(data)
    dictionary = work / "words.dict"
    dictionary.write_text("".join(f"{json.dumps(word)}\n" for word in words()), encoding="ascii")
    options = [f"-dict={dictionary}", f"-artifact_prefix={work}/", f"-max_len={SEED_LIMIT}", "-timeout=20"]
    options += ["-rss_limit_mb=1500", "-print_final_stats=1", "-verbosity=1"]
    # libFuzzer starts itself again by the first argument when it merges.
    arguments = [f"{sys.executable} -m tests.fuzz.fuzz_{kind}", *options, *sys.argv[1:]]
    # A file named on the command line is run alone, to see a finding again; folders are merged, as libFuzzer does.
    if all(argument.startswith("-") for argument in sys.argv[1:]):
        arguments += [str(corpus), str(given)]
    extra = {} if mutate is None else {"custom_mutator": mutate}
    atheris.Setup(arguments, lambda data: check(data, formats, AT_ONCE), **extra)
    atheris.Fuzz()
