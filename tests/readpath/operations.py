"""Operations drawn from the schema itself: fields, aliases, fragments, conditions, variables, arguments."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
)

from app.graphql_api.schema import schema

_SCHEMA = schema._schema
PAGES = (*[("first",)] * 6, *[("last",)] * 4, *[()] * 4, ("first", "after"), ("last", "before"))

RARE = ("readiness", "health")
"""Verdicts and histories, which no plan answers, are drawn now and then."""

PAGED = ("first", "last", "after", "before")


@dataclass(slots=True)
class World:
    """What arguments are drawn from: ids, keys, texts and moments that exist, and the cursors that each list, in the
    order it has unless told, gave out."""

    ids: list[str]
    keys: list[str]
    texts: list[str]
    moments: list[str]
    cursors: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class Drawn:
    """One operation and its variables."""

    text: str
    variables: dict[str, Any]


class Drawing:
    """One operation in the making. With `as_of`, all of it is asked as of that moment."""

    def __init__(self, seed: int, world: World, *, wrong: float = 0.02, as_of: str | None = None) -> None:
        self.random = random.Random(seed)  # noqa: S311 - the same operations in every run
        self.world = world
        self.wrong = wrong
        self.as_of = as_of
        self.variables: dict[str, tuple[str, Any]] = {}
        self.fragments: list[str] = []
        self.aliases = 0
        self.budget = 40

    def operation(self) -> Drawn:
        roots = ["bundles"] * 12 + ["bundle"] * 8 + ["componentStatuses", "guardReports", "node", "nodes"] * 4
        assert _SCHEMA.query_type is not None
        chosen = [self.random.choice(roots) for _ in range(self.random.choice((1, 1, 1, 2, 3)))]
        parts = [self.field(_SCHEMA.query_type, name, 0) for name in chosen]
        if self.random.random() < 0.1:
            parts.append("__typename")
        if self.random.random() < 0.01:
            parts.append("__schema { queryType { name } }")
        body = " ".join(parts)
        declared = ", ".join(f"${name}: {type_}" for name, (type_, _) in self.variables.items())
        head = f"query Drawn({declared})" if declared else "query Drawn"
        text = " ".join([f"{head} {{ {body} }}", *self.fragments])
        return Drawn(text, {name: value for name, (_, value) in self.variables.items() if value is not ...})

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def selection(self, type_: GraphQLObjectType | GraphQLInterfaceType, depth: int) -> str:
        names = list(type_.fields)
        leaves = [n for n in names if not isinstance(get_named_type(type_.fields[n].type), _Composite)]
        branches = [n for n in names if n not in leaves and (n not in RARE or self.chance(0.1))]
        chosen = self.random.sample(leaves, min(len(leaves), self.random.randint(1, 5))) if leaves else []
        if depth < 6 and branches and self.budget > 0:
            few = 2 if depth < 3 else 1
            chosen += self.random.sample(branches, min(len(branches), self.random.randint(0 if leaves else 1, few)))
        elif not leaves:
            return "__typename"
        if "Connection" in type_.name and not {"nodes", "edges"} & set(chosen) and self.chance(0.7):
            chosen.append(self.random.choice(("nodes", "edges")))
        self.random.shuffle(chosen)
        parts = [self.field(type_, name, depth) for name in chosen]
        if self.chance(0.15):
            parts.insert(self.random.randrange(len(parts) + 1), "__typename")
        if isinstance(type_, GraphQLObjectType) and type_.interfaces and self.chance(0.15):
            above = self.random.choice(type_.interfaces)
            parts.append(f"... on {above.name}{self.condition()} {{ id __typename }}")
        if self.chance(0.1):
            parts = [f"...{self.condition()} {{ {' '.join(parts)} }}", *parts[:1]]
        if self.chance(0.1):
            name = f"F{len(self.fragments)}"
            self.fragments.append(f"fragment {name} on {type_.name} {{ {' '.join(parts)} }}")
            parts = [f"...{name}{self.condition()}", parts[0]]
        if isinstance(type_, GraphQLInterfaceType):
            for possible in _SCHEMA.get_possible_types(type_):
                if self.chance(0.4):
                    parts.append(f"... on {possible.name} {{ {self.selection(possible, depth + 2)} }}")
        return " ".join(parts)

    def field(self, type_: GraphQLObjectType | GraphQLInterfaceType, name: str, depth: int) -> str:
        definition = type_.fields[name]
        self.budget -= 1
        arguments = self.arguments(name, definition)
        alias = ""
        if arguments or self.chance(0.1):
            self.aliases += 1
            alias = f"a{self.aliases}: "
        below = get_named_type(definition.type)
        selection = f" {{ {self.selection(below, depth + 1)} }}" if isinstance(below, _Composite) else ""
        return f"{alias}{name}{arguments}{self.condition()}{selection}"

    def condition(self) -> str:
        if not self.chance(0.05):
            return ""
        directive, value = self.random.choice(("skip", "include")), self.chance(0.5)
        if self.chance(0.5):
            return f" @{directive}(if: {'true' if value else 'false'})"
        return f" @{directive}(if: {self.variable('Boolean!', value)})"

    def variable(self, type_: str, value: Any) -> str:
        name = f"v{len(self.variables)}"
        self.variables[name] = (type_, value)
        return f"${name}"

    def arguments(self, listed: str, definition: GraphQLField) -> str:
        given = []
        if "id" in definition.args and "key" in definition.args:
            names = ["id"] if self.chance(0.7) else ["key"]
            names += ["asOf"] if self.chance(0.2) else []
        else:
            names = [
                name
                for name, argument in definition.args.items()
                if isinstance(argument.type, GraphQLNonNull) or (name not in PAGED and self.chance(0.2))
            ]
            if "first" in definition.args:
                names += self.random.choice(
                    ((), ("first",), ("first",), ("last",), ("first", "after"), ("last", "before"))
                )
        if self.as_of is not None and "asOf" in definition.args:
            names.append("asOf")
        if {"after", "before"} & set(names) and not self.chance(self.wrong):
            names = [name for name in names if name != "orderBy"]
        for name in dict.fromkeys(names):
            argument = definition.args[name]
            value = self.value(name, argument, listed)
            if self.chance(0.3):
                value = self.variable(str(argument.type), self.plain(value))
            given.append(f"{name}: {value if isinstance(value, str) and value.startswith('$') else _literal(value)}")
        return f"({', '.join(given)})" if given else ""

    def plain(self, value: Any) -> Any:
        if isinstance(value, _Name):
            return str(value)
        if isinstance(value, dict):
            return {key: self.plain(v) for key, v in value.items()}
        if isinstance(value, list):
            return [self.plain(v) for v in value]
        return value

    def value(self, name: str, argument: GraphQLArgument, listed: str) -> Any:
        wrong = self.chance(self.wrong)
        match name:
            case "first" | "last":
                return self.random.choice((0, 501, -1)) if wrong else self.random.choice((1, 2, 3, 20, None))
            case "after" | "before":
                given_out = self.world.cursors.get(listed)
                return "bm8" if wrong or not given_out else self.random.choice(given_out)
            case "asOf" if self.as_of is not None:
                return self.as_of
            case "asOf":
                return "2999-01-01T00:00:00Z" if wrong else self.random.choice(self.world.moments)
            case "id":
                return "x" if wrong else self.random.choice(self.world.ids)
            case "ids":
                return self.random.choices(self.world.ids, k=self.random.randint(0, 3))
            case "key":
                return "no such key" if wrong else self.random.choice(self.world.keys)
        return self.input(argument.type, 0)

    def input(self, type_: Any, depth: int) -> Any:
        bare = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        if isinstance(bare, GraphQLList):
            return [self.input(bare.of_type, depth + 1) for _ in range(self.random.randint(0, 2))]
        if isinstance(bare, GraphQLEnumType):
            return _Name(self.random.choice(list(bare.values)))
        if isinstance(bare, GraphQLInputObjectType):
            names = [n for n in bare.fields if depth < 3 or n not in ("and", "or", "not")]
            chosen = self.random.sample(names, min(len(names), self.random.choice((0, 1, 1, 2))))
            return {n: self.input(bare.fields[n].type, depth + 1) for n in chosen}
        if not isinstance(type_, GraphQLNonNull) and self.chance(0.05):
            return None
        match bare.name:
            case "Boolean":
                return self.chance(0.5)
            case "Int":
                return self.random.randint(0, 5)
            case "ID":
                return self.random.choice(self.world.ids)
            case "DateTime":
                return self.random.choice(self.world.moments)
        return self.random.choice(self.world.texts)


def operations(world: World, count: int) -> Iterator[Drawn]:
    """So many operations, no two of them equal; the same in every run over the same world."""
    known: set[str] = set()
    for seed in itertools.count():
        drawn = Drawing(seed, world).operation()
        if repr(drawn) not in known:
            known.add(repr(drawn))
            yield drawn
        if len(known) == count:
            return


class _Name(str):
    """An enum's value: bare in a document, text in variables."""

    __slots__ = ()


def _literal(value: Any) -> str:
    if isinstance(value, _Name):
        return str(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_literal(v) for v in value) + "]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    return str(value)


_Composite = (GraphQLObjectType, GraphQLInterfaceType)
