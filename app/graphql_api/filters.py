"""Filter inputs by type of column, and their turning into predicates."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from enum import Enum
from typing import Any, Generic, TypeVar

import strawberry

from app.domain.errors import Invalid
from app.readmodels.predicates import AllOf, AnyOf, Compare, Has, Negated, Predicate
from app.readmodels.rows import check_ids

E = TypeVar("E")


def _in(description: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, name="in", description=description)


def _not(description: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, name="not", description=description)


def _optional(description: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=description)


@strawberry.input(description="Conditions on a text; all that are given must hold.")
class StringFilter:
    """Conditions on a text column."""

    eq: str | None = _optional("Equal to this; null asks for rows without a value.")
    in_: list[str] | None = _in("Equal to one of these, at most 500.")
    not_: str | None = _not("Not equal to this.")


@strawberry.input(description="Conditions on an id; all that are given must hold.")
class IDFilter:
    """Conditions on a uuid column."""

    eq: strawberry.ID | None = _optional("Equal to this; null asks for rows without a value.")
    in_: list[strawberry.ID] | None = _in("Equal to one of these, at most 500.")
    not_: strawberry.ID | None = _not("Not equal to this.")


@strawberry.input(description="Conditions on a yes or no.")
class BooleanFilter:
    """Conditions on a boolean column."""

    eq: bool | None = _optional("Equal to this.")
    not_: bool | None = _not("Not equal to this.")


@strawberry.input(description="Conditions on a moment; all that are given must hold. Rows without one match none.")
class DateTimeFilter:
    """Conditions on a timestamptz column."""

    eq: datetime | None = _optional("At exactly this moment; null asks for rows without one.")
    gt: datetime | None = _optional("Later than this.")
    gte: datetime | None = _optional("At or later than this.")
    lt: datetime | None = _optional("Earlier than this.")
    lte: datetime | None = _optional("At or earlier than this.")


@strawberry.input(description="Conditions on a value of a fixed list; all that are given must hold.")
class EnumFilter(Generic[E]):
    """Conditions on a column of a vocabulary."""

    eq: E | None = _optional("Equal to this; null asks for rows without a value.")
    in_: list[E] | None = _in("Equal to one of these.")
    not_: E | None = _not("Not equal to this.")


_OPERATOR = {"in_": "in", "not_": "ne"}
_VALUE_FILTERS = (StringFilter, IDFilter, BooleanFilter, DateTimeFilter, EnumFilter)


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list):
        return tuple(_plain(v) for v in value)
    return value


def _comparisons(column: str, given: Any) -> Predicate:
    parts: list[Predicate] = []
    for part in dataclasses.fields(given):
        value = getattr(given, part.name)
        if value is strawberry.UNSET:
            continue
        operator = _OPERATOR.get(part.name, part.name)
        if value is None and operator != "eq":
            raise Invalid(f"{column}: {operator} needs a value, not null", field=column)
        if isinstance(given, IDFilter) and value is not None:
            check_ids(value if isinstance(value, list) else [value], name=column)
        parts.append(Compare(column, operator, _plain(value)))
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def to_predicate(given: Any) -> Predicate:
    """The predicate of a noun's filter input; None asks for everything.

    Field by field: `and_`, `or_` and `not_` combine filters of the same noun, `some` and `none` of a relation ask
    for bundles with and without such a row, the rest are conditions on the column of that name.
    """
    if given is None or given is strawberry.UNSET:
        return AllOf()
    parts: list[Predicate] = []
    for part in dataclasses.fields(given):
        value = getattr(given, part.name)
        if value is None or value is strawberry.UNSET:
            continue
        match part.name:
            case "and_":
                parts.append(AllOf(tuple(to_predicate(v) for v in value)))
            case "or_":
                parts.append(AnyOf(tuple(to_predicate(v) for v in value)))
            case "not_":
                parts.append(Negated(to_predicate(value)))
            case name if isinstance(value, _VALUE_FILTERS):
                parts.append(_comparisons(name, value))
            case relation:
                if value.some:
                    parts.append(Has(relation, to_predicate(value.some)))
                if value.none:
                    parts.append(Negated(Has(relation, to_predicate(value.none))))
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))
