"""The schema's text: checked in, described throughout."""

from __future__ import annotations

from pathlib import Path

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType

from app.graphql_api.schema import schema, sdl

ROOT = Path(__file__).parents[2]


def test_schema_graphql_is_what_the_types_give() -> None:
    assert (ROOT / "schema.graphql").read_text(encoding="utf-8") == sdl(), "run `make schema`"


def test_every_type_field_and_argument_is_described() -> None:
    bare = []
    for name, kind in schema._schema.type_map.items():
        if name.startswith("__") or name in ("Int", "String", "Boolean", "ID", "Float"):
            continue
        if not kind.description:
            bare.append(name)
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for field_name, field in kind.fields.items():
                if not field.description:
                    bare.append(f"{name}.{field_name}")
                bare += [f"{name}.{field_name}({a})" for a, argument in field.args.items() if not argument.description]
        elif isinstance(kind, GraphQLInputObjectType):
            bare += [f"{name}.{n}" for n, field in kind.fields.items() if not field.description]
        elif isinstance(kind, GraphQLEnumType):
            assert all(value == value.upper() for value in kind.values)
    assert bare == []
