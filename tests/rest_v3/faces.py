"""The two faces side by side, from their schemas: which REST schema and GraphQL type show the same row, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
)

from app.graphql_api.schema import schema
from app.rest_v3.contract import document, resolve

TYPES = {
    "V3PlatformEvidenceBundleSummary": "EvidenceBundle",
    "V3PlatformEvidenceItem": "EvidenceItem",
    "V3PlatformReleaseGateResult": "GateResult",
    "V3PlatformProductInvariantResult": "InvariantResult",
    "V3PlatformComponentStatus": "ComponentStatus",
    "V3PlatformGuardReportSummary": "GuardReport",
}
"""Which GraphQL type shows the rows of a REST schema."""

VERDICTS = {
    "V3PlatformReadinessVerdict": "Verdict",
    "V3PlatformReadinessReason": "Reason",
    "V3PlatformReadinessProof": "Proof",
    "V3PlatformReadinessBundle": "EvidenceBundle",
}
"""Which GraphQL type shows a verdict and its parts."""

HEALTH = {
    "V3PlatformEnvironmentStatus": "EnvironmentStatus",
    "V3PlatformComponentStateCount": "ComponentStateCount",
    "V3PlatformComponentHealth": "ComponentStatus",
    "V3PlatformComponentHistory": "ComponentHealth",
    "V3PlatformComponentUptime": "ComponentUptime",
    "V3PlatformComponentDay": "ComponentDay",
}
"""Which GraphQL type shows how components and environments do."""

PARTIAL = {"V3PlatformReadinessBundle", "V3PlatformComponentHealth"}
"""Schemas that show some fields of a row, and need not show all."""

PAIRS = TYPES | VERDICTS | HEALTH

RENAMED = {"supersedesId": ("supersedes", "id"), "bundleId": ("bundle", "id")}
"""REST fields that GraphQL shows as a field of a neighbour, where it has no field of that name."""

FLAT = {
    "V3PlatformComponentHealth": {
        "snapshotId": ("id",), "lastStatus": ("status",), "status": ("health", "status"), "fresh": ("health", "fresh"),
        "freshUntil": ("health", "freshUntil"),
    }
}  # fmt: skip
"""Schemas that show in one object what GraphQL shows in two, and so under other names."""

ABOVE = {"V3PlatformComponentHistory": {"snapshot"}}
"""REST fields that GraphQL shows as the object above."""

RELATIONS = {
    "supersedes", "supersededBy", "history", "bundle", "evidenceItem", "items", "gates", "invariants", "guardReports",
    "counts", "countsBySeverity", "row", "readiness", "health",
}  # fmt: skip
"""GraphQL fields that lead to other rows or sum them up; REST has paths for these."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A value that both faces show. `selection` is what GraphQL is asked for, `path` where it then lies."""

    name: str
    selection: str
    path: tuple[str, ...]
    enum: bool
    rest: dict[str, Any]
    graphql: Any
    listed: str | None = None
    """The REST schema of the members, where the value is a list of objects."""

    def of_node(self, node: dict[str, Any]) -> Any:
        """GraphQL's value in REST's words: the members of enums are lower case there."""
        found: Any = node
        for step in self.path:
            found = found[step] if found is not None else None
        if self.listed is not None:
            return [{value.name: value.of_node(each) for value in shared(self.listed)} for each in found]
        return found.lower() if self.enum and found is not None else found

    @property
    def nullable(self) -> tuple[bool, bool]:
        """Whether REST and GraphQL say that it may be null."""
        resolved = dict(resolve(self.rest)) | {k: v for k, v in self.rest.items() if k != "$ref"}
        kinds = resolved.get("type", [])
        null = "null" in kinds if isinstance(kinds, list) else kinds == "null"
        null = null or any(part.get("type") == "null" for part in resolved.get("anyOf", []))
        return null, not isinstance(self.graphql, GraphQLNonNull)

    @property
    def words(self) -> tuple[list[str] | None, list[str] | None]:
        """The vocabularies of REST and GraphQL, in REST's spelling."""
        parts = [resolve(self.rest), *(resolve(part) for part in self.rest.get("anyOf", []))]
        rest = next((list(part["enum"]) for part in parts if "enum" in part), None)
        named = _named(self.graphql)
        graphql = [word.lower() for word in named.values] if isinstance(named, GraphQLEnumType) else None
        return rest, graphql


