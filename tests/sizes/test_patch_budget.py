"""The rules that fill a number of patches against transformers' own functions, as ints and as graphs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import tiers
from oracles.sizes import all_sizes, compare, pil_module, raising, torchvision_module

from graphproc.sizes import patch_budget as rules


@pytest.mark.parametrize(("patch", "budget"), [(16, 256), (14, 1024), (16, 1), (8, 2), (32, 60), (16, 729)])
def test_patches_within(patch: int, budget: int) -> None:
    source = pil_module("siglip2").get_image_size_for_max_num_patches
    compare(lambda h, w: rules.patches_within(h, w, patch, budget), lambda h, w: source(h, w, patch, budget))


@pytest.mark.slow
@pytest.mark.parametrize("patch", [14, 16])
def test_every_limit_of_a_side_is_where_bisection_puts_it(patch: int) -> None:
    """For each side and number of patches, the last of the 2**24 scales at which the side has no more patches."""
    points = np.array([rules._LOW, rules._HIGH])
    for _ in range(24):  # all the scales that bisection can try, with its roundings
        finer = np.empty(2 * len(points) - 1)
        finer[::2], finer[1::2] = points, (points[:-1] + points[1:]) / 2
        points = finer
    assert len(points) == rules._STEPS + 1
    assert np.diff(points).max() < 1e-5 <= np.diff(points[::2]).min()  # each search ends after 24 halvings, none before
    counts = np.arange(1, 1025, dtype=np.float64)
    last = rules._STEPS - 1
    for first in range(1, 2048, 512):
        side = np.arange(first, first + 512, dtype=np.float64)[:, None]
        index = np.floor((counts * patch / side - rules._LOW) * (rules._STEPS / (rules._HIGH - rules._LOW)))
        index = np.clip(index, 0, last).astype(np.int64)
        after = np.minimum(index + 1, last)
        for scales, after_scales in [
            (points[index], points[after]),
            (rules._LOW + index * rules._STEP, rules._LOW + after * rules._STEP),
        ]:
            fits = np.ceil(side * scales / patch) <= counts
            passed = np.ceil(side * after_scales / patch) > counts
            assert fits.all()
            assert (passed | (index == last)).all()


@pytest.mark.parametrize(("patch", "tokens", "pooling"), [(16, 280, 3), (16, 70, 3), (16, 1120, 3), (14, 20, 2), (5, 7, 1)])
def test_pooled_patches_within(patch: int, tokens: int, pooling: int) -> None:
    source = pil_module("gemma4").get_aspect_ratio_preserving_size
    budget = tokens * pooling**2

    def rule(h: Any, w: Any) -> Sequence[Any]:
        found = rules.pooled_patches_within(h, w, patch, budget, pooling)
        return (*found.size, found.holds)

    accepted = compare(rule, raising(lambda h, w: source(h, w, patch, budget, pooling)))
    assert accepted > tiers.tries(1000, 100)


def test_a_budget_without_a_size_is_refused() -> None:
    """Four patches where a multiple has nine; the default budgets always have one."""
    source = pil_module("gemma4").get_aspect_ratio_preserving_size
    with pytest.raises(ValueError, match="0 x 0"):
        source(100, 100, 16, 4, 3)
    found = rules.pooled_patches_within(100, 100, 16, 4, 3)
    assert found.holds is False
    assert "48 pixels" in found.message


class _SeenError(Exception):
    """Ends a processor at its interpolation."""


@pytest.mark.parametrize(
    ("patch", "budget"), [((16, 16), 2048), ((16, 16), 4096), ((16, 16), 1024), ((14, 9), 300), ((16, 16), 1)]
)
@pytest.mark.parametrize(("model", "name"), [("pix2struct", "Pix2Struct"), ("kosmos2_5", "Kosmos2_5")])
def test_patch_grid_within(model: str, name: str, patch: tuple[int, int], budget: int, monkeypatch: pytest.MonkeyPatch) -> None:
    module = pil_module(model)
    from transformers.image_utils import SizeDict

    processor = getattr(module, f"{name}ImageProcessorPil")()

    def interpolate(image: Any, size: tuple[int, int], **kwargs: Any) -> Any:
        raise _SeenError(*size)

    monkeypatch.setattr(module.torch.nn.functional, "interpolate", interpolate)

    def oracle(h: int, w: int) -> Sequence[Any]:
        with pytest.raises(_SeenError) as seen:
            processor.extract_flattened_patches(np.lib.stride_tricks.as_strided(_PIXEL, (3, h, w), (0, 0, 0)), budget, size)
        height, width = seen.value.args
        return height // patch[0], width // patch[1]

    size = SizeDict(height=patch[0], width=patch[1])
    compare(lambda h, w: rules.patch_grid_within(h, w, *patch, budget), oracle)


_PIXEL = np.zeros(1, dtype=np.float32)
"""A writable pixel: torch warns about views that are not."""


KIMI = [(14, 2, 16384, 512), (14, 2, 60, 512), (5, 3, 1000, 6), (8, 1, 1, 1), (16, 4, 700, 90)]


def shrunk(height: int, width: int, patch: int, merge: int, most: int, along: int) -> tuple[int, ...]:
    """Return the canvas and the content, as transformers' Kimi K2.5 finds them."""
    whole = max(height // patch, 1) * max(width // patch, 1)
    limits = [1.0, math.sqrt(most / whole), along * patch / height, along * patch / width]
    content = [min(max(1, int(side * min(limits))), along * patch) for side in (height, width)]
    return (*(-(-side // (patch * merge)) * patch * merge for side in content), *content)


@pytest.mark.parametrize("settings", KIMI)
def test_shrunk_on_canvas(settings: tuple[int, int, int, int]) -> None:
    def rule(h: Any, w: Any) -> Sequence[Any]:
        found = rules.shrunk_on_canvas(h, w, *settings)
        return found.height, found.width, found.content_height, found.content_width

    compare(rule, lambda h, w: shrunk(h, w, *settings), count=1000, graph=40)


@pytest.mark.parametrize("settings", KIMI)
def test_shrunk_is_what_transformers_finds(settings: tuple[int, int, int, int]) -> None:
    source = torchvision_module("kimi_k25").navit_resize
    for size in all_sizes(1000):
        content, canvas = source(*size, *settings)
        assert shrunk(*size, *settings) == (*canvas, *content), size


NEOMME = [(None, None, 700), (3136, 90_000, None), (3136, 90_000, 500), (90_000, 4000, None), (65536, 65536, 256), (1, 1, None)]


def between(height: int, width: int, least: int | None, most: int | None, longest: int | None) -> tuple[int, int]:
    """Return what transformers' NeoMME does to the sides."""
    pixels, scale = height * width, 1.0
    small = least is not None and pixels < least
    if small:
        scale = math.sqrt(least / pixels)
    scale = min(scale, longest / max(height, width) if longest else scale, math.sqrt(most / pixels) if most else scale)

    def scaled(rounding: Any) -> tuple[int, int]:
        return max(1, rounding(height * scale)), max(1, rounding(width * scale))

    def fits(size: tuple[int, int]) -> bool:
        return not (longest and max(size) > longest) and not (most and math.prod(size) > most)

    near, up, (tall, wide) = scaled(round), scaled(math.ceil), scaled(math.floor)
    if fits(near):
        return up if small and math.prod(near) < least and fits(up) else near
    if most and tall * wide > most:
        return (max(1, most // wide), wide) if tall >= wide else (tall, max(1, most // tall))
    return tall, wide


@pytest.mark.parametrize("settings", NEOMME)
def test_pixels_between(settings: tuple[int | None, int | None, int | None]) -> None:
    compare(lambda h, w: rules.pixels_between(h, w, *settings), lambda h, w: between(h, w, *settings), count=1000, graph=60)


@pytest.mark.parametrize("settings", NEOMME)
def test_between_is_what_transformers_finds(settings: tuple[int | None, int | None, int | None]) -> None:
    module = torchvision_module("neomme")
    least, most, longest = settings
    size = None if least is None else module.SizeDict(min_pixels=least, max_pixels=most)
    for sides in all_sizes(1000):
        assert between(*sides, *settings) == module.get_resize_output_size(*sides, longest, size), sides


@pytest.mark.parametrize("settings", [(16, 280 * 9, 3), (14, 20 * 4, 2)])
def test_the_unified_gemma_has_the_same_sizes(settings: tuple[int, int, int]) -> None:
    source, own = (
        module.get_aspect_ratio_preserving_size for module in (torchvision_module("gemma4_unified"), pil_module("gemma4"))
    )
    for size in all_sizes(300):
        assert raising(lambda h, w: source(h, w, *settings))(*size) == raising(lambda h, w: own(h, w, *settings))(*size)


NEMOTRON = [(16, 2, 1024, 13312), (16, 2, 4, 60), (14, 3, 50, 50), (8, 1, 90, 30), (5, 4, 1, 1)]


def merged(height: int, width: int, patch: int, merge: int, least: int, most: int) -> tuple[int, int]:
    """Return rows and columns as transformers' Nemotron finds them; a ValueError where there are none."""
    grid = [round(side / patch + 0.5) for side in (height, width)]
    factor = min(math.sqrt(most / math.prod(grid)), 1.0)
    grid = [math.floor(factor * side) for side in grid]
    if min(grid) < 1:
        raise ValueError("no patch")
    if least < most and math.prod(grid) < least:
        factor = math.sqrt(least / math.prod(grid))
        grid = [math.ceil(factor * side) for side in grid]
    for axis in (0, 1):
        over = grid[axis] % merge
        if over and (grid[axis] - over + merge) * grid[1 - axis] <= most:
            grid[axis] += merge - over
        elif over:
            grid[axis] = max(merge, grid[axis] - over)
    return grid[0], grid[1]


@pytest.mark.parametrize("settings", NEMOTRON)
def test_merged_patches_between(settings: tuple[int, int, int, int]) -> None:
    patch = settings[0]

    def rule(h: Any, w: Any) -> Sequence[Any]:
        found = rules.merged_patches_between(h, w, *settings)
        return (*found.size, found.holds)

    def oracle(h: int, w: int) -> Sequence[int]:
        rows, columns = merged(h, w, *settings)
        return rows * patch, columns * patch

    assert compare(rule, raising(oracle), count=1000, graph=60) > tiers.tries(100, 10)


@pytest.mark.parametrize("settings", NEMOTRON)
def test_merged_is_what_transformers_finds(settings: tuple[int, int, int, int]) -> None:
    source = torchvision_module("nemotron_h_omni").get_patch_grid_size
    for size in all_sizes(1000):
        try:
            expected = source(*size, *settings)
        except ZeroDivisionError:
            expected = (0, 0)
        if min(expected) < 1:  # no size to resize to
            with pytest.raises(ValueError, match="no patch"):
                merged(*size, *settings)
        else:
            assert merged(*size, *settings) == expected, size
