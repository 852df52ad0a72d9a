"""Fit sizes to a side or a box, each with the rounding of its processor.

Every rule takes height and width in pixels as ints or traced expressions and returns `(height,
width)`. A thin side may be scaled to 0, which Pillow refuses.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphproc.sizes import num
from graphproc.sizes.num import Num
from graphproc.sizes.rules import Size


def longest_edge(height: Num, width: Num, edge: int) -> Size:
    """Scale so that the longer side is `edge`, truncating the other: `edge * (short / long)`.

    Source: transformers `get_resize_output_image_size` of Tvp.
    """
    flat = height < width
    short = num.trunc(edge * (num.minimum(height, width) / num.maximum(height, width)))
    return num.where(flat, short, edge), num.where(flat, edge, short)


def longest_edge_half_up(height: Num, width: Num, edge: int) -> Size:
    """Scale so that the longer side is `edge`, rounding both sides half up.

    Source: `SamImageProcessorPil._get_preprocess_shape` of transformers.
    """
    scale = edge / num.maximum(height, width)
    return num.trunc(height * scale + 0.5), num.trunc(width * scale + 0.5)


def longest_edge_half_even(height: Num, width: Num, edge: int, at_least: int = 0) -> Size:
    """Scale so that the longer side is `edge`, rounding both half to even, to at least `at_least`.

    Source: `resize` of transformers' DeepseekVL, DeepseekVLHybrid and Janus (`at_least` is their
    `min_size`), and the global view of DeepseekOcr2.
    """
    scale = edge / num.maximum(height, width)
    return (
        num.maximum(num.round_half_even(height * scale), at_least),
        num.maximum(num.round_half_even(width * scale), at_least),
    )


def longest_edge_times(height: Num, width: Num, factor: float, most: int | None) -> Size:
    """Scale by a factor, rounding both sides half up; the longer side grows to at most `most`.

    An image with a longer side above `most` is not enlarged.

    Source: `InklingImageProcessor._preprocess` of transformers.
    """
    longest = num.maximum(height, width)
    target = longest * factor
    if most is not None:
        target = num.minimum(target, num.maximum(most, longest))
    ratio = target / longest
    return num.floor(height * ratio + 0.5), num.floor(width * ratio + 0.5)


def shrink_within(height: Num, width: Num, max_height: int, max_width: int) -> Size:
    """Do as `rules.fit_within`, but keep the size of images that fit already.

    Source: `FuyuImageProcessorPil.resize` of transformers.
    """
    scale = num.minimum(num.minimum(max_height / height, max_width / width), 1.0)
    return num.trunc(height * scale), num.trunc(width * scale)


def thumbnail(height: Num, width: Num, max_height: int, max_width: int) -> Size:
    """Cut each side to its limit and scale the shorter side with the longer; a square is only cut.

    The shorter side may stay above its limit.

    Source: `thumbnail` of transformers' Donut and Nougat.
    """
    low, narrow = num.minimum(height, max_height), num.minimum(width, max_width)
    return (
        num.where(width > height, num.trunc(height * narrow / width), low),
        num.where(height > width, num.trunc(width * low / height), narrow),
    )


def line_width(height: Num, width: Num, to_height: int, to_width: int, longest: int) -> Num:
    """Return the width of a line of text that becomes `to_height` high, at most `longest`.

    It is rounded up if it is at most the width that `to_width` gives, else down.

    Source: `get_target_size` of transformers' PPOCRV5ServerRec and PPOCRV6SmallRec, for the widest
    image of a batch.
    """
    own = width / height
    wide = num.trunc(to_height * num.maximum(own, to_width / to_height))
    return num.where(wide > longest, longest, num.minimum(wide, num.ceil(to_height * own)))


@dataclass(frozen=True)
class Reduction:
    """Describe what Pillow does before a resize with a `reducing_gap`: it averages cells of pixels.

    Attributes:
        factor_height, factor_width: sides of a cell, in pixels; (1, 1) is no reduction.
        height, width: sides of the reduced image, in cells; cells at the lower and right edge may
            be smaller.
        box_height, box_width: float64, where the original ends in the reduced image: the resize
            reads up to there. Equal to height and width if the cells divide the original.
    """

    factor_height: Num
    factor_width: Num
    height: Num
    width: Num
    box_height: Num
    box_width: Num


def reduction(height: Num, width: Num, new_height: Num, new_width: Num, gap: float) -> Reduction:
    """Compute the reduction before resizing a whole image to `new_height` x `new_width`.

    Args:
        height, width: the image's sides.
        new_height, new_width: the result's sides, each at least 1.
        gap: the factor by which the resize itself still shrinks at least.

    Source: Pillow 13's `Image.resize` and `Image.reduce`. The margin that Pillow keeps around its
    box plays no part for a whole image.
    """

    def block(side: Num, new: Num) -> Num:
        return num.maximum(num.trunc(side / new / gap), 1)

    down, across = block(height, new_height), block(width, new_width)
    return Reduction(
        down,
        across,
        (height + (down - 1)) // down,
        (width + (across - 1)) // across,
        height / down,
        width / across,
    )
