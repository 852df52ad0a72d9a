"""How one processor class is tried beyond what every class is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Settings = Mapping[str, Any]
Content = Literal["photograph", "noise"]
Size = tuple[int, int]
"""(height, width) in pixels."""


@dataclass(frozen=True)
class Case:
    """One class.

    Attributes:
        always: settings given to both sides every time.
        extra: more settings by label.
        standard: whether the settings that every plain class is tried with make sense for this one.
        refuses: sizes and settings that this package refuses with a clear error although transformers gives something.
        keywords: the further inputs of a call on an image of a size; they go to both sides.
        images: what the test suite tries instead of its usual images, where results are large.
        batch: the sizes of the images of one batch that the test suite tries.
        skip: sizes that no side is asked for, with the reason in a comment.
        derived: settings that the class of transformers sets from others or reads in calls alone; this package leaves them as
            they are given.
        edges: further sizes that `tools/parity.py` tries: those where a tile grid changes.
        reference: makes what is compared with from settings, where that is no class of transformers; called like one.
    """

    always: Settings = field(default_factory=dict)
    extra: Mapping[str, Settings] = field(default_factory=dict)
    standard: bool = True
    refuses: Callable[[Size, Settings], bool] = lambda size, settings: False
    keywords: Callable[[Size], Mapping[str, Any]] = lambda size: {}
    images: tuple[tuple[Size, Content], ...] | None = None
    batch: tuple[Size, ...] = ((60, 90), (90, 60), (45, 45))
    skip: Callable[[Size, Settings], bool] = lambda size, settings: False
    derived: tuple[str, ...] = ()
    edges: tuple[Size, ...] = ()
    reference: Callable[[Settings], Callable[..., Mapping[str, Any]]] | None = None
