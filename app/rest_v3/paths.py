"""Paths as the client wrote them: %2F in a bundle's key is part of the key, a slash may divide the path."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, unquote, urlencode

from starlette.requests import Request
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

_KEPT = "%/:@!$&'()*+,;=-._~"
"""What a path may hold as it is (RFC 3986, section 3.3); the rest is written as %XX."""


class ContractRoute(Route):
    """A path of the contract, whatever the method: which ones it answers is said in one place, with a problem.

    Starlette matches the decoded path, in which a key that ends in /items looks like the list of a bundle's items.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the path as it was written fits; its parameters are decoded after that."""
        if scope["type"] != "http":
            return Match.NONE, {}
        found = self.path_regex.match(written_path(scope))
        if found is None:
            return Match.NONE, {}
        given = {name: unquote(text) for name, text in found.groupdict().items()}
        return Match.FULL, {"endpoint": self.endpoint, "path_params": given}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the endpoint."""
        await self.app(scope, receive, send)


def written_path(scope: Scope) -> str:
    """The path in ASCII, encoded as the client encoded it."""
    raw: bytes | None = scope.get("raw_path")
    return quote(scope["path"], safe="/") if raw is None else quote(raw, safe=_KEPT)


def query_pairs(request: Request) -> list[tuple[str, str]]:
    """The query parameters in the order given. Letters that came without %XX are read as UTF-8, as curl sends them."""
    return _pairs(request.scope)


def _pairs(scope: Scope) -> list[tuple[str, str]]:
    return parse_qsl(scope["query_string"].decode("utf-8", "replace"), keep_blank_values=True)


def next_link(scope: Scope, cursor: str) -> str:
    """The Link header (RFC 8288) of the page that begins at `cursor`: the same question, so far on."""
    kept = [(name, value) for name, value in _pairs(scope) if name != "cursor"]
    return f'<{written_path(scope)}?{urlencode([*kept, ("cursor", cursor)])}>; rel="next"'
