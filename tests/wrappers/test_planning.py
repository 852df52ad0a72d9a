"""Plans of calls: what they say is what calls return, for every class, and what transformers says where it says it."""

from __future__ import annotations

import random
import statistics
import time
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tiers
from cases.parity import CASES, reference_class
from hypothesis import settings as hypothesis_settings
from support.plan_trials import Found, trials

import graphproc as gp
from graphproc.errors import ConfigError, ImageError, ShapeError
from graphproc.processors.registry import specs
from graphproc.wrappers.methods.patch_counts import COUNTS
from graphproc.wrappers.processor import processor_class

ROWS = [(name, backend) for name, spec in specs().items() for backend in spec.backends]
QUICK = [(name, specs()[name].backends[0]) for name in tiers.firsts(list(specs()))]


def noise(*shape: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(shape).integers(0, 256, shape, dtype=np.uint8)


def passed(found: Found) -> None:
    assert not found.failures, "\n".join(found.failures[:3])


@pytest.mark.parametrize(("name", "backend"), tiers.rows(ROWS, QUICK))
def test_plans_say_what_calls_return(name: str, backend: str) -> None:
    """`--hypothesis-profile thorough` tries a thousand in each backend, `tools/plans.py` as many as it is told."""
    count = hypothesis_settings.default.max_examples if hypothesis_settings.default else 10
    passed(trials(name, backend, count if count > 100 else 8, each=4))


def test_trials_find_a_wrong_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(self: Any, images: int = 1) -> tuple[Any, ...]:
        return (images, *self.shape[:-1], self.shape[-1] + 1)

    monkeypatch.setattr("graphproc.plans.facts.OutputFacts.call_shape", wrong)
    assert trials("CLIPImageProcessor", "pil", 8).failures


# --- what transformers says


MERGING = (
    *("CohereCompass", "Cosmos3Edge", "Ernie4_5_VLMoe", "Glm46V", "Glm4v", "Glm5Next", "Kimi_K25", "MiniMaxM3VL"),
    *("MuseGlimmer", "Qwen2VL", "VideoLlama3"),
)
"""The stems of classes with a processor that counts tokens by patches and `merge_size`."""
FOLDERS = {"CohereCompass": "cohere_compass", "Cosmos3Edge": "cosmos3_edge", "Ernie4_5_VLMoe": "ernie4_5_vl_moe"}
FOLDERS |= {"Glm46V": "glm46v", "Glm4v": "glm4v", "Glm5Next": "glm5_next", "Kimi_K25": "kimi_k25"}
FOLDERS |= {"MiniMaxM3VL": "minimax_m3_vl", "MuseGlimmer": "muse_glimmer", "Qwen2VL": "qwen2_vl", "VideoLlama3": "video_llama_3"}


def sizes(name: str, count: int = 12) -> list[tuple[int, int]]:
    rng = random.Random(name)
    return [(rng.randint(300, 1100), rng.randint(300, 1100)) for _ in range(count)]


@pytest.mark.parametrize("stem", MERGING)
def test_tokens_are_those_of_transformers_processors(stem: str) -> None:
    module = import_module(f"transformers.models.{FOLDERS[stem]}.processing_{FOLDERS[stem]}")
    theirs = next(v for k, v in vars(module).items() if k.endswith("Processor") and "_get_num_multimodal_tokens" in vars(v))
    name = f"{stem}ImageProcessor"
    ours = processor_class(name)()
    stand_in = SimpleNamespace(image_processor=reference_class(name)(), _merge_kwargs=lambda **_: {"images_kwargs": {}})
    wanted = theirs._get_num_multimodal_tokens(stand_in, image_sizes=sizes(name))
    plans = ours.plan(sizes(name))
    assert [plan.tokens() for plan in plans] == wanted["num_image_tokens"]
    assert [plan.num_patches for plan in plans] == wanted["num_image_patches"]


@pytest.mark.parametrize("name", [name for name, method in COUNTS.items() if "The patches" in (method.__doc__ or "")])
def test_patches_are_those_of_transformers(name: str) -> None:
    theirs, ours = reference_class(name)(), processor_class(name)()
    for height, width in sizes(name):
        assert ours.plan(height, width).num_patches == theirs.get_number_of_image_patches(height, width, {})


@pytest.mark.parametrize("stem", ["Gemma4", "Gemma4Unified"])
def test_soft_tokens_are_pooled_patches(stem: str) -> None:
    plans = processor_class(f"{stem}ImageProcessor")().plan(sizes(stem))
    assert [plan.results["num_soft_tokens_per_image"] for plan in plans] == [
        plan.num_patches if stem == "Gemma4Unified" else plan.tokens() for plan in plans
    ]


@pytest.mark.parametrize(
    ("stem", "mask"),
    [
        ("Siglip2", "pixel_attention_mask"),
        ("Lfm2Vl", "pixel_attention_mask"),
        ("Kosmos2_5", "attention_mask"),
        ("Pix2Struct", "attention_mask"),
    ],
)
def test_patches_are_what_masks_count(stem: str, mask: str) -> None:
    ours = processor_class(f"{stem}ImageProcessor")()
    for height, width in ((310, 420), (900, 1100), (50, 400)):
        found = ours(noise(height, width, 3), return_tensors="np")[mask]
        assert ours.plan(height, width).num_patches == found.sum(), (height, width)


def test_the_grid_is_the_output_of_that_name() -> None:
    for name in specs():
        found = size_plan(name)
        if "image_grid_thw" in found.results:
            assert found.grid_thw == found.results["image_grid_thw"], name


def size_plan(name: str) -> Any:
    spec = specs()[name]
    given = {extra.keyword: 2 for extra in spec.extra_inputs.values() if extra.required and extra.layout == "NF"}
    ours = processor_class(name)(**CASES[name].always)
    return ours.plan([(480, 640)] * 2)[0] if spec.samples.images == 2 else ours.plan(480, 640, **given)


# --- one image, several, samples


def test_one_image() -> None:
    plan = gp.CLIPImageProcessor().plan(480, 640)
    assert dict(plan.outputs) == {"pixel_values": ((1, 3, 224, 224), "float32", False)}
    assert (plan.resized, plan.crops, plan.sizes) == ((224, 298), ((0, 37, 224, 224),), {"height": 480, "width": 640})


def test_settings_of_a_call() -> None:
    ours = gp.CLIPImageProcessor(size=50)
    assert ours.plan(480, 640, crop_size={"height": 20, "width": 30}).outputs["pixel_values"].shape == (1, 3, 20, 30)
    ours.size = {"shortest_edge": 60}
    assert ours.plan(480, 640).resized == (60, 80)
    recognized = gp.PPOCRV5ServerRecImageProcessor()
    with pytest.warns(UserWarning, match="max_image_width=400 changes nothing in a call"):
        assert recognized.plan(48, 1000, max_image_width=400).resized == (48, 1000)


def test_several_images_are_joined() -> None:
    plans = gp.DetrImageProcessor().plan([(480, 640), (300, 200)])
    assert plans.outputs["pixel_values"].shape == (2, 3, 1200, 1066)
    assert [plan.outputs["pixel_values"].shape for plan in plans] == [(1, 3, 800, 1066), (1, 3, 1200, 800)]
    assert (len(plans), plans[1].sizes) == (2, {"height": 300, "width": 200})
    assert gp.Qwen2VLImageProcessor().plan([(480, 640), (300, 200)]).outputs["pixel_values"].shape == (1872, 1176)


def test_images_that_decide_together() -> None:
    plans = gp.PPOCRV5ServerRecImageProcessor().plan([(48, 640), (48, 1000)])
    assert plans.outputs["pixel_values"].shape == (2, 3, 48, 1000)


def test_samples() -> None:
    pairs = gp.LightGlueImageProcessor()
    assert pairs.plan([(480, 640), (30, 20)]).outputs["pixel_values"].shape == (1, 2, 3, 480, 640)
    assert pairs.plan([[(480, 640), (30, 20)]] * 3).outputs["pixel_values"].shape == (3, 2, 3, 480, 640)
    with pytest.raises(ImageError, match=r"expected samples of 2 images each, got \[1\]"):
        pairs.plan(480, 640)
    several = gp.LlavaOnevisionImageProcessor().plan([[(480, 640), (300, 200)], [(100, 100)]])
    assert several.outputs["batch_num_images"].shape == (2,)
    assert [plan.num_tiles for plan in several] == [None, None, 2]


def test_lists() -> None:
    plans = gp.UVDocImageProcessor().plan([(480, 640), (480, 200)])
    assert plans.outputs["original_images"] == ((2, 3, 480, None), "float32", True)


def test_extra_inputs() -> None:
    pose = gp.VitPoseImageProcessor()
    assert pose.plan(480, 640, boxes=3).outputs["pixel_values"].shape == (3, 3, 256, 192)
    assert pose.plan([(480, 640), (30, 20)], boxes=[1, 3]).outputs["pixel_values"].shape == (4, 3, 256, 192)
    with pytest.raises(ImageError, match="expected boxes, how many each image has, got none"):
        pose.plan(480, 640)
    matting = gp.VitMatteImageProcessor()
    assert matting.plan(480, 640) == matting.plan(480, 640, trimaps=(480, 640))
    with pytest.raises(ImageError, match="trimap: expected a height of 480, as the inputs before it have, got 30"):
        matting.plan(480, 640, trimaps=(30, 20))
    maps = gp.BeitImageProcessor().plan([(480, 640), (30, 20)], segmentation_maps=True)
    assert maps.outputs["labels"] == ((2, 224, 224), "int64", False)
    with pytest.raises(ImageError, match="segmentation_maps: expected one for each of the 2 images, got 3"):
        gp.BeitImageProcessor().plan([(480, 640), (30, 20)], segmentation_maps=[(3, 4)] * 3)
    depth = gp.PromptDepthAnythingImageProcessor().plan(480, 640, prompt_depth=(24, 32))
    assert depth.outputs["prompt_depth"].shape == (1, 1, 24, 32)


def test_what_pixels_decide() -> None:
    ours = gp.NougatImageProcessor(do_resize=False, do_thumbnail=False, do_align_long_axis=False, do_pad=False)
    plan = ours.plan(480, 640)
    assert plan.outputs["pixel_values"].shape == (1, 3, None, None)
    assert plan.unknown["pixel_values_shape"] == "the image's pixels decide content_height, content_width"
    assert (plan.resized, plan.crops) == (None, ())
    assert gp.NougatImageProcessor().plan(480, 640).may_refuse[0].startswith("the thumbnail's height rounds to less than 1")
    several = ours.plan([(480, 640), (30, 20)])
    assert several.outputs["pixel_values"].shape == (2, 3, None, None)
    assert several.may_refuse == ("pixel_values: the images' pixels decide its shapes, which have to be equal.",)
    assert gp.NougatImageProcessor().plan([(480, 640), (30, 20)]).may_refuse == ()


# --- what is refused


@pytest.mark.parametrize("side", [0, -3, 2.0, True, "480", None, np.float32(3)])
def test_sides_are_whole_numbers(side: Any) -> None:
    ours = gp.CLIPImageProcessor()
    with pytest.raises(ImageError, match="height: expected a whole number of pixels from 1, got"):
        ours.plan(side, 20)
    with pytest.raises(ImageError, match=r"images\[1\]: width: expected a whole number of pixels from 1, got"):
        ours.plan([(20, 20), (20, side)])


def test_numpys_whole_numbers_are_sides() -> None:
    assert gp.CLIPImageProcessor().plan(np.int64(480), np.int32(640)).sizes == {"height": 480, "width": 640}


@pytest.mark.parametrize("sizes", [[], (), 480, "480x640", [480, 640], [(480, 640, 3)], [480]])
def test_what_is_no_list_of_sizes(sizes: Any) -> None:
    with pytest.raises(ImageError, match=r"images.*: expected .*\(height, width\)"):
        gp.CLIPImageProcessor().plan(sizes)


def test_refusals_are_those_of_calls() -> None:
    ours = gp.Qwen2VLImageProcessor()
    for given, image in (((3, 3000), noise(3, 3000, 3)), (([(30, 30), (3, 3000)],), [noise(30, 30, 3), noise(3, 3000, 3)])):
        with pytest.raises(ImageError) as planned:
            ours.plan(*given)
        with pytest.raises(ImageError) as called:
            ours(image, input_data_format="channels_last")
        assert str(planned.value) == str(called.value)
    with pytest.raises(ShapeError, match="pixel_values: expected entries of one shape"):
        gp.DPTImageProcessor(do_resize=False).plan([(30, 40), (30, 42)])
    with pytest.raises(TypeError, match="unknown keyword 'sizes'"):
        ours.plan(30, 40, sizes=3)


def test_tokens_of_what_has_none() -> None:
    with pytest.raises(ConfigError, match="CLIPImageProcessor with these settings cuts no patches"):
        gp.CLIPImageProcessor().plan(480, 640).tokens(2)
    plan = gp.NeoMMEImageProcessor().plan(480, 640)
    with pytest.raises(ConfigError, match="NeoMMEImageProcessor has no setting for merge_size"):
        plan.tokens()
    assert plan.num_patches == 300
    assert plan.tokens(2) == 75
    with pytest.raises(ConfigError, match="merge_size: expected a whole number from 1, got 0"):
        plan.tokens(0)


# --- cost


@pytest.mark.slow
def test_plans_cost_microseconds() -> None:
    """Ten times what they cost alone (`tools/plans.py` measures it), because other tests run beside this one."""
    costs = []
    for name, spec in specs().items():
        given = {extra.keyword: 2 for extra in spec.extra_inputs.values() if extra.required and extra.layout == "NF"}
        if spec.samples.images != 2:
            ours = processor_class(name)(**CASES[name].always)
            ours.plan(480, 640, **given)
            started = [time.perf_counter()]
            for _ in range(9):
                ours.plan(480, 640, **given)
                started.append(time.perf_counter())
            costs.append(statistics.median(np.diff(started)) * 1e6)
    assert statistics.median(costs) < 500
    assert max(costs) < 1500
