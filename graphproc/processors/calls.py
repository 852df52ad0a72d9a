"""How transformers reads settings that a call gives, where it does not simply take the call's value.

A call computes what transformers computes, and warns once about each setting that changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphproc.configs.config import Config
from graphproc.ir.backends import BACKENDS


@dataclass(frozen=True)
class Reads:
    """How a call's value of one setting is read.

    Attributes:
        ignored: tells from the processor's own value and the call's whether the own one counts instead.
        partly: whether some steps read the call's value and others the processor's own (`Config.own`).
        backends: the backends that read it so.
    """

    ignored: Callable[[Any, Any], bool] = lambda own, given: False
    partly: bool = False
    backends: tuple[str, ...] = BACKENDS


OWN = Reads(lambda own, given: True)
"""The processor's own value counts, whatever the call says."""
GIVEN = Reads(lambda own, given: given is None)
"""None in a call stands for the processor's own value."""
NONZERO = Reads(lambda own, given: not given)
"""0 and None in a call stand for the processor's own value."""
PARTLY = Reads(partly=True)
"""Some steps read the call's value, others the processor's own."""
CALL_ALONE = Reads()
"""The call's value or the class's default counts, whatever the processor was made with."""


@dataclass(frozen=True)
class Settled:
    """The settings of a call.

    Attributes:
        changes: the settings that differ from the processor's own.
        own: the names of settings with an own value that some steps read as well.
        unread: the warning for each setting that no step or only some steps read, by its name.
    """

    changes: Mapping[str, Any]
    own: tuple[str, ...]
    unread: Mapping[str, str]


def settle(
    reads: Mapping[str, Reads], backend: str, own: Mapping[str, Any], defaults: Mapping[str, Any], given: Mapping[str, Any]
) -> Settled:
    """Return the settings of a call as transformers reads them.

    Args:
        reads: how settings are read, by their names; others are read as they are given.
        backend: the processor's backend.
        own: the processor's own settings.
        defaults: the class's defaults.
        given: the settings that the call gives.
    """
    changes, kept, unread = dict(given), [], {}
    for key, how in reads.items():
        if backend not in how.backends:
            continue
        if how is CALL_ALONE:
            if key not in given and not _same(own[key], defaults.get(key)):
                unread[key] = f"{key} is read in a call alone, as by transformers. Give it to the call."
        elif key in given and not _same(own[key], given[key]):
            if how.ignored(own[key], given[key]):
                del changes[key]
                if given[key] is not None:
                    unread[key] = f"{key}={given[key]!r} changes nothing in a call, as in transformers. Make a processor with it."
            elif how.partly:
                unread[key] = f"{key} in a call is read by some steps alone, as by transformers. Make a processor with it."
            kept.append(key)
    return Settled(changes, tuple(kept), unread)


def forgotten(reads: Mapping[str, Reads], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the class's defaults of the settings that only a call can set (`CALL_ALONE`)."""
    return {key: defaults.get(key) for key, how in reads.items() if how is CALL_ALONE}


def with_own(config: Config, base: Config, settled: Settled) -> Config:
    """Add the processor's own values to a call's settings, where steps read both."""
    own = {key: base.settings[key] for key in settled.own}
    return config.keeping(own) if own else config


def _same(one: Any, other: Any) -> bool:
    return bool(_plain(one) == _plain(other))


def _plain(value: Any) -> Any:
    """Turn tuples into lists and other mappings into dictionaries, so that equal settings compare equal."""
    if isinstance(value, Mapping):
        return dict(value)
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
