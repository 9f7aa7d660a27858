"""An operation to a plan: pure, done once per operation. What a plan cannot say raises Unsayable with the reason.

The schema itself says how a field is spelled (its GraphQL type) and which column it is (`needs` of its record); the
tables below say which fields are other rows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    OperationDefinitionNode,
    get_named_type,
)

from app.domain.evidence import FINDING_COUNT_FIELDS, TEST_COUNT_FIELDS
from app.graphql_api.collect import Fields, object_type
from app.graphql_api.nodes import MARK, Lookup
from app.graphql_api.query import RECORDS
from app.graphql_api.records import Evidence
from app.graphql_api.schema import schema
from app.readmodels.nouns import BUNDLE, CHILDREN, COMPONENT, GUARD, ITEM, NOUNS, Noun
from app.readmodels.plan import (
    Branch,
    Constant,
    Group,
    Kind,
    Leaf,
    Link,
    Member,
    PageFact,
    Part,
    Plan,
    Rows,
    Show,
    Unsayable,
    What,
)

MAX_PLACES = 60
"""Sub-selects of one statement; the planner's time grows with them."""

ROOT_LISTS: dict[str, Noun] = {"bundles": BUNDLE, "componentStatuses": COMPONENT, "guardReports": GUARD}
_CHILDREN = {"items": "items", "gates": "gates", "invariants": "invariants", "guardReports": "guard_reports"}
_REFERENCES: dict[str, tuple[Noun | None, str]] = {
    "bundle": (BUNDLE, "bundle_id"),
    "evidenceItem": (ITEM, "evidence_item_id"),
    "supersedes": (None, "supersedes_id"),
}
"""Fields that are one other row, by the column that names it; None for a row of the same noun."""

_COUNTS = {"tests": TEST_COUNT_FIELDS, "findings": FINDING_COUNT_FIELDS}
_SCALARS = {
    "String": Kind.TEXT, "ID": Kind.ID, "Int": Kind.NUMBER, "Boolean": Kind.BOOLEAN, "DateTime": Kind.TIME,
    "JSON": Kind.JSON,
}  # fmt: skip
_PAGE_FACTS = {
    "hasNextPage": PageFact.HAS_NEXT, "hasPreviousPage": PageFact.HAS_PREVIOUS, "startCursor": PageFact.START,
    "endCursor": PageFact.END,
}  # fmt: skip
_GROUP_COLUMNS = {"type": "evidence_type", "invariant": "invariant_id"}


class By(Enum):
    """How a slot's field names its rows."""

    LIST = auto()
    """By filter, order and page."""
    BUNDLE = auto()
    """One, by a bundle's id or key."""
    IDS = auto()
    """By ids of any noun."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A query that a request must bring: the field whose arguments say it. `root` is the slot that has its asOf;
    a slot without a node asks for a bundle's current rows."""

    noun: Noun
    node: FieldNode | None
    field: GraphQLField | None
    root: int
    by: By = By.LIST


@dataclass(frozen=True, slots=True)
class Compiled:
    """A plan, what its slots are filled from, and its roots that several roots of the plan make up; `keys` are those
    of the answer."""

    plan: Plan
    slots: tuple[Slot, ...]
    lookups: tuple[Lookup, ...]
    keys: tuple[str, ...]


def compile_operation(
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: Mapping[str, Any],
) -> Compiled:
    """The plan of a valid operation, for the given values of the variables that its directives look at."""
    return _Compilation(fragments, variables).operation(operation)


