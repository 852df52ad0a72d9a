"""Choose the pieces of the result that the last axis step computes one after another.

What a piece writes stays in the cache. Pieces are equally long and fill the result, because a
loop's results lie one after another in memory. If they did not fill it, the whole result would be
copied once more. So the number of rows in a piece divides the number of rows.
"""

from __future__ import annotations

from collections.abc import Mapping

from graphproc.ops.resize.forms import BLOCK
from graphproc.sizes import num
from graphproc.sizes.num import Num

AREA = 320 << 10
"""The most pixels of a piece.

Nodes write some 20 bytes for each, and several threads need enough of them.
"""
LARGEST = 256
"""The most rows of a piece, unless one piece has all rows."""
SMALLEST = 32
"""The fewest rows of a piece that is computed from columns, unless one piece has all rows.

These rows lie side by side in each row of a product.
"""

RANK_STRIDE = 1 << 10
"""The factor of the rank in a number that holds a rank and a number of rows.

It is more than any number of rows.
"""
NO_FIT = 1 << 20
"""A number above every such number."""


def row_pieces(height: Num, width: Num) -> Num:
    """Return how many rows a piece has that is computed from rows.

    If its rows do not fill whole blocks, further rows are computed and thrown away. And every piece
    has a fixed cost, about that of 8000 pixels. If every number of rows costs more than twice the
    work, all rows are one piece.
    """
    if isinstance(height, int) and isinstance(width, int) and height * width <= AREA:
        return height
    return _cheapest(height, width, {rows: (-(-rows // BLOCK) * BLOCK + 8) / rows for rows in range(1, LARGEST + 1)}, 2)


def column_pieces(height: Num) -> Num:
    """Return how many rows a piece has that is computed from columns: as many as possible."""
    return _cheapest(height, 0, {rows: 1 / rows for rows in range(1, LARGEST + 1)}, 1 / SMALLEST)


def _cheapest(height: Num, width: Num, costs: Mapping[int, float], most: float) -> Num:
    """Return the number of rows that divides the height and costs least, or the height.

    The cost may be at most `most`; if no number of rows costs that little, one piece has all rows.
    With a width of 0 the area has no limit.
    """
    ranked = sorted((rows for rows in costs if costs[rows] <= most), key=lambda rows: costs[rows])
    rows = num.table(ranked)
    fits = num.both(num.eq(height % rows, 0), rows * width <= AREA)
    # One number holds rank and rows, so that the smallest gives both.
    place = num.smallest(num.where(fits, num.table(n * RANK_STRIDE + rows for n, rows in enumerate(ranked)), NO_FIT))
    return num.assume_at_least(num.where(place < NO_FIT, place % RANK_STRIDE, height), 1)
