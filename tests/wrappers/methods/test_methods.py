"""Methods of single classes, against transformers' of the same backend, on the arrays and tensors that each takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from cases.parity import reference_class

from graphproc.errors import ConfigError, ImageError
from graphproc.processors.registry import specs
from graphproc.wrappers.methods.registry import MODULES, methods
from graphproc.wrappers.processor import processor_class

image_utils = pytest.importorskip("transformers.image_utils")


def sized(height: int, width: int) -> Any:
    return image_utils.SizeDict(height=height, width=width)


PATCHES = {"min_patches": 1, "max_patches": 6}
SQUARES = tuple(f"{stem}ImageProcessor" for stem in ("DeepseekVL", "DeepseekVLHybrid", "Janus", "Llava", "LlavaOnevision"))
LABELS = tuple(
    f"{stem}ImageProcessor"
    for stem in ("Beit", "CHMv2", "DPT", "Mask2Former", "MaskFormer", "MobileNetV2", "MobileViT", "Sapiens2", "Segformer")
)
STATISTICS = {"image_mean": (0.5, 0.4, 0.3), "image_std": (0.5, 0.2, 0.3)}
Calls = tuple[Mapping[str, Any], ...]
CALLS: Mapping[tuple[str, str], Calls] = {
    **{(name, "pad_to_square"): ({}, {"background_color": 7}, {"background_color": (1, 2, 3)}) for name in SQUARES},
    ("DeepseekOcr2ImageProcessor", "pad_to_square"): ({"background_color": (1, 2, 3)},),
    ("UnlimitedOcrImageProcessor", "pad_to_square"): ({"background_color": (1, 2, 3)},),
    ("CHMv2ImageProcessor", "pad_image"): ({"size_divisor": 16},),
    ("DPTImageProcessor", "pad_image"): ({"size_divisor": 16}, {}),
    ("PromptDepthAnythingImageProcessor", "pad_image"): ({"size_divisor": 7},),
    ("DonutImageProcessor", "pad_image"): ({"size": sized(90, 101)}, {"size": sized(90, 101), "random_padding": True}),
    ("TvpImageProcessor", "pad_image"): (
        {"pad_size": sized(90, 101), "constant_values": 3},
        {"pad_size": sized(70, 75), "pad_mode": "reflect"},
        {"pad_size": sized(70, 75), "pad_mode": "replicate"},
    ),
    ("VitMatteImageProcessor", "pad_image"): ({}, {"size_divisor": 9}),
    ("ZoeDepthImageProcessor", "pad_image"): ({},),
    ("NougatImageProcessor", "pad_images"): ({"size": sized(90, 101)},),
    ("PPFormulaNetImageProcessor", "pad_images"): ({"size": sized(90, 101)},),
    **{
        (name, "align_long_axis"): ({"size": sized(30, 20)}, {"size": sized(20, 30)})
        for name in ("DonutImageProcessor", "NougatImageProcessor", "PPFormulaNetImageProcessor")
    },
    **{(name, "crop_margin"): ({}, {"gray_threshold": 90}) for name in ("NougatImageProcessor", "PPFormulaNetImageProcessor")},
    **{
        (name, "thumbnail"): ({"size": sized(40, 31)}, {"size": sized(10, 31)}, {"size": sized(100, 100)})
        for name in ("NougatImageProcessor", "PPFormulaNetImageProcessor", "DonutImageProcessor")
    },
    ("FuyuImageProcessor", "resize"): ({"size": sized(40, 31)}, {"size": sized(100, 30), "resample": 3}, {"size": sized(99, 99)}),
    ("EfficientNetImageProcessor", "rescale"): (
        {"scale": 1 / 127.5, "offset": True},
        {"scale": 1 / 255, "offset": False},
        {"scale": 0.1},
    ),
    ("EfficientNetImageProcessor", "rescale_and_normalize_efficientnet"): tuple(
        {"do_rescale": True, "rescale_factor": factor, "do_normalize": normalize, "rescale_offset": offset, **STATISTICS}
        for factor, normalize, offset in ((1 / 127.5, True, True), (1 / 127.5, False, True), (1 / 255, True, False))
    ),
    ("VivitImageProcessor", "rescale"): ({"scale": 1 / 127.5}, {"scale": 1 / 255, "offset": False}),
    **{
        (f"{stem}ImageProcessor", "crop_image_to_patches"): (
            {**PATCHES, "patch_size": sized(20, 20)},
            {**PATCHES, "patch_size": sized(20, 20), "resample": 3, **more},
        )
        for stem, more in (
            ("Cohere2Vision", {"use_thumbnail": False}),
            ("GotOcr2", {"use_thumbnail": False}),
            ("GraniteDocling", {}),
            ("Ovis2", {"use_covering_area_grid": False}),
        )
    },
    ("DeepseekOcr2ImageProcessor", "crop_image_to_patches"): ({**PATCHES, "tile_size": 20},),
    ("UnlimitedOcrImageProcessor", "crop_image_to_patches"): ({**PATCHES, "tile_size": 20, "resample": 3},),
    ("Lfm2VlImageProcessor", "crop_image_to_patches"): tuple(
        {"min_tiles": 1, "max_tiles": 6, "tile_size": 20, "use_thumbnail": use, "thumbnail_size": (24, 16), "resample": 2}
        for use in (True, False)
    ),
    ("AriaImageProcessor", "get_image_patches"): (
        {"grid_pinpoints": [[40, 80], [80, 40], [70, 70]], "patch_size": 40, "resample": 3},
    ),
    **{
        (f"{stem}ImageProcessor", "get_image_patches"): (
            {"grid_pinpoints": [[40, 80], [80, 40], [80, 80]], "size": (40, 40), "patch_size": 40, "resample": 2},
        )
        for stem in ("LlavaNext", "LlavaOnevision")
    },
    **{(name, "reduce_label"): ({},) for name in LABELS},
}
"""Keywords of the calls, by class and method; the image comes before them."""
NUMBERS = {
    ("SegGptImageProcessor", "get_palette"): ((4,), (10,), (200,)),
    ("Molmo2ImageProcessor", "get_image_grid_and_crops"): (
        (300, 451),
        (2000, 90, {"max_crops": 3}),
        (90, 1500, {"size": sized(252, 252)}),
    ),
    ("PerceptionLMImageProcessor", "_find_closest_aspect_ratio"): ((20000, 9000, 448), (90, 40000, 448), (3000, 3000, 20)),
    ("PerceptionLMImageProcessor", "_fit_image_to_canvas"): ((300, 451, 448), (2000, 90, 448), (900, 900, 448)),
    ("SamImageProcessor", "_get_preprocess_shape"): (((300, 451), 1024), ((5, 8), 4), ((np.int64(7), np.int64(3000)), 512)),
    ("Lfm2VlImageProcessor", "smart_resize"): ((300, 400, 2, 64, 256, 16), (17, 90, 2, 4, 16, 8), (500, 500, 1, 1, 9, 14)),
}
"""Arguments of methods that take no image."""
MASK_GENERATION = ("generate_crop_boxes", "filter_masks", "post_process_for_mask_generation")
TOKENS = ("patchify_image", "preprocess_with_tokenizer_info")
ELSEWHERE = {"get_number_of_image_patches", "get_num_patches", "get_tile_grid", *MASK_GENERATION, *TOKENS}
"""What test_patch_counts.py, test_image_tokens.py and postprocessing/test_mask_generation.py have."""
BATCHES = {"crop_image_to_patches"}
LISTS = {"Mask2FormerImageProcessor", "MaskFormerImageProcessor"}
"""Classes with a `reduce_label` that replaces the elements of a list in pil's backend as well."""


