"""Scalars on the wire: times as every face writes them, JSON passed through as the database's own text."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NewType

import orjson
import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from app.domain.errors import Invalid
from app.domain.moments import iso, parse_iso

JSON = NewType("JSON", str)
"""JSON text. It is never parsed here: numbers keep the digits that the producer wrote."""


def _serialize_time(value: Any) -> str:
    return value if isinstance(value, str) else iso(value)


def _parse_time(value: Any) -> datetime:
    try:
        return parse_iso(value if isinstance(value, str) else str(value), field="DateTime")
    except Invalid as error:
        raise GraphQLError(error.message) from None


def _serialize_json(value: Any) -> orjson.Fragment | None:
    return None if value is None else orjson.Fragment(value)


def _parse_json(value: Any) -> str:
    return orjson.dumps(value).decode()


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment in ISO 8601 with its zone, such as `2026-06-01T12:00:00+00:00`; answers are in UTC.",
        serialize=_serialize_time,
        parse_value=_parse_time,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="What a producer wrote, as JSON of any shape.",
        serialize=_serialize_json,
        parse_value=_parse_json,
    ),
}
