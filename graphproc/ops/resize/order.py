"""Decide which axis a resize resamples first."""

from __future__ import annotations

from graphproc.numerics.filters import TORCH_BYTES
from graphproc.sizes import num
from graphproc.sizes.num import Bool, Num


def vertical_first(height: Num, width: Num, new_height: Num, new_width: Num, arithmetic: str) -> Bool:
    """Return whether the vertical axis step comes first.

    The image between the axis steps is rounded to bytes, so the order changes pixels. Torch never
    takes the vertical axis first. Pillow does if the image loses more than twice as many rows as
    columns: 3000 x 400 pixels that become 224 x 224 lose 2776 rows and 176 columns.

    Args:
        height, width: the image's sides, in pixels.
        new_height, new_width: the result's.
        arithmetic: `pillow` or `torch_bytes`.

    Source: observed behaviour of Pillow 13.0.0, `Image.resize`, and of torch 2.13 and 2.14,
        `interpolate`.
    """
    if arithmetic == TORCH_BYTES:
        return False
    return num.both(new_height < height, height - new_height > 2 * (width - new_width))
