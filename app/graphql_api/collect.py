"""What an operation asks of a type: its fields by response key, fragments opened, conditions decided. Pure.

The specification calls it CollectFields (October 2021, 6.3.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graphql import (
    BooleanValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

from app.graphql_api.schema import schema
from app.readmodels.plan import Unsayable


def object_type(name: str) -> GraphQLObjectType:
    """The object type of a name. Unsayable when it is not one."""
    found = schema._schema.type_map[name]
    if not isinstance(found, GraphQLObjectType):
        raise Unsayable(f"{name} is not one type")
    return found


def condition_variables(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> tuple[str, ...]:
    """The variables that @skip and @include of an operation look at; a plan is made for each of their values."""
    names: dict[str, None] = {}
    waiting: list[SelectionSetNode | None] = [operation.selection_set, *(f.selection_set for f in fragments.values())]
    while waiting:
        selections = waiting.pop()
        for node in selections.selections if selections is not None else ():
            for directive in node.directives or ():
                for argument in directive.arguments or ():
                    if isinstance(argument.value, VariableNode):
                        names[argument.value.name.value] = None
            if not isinstance(node, FragmentSpreadNode):
                waiting.append(getattr(node, "selection_set", None))
    return tuple(names)


class Fields:
    """The fields of one operation, for the given values of the variables that its directives look at."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]) -> None:
        self._fragments = fragments
        self._variables = variables

    def collect(
        self, type_: GraphQLObjectType, selections: Sequence[SelectionSetNode | None]
    ) -> dict[str, list[FieldNode]]:
        """The fields of selection sets on a type by response key, in the order of the specification."""
        found: dict[str, list[FieldNode]] = {}
        opened: set[str] = set()
        for selection in selections:
            for node in self._among(type_, selection, opened):
                found.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
        return found

    def _among(
        self, type_: GraphQLObjectType, selections: SelectionSetNode | None, opened: set[str]
    ) -> Iterator[FieldNode]:
        for node in selections.selections if selections is not None else ():
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is None or _applies(type_, node.type_condition.name.value):
                    yield from self._among(type_, node.selection_set, opened)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in opened:
                opened.add(node.name.value)
                fragment = self._fragments[node.name.value]
                if _applies(type_, fragment.type_condition.name.value):
                    yield from self._among(type_, fragment.selection_set, opened)

    def _included(self, node: Any) -> bool:
        for directive in node.directives or ():
            if directive.name.value not in ("skip", "include"):
                raise Unsayable(f"@{directive.name.value} has no plan")
            value = directive.arguments[0].value
            given = (
                self._variables.get(value.name.value)
                if isinstance(value, VariableNode)
                else value.value
                if isinstance(value, BooleanValueNode)
                else None
            )
            if not isinstance(given, bool):
                raise Unsayable("error: a condition without a value")
            if given == (directive.name.value == "skip"):
                return False
        return True


def _applies(type_: GraphQLObjectType, condition: str) -> bool:
    if condition == type_.name:
        return True
    abstract = schema._schema.type_map[condition]
    return isinstance(abstract, GraphQLInterfaceType) and schema._schema.is_sub_type(abstract, type_)
