"""Text read line by line and tables row by row, as streams, so that a results file of any length stays affordable."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from app.importers.base import Artifact, Reject

TABLE_LIMIT = 1024 * 1024 * 1024
"""Bytes. Tables are read as a stream, so the limit bounds time, not memory."""

LINE_LIMIT = 1024 * 1024
"""Characters of one line."""

_WIDE = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def lines(artifact: Artifact) -> Iterator[tuple[int, str]]:
    """(line number, line without its end). Rejects what is neither UTF-8 nor UTF-16 with a byte order mark."""
    if artifact.size > TABLE_LIMIT:
        raise Reject(f"{artifact.size:,} bytes; tables are limited to {TABLE_LIMIT:,} bytes")
    with artifact.open() as stream:
        head = stream.read(2)
    encoding = next((name for mark, name in _WIDE if head == mark), "utf-8-sig")
    number = 0
    with artifact.open() as raw, io.TextIOWrapper(raw, encoding=encoding, newline="") as text:
        try:
            while line := text.readline(LINE_LIMIT + 1):
                number += 1
                if len(line) > LINE_LIMIT:
                    raise Reject(f"a line of more than {LINE_LIMIT:,} characters", line=number)
                yield number, line
        except UnicodeDecodeError:
            raise Reject(
                f"not {encoding.upper()[:6].rstrip('-')} text; save the file as UTF-8", line=number + 1
            ) from None


def rows(artifact: Artifact, delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    """(number of the row's last line, fields); blank lines are passed over. Quoting as in RFC 4180."""
    place = [0]

    def feed() -> Iterator[str]:
        for number, line in lines(artifact):
            place[0] = number
            yield line

    try:
        reader = csv.reader(feed(), delimiter=delimiter, strict=True)
        for fields in reader:
            if any(field.strip() for field in fields):
                yield place[0], fields
    except csv.Error as error:
        raise Reject(f"not a readable table: {error}", line=place[0] or None) from None


def split(line: str, delimiter: str) -> list[str]:
    """The fields of one line; what is not well quoted is split plainly, since detection only looks."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return line.split(delimiter)
