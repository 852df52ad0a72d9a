"""What sizes decide of a program, as one function of sizes: its names, and that it is the program's own numbers."""

from __future__ import annotations

from typing import Any

import pytest
import tiers
from cases.every_class import Variant

import graphproc as gp
from graphproc.plans.facts import facts, size_function, snake_case
from graphproc.processors.registry import specs
from graphproc.sizes import num
from graphproc.wrappers.processor import processor_class


def numbers(name: str, height: int, width: int, images: int = 1, **settings: Any) -> dict[str, Any]:
    function = size_function(processor_class(name)(**settings).compile(), images)
    values = {**dict.fromkeys(function.arguments, 2), "height": height, "width": width}
    return {
        key: tuple(num.evaluate(one, values) for one in result) if isinstance(result, tuple) else num.evaluate(result, values)
        for key, result in function.results.items()
    }


@pytest.mark.parametrize(
    ("name", "settings", "wanted"),
    [
        ("CLIPImageProcessor", {}, {"pixel_values_shape": (1, 3, 224, 224), "resized": (224, 298), "crop": (0, 37, 224, 224)}),
        ("CLIPImageProcessor", {"do_resize": False, "crop_size": 700}, {"crop": (0, 0, 480, 640)}),
        ("Qwen2VLImageProcessor", {}, {"resized": (476, 644), "num_patches": 1564, "grid_thw": (1, 34, 46)}),
        ("Qwen2VLImageProcessor", {}, {"image_grid_thw": (1, 34, 46), "image_grid_thw_shape": (1, 3)}),
        ("Siglip2ImageProcessor", {}, {"pixel_values_shape": (1, 256, 768), "num_patches": 252, "grid_thw": (1, 14, 18)}),
        ("Kosmos2_5ImageProcessor", {}, {"height_output": 880, "width_output": 1168, "grid_thw": (1, 55, 73), "rows": 55}),
        ("Lfm2VlImageProcessor", {}, {"num_tiles": 1, "num_patches": 936, "spatial_shapes_shape": (1, 2)}),
        ("Lfm2VlImageProcessor", {"max_image_tokens": 64}, {"num_patches": 6 * 1024 + 12 * 18}),
        ("LlavaNextImageProcessor", {}, {"num_tiles": 10, "resized_2": (504, 672), "image_sizes": (480, 640)}),
        ("DonutImageProcessor", {}, {"resized": (1920, 2560), "resized_2": (1440, 1920)}),
        ("Molmo2ImageProcessor", {}, {"image_token_pooling_shape": (725, 4), "num_patches": 5 * 729}),
        ("FuyuImageProcessor", {}, {"image_scale_factors": (1.0,), "image_unpadded_heights": (480,)}),
    ],
)
def test_results_by_name(name: str, settings: dict[str, Any], wanted: dict[str, Any]) -> None:
    found = numbers(name, 480, 640, **settings)
    assert {key: found[key] for key in wanted} == wanted


@pytest.mark.parametrize(
    ("name", "absent"),
    [
        ("CLIPImageProcessor", ("num_tiles", "num_patches", "grid_thw")),
        ("AriaImageProcessor", ("num_tiles",)),  # one tile for every size
        ("Lfm2VlImageProcessor", ("grid_thw", "spatial_shapes")),  # one grid for each tile
        ("NougatImageProcessor", ("resized", "crop")),  # pixels decide them
        ("CHMv2ImageProcessor", ("resized",)),
    ],
)
def test_results_that_are_left_out(name: str, absent: tuple[str, ...]) -> None:
    assert numbers(name, 480, 640).keys().isdisjoint(absent)


def test_samples_of_pairs() -> None:
    assert numbers("LightGlueImageProcessor", 480, 640, 2)["pixel_values_shape"] == (1, 2, 3, 480, 640)


@pytest.mark.parametrize("variant", tiers.classes(), ids=str)
def test_results_have_names_that_languages_take(variant: Variant) -> None:
    processor = processor_class(variant.name)(**variant.settings)
    function = size_function(processor.compile(inputs=variant.inputs, several=variant.several))
    assert function.arguments[:2] == ("height", "width")
    assert function.name.isidentifier()
    assert function.name == function.name.lower()
    assert all(name.isidentifier() and name == name.lower() for name in function.results)
    assert function.results.keys().isdisjoint(function.arguments)
    symbols = {name for result in function.results.values() for one in _items(result) for name in num.symbols(one)}
    assert symbols <= set(function.arguments)


def _items(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)


def test_names_of_classes() -> None:
    found = [snake_case(name) for name in specs()]
    assert len(set(found)) == len(found)
    for name in ("clip", "qwen2vl", "llava_next", "dinov3_vit", "rt_detr", "layoutlmv2", "kimi_k25", "siglip2"):
        assert f"{name}_image_processor" in found


def test_sizes_that_pixels_decide() -> None:
    found = facts(gp.NougatImageProcessor().compile())
    assert found.pixels == {"content_top", "content_left", "content_height", "content_width"}
    assert found.known(found.results["pixel_values_shape"])
    assert found.from_pixels(found.results["resized"]) == {"content_height", "content_width"}
