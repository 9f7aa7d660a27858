"""Read one artifact: what it says, and the digest of its bytes. Runs in worker processes, so it stays light to load."""

from __future__ import annotations

import hashlib
import io
import os
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from app.importers import registry
from app.importers.base import Artifact, ImportBatch, Rejected


@dataclass(frozen=True, slots=True)
class Parsed:
    """An artifact that was read. `digest` is "" for one that was rejected; `seconds` is the time that reading took."""

    name: str
    outcome: ImportBatch | Rejected
    digest: str = ""
    seconds: float = 0.0


def file_artifact(path: Path, name: str) -> Artifact:
    """An artifact on disk, opened when it is read. Raises OSError when it cannot be looked at."""
    return Artifact(name, path.stat().st_size, partial(_open, os.fspath(path)))


def bytes_artifact(name: str, data: bytes) -> Artifact:
    """An artifact in memory that can be handed to another process."""
    return Artifact(name, len(data), partial(io.BytesIO, data))


def _open(path: str) -> BinaryIO:
    return cast("BinaryIO", Path(path).open("rb"))


def read_artifact(artifact: Artifact, format: str | None = None) -> Parsed:
    """Detect, parse and digest. Never raises for what the artifact holds, or for a file that cannot be read."""
    start = time.perf_counter()
    try:
        with artifact.open() as before:
            stamp = _stamp(before)
            outcome = registry.read(artifact, format)
            digest = ""
            if isinstance(outcome, ImportBatch):
                # What was parsed and what is digested must be the same bytes; a report may still be being written.
                with artifact.open() as stream:
                    digest = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
                    if _stamp(stream) != stamp:
                        outcome = Rejected("the file changed while it was read; import it again", format=outcome.format)
    except OSError as error:
        outcome, digest = Rejected(f"the file cannot be read: {error.strerror or error}"), ""
    except Exception as error:  # one bad file must not end the import of many
        outcome, digest = Rejected(f"the importer broke on this file ({type(error).__name__}); please report it"), ""
    finally:
        artifact.parsed.clear()
    if isinstance(outcome, ImportBatch) and not _says_something(outcome):
        outcome = Rejected("the file holds no evidence", format=outcome.format)
    return Parsed(artifact.name, outcome, digest, time.perf_counter() - start)


def _says_something(batch: ImportBatch) -> bool:
    return any((batch.items, batch.gates, batch.invariants, batch.components, batch.guards))


def _stamp(stream: BinaryIO) -> tuple[int, ...]:
    try:
        status = os.fstat(stream.fileno())
    except (OSError, io.UnsupportedOperation):  # not a file on disk
        return ()
    return status.st_size, status.st_mtime_ns, status.st_ino
