"""Pieces of the result that the last axis step computes one after the other, so that what it writes stays in the cache.

Pieces are equally long and fill the result, because a loop's results lie one behind the other: where they did not fit, all of
the result would be copied once more. So the number of rows in a piece divides the number of rows.
"""

from __future__ import annotations

from collections.abc import Mapping

from graphproc.ops.resize.forms import BLOCK
from graphproc.sizes import num
from graphproc.sizes.num import Num

AREA = 320 << 10
"""Pixels of a piece, at most: nodes write some 20 bytes of each, and several threads want enough of them."""
LARGEST = 256
"""Rows of a piece, at most, unless a piece is all of them."""
SMALLEST = 32
"""Rows of a piece of columns, at least, unless a piece is all of them: they are what a product's rows hold side by side."""

RANK_STRIDE = 1 << 10
"""What ranks lie apart in one number with rows: more than any number of rows."""
NO_FIT = 1 << 20
"""More than any rank with its rows."""


def row_pieces(height: Num, width: Num) -> Num:
    """How many rows a piece has that is computed from rows.

    A piece of another number than whole blocks computes rows that are thrown away, and every piece costs as much as about
    8000 pixels before it computes any. Where no number of rows costs less than twice the work, all rows are one piece.
    """
    if isinstance(height, int) and isinstance(width, int) and height * width <= AREA:
        return height
    return _cheapest(height, width, {rows: (-(-rows // BLOCK) * BLOCK + 8) / rows for rows in range(1, LARGEST + 1)}, 2)


def column_pieces(height: Num) -> Num:
    """How many rows a piece has that is computed from columns: as many as there may be."""
    return _cheapest(height, 0, {rows: 1 / rows for rows in range(1, LARGEST + 1)}, 1 / SMALLEST)


def _cheapest(height: Num, width: Num, costs: Mapping[int, float], most: float) -> Num:
    """The number of rows that divides the height and costs least, and at most so much; the height where there is none.

    A width of 0 sets no limit to the area.
    """
    ranked = sorted((rows for rows in costs if costs[rows] <= most), key=lambda rows: costs[rows])
    rows = num.table(ranked)
    fits = num.both(num.eq(height % rows, 0), rows * width <= AREA)
    # Rank and number in one, so that the smallest is both.
    place = num.smallest(num.where(fits, num.table(n * RANK_STRIDE + rows for n, rows in enumerate(ranked)), NO_FIT))
    return num.assume_at_least(num.where(place < NO_FIT, place % RANK_STRIDE, height), 1)
