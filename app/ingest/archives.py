"""Zip and tar archives read as folders, entry by entry and never unpacked by name: no traversal, no links, no bombs.

Nothing here trusts what an archive says of itself: sizes are counted as they are read, and a name is only ever a name.
"""

from __future__ import annotations

import bz2
import gzip
import io
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

ENTRY_LIMIT = 1024 * 1024 * 1024
"""Bytes of one entry, unpacked."""

TOTAL_LIMIT = 4 * 1024 * 1024 * 1024
"""Bytes of a whole archive, unpacked."""

RATIO_LIMIT = 200
"""How many times its size an archive may grow to; reports compress 10 to 100 times, bombs 1,000 times and more."""

RATIO_FLOOR = 64 * 1024 * 1024
"""Bytes that any archive may grow to, whatever its ratio."""

COUNT_LIMIT = 20_000
"""Entries of one archive, folders included."""

_HEADER_LIMIT = 1024 * 1024
_END_OF_DIRECTORY = b"PK\x05\x06"
_ZIP64_LOCATOR = b"PK\x06\x07"


ESCAPES = "its name leads out of the archive"
"""Why a member is refused whose name would be written elsewhere; an archive that holds one is refused whole."""


class Damaged(Exception):
    """The archive cannot be read, or not any further; the text says why."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive. `refused` says why it is not read, or is "". `open` serves until the next member."""

    name: str
    size: int
    refused: str
    open: Callable[[], IO[bytes]]


def kind_of(path: Path) -> str:
    """`zip`, `tar`, or "" for anything else; judged by content. Raises OSError when the file cannot be read."""
    with path.open("rb") as stream:
        head = stream.read(512)
        if head.startswith((b"PK\x03\x04", _END_OF_DIRECTORY)):
            return "zip"
        if head.startswith((b"\x1f\x8b", b"BZh")):
            stream.seek(0)
            try:
                head = _decompressed(stream, head).read(512)
            except (OSError, EOFError, zlib.error):
                return ""
    return "tar" if head[257:262] == b"ustar" else ""


def is_packed(head: bytes) -> bool:
    """Whether bytes begin an archive or a compressed file."""
    return head.startswith((b"PK\x03\x04", _END_OF_DIRECTORY, b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")) or (
        head[257:262] == b"ustar"
    )


def members(path: Path) -> Generator[Member]:
    """The files of an archive in its own order, without folders and hidden files. Raises Damaged."""
    try:
        yield from (_zip_members if kind_of(path) == "zip" else _tar_members)(path)
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        EOFError,
        zlib.error,
        NotImplementedError,
        OSError,
        ValueError,
    ) as error:
        raise Damaged(f"the archive cannot be read: {_short(error)}") from error


def _short(error: Exception) -> str:
    return str(error) or type(error).__name__


def _hidden(name: str) -> bool:
    return any((part.startswith(".") and part not in (".", "..")) or part == "__MACOSX" for part in name.split("/"))


def _bad_name(name: str) -> str:
    parts = name.split("/")
    if ".." in parts or name.startswith("/") or "\0" in name or (len(name) > 1 and name[1] == ":"):
        return ESCAPES
    return ""


class _Ledger:
    """Counts what an archive grows to, and refuses names that come twice."""

    def __init__(self, packed: int) -> None:
        self.allowed = min(TOTAL_LIMIT, max(RATIO_FLOOR, packed * RATIO_LIMIT))
        self.total = 0
        self.count = 0
        self._names: set[str] = set()

    def enter(self) -> None:
        self.count += 1
        if self.count > COUNT_LIMIT:
            raise Damaged(f"the archive holds more than {COUNT_LIMIT:,} entries")

    def refusal(self, name: str, size: int) -> str:
        """Why a regular file is not read, or ""."""
        if size > ENTRY_LIMIT:
            return f"{size:,} bytes unpacked; entries are limited to {ENTRY_LIMIT:,} bytes"
        if name in self._names:
            return "the archive holds this name twice"
        self._names.add(name)
        return _bad_name(name)

    def grow(self, size: int) -> None:
        self.total += size
        if self.total > self.allowed:
            raise Damaged(f"the archive grows beyond {self.allowed:,} bytes, {RATIO_LIMIT} times its size or more")


