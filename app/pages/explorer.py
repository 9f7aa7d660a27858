"""The GraphQL explorer in a browser: the built page, or a page that says how to build it, and the static files.

Knows files and headers only; the page itself asks `POST /graphql`. Sources and build: `app/pages/frontend`.
"""

from __future__ import annotations

from functools import lru_cache
from os import PathLike, stat_result
from pathlib import Path

from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

PAGES = Path(__file__).parent
STATIC = PAGES / "static"
BUILT_PAGE = STATIC / "explorer" / "index.html"
MISSING_PAGE = PAGES / "templates" / "explorer_missing.html"

# The editor sets inline styles, carries its fonts and icons as data: and may start its workers from blob:.
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)

PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def explorer_page() -> Response:
    """The explorer, or, where no build of it exists, a page that says how to make one; 200 either way."""
    page = BUILT_PAGE if BUILT_PAGE.is_file() else MISSING_PAGE
    return HTMLResponse(_read(page, page.stat().st_mtime_ns), headers=PAGE_HEADERS)


def static_routes() -> Mount:
    """`/static`: hashed assets cached for good, everything else asked for again each time."""
    return Mount("/static", app=_Static(directory=STATIC), name="static")


@lru_cache(maxsize=2)
def _read(page: Path, _mtime_ns: int) -> str:
    """A page's text, read once per build: a build made while the gateway runs names other assets."""
    return page.read_text(encoding="utf-8")


class _Static(StaticFiles):
    def file_response(
        self, full_path: str | PathLike[str], stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        hashed = Path(full_path).parent.name == "assets"
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if hashed else "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response
