"""Describe the fields of ops in the IR's text: their kinds, and how values of each kind are written."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any, Literal

from graphproc.ir.op import Op
from graphproc.ir.registry import Registered
from graphproc.sizes.num import Sym

NUMBER, CONDITION = int | float | Sym, bool | Sym
"""The kinds that the types `Num` and `Bool` stand for."""


@cache
def field_kinds(cls: type) -> Mapping[str, Any]:
    """Return the annotated kind of each field of a dataclass, by name."""
    hints = typing.get_type_hints(cls, localns={"Sym": Sym})
    return {field.name: hints[field.name] for field in fields(cls)}


def fits(value: Any, kind: Any) -> bool:
    """Return whether a value read from a text is of an annotated kind.

    A whole number is also a float: 1 fits `float`.
    """
    if kind is Any:
        return True
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(value, Sym) and Sym in arguments:
        return bool in arguments if value.kind == "bool" else bool({int, float}.intersection(arguments))
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, argument) for argument in arguments)
    if origin is Literal:
        return isinstance(value, str) and value in arguments
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        if arguments[1:] == (...,):
            return all(fits(item, arguments[0]) for item in value)
        return len(value) == len(arguments) and all(map(fits, value, arguments))
    if kind in (int, float):
        return type(value) in (int, kind)
    return isinstance(value, kind)


def kind_text(kind: Any) -> str:
    """Return an annotated kind in words, e.g. `int or None`."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(kind_text(argument) for argument in arguments))
    if origin is Literal:
        return " or ".join(map(repr, arguments))
    if origin is tuple:
        items = arguments[:1] if arguments[1:] == (...,) else arguments
        return f"[{', '.join(map(kind_text, items))}{', ...' if arguments[1:] == (...,) else ''}]"
    names = {int: "int", float: "float", str: "text in quotes", bool: "bool", Sym: "size", types.NoneType: "None", Op: "op"}
    return names.get(kind, class_name(kind))


def class_name(cls: type) -> str:
    """Return the name of a class in texts: its registered name, or its own name in lower case."""
    return cls.name if issubclass(cls, Registered) else cls.__name__.lower()