def same(have: Any, want: Any) -> None:
    assert type(have) is type(want)
    if isinstance(want, (list, tuple)):
        assert len(have) == len(want)
        for one, other in zip(have, want, strict=True):
            same(one, other)
    elif hasattr(want, "dtype"):
        assert have.dtype == want.dtype
        assert have.shape == want.shape
        assert np.array_equal(np.asarray(have), np.asarray(want))
    else:
        assert have == want


def images(name: str, method: str, backend: str) -> list[Any]:
    rng = np.random.default_rng(3)
    x = rng.integers(0, 256, (3, 61, 37), np.uint8)
    x[:, :9] = 255  # a margin
    if method == "reduce_label":
        x = x[0] % 4 * np.uint8(85)
        kinds = [x, x.astype(np.int64)]
    else:
        kinds = [x, np.ascontiguousarray(x.swapaxes(1, 2))]
    if method in ("pad_to_square", "resize") or (method == "reduce_label" and backend == "torchvision"):
        kinds.append(x.astype(np.float32))
    if method == "crop_image_to_patches" and backend == "pil":
        kinds.append(np.ascontiguousarray(np.moveaxis(x, 0, -1)))  # Ovis2 gives tiles of these with channels first
    if backend == "torchvision":
        torch = pytest.importorskip("torch")
        kinds = [torch.from_numpy(kind) for kind in kinds]
        batched = method in BATCHES or (method == "pad_to_square" and "Deepseek" in name) or "Janus" in name
        kinds = [kind[None] for kind in kinds] if batched else kinds
    return [[kind] for kind in kinds] if method == "reduce_label" and (backend == "torchvision" or name in LISTS) else kinds


