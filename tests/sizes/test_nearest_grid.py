"""The grid nearest to an image's shape against a set of candidates, as ints and as graphs."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
import tiers
from oracles.sizes import H, W, all_sizes, node_count, torchvision_module
from support.graphs import run_expressions

from graphproc.sizes import nearest_grid as rules
from graphproc.sizes import num

SETTINGS = [(28, 4096), (28, 10), (16, 1000), (28, 1), (7, 144)]


def from_a_set(height: int, width: int, token: int, most: int) -> tuple[int, int]:
    """Return what transformers does, with a set of Python's own."""
    rows, columns = height / token, width / token
    if rows * columns > most:
        ratio = columns / rows
        rows = math.sqrt(most / ratio)
        columns = rows * ratio
    grids = {(r(rows), c(columns)) for r in (math.floor, math.ceil) for c in (math.floor, math.ceil)}
    fitting = [grid for grid in grids if min(grid) >= 1 and grid[0] * grid[1] <= most]
    best = min(fitting, key=lambda grid: abs(grid[0] / grid[1] - height / width), default=(round(rows), round(columns)))
    return max(best[0], 1) * token, max(best[1], 1) * token


@pytest.mark.parametrize("settings", SETTINGS)
def test_grid_within(settings: tuple[int, int]) -> None:
    """As `compare`, but ints are tried on some sizes only: tables of ints are slow."""
    traced = list(rules.grid_within(H, W, *settings))
    run = run_expressions(traced, ("height", "width"))
    assert node_count(traced) < 300
    for number, (height, width) in enumerate(all_sizes(0)):
        wanted = from_a_set(height, width, *settings)
        memo: dict[Any, Any] = {}
        found = [num.evaluate(x, {"height": height, "width": width}, memo) for x in traced]
        assert found == list(wanted), (height, width)
        if number % 20 == 0:
            assert rules.grid_within(height, width, *settings) == wanted, (height, width)
            assert run(height=height, width=width) == list(wanted), (height, width)


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_set_is_that_of_transformers(settings: tuple[int, int]) -> None:
    source = torchvision_module("muse_glimmer").smart_resize
    for size in all_sizes(500):
        assert from_a_set(*size, *settings) == source(*size, *settings), size


def test_squares_and_odd_halves_have_two_nearest_grids() -> None:
    """The cases that the order of the set decides, one by one: sides of k + 1/2 tokens, and half a token more on one side."""
    both = {(0, 0), (1, 1)}
    seen = set()
    for k in range(1, 60, 3):
        for size in [(2 * k + 1, 2 * k + 1), (2 * k + 1, 2 * k), (2 * k, 2 * k + 1), (6 * k + 3, 4 * k + 2)]:
            found = rules.grid_within(*size, 2, 4096)
            assert found == from_a_set(*size, 2, 4096), size
            seen.add((found[0] // 2 - size[0] // 2, found[1] // 2 - size[1] // 2))
    assert both < seen


@pytest.mark.parametrize("whole", [(False, False), (True, False), (False, True), (True, True)])
def test_places_are_those_of_a_set(whole: tuple[bool, bool]) -> None:
    rng = random.Random(5)
    for _ in range(tiers.tries(400, 40)):
        down = (int(2 ** rng.uniform(0, 17)) - 1, int(2 ** rng.uniform(0, 17)) - 1)
        up = tuple(side + (not exact) for side, exact in zip(down, whole, strict=True))
        grids = [(tall, wide) for tall in (down[0], up[0]) for wide in (down[1], up[1])]
        places = rules._places(down, up)  # type: ignore[arg-type]
        order = [grids[i] for _, i in sorted({place: i for i, place in enumerate(places.args)}.items())]  # type: ignore[union-attr]
        assert order == list(set(grids))


@pytest.mark.parametrize("pair", [(0, 0), (3, 4), (17, 18), (4096, 1), (2**27 - 1, 2**26)])
def test_the_hash_is_that_of_a_pair(pair: tuple[int, int]) -> None:
    low, high = rules._hash(*pair)
    assert low + high * 2**31 == hash(pair) % 2**64
