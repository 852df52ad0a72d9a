"""The rules that fill a number of patches against transformers' own functions, as ints and as graphs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from size_oracles import compare, pil_module, raising

from graphproc.sizes import patch_budget as rules


@pytest.mark.parametrize(("patch", "budget"), [(16, 256), (14, 1024), (16, 1), (8, 2), (32, 60), (16, 729)])
def test_patches_within(patch: int, budget: int) -> None:
    source = pil_module("siglip2").get_image_size_for_max_num_patches
    compare(lambda h, w: rules.patches_within(h, w, patch, budget), lambda h, w: source(h, w, patch, budget))


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
    assert accepted > 1000


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
