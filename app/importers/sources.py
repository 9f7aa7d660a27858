"""Source keys: the stable name of a check within its bundle, made from what an artifact is and where it lay.

Sending the same check again must give the same key, so nothing here depends on the order of files or on time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256

KEY_LIMIT = 200
"""Characters of an artifact's source key."""

PART = "#"
PART_LIMIT = 100
"""Characters that tell a part of an artifact apart, the mark before it included."""

_EXTENSIONS = (
    ".csv", ".html", ".json", ".jsonl", ".jtl", ".ndjson", ".sarif", ".trx", ".txt", ".xml", ".yaml", ".yml",
)  # fmt: skip
_OTHER = re.compile(r"[^A-Za-z0-9._/-]+")


def source_key(
    evidence_type: str,
    format: str,
    artifact_name: str,
    item_key: str = "",
    *,
    stem: str | None = None,
    job: str = "",
) -> str:
    """`<evidence type>/<format>/<path without extension>`, such as `ci/junit/unit-tests` for unit-tests.xml.

    `artifact_name` is the path as the user gave it, or below the imported directory. `item_key` tells several items
    of one artifact apart, as `#part` at the end. `stem` is what `unique_names` gave for the artifact, where several
    came together.
    """
    path = stem if stem is not None else stem_of(artifact_name)
    path = f"{_clean(job)}/{path}" if job else path
    return part_key(_fit(f"{evidence_type}/{format}/", path, KEY_LIMIT), item_key)


def part_key(key: str, part: str) -> str:
    """The key of one part of the artifact that `key` names. No artifact's own key holds a `#`, so that report.xml and
    the files of a folder named report never meet."""
    return _fit(f"{key}{PART}", _clean(part), PART_LIMIT + len(key)) if part else key


def _fit(start: str, path: str, limit: int) -> str:
    if len(start) + len(path) > limit:
        path = f"{sha256(path.encode()).hexdigest()[:8]}-{path[-(limit - len(start) - 9) :]}"
    return start + path


def unique_names(names: Iterable[str]) -> dict[str, str]:
    """A stem for each artifact of one import, no two alike: the name without its extension; with it where two would
    be alike (a.xml and a.json); with a digest of the name where even those are alike (`a b.xml` and `a-b.xml`)."""
    known = sorted(set(names))
    level = dict.fromkeys(known, 0)
    while True:
        stems = {name: _spelled(name, level[name]) for name in known}
        by_stem: dict[str, list[str]] = {}
        for name, stem in stems.items():
            by_stem.setdefault(stem, []).append(name)
        alike = [name for group in by_stem.values() if len(group) > 1 for name in group if level[name] < 2]
        if not alike:
            return stems
        for name in alike:
            level[name] += 1


def stem_of(name: str) -> str:
    """The artifact's path in safe characters, without known extensions, drive, root and dots."""
    path = _clean(name)
    while path.lower().endswith(_EXTENSIONS):
        shorter = path[: path.rindex(".")]
        if not shorter or shorter.endswith("/"):
            break
        path = shorter
    return path


def _spelled(name: str, level: int) -> str:
    if level == 0:
        return stem_of(name)
    return (
        _clean(name) if level == 1 else f"{_clean(name)}-{sha256(name.encode(errors='surrogatepass')).hexdigest()[:8]}"
    )


def _clean(name: str) -> str:
    path = re.sub(r"^[A-Za-z]:(?=[\\/])", "", name).replace("\\", "/")
    parts = [part for part in _OTHER.sub("-", path).split("/") if part not in ("", ".", "..")]
    return "/".join(parts) or "unnamed"