def copied(image: Any) -> Any:
    return (
        [copied(one) for one in image] if isinstance(image, list) else image.clone() if hasattr(image, "clone") else image.copy()
    )


def seed(backend: str) -> None:
    """Start the generators that random places are taken from."""
    np.random.seed(5)  # noqa: NPY002
    if backend == "torchvision":
        import torch

        torch.manual_seed(5)


@pytest.mark.parametrize(
    ("name", "method", "backend"), [(*key, backend) for key in CALLS for backend in specs()[key[0]].backends]
)
def test_methods_are_transformers(name: str, method: str, backend: str) -> None:
    theirs, ours = reference_class(name, backend)(), processor_class(name)(backend=backend)
    if not hasattr(theirs, method):  # what only the other backend's class has
        assert hasattr(reference_class(name, {"torchvision": "pil", "pil": "torchvision"}[backend]), method)
        return
    for image in images(name, method, backend):
        for call in CALLS[name, method]:
            one, other = copied(image), copied(image)
            seed(backend)
            want = getattr(theirs, method)(one, **call)
            seed(backend)
            have = getattr(ours, method)(other, **call)
            if isinstance(image, list):  # some return nothing
                same(other, one)
            if want is not None:
                same(have, want)


@pytest.mark.parametrize(("name", "method"), NUMBERS)
def test_methods_of_numbers(name: str, method: str) -> None:
    backend = specs()[name].backends[0]
    theirs, ours = reference_class(name, backend)(), processor_class(name)(backend=backend)
    for args in NUMBERS[name, method]:
        assert getattr(ours, method)(*args) == getattr(theirs, method)(*args)


def test_masks_in_colours() -> None:
    theirs, ours = reference_class("SegGptImageProcessor")(), processor_class("SegGptImageProcessor")()
    mask = np.arange(12, dtype=np.uint8).reshape(3, 4) % 5
    for palette in (None, ours.get_palette(6)):
        same(ours.mask_to_rgb(mask, palette), theirs.mask_to_rgb(mask, palette))
        same(ours.mask_to_rgb(mask[None], palette), theirs.mask_to_rgb(mask[None], palette))


def test_every_method_is_tried() -> None:
    tried = {*CALLS, *NUMBERS, ("SegGptImageProcessor", "mask_to_rgb")}
    assert len(set(MODULES)) == len(MODULES)
    missing = {(name, method) for name in specs() for method in methods(name) if method not in ELSEWHERE} - tried
    assert not missing


Refusal = tuple[Callable[[Any], Any], type[Exception], str]


@pytest.mark.parametrize(
    ("name", "call", "error", "message"),
    [
        (
            "LlavaImageProcessor",
            lambda p: p.pad_to_square(np.zeros((3, 4, 5)), (1, 2)),
            ImageError,
            "each of the 3 channels, got 2",
        ),
        ("NougatImageProcessor", lambda p: p.pad_images(np.zeros((3, 9, 9)), sized(8, 20)), ImageError, "9 x 9 pixels"),
        ("NougatImageProcessor", lambda p: p.thumbnail([1], sized(8, 8)), ImageError, "expected an array or a"),
        (
            "NougatImageProcessor",
            lambda p: p.align_long_axis(np.zeros((3, 4, 5)), {"shortest_edge": 3}),
            ConfigError,
            "height and width",
        ),
        ("NougatImageProcessor", lambda p: p.align_long_axis(np.zeros((4, 5)), sized(8, 8)), ImageError, "3 dimensions"),
    ],
)
def test_refusals(name: str, call: Callable[[Any], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call(processor_class(name)())
