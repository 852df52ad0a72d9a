"""Round sizes to multiples, and compute the padding that reaches them.

Every rule takes height and width in pixels as ints or traced expressions and returns `(height,
width)`. A size rounded down, or a scaled thin side, may be 0, which Pillow refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphproc.sizes import num
from graphproc.sizes.num import Num
from graphproc.sizes.rules import Size, resized_size, shortest_edge


def parts(length: Num, divisor: int) -> Num:
    """Return how many whole parts of `divisor` a length has.

    It states that no length is negative, which saves a graph the floor of negative numbers.
    """
    return num.maximum(length, 0) // divisor


def parts_up(length: Num, divisor: int) -> Num:
    """Return how many parts of `divisor` cover a length: 4 parts of 4 cover 13."""
    return parts(length + (divisor - 1), divisor)


def nearest(length: Num, divisor: Num, least: Num) -> Num:
    """Return the nearest multiple of a length, half to even, but at least `least`."""
    return num.maximum(num.round_half_even(length / divisor) * divisor, least)


def floor_multiple(height: Num, width: Num, divisor: int) -> Size:
    """Round both sides down to a multiple of `divisor`.

    Source: `GLPNImageProcessorPil.resize` of transformers.
    """
    return parts(height, divisor) * divisor, parts(width, divisor) * divisor


def ceil_multiple(height: Num, width: Num, divisor: int) -> Size:
    """Round both sides up to a multiple of `divisor`.

    Source: `VitMatteImageProcessorPil.pad_image` of transformers, where it is the padded size.
    """
    return parts_up(height, divisor) * divisor, parts_up(width, divisor) * divisor


def above_multiple(height: Num, width: Num, divisor: int) -> Size:
    """Round both sides up to the next larger multiple of `divisor`: of 8, 8 becomes 16.

    Source: `Swin2SRImageProcessorPil.pad` of transformers.
    """
    return (height // divisor + 1) * divisor, (width // divisor + 1) * divisor


def centered_padding(side: Num, divisor: int) -> tuple[Num, Num]:
    """Return how many pixels before and after a side make it a multiple of `divisor`.

    If their number is odd, one more comes after it.

    Source: `DPTImageProcessorPil.pad_image` and that of PromptDepthAnything in transformers.
    """
    missing = (0 - side) % divisor
    return missing // 2, (missing + 1) // 2


def shortest_edge_ceiled(height: Num, width: Num, edge: int, divisor: int) -> Size:
    """Scale as `rules.shortest_edge`, then round both sides up to a multiple of `divisor`.

    Source: `TextNetImageProcessorPil.resize` of transformers.
    """
    return ceil_multiple(*shortest_edge(height, width, edge), divisor)


def shortest_edge_rounded(height: Num, width: Num, edge: int, divisor: int) -> Size:
    """Scale so that the shorter side is `edge`, round half to even, then up to a multiple.

    Source: `PPLCNetImageProcessor.get_image_size` of transformers.
    """
    scale = edge / num.minimum(height, width)
    return ceil_multiple(num.round_half_even(height * scale), num.round_half_even(width * scale), divisor)


def resized_ceiled(height: Num, width: Num, size: Mapping[str, Any], divisor: int) -> Size:
    """Resize as standard, then round both sides up to a multiple of `divisor`; 0 leaves them.

    Raises:
        ConfigError: the standard resize does not take this kind of size.

    Source: `resize` of transformers' MaskFormer and Mask2Former. Unlike the standard resize they
    refuse a `shortest_edge` alone; the caller checks that.
    """
    new = resized_size(height, width, size)
    return ceil_multiple(*new, divisor) if divisor > 0 else new


def capped_edge_floored(height: Num, width: Num, shortest: int, longest: int, divisor: int = 16) -> Size:
    """Scale as `rules.shortest_edge_capped`, then round both sides down to a multiple of `divisor`.

    A tall image is scaled even if its width already is the wanted short side; this matters if that
    side was rounded.

    Source: transformers `get_size_with_aspect_ratio_yolos`.
    """
    small, large = num.minimum(height, width), num.maximum(height, width)
    capped = large / small * shortest > longest
    exact = longest * small / large
    raw = num.where(capped, exact, float(shortest))
    short = num.where(capped, num.round_half_even(exact), shortest)
    tall = width < height
    new_height = num.where(tall, num.trunc(raw * height / width), short)
    new_width = num.where(tall, short, num.where(num.eq(height, short), width, num.trunc(raw * width / height)))
    return floor_multiple(new_height, new_width, divisor)


def short_side_floored(height: Num, width: Num, shorter: int, divisor: int) -> Size:
    """Scale the short side to `shorter`, round half up, then down to a multiple.

    The short side becomes smaller if the long one would exceed 1333/800 of `shorter`.

    Source: transformers `get_resize_output_image_size` of BridgeTower and Vilt, with the `longer`
    that their `resize` gives.
    """
    longer = int(1333 / 800 * shorter)
    flat = height < width
    scale = shorter / num.minimum(height, width)
    new_height, new_width = num.where(flat, shorter, scale * height), num.where(flat, scale * width, shorter)
    large = num.maximum(new_height, new_width)
    again = num.where(large > longer, longer / large, 1.0)
    return floor_multiple(num.trunc(again * new_height + 0.5), num.trunc(again * new_width + 0.5), divisor)


def _scales(height: Num, width: Num, to_height: int, to_width: int, keep_aspect_ratio: bool) -> tuple[Num, Num]:
    """Return the factor of each side; with the aspect ratio kept, the one nearer to 1 for both."""
    down, across = to_height / height, to_width / width
    if not keep_aspect_ratio:
        return down, across
    # |1 - a| < |1 - b| without an absolute value: max(x, -x) has the same bits
    left, right = 1 - across, 1 - down
    scale = num.where(num.maximum(left, 0 - left) < num.maximum(right, 0 - right), across, down)
    return scale, scale


def nearest_multiple(
    height: Num, width: Num, to_height: int, to_width: int, keep_aspect_ratio: bool, multiple: int | float
) -> Size:
    """Scale towards `to_height` x `to_width` and round each side, half to even, to a multiple.

    With `keep_aspect_ratio` both sides take the scale that is nearer to 1. With a multiple that is
    a fraction, the sides stay float64 and are truncated later.

    Source: `get_resize_output_image_size` of transformers' DPT, PromptDepthAnything and ZoeDepth;
    the last one truncates, which changes no multiple that is an int. Their correction of sizes
    below zero never applies.
    """
    down, across = _scales(height, width, to_height, to_width, keep_aspect_ratio)
    return (
        num.trunc(num.round_half_even(down * height / multiple) * multiple),
        num.trunc(num.round_half_even(across * width / multiple) * multiple),
    )


def root_padding(height: Num, width: Num) -> tuple[Num, Num]:
    """Return how many rows go above and below, and how many columns left and right.

    It is three times the root of half the side, truncated.

    Source: `ZoeDepthImageProcessorPil.pad_image` of transformers.
    """
    return num.trunc(num.sqrt(height / 2) * 3), num.trunc(num.sqrt(width / 2) * 3)


LIMITS = ("max", "min", "resize_long")
"""What a limit of one side may be."""


def limited_side_rounded(height: Num, width: Num, limit: int, kind: str, longest: int | None, divisor: int = 32) -> Size:
    """Scale by a limit of one side, truncating; round both sides, half to even, to a multiple.

    Each side becomes at least one `divisor`.

    Args:
        height, width: the image's sides.
        limit: the most of the longer side (`max`), the least of the shorter one (`min`), or the new
            longer side (`resize_long`).
        kind: which of these the limit is.
        longest: the most of the longer side after that; None for no limit.
        divisor: what the sides become multiples of.

    Source: `PPOCRV5ServerDetImageProcessor.get_image_size` of transformers.
    """
    large = num.maximum(height, width)
    if kind == "max":
        ratio = num.where(large > limit, limit / large, 1.0)
    elif kind == "min":
        small = num.minimum(height, width)
        ratio = num.where(small < limit, limit / small, 1.0)
    else:
        ratio = limit / large
    height, width = num.trunc(height * ratio), num.trunc(width * ratio)
    if longest is not None:
        large = num.maximum(height, width)
        again = num.where(large > longest, longest / num.maximum(large, 1), 1.0)
        height, width = num.trunc(height * again), num.trunc(width * again)
    return (
        num.maximum(num.round_half_even(height / divisor) * divisor, divisor),
        num.maximum(num.round_half_even(width / divisor) * divisor, divisor),
    )


def within_ceiled(height: Num, width: Num, max_height: int, max_width: int, patch_height: int, patch_width: int) -> Size:
    """Shrink to inside `max_height` x `max_width`, never enlarge, then round up to whole patches.

    Source: transformers `get_resize_output_image_size` of Pixtral.
    """
    ratio = num.maximum(num.maximum(height / max_height, width / max_width), 1.0)
    tall, wide = num.floor(height / ratio) + (patch_height - 1), num.floor(width / ratio) + (patch_width - 1)
    return parts(tall, patch_height) * patch_height, parts(wide, patch_width) * patch_width
