"""Operations from text to result: parsed and validated once, measured, then run on the resolvers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    execute,
    parse,
    validate,
)

from app.graphql_api.context import Context
from app.graphql_api.errors import (
    BAD_REQUEST,
    PARSE_FAILED,
    VALIDATION_FAILED,
)
from app.graphql_api.limits import MAX_TOKENS, check_cost
from app.graphql_api.schema import schema

CACHE_SIZE = 400
"""Documents kept. One of a few nested relations is 50 KB as it was parsed."""

CACHED_TEXT = 64 * 1024
"""Longer operations run, but are not kept."""

_MAX_ERRORS = 20


class Refused(Exception):
    """An operation that cannot run; `errors` says why, `code` is the extensions.code that they share."""

    def __init__(self, errors: list[GraphQLError], code: str) -> None:
        super().__init__(errors[0].message)
        self.errors = errors
        self.code = code


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed and valid document."""

    node: DocumentNode
    operations: dict[str, OperationDefinitionNode]

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to run. Refused when the name does not settle which."""
        if name is not None:
            found = self.operations.get(name)
            if found is None:
                raise Refused([GraphQLError(f"the document has no operation named {name!r}")], BAD_REQUEST)
            return found
        if len(self.operations) != 1:
            named = ", ".join(sorted(self.operations)) or "none"
            raise Refused([GraphQLError(f"the document has several operations ({named}); name one")], BAD_REQUEST)
        return next(iter(self.operations.values()))


class Documents:
    """Documents by text; the least recently used leave first."""

    def __init__(self, size: int = CACHE_SIZE) -> None:
        self._size = size
        self._kept: OrderedDict[str, Document] = OrderedDict()

    def get(self, text: str) -> Document:
        """The document of a text. Refused, with the errors, when it does not parse or is not valid."""
        kept = self._kept.get(text)
        if kept is not None:
            self._kept.move_to_end(text)
            return kept
        document = _read(text)
        if len(text) <= CACHED_TEXT:
            self._kept[text] = document
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return document


def _read(text: str) -> Document:
    try:
        node = parse(text, max_tokens=MAX_TOKENS)
    except GraphQLError as error:
        raise Refused([error], PARSE_FAILED) from None
    except RecursionError:
        raise Refused([GraphQLError("the document is nested too deeply to be read")], PARSE_FAILED) from None
    # Strawberry's GraphQLSchema is not public API; the version is pinned and tests/graphql_api guards the seam.
    try:
        errors = validate(schema._schema, node, max_errors=_MAX_ERRORS)
    except RecursionError:
        raise Refused([GraphQLError("the document is nested too deeply to be read")], VALIDATION_FAILED) from None
    if errors:
        raise Refused(errors, VALIDATION_FAILED)
    operations = {
        (d.name.value if d.name else ""): d for d in node.definitions if isinstance(d, OperationDefinitionNode)
    }
    if not operations:
        raise Refused([GraphQLError("the document has no operation")], BAD_REQUEST)
    return Document(node, operations)


async def run(
    document: Document, operation: OperationDefinitionNode, variables: Mapping[str, Any], context: Context
) -> ExecutionResult:
    """Run a query on the resolvers. Refused when it is too large or no query."""
    if operation.operation is not OperationType.QUERY:
        raise Refused([GraphQLError(f"only queries run here, not a {operation.operation.value}")], BAD_REQUEST)
    try:
        check_cost(document.node, operation, variables)
    except GraphQLError as error:
        raise Refused([error], BAD_REQUEST) from None
    result = execute(
        schema._schema,
        document.node,
        context_value=context,
        variable_values=dict(variables),
        operation_name=operation.name.value if operation.name else None,
    )
    if not isinstance(result, ExecutionResult):
        awaited = await result
        if not isinstance(awaited, ExecutionResult):
            raise TypeError("incremental delivery is not on in this schema")
        return awaited
    return result
