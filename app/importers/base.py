"""What every importer takes and gives: an `Artifact` in, an `ImportBatch` or a `Rejected` out.

An importer module has FORMAT (its name on the command line), `detect(probe)` and `parse(artifact)`.
It never touches a database, a clock or the network, and never raises for bad input: it returns `Rejected`.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO, Protocol
from urllib.parse import urlsplit

from app.domain.checks import UNSAID, Subject
from app.domain.components import ComponentState
from app.domain.evidence import EvidenceType, FindingCounts, Result, TestCounts
from app.domain.gates import Enforcement, Gate

TOP_FINDINGS = 50
"""How many findings, worst first, an item's payload keeps; the counts are always of all."""

TOP_TESTS = 50
"""How many failed, errored and flaky tests an item's payload keeps, in file order; the counts are of all."""

TEXT_LIMIT = 500
"""Characters kept of a message, title or path taken from an artifact."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file as handed in. `name` is its path as the user sees it, with forward slashes; `open` gives a fresh
    binary stream each call; `size` is in bytes."""

    name: str
    size: int
    open: Callable[[], BinaryIO]
    parsed: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """The document once a reader has parsed it, so that detection and the importer share the work."""

    @classmethod
    def of_bytes(cls, name: str, data: bytes) -> Artifact:
        """An artifact that is already in memory."""
        return cls(name, len(data), lambda: io.BytesIO(data))

    def read(self) -> bytes:
        """All of it. For formats that are parsed whole; the size limit was checked before."""
        with self.open() as stream:
            return stream.read()


@dataclass(frozen=True, slots=True)
class Item:
    """An evidence item to record. Times are aware datetimes, or None where the artifact states none."""

    evidence_type: EvidenceType
    title: str
    result: Result
    producer: str = ""
    tests: TestCounts | None = None
    findings: FindingCounts | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    key: str = ""
    """Distinguishes several items of one artifact; it is appended to the artifact's source key."""
    url: str = ""
    """Where a person sees it: run, job or report, http or https; `link` makes it fit."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """A gate result that the artifact itself decides, such as an approval or a quality gate."""

    gate: Gate
    result: Result
    enforcement: Enforcement
    summary: str
    reason: str = ""
    actor: str = ""
    evaluated_at: datetime | None = None
    details: dict[str, Any] = field(default_factory=dict)
    key: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class InvariantResult:
    """What the tests of this artifact say of one invariant; at most one per invariant and artifact."""

    invariant_id: str
    result: Result
    title: str = ""
    evaluated_at: datetime | None = None
    details: dict[str, Any] = field(default_factory=dict)
    item: int = 0
    """Which of the batch's items proves it."""


@dataclass(frozen=True, slots=True)
class ComponentSnapshot:
    """How one component was doing; `observed_at` None means: when it was imported.

    `cause` names what tells of changes alone, such as an alert or an incident: its outage holds until the same cause
    tells otherwise, whatever others see in between. Empty for what is seen by asking, which holds for a window of time.
    """

    component: str
    status: ComponentState
    message: str = ""
    observed_at: datetime | None = None
    details: dict[str, Any] = field(default_factory=dict)
    cause: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class GuardReport:
    """The classified posture of one guard."""

    guard: str
    mode: Enforcement
    result: Result
    findings: FindingCounts
    generated_at: datetime | None = None
    summary: dict[str, Any] = field(default_factory=dict)
    item: int | None = None
    """Which of the batch's items stands for the same report, where one does."""
    url: str = ""


@dataclass(frozen=True, slots=True)
class ImportBatch:
    """All that one artifact says. Recorded whole or not at all."""

    format: str
    dialect: str = ""
    """Which of the format's spellings or tools it was, where there are several, such as nunit3 or checkov."""
    items: tuple[Item, ...] = ()
    gates: tuple[GateResult, ...] = ()
    invariants: tuple[InvariantResult, ...] = ()
    components: tuple[ComponentSnapshot, ...] = ()
    guards: tuple[GuardReport, ...] = ()
    subject: Subject = UNSAID
    """What the artifact says it reports on; the rules are in `app.domain.checks`."""
    commit: str = ""
    """The commit that the artifact says it is of; "" where it says none, or more than one."""
    version: str = ""
    """The version of the product that the artifact says it is of, where that is beyond doubt; else ""."""
    unnamed: str = ""
    """What a component is called here that the artifact gives no name, made of the file's name; it can be renamed."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why nothing of an artifact was taken. `line` and `column` count from 1."""

    reason: str
    line: int | None = None
    column: int | None = None
    format: str | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """What detection may look at. `kind` is json, jsonl, xml, yaml, csv or text.

    json: `document` is the parsed document. jsonl: `document` is the list of the first parsed lines.
    yaml: `document` is the list of parsed documents. xml: `root` is the root's local name, `namespace` its
    namespace or "", `attributes` its attributes, `children` the local names of its first children in order.
    csv and text: `lines` holds the first lines.
    """

    kind: str
    document: Any = None
    root: str = ""
    namespace: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    children: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


class Importer(Protocol):
    """The shape of an importer module."""

    FORMAT: str

    def detect(self, probe: Probe) -> bool:
        """Whether the content is this format's. Cheap, and never raises."""
        ...

    def parse(self, artifact: Artifact) -> ImportBatch | Rejected:
        """The evidence in the artifact, or why there is none. Never raises for bad input."""
        ...


class Reject(Exception):
    """Raised by the readers below an importer's `parse`; the registry turns it into `Rejected`."""

    def __init__(self, reason: str, *, line: int | None = None, column: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.column = column


URL_LIMIT = 2000
"""Characters of a link."""


def link(*candidates: object) -> str:
    """The first of the candidates that is an http or https address a browser could open; "" when none is."""
    for each in candidates:
        text = each.strip() if isinstance(each, str) else ""
        if len(text) > URL_LIMIT or not text.isprintable() or any(c in text for c in ' "<>\\^`{|}'):
            continue
        try:
            parts = urlsplit(text)
            known = parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and parts.username is None
        except ValueError:
            continue
        if known:
            return text
    return ""


def clip(text: object, limit: int = TEXT_LIMIT) -> str:
    """Text fit for a column: NUL and other control characters gone, surrounding space gone, cut to `limit`."""
    kept = str(text).strip()[:limit]
    if not kept.isprintable():
        kept = "".join(c if c.isprintable() or c in "\n\t" else " " for c in kept)
    return kept.strip()
