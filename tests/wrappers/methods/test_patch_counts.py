"""How many patches an image of some size makes, against transformers' own answers and against what a call returns."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from cases.parity import reference_class

from graphproc.errors import ImageError
from graphproc.processors.registry import specs
from graphproc.wrappers.methods.patch_counts import COUNTS
from graphproc.wrappers.processor import processor_class

CASES = [(name, backend) for name in COUNTS for backend in specs()[name].backends]
EDGE = {"longest_edge": 900}
PIXELS = ({"min_pixels": 500 * 500}, {"max_pixels": 300 * 300}, {"patch_size": 8}, {"merge_size": 1})
SIZES = ({"size": {"shortest_edge": 500 * 500, "longest_edge": 700 * 700}}, {"patch_size": 8, "merge_size": 1})
SPLIT = ({"do_image_splitting": False}, {"size": EDGE}, {"max_image_size": {"longest_edge": 200}}, {"size": EDGE, "note": 1})
TILES = ({"crop_to_patches": True, "max_patches": 5}, {"crop_to_patches": True, "min_patches": 4, "max_patches": 9})
GIVEN: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "AriaImageProcessor": ({"split_image": True}, {"split_image": True, "max_image_size": 200}),
    "Cosmos3EdgeImageProcessor": SIZES,
    "Glm46VImageProcessor": SIZES,
    "Glm4vImageProcessor": SIZES,
    "GlmgaImageProcessor": SIZES,
    "Glm5NextImageProcessor": ({"max_image_tokens": 100}, {"min_image_tokens": 400, "merge_size": 1}),
    "Idefics3ImageProcessor": SPLIT,
    "SmolVLMImageProcessor": SPLIT,
    "UltraVBertImageProcessor": (*SPLIT, {"max_image_tiles": 3}),
    "Kimi_K25ImageProcessor": ({"max_patches": 100}, {"merge_size": 1}, {"size": {"max_height": 200, "max_width": 200}}),
    "Molmo2ImageProcessor": ({"max_crops": 3}, {"pooling_size": [3, 3]}, {"overlap_margins": [2, 3]}),
    "MuseGlimmerImageProcessor": ({"max_image_tokens": 100}, {"patch_size": 10}),
    "NeoMMEImageProcessor": ({"patch_size": 16}, {"max_side": 300}, {"do_resize": False}),
    "Step3p7ImageProcessor": ({"patch_size": 300},),
    **dict.fromkeys(
        ("Cohere2VisionImageProcessor", "DeepseekOcr2ImageProcessor", "GotOcr2ImageProcessor"),
        (
            *TILES,
            {"crop_to_patches": True, "patch_size": {"height": 100, "width": 100}},
            {"crop_to_patches": False},
            {"tile_size": 300},
        ),
    ),
    "GraniteDoclingImageProcessor": TILES,
    "UnlimitedOcrImageProcessor": (*TILES, {"tile_size": 100}),
}
"""Settings that are given beside the size; those of most classes that name a number of pixels are `PIXELS`."""


def answer(function: Any, *args: Any) -> Any:
    try:
        return function(*args)
    except ValueError:
        return "refused"


@pytest.mark.parametrize(("name", "backend"), CASES)
def test_counts_are_transformers(name: str, backend: str) -> None:
    theirs, ours = reference_class(name, backend)(), processor_class(name)(backend=backend)
    rng = random.Random(name)
    for given in ({}, *GIVEN.get(name, PIXELS)):
        for _ in range(12):
            height, width = (int(2 ** rng.uniform(3, 12)) for _ in range(2))
            want = answer(theirs.get_number_of_image_patches, height, width, dict(given))
            assert answer(ours.get_number_of_image_patches, height, width, given) == want, (height, width, given)


@pytest.mark.parametrize("name", ["Qwen2VLImageProcessor", "GotOcr2ImageProcessor", "Glm4vImageProcessor"])
def test_a_call_makes_as_many(name: str) -> None:
    ours = processor_class(name)(**({"crop_to_patches": True} if name.startswith("Got") else {}))
    image = np.zeros((130, 410, 3), np.uint8)
    assert len(ours(image, return_tensors="np")["pixel_values"]) == ours.get_number_of_image_patches(130, 410)


@pytest.mark.parametrize("name", ["GraniteDoclingImageProcessor"])
def test_grids_of_pages(name: str) -> None:
    theirs, ours = reference_class(name)(), processor_class(name)()
    for height, width in ((100, 100), (1000, 700), (300, 2000), (3000, 1000)):
        for given in ({}, {"max_patches": 4}, {"crop_to_patches": False}):
            assert ours.get_tile_grid(height, width, given) == tuple(theirs.get_tile_grid(height, width, given))


def test_whole_patches_alone_cover_an_image() -> None:
    ours, theirs = processor_class("FuyuImageProcessor")(), reference_class("FuyuImageProcessor")()
    assert ours.get_num_patches(60, 90) == theirs.get_num_patches(60, 90) == 6
    with pytest.raises(ImageError, match="image_width: expected a multiple of 30, got 91"):
        ours.get_num_patches(60, 91)


@pytest.mark.parametrize("side", [0, -3, 2.0, True])
def test_sides_are_whole_numbers(side: Any) -> None:
    with pytest.raises(ImageError, match="width: expected a whole number of pixels from 1"):
        processor_class("Qwen2VLImageProcessor")().get_number_of_image_patches(30, side)