class _Compilation:
    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]) -> None:
        self.collect = Fields(fragments, variables).collect
        self.slots: list[Slot] = []
        self.places = 0

    def operation(self, operation: OperationDefinitionNode) -> Compiled:
        query = schema._schema.query_type
        if query is None:
            raise LookupError("the schema has a query type")
        roots: list[Branch | Constant] = []
        lookups: list[Lookup] = []
        asked = self.collect(query, [operation.selection_set])
        for key, nodes in asked.items():
            name = nodes[0].name.value
            if name == "__typename":
                roots.append(_typename(key, query))
            elif name in ROOT_LISTS:
                noun = ROOT_LISTS[name]
                slot = self.slot(noun, nodes[0], query.fields[name], None)
                roots.append(self.connection(key, nodes, query.fields[name], noun, Link.ROOT, slot))
            elif name == "bundle":
                slot = self.slot(BUNDLE, nodes[0], query.fields[name], None, By.BUNDLE)
                rows = self.rows(BUNDLE, Link.ROOT_ID, nodes, slot, slot=slot)
                roots.append(Branch(key, rows, Show.ONE))
            elif name in ("node", "nodes"):
                slot = self.slot(BUNDLE, nodes[0], query.fields[name], None, By.IDS)
                lookups.append(Lookup(len(roots), slot, name == "node"))
                roots += [self.marked(key, noun, nodes, slot) for noun in NOUNS]
            else:
                raise Unsayable(f"{'introspection' if name.startswith('__') else name} has no plan")
        return Compiled(Plan(tuple(roots), len(self.slots)), tuple(self.slots), tuple(lookups), tuple(asked))

    def slot(
        self, noun: Noun, node: FieldNode | None, field: GraphQLField | None, root: int | None, by: By = By.LIST
    ) -> int:
        number = len(self.slots)
        self.slots.append(Slot(noun, node, field, number if root is None else root, by))
        return number

    def rows(
        self,
        noun: Noun,
        link: Link,
        nodes: Sequence[FieldNode],
        root: int,
        *,
        slot: int | None = None,
        column: str = "",
    ) -> Rows:
        """Rows that are shown as one kind of object."""
        self.place()
        return Rows(noun, link, (self.members(noun, nodes, root),), slot, column)

    def marked(self, key: str, noun: Noun, nodes: Sequence[FieldNode], slot: int) -> Branch:
        """Rows of a noun by id, each with its mark."""
        self.place()
        return Branch(key, Rows(noun, Link.ROOT, (MARK + self.members(noun, nodes, slot),), slot), Show.LIST)

    def place(self) -> None:
        self.places += 1
        if self.places > MAX_PLACES:
            raise Unsayable(f"more than {MAX_PLACES} places")

    def members(self, noun: Noun, nodes: Sequence[FieldNode], root: int) -> tuple[Member, ...]:
        """The members of a record's object."""
        record = RECORDS[noun.name]
        type_ = object_type(record.__name__)
        return tuple(
            self.member(key, fields, noun, record, type_, root)
            for key, fields in self.collect(type_, [node.selection_set for node in nodes]).items()
        )

    def member(
        self,
        key: str,
        nodes: Sequence[FieldNode],
        noun: Noun,
        record: type[Evidence],
        type_: GraphQLObjectType,
        root: int,
    ) -> Member:
        name = nodes[0].name.value
        if name == "__typename":
            return _typename(key, type_)
        field = type_.fields[name]
        if noun is BUNDLE and name in _CHILDREN:
            child = CHILDREN[_CHILDREN[name]]
            slot = self.slot(child, nodes[0], field, root)
            return self.connection(key, nodes, field, child, Link.BUNDLE, root, slot)
        if noun is BUNDLE and name == "counts":
            return self.bundle_counts(key, nodes, root)
        if name in _COUNTS and isinstance(get_named_type(field.type), GraphQLObjectType):
            return self.counts(key, name, nodes, field)
        if (name in _REFERENCES and noun is not COMPONENT) or name == "supersedes":
            other, column = _REFERENCES[name]
            show = Show.THE_ONE if isinstance(field.type, GraphQLNonNull) else Show.ONE
            return Branch(key, self.rows(other or noun, Link.REFERENCE, nodes, root, column=column), show)
        if name == "supersededBy":
            return Branch(key, self.rows(noun, Link.SUCCESSOR, nodes, root), Show.ONE)
        if name == "history":
            return Branch(key, self.rows(noun, Link.HISTORY, nodes, root), Show.LIST)
        if name == "items":
            return Branch(key, self.rows(ITEM, Link.REFERENCES, nodes, root, column="item_ids"), Show.LIST)
        columns = record.needs.get(name, frozenset())
        if nodes[0].selection_set is not None or nodes[0].arguments or len(columns) != 1:
            raise Unsayable(f"{type_.name}.{name} has no plan")
        return _leaf(key, next(iter(columns)), field)

    def counts(self, key: str, name: str, nodes: Sequence[FieldNode], field: GraphQLField) -> Group:
        """Tests or findings: an object of the row's own columns."""
        type_ = object_type(get_named_type(field.type).name)
        members: list[Member] = []
        for below, fields in self.collect(type_, [node.selection_set for node in nodes]).items():
            part = fields[0].name.value
            members.append(
                _typename(below, type_) if part == "__typename" else Leaf(below, f"{name}_{part}", Kind.NUMBER, True)
            )
        return Group(key, tuple(members), f"{name}_{_COUNTS[name][0]}")

    def bundle_counts(self, key: str, nodes: Sequence[FieldNode], root: int) -> Group:
        """A bundle's current rows by result."""
        type_ = object_type("BundleCounts")
        members: list[Member] = []
        for below, fields in self.collect(type_, [node.selection_set for node in nodes]).items():
            name = fields[0].name.value
            if name == "__typename":
                members.append(_typename(below, type_))
                continue
            child = CHILDREN[_CHILDREN[name]]
            slot = self.slot(child, None, None, root)
            members.append(Branch(below, self.groups(child, "result", fields, slot, "result"), Show.LIST))
        return Group(key, tuple(members))

    # Connections.

    def connection(
        self,
        key: str,
        nodes: Sequence[FieldNode],
        field: GraphQLField,
        noun: Noun,
        link: Link,
        root: int,
        slot: int | None = None,
    ) -> Branch:
        self.place()
        slot = root if slot is None else slot
        type_ = object_type(get_named_type(field.type).name)
        parts: list[Part] = []
        views: list[tuple[Member, ...]] = []
        more = False
        for below, fields in self.collect(type_, [node.selection_set for node in nodes]).items():
            name = fields[0].name.value
            if name == "__typename":
                parts.append(Part(below, What.CONSTANT, text=f'"{type_.name}"'))
            elif name in ("nodes", "edges"):
                parts.append(Part(below, What.VIEW, view=len(views)))
                if name == "nodes":
                    views.append(self.members(noun, fields, root))
                else:
                    views.append(
                        self.edge(object_type(get_named_type(type_.fields[name].type).name), noun, fields, root)
                    )
            elif name == "totalCount":
                parts.append(Part(below, What.TOTAL))
            elif name == "pageInfo":
                facts = self.page_facts(fields)
                more |= any(fact in (PageFact.HAS_NEXT, PageFact.HAS_PREVIOUS) for _, fact, _ in facts)
                parts.append(Part(below, What.PAGE, facts=facts))
            elif name.startswith("countsBy"):
                suffix = _snake(name.removeprefix("countsBy"))
                groups = self.groups(noun, _GROUP_COLUMNS.get(suffix, suffix), fields, slot, "value")
                parts.append(Part(below, What.GROUPS, groups=groups))
            else:
                raise Unsayable(f"{type_.name}.{name} has no plan")
        return Branch(key, Rows(noun, link, tuple(views), slot, more=more), Show.CONNECTION, tuple(parts))

    def edge(self, type_: GraphQLObjectType, noun: Noun, nodes: Sequence[FieldNode], root: int) -> tuple[Member, ...]:
        members: list[Member] = []
        for key, fields in self.collect(type_, [node.selection_set for node in nodes]).items():
            match fields[0].name.value:
                case "__typename":
                    members.append(_typename(key, type_))
                case "cursor":
                    members.append(Leaf(key, "", Kind.CURSOR))
                case "node":
                    members.append(Group(key, self.members(noun, fields, root)))
                case name:
                    raise Unsayable(f"{type_.name}.{name} has no plan")
        return tuple(members)

    def page_facts(self, nodes: Sequence[FieldNode]) -> tuple[tuple[str, PageFact, str], ...]:
        type_ = object_type("PageInfo")
        collected = self.collect(type_, [node.selection_set for node in nodes])
        return tuple(
            (key, _PAGE_FACTS.get(fields[0].name.value, PageFact.CONSTANT), '"PageInfo"')
            for key, fields in collected.items()
        )

    def groups(self, noun: Noun, column: str, nodes: Sequence[FieldNode], slot: int, value: str) -> Rows:
        """Grouped counts; `value` is the name of the field that shows the value."""
        self.place()
        type_ = object_type("Count" if value == "value" else "ResultCount")
        shown = object_type(RECORDS[noun.name].__name__).fields[_camel(column)].type
        named = get_named_type(shown)
        names = _names(named) if isinstance(named, GraphQLEnumType) else None
        members: list[Member] = []
        for key, fields in self.collect(type_, [node.selection_set for node in nodes]).items():
            name = fields[0].name.value
            if name == "__typename":
                members.append(_typename(key, type_))
            elif name == "count":
                members.append(Leaf(key, "count", Kind.NUMBER))
            else:
                kind = Kind.TEXT if names is None else Kind.NAME
                members.append(Leaf(key, "value", kind, not isinstance(shown, GraphQLNonNull), names))
        return Rows(noun, Link.GROUPS, (tuple(members),), slot, column)


def _typename(key: str, type_: GraphQLObjectType) -> Constant:
    return Constant(key, f'"{type_.name}"')


def _leaf(key: str, column: str, field: GraphQLField) -> Leaf:
    nullable = not isinstance(field.type, GraphQLNonNull)
    bare = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
    if isinstance(bare, GraphQLList):
        if get_named_type(bare).name != "ID" or nullable:
            raise Unsayable(f"a list of {get_named_type(bare).name} has no plan")
        return Leaf(key, column, Kind.IDS)
    if isinstance(bare, GraphQLEnumType):
        return Leaf(key, column, Kind.NAME, nullable, _names(bare))
    kind = _SCALARS.get(get_named_type(bare).name)
    if kind is None:
        raise Unsayable(f"{get_named_type(bare).name} has no plan")
    if kind is Kind.TEXT and nullable:
        kind = Kind.FREE
    return Leaf(key, column, kind, nullable)


@cache
def _names(enum: GraphQLEnumType) -> dict[str, str]:
    return {str(value.value): name for name, value in enum.values.items()}


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)[A-Z]", lambda m: f"_{m.group(0).lower()}", name[:1].lower() + name[1:])


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)
