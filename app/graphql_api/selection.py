"""What an operation asks for below a field, so that only the columns somebody reads leave the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from graphql import FieldNode, FragmentSpreadNode, GraphQLResolveInfo, InlineFragmentNode, SelectionSetNode

from app.graphql_api.context import Info


def _fields(raw: GraphQLResolveInfo[Any], selections: Iterable[SelectionSetNode | None]) -> Iterator[FieldNode]:
    """The fields of selection sets with fragments opened. @skip and @include are ignored: a column too many is
    harmless, one too few is not."""
    waiting = [selection for selection in selections if selection is not None]
    opened: set[str] = set()
    while waiting:
        for node in waiting.pop().selections:
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                waiting.append(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in opened:
                opened.add(node.name.value)
                waiting.append(raw.fragments[node.name.value].selection_set)


def names_below(info: Info, *paths: Sequence[str]) -> frozenset[str]:
    """The names of the fields selected at the end of any of `paths` below the current field."""
    raw = info._raw_info  # Strawberry's own selected_fields copies the whole tree
    names: set[str] = set()
    for path in paths:
        nodes: list[FieldNode] = list(raw.field_nodes)
        for step in path:
            nodes = [n for n in _fields(raw, (node.selection_set for node in nodes)) if n.name.value == step]
        names.update(n.name.value for n in _fields(raw, (node.selection_set for node in nodes)))
    return frozenset(names)


def columns_for(needs: Mapping[str, frozenset[str]], names: Iterable[str]) -> frozenset[str]:
    """The columns that the named fields are made of."""
    return frozenset(column for name in names for column in needs.get(name, ()))
