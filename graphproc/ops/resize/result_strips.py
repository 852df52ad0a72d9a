"""Choose the strips of the result that the second axis step computes one after another.

What a strip writes stays in the cache. Strips are equally long and fill the result, because a
loop's results lie one after another in memory. If they did not fill it, the whole result would be
copied once more. So the number of rows in a strip divides the number of rows: 800 rows of 1066
pixels come in strips of 200 rows.
"""

from __future__ import annotations

from collections.abc import Mapping

from graphproc.ops.resize.forms import BLOCK_LENGTH
from graphproc.sizes import num
from graphproc.sizes.num import Num

MOST_PIXELS = 320 << 10
"""The most pixels of a strip.

Nodes write some 20 bytes for each, and several threads need enough of them.
"""
MOST_ROWS = 256
"""The most rows of a strip, unless one strip has all rows."""
LEAST_ROWS = 32
"""The fewest rows of a strip that is computed from columns, unless one strip has all rows.

These rows lie side by side in each row of a product.
"""

RANK_STRIDE = 1 << 10
"""The factor of the rank in a number that holds a rank and a number of rows.

It is more than any number of rows.
"""
NO_FIT = 1 << 20
"""A number above every such number."""


def strip_rows(height: Num, width: Num) -> Num:
    """Return how many rows a strip has that is computed from rows.

    If its rows do not fill whole blocks, further rows are computed and thrown away. And every strip
    has a fixed cost, about that of 8000 pixels. If every number of rows costs more than twice the
    work, one strip has all rows.
    """
    if isinstance(height, int) and isinstance(width, int) and height * width <= MOST_PIXELS:
        return height
    costs = {rows: (-(-rows // BLOCK_LENGTH) * BLOCK_LENGTH + 8) / rows for rows in range(1, MOST_ROWS + 1)}
    return _cheapest(height, width, costs, 2)


def strip_rows_from_columns(height: Num) -> Num:
    """Return how many rows a strip has that is computed from columns: as many as possible."""
    return _cheapest(height, 0, {rows: 1 / rows for rows in range(1, MOST_ROWS + 1)}, 1 / LEAST_ROWS)


def _cheapest(height: Num, width: Num, costs: Mapping[int, float], most: float) -> Num:
    """Return the number of rows that divides the height and costs least, or the height.

    The cost may be at most `most`; if no number of rows costs that little, one strip has all rows.
    With a width of 0 the area has no limit.
    """
    ranked = sorted((rows for rows in costs if costs[rows] <= most), key=lambda rows: costs[rows])
    rows = num.table(ranked)
    fits = num.both(num.eq(height % rows, 0), rows * width <= MOST_PIXELS)
    # One number holds rank and rows, so that the smallest gives both.
    place = num.smallest(num.where(fits, num.table(n * RANK_STRIDE + rows for n, rows in enumerate(ranked)), NO_FIT))
    return num.assume_at_least(num.where(place < NO_FIT, place % RANK_STRIDE, height), 1)
