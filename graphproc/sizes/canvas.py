"""Choosing a canvas or a grid of tiles: the rules that score a list of candidates by an image's height and width.

Candidates, tile sides and counts are arguments, fixed for a processor; height and width are ints or expressions. A score
is a table with one element a candidate, so that a rule is a few dozen nodes however many candidates it has. Sizes are in
pixels, height before width, and every rule keeps its source's order of float64 operations, because ties depend on it.
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
    """How many tiles stand below and beside each other."""

    rows: Num
    columns: Num


class Canvas(NamedTuple):
    """An image fitted into a canvas that is cut into tiles.

    Attributes:
        choice: the position of the chosen canvas among the candidates.
        canvas: its size.
        fitted: the size to resize to.
        before: the zeros above and left of the fitted image.
        after: the zeros below and right of it.
        grid: the tiles of the canvas; those at the lower and right edge are smaller where the side does not divide it.
    """

    choice: Num
    canvas: Size
    fitted: Size
    before: Size
    after: Size
    grid: Grid


def best_resolution(height: Num, width: Num, candidates: Sequence[tuple[int, int]], tile: int) -> Canvas:
    """The candidate that keeps most of an image's pixels, with the image fitted into its centre.

    The resized image's area counts up to the original's own; among equal ones the smallest canvas wins, then the first.

    Args:
        height: input height.
        width: input width.
        candidates: canvas sizes.
        tile: side of the square tiles that the canvas is cut into.

    Raises:
        ConfigError: there are no candidates.

    Source: transformers `select_best_resolution` and `get_patch_output_size`, and the padding of LlavaNext, LlavaOnevision
    and Aria.
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
def _grids(minimum: int, maximum: int, longest: int, hashed: bool = False) -> list[tuple[int, int]]:
    """The (columns, rows) with a number of tiles in range and sides up to `longest`, by rising number of tiles.

    Grids of as many tiles come by rising columns, or as they come out of Python's set of them: the same in each run, because
    whole numbers have one hash, and a matter of the order in which they go in. It decides only where the fewest and the most
    tiles are nearly as many: otherwise another grid is nearer to a shape in the middle between two.
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
    """The grid whose columns / rows come nearest to width / height.

    Among equally near grids it is the one with most tiles whose canvas has less than twice the image's area, or else the
    one with fewest. Without any grid in range it is 1 x 1.

    Args:
        height: input height.
        width: input width.
        tile: height and width of a tile.
        minimum: fewest tiles.
        maximum: most tiles.
        longest: most tiles in a row or column; no limit if None.
        hashed: whether grids of as many tiles, of which two may be equally near, come in the order of a set of Python's.

    Source: `get_optimal_tiled_canvas` of GotOcr2, DeepseekOcr2 and Ovis2, and of GraniteDocling, where `longest` is 16;
    `find_closest_aspect_ratio` of Lfm2Vl and Phi4Multimodal, which are `hashed`.
    """
    grids = _grids(minimum, maximum, maximum if longest is None else longest, hashed)
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
    """The grid whose canvas holds the image with the least enlargement, or, if none holds it, with the least reduction.

    Among equal ones it is the one with fewest tiles, then with fewest columns.

    Args:
        height: input height.
        width: input width.
        tile: side of a tile.
        maximum: most tiles.

    Raises:
        ConfigError: `maximum` is below 1.

    Source: Cohere2Vision, `get_optimal_tiled_canvas`.
    """
    if maximum < 1:
        raise ConfigError(f"max_patches: expected at least 1, got {maximum}.")
    grids = _grids(1, maximum, maximum)
    heights, widths = num.table(b * tile for _, b in grids), num.table(a * tile for a, _ in grids)
    index = num.argmax(num.eq(*_least_change(num.minimum(widths / width, heights / height))))
    return Grid(*(num.take(num.table(grid[axis] for grid in grids), index) for axis in (1, 0)))


def _least_change(scale: Num) -> tuple[Num, Num]:
    """Scales to canvases, and of these the least that is no reduction, or the largest if all are."""
    enlarging = num.smallest(num.where(scale >= 1, scale, _HUGE))
    return scale, num.where(enlarging < _HUGE, enlarging, num.largest(scale))


@cache
def _grids_by_shape(maximum: int) -> dict[float, list[tuple[int, int]]]:
    """The (columns, rows) of up to so many tiles by columns / rows, from most tiles to fewest."""
    found: dict[float, list[tuple[int, int]]] = {}
    for count in range(maximum, 0, -1):
        for columns in range(1, count + 1):
            if count % columns == 0:
                rows = count // columns
                found.setdefault(columns / rows, []).append((columns, rows))
    return found


def grid_by_fit(height: Num, width: Num, tile: int, maximum: int) -> Grid:
    """The grid in whose canvas the image, not to be reduced, gets the longest shorter side.

    Among equal ones it is the last, of a list from most tiles to fewest in which grids follow the first one of their shape.
    If no canvas holds the image, it is the largest grid of the shape that comes nearest to the image's from the square's side.

    Args:
        height: input height.
        width: input width.
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
    """When a page may be cut into more tiles; 0 leaves a test out.

    Attributes:
        maximum: most tiles of such a page.
        scale: its canvas is narrower than this times its own width.
        least_aspect: its width / height is above this,
        most_aspect: and not above this.
    """

    maximum: int = 0
    scale: float = 0.0
    least_aspect: float = 0.0
    most_aspect: float = 0.0


