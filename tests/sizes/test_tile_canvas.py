"""Canvases and grids of classes in modules that need torchvision: against their rules written anew, and as graphs."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from oracles.sizes import compare

from graphproc.sizes import canvas, num, slices, tile_canvas

Grid = tuple[int, int]


def nearest_in_a_loop(height: int, width: int, tile: int, minimum: int, maximum: int) -> Grid:
    """Choose a grid as Lfm2Vl and Phi4Multimodal: each in turn replaces a farther one, or an equal one the image outgrows."""
    every = [(a, b) for n in range(minimum, maximum + 1) for a in range(1, n + 1) for b in range(1, n + 1)]
    found, least = (1, 1), float("inf")
    for columns, rows in sorted({g for g in every if minimum <= g[0] * g[1] <= maximum}, key=lambda g: g[0] * g[1]):
        gap = abs(width / height - columns / rows)
        if gap < least:
            found, least = (rows, columns), gap
        elif gap == least and width * height > 0.5 * tile * tile * columns * rows:
            found = (rows, columns)
    return found


@pytest.mark.parametrize("tiles", [(1, 36), (2, 10), (3, 20), (5, 4)])
def test_grid_by_aspect_of_a_set(tiles: Grid) -> None:
    compare(
        lambda h, w: canvas.grid_by_aspect(h, w, (90, 90), *tiles, hashed=True),
        lambda h, w: nearest_in_a_loop(h, w, 90, *tiles),
        count=500,
        nodes=30,
    )


@pytest.mark.parametrize("tiles", [(4, 4), (5, 5), (8, 9), (10, 11)])
def test_grids_of_as_many_tiles_that_are_equally_near_go_by_the_order_of_a_set(tiles: Grid) -> None:
    grids = [(a, b) for a in range(1, 37) for b in range(1, 37) if tiles[0] <= a * b <= tiles[1]]
    decided = 0
    for (a, b), (c, d) in itertools.combinations(grids, 2):
        if a * b == c * d:
            shape = (Fraction(a, b) + Fraction(c, d)) / 2
            for times in (1, 3, 40, 100):
                height, width = shape.denominator * times, shape.numerator * times
                found = canvas.grid_by_aspect(height, width, (90, 90), *tiles, hashed=True)
                assert tuple(found) == nearest_in_a_loop(height, width, 90, *tiles), (height, width)
                decided += found != canvas.grid_by_aspect(height, width, (90, 90), *tiles)
    assert decided > 0


def lfm2(height: int, width: int, token: int, patch: int, tokens: Grid, tile: int, tiles: Grid, tolerance: float) -> list[int]:
    """Return for Lfm2Vl whether the image is cut, its grid, and the size of the whole image."""
    near = [round(side / token) * token for side in (height, width)]
    large = tiles != (1, 1) and max(patch, near[0]) * max(patch, near[1]) > tokens[1] * token**2 * tolerance
    whole = [max(token, side) for side in near]
    fewest, most = (count * token**2 for count in tokens)
    if whole[0] * whole[1] > most:
        beta = math.sqrt(height * width / most)
        whole = [max(token, math.floor(side / beta / token) * token) for side in (height, width)]
    elif whole[0] * whole[1] < fewest:
        beta = math.sqrt(fewest / (height * width))
        whole = [math.ceil(side * beta / token) * token for side in (height, width)]
    return [int(large), *(nearest_in_a_loop(height, width, tile, *tiles) if large else (1, 1)), *whole]


@pytest.mark.parametrize(
    "settings",
    [
        (32, 16, (64, 256), 512, (2, 10), 2.0),
        (8, 4, (4, 16), 40, (1, 4), 0.5),
        (21, 7, (0, 9), 30, (3, 3), 1),
        (32, 16, (64, 256), 512, (1, 1), 2.0),
    ],
    ids=str,
)
def test_token_tiles(settings: Any) -> None:
    def rule(height: Any, width: Any) -> list[Any]:
        found = slices.token_tiles(height, width, *settings)
        return [num.where(found.large, 1, 0), *found.grid, *found.whole]

    compare(rule, lambda h, w: lfm2(h, w, *settings), count=800)


def llama4(height: int, width: int, tile: int, maximum: int, largest: bool) -> list[int]:
    """Compute Llama4's canvas; a side that is cut to it is a tensor's element, and its scale a float32."""
    single = np.float32
    canvases = [(a * tile, n // a * tile) for n in range(maximum, 0, -1) for a in range(1, n + 1) if n % a == 0]
    scales = [min(single(a) / single(height), single(b) / single(width)) for a, b in canvases]
    holding = [scale for scale in scales if scale >= 1]
    best = (max if largest else min)(holding) if holding else max(scales)
    chosen = min((a * b, (a, b)) for (a, b), scale in zip(canvases, scales, strict=True) if scale == best)[1]
    goal, scaled = [], []
    for side, most in zip((height, width), chosen, strict=True):
        tensor = largest or most < max(side, tile)
        goal.append(most if tensor else max(side, tile))
        scaled.append(single(goal[-1]) / single(side) if tensor else goal[-1] / side)
    down, across = scaled
    both_floats = type(down) is float and type(across) is float
    if across < down if both_floats else single(across) < single(down):
        fitted = min(math.floor(across * (height if type(across) is float else single(height))), goal[0]), goal[1]
    else:
        fitted = goal[0], min(math.floor(down * (width if type(down) is float else single(width))), goal[1])
    return [*chosen, *(max(side, 1) for side in fitted), *(side // tile for side in chosen)]


@pytest.mark.parametrize("settings", [(336, 16, False), (336, 16, True), (40, 4, False), (97, 5, True), (97, 12, False)], ids=str)
def test_chunked_canvas(settings: Any) -> None:
    side, most, largest = settings

    def rule(height: Any, width: Any) -> list[Any]:
        return [x for pair in tile_canvas.chunked_canvas(height, width, side, most, largest=largest) for x in pair]

    compare(rule, lambda h, w: llama4(h, w, *settings), count=800, nodes=75)


def phi4(height: int, width: int, tile: int, maximum: int) -> list[int]:
    """Return for Phi4Multimodal the grid, the size of the scaled image, and the rest of the canvas."""
    rows, columns = math.ceil(height / float(tile)), math.ceil(width / float(tile))
    if rows * columns > maximum:
        rows, columns = nearest_in_a_loop(height, width, tile, 1, maximum)
    across, down = tile * columns / width, tile * rows / height
    fitted = (int(height * across), tile * columns) if across < down else (tile * rows, int(width * down))
    return [rows, columns, *fitted, tile * rows - fitted[0], tile * columns - fitted[1]]


@pytest.mark.parametrize("settings", [(448, 36), (448, 4), (56, 9), (45, 1)], ids=str)
def test_padded_grid(settings: Grid) -> None:
    compare(
        lambda h, w: [x for pair in tile_canvas.padded_grid(h, w, *settings) for x in pair],
        lambda h, w: phi4(h, w, *settings),
        count=600,
    )


def molmo2(height: int, width: int, window: int, margin: int, maximum: int) -> Grid:
    """Choose Molmo2's grid by float32 scales of the image without the margin, which may leave nothing of it."""
    grids = [(a, b) for a in range(1, maximum + 1) for b in range(1, maximum + 1) if a * b <= maximum]
    grids.sort(key=lambda grid: (grid[0] * grid[1], grid[0]))
    sides = np.float32([height - margin, width - margin])
    with np.errstate(divide="ignore"):
        scales = (np.float32(grids) * np.float32(window) / sides).min(axis=1)
    if (scales < 1).all():
        return grids[int(scales.argmax())]
    return grids[int(np.where(scales < 1, np.float32(10e9), scales).argmin())]


@pytest.mark.parametrize("settings", [(266, 112, 8), (36, 18, 8), (54, 0, 5), (7, 300, 12), (266, 112, 1)], ids=str)
def test_overlapping_grid(settings: tuple[int, int, int]) -> None:
    compare(lambda h, w: tile_canvas.overlapping_grid(h, w, *settings), lambda h, w: molmo2(h, w, *settings), count=600)
    for height, width in itertools.product((110, 111, 112, 113, 17, 18, 19, 299, 300, 301), repeat=2):
        assert tuple(tile_canvas.overlapping_grid(height, width, *settings)) == molmo2(height, width, *settings)
