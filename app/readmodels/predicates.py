"""Filters as data, and their SQL: column names come from the nouns, values always travel as parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.domain.errors import Invalid
from app.readmodels.nouns import BUNDLE, CHILDREN, COMPONENT, GUARD, Noun

MAX_PREDICATES = 50
MAX_VALUES = 500


@dataclass(frozen=True, slots=True)
class Compare:
    """`column operator value`; operators: eq, ne, in, gt, gte, lt, lte."""

    column: str
    operator: str
    value: Any


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds; true when there is none."""

    parts: tuple[Predicate, ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds; false when there is none."""

    parts: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Negated:
    """The part does not hold; a comparison with null counts as not holding."""

    part: Predicate


@dataclass(frozen=True, slots=True)
class Has:
    """The bundle has at least one current row of the relation for which `where` holds."""

    relation: str
    where: Predicate


Predicate = Compare | AllOf | AnyOf | Negated | Has

EVERYTHING: Predicate = AllOf()


@dataclass(frozen=True, slots=True)
class Scope:
    """What the reader may see: products and environments; None means all of them."""

    products: frozenset[str] | None = None
    environments: frozenset[str] | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing is hidden."""
        return self.products is None and self.environments is None


@dataclass(slots=True)
class Parameters:
    """The values of a statement under construction."""

    values: list[Any] = field(default_factory=list)

    def add(self, value: Any, type_: str) -> str:
        """The placeholder of a new value, cast to its SQL type."""
        self.values.append(value)
        return f"${len(self.values)}::{type_}"


_OPERATORS = {"eq": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def count(predicate: Predicate) -> int:
    """How many nodes the predicate has."""
    match predicate:
        case AllOf(parts) | AnyOf(parts):
            return 1 + sum(count(part) for part in parts)
        case Negated(part) | Has(_, part):
            return 1 + count(part)
        case _:
            return 1


def check(predicate: Predicate) -> None:
    """Invalid when a filter is too large to be one that a person wrote."""
    if count(predicate) > MAX_PREDICATES:
        raise Invalid(f"the filter has more than {MAX_PREDICATES} conditions", field="filter")


def where(noun: Noun, predicate: Predicate, as_of: datetime | None, parameters: Parameters) -> str:
    """The SQL of a predicate over a noun's alias."""
    match predicate:
        case Compare(column, operator, value):
            return _compare(noun, column, operator, value, as_of, parameters)
        case AllOf(parts):
            return " AND ".join(f"({where(noun, p, as_of, parameters)})" for p in parts) or "true"
        case AnyOf(parts):
            return " OR ".join(f"({where(noun, p, as_of, parameters)})" for p in parts) or "false"
        case Negated(part):
            return f"({where(noun, part, as_of, parameters)}) IS NOT TRUE"
        case Has(relation, part):
            child = CHILDREN[relation]
            inner = where(child, part, as_of, parameters)
            return (
                f"EXISTS (SELECT FROM {child.table} AS {child.alias} WHERE {child.alias}.bundle_id = {noun.alias}.id"
                f" AND {current(child, as_of, parameters)} AND ({inner}))"
            )


def _compare(noun: Noun, column: str, operator: str, value: Any, as_of: datetime | None, parameters: Parameters) -> str:
    sql = f"{noun.alias}.{column}"
    if noun is BUNDLE and column == "updated_at" and as_of is not None:
        sql = f"({updated_as_of(parameters.add(as_of, 'timestamptz'))})"
    type_ = noun.types.get(column, "text")
    if operator == "in":
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise Invalid(f"{column}: in needs a list", field=column)
        if len(value) > MAX_VALUES:
            raise Invalid(f"{column}: in takes at most {MAX_VALUES} values, not {len(value)}", field=column)
        return f"{sql} = ANY({parameters.add(list(value), f'{type_}[]')})"
    if operator == "ne":
        return f"{sql} IS DISTINCT FROM {parameters.add(value, type_)}"
    if operator == "eq" and value is None:
        return f"{sql} IS NULL"
    return f"{sql} {_OPERATORS[operator]} {parameters.add(value, type_)}"


def updated_as_of(moment: str) -> str:
    """SQL of a bundle's updated_at, the one column that moves, as it stood at `moment`, a placeholder."""
    latest = ", ".join(
        f"(SELECT max({child.alias}.recorded_at) FROM {child.table} AS {child.alias}"
        f" WHERE {child.alias}.bundle_id = bundle.id AND {child.alias}.recorded_at <= {moment})"
        for child in CHILDREN.values()
    )
    return (
        f"CASE WHEN bundle.updated_at <= {moment} THEN bundle.updated_at"
        f" ELSE GREATEST(bundle.recorded_at, {latest}) END"
    )


def current(noun: Noun, as_of: datetime | None, parameters: Parameters) -> str:
    """A row that nothing superseded or retracted, by now or by `as_of`, and that did not come after a newer one."""
    on_time = "" if noun in (BUNDLE, COMPONENT) else f"NOT {noun.alias}.late AND "
    return on_time + last(noun, as_of, parameters)


def last(noun: Noun, as_of: datetime | None, parameters: Parameters) -> str:
    """A row that nothing superseded or retracted, by now or by `as_of`, though it may have come late."""
    alias = noun.alias
    if as_of is None:
        return (
            f"NOT {alias}.retracted AND NOT EXISTS"
            f" (SELECT FROM {noun.table} AS later WHERE later.supersedes_id = {alias}.id)"
        )
    moment = parameters.add(as_of, "timestamptz")
    return (
        f"NOT {alias}.retracted AND {alias}.recorded_at <= {moment} AND NOT EXISTS"
        f" (SELECT FROM {noun.table} AS later WHERE later.supersedes_id = {alias}.id AND later.recorded_at <= {moment})"
    )


def known(noun: Noun, as_of: datetime | None, parameters: Parameters) -> str:
    """A row that was recorded by `as_of`, superseded or not."""
    if as_of is None:
        return "true"
    return f"{noun.alias}.recorded_at <= {parameters.add(as_of, 'timestamptz')}"


def visible(noun: Noun, scope: Scope, parameters: Parameters) -> str:
    """What the scope lets the reader see of a noun. The one place where access is decided."""
    if scope.everything:
        return "true"
    if noun is COMPONENT:
        return (
            "true" if scope.environments is None else _within("component.environment", scope.environments, parameters)
        )
    of_bundle = " AND ".join(
        _within(f"{'bundle' if noun is BUNDLE else 'owner'}.{column}", allowed, parameters)
        for column, allowed in (("product", scope.products), ("environment", scope.environments))
        if allowed is not None
    )
    if noun is BUNDLE:
        return of_bundle
    # A guard report without a bundle speaks of the platform, and so of products the reader may not see.
    own = "" if noun is not GUARD else "guard.bundle_id IS NOT NULL AND "
    return f"{own}EXISTS (SELECT FROM {BUNDLE.table} AS owner WHERE owner.id = {noun.alias}.bundle_id AND {of_bundle})"


def _within(column: str, allowed: frozenset[str], parameters: Parameters) -> str:
    return f"{column} = ANY({parameters.add(sorted(allowed), 'text[]')})"
