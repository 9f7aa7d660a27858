"""A plan ready to be read, whichever face made it: its layouts, its stitcher, and the statements made of it so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.db.pool import Row
from app.domain.errors import Unavailable
from app.domain.paging import CursorCodec
from app.readmodels.plan import ById, Plan, Query
from app.readmodels.predicates import Scope
from app.readmodels.render import SNAPSHOT, Rendered, layouts, render
from app.readmodels.rows import Reader
from app.readmodels.stitch import Stitcher

RENDERINGS = 64
"""Statements kept of one plan; a plan asked in more ways than that renders anew."""

_SOME_ID = "-".join(("00000000", "0000", "0000", "0000", "000000000000"))
"""Stands for the id of a request, by identity: a request may well ask for an id that is equal to it."""


@dataclass(frozen=True, slots=True)
class Read:
    """The members of an answer, and the snapshot that its rows were read in."""

    members: list[bytes]
    snapshot: str


class Reading:
    """One plan over its life."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._layouts = layouts(plan)
        self._stitcher = Stitcher(plan, self._layouts)
        self._rendered: dict[tuple[object, ...], Rendered] = {}

    def rendered(self, queries: Sequence[Query], scope: Scope) -> Rendered:
        """The statement of a request. Invalid when a query asks for what cannot be. Rows asked for by id share one."""
        ids = [query.id for query in queries if isinstance(query, ById) and query.id is not None]
        if not ids:
            return render(self.plan, self._layouts, queries, scope)
        alike = tuple(replace(q, id=_SOME_ID) if isinstance(q, ById) and q.id is not None else q for q in queries)
        key = (*alike, scope)
        kept = self._rendered.get(key)
        if kept is None:
            kept = render(self.plan, self._layouts, alike, scope)
            if len(self._rendered) >= RENDERINGS:
                self._rendered.clear()
            self._rendered[key] = kept
        waiting = iter(ids)
        return replace(kept, values=tuple(next(waiting) if v is _SOME_ID else v for v in kept.values))

    async def read(self, rendered: Rendered, queries: Sequence[Query], reader: Reader, cursors: CursorCodec) -> Read:
        """Run the statement of a request. Unsayable when its rows are not for a plan."""
        row: Row | None = await reader.database.fetchrow(rendered.sql, *rendered.values)
        if row is None:
            raise Unavailable("the statement of a plan gave no row")
        return Read(self._stitcher.members(row, queries, cursors), row[SNAPSHOT])
