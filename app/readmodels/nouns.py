"""The six nouns as data: table, columns, orders, and how a row belongs to a bundle. SQL names are owned here."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.domain.evidence import FINDING_COUNT_FIELDS, TEST_COUNT_FIELDS


@dataclass(frozen=True, slots=True)
class Noun:
    """One table as the read models see it.

    `columns` maps a domain name to SQL over the alias. `orders` maps a sortable column to the SQL of its sort key,
    which is never null. `groups` lists the columns that rows may be counted by. `types` gives the SQL type that a
    filter's value is cast to, where it is not text.
    """

    name: str
    table: str
    columns: dict[str, str]
    orders: dict[str, str]
    groups: tuple[str, ...]
    types: dict[str, str] = field(default_factory=dict)
    in_bundle: bool = True

    @property
    def alias(self) -> str:
        """The name that the row goes by in SQL."""
        return self.name


_COMMON = ("actor", "reason", "supersedes_id", "retracted", "recorded_at")
_UUID_COLUMNS = ("id", "bundle_id", "supersedes_id", "evidence_item_id")
_TYPES = {
    **dict.fromkeys(_UUID_COLUMNS, "uuid"),
    **dict.fromkeys(
        (
            "created_at", "updated_at", "recorded_at", "started_at", "completed_at",
            "evaluated_at", "expires_at", "observed_at", "generated_at",
        ),
        "timestamptz",
    ),
    **dict.fromkeys(("retracted", "waived", "late", "confirms"), "boolean"),
    "revision": "integer",
}  # fmt: skip


def _noun(
    name: str,
    table: str,
    columns: tuple[str, ...],
    orders: tuple[str, ...],
    groups: tuple[str, ...],
    *,
    in_bundle: bool = True,
) -> Noun:
    def read(column: str) -> str:
        # Ids leave the database as the text that every face shows.
        return f"{name}.{column}::text" if column in _UUID_COLUMNS else f"{name}.{column}"

    def sort(column: str) -> str:
        nullable = column in ("completed_at", "evaluated_at", "generated_at")
        return f"COALESCE({name}.{column}, '-infinity'::timestamptz)" if nullable else f"{name}.{column}"

    every = {column: read(column) for column in ("id", *columns, *_COMMON)}
    if "item_ids" in every:
        every["item_ids"] = f"{name}.item_ids::text[]"
    return Noun(
        name=name,
        table=table,
        columns=every,
        orders={column: sort(column) for column in orders},
        groups=groups,
        types={column: _TYPES[column] for column in every if column in _TYPES},
        in_bundle=in_bundle,
    )


_STANDING = ("run", "job", "late", "mismatched", "confirms")
"""In which run evidence was brought, and whether it counts."""

_FINDINGS = tuple(f"findings_{severity}" for severity in FINDING_COUNT_FIELDS)
_TESTS = tuple(f"tests_{outcome}" for outcome in TEST_COUNT_FIELDS)

BUNDLE = _noun(
    "bundle",
    "platform_evidence_bundles",
    (
        "bundle_key", "revision", "kind", "environment", "profile", "product", "title", "version", "commit_sha",
        "summary", "created_at", "updated_at",
    ),
    ("updated_at", "created_at", "recorded_at", "bundle_key"),
    ("kind", "environment", "profile", "product"),
    in_bundle=False,
)  # fmt: skip

ITEM = _noun(
    "item",
    "platform_evidence_items",
    (
        "bundle_id", "evidence_type", "source_key", "source_digest", "format", "title", "result", "producer",
        "artifact_path", *_TESTS, *_FINDINGS, "payload", "started_at", "completed_at", *_STANDING, "subject", "url",
        "identity",
    ),
    ("recorded_at", "completed_at", "source_key", "evidence_type"),
    ("evidence_type", "result", "format"),
)  # fmt: skip

GATE = _noun(
    "gate",
    "platform_release_gate_results",
    (
        "bundle_id", "gate", "source_key", "source_digest", "result", "enforcement", "summary", "waived", "expires_at",
        "policy_digest", "item_ids", "details", "evaluated_at", *_STANDING, "subject", "url",
    ),
    ("recorded_at", "evaluated_at", "gate"),
    ("gate", "result", "enforcement"),
)  # fmt: skip

INVARIANT = _noun(
    "invariant",
    "platform_product_invariant_results",
    (
        "bundle_id", "invariant_id", "source_key", "source_digest", "area", "title", "result", "evidence_item_id",
        "details", "evaluated_at", *_STANDING,
    ),
    ("recorded_at", "evaluated_at", "invariant_id"),
    ("invariant_id", "area", "result"),
)  # fmt: skip

GUARD = _noun(
    "guard",
    "platform_guard_report_summaries",
    (
        "bundle_id", "evidence_item_id", "guard", "source_key", "source_digest", "mode", "result", *_FINDINGS,
        "artifact_path", "generated_at", "summary", *_STANDING, "subject", "url",
    ),
    ("generated_at", "recorded_at", "guard"),
    ("guard", "mode", "result"),
)  # fmt: skip

COMPONENT = _noun(
    "component",
    "platform_status_component_status",
    (
        "environment",
        "component",
        "status",
        "message",
        "observed_at",
        "source_key",
        "source_digest",
        "details",
        "cause",
        "url",
    ),
    ("component", "observed_at", "recorded_at", "environment"),
    ("environment", "status"),
    in_bundle=False,
)

NOUNS: tuple[Noun, ...] = (BUNDLE, ITEM, GATE, INVARIANT, COMPONENT, GUARD)

CHILDREN: dict[str, Noun] = {"items": ITEM, "gates": GATE, "invariants": INVARIANT, "guard_reports": GUARD}
"""What a bundle has, by the name of the relation."""
