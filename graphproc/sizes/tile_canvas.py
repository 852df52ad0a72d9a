"""Choose a canvas of square tiles by scales in float32, or by how many tiles hold an image.

These rules share the types of `canvas`. As there, candidates are tables, and every rule keeps the
order of its source's operations.
"""

from __future__ import annotations

from typing import NamedTuple

from graphproc.sizes import num
from graphproc.sizes.canvas import Grid, grid_by_aspect
from graphproc.sizes.num import Num
from graphproc.sizes.rules import Size

_HUGE = 2.0**62


class ChunkedCanvas(NamedTuple):
    """Describe an image fitted into the upper left of a canvas of equal tiles.

    Attributes:
        canvas: its size.
        fitted: the size to resize to; zeros follow below and right.
        grid: its tiles.
    """

    canvas: Size
    fitted: Size
    grid: Grid


def chunked_canvas(height: Num, width: Num, tile: int, maximum: int, *, largest: bool) -> ChunkedCanvas:
    """Choose the canvas that the image fits with the least enlargement.

    If it fits none without a reduction, choose the one with the least reduction. If several are
    equal, choose the one with the smallest area. An image that is smaller than its canvas is
    enlarged to at most a tile. With `largest`, it is enlarged to the whole canvas, which is then
    the one with the most enlargement. Scales are float32, except those of a side that fits, which
    are float64.

    Args:
        height: the image's height.
        width: the image's width.
        tile: side of a tile.
        maximum: most tiles.
        largest: whether images are enlarged as far as possible.

    Source: Llama4, `find_supported_resolutions`, `get_best_fit` and
    `get_max_res_without_distortion`. There, a side that is cut to the canvas is an element of a
    tensor, and any other a Python number, which comparisons round to the tensor's type.
    """
    grids = [(a, b) for a in range(1, maximum + 1) for b in range(1, maximum // a + 1)]
    heights, widths = num.table(a * tile for a, _ in grids), num.table(b * tile for _, b in grids)
    scale = num.minimum(num.to_float32(heights / height), num.to_float32(widths / width))
    fits = scale >= 1
    enlarging = num.largest(num.where(fits, scale, 0.0)) if largest else num.smallest(num.where(fits, scale, _HUGE))
    best = num.where(num.any_of(fits), enlarging, num.largest(scale))
    area = heights * widths
    index = num.argmin(num.where(num.eq(scale, best), area, num.largest(area) + 1))
    canvas = num.take(heights, index), num.take(widths, index)
    goal_height, goal_width = (
        canvas
        if largest
        else (num.minimum(num.maximum(side, tile), most) for side, most in zip((height, width), canvas, strict=True))
    )
    across, down = goal_width / width, goal_height / height
    cut = [largest or most < num.maximum(side, tile) for side, most in zip((height, width), canvas, strict=True)]
    rounded = num.both(num.either(*cut), num.to_float32(across) < num.to_float32(down))
    narrow = num.either(rounded, num.both(num.negate(num.either(*cut)), across < down))
    low = num.where(cut[1], num.to_float32(height * num.to_float32(across)), height * across)
    slim = num.where(cut[0], num.to_float32(width * num.to_float32(down)), width * down)
    fitted_height = num.where(narrow, num.minimum(num.floor(low), goal_height), goal_height)
    fitted_width = num.where(narrow, goal_width, num.minimum(num.floor(slim), goal_width))
    return ChunkedCanvas(
        canvas,
        (num.maximum(fitted_height, 1), num.maximum(fitted_width, 1)),
        Grid(*(num.take(num.table(grid[axis] for grid in grids), index) for axis in (0, 1))),
    )


class PaddedGrid(NamedTuple):
    """Describe an image scaled to the upper left of a canvas of equal square tiles.

    Attributes:
        grid: its tiles.
        fitted: the size to resize to. One side is the canvas's; the rest of the other one follows
            below or right.
        rest: what is missing from the canvas's height and width, in pixels.
    """

    grid: Grid
    fitted: Size
    rest: Size


def padded_grid(height: Num, width: Num, tile: int, maximum: int) -> PaddedGrid:
    """Return as many tiles as hold the image; if too many, the grid of the nearest shape.

    Args:
        height: the image's height.
        width: the image's width.
        tile: side of a tile.
        maximum: most tiles.

    Source: Phi4Multimodal, `dynamic_preprocess`.
    """
    rows, columns = (height + (tile - 1)) // tile, (width + (tile - 1)) // tile
    many = rows * columns > maximum
    nearest = grid_by_aspect(height, width, (tile, tile), 1, maximum, hashed=True)
    rows, columns = num.where(many, nearest.rows, rows), num.where(many, nearest.columns, columns)
    across, down = columns * tile / width, rows * tile / height
    narrow = across < down
    fitted_height = num.where(narrow, num.trunc(height * across), rows * tile)
    fitted_width = num.where(narrow, columns * tile, num.trunc(width * down))
    return PaddedGrid(
        Grid(rows, columns), (fitted_height, fitted_width), (rows * tile - fitted_height, columns * tile - fitted_width)
    )


def overlapping_grid(height: Num, width: Num, window: int, margin: int, maximum: int) -> Grid:
    """Choose the windows that cover an image, less its margin, with the least enlargement.

    If none do without a reduction, choose those with the least reduction. Scales are float32; an
    image that is smaller than the margin has negative ones. If several are equal, choose the fewest
    windows, then the fewest rows, then the first.

    Args:
        height: the image's height.
        width: the image's width.
        window: the distance from one window to the next.
        margin: how much longer all windows together are than that.
        maximum: most windows.

    Source: Molmo2, `compute_crop_geometry` and `select_tiling`.
    """
    sides = range(1, maximum + 1)
    grids = sorted(((a, b) for a in sides for b in sides if a * b <= maximum), key=lambda grid: (grid[0] * grid[1], grid[0]))
    heights, widths = num.table(a * window for a, _ in grids), num.table(b * window for _, b in grids)

    def scales(lengths: Num, side: Num) -> Num:
        nothing = num.eq(side, 0)  # any scale of it is infinite
        return num.where(nothing, _HUGE, num.to_float32(lengths / num.where(nothing, 1, side)))

    scale = num.minimum(scales(heights, height - margin), scales(widths, width - margin))
    enlarging = num.argmin(num.where(scale >= 1, scale, 2 * _HUGE))
    index = num.where(num.any_of(scale >= 1), enlarging, num.argmax(scale))
    return Grid(*(num.take(num.table(grid[axis] for grid in grids), index) for axis in (0, 1)))
