"""Choose the grid of tiles that keeps enough of an image's area, as Ovis 2 does.

Height and width are ints or expressions, in pixels. The rule keeps the order of its source's
float64 operations, because ties depend on it.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from graphproc.errors import ConfigError
from graphproc.sizes import num
from graphproc.sizes.canvas import Grid, grids_within
from graphproc.sizes.num import Num


def covering_grid(height: Num, width: Num, tile: int, maximum: int, *, compensated: bool, threshold: float = 0.9) -> Grid:
    """Choose the smallest grid of tiles that keep more than `threshold` of an image's area.

    Each tile is shrunk to `tile` x `tile`. If several grids have as few tiles, it is the one that
    keeps most, then the first. If none keeps enough, it is the one that keeps most. The source
    measures cuts into `columns` rows and `rows` columns, so the grid is the transpose of what was
    measured. A tile's area is exact, or one float64 division and two products; areas are added in
    float64, tile after tile.

    Args:
        height: the image's height.
        width: the image's width.
        tile: side of a tile.
        maximum: most tiles.
        compensated: whether areas are added as Python's `sum` adds floats from 3.12 on (Neumaier:
            the rounding errors of float64 additions are collected and added last), or as up to
            3.11. Many square images, and some others, get another grid.
        threshold: share of the area, from 0 to 1.

    Raises:
        ConfigError: `maximum` is below 1.

    Source: Ovis2, `get_min_tile_covering_grid`.
    """
    if maximum < 1:
        raise ConfigError(f"max_patches: expected at least 1, got {maximum}.")
    tiles = _covering_tiles(maximum)
    ratio = _covered(height, width, tile, tiles, compensated)
    count = num.where(ratio > threshold, tiles.rows * tiles.columns, maximum + 1)
    index = num.argmax(num.where(num.eq(count, num.smallest(count)), ratio, -1.0))
    return Grid(num.take(tiles.rows, index), num.take(tiles.columns, index))


def _covered(height: Num, width: Num, tile: int, tiles: _CoveringTiles, compensated: bool) -> Num:
    """Compute what share of the image's area each grid keeps."""
    tile_height, tile_width = _part(height, *tiles.down), _part(width, *tiles.across)
    long, short = num.maximum(tile_width, tile_height), num.minimum(tile_width, tile_height)
    area = num.where(long > tile, tile * (short / num.maximum(long, 1) * tile), long * short)
    total: Num = num.take(area, tiles.order[0])
    error: Num = 0
    counts = num.where(_counts(long, tiles) > tile, 1.0, 0.0)
    for order, flag in zip(tiles.order[1:], tiles.flags[1:], strict=True):
        term = num.take(area, order)
        rounded = total + term
        if compensated:
            # The exact error of an addition of numbers that are not negative; 0 for ints.
            lost = num.maximum(total, term) - rounded + num.minimum(total, term)
            error = error + num.take(counts, flag) * lost
        total = rounded
    return (total + error) / (width * height)


class _Parts(NamedTuple):
    """Hold the parts of a side for each kind of tile: `side // parts * times + side * rest`."""

    parts: Num
    times: Num
    rest: Num


class _CoveringTiles(NamedTuple):
    """Hold the tables of `covering_grid`.

    A grid has four kinds of tiles: inner ones, and those of the last column, the last row and the
    corner, which take the remainder. `down` and `across` hold the parts for the four kinds of each
    grid, and at the end for a tile of no area. `order` holds, for each position, which kind every
    grid has there.

    A compensated sum leaves out the error of adding an int, and of adding the first float to ints.
    A tile's area is a float if its longer side exceeds the tile, and the remainder makes no tile
    shorter. So the error at a position counts if one of these exceeds it: the inner tiles, those of
    the last column, those of the last row, both of the latter, or either. `first` and `second` are
    the two kinds to compare for each of these five flags of each grid, and at the end for no flag.
    `needed` says whether both must exceed it. `flags` holds, for each position, the flag of every
    grid.
    """

    rows: Num
    columns: Num
    down: _Parts
    across: _Parts
    order: tuple[Num, ...]
    first: Num
    second: Num
    needed: Num
    flags: tuple[Num, ...]


def _counts(long: Num, tiles: _CoveringTiles) -> Num:
    """Compute the side that exceeds the tile if a flag is set."""
    first, second = num.take(long, tiles.first), num.take(long, tiles.second)
    return num.where(num.eq(tiles.needed, 1), num.minimum(first, second), num.maximum(first, second))


@cache
def _covering_tiles(maximum: int) -> _CoveringTiles:
    grids = grids_within(1, maximum, maximum)

    def parts(cuts: list[tuple[int, bool]]) -> _Parts:
        return _Parts(
            num.table([*(n for n, _ in cuts), 1]),
            num.table([*(1 - n if last else 1 for n, last in cuts), 0]),
            num.table([*(int(last) for _, last in cuts), 0]),
        )

    def kind(number: int, down: int, across: int, position: int) -> int:
        if position >= down * across:
            return 4 * len(grids)
        row, column = divmod(position, across)
        return 4 * number + 2 * (row == down - 1) + (column == across - 1)

    inner, column, row, both, either = range(5)

    def flag(number: int, down: int, across: int, position: int) -> int:
        if position == 0 or position >= down * across:
            return 5 * len(grids)
        y, x = divmod(position, across)
        if y < down - 1:
            found = column if x == across - 1 and y > 0 else inner
        elif down == 1:
            found = row
        elif x < across - 1:
            found = row if x > 0 else both
        else:
            found = either if across > 1 else column
        return 5 * number + found

    # Kinds are numbered inner 0, last column 1, last row 2; the longer side of no tile is 0, which exceeds nothing.
    asked = [(4 * i + a, 4 * i + b) for i in range(len(grids)) for a, b in ((0, 0), (1, 1), (2, 2), (1, 2), (1, 2))]
    asked.append((4 * len(grids), 4 * len(grids)))
    return _CoveringTiles(
        num.table(b for _, b in grids),
        num.table(a for a, _ in grids),
        parts([(down, last) for down, _ in grids for last in (False, False, True, True)]),
        parts([(across, last) for _, across in grids for last in (False, True, False, True)]),
        tuple(num.table(kind(i, *grid, position) for i, grid in enumerate(grids)) for position in range(maximum)),
        num.table(a for a, _ in asked),
        num.table(b for _, b in asked),
        num.table(int(i % 5 == both) for i in range(len(asked))),
        tuple(num.table(flag(i, *grid, position) for i, grid in enumerate(grids)) for position in range(maximum)),
    )


def _part(side: Num, parts: Num, times: Num, rest: Num) -> Num:
    return side // parts * times + side * rest
