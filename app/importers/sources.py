"""Source keys: the stable name of a check within its bundle, made from what an artifact is and where it lay.

Sending the same check again must give the same key, so nothing here depends on the order of files or on time.
"""

from __future__ import annotations

import re
from hashlib import sha256

from app.domain.checks import PART

KEY_LIMIT = 200
"""Characters of an artifact's source key."""

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

    `artifact_name` is the path below the imported folder, or a file's own name. `item_key` tells several items of one
    artifact apart, as `#part` at the end. `stem` is what `stem_of` gave for it. `job`, the CI's, comes before the path.
    """
    path = stem if stem is not None else stem_of(artifact_name)
    path = f"{job_of(job)}/{path}" if job else path
    return part_key(_fit(f"{evidence_type}/{format}/", path, KEY_LIMIT), item_key)


def part_key(key: str, part: str) -> str:
    """The key of one part of the artifact that `key` names. No artifact's own key holds a `#`, so that report.xml and
    the files of a folder named report never meet."""
    return _fit(f"{key}{PART}", _clean(part), PART_LIMIT + len(key)) if part else key


def _fit(start: str, path: str, limit: int) -> str:
    if len(start) + len(path) > limit:
        path = f"{sha256(path.encode()).hexdigest()[:8]}-{path[-(limit - len(start) - 9) :]}"
    return start + path


def stem_of(name: str) -> str:
    """The artifact's path in safe characters, without known extensions, drive, root and dots. No two names but those
    that differ in extension become one: where characters had to go, a digest of the name stands for them."""
    path = _clean(name)
    while path.lower().endswith(_EXTENSIONS):
        shorter = path[: path.rindex(".")]
        if not shorter or shorter.endswith("/"):
            break
        path = shorter
    return path + _lost(name)


def job_of(name: str) -> str:
    """A CI's job in safe characters; two jobs never become one."""
    return _clean(name) + _lost(name)


def _lost(name: str) -> str:
    """A digest of the name where cleaning it takes characters away; "" where it keeps them all."""
    spelled = _spelled(name)
    if not _OTHER.search(spelled):
        return ""
    return f"-{sha256(spelled.encode(errors='surrogatepass')).hexdigest()[:8]}"


def _spelled(name: str) -> str:
    return re.sub(r"^[A-Za-z]:(?=[\\/])", "", name).replace("\\", "/")


def _clean(name: str) -> str:
    parts = [part for part in _OTHER.sub("-", _spelled(name)).split("/") if part not in ("", ".", "..")]
    return "/".join(parts) or "unnamed"
