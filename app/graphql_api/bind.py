"""A compiled operation and its variables to the queries that a plan's slots want: pure.

Arguments go through the same coercion, defaults and checks as in the resolvers. Whatever is wrong with them is
Unsayable here, so that the resolvers say it, with its place in the document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from graphql import GraphQLError, OperationDefinitionNode, VariableValues, get_argument_values, get_variable_values
from strawberry.types.arguments import convert_arguments

from app.domain.errors import EvidenceError
from app.domain.paging import CursorCodec, Order, page_request
from app.graphql_api.bundles import EvidenceBundleOrder
from app.graphql_api.compile import By, Compiled, Slot
from app.graphql_api.components import ComponentStatusOrder
from app.graphql_api.filters import to_predicate
from app.graphql_api.gates import GateResultOrder
from app.graphql_api.guards import GuardReportOrder
from app.graphql_api.invariants import InvariantResultOrder
from app.graphql_api.items import EvidenceItemOrder
from app.graphql_api.nodes import Lookup, ids_query
from app.graphql_api.schema import schema
from app.readmodels.nouns import BUNDLE, COMPONENT, GATE, GUARD, INVARIANT, ITEM
from app.readmodels.plan import ById, Query, Unsayable, reject
from app.readmodels.predicates import Compare
from app.readmodels.rows import RowQuery, check_ids

_ORDERS: dict[str, Any] = {
    BUNDLE.name: EvidenceBundleOrder,
    ITEM.name: EvidenceItemOrder,
    GATE.name: GateResultOrder,
    INVARIANT.name: InvariantResultOrder,
    COMPONENT.name: ComponentStatusOrder,
    GUARD.name: GuardReportOrder,
}


def coerce_variables(operation: OperationDefinitionNode, given: Mapping[str, Any]) -> VariableValues:
    """The variables of an operation by their types. Unsayable when one has not the shape of its type."""
    values = get_variable_values(schema._schema, operation.variable_definitions or (), dict(given))
    if isinstance(values, list):
        raise Unsayable("error: variables")
    return values


@dataclass(frozen=True, slots=True)
class Bound:
    """The queries of a request, the moments that it asks as of, and the ids that it looks up among all nouns."""

    queries: tuple[Query, ...]
    moments: tuple[datetime, ...]
    lookups: tuple[tuple[Lookup, tuple[str, ...]], ...]


def bind(compiled: Compiled, variables: VariableValues, cursors: CursorCodec) -> Bound:
    """The queries of a request. Unsayable when an argument is out of range."""
    queries: list[Query] = []
    try:
        for slot in compiled.slots:
            queries.append(_query(slot, variables, cursors, queries))
    except EvidenceError as error:
        raise reject(error) from error
    except GraphQLError as error:
        raise Unsayable("error: arguments") from error
    moments = dict.fromkeys(query.as_of for query in queries if query.as_of is not None)
    if len(moments) > 10:
        raise Unsayable("error: too many moments")
    lookups = tuple((lookup, _ids(queries[lookup.slot])) for lookup in compiled.lookups)
    return Bound(tuple(queries), tuple(moments), lookups)


def _ids(query: Query) -> tuple[str, ...]:
    if not isinstance(query, RowQuery) or not isinstance(query.where, Compare):
        raise TypeError("a lookup's query compares ids")
    return tuple(query.where.value)


def _query(slot: Slot, variables: VariableValues, cursors: CursorCodec, before: list[Query]) -> Query:
    if slot.node is None or slot.field is None:
        return RowQuery(Order("recorded_at"), as_of=before[slot.root].as_of)
    given = get_argument_values(slot.field, slot.node, variables)
    # Strawberry's conversion to its input classes is not public API; the version is pinned, tests/readpath guards it.
    definition: Any = slot.field.extensions["strawberry-definition"]
    arguments = convert_arguments(
        given,
        definition.arguments,
        scalar_registry=schema.schema_converter.scalar_registry,
        config=schema.config,
    )
    if slot.by is By.IDS:
        return ids_query(arguments)
    if slot.by is By.BUNDLE:
        row_id, key, as_of = arguments.get("id"), arguments.get("key"), arguments.get("as_of")
        if (row_id is None) == (key is None):
            raise Unsayable("error: invalid")
        return ById(check_ids([str(row_id)])[0] if row_id is not None else None, key, as_of)
    order = (arguments.get("order_by") or _ORDERS[slot.noun.name]()).order()
    superseded = arguments.get("include_superseded", False)
    latest = arguments.get("latest", slot.noun is COMPONENT)
    if latest and superseded:
        raise Unsayable("error: invalid")
    return RowQuery(
        order=order,
        where=to_predicate(arguments.get("filter")),
        page=page_request(
            cursors,
            order,
            first=arguments.get("first"),
            after=arguments.get("after"),
            last=arguments.get("last"),
            before=arguments.get("before"),
        ),
        as_of=before[slot.root].as_of if slot.root < len(before) else arguments.get("as_of"),
        superseded=superseded,
        latest=latest,
    )
