"""Compute windows along the longer side of an image.

Sizes are in pixels, height before width. Height and width are ints or expressions, and every rule
keeps the order of its source's float64 operations.
"""

from __future__ import annotations

from typing import NamedTuple

from graphproc.sizes import num
from graphproc.sizes.canvas import Grid
from graphproc.sizes.num import Bool, Num
from graphproc.sizes.rules import Size


class Windows(NamedTuple):
    """Describe overlapping square windows along the longer side.

    Attributes:
        tall: whether they lie below each other; otherwise beside each other.
        number: how many there are.
        side: their length along the longer side.
        overlap: how many pixels neighbours share, as a float.
    """

    tall: Bool
    number: Num
    side: int
    overlap: Num

    def start(self, index: Num) -> Num:
        """Return where a window begins; it ends `side` pixels later, or with the image."""
        return num.trunc(index * (self.side - self.overlap))


def windows(height: Num, width: Num, side: int) -> Windows:
    """Return the fewest windows of `side` pixels that cover the longer side, evenly spread.

    Source: Eomt, `_split_image`.
    """
    long = num.maximum(height, width)
    count = (long + (side - 1)) // side
    overlap = num.where(count > 1, (count * side - long) / num.maximum(count - 1, 1), 0.0)
    return Windows(height > width, count, side, overlap)


class SnappedWindows(NamedTuple):
    """Describe a view of the whole image and, for large and elongated ones, windows of equal size.

    Attributes:
        padded: the size with zeros below or right, a square for thin images.
        shrunk: the size that the whole image is resized to before it becomes a square.
        canvas: the size to resize to before it is cut into windows; 1 x 1 if there are none.
        grid: rows and columns of windows; 0 and 0 if there are none.
        window: the size of a window.
    """

    padded: Size
    shrunk: Size
    canvas: Size
    grid: Grid
    window: Size


def snapped_windows(height: Num, width: Num, view: int, side: int, longest: int) -> SnappedWindows:
    """Lay out windows of side `side`; for an elongated image, of at most its shorter side.

    Each side is resized to the next number of windows. A rest of more than a fifth of a window
    makes one more. A side shorter than a window is a single, shorter one.

    Args:
        height: the image's height.
        width: the image's width.
        view: side of the view of the whole image.
        side: side of a window.
        longest: longest side of an image; larger ones are scaled down, truncating.

    Source: Step3p7, `_plan_patches`.
    """
    long, short = num.maximum(height, width), num.minimum(height, width)
    thin = num.both(short < 32, long / short > 4)
    padded = num.where(thin, long, height), num.where(thin, long, width)
    scale = longest / long
    shrunk = tuple(num.where(long > longest, num.trunc(length * scale), length) for length in padded)
    # A side of no pixels cannot be resized to; only its quotient has to be defined.
    long, short = num.maximum(*shrunk), num.maximum(num.minimum(*shrunk), 1)
    ratio = long / short
    of_large = num.where(ratio > 4, num.minimum(short, side), side)
    window = num.where(long <= view, num.where(ratio > 1.5, short, 0), of_large)
    some, step = window > 0, num.maximum(window, 1)

    def snapped(length: Num) -> Num:
        whole = step * (length // step + num.where(length % step > 0.2 * step, 1, 0))
        return num.where(some, num.where(length >= step, whole, length), 1)

    canvas = snapped(shrunk[0]), snapped(shrunk[1])
    return SnappedWindows(
        padded,
        (shrunk[0], shrunk[1]),
        canvas,
        Grid(*(num.where(some, num.maximum(length // step, 1), 0) for length in canvas)),
        (num.minimum(canvas[0], step), num.minimum(canvas[1], step)),
    )
