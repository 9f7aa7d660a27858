"""The five works in each dialect: this gateway's, the hand-written peers', PostGraphile's. Same rows, same leaves.

Q1 newest 20 bundles of an environment and product, 10 scalars; Q2 the same with items (9), gates (6), invariants (5);
Q4 100 bundles of Q2; Q3 one bundle by id with everything and payloads; R3 is Q3 through REST. The peers' `status` of a
bundle has no counterpart here: Q1, Q2 and Q4 ask for `commitSha` in its place.
"""

from __future__ import annotations

import json
from typing import Any

from bench.seed import ENVIRONMENTS, PRODUCTS, uid

GRAPHQL = ("Q1", "Q2", "Q3", "Q4")
PAIRS = [(environment, product) for environment in ENVIRONMENTS for product in PRODUCTS]
IDS = [str(uid(f"bundle-{i * 20}")) for i in range(1000)]
SIZE = {"Q1": 20, "Q2": 20, "Q4": 100}

_HEAD = "id bundleKey kind environment profile product title version"
_OURS = {
    "bundle": f"{_HEAD} commitSha updatedAt",
    "whole": f"{_HEAD} commitSha revision summary createdAt updatedAt",
    "items": "id bundleId evidenceType title result producer artifactPath sourceDigest startedAt",
    "gates": "id gate result enforcement summary evaluatedAt",
    "invariants": "id invariantId title result evaluatedAt",
}
_OURS_MORE = {
    "items": " payload completedAt",
    "gates": " bundleId details",
    "invariants": " bundleId evidenceItemId details",
}
_THEIRS = {
    "bundle": f"{_HEAD} status updatedAt",
    "whole": f"{_HEAD} commitSha status summary createdAt updatedAt",
    "items": "id bundleId evidenceType title result producer artifactPath artifactSha256 startedAt",
    "gates": "id gate result required summary evaluatedAt",
    "invariants": "id invariantId title result evaluatedAt",
}


def _children(fields: dict[str, str], more: dict[str, str], form: str) -> str:
    return " ".join(
        form.format(name=name, fields=fields[name] + more.get(name, "")) for name in ("items", "gates", "invariants")
    )


def ours(work: str) -> str:
    """The operation in this gateway's dialect."""
    form = "{name} {{ nodes {{ {fields} }} }}"
    if work == "Q3":
        return f"query Q3($id: ID!) {{ bundle(id: $id) {{ {_OURS['whole']} {_children(_OURS, _OURS_MORE, form)} }} }}"
    below = "" if work == "Q1" else " " + _children(_OURS, {}, form)
    return (
        f"query {work}($environment: String!, $product: String!, $first: Int!) {{ bundles(first: $first, filter: "
        f"{{environment: {{eq: $environment}}, product: {{eq: $product}}}}) {{ nodes {{ {_OURS['bundle']}{below} }} }} }}"
    )


def hand(work: str, id_type: str = "ID") -> str:
    """The operation in the dialect of the hand-written peers."""
    form = "{name} {{ {fields} }}"
    if work == "Q3":
        body = f"{_THEIRS['whole']} {_children(_THEIRS, _OURS_MORE, form)}"
        return f"query Q3($id: {id_type}!) {{ bundle(id: $id) {{ {body} }} }}"
    below = "" if work == "Q1" else " " + _children(_THEIRS, {}, form)
    return (
        f"query {work}($environment: String!, $product: String!, $first: Int!) {{ bundles(environment: $environment, "
        f"product: $product, first: $first) {{ {_THEIRS['bundle']}{below} }} }}"
    )


def postgraphile(work: str) -> str:
    """The operation in PostGraphile's dialect: `rowId` is the id, children are connections."""
    form = "{name} {{ nodes {{ {fields} }} }}"
    text = _children(_THEIRS, _OURS_MORE if work == "Q3" else {}, form)
    for name, field in (
        ("items", "platformEvidenceItemsByBundleId"),
        ("gates", "platformReleaseGateResultsByBundleId"),
        ("invariants", "platformProductInvariantResultsByBundleId"),
    ):
        text = text.replace(f"{name} {{ nodes", f"{name}: {field} {{ nodes")
    whole = f"{_THEIRS['whole' if work == 'Q3' else 'bundle']} {'' if work == 'Q1' else text}"
    whole = whole.replace("{ id ", "{ id: rowId ").removeprefix("id ")
    if work == "Q3":
        return f"query Q3($id: UUID!) {{ bundle: platformEvidenceBundleByRowId(rowId: $id) {{ id: rowId {whole} }} }}"
    return (
        f"query {work}($environment: String!, $product: String!, $first: Int!) {{ bundles: allPlatformEvidenceBundles("
        "condition: {environment: $environment, product: $product}, orderBy: [UPDATED_AT_DESC, PRIMARY_KEY_ASC], "
        f"first: $first) {{ nodes {{ id: rowId {whole} }} }} }}"
    )


DIALECTS = {
    "ours": ours,
    "hand": hand,
    "strawberry": lambda work: hand(work, "UUID"),
    "postgraphile": postgraphile,
}


def requests(dialect: str, work: str, first: int | None = None) -> list[str]:
    """The requests of a work, which the load rotates over: bodies, or paths for R3."""
    if work == "R3":
        path = "/api/v3/platform/evidence/bundles/" if dialect == "ours" else "/bundles/"
        return [path + row_id for row_id in IDS]
    text = DIALECTS[dialect](work)
    variables: list[dict[str, Any]]
    if work == "Q3":
        variables = [{"id": row_id} for row_id in IDS]
    else:
        variables = [{"environment": e, "product": p, "first": first or SIZE[work]} for e, p in PAIRS]
    return [json.dumps({"query": text, "variables": v, "operationName": work}) for v in variables]


# What a peer's answer must equal, after the vocabularies of the seed.


def normal(answer: Any) -> Any:
    """An answer with the differences between the two schemas taken out: what both have, in one spelling."""
    if isinstance(answer, dict):
        if set(answer) == {"nodes"}:
            return normal(answer["nodes"])
        return {key: _value(key, value) for key, value in answer.items() if key not in _APART}
    if isinstance(answer, list):
        return [normal(value) for value in answer]
    return answer


_APART = {"status", "commitSha", "revision", "artifactSha256", "sourceDigest", "evidenceType", "gate", "kind"}
"""Named otherwise in one of the schemas; their values come from the same draws."""

_APART |= {"required", "enforcement"}
_RESULTS = {"pass": "passed", "warn": "warned", "fail": "failed"}


def _value(key: str, value: Any) -> Any:
    if key == "result":
        return _RESULTS.get(value, value).lower()
    if key.endswith("At") and isinstance(value, str):
        head = value.replace("Z", "+00:00").replace(" ", "T")
        stem, _, zone = head.partition("+")
        return (stem.rstrip("0").rstrip(".") if "." in stem else stem) + "+" + (zone or "00:00")
    return normal(value)
