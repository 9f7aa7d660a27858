"""What every fuzzer runs: bytes to the registry, with detection and as each format, and what must hold of the outcome.

An exception here is a finding. `run` wires a target to libFuzzer with the test samples as seeds and the words that
the importers look for as dictionary.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from zlib import crc32

import atheris

with atheris.instrument_imports(include=["app.importers", "app.ingest.rows"]):
    from app.domain.errors import Invalid
    from app.domain.evidence import FINDING_COUNT_FIELDS, TEST_COUNT_FIELDS
    from app.importers import registry
    from app.importers.base import Artifact, ImportBatch, Rejected
    from app.importers.describe import describe
    from app.ingest.rows import Origin, as_json, prepare

ROOT = Path(__file__).resolve().parents[2]
SEED_LIMIT = 12_000
"""Bytes of the largest input; structure breaks the same in a small one, and a small one is quicker."""

INTEGER = 2**31
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""NUL as JSON spells it, not the same letters after a backslash of the text's own."""

ORIGIN = Origin("artifact", "0" * 64, "fuzz")
Mutate = Callable[[bytes, int, int], bytes]


FORMATS = tuple(sorted(registry.FORMATS))
AT_ONCE = 2


def check(data: bytes, formats: tuple[str, ...]) -> None:
    """Read the bytes with detection and as some of `formats`, always the same for the same bytes; raises when
    anything but a sound batch or a sentence comes out. The parsed document is shared, as it is between detection and
    importer: nobody may change it."""
    artifact = Artifact.of_bytes("artifact", data)
    first = crc32(data)
    for format in (None, *(formats[(first + step) % len(formats)] for step in range(AT_ONCE))):
        outcome = registry.read(artifact, format)
        told = json.dumps(describe("artifact", outcome), allow_nan=False)
        if isinstance(outcome, Rejected):
            assert 0 < len(outcome.reason) <= 1000, (format, outcome.reason)
        else:
            assert len(told) < 1_000_000, (format, len(told))
            _storable(outcome, format)


def _storable(batch: ImportBatch, format: str | None) -> None:
    for item in batch.items:
        counts = [(item.tests, TEST_COUNT_FIELDS), (item.findings, FINDING_COUNT_FIELDS)]
        for counted, names in counts:
            values = [getattr(counted, name) for name in names] if counted else []
            assert all(type(value) is int and 0 <= value < INTEGER for value in values), (format, values)
    try:
        prepared = prepare(batch, ORIGIN)
    except Invalid:
        return
    for rows in filter(None, (*prepared.of_bundle().values(), prepared.components)):
        text = as_json(rows)
        assert not _NUL.search(text), format
        assert json.loads(text.encode()), format


def seeds(kind: str) -> Iterator[Path]:
    """The test samples of this kind, the kept findings included."""
    for path in sorted((ROOT / "tests/importers").glob("*/*")):
        if path.is_file() and not path.name.endswith((".expected.json", ".rejected.json")):
            data = path.read_bytes()
            if 0 < len(data) <= SEED_LIMIT and _kind(data) == kind:
                yield path


def _kind(data: bytes) -> str:
    start = data.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00")[:1]
    return "xml" if start == b"<" else "json" if start in (b"{", b"[") else "text"


def words() -> list[str]:
    """The strings that stand in the importers' sources: keys, element names, states."""
    found = {
        node.value
        for path in (ROOT / "app/importers").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return sorted(word for word in found if 1 < len(word) <= 30 and word.isascii() and word.isprintable())


def run(kind: str, formats: tuple[str, ...], mutate: Mutate | None = None) -> None:
    """Fuzz what is of a kind (json, xml, text) with the arguments of the command line, which are libFuzzer's. Inputs
    and findings go to .fuzz/<kind>."""
    work = ROOT / ".fuzz" / kind
    corpus, given = work / "corpus", work / "seeds"
    for folder in (corpus, given):
        folder.mkdir(parents=True, exist_ok=True)
    for path in seeds(kind):
        (given / f"{path.parent.name}-{path.name}").write_bytes(path.read_bytes())
    dictionary = work / "words.dict"
    dictionary.write_text("".join(f"{json.dumps(word)}\n" for word in words()), encoding="ascii")
    options = [f"-dict={dictionary}", f"-artifact_prefix={work}/", f"-max_len={SEED_LIMIT}", "-timeout=20"]
    options += ["-rss_limit_mb=1500", "-print_final_stats=1", "-verbosity=1"]
    arguments = [sys.argv[0], *options, *sys.argv[1:]]
    # A file named on the command line is run alone, to see a finding again.
    if not any(Path(argument).is_file() for argument in sys.argv[1:]):
        arguments += [str(corpus), str(given)]
    extra = {} if mutate is None else {"custom_mutator": mutate}
    atheris.Setup(arguments, lambda data: check(data, formats), **extra)
    atheris.Fuzz()
