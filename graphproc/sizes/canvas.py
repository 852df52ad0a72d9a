"""Choose a canvas or a grid of tiles: score a list of candidates by an image's height and width.

Candidates, tile sides and counts are arguments, fixed for a processor. Height and width are ints or
expressions, in pixels. A score is a table with one element for each candidate, so the number of
nodes does not depend on the number of candidates. Every rule keeps the order of its source's
float64 operations, because ties depend on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from graphproc.errors import ConfigError
from graphproc.sizes import num
from graphproc.sizes.num import Bool, Num
from graphproc.sizes.rules import Size

_HUGE = 2.0**62


class Grid(NamedTuple):
    """Count the tiles below each other (`rows`) and beside each other (`columns`)."""

    rows: Num
    columns: Num


class Canvas(NamedTuple):
    """Describe an image fitted into a canvas that is cut into tiles.

    Attributes:
        choice: the position of the chosen canvas among the candidates.
        canvas: its size.
        fitted: the size to resize to.
        before: the zeros above and left of the fitted image.
        after: the zeros below and right of it.
        grid: the tiles of the canvas. Tiles at the lower and right edge are smaller if the canvas
            is not a multiple of the tile.
    """

    choice: Num
    canvas: Size
    fitted: Size
    before: Size
    after: Size
    grid: Grid


def best_resolution(height: Num, width: Num, candidates: Sequence[tuple[int, int]], tile: int) -> Canvas:
    """Choose the canvas that keeps most pixels of an image; the image is fitted into its centre.

    The kept pixels are the area of the resized image, but at most that of the original. If several
    canvases keep as many, the smallest is chosen, then the first.

    Args:
        height: the image's height.
        width: the image's width.
        candidates: sizes of canvases.
        tile: side of the square tiles that the canvas is cut into.

    Raises:
        ConfigError: there are no candidates.

    Source: transformers `select_best_resolution` and `get_patch_output_size`, and the padding of
    LlavaNext, LlavaOnevision and Aria.
    """
    if not candidates:
        raise ConfigError("resolutions: expected at least one (height, width) pair, got none. Give the canvases to choose from.")
    heights, widths = num.table(int(h) for h, _ in candidates), num.table(int(w) for _, w in candidates)
    scale = num.minimum(widths / width, heights / height)
    kept = num.minimum(num.trunc(width * scale) * num.trunc(height * scale), width * height)
    area = heights * widths
    index = num.argmin(num.where(num.eq(kept, num.largest(kept)), area, num.largest(area) + 1))
    canvas_height, canvas_width = num.take(heights, index), num.take(widths, index)
    across, down = canvas_width / width, canvas_height / height
    narrow = across < down
    fitted_height = num.where(narrow, num.minimum(num.ceil(height * across), canvas_height), canvas_height)
    fitted_width = num.where(narrow, canvas_width, num.minimum(num.ceil(width * down), canvas_width))
    spare_height, spare_width = canvas_height - fitted_height, canvas_width - fitted_width
    before = spare_height // 2, spare_width // 2
    return Canvas(
        index,
        (canvas_height, canvas_width),
        (fitted_height, fitted_width),
        before,
        (spare_height - before[0], spare_width - before[1]),
        Grid(num.take((heights + (tile - 1)) // tile, index), num.take((widths + (tile - 1)) // tile, index)),
    )


@cache
def grids_within(minimum: int, maximum: int, longest: int, hashed: bool = False) -> list[tuple[int, int]]:
    """List grids (columns, rows) by their number of tiles, the fewest first.

    Args:
        minimum: fewest tiles.
        maximum: most tiles.
        longest: most tiles in a row or column.
        hashed: whether grids with equal numbers of tiles come in the order of a Python set, as in
            the source, or by their columns. The order of a set of ints is the same in each run; it
            depends on the order of insertion. It decides only if `minimum` is close to `maximum`:
            otherwise another grid is nearer to a shape in the middle between two.
    """
    sides = range(1, min(maximum, longest) + 1)
    found = ((a, b) for a in sides for b in sides if minimum <= a * b <= maximum)
    if hashed:
        found = (
            (a, b)
            for most in range(minimum, maximum + 1)
            for a in range(1, most + 1)
            for b in range(1, min(most, maximum // a) + 1)
            if minimum <= a * b
        )
    return sorted(set(found) if hashed else found, key=lambda grid: grid[0] * grid[1])


def grid_by_aspect(
    height: Num,
    width: Num,
    tile: tuple[int, int],
    minimum: int,
    maximum: int,
    longest: int | None = None,
    *,
    hashed: bool = False,
) -> Grid:
    """Choose the grid with columns / rows nearest to width / height.

    If several grids are equally near, it is the one with most tiles and a canvas of less than twice
    the image's area, or else the one with fewest tiles. If no grid is in range, it is 1 x 1.

    Args:
        height: the image's height.
        width: the image's width.
        tile: height and width of a tile.
        minimum: fewest tiles.
        maximum: most tiles.
        longest: most tiles in a row or column; no limit if None.
        hashed: as in `grids_within`; it decides between two grids that are equally near.

    Source: `get_optimal_tiled_canvas` of GotOcr2, DeepseekOcr2 and Ovis2, and of GraniteDocling,
    where `longest` is 16; `find_closest_aspect_ratio` of Lfm2Vl and Phi4Multimodal, which are
    `hashed`.
    """
    grids = grids_within(minimum, maximum, maximum if longest is None else longest, hashed)
    if not grids:
        return Grid(1, 1)
    columns, rows = num.table(a for a, _ in grids), num.table(b for _, b in grids)
    difference = width / height - columns / rows
    distance = num.maximum(difference, -difference)
    roomy = width * height > 0.5 * tile[0] * tile[1] * columns * rows
    later = num.where(roomy, num.table(float(i + 1) for i in range(len(grids))), 0.0)
    index = num.argmax(num.where(num.eq(distance, num.smallest(distance)), later, -1.0))
    return Grid(num.take(rows, index), num.take(columns, index))


def grid_by_scale(height: Num, width: Num, tile: int, maximum: int) -> Grid:
    """Choose the canvas that holds the image with the least enlargement.

    If no canvas holds it, choose the one with the least reduction. If several are equal, it is the
    one with fewest tiles, then with fewest columns.

    Args:
        height: the image's height.
        width: the image's width.
        tile: side of a tile.
        maximum: most tiles.

    Raises:
        ConfigError: `maximum` is below 1.

    Source: Cohere2Vision, `get_optimal_tiled_canvas`.
    """
    if maximum < 1:
        raise ConfigError(f"max_patches: expected at least 1, got {maximum}.")
    grids = grids_within(1, maximum, maximum)
    heights, widths = num.table(b * tile for _, b in grids), num.table(a * tile for a, _ in grids)
    index = num.argmax(num.eq(*_least_change(num.minimum(widths / width, heights / height))))
    return Grid(*(num.take(num.table(grid[axis] for grid in grids), index) for axis in (1, 0)))


def _least_change(scale: Num) -> tuple[Num, Num]:
    """Return the scales, and the least of them that is no reduction, or the largest if all are."""
    enlarging = num.smallest(num.where(scale >= 1, scale, _HUGE))
    return scale, num.where(enlarging < _HUGE, enlarging, num.largest(scale))


@cache
def _grids_by_shape(maximum: int) -> dict[float, list[tuple[int, int]]]:
    """List the (columns, rows) of up to `maximum` tiles by columns / rows, from most tiles to fewest."""
    found: dict[float, list[tuple[int, int]]] = {}
    for count in range(maximum, 0, -1):
        for columns in range(1, count + 1):
            if count % columns == 0:
                rows = count // columns
                found.setdefault(columns / rows, []).append((columns, rows))
    return found


def grid_by_fit(height: Num, width: Num, tile: int, maximum: int) -> Grid:
    """Choose the canvas that gives the image the longest shorter side without reducing it.

    If several are equal, it is the last of a list from most tiles to fewest, in which each grid
    follows the first one of its shape. If no canvas holds the image, it is the largest grid of the
    nearest shape between the image's and a square's.

    Args:
        height: the image's height.
        width: the image's width.
        tile: side of a tile.
        maximum: most tiles; 1 or less for a single one.

    Source: PerceptionLM, `_fit_image_to_canvas` and `_find_closest_aspect_ratio`.
    """
    if maximum <= 1:
        return Grid(1, 1)
    shapes = _grids_by_shape(maximum)
    grids = [grid for same in shapes.values() for grid in same][::-1]
    heights, widths = num.table(b * tile for _, b in grids), num.table(a * tile for a, _ in grids)
    aspect, wide = width / height, width > height
    scale = num.minimum(widths / width, heights / height)
    long = scale * num.where(wide, width, height)
    short = num.as_float(num.floor(num.where(wide, long / aspect, long * aspect)))
    reached = num.where(num.eq(width, height), long, short)  # of a square the source compares what it did not round yet
    reached = num.where(num.both(widths >= width, heights >= height), reached, -1.0)
    fitting, largest = num.argmax(reached), [shapes[shape][0] for shape in sorted(shapes)]
    near = num.table(sorted(shapes))
    shape = num.where(
        aspect >= 1,
        num.argmax(num.where(near <= aspect, near, -1.0)),
        num.argmin(num.where(near > aspect, near, _HUGE)),
    )
    held = num.largest(reached) >= 0
    rows, columns = (
        num.where(held, num.take(_side(grids, axis), fitting), num.take(_side(largest, axis), shape)) for axis in (1, 0)
    )
    return Grid(rows, columns)


def _side(grids: Sequence[tuple[int, int]], axis: int) -> Num:
    return num.table(grid[axis] for grid in grids)


class Dense(NamedTuple):
    """Describe pages that may be cut into more tiles; a test with 0 is left out.

    Attributes:
        maximum: most tiles of such a page.
        scale: the canvas is narrower than this times the page's own width.
        least_aspect: the page's width / height is above this.
        most_aspect: the page's width / height is at most this.
    """

    maximum: int = 0
    scale: float = 0.0
    least_aspect: float = 0.0
    most_aspect: float = 0.0


class Page(NamedTuple):
    """Hold the tiles of a document page.

    Attributes:
        grid: the tiles that the image is cut into.
        reported: the grid that the results name. It differs only if the fewest tiles exceed the
            most.
    """

    grid: Grid
    reported: Grid


def page_grid(
    height: Num, width: Num, tile: tuple[int, int], minimum: int, maximum: int, dense: Dense, longest: int = 16
) -> Page:
    """Choose a grid by `grid_by_aspect`, with more tiles for the pages that `dense` describes.

    Source: GraniteDocling, `get_tile_budget`, `get_page_tile_grid` and the tiling itself, which
    lowers `minimum` to the most tiles allowed.
    """

    def page(most: int) -> Page:
        reported = grid_by_aspect(height, width, tile, minimum, most, longest) if most > 1 else Grid(1, 1)
        return Page(grid_by_aspect(height, width, tile, min(minimum, most), most, longest), reported)

    if maximum <= 1:
        return page(1)
    usual = page(maximum)
    if not dense.maximum or (dense.scale <= 0 and dense.least_aspect <= 0):
        return usual
    aspect = width / height
    chosen: Bool = True
    if dense.least_aspect > 0:
        chosen = aspect > dense.least_aspect
    if dense.most_aspect > 0:
        chosen = num.both(chosen, aspect <= dense.most_aspect)
    if dense.scale > 0:
        chosen = num.both(chosen, usual.reported.columns * tile[1] / width < dense.scale)
    more = page(dense.maximum)
    return Page(*(Grid(*(num.where(chosen, a, b) for a, b in zip(x, y, strict=True))) for x, y in zip(more, usual, strict=True)))


class TiledCanvas(NamedTuple):
    """Describe an image fitted into the upper left of a canvas of equal tiles.

    Attributes:
        canvas: its size.
        fitted: the size to resize to; zeros follow below and right.
        grid: its tiles.
        number: 1 + the position of the grid among those of up to `maximum` tiles, by rows and then
            columns.
        mask: for each of `maximum` tiles, 1 if the canvas has it, else 0.
    """

    canvas: Size
    fitted: Size
    grid: Grid
    number: Num
    mask: tuple[Num, ...]


def tiled_canvas(height: Num, width: Num, tile: int, maximum: int) -> TiledCanvas:
    """Choose the canvas that the image fits with the least enlargement.

    If it fits none without a reduction, choose the one with the least reduction.

    Args:
        height: the image's height.
        width: the image's width.
        tile: side of a tile.
        maximum: most tiles.

    Raises:
        ConfigError: `maximum` is below 1.

    Source: Mllama, `get_optimal_tiled_canvas`, `get_image_size_fit_to_canvas`,
    `convert_aspect_ratios_to_ids_np` and `build_aspect_ratio_mask_np`.
    """
    if maximum < 1:
        raise ConfigError(f"max_image_tiles: expected at least 1, got {maximum}.")
    grids = [(a, b) for a in range(1, maximum + 1) for b in range(1, maximum + 1) if a * b <= maximum]
    heights, widths = num.table(a * tile for a, _ in grids), num.table(b * tile for _, b in grids)
    scale, best = _least_change(num.minimum(heights / height, widths / width))
    area = heights * widths
    index = num.argmin(num.where(num.eq(scale, best), area, num.largest(area) + 1))
    canvas_height, canvas_width = num.take(heights, index), num.take(widths, index)
    goal_height = num.minimum(num.maximum(height, tile), canvas_height)
    goal_width = num.minimum(num.maximum(width, tile), canvas_width)
    across, down = goal_width / width, goal_height / height
    narrow = across < down
    fitted_height = num.where(narrow, num.minimum(num.maximum(num.floor(height * across), 1), goal_height), goal_height)
    fitted_width = num.where(narrow, goal_width, num.minimum(num.maximum(num.floor(width * down), 1), goal_width))
    return TiledCanvas(
        (canvas_height, canvas_width),
        (fitted_height, fitted_width),
        Grid(*(num.take(num.table(grid[axis] for grid in grids), index) for axis in (0, 1))),
        index + 1,
        tuple(num.take(num.table(int(a * b > k) for a, b in grids), index) for k in range(maximum)),
    )
