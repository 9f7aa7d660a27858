"""The schema made from the types, and its text."""

from __future__ import annotations

import strawberry
from strawberry.schema.config import StrawberryConfig

from app.graphql_api.bundles import EvidenceBundle
from app.graphql_api.components import ComponentStatus
from app.graphql_api.gates import GateResult
from app.graphql_api.guards import GuardReport
from app.graphql_api.invariants import InvariantResult
from app.graphql_api.items import EvidenceItem
from app.graphql_api.query import Query
from app.graphql_api.records import resolve_column
from app.graphql_api.scalars import SCALARS

schema = strawberry.Schema(
    query=Query,
    types=[EvidenceBundle, EvidenceItem, GateResult, InvariantResult, ComponentStatus, GuardReport],
    config=StrawberryConfig(default_resolver=resolve_column, scalar_map=SCALARS),
)


def sdl() -> str:
    """The schema as text, as schema.graphql holds it."""
    return f"{schema.as_str().rstrip()}\n"
