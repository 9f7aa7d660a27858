"""Import one artifact: detect, parse, one idempotent transaction."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field, replace
from uuid import UUID

from app.db.pool import Database
from app.domain.checks import APART, PART
from app.domain.errors import Conflict, Invalid
from app.domain.evidence import EvidenceType
from app.importers.base import Artifact, ImportBatch, Rejected
from app.ingest.batches import write_batch, write_components
from app.ingest.bundles import BundleRequest, Incomplete, Refused, ensure_bundle, environment_of
from app.ingest.parsing import Parsed, read_artifact
from app.ingest.rows import Origin
from app.ingest.standing import Status

NAME_LIMIT = 200
"""Characters of a source key, a run, a job, a component."""

ATTEMPTS = 5
"""How often a transaction that lost against another writer is run."""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What is the same for all artifacts of an import. `actor` is who brings them, and is never empty.

    `evidence_type` overrides what the importers see, `format` their detection, `source_key` the key made from an
    artifact's name. `run` and `job` are the CI's, "" where none is known. `replaces` is what a renamed check was called
    before; `component` names what a health document without a name tells of. These two and a source key are for one
    artifact. Without a bundle only the status of components of the `environment` can be taken.
    """

    bundle: BundleRequest | None
    actor: str
    evidence_type: EvidenceType | None = None
    format: str | None = None
    source_key: str | None = None
    run: str = ""
    job: str = ""
    replaces: str | None = None
    component: str | None = None
    environment: str | None = None

    def __post_init__(self) -> None:
        """Raises Invalid for what cannot be recorded."""
        if not self.actor.strip():
            raise Invalid("actor is empty", field="actor")
        key = self.source_key
        if key is not None and (not _fit(key) or PART in key or APART in key):
            raise Invalid(
                f"source-key must have 1 to {NAME_LIMIT} printable characters, and no {PART} or {APART}",
                field="source_key",
            )
        for name in ("run", "job", "replaces", "component", "environment"):
            text = getattr(self, name)
            if text and not _fit(text):
                raise Invalid(f"{name} must have at most {NAME_LIMIT} printable characters", field=name)
        if self.replaces is not None and not self.replaces.strip():
            raise Invalid("replaces is empty; give the key that the check had", field="replaces")
        if self.bundle is None and not self.environment:
            raise Invalid(
                "an import is for a bundle, or for an environment where it is of status alone", field="bundle"
            )


def _fit(text: str) -> bool:
    return bool(text.strip()) and len(text) <= NAME_LIMIT and text.isprintable()


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What became of one artifact. `rows` counts the rows written by table; `seconds` is reading and writing.

    A rejected one has `reason` and, where known, `line` and `column`, counted from 1.
    """

    name: str
    status: Status
    format: str | None = None
    source_key: str | None = None
    item_ids: tuple[UUID, ...] = ()
    rows: dict[str, int] = field(default_factory=dict)
    reason: str | None = None
    line: int | None = None
    column: int | None = None
    seconds: float = 0.0
    sentence: str = ""
    """What became of it and why, for a person."""

    @property
    def created(self) -> bool:
        """Whether rows were written for the artifact."""
        return bool(self.rows)


class Together:
    """The artifacts of one import: two files at once are two reports, not one and its successor."""

    def __init__(self) -> None:
        self._taken: dict[str, set[str]] = {}

    def taken(self, name: str) -> set[str]:
        """The suffixes of the checks of a name that a report was brought of."""
        return self._taken.setdefault(name, set())


async def import_artifact(
    database: Database, request: ImportRequest, artifact: Artifact, *, stem: str | None = None
) -> ImportOutcome:
    """Read an artifact in a thread and record it. What it holds never raises; see `record` for what does."""
    parsed = await asyncio.to_thread(read_artifact, artifact, request.format)
    return await record(database, request, parsed, stem=stem)


async def record(
    database: Database,
    request: ImportRequest,
    parsed: Parsed,
    *,
    stem: str | None = None,
    together: Together | None = None,
) -> ImportOutcome:
    """Record what was read: all of it or none of it, in one transaction, tried again when another writer was faster.

    Raises Incomplete, Refused or NotFound where the bundle does not allow it, Unavailable when the database cannot
    be reached; a value that cannot be stored rejects the artifact.
    """
    batch = parsed.outcome
    if isinstance(batch, Rejected):
        return _rejected(parsed, batch.reason, batch.format, batch.line, batch.column)
    start = time.perf_counter()
    origin = Origin(
        parsed.name,
        parsed.digest,
        request.actor,
        request.source_key,
        stem,
        request.evidence_type,
        request.run,
        request.job,
    )
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await _once(database, request, parsed, batch, origin, start, together or Together())
        except (Incomplete, Refused):
            raise
        except Conflict as error:
            if attempt == ATTEMPTS:
                return _rejected(parsed, error.message, batch.format)
            await asyncio.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - spreads writers, hides nothing
        except Invalid as error:
            return _rejected(parsed, error.message, batch.format)
    raise AssertionError("the last attempt returns")


async def _once(
    database: Database,
    request: ImportRequest,
    parsed: Parsed,
    batch: ImportBatch,
    origin: Origin,
    start: float,
    together: Together,
) -> ImportOutcome:
    if request.component is not None:
        batch = named(batch, request.component)
    made = False
    async with database.transaction() as transaction:
        if batch.items or batch.gates or batch.invariants or batch.guards:
            if request.bundle is None:
                raise Invalid(f"{batch.format} is evidence for a bundle, and none is named; only status goes without")
            bundle = await ensure_bundle(transaction, request.bundle, request.actor)
            made = bundle.created
            taken = together.taken(origin.names(batch)[0])
            written = await write_batch(transaction, bundle, batch, origin, taken=taken, renamed=request.replaces)
        else:
            # An empty bundle would speak for its environment, and had nothing to say.
            environment = request.environment
            if request.bundle is not None:
                environment = await environment_of(transaction, request.bundle)
            written = await write_components(transaction, environment or "", batch, origin)
    if request.bundle is not None and written.status is not Status.REJECTED:
        together.taken(origin.names(batch)[0]).add(written.suffix)
    return ImportOutcome(
        name=parsed.name,
        status=written.status,
        format=batch.format,
        source_key=written.source_key,
        item_ids=written.item_ids,
        rows=written.rows | ({"bundles": 1} if made else {}),
        seconds=parsed.seconds + time.perf_counter() - start,
        sentence=written.sentence,
    )


def named(batch: ImportBatch, component: str) -> ImportBatch:
    """The batch of a document that names no component, with the name that a person gave. Raises Invalid where the
    document names its own."""
    before = batch.unnamed
    if not before:
        raise Invalid("the document names its components itself; leave --component out", field="component")
    components = tuple(
        replace(each, component=component + each.component.removeprefix(before))
        if each.component == before or each.component.startswith(f"{before}/")
        else each
        for each in batch.components
    )
    return replace(batch, components=components)


def _rejected(
    parsed: Parsed, reason: str, format: str | None, line: int | None = None, column: int | None = None
) -> ImportOutcome:
    return ImportOutcome(
        parsed.name, Status.REJECTED, format, reason=reason, line=line, column=column, seconds=parsed.seconds
    )
