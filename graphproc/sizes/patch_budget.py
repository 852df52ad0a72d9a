"""Sizes of images that are cut into at most a fixed number of patches.

Every rule takes height and width in pixels as ints or traced expressions and repeats the float64 operations of its source.
"""

from __future__ import annotations

from graphproc.sizes import num
from graphproc.sizes.num import Num
from graphproc.sizes.rules import Size
from graphproc.sizes.smart_resize import Guarded, near_crossing

_LOW, _HIGH, _STEPS = 1e-5 / 10, 100.0, 1 << 24
"""The scales between which the source of `patches_within` bisects, and how many it can end at: it halves 24 times."""
_STEP = (_HIGH - _LOW) / _STEPS


def patches_within(height: Num, width: Num, patch: int, max_patches: int) -> Size:
    """Scale, up to 100 times, to as many patches as fit, each side up to whole patches.

    The source bisects for the largest scale that fits, to within 1e-5: it ends at one of 2**24 equally spaced scales.
    Here that scale is computed. A side of p patches is full at scale p * patch / side, so the largest scale of all is the
    best of the pairs (k, max_patches // k) that `near_crossing` gives; flooring to the spaced scales keeps their order.

    Bisection rounds its scales a little differently. That never changed a number of patches: for every side up to 40,000,
    every number of patches up to 4096 and patches of 8, 14, 16 and 32 pixels, the scale where the number is passed is the
    same one.

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
    """Scale to the area of `max_patches` patches, each side down to a multiple of `pooling` patches.

    A side that would vanish gets one multiple, and the other one as many as the aspect ratio says, in whole numbers.

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
    return Guarded(new_height, new_width, holds, f"no multiple of {unit} pixels of its shape has at most {max_patches} patches")


def patch_grid_within(height: Num, width: Num, patch_height: int, patch_width: int, max_patches: int) -> Size:
    """Rows and columns of the largest grid of at most `max_patches` patches of the image's shape, at least one of each.

    The image is resized to that many patches.

    Source: `extract_flattened_patches` of transformers' Pix2Struct and Kosmos2_5. Pix2Struct raises to the power 0.5,
    which may differ from the square root in the last bit; only with a `max_patches` that is a square of a number that is
    no power of two was a size seen where it matters (900 patches, 3469 x 3469 pixels: one row and column less).
    """
    scale = num.sqrt(max_patches * (patch_height / height) * (patch_width / width))
    return (
        num.maximum(num.minimum(num.trunc(scale * height / patch_height), max_patches), 1),
        num.maximum(num.minimum(num.trunc(scale * width / patch_width), max_patches), 1),
    )
