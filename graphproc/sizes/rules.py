"""Define the named size rules of the image processors: functions of height and width.

Each returns `(height, width)` in pixels and keeps its source's order of operations and rounding.
Where the source branches on which side is longer, `maximum` computes the same and keeps a bound
that later passes use: the scaled long side is never below the short side.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphproc.errors import ConfigError
from graphproc.sizes import num
from graphproc.sizes.num import Num

Size = tuple[Num, Num]


def shortest_edge(height: Num, width: Num, edge: int) -> Size:
    """Scale so that the shorter side is `edge`, truncating the longer one.

    Source: transformers `get_resize_output_image_size(default_to_square=False)`.
    """
    return (
        num.maximum(edge, num.trunc(edge * height / width)),
        num.maximum(edge, num.trunc(edge * width / height)),
    )


def shortest_edge_capped(height: Num, width: Num, shortest: int, longest: int) -> Size:
    """Scale so that the shorter side is `shortest`, unless the longer one would exceed `longest`.

    The capped short side is rounded half to even; the long side is computed from its unrounded
    value. An image keeps its size if its shorter side already fits.

    Source: transformers `get_size_with_aspect_ratio`.
    """
    small, large = num.minimum(height, width), num.maximum(height, width)
    capped = large / small * shortest > longest
    raw = num.where(capped, longest * small / large, float(shortest))
    short = num.where(capped, num.round_half_even(longest * small / large), shortest)
    keep = num.eq(small, short)
    tall = width < height
    new_height = num.where(tall, num.trunc(raw * height / width), short)
    new_width = num.where(tall, short, num.trunc(raw * width / height))
    return num.where(keep, height, new_height), num.where(keep, width, new_width)


def fit_within(height: Num, width: Num, max_height: int, max_width: int) -> Size:
    """Scale, up or down, to the largest size inside `max_height` x `max_width`, truncating both sides.

    Source: transformers `get_image_size_for_max_height_width`.
    """
    scale = num.minimum(max_height / height, max_width / width)
    return num.trunc(height * scale), num.trunc(width * scale)


def resized_size(height: Num, width: Num, size: Mapping[str, Any]) -> Size:
    """Return the size that the standard `resize` gives for a `size` setting.

    Args:
        height: the image's height, in pixels.
        width: the image's width, in pixels.
        size: a normalised size, e.g. `{"shortest_edge": 224}`.

    Raises:
        ConfigError: the standard resize does not take these keys (`longest_edge` alone,
            `min_pixels`).

    Source: the resize method of transformers' image processing backends, checked in its order.
    """
    given = {key for key, value in size.items() if value}
    if {"shortest_edge", "longest_edge"} <= given:
        return shortest_edge_capped(height, width, int(size["shortest_edge"]), int(size["longest_edge"]))
    if "shortest_edge" in given:
        return shortest_edge(height, width, int(size["shortest_edge"]))
    if {"max_height", "max_width"} <= given:
        return fit_within(height, width, int(size["max_height"]), int(size["max_width"]))
    if {"height", "width"} <= given:
        return int(size["height"]), int(size["width"])
    raise ConfigError(
        f"size: expected {{height, width}}, {{shortest_edge}}, {{shortest_edge, longest_edge}} or {{max_height, max_width}}, "
        f"got {dict(size)}. Give one of these forms."
    )


def center_window(side: Num, crop: Num, extra: str = "before") -> tuple[Num, Num, Num]:
    """Compute where a centre crop of `crop` pixels lies on an axis of `side` pixels.

    Returns `(start, length, before)`: the source pixels that are kept, and the number of zeros in
    front of them. Cropping starts at `floor((side - crop) / 2)`. A side shorter than the crop is
    padded with `ceil((crop - side) / 2)` zeros in front and the rest behind, or, with `extra`
    "after", the other way round.

    Source: transformers `image_transforms.center_crop` (Pil backend),
    `TorchvisionBackend.center_crop`.
    """
    start = (side - crop) // 2
    before = 0 - start if extra == "before" else (crop - side) // 2
    return num.maximum(start, 0), num.minimum(side, crop), num.maximum(before, 0)
