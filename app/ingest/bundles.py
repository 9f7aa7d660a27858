"""The bundle that evidence is for: found by its key, made when it is new, never contradicted."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from uuid_utils.compat import uuid7

from app.db.pool import Database, Row, Transaction
from app.db.queries import load
from app.domain.errors import Conflict, Invalid, NotFound
from app.domain.evidence import BundleKind
from app.importers.base import clip

SQL = load("app.ingest", "bundles")

DEFAULT_PROFILE = "standard"
"""The deployment profile of a new bundle for which none is named."""

KEY_LIMIT = 300
"""Characters of a bundle key."""

NAME_LIMIT = 150
"""Characters of an environment, profile, product, version or commit; they stand in indexes."""


class Refused(Conflict):
    """The bundle as recorded does not allow what was asked; trying again changes nothing."""


class Incomplete(Invalid):
    """The bundle does not exist, and what was given does not say enough to make it."""


@dataclass(frozen=True, slots=True)
class BundleRequest:
    """Which bundle, by key or id, and what the caller says of it. None: the caller says nothing.

    `kind`, `environment` and `product` are needed for a bundle that does not exist yet.
    """

    key: str
    kind: BundleKind | None = None
    environment: str | None = None
    profile: str | None = None
    product: str | None = None
    title: str | None = None
    version: str | None = None
    commit: str | None = None

    def __post_init__(self) -> None:
        """Raises Invalid for text that cannot be recorded as it is."""
        for name, limit in _LIMITS.items():
            text = getattr(self, name)
            if text is None:
                continue
            if not text.strip() or text != text.strip():
                raise Invalid(f"{name} is empty or has space around it", field=name)
            if len(text) > limit:
                raise Invalid(f"{name} is longer than {limit} characters", field=name)
            if clip(text, limit) != text:
                raise Invalid(f"{name} holds characters that cannot be printed", field=name)


_LIMITS = {
    "key": KEY_LIMIT,
    "environment": NAME_LIMIT,
    "profile": NAME_LIMIT,
    "product": NAME_LIMIT,
    "title": 500,
    "version": NAME_LIMIT,
    "commit": NAME_LIMIT,
}

_COMPARED = (
    ("kind", "kind"),
    ("environment", "environment"),
    ("profile", "profile"),
    ("product", "product"),
    ("version", "version"),
    ("commit", "commit_sha"),
)
"""What a caller may say of an existing bundle, and the column that must agree."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """The bundle row that evidence is written for. `created` says that this transaction made it."""

    id: UUID
    key: str
    environment: str
    created: bool = False
    commit: str = ""
    version: str = ""


async def check_bundle(database: Database, request: BundleRequest) -> None:
    """Raise what `ensure_bundle` would raise now, and write nothing; so that a command can refuse before it begins."""
    async with database.transaction() as transaction:
        key = await _key(transaction, request)
        row = await transaction.fetchrow(SQL["bundle_by_key"].sql, key)
        if row is None:
            _require(request, key)
        else:
            _agree(request, row)


async def environment_of(transaction: Transaction, request: BundleRequest) -> str:
    """The environment of a bundle that is not made for what belongs to none, such as the status of components. Raises
    what `ensure_bundle` would raise."""
    key = await _key(transaction, request)
    row = await transaction.fetchrow(SQL["bundle_by_key"].sql, key)
    if row is None:
        return _require(request, key)[1]
    _agree(request, row)
    return str(row["environment"])


async def ensure_bundle(transaction: Transaction, request: BundleRequest, actor: str) -> Bundle:
    """The bundle of the key, made when it is new; call it first in a transaction, for it serialises the key's writers.

    Raises Incomplete naming what a new bundle lacks, Refused naming the contradiction with an existing one or its
    retraction, NotFound for an id that names no bundle.
    """
    key = await _key(transaction, request)
    await transaction.execute(SQL["lock_bundle_key"].sql, key)
    row = await transaction.fetchrow(SQL["bundle_by_key"].sql, key)
    if row is not None:
        _agree(request, row)
        return Bundle(row["id"], key, row["environment"], commit=row["commit_sha"], version=row["version"])
    kind, environment, product = _require(request, key)
    made = uuid7()
    await transaction.execute(
        SQL["insert_bundle"].sql,
        made,
        key,
        kind.value,
        environment,
        request.profile or DEFAULT_PROFILE,
        product,
        request.title or "",
        request.version or "",
        request.commit or "",
        actor,
    )
    return Bundle(made, key, environment, True, request.commit or "", request.version or "")


async def _key(transaction: Transaction, request: BundleRequest) -> str:
    try:
        named = UUID(request.key) if len(request.key) == 36 else None
    except ValueError:
        named = None
    if named is None:
        return request.key
    key = await transaction.fetchval(SQL["bundle_key_by_id"].sql, named)
    if key is None:
        raise NotFound(f"no bundle has the id {named}; name it by its key to make it", field="bundle")
    return str(key)


def _require(request: BundleRequest, key: str) -> tuple[BundleKind, str, str]:
    kind, environment, product = request.kind, request.environment, request.product
    if kind is None or environment is None or product is None:
        missing = [name for name in ("kind", "environment", "product") if getattr(request, name) is None]
        *most, last = (f"--{name}" for name in missing)
        wanted = f"{', '.join(most)} and {last}" if most else last
        raise Incomplete(
            f"the bundle {key} does not exist yet; to make it, give {wanted}",
            field=missing[0],
        )
    return kind, environment, product


def _agree(request: BundleRequest, row: Row) -> None:
    key = row["bundle_key"]
    if row["retracted"]:
        raise Refused(
            f"the bundle {key} was retracted by {row['actor']} ({row['reason']}); "
            "import under another key, or record a new revision of the bundle first",
            field="bundle",
        )
    try:
        named = UUID(request.key)
    except ValueError:
        named = row["id"]
    if named != row["id"]:
        raise Refused(
            f"the bundle with the id {named} was replaced by revision {row['revision']} of {key}; name it by its key",
            field="bundle",
        )
    for name, column in _COMPARED:
        given, recorded = getattr(request, name), row[column]
        if given is not None and given != recorded:
            was = f"has the {name} {recorded}" if recorded else f"has no {name}"
            raise Refused(f"the bundle {key} {was}, not {given}; leave --{name} out, or use another key", field=name)