def _zip_members(path: Path) -> Iterator[Member]:
    _check_directory(path)
    ledger = _Ledger(path.stat().st_size)
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            ledger.enter()
            name = info.filename.replace("\\", "/")
            if info.is_dir() or (_hidden(name) and not _bad_name(name)):
                continue
            refused = ledger.refusal(name, info.file_size)
            mode = info.external_attr >> 16
            if stat.S_ISLNK(mode):
                refused = "a link, not followed"
            elif info.flag_bits & 0x1:
                refused = "encrypted"
            elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2):
                refused = refused or f"compressed by method {info.compress_type}; use deflate"
            elif info.file_size > max(RATIO_FLOOR, info.compress_size * RATIO_LIMIT):
                refused = refused or f"it grows to {info.file_size:,} bytes, more than {RATIO_LIMIT} times its size"
            if not refused:
                # The reader stops at the size that the directory states, so counting the stated size is enough.
                ledger.grow(info.file_size)
            yield Member(name, info.file_size, refused, lambda info=info: archive.open(info))  # type: ignore[misc]


def _check_directory(path: Path) -> None:
    """Refuse a directory that would fill the memory before anybody looked at it."""
    with path.open("rb") as stream:
        size = stream.seek(0, io.SEEK_END)
        stream.seek(max(0, size - 65_600))
        tail = stream.read()
    at = tail.rfind(_END_OF_DIRECTORY)
    if at < 0 or len(tail) - at < 22:
        raise Damaged("the archive cannot be read: it is cut off, its directory is missing")
    count, directory = struct.unpack_from("<HI", tail, at + 10)
    if _ZIP64_LOCATOR in tail[max(0, at - 20) : at] or count > COUNT_LIMIT or directory > 64 * 1024 * 1024:
        raise Damaged(f"the archive holds more than {COUNT_LIMIT:,} entries, or is a zip64 archive; split it")


class _Header(tarfile.TarInfo):
    """A header whose extensions (long names, pax records) are bounded before they are read into memory."""

    def _proc_member(self, archive: tarfile.TarFile) -> Any:
        extended = self.type not in tarfile.SUPPORTED_TYPES or self.type in (
            tarfile.GNUTYPE_LONGNAME,
            tarfile.GNUTYPE_LONGLINK,
            tarfile.XHDTYPE,
            tarfile.XGLTYPE,
            tarfile.SOLARIS_XHDTYPE,
        )
        if extended and self.size > _HEADER_LIMIT:
            raise Damaged("the archive has a header of more than 1 MB")
        return super()._proc_member(archive)  # type: ignore[misc]


class _Counted(io.RawIOBase):
    """A stream that tells the ledger what is read from it."""

    def __init__(self, stream: IO[bytes], ledger: _Ledger) -> None:
        self._stream = stream
        self._ledger = ledger

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._ledger.grow(len(data))
        return data


def _tar_members(path: Path) -> Iterator[Member]:
    ledger = _Ledger(path.stat().st_size)
    with ExitStack() as stack:
        raw = stack.enter_context(path.open("rb"))
        head = raw.read(512)
        raw.seek(0)
        counted = _Counted(_decompressed(raw, head), ledger)
        archive = stack.enter_context(tarfile.open(fileobj=cast("IO[bytes]", counted), mode="r|", tarinfo=_Header))
        for info in archive:
            ledger.enter()
            name = info.name.replace("\\", "/").removeprefix("./")
            if info.isdir() or (_hidden(name) and not _bad_name(name)):
                continue
            refused = ledger.refusal(name, info.size)
            if info.issym() or info.islnk():
                refused = "a link, not followed"
            elif not info.isreg() or info.issparse():
                refused = "not a regular file"
            yield Member(name, info.size, refused, lambda info=info: _extracted(archive, info))  # type: ignore[misc]


def _extracted(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    stream = archive.extractfile(info)
    if stream is None:
        raise Damaged("not a regular file")
    return stream


def _decompressed(stream: IO[bytes], head: bytes) -> IO[bytes]:
    if head.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=stream, mode="rb"))
    if head.startswith(b"BZh"):
        return cast("IO[bytes]", bz2.BZ2File(stream, "rb"))
    return stream