class Page(NamedTuple):
    """The tiles of a document page.

    Attributes:
        grid: the tiles that the image is cut into.
        reported: the grid that the results name; another one only where the fewest tiles exceed the most.
    """

    grid: Grid
    reported: Grid


def page_grid(
    height: Num, width: Num, tile: tuple[int, int], minimum: int, maximum: int, dense: Dense, longest: int = 16
) -> Page:
    """`grid_by_aspect` with a larger number of tiles for the pages that `dense` describes.

    Source: GraniteDocling, `get_tile_budget`, `get_page_tile_grid` and the tiling itself, which lowers `minimum` to the
    most tiles allowed.
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


def covering_grid(height: Num, width: Num, tile: int, maximum: int, *, compensated: bool, threshold: float = 0.9) -> Grid:
    """The smallest grid whose tiles keep more than `threshold` of an image's area when each is shrunk into `tile` x `tile`.

    Among grids of as many tiles it is the one that keeps most, then the first; if none keeps enough, the one that keeps
    most. The source measures cuts into `columns` rows and `rows` columns, so the grid is the transpose of what was measured.
    A tile's area is exact, or one float64 division and two products; areas are added in float64, tile after tile.

    Args:
        height: input height.
        width: input width.
        tile: side of a tile.
        maximum: most tiles.
        compensated: whether areas are added as `sum` of Python 3.12 and later adds floats (Neumaier's way: rounding errors
            of float64 additions are collected and added last) or as that of Python 3.11 and earlier. Many square images,
            and some others, get another grid.
        threshold: part of the area.

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
    """What part of the image's area each grid keeps."""
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
    """Parts of a side, for each kind of tile: `side // parts * times + side * rest`."""

    parts: Num
    times: Num
    rest: Num


class _CoveringTiles(NamedTuple):
    """The tables of `covering_grid`.

    A grid has four kinds of tiles: inner ones, and those of the last column, the last row and the corner, which take the
    remainder. `down` and `across` give the parts for the four kinds of each grid, and last for a tile of no area. `order`
    holds, for each position, which kind every grid has there.

    A compensated sum leaves out the error of adding an int, and of adding the first float to ints. A tile's area is a
    float if its longer side exceeds the tile, and the remainder makes no tile shorter: so the error at a position counts
    if the inner tiles exceed it, or those of the last column, or of the last row, or both of these, or either. `first` and
    `second` are the two kinds to ask for each of these five flags of each grid, and last for no flag; `needed` says
    whether both must exceed it. `flags` holds, for each position, the flag of every grid.
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
    """What exceeds the tile where a flag is set."""
    first, second = num.take(long, tiles.first), num.take(long, tiles.second)
    return num.where(num.eq(tiles.needed, 1), num.minimum(first, second), num.maximum(first, second))


@cache
def _covering_tiles(maximum: int) -> _CoveringTiles:
    grids = _grids(1, maximum, maximum)

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


class TiledCanvas(NamedTuple):
    """An image fitted into the upper left of a canvas of equal tiles.

    Attributes:
        canvas: its size.
        fitted: the size to resize to; zeros follow below and right.
        grid: its tiles.
        number: 1 + the position of the grid among those of up to `maximum` tiles, by rows and then columns.
        mask: for each of `maximum` tiles, 1 if the canvas has it, else 0.
    """

    canvas: Size
    fitted: Size
    grid: Grid
    number: Num
    mask: tuple[Num, ...]


def tiled_canvas(height: Num, width: Num, tile: int, maximum: int) -> TiledCanvas:
    """The canvas that an image fits with the least enlargement, or, if none holds it, with the least reduction.

    Args:
        height: input height.
        width: input width.
        tile: side of a tile.
        maximum: most tiles.

    Raises:
        ConfigError: `maximum` is below 1.

    Source: Mllama, `get_optimal_tiled_canvas`, `get_image_size_fit_to_canvas`, `convert_aspect_ratios_to_ids_np` and
    `build_aspect_ratio_mask_np`.
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
