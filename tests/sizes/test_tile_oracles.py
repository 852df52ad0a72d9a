"""The rules of `oracles/tiles.py` are those of transformers."""

from __future__ import annotations

import importlib

import pytest
from oracles.tiles import cohere2_vision, perception_lm, step3p7
from support.strategies import shapes

SIZES = 600


@pytest.mark.parametrize(("tile", "maximum"), [(512, 12), (33, 40)])
def test_the_rule_in_words_is_that_of_transformers(tile: int, maximum: int) -> None:
    module = importlib.import_module("transformers.models.cohere2_vision.image_processing_cohere2_vision")
    for height, width in shapes(SIZES):
        grid = module.get_optimal_tiled_canvas((height, width), (tile, tile), 1, maximum)
        assert cohere2_vision(height, width, tile, maximum) == grid[::-1]


@pytest.mark.parametrize(("tile", "maximum"), [(448, 36), (33, 50)])
def test_the_search_in_words_is_that_of_transformers(tile: int, maximum: int) -> None:
    processor = importlib.import_module("transformers").PerceptionLMImageProcessor(max_num_tiles=maximum)
    for height, width in shapes(SIZES):
        settings = {"img_width": width, "img_height": height, "tile_size": tile}
        grid = processor._fit_image_to_canvas(**settings) or processor._find_closest_aspect_ratio(**settings)
        assert perception_lm(height, width, tile, maximum) == grid[::-1], (height, width)


@pytest.mark.parametrize("settings", [(728, 504, 3024), (60, 40, 200)])
def test_the_plan_in_words_is_that_of_transformers(settings: tuple[int, int, int]) -> None:
    processor = importlib.import_module("transformers").Step3p7ImageProcessor(max_image_size=settings[2])
    tried = 0
    for height, width in shapes(SIZES):
        if (plan := step3p7(height, width, *settings)) is None:
            continue
        padded, shrunk, canvas_, grid, _ = plan
        source = processor._plan_patches(width, height, *settings[:2])
        assert (source[0][::-1], source[4], source[3]) == (shrunk, *grid)
        assert not source[2] or source[1][::-1] == canvas_
        assert source[5] == (padded != (height, width))
        tried += 1
    assert tried > SIZES / 2