def _named(kind: Any) -> Any:
    while isinstance(kind, GraphQLNonNull | GraphQLList):
        kind = kind.of_type
    return kind


def properties(rest: str) -> dict[str, Any]:
    """The properties of a REST schema."""
    found: dict[str, Any] = document()["components"]["schemas"][rest]["properties"]
    return found


def fields(graphql: str) -> dict[str, Any]:
    """The fields of a GraphQL type, with their types."""
    made = schema._schema.type_map[graphql]
    assert isinstance(made, GraphQLObjectType)
    return {name: field.type for name, field in made.fields.items()}


def _leaves(kind: GraphQLObjectType) -> list[str]:
    names = list(kind.fields)
    assert all(isinstance(_named(f.type), GraphQLScalarType | GraphQLEnumType) for f in kind.fields.values()), kind
    return names


def shared(rest: str) -> list[Shared]:
    """The values that both faces show. AssertionError names a field that only one has: add it to the other face, or
    say in this file why not."""
    made = []
    pair = PAIRS[rest]
    theirs = fields(pair)
    for name, spec in properties(rest).items():
        if name in ABOVE.get(rest, ()):
            continue
        path: tuple[str, ...] = (name,) if name in theirs else RENAMED.get(name, (name,))
        path = FLAT.get(rest, {}).get(name, path)
        assert path[0] in theirs, f"{rest}.{name} has no {pair}.{path[0]}: add the field, or name it in RENAMED"
        target = theirs[path[0]]
        if rest in FLAT and len(path) > 1:
            assert isinstance(target, GraphQLNonNull), f"{pair}.{path[0]} may be null"
            target = fields(_named(target).name)[path[1]]
        kind, selection, listed = _named(target), path[0], None
        if len(path) > 1:
            selection = f"{path[0]} {{ {path[1]} }}"
        elif spec.get("type") == "array" and isinstance(kind, GraphQLObjectType):
            listed = spec["items"]["$ref"].rpartition("/")[2]
            selection = f"{name} {{ {selected(listed)} }}"
        elif isinstance(kind, GraphQLObjectType):
            selection = f"{name} {{ {' '.join(_leaves(kind))} }}"
        made.append(Shared(name, selection, path, isinstance(kind, GraphQLEnumType), spec, target, listed))
    missing = theirs.keys() - {s.path[0] for s in made} - RELATIONS
    assert rest in PARTIAL or not missing, (
        f"{rest} lacks {sorted(missing)} of {pair}: add the property, or name it in RELATIONS"
    )
    return made


def selected(rest: str) -> str:
    """The selection of all values that the two faces share."""
    return " ".join(value.selection for value in shared(rest))


def verdict_query() -> str:
    """A query for a verdict, with every shared value."""
    asked = ("environment", "profile", "product", "bundle")
    variables = ", ".join(f"${name}: String" for name in asked)
    arguments = ", ".join(f"{name}: ${name}" for name in asked)
    return (
        f"query({variables}, $asOf: DateTime) {{ readiness({arguments}, asOf: $asOf)"
        f" {{ {selected('V3PlatformReadinessVerdict')} }} }}"
    )


def nodes_query() -> str:
    """A query for rows of any noun by id, with every shared value. Fields of one name and two types get an alias."""
    parts = []
    for rest, graphql in TYPES.items():
        selections = " ".join(f"{graphql}_{s.path[0]}: {s.selection}" for s in shared(rest))
        parts.append(f"... on {graphql} {{ {selections} }}")
    return (
        f"query($ids: [ID!]!, $asOf: DateTime) {{ nodes(ids: $ids, asOf: $asOf) {{ __typename {' '.join(parts)} }} }}"
    )
