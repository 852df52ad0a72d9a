"""Register classes (ops and joins) under the name that they have in the IR's text."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, TypeVar

from graphproc.errors import ProgramError


class Registered:
    """Give a frozen dataclass a name in the IR's text, and list its settings."""

    name: ClassVar[str] = ""

    def fields(self) -> Iterator[tuple[str, Any]]:
        """Yield the settings, by name, in order."""
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            yield field.name, getattr(self, field.name)

    def shown_fields(self) -> Iterator[tuple[str, Any]]:
        """Yield the settings that the IR's text prints: all that are not at their default."""
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if field.default is dataclasses.MISSING or value != field.default:
                yield field.name, value


T = TypeVar("T", bound=type[Registered])


def registering(kind: str, name: str, registry: dict[str, T], rules: Sequence[str], headings: Sequence[str]) -> Callable[[T], T]:
    """Return a decorator that registers a class under its name.

    Args:
        kind: what errors call the class, e.g. `op`.
        name: its name in the IR's text.
        registry: the classes registered so far, by name.
        rules: the methods that the class must have.
        headings: the headings that its docstring must have.

    Raises:
        ProgramError: the name is taken, a rule is missing, or the docstring lacks a heading.
    """

    def register(cls: T) -> T:
        if name in registry:
            raise ProgramError(f"{kind} {name!r}: the name is already taken by {registry[name].__qualname__}. Choose another.")
        missing = [rule for rule in rules if not callable(getattr(cls, rule, None))]
        if missing:
            raise ProgramError(f"{kind} {name!r}: expected the rules {', '.join(rules)}, found no {', '.join(missing)}.")
        absent = [heading for heading in headings if heading not in (cls.__doc__ or "")]
        if absent and cls.__doc__ is not None:  # python -OO drops docstrings
            raise ProgramError(f"{kind} {name!r}: its docstring lacks {', '.join(absent)}")
        cls.name = name
        registry[name] = cls
        return cls

    return register
