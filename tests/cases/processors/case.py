"""How to try one processor class, beyond what every class is tried with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Settings = Mapping[str, Any]
Content = Literal["photograph", "noise"]
Size = tuple[int, int]
"""A size as (height, width) in pixels."""


@dataclass(frozen=True)
class ProcessorCase:
    """How to try one class.

    Attributes:
        always: settings given to both sides every time.
        extra: more settings, by label.
        standard: whether settings for every plain class make sense for this one.
        refuses: sizes and settings that this package refuses with a clear error although transformers gives something.
        keywords: the extra inputs of a call on an image of a size; they go to both sides.
        images: the images for the test suite instead of the usual ones, where results are large.
        batch: the sizes of the images of one batch in the test suite.
        skip: sizes to try on neither side, with the reason in a comment.
        derived: settings that transformers' class sets from others or reads only in calls; this package
            leaves them as they are given.
        edges: more sizes for `tools/parity.py`: those where a tile grid changes.
        reference: makes what is compared with from settings, if that is not a class of transformers. The
            result is called like a processor.
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
