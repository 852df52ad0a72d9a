"""Cut an image into crops or slices; their number follows from its height and width.

Sizes are in pixels, height before width. Height and width are ints or expressions, and every rule
keeps the order of its source's float64 operations.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from graphproc.errors import ConfigError
from graphproc.sizes import num
from graphproc.sizes.canvas import Grid, grid_by_aspect
from graphproc.sizes.multiples import nearest
from graphproc.sizes.num import Bool, Num
from graphproc.sizes.rules import Size
from graphproc.sizes.smart_resize import pixels_within_any_shape


class PanAndScan(NamedTuple):
    """Describe crops along the longer side.

    Attributes:
        active: whether there are any.
        grid: their rows and columns; 0 and 0 if there are none.
        crop: the size of a crop. Crops start at its multiples; the last one may reach past the
            image and is shorter.
    """

    active: Bool
    grid: Grid
    crop: Size


def pan_and_scan(height: Num, width: Num, least_side: int, most_crops: int, least_ratio: float) -> PanAndScan:
    """Lay out as many crops as the long side is times the short one, from `least_ratio` on.

    The number is rounded half up. Crops are at least `least_side` wide and high, or there are none.

    Args:
        height: the image's height.
        width: the image's width.
        least_side: shortest side of a crop.
        most_crops: largest number of crops.
        least_ratio: long side / short side from which images are cropped.

    Raises:
        ConfigError: `most_crops` is below 1.

    Source: Gemma3, `pan_and_scan`.
    """
    if most_crops < 1:
        raise ConfigError(f"pan_and_scan_max_num_crops: expected at least 1, got {most_crops}.")
    wide = width >= height
    long, short = num.maximum(height, width), num.minimum(height, width)
    ratio = long / short
    count = num.minimum(num.floor(long / least_side), num.floor(ratio + 0.5))
    count = num.minimum(most_crops, num.maximum(2, count))
    part = num.ceil(long / count)
    active = num.both(ratio >= least_ratio, num.minimum(part, short) >= least_side)
    present = num.where(active, count, 0)
    one = num.minimum(present, 1)
    return PanAndScan(
        active,
        Grid(num.where(wide, one, present), num.where(wide, present, one)),
        (num.where(wide, height, part), num.where(wide, part, width)),
    )


def within_long_side(height: Num, width: Num, longest: int, least: int) -> Size:
    """Shrink to a longer side of at most `longest`, truncating; then no side is below `least`.

    Source: Idefics2, `get_resize_output_image_size`; Idefics3,
    `_resize_output_size_scale_below_upper_bound`.
    """
    aspect = width / height
    wide = width >= height
    over = num.maximum(height, width) > longest
    # On the side that is the longer one the scaled length is at least `longest` and the minimum restores it.
    scaled_height = num.minimum(num.trunc(longest / aspect), longest)
    scaled_width = num.minimum(num.trunc(longest * aspect), longest)
    new_height = num.where(over, num.where(wide, scaled_height, longest), height)
    new_width = num.where(over, num.where(wide, longest, scaled_width), width)
    return num.maximum(new_height, least), num.maximum(new_width, least)


def to_long_side(height: Num, width: Num, longest: Num, bound: int = 4096) -> Size:
    """Scale so that the longer side is `longest` and the other one is even; then shrink to `bound`.

    Source: Idefics3, SmolVLM and UltraVBert, `get_resize_output_image_size`.
    """
    aspect = width / height
    wide = width >= height
    # A side is the longer one where its scaled length is not below `longest`: no case distinction is needed but for the
    # parity, which only the shorter one is given.
    new_height = num.minimum(num.trunc(longest / aspect), longest)
    new_width = num.minimum(num.trunc(longest * aspect), longest)
    odd_height, odd_width = new_height % 2, new_width % 2
    if not isinstance(longest, int) or longest % 2:
        odd_height, odd_width = num.where(wide, odd_height, 0), num.where(wide, 0, odd_width)
    new_height, new_width = num.maximum(new_height + odd_height, 1), num.maximum(new_width + odd_width, 1)
    return within_long_side(new_height, new_width, bound, 1)


class TileSplit(NamedTuple):
    """Describe an image resized to whole tiles.

    Attributes:
        size: the size to resize to, multiples of the tile.
        grid: its tiles; 0 and 0 if the image is a single tile, which is then the only result.
    """

    size: Size
    grid: Grid


def tile_split(height: Num, width: Num, tile: int) -> TileSplit:
    """Round the longer side up to whole tiles, scale the other one with it and round it up, too.

    Source: Idefics3, SmolVLM and UltraVBert, `resize_for_vision_encoder` and `split_images`.
    """
    aspect = width / height
    wide = width >= height
    # Rounding up in ints is the source's ceil of a float64 quotient while sides are below 2**26.
    rows, columns = (height + (tile - 1)) // tile, (width + (tile - 1)) // tile
    rows_of_wide = (num.trunc(columns * tile / aspect) + (tile - 1)) // tile
    columns_of_tall = (num.trunc(rows * tile * aspect) + (tile - 1)) // tile
    rows, columns = num.where(wide, rows_of_wide, rows), num.where(wide, columns, columns_of_tall)
    several = num.maximum(rows, columns) > 1
    return TileSplit((rows * tile, columns * tile), Grid(num.where(several, rows, 0), num.where(several, columns, 0)))


_MOST_EDGES = 10_000


def capped_long_side(height: Num, width: Num, longest: int, tile: int, most: int) -> Num:
    """Lower `longest` by whole tiles until the image is split into at most `most` tiles.

    The first length that is not above a tile is always accepted.

    Args:
        height: the image's height.
        width: the image's width.
        longest: the longer side to begin with, at least 1.
        tile: side of a tile.
        most: most tiles.

    Raises:
        ConfigError: there are too many lengths to try.

    Source: UltraVBert, `get_capped_longest_edge`.
    """
    if longest > tile * _MOST_EDGES:
        raise ConfigError(f"size: expected a longest_edge of at most {_MOST_EDGES} tiles of {tile} pixels, got {longest}.")
    edges = [*range(longest, tile, -tile), (longest - 1) % tile + 1]
    candidates = num.table(edges)
    split = tile_split(*to_long_side(height, width, candidates), tile).size
    tiles = (split[0] // tile) * (split[1] // tile)
    last = num.table([*[0] * (len(edges) - 1), 1])
    return num.take(candidates, num.argmax(num.either(tiles <= most, num.eq(last, 1))))


class Slices(NamedTuple):
    """Describe a view of the whole image and, for large images, slices.

    Attributes:
        source: the size of the view of the whole image.
        grid: rows and columns of slices; 0 and 0 if there are none.
        slice: the size of a slice.
        refined: the size that is cut into slices: `slice` times the grid, with 1 for 0.
    """

    source: Size
    grid: Grid
    slice: Size
    refined: Size


def slices(height: Num, width: Num, most: int, side: int, multiple: int, *, enlarging: bool = True) -> Slices:
    """Lay out about as many slices as the image has `side` x `side` pixels.

    Their grid is the nearest one to the image's shape.

    Args:
        height: the image's height, below 2**20.
        width: the image's width, below 2**20.
        most: largest number of slices; 1 for none.
        side: the square root of about how many pixels a slice has, and the view of the whole image.
        multiple: what the sides of views and slices are multiples of (a patch times the merged
            patches).
        enlarging: whether the view of an image of at most `side` x `side` pixels is enlarged.

    Source: MiniCPMV4_6 and MiniCPMOcr, `get_sliced_grid`, `find_best_resize` and `get_refine_size`.
    The source enlarges the view only without a grid. There is no grid only if the image does not
    exceed `side` x `side`, or slices are off.
    """
    grid = _nearest_grid(height, width, most, side)
    rows, columns = num.maximum(grid.rows, 1), num.maximum(grid.columns, 1)
    source = _area_fit(height, width, side, multiple)
    if not enlarging:
        large, native = height * width > side * side, (nearest(height, multiple, multiple), nearest(width, multiple, multiple))
        source = num.where(large, source[0], native[0]), num.where(large, source[1], native[1])
    slice = _area_fit(nearest(height, rows, rows) / rows, nearest(width, columns, columns) / columns, side, multiple)
    return Slices(source, grid, slice, (slice[0] * rows, slice[1] * columns))


def _area_fit(height: Num, width: Num, side: int, multiple: int) -> Size:
    aspect = width / height
    new_height = num.trunc(side / num.sqrt(aspect))
    new_width = num.trunc(new_height * aspect)
    return nearest(new_height, multiple, multiple), nearest(new_width, multiple, multiple)


def _nearest_grid(height: Num, width: Num, most: int, side: int) -> Grid:
    """Choose, among grids of about `height * width / side**2` slices, the nearest in shape.

    The distance is that of log(width / height). Between two grids an image is nearer to the one
    with more columns if its squared shape exceeds the product of theirs, which is a comparison of
    ints. The source compares float64 logarithms; their difference errs by less than 2**-47, while
    unequal ints differ by a share of at least `1 / (most * side)**2`. So both agree for sides below
    2**20 and up to 9 slices. Images exactly in the middle have one of finitely many shapes; for
    each of these, the source's logarithms decide while the rule is traced.
    """
    if most <= 1:
        return Grid(0, 0)
    count = num.minimum((height * width + (side * side - 1)) // (side * side), most)
    numbers, rows, columns, times_width, times_height, least = _grid_tables(most)
    above = width * width * times_width - height * height * times_height >= least
    index = num.argmax(num.both(above, num.eq(numbers, count)))
    return Grid(num.take(rows, index), num.take(columns, index))


@cache
def _grid_tables(most: int) -> tuple[Num, ...]:
    """Return for every number of slices and grid the number, and what `_boundaries` returns.

    The last row is no grid, for one slice.
    """
    lines = [(number, *boundary) for number in range(2, most + 1) for boundary in _boundaries(number, most)]
    return tuple(num.table(column) for column in zip(*lines, (1, 0, 0, 1, 0, 0), strict=True))


def _boundaries(number: int, most: int) -> list[tuple[int, int, int, int, int]]:
    """Return the candidates for about `number` slices, widest first, each with its lower boundary.

    Returns:
        (rows, columns, a, b, c): shapes with `a * width**2 - b * height**2 >= c` belong to this
            grid or a wider one.
    """
    grids = [
        (rows, total // rows)
        for total in (number - 1, number, number + 1)
        if 1 < total <= most
        for rows in range(1, total + 1)
        if total % rows == 0
    ]
    grids.sort(key=lambda grid: Fraction(grid[1], grid[0]), reverse=True)
    found = []
    for (rows, columns), (next_rows, next_columns) in pairwise(grids):
        a, b = rows * next_rows, columns * next_columns
        root = math.isqrt(a * b)
        # Equally near only where width / height = sqrt(b / a) is a fraction.
        wins = root * root == a * b and _prefers_first((rows, columns), (next_rows, next_columns), root / a)
        found.append((rows, columns, a, b, 0 if wins else 1))
    return [*found, (*grids[-1], 1, 0, 0)]


def _prefers_first(first: tuple[int, int], second: tuple[int, int], shape: float) -> bool:
    """Return whether the source chooses the first of two (rows, columns) for a width / height.

    Their errors are equal, and the first one has more rows.
    """
    errors = [abs(math.log(shape) - math.log(columns / rows)) for rows, columns in (first, second)]
    return errors[0] < errors[1] or (errors[0] == errors[1] and first[0] > second[0])


class TokenTiles(NamedTuple):
    """Describe equal tiles of a large image, and the size of the whole image.

    Attributes:
        large: whether the image is cut.
        grid: its tiles; 1 and 1 if it is not cut.
        whole: the size of the image in one piece, multiples of a token.
    """

    large: Bool
    grid: Grid
    whole: Size


def token_tiles(
    height: Num,
    width: Num,
    token: int,
    patch: int,
    tokens: tuple[int, int],
    tile: int,
    tiles: tuple[int, int],
    tolerance: float,
) -> TokenTiles:
    """Lay out tiles for an image of too many tokens, and its size in one piece.

    The grid of the tiles is the nearest one to the image's shape.

    Args:
        height: the image's height.
        width: the image's width.
        token: side of a token.
        patch: what a side counts as if it is rounded to no token.
        tokens: fewest and most tokens of the whole image.
        tile: side of a tile.
        tiles: fewest and most tiles; 1 and 1 for none.
        tolerance: an image is cut if it has more than this times the most tokens.

    Source: Lfm2Vl, `_is_image_too_large`, `_get_grid_layout` and `smart_resize`.
    """
    whole = pixels_within_any_shape(height, width, token, *(count * token**2 for count in tokens))
    if tiles == (1, 1):
        return TokenTiles(False, Grid(1, 1), whole)
    pixels = nearest(height, token, patch) * nearest(width, token, patch)
    large = pixels > tokens[1] * token**2 * tolerance
    grid = grid_by_aspect(height, width, (tile, tile), *tiles, hashed=True)
    return TokenTiles(large, Grid(*(num.where(large, count, 1) for count in grid)), whole)
