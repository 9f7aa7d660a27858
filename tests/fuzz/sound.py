"""What must hold of whatever the registry makes of bytes; the fuzzers and the tests of what they found share it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

from app.domain.errors import Invalid
from app.domain.evidence import FINDING_COUNT_FIELDS, TEST_COUNT_FIELDS
from app.importers import registry
from app.importers.base import Artifact, ImportBatch, Rejected
from app.importers.describe import describe
from app.ingest.rows import Origin, Standing, as_json, prepare

FOUND = Path(__file__).resolve().parents[1] / "importers" / "found"
"""What fuzzing found: `<kind>.txt`, a bytes literal a line."""

FORMATS = tuple(sorted(registry.FORMATS))
INTEGER = 2**31
ORIGIN = Origin("artifact", "0" * 64, "fuzz")
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""NUL as JSON spells it, not the same letters after a backslash of the text's own."""


def check(data: bytes, formats: tuple[str, ...] = FORMATS, at_once: int | None = None) -> None:
    """Read the bytes with detection and as each of `formats`, or as some of them, always the same for the same bytes.

    AssertionError when anything but a sound batch or a sentence comes out. The parsed document is shared, as it is
    between detection and importer: nobody may change it.
    """
    artifact = Artifact.of_bytes("artifact", data)
    first = crc32(data)
    chosen = formats if at_once is None else [formats[(first + step) % len(formats)] for step in range(at_once)]
    for format in (None, *chosen):
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
        prepared = prepare(batch, ORIGIN, Standing(batch.subject))
    except Invalid:
        return
    for rows in filter(None, (*prepared.of_bundle().values(), prepared.components)):
        text = as_json(rows)
        assert not _NUL.search(text), format
        assert json.loads(text.encode()), format


def found(kind: str) -> Iterator[bytes]:
    """The inputs that fuzzing found of a kind: those that broke something, and those that went where no sample goes."""
    path = FOUND / f"{kind}.txt"
    for line in path.read_text("ascii").splitlines() if path.exists() else ():
        data = ast.literal_eval(line)
        assert isinstance(data, bytes)
        yield data
