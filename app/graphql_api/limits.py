"""What an operation may cost: tokens, depth, fields, and the rows that its pages could hold. Checked before it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

from app.domain.paging import DEFAULT_PAGE

MAX_TOKENS = 5_000
"""Words of a document; the explorer's introspection has about 500."""

MAX_DEPTH = 16
"""Levels of fields, fragments opened."""

MAX_FIELDS = 2_000
"""Fields of an operation, fragments opened, aliases counted apart."""

MAX_ROWS = 250_000
"""Rows that the pages of an operation could hold, were all of them full."""

MAX_ROOTS = 25
"""Root fields of an operation; each may cost a statement or more."""

_LISTS = {
    "bundles": 1, "items": 1, "gates": 1, "invariants": 1, "guardReports": 1, "componentStatuses": 1,
}  # fmt: skip
_TAKEN = {"history": 20, "environmentStatuses": 100}
"""What lists without pages are taken to hold: rows of a chain, components of all environments."""

_DECIDED = {"readiness": 100, "bundleDiff": 200, "uptimes": 1000, "daily": 90}
"""Rows that a verdict, a diff or a history is taken to be made of."""


def _too_large(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": "OPERATION_TOO_LARGE"})


class _Measure:
    def __init__(self, fragments: dict[str, FragmentDefinitionNode], variables: Mapping[str, Any]) -> None:
        self.fragments = fragments
        self.variables = variables
        self.fields = 0

    def rows(self, selections: SelectionSetNode | None, depth: int, within: frozenset[str]) -> int:
        """Rows below a selection set, for each row that it is selected on."""
        if selections is None:
            return 0
        if depth > MAX_DEPTH:
            raise _too_large(f"the operation is nested deeper than {MAX_DEPTH} levels; ask in two operations")
        total = 0
        for node in selections.selections:
            if isinstance(node, FieldNode):
                total += self._field(node, depth, within)
            elif isinstance(node, InlineFragmentNode):
                total += self.rows(node.selection_set, depth, within)
            elif isinstance(node, FragmentSpreadNode):
                name = node.name.value
                fragment = self.fragments.get(name)
                if fragment is None or name in within:
                    continue  # validation says so better
                total += self.rows(fragment.selection_set, depth, within | {name})
            if total > MAX_ROWS:
                raise _too_large(
                    f"the pages of this operation could hold more than {MAX_ROWS:,} rows; ask for smaller pages"
                )
        return total

    def _field(self, node: FieldNode, depth: int, within: frozenset[str]) -> int:
        self.fields += 1
        if self.fields > MAX_FIELDS:
            raise _too_large(f"the operation has more than {MAX_FIELDS:,} fields; ask in several operations")
        name = node.name.value
        if name.startswith("__"):
            return 0  # introspection costs no rows, and its depth is bounded by its tokens
        below = self.rows(node.selection_set, depth + 1, within)
        if name in _TAKEN:
            return _TAKEN[name] * (1 + below)
        if name in _DECIDED:
            return _DECIDED[name] + below
        ids = self._ids(node) if name == "nodes" else None
        if ids is not None:
            return ids * (1 + below)
        size = self._page(node) if name in _LISTS and node.selection_set is not None else 0
        if size and any(isinstance(n, FieldNode) and n.name.value in _PAGE for n in _open(node, self.fragments)):
            return size * (1 + below)
        return below

    def _ids(self, node: FieldNode) -> int | None:
        """How many rows are named; None for a field that names none, such as the `nodes` of a page."""
        for argument in node.arguments or ():
            if argument.name.value == "ids":
                value = argument.value
                if isinstance(value, ListValueNode):
                    return len(value.values)
                given = self.variables.get(value.name.value) if isinstance(value, VariableNode) else None
                return len(given) if isinstance(given, list) else 1
        return None

    def _page(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value in ("first", "last"):
                value = argument.value
                if isinstance(value, IntValueNode):
                    return max(0, int(value.value))
                if isinstance(value, VariableNode):
                    given = self.variables.get(value.name.value)
                    if isinstance(given, int) and not isinstance(given, bool):
                        return max(0, given)
        return DEFAULT_PAGE


_PAGE = frozenset({"nodes", "edges"})


def _open(node: FieldNode, fragments: dict[str, FragmentDefinitionNode]) -> list[FieldNode]:
    found: list[FieldNode] = []
    waiting = [node.selection_set]
    seen: set[str] = set()
    while waiting:
        selections = waiting.pop()
        for child in selections.selections if selections is not None else ():
            if isinstance(child, FieldNode):
                found.append(child)
            elif isinstance(child, InlineFragmentNode):
                waiting.append(child.selection_set)
            elif isinstance(child, FragmentSpreadNode) and child.name.value not in seen:
                seen.add(child.name.value)
                if child.name.value in fragments:
                    waiting.append(fragments[child.name.value].selection_set)
    return found


def check_cost(document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> int:
    """The rows that an operation's pages could hold. GraphQLError, code OPERATION_TOO_LARGE, past a limit."""
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    roots = len(operation.selection_set.selections)
    if roots > MAX_ROOTS:
        raise _too_large(f"the operation has {roots} root fields; at most {MAX_ROOTS} are taken")
    return _Measure(fragments, variables).rows(operation.selection_set, 1, frozenset())
