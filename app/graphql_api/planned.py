"""Operations answered by a plan: compiled once, bound, rendered, run as one statement, stitched to bytes.

`answer` gives the body of a response that has no errors, or raises Unsayable with the reason why the resolvers must
answer. Everything up to the statement is remembered by the request's own text, for it depends on nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import FragmentDefinitionNode, GraphQLError, OperationType

from app.domain.errors import EvidenceError
from app.domain.paging import CursorCodec
from app.graphql_api.bind import Bound, bind, coerce_variables
from app.graphql_api.collect import condition_variables
from app.graphql_api.compile import Compiled, compile_operation
from app.graphql_api.limits import check_cost
from app.graphql_api.nodes import gather
from app.graphql_api.operations import Document, Documents
from app.readmodels.plan import Unsayable, reject
from app.readmodels.predicates import Scope
from app.readmodels.reading import Reading
from app.readmodels.recent import Recent
from app.readmodels.render import Rendered
from app.readmodels.rows import Reader

PLANS = 400
PREPARED = 1_000
PREPARED_TEXT = 8 * 1024
"""Requests with a longer body are answered, but not remembered."""


@dataclass(frozen=True, slots=True)
class _Planned:
    """A compiled operation, or why there is none."""

    compiled: Compiled | None
    reading: Reading | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request ready to run: everything that depends on its text alone."""

    keys: tuple[bytes, ...]
    bound: Bound
    rendered: Rendered
    reading: Reading


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of a response, and the snapshot that its rows were read in."""

    body: bytes
    snapshot: str


class Plans:
    """The plans of a process over its documents."""

    def __init__(self, documents: Documents, cursors: CursorCodec) -> None:
        self._documents = documents
        self._cursors = cursors
        self._conditions: Recent[tuple[str, str | None], tuple[str, ...]] = Recent(PLANS)
        self._plans: Recent[tuple[Any, ...], _Planned] = Recent(PLANS)

    def prepare(self, text: str, operation_name: str | None, given: Mapping[str, Any], scope: Scope) -> Prepared:
        """A request ready to run. Unsayable when the resolvers must answer; Refused when nobody can."""
        document = self._documents.get(text)
        operation = document.operation(operation_name)
        if operation.operation is not OperationType.QUERY:
            raise Unsayable("error: no query")
        try:
            check_cost(document.node, operation, given)
        except GraphQLError as error:
            raise Unsayable("error: too large") from error
        variables = coerce_variables(operation, given)
        planned = self._plan(text, document, operation_name, variables.coerced)
        if planned.compiled is None or planned.reading is None:
            raise Unsayable(planned.reason)
        bound = bind(planned.compiled, variables, self._cursors)
        try:
            rendered = planned.reading.rendered(bound.queries, scope)
        except EvidenceError as error:
            raise reject(error) from error
        keys = tuple(orjson.dumps(key) + b":" for key in planned.compiled.keys)
        return Prepared(keys, bound, rendered, planned.reading)

    def _plan(
        self, text: str, document: Document, operation_name: str | None, variables: Mapping[str, Any]
    ) -> _Planned:
        operation = document.operation(operation_name)
        fragments = {d.name.value: d for d in document.node.definitions if isinstance(d, FragmentDefinitionNode)}
        names = self._conditions.get((text, operation_name))
        if names is None:
            names = condition_variables(operation, fragments)
            if len(text) <= PREPARED_TEXT:
                self._conditions.put((text, operation_name), names)
        key = (text, operation_name, tuple(variables.get(name) for name in names))
        planned = self._plans.get(key)
        if planned is None:
            try:
                compiled = compile_operation(operation, fragments, variables)
                planned = _Planned(compiled, Reading(compiled.plan))
            except Unsayable as unsayable:
                planned = _Planned(None, None, unsayable.reason)
            if len(text) <= PREPARED_TEXT:
                self._plans.put(key, planned)
        return planned

    async def answer(self, prepared: Prepared, reader: Reader) -> Answer:
        """Run a request. Unsayable when its rows are not for a plan."""
        try:
            for moment in prepared.bound.moments:
                await reader.database.settle(moment)
            read = await prepared.reading.read(prepared.rendered, prepared.bound.queries, reader, self._cursors)
        except EvidenceError as error:
            raise reject(error) from error
        values = gather(prepared.bound.lookups, read.members)
        members = b",".join([key + value for key, value in zip(prepared.keys, values, strict=True)])
        return Answer(b'{"data":{' + members + b"}}", read.snapshot)
