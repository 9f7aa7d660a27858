"""Clients that leave: what their request was doing is cancelled, its SQL with it."""

from __future__ import annotations

import asyncio
from collections import deque

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATIENCE = 0.05
"""Seconds that a request runs before anybody looks whether its client is still there; most are done by then."""


class Leaving:
    """An ASGI app around another: a request whose client left ends with CancelledError wherever it waits."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        watch = _Watch(receive)
        later = asyncio.get_running_loop().call_later(PATIENCE, watch.begin, asyncio.current_task())
        try:
            await self._app(scope, watch.receive, send)
        except asyncio.CancelledError:
            if not watch.left:
                raise
            # The cancellation was ours: nobody is there to be told, and the server goes on.
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
        finally:
            later.cancel()
            watch.end()


class _Watch:
    """The messages of a request, read ahead once it takes long."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._ahead: deque[Message] = deque()
        self._arrived: asyncio.Event | None = None
        self._watching: asyncio.Task[None] | None = None
        self._reading = False
        self._request: asyncio.Task[object] | None = None
        self.left = False

    async def receive(self) -> Message:
        """The next message."""
        if self._watching is None:
            self._reading = True
            try:
                return await self._receive()
            finally:
                self._reading = False
        while not self._ahead:
            self._arrived = asyncio.Event()
            await self._arrived.wait()
        return self._ahead.popleft()

    def begin(self, request: asyncio.Task[object] | None) -> None:
        """Look for the client's leaving from now on. A request that waits for its body will see it by itself."""
        self._request = request
        if not self._reading:
            self._watching = asyncio.create_task(self._watch())

    def end(self) -> None:
        """Stop looking."""
        if self._watching is not None:
            self._watching.cancel()

    async def _watch(self) -> None:
        while True:
            message = await self._receive()
            self._ahead.append(message)
            if self._arrived is not None:
                self._arrived.set()
            if message["type"] == "http.disconnect":
                self.left = True
                if self._request is not None:
                    self._request.cancel()
                return
