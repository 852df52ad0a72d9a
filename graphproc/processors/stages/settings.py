"""Read the settings of stages, each with one check and one message."""

from __future__ import annotations

from typing import Any

from graphproc.configs.config import Config
from graphproc.configs.settings import RangeCheck
from graphproc.errors import ConfigError


def sides(key: str, size: dict[str, int] | None) -> tuple[int, int]:
    """Return the height and width of a size that must give both.

    Raises:
        ConfigError: the size has another form, or is null.
    """
    if size is None or set(size) != {"height", "width"}:
        raise ConfigError(f"{key}: expected height and width, got {size}")
    return size["height"], size["width"]


def edge(config: Config, key: str, name: str) -> int:
    """Return an edge of a size that must have it: `shortest_edge` or `longest_edge`.

    Raises:
        ConfigError: the size lacks the edge.
    """
    length = getattr(config, key).get(name)
    if length is None:
        raise ConfigError(f"{key}: {config.processor} needs a {name}, got {getattr(config, key)}")
    return int(length)


def given(config: Config, key: str) -> Any:
    """Return a setting that the step needs: not null, and in its range.

    Raises:
        ConfigError: it is null, or out of its range.
    """
    value, check = getattr(config, key), config.declared[key].check
    if value is None:
        raise ConfigError(f"{key}: expected {getattr(check, 'expected', 'a number')}, got None")
    return check.used(key, value) if isinstance(check, RangeCheck) else value


def optional(config: Config, key: str) -> Any:
    """Return a setting that may be null: None, or a value in its range.

    Raises:
        ConfigError: it is out of its range.
    """
    return None if getattr(config, key) is None else given(config, key)


def count(config: Config, key: str) -> int:
    """Return a setting that is a whole number, which the step needs.

    Raises:
        ConfigError: it is null, or out of its range.
    """
    return int(given(config, key))


def number(config: Config, key: str) -> float:
    """Return a setting that is a number of any kind, which the step needs.

    Raises:
        ConfigError: it is null, or out of its range.
    """
    return given(config, key)  # type: ignore[no-any-return]
