"""Named SQL read from `.sql` files: `-- name: items_by_bundle_ids`, a comment on what it is for, the statement.

Text in braces, such as {columns}, is a slot that the read models fill with names they own, never with input.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

_HEADER = re.compile(r"^-- name: *(\S+) *$", re.MULTILINE)
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Query:
    """One named statement with its comment; `slots` are the names in braces."""

    name: str
    comment: str
    sql: str

    @property
    def slots(self) -> frozenset[str]:
        """The names in braces that `fill` wants."""
        return frozenset(_SLOT.findall(self.sql))

    def fill(self, **slots: str) -> str:
        """The statement with every slot filled; KeyError names a slot that was not given."""
        return _SLOT.sub(lambda match: slots[match.group(1)], self.sql)


def parse(text: str, where: str) -> dict[str, Query]:
    """The queries of one file. ValueError on a statement without a name, comment or end, or a name used twice."""
    parts = _HEADER.split(text)
    if parts[0].strip() and not all(line.startswith("--") or not line for line in parts[0].splitlines()):
        raise ValueError(f"{where}: SQL before the first -- name:")
    queries: dict[str, Query] = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        lines = body.strip().splitlines()
        comment = [line.removeprefix("--").strip() for line in lines if line.startswith("--")]
        sql = "\n".join(line for line in lines if not line.startswith("--")).strip().removesuffix(";")
        if name in queries or not sql or not comment:
            raise ValueError(f"{where}: query {name} is named twice, empty, or has no comment")
        queries[name] = Query(name, " ".join(comment), sql)
    return queries


@cache
def load(package: str, noun: str) -> dict[str, Query]:
    """The queries of `sql/<noun>.sql` in a package; read once."""
    path: Traversable = files(package) / "sql" / f"{noun}.sql"
    return parse(path.read_text(encoding="utf-8"), f"{noun}.sql")
