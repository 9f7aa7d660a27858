"""Files named one by one, folders and archives, as one list of entries with a stable stem each, then read in turn.

Folders are walked in name order, hidden files are passed over, links are not followed but told of.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from app.domain.errors import Invalid
from app.importers.base import Artifact, Rejected, clip
from app.importers.sources import stem_of
from app.ingest.archives import ESCAPES, Damaged, Member, is_packed, kind_of, members
from app.ingest.parsing import bytes_artifact, file_artifact

IN_MEMORY = 1024 * 1024
"""Bytes up to which an archive's entry is read into memory; larger ones are unpacked to a temporary file."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file to read. `name` is its path as the user sees it, `stem` what its source key is made of, `size` in
    bytes. `refused` says why it is not read at all, or is "". `archive` is the archive it lies in, if any."""

    name: str
    stem: str
    size: int
    path: Path
    refused: str = ""
    archive: Path | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """An entry with its artifact, or why there is none. `spooled` is a temporary file to remove after use."""

    entry: Entry
    artifact: Artifact | Rejected
    spooled: Path | None = None

    def discard(self) -> None:
        """Remove the temporary file, where there is one."""
        if self.spooled is not None:
            self.spooled.unlink(missing_ok=True)


def find(paths: Sequence[Path]) -> list[Entry]:
    """The entries below the given files, folders and archives; a file that is reached twice counts once.

    The source key of a file in a folder or an archive is made of its path below it, that of a file named by itself of
    its name: never of where the folder lies, or of what lies beside the file. Raises Invalid for a path that does not
    exist or cannot be looked at.
    """
    found: list[Entry] = []
    seen: set[Path] = set()
    for path in paths:
        _look_at(path)
        for entry, below in _below(path):
            if entry.archive is None:
                real = entry.path.absolute() if entry.path.is_symlink() else entry.path.resolve()
                if real in seen:
                    continue
                seen.add(real)
            found.append(replace(entry, stem=stem_of(below)))
    return found


def _look_at(path: Path) -> None:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise Invalid(f"{path}: no such file or folder", field="path") from None
    except (OSError, ValueError) as error:
        raise Invalid(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}", field="path") from None


def _below(path: Path) -> Iterator[tuple[Entry, str]]:
    """The entries of one given path, each with its path below it."""
    if path.is_dir():
        for child in _walk(path):
            below = child.relative_to(path).as_posix()
            yield from _file(child, below, f"{below.rsplit('.', 1)[0]}/")
    else:
        yield from _file(path, path.name, "")


def _file(path: Path, below: str, inside: str) -> Iterator[tuple[Entry, str]]:
    """One file, or the entries of an archive; `inside` goes before the path of an archive's entry."""
    name = path.as_posix()
    try:
        if path.is_symlink() and inside:
            yield Entry(name, "", 0, path, "a symbolic link, not followed"), below
            return
        if not path.is_file():
            refused = "the folder cannot be read" if path.is_dir() else "not a regular file"
            yield Entry(name, "", 0, path, refused), below
            return
        size, kind = path.stat().st_size, kind_of(path)
    except OSError as error:
        yield Entry(name, "", 0, path, f"cannot be read: {error.strerror or error}"), below
        return
    if not kind:
        yield Entry(name, "", size, path), below
        return
    try:
        with closing(members(path)) as listed:
            entries = [
                (Entry(f"{name}/{m.name}", "", m.size, path, m.refused, archive=path), f"{inside}{m.name}")
                for m in listed
            ]
    except Damaged as error:
        yield Entry(name, "", size, path, str(error)), below
        return
    escaping = next((entry for entry, _ in entries if entry.refused == ESCAPES), None)
    if escaping is not None:
        # Whoever made it meant harm, or nobody knows what: nothing of it is taken.
        inner = escaping.name.removeprefix(f"{name}/")
        refused = f"the archive holds {clip(inner, 100)!r}, a name that leads out of it; nothing of it is read"
        yield Entry(name, "", size, path, refused), below
        return
    yield from entries


def _walk(folder: Path) -> Iterator[Path]:
    """Files and links below a folder in name order, hidden ones left out; a folder that cannot be read comes itself."""
    try:
        children = sorted(os.scandir(folder), key=lambda child: child.name)
    except OSError:
        yield folder
        return
    for child in children:
        if child.name.startswith("."):
            continue
        if child.is_dir(follow_symlinks=False):
            yield from _walk(Path(child.path))
        else:
            yield Path(child.path)


def open_entries(entries: Iterable[Entry]) -> Iterator[Opened]:
    """The artifacts of the entries, in order; an archive is read once, from front to back."""
    for archive, group in groupby(entries, key=lambda entry: entry.archive):
        if archive is None:
            for entry in group:
                yield Opened(entry, _on_disk(entry))
        else:
            yield from _from_archive(archive, list(group))


def _on_disk(entry: Entry) -> Artifact | Rejected:
    if entry.refused:
        return Rejected(entry.refused)
    try:
        return file_artifact(entry.path, entry.name)
    except OSError as error:
        return Rejected(f"the file cannot be read: {error.strerror or error}")


def _from_archive(archive: Path, entries: list[Entry]) -> Iterator[Opened]:
    done = 0
    try:
        with closing(members(archive)) as listed:
            for entry, member in zip(entries, listed, strict=False):
                if entry.name != f"{archive.as_posix()}/{member.name}":
                    break
                done += 1
                yield _unpacked(entry, member)
        reason = "the archive changed while it was read; import it again"
    except Damaged as error:
        reason = str(error)
    for entry in entries[done:]:
        yield Opened(entry, Rejected(reason))


def _unpacked(entry: Entry, member: Member) -> Opened:
    if entry.refused or member.refused:
        return Opened(entry, Rejected(entry.refused or member.refused))
    spooled: Path | None = None
    try:
        with member.open() as stream:
            data = stream.read(IN_MEMORY)
            if is_packed(data[:512]):
                return Opened(entry, Rejected("an archive inside an archive is not opened"))
            if len(data) < IN_MEMORY:
                return Opened(entry, bytes_artifact(entry.name, data))
            with tempfile.NamedTemporaryFile(prefix="evidence-", delete=False) as target:
                spooled = Path(target.name)
                while data:
                    target.write(data)
                    data = stream.read(IN_MEMORY)
        return Opened(entry, file_artifact(spooled, entry.name), spooled)
    except BaseException as error:
        if spooled is not None:
            spooled.unlink(missing_ok=True)
        if isinstance(error, Damaged) or not isinstance(error, Exception):
            raise
        return Opened(entry, Rejected(f"the entry cannot be unpacked: {str(error) or type(error).__name__}"))
