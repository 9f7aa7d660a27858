"""What one request carries: whose eyes read, how cursors are signed, which policy holds, and loaders for its reads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from datetime import datetime
from typing import Any

from aiodataloader import DataLoader
from strawberry.types import Info as StrawberryInfo

from app.domain.errors import Invalid
from app.domain.paging import CursorCodec
from app.domain.policy import Policy
from app.domain.requirements import Freshness
from app.readmodels.component_history import freshness_in
from app.readmodels.readiness import moment
from app.readmodels.rows import Reader

BATCH_LIMIT = 500
"""Keys that one statement takes; a page has no more rows than this."""


class SharedLoader(DataLoader[str, Any]):
    """A loader whose answers several fields wait for.

    When one field fails, graphql-core cancels the others that its failure makes pointless; what they waited for must
    go on for the fields that still want it, so each waits behind a shield of its own.
    """

    def load(self, key: str) -> asyncio.Future[Any]:
        """The answer for a key."""
        return asyncio.shield(super().load(key))


class Context:
    """One request. Loaders live as long as it does, so nothing is remembered from one request to the next."""

    def __init__(self, reader: Reader, cursors: CursorCodec, policy: Policy) -> None:
        self.reader = reader
        self.cursors = cursors
        self.policy = policy
        self._loaders: dict[Hashable, SharedLoader] = {}
        self._settled: set[datetime] = set()
        self._now: datetime | None = None
        self._freshness: dict[str, Freshness] = {}

    def loader(self, spec: Hashable, batch: Callable[[Sequence[str]], Awaitable[dict[str, Any]]]) -> SharedLoader:
        """The loader of one way of reading, made when first asked for. `batch` answers many keys in one statement;
        keys it leaves out load as None."""
        loader = self._loaders.get(spec)
        if loader is None:

            async def load(keys: list[str]) -> list[Any]:
                found = await batch(keys)
                return [found.get(key) for key in keys]

            loader = self._loaders[spec] = SharedLoader(load, max_batch_size=BATCH_LIMIT)
        return loader

    async def now(self) -> datetime:
        """The moment of this request by the database's clock, asked for once."""

        async def ask(_: Sequence[str]) -> dict[str, datetime]:
            return {"": await moment(self.reader.database)}

        if self._now is None:
            self._now = await self.loader(("now",), ask).load("")
        return self._now

    def freshness_in(self, environment: str) -> Freshness:
        """How long snapshots hold in an environment, by the policy; looked up once a request."""
        found = self._freshness.get(environment)
        if found is None:
            found = self._freshness[environment] = freshness_in(self.policy, environment)
        return found

    async def settled(self, as_of: datetime | None) -> datetime | None:
        """`as_of`, once no writer at work can still add to what was known then; Invalid when it is in the future."""
        if as_of is not None and as_of not in self._settled:
            await self.reader.database.settle(as_of)
            self._settled.add(as_of)
            if len(self._settled) > 10:
                raise Invalid("one operation may ask as of at most 10 different times", field="asOf")
        return as_of


Info = StrawberryInfo[Context, None]
