"""Normalise settings that are sizes: every accepted spelling becomes a dictionary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphproc.errors import ConfigError

SIZE_FORMS: tuple[frozenset[str], ...] = (
    frozenset({"height", "width"}),
    frozenset({"shortest_edge"}),
    frozenset({"shortest_edge", "longest_edge"}),
    frozenset({"longest_edge"}),
    frozenset({"max_height", "max_width"}),
    frozenset({"min_pixels", "max_pixels"}),
)
"""The sets of keys that a size may have."""
SIDES: tuple[str, ...] = tuple(dict.fromkeys(key for form in SIZE_FORMS for key in sorted(form)))
"""Every key that a size may have."""


class Size(dict[str, int]):
    """A size with its sides as keys and as attributes. A side that it does not have is None, as in transformers."""

    def __missing__(self, name: str) -> None:
        if name not in SIDES:
            raise KeyError(name)

    def __getattr__(self, name: str) -> int | None:
        if name in SIDES:
            return self.get(name)
        raise AttributeError(f"a size has {', '.join(SIDES)}, got {name!r}")

    def __setattr__(self, name: str, value: int) -> None:
        if name not in SIDES:
            raise AttributeError(f"a size has {', '.join(SIDES)}, got {name!r}")
        self[name] = value


_NAMES = sorted(frozenset().union(*SIZE_FORMS))


def plain_size(value: Any) -> Any:
    """Turn an object with sides as attributes, such as transformers' `SizeDict`, into a dictionary; leave others."""
    if isinstance(value, (Mapping, list, tuple, int)) or not any(hasattr(value, name) for name in _NAMES):
        return value
    return {name: side for name in _NAMES if (side := getattr(value, name, None)) is not None}


def _side(key: str, name: str, value: Any, used: bool = True) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or (used and value < 1):
        raise ConfigError(f"{key}: expected {name} to be a whole number of at least 1, got {value!r}")
    return value


def size_dict(
    key: str,
    value: Any,
    *,
    default_to_square: bool = True,
    max_size: int | None = None,
    height_first: bool = True,
    used: bool = True,
) -> dict[str, int]:
    """Return the dictionary of a size setting: 224 becomes `{"height": 224, "width": 224}`.

    Args:
        key: the setting's name, for messages.
        value: an int, a pair, a dictionary, an object with sides as attributes, or None if only
            `max_size` is set.
        default_to_square: whether an int is both sides; else it is the shortest edge.
        max_size: the limit of the longest edge that accompanies an int.
        height_first: whether a pair is (height, width); else (width, height).
        used: whether a step that is on reads it. If none does, the sides in a dictionary may be
            anything (files have -1).

    Raises:
        ConfigError: the value has none of the accepted forms.

    Source: transformers `get_size_dict`.
    """
    value = plain_size(value)
    if isinstance(value, Mapping):
        given = {k: v for k, v in value.items() if v is not None}
        if frozenset(given) not in SIZE_FORMS:
            forms = "; ".join(", ".join(sorted(form)) for form in SIZE_FORMS)
            raise ConfigError(f"{key}: expected the keys of one form ({forms}), got {sorted(map(str, given)) or 'none'}")
        return {k: _side(key, k, v, used) for k, v in given.items()}
    if isinstance(value, (list, tuple)):
        if len(value) != 2:
            raise ConfigError(f"{key}: expected a pair of sides, got {value!r}")
        height, width = value if height_first else value[::-1]
        return {"height": _side(key, "height", height), "width": _side(key, "width", width)}
    if isinstance(value, int) and not isinstance(value, bool):
        side = _side(key, "the side", value)
        if default_to_square:
            if max_size is not None:
                raise ConfigError(f"{key}: max_size has no meaning for a square size. Remove max_size.")
            return {"height": side, "width": side}
        capped = {} if max_size is None else {"longest_edge": _side(key, "max_size", max_size)}
        return {"shortest_edge": side, **capped}
    if value is None and max_size is not None and not default_to_square:
        return {"longest_edge": _side(key, "max_size", max_size)}
    raise ConfigError(f"{key}: expected a whole number, a pair or a dictionary of sides, got {value!r}")
