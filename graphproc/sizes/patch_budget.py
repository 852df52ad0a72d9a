"""Compute sizes of images that are cut into at most a fixed number of patches.

Every rule takes height and width in pixels as ints or traced expressions and repeats the float64
operations of its source.
"""

from __future__ import annotations

from collections.abc import Callable

from graphproc.sizes import num
from graphproc.sizes.multiples import ceil_multiple
from graphproc.sizes.num import Bool, Num
from graphproc.sizes.rules import Size
from graphproc.sizes.smart_resize import CornerCanvas, Guarded, near_crossing

_LOW, _HIGH, _STEPS = 1e-5 / 10, 100.0, 1 << 24
"""The scales between which the source of `patches_within` bisects, and how many it can end at: it halves 24 times."""
_STEP = (_HIGH - _LOW) / _STEPS


def patches_within(height: Num, width: Num, patch: int, max_patches: int) -> Size:
    """Scale, up to 100 times, to as many patches as fit, each side up to whole patches.

    The source bisects for the largest scale that fits, to within 1e-5: it ends at one of 2**24
    equally spaced scales. Here that scale is computed. A side of p patches is full at scale p *
    patch / side. So the largest scale is the best of the pairs (k, max_patches // k) that
    `near_crossing` returns. Rounding down to the spaced scales keeps their order.

    Bisection rounds its scales a little differently. That never changed a number of patches: for
    every side up to 40,000, every number of patches up to 4096 and patches of 8, 14, 16 and 32
    pixels, the number is exceeded at the same scale.

    Source: transformers `get_image_size_for_max_num_patches` of Siglip2.
    """
    small, large = num.minimum(height, width), num.maximum(height, width)
    limit: Num = 0.0
    for short in near_crossing(height, width, max_patches):
        limit = num.maximum(limit, num.minimum(short * patch / small, max_patches // short * patch / large))
    index = num.floor((limit - _LOW) * (_STEPS / (_HIGH - _LOW)))
    scale = _LOW + num.maximum(num.minimum(index, _STEPS - 1), 0) * _STEP

    def side(length: Num) -> Num:
        return num.maximum(patch, num.ceil(length * scale / patch) * patch)

    return side(height), side(width)


def pooled_patches_within(height: Num, width: Num, patch: int, max_patches: int, pooling: int) -> Guarded:
    """Scale to the area of `max_patches` patches, each side down to a multiple of `pooling`.

    A side that would become 0 gets one multiple, and the other one as many as the aspect ratio
    says, in whole numbers.

    Source: transformers `get_aspect_ratio_preserving_size` of Gemma4.
    """
    pixels, unit = max_patches * patch**2, pooling * patch
    longest = max_patches // pooling**2 * unit
    factor = num.sqrt(pixels / (height * width))
    rows, columns = num.floor(factor * height / unit), num.floor(factor * width / unit)
    flat, thin = num.eq(rows, 0), num.eq(columns, 0)
    new_height = num.where(thin, num.minimum(num.maximum(height // width, 1) * unit, longest), num.maximum(rows, 1) * unit)
    new_width = num.where(flat, num.minimum(num.maximum(width // height, 1) * unit, longest), num.maximum(columns, 1) * unit)
    # the source's other refusal, of sizes with too many patches, cannot happen: both sides are floors
    holds = num.negate(num.both(flat, thin))
    message = f"the image is too elongated: no multiple of {unit} pixels of its shape has at most {max_patches} patches"
    return Guarded(new_height, new_width, holds, message)


def patch_grid_within(height: Num, width: Num, patch_height: int, patch_width: int, max_patches: int) -> Size:
    """Return rows and columns of the largest grid of at most `max_patches` patches.

    The grid has the image's shape, and at least one row and column. The image is resized to it.

    Source: `extract_flattened_patches` of transformers' Pix2Struct and Kosmos2_5. Pix2Struct raises
    to the power 0.5, which may differ from the square root in the last bit. This was seen to matter
    only if `max_patches` is a square of a number that is no power of two (900 patches, 3469 x 3469
    pixels: one row and column less).
    """
    scale = num.sqrt(max_patches * (patch_height / height) * (patch_width / width))
    return (
        num.maximum(num.minimum(num.trunc(scale * height / patch_height), max_patches), 1),
        num.maximum(num.minimum(num.trunc(scale * width / patch_width), max_patches), 1),
    )


def shrunk_on_canvas(height: Num, width: Num, patch: int, merge: int, max_patches: int, max_side: int) -> CornerCanvas:
    """Shrink to `max_patches` patches, and `max_side` along a side, on a canvas of whole tokens.

    A token is `merge` x `merge` patches. Only whole patches of the image count. The image is never
    enlarged, and may have a side of 1 pixel.

    Source: transformers `navit_resize` of Kimi_K25.
    """
    longest = max_side * patch
    patches = num.maximum(height // patch, 1) * num.maximum(width // patch, 1)
    scale = num.minimum(num.minimum(1.0, num.sqrt(max_patches / patches)), num.minimum(longest / height, longest / width))
    tall, wide = (num.minimum(num.maximum(num.trunc(side * scale), 1), longest) for side in (height, width))
    return CornerCanvas(*ceil_multiple(tall, wide, merge * patch), tall, wide)


def pixels_between(height: Num, width: Num, min_pixels: int | None, max_pixels: int | None, max_side: int | None = None) -> Size:
    """Scale to `min_pixels` .. `max_pixels` and no side above `max_side`; keep the shape.

    Both sides are rounded to the nearest number; down if that gives too many pixels, and up if it
    gives too few and rounding up does not give too many. The upper limits take precedence over the
    lower one; a limit may be None.

    The source raises to the power 0.5, which may differ from the square root in the last bit.

    Source: transformers `get_resize_output_size` of NeoMME.
    """
    pixels = height * width
    small = False if min_pixels is None else pixels < min_pixels
    scale: Num = 1.0 if min_pixels is None else num.where(small, num.sqrt(min_pixels / pixels), 1.0)
    if max_side is not None:
        scale = num.minimum(scale, max_side / num.maximum(height, width))
    if max_pixels is not None:
        scale = num.minimum(scale, num.sqrt(max_pixels / pixels))

    def scaled(rounding: Callable[[Num], Num]) -> Size:
        return num.maximum(rounding(height * scale), 1), num.maximum(rounding(width * scale), 1)

    def too_large(size: Size) -> Bool:
        long = False if max_side is None else num.maximum(*size) > max_side
        return long if max_pixels is None else num.either(long, size[0] * size[1] > max_pixels)

    near, tall, wide = scaled(num.round_half_even), *scaled(num.floor)
    if max_pixels is not None:
        over, upright = tall * wide > max_pixels, tall >= wide
        tall, wide = (
            num.where(num.both(over, upright), num.maximum(max_pixels // wide, 1), tall),
            num.where(num.both(over, num.negate(upright)), num.maximum(max_pixels // tall, 1), wide),
        )
    up = scaled(num.ceil)
    few = False if min_pixels is None else num.both(small, near[0] * near[1] < min_pixels)
    grow, cut = num.both(few, num.negate(too_large(up))), too_large(near)
    return (
        num.where(cut, tall, num.where(grow, up[0], near[0])),
        num.where(cut, wide, num.where(grow, up[1], near[1])),
    )


def merged_patches_between(height: Num, width: Num, patch: int, merge: int, fewest: int, most: int) -> Guarded:
    """Scale the image's own grid of patches to between `fewest` and `most` patches.

    The grid's sides are multiples of `merge`. A side is rounded up if that does not give too many
    patches, else down, but never to 0.

    Source: transformers `get_patch_grid_size` of NemotronH_Omni_Reasoning_V3.
    """
    rows, columns = num.round_half_even(height / patch + 0.5), num.round_half_even(width / patch + 0.5)
    factor = num.minimum(num.sqrt(most / (rows * columns)), 1.0)
    rows, columns = num.floor(factor * rows), num.floor(factor * columns)
    holds = num.both(rows >= 1, columns >= 1)
    rows, columns = num.maximum(rows, 1), num.maximum(columns, 1)
    if most > fewest:
        few, factor = rows * columns < fewest, num.sqrt(fewest / (rows * columns))
        rows, columns = (num.where(few, num.ceil(factor * side), side) for side in (rows, columns))

    def merged(side: Num, other: Num) -> Num:
        down, up = side // merge * merge, (side + (merge - 1)) // merge * merge
        return num.where(up * other <= most, up, num.where(num.eq(side, up), side, num.maximum(down, merge)))

    rows = merged(rows, columns)
    columns = merged(columns, rows)
    message = f"the image is so long that {most} patches of {patch} pixels leave none for its other side"
    return Guarded(rows * patch, columns * patch, holds, message)
