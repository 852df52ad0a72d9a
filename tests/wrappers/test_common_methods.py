"""Methods that all processors have, against transformers' base classes of both backends."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiers
from cases.parity import reference_class
from PIL import Image

from graphproc.ir.backends import BACKENDS
from graphproc.processors.registry import specs
from graphproc.wrappers.processor import processor_class

INTERNALS = {
    # the parts of a call, with arguments that only it gives
    "aspect_ratio_preserving_resize",
    "dynamic_preprocess",
    "extract_flattened_patches",
    "find_best_resize",
    "find_closest_aspect_ratio",
    "get_image_size",
    "get_refine_size",
    "get_sliced_grid",
    "get_target_size",
    "map_pixels",
    "masking_generator",
    "pad_mask_to_max_num_crops",
    "pad_to_max_num_crops",
    "pan_and_scan",
    "pan_and_scan_batched",
    "patchify",
    "python_bounding_rect",
    "python_find_non_zero",
    "render_header",
    "rescale_and_normalize_efficientnet",
    "reshape_by_patch",
    "resize_and_split",
    "resize_for_vision_encoder",
    "resize_with_aspect_ratio",
    "split_images",
    "affine_transform",
    "flip_channel_order",
    # of annotations and of models' outputs
    "convert_segmentation_map_to_binary_masks",
    "encode_inputs",
    "extract_custom_vertices",
    "get_instance_annotations",
    "get_panoptic_annotations",
    "get_semantic_annotations",
    "init_decoder",
    "keypoints_from_heatmaps",
    "merge_image_patches",
    "normalize_annotation",
    "prepare_annotation",
    "resize_annotation",
    "unnormalize",
    "unpad_image",
    # drawing
    "visualize_keypoint_matching",
}
"""Public by name, but parts of another method; exported/README.md says that they are not here."""
POST: Mapping[tuple[str, str], str] = {
    ("DeepseekVLHybridImageProcessor", "postprocess"): "transformers says that it is not needed",
    ("DeepseekVLImageProcessor", "postprocess"): "transformers says that it is not needed",
    ("PPDocLayoutV4ImageProcessor", "post_process_object_detection"): "an order that is found in a graph",
    ("PPOCRV5ServerDetImageProcessor", "post_process_object_detection"): "outlines by OpenCV, and by a library of polygons",
    ("Sapiens2ImageProcessor", "post_process_pose_estimation"): "peaks and limbs that are found in loops over people",
}
"""Methods for a model's outputs that are not here, and why."""
NO_METHODS = {
    "data_format",
    "device",
    "disable_grouping",
    "image_seq_length",
    "input_data_format",
    "return_tensors",
}
"""Keywords of a call, which transformers has as attributes that are None."""


@pytest.mark.parametrize("backend", BACKENDS)
@tiers.each("name", [name for name in specs() if name != "TimmWrapperImageProcessor"], tiers.firsts(specs()))
def test_public_methods_are_here_or_named(name: str, backend: str) -> None:
    if backend not in specs()[name].backends:
        return
    theirs, ours = reference_class(name, backend), processor_class(name)
    missing = {key for key in dir(theirs) if key[0] != "_" and callable(getattr(theirs, key)) and not hasattr(ours, key)}
    assert {key for key in missing if key.startswith("post")} == {method for kind, method in POST if kind == name}
    assert {key for key in missing if not key.startswith("post")} <= INTERNALS
    assert hasattr(ours, "_auto_class")


def shades(channels: int, dtype: Any = np.uint8) -> Any:
    return np.random.default_rng(2).integers(0, 256, (channels, 7, 9), np.uint8).astype(dtype)


def given(backend: str) -> list[Any]:
    grays = shades(1)
    pictures = [Image.fromarray(grays[0]), Image.fromarray(np.moveaxis(shades(4), 0, -1), "RGBA")]
    arrays: list[Any] = [shades(3), np.ascontiguousarray(np.moveaxis(shades(3), 0, -1)), shades(4), grays, grays[0]]
    if backend == "torchvision":
        torch = pytest.importorskip("torch")
        arrays = [torch.from_numpy(x) for x in arrays]
    return [*pictures, *arrays]


def same(have: Any, want: Any) -> None:
    assert type(have) is type(want)
    assert have.dtype == want.dtype
    assert np.array_equal(np.asarray(have), np.asarray(want))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("convert", [True, False, None])
def test_images_as_the_steps_take_them(backend: str, convert: bool | None) -> None:
    theirs, ours = reference_class("ViTImageProcessor", backend)(), processor_class("ViTImageProcessor")(backend=backend)
    for image in given(backend):
        if convert and backend == "pil" and getattr(image, "ndim", 3) == 2:
            want = np.repeat(image[None], 3, axis=0)  # which transformers refuses
        else:
            want = theirs.process_image(image, do_convert_rgb=convert)
        same(ours.process_image(image, do_convert_rgb=convert), want)


@pytest.mark.parametrize("backend", BACKENDS)
def test_images_in_rgb(backend: str) -> None:
    theirs, ours = reference_class("ViTImageProcessor", backend)(), processor_class("ViTImageProcessor")(backend=backend)
    for image in given(backend):
        if isinstance(image, Image.Image):
            if backend == "pil":
                same(ours.convert_to_rgb(image), theirs.convert_to_rgb(image))
        elif image.ndim == 3 and (backend == "pil" or image.shape[0] != 7):
            same(ours.convert_to_rgb(image), theirs.convert_to_rgb(image))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("steps", [(True, True), (True, False), (False, True)])
def test_rescaling_and_normalizing_as_a_call_does(dtype: Any, steps: tuple[bool, bool]) -> None:
    theirs = reference_class("ViTImageProcessor", "torchvision")()
    ours = processor_class("ViTImageProcessor")(backend="torchvision")
    torch = pytest.importorskip("torch")
    for x in (torch.from_numpy(shades(3, dtype)), torch.from_numpy(shades(3, dtype))[None].repeat(2, 1, 1, 1)):
        args = (x, steps[0], 1 / 255, steps[1], (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
        same(ours.rescale_and_normalize(*args), theirs.rescale_and_normalize(*args))


def kinds(fetched: Any) -> Any:
    if isinstance(fetched, list):
        return [kinds(one) for one in fetched]
    return "picture" if isinstance(fetched, Image.Image) else type(fetched)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.filterwarnings("ignore:The image decoding:DeprecationWarning")
def test_files_are_fetched_in_their_lists(tmp_path: Path, backend: str) -> None:
    path = tmp_path / "image.png"
    picture = Image.fromarray(np.moveaxis(shades(3), 0, -1))
    picture.save(path)
    theirs, ours = reference_class("ViTImageProcessor", backend)(), processor_class("ViTImageProcessor")(backend=backend)
    for nested in (str(path), [str(path), picture], [[str(path)], [shades(3)]]):
        assert kinds(ours.fetch_images(nested)) == kinds(theirs.fetch_images(nested))
    with pytest.raises(TypeError, match="expected a file, an image or a list of them, got int"):
        ours.fetch_images([3])
    if backend == "pil":
        assert np.array_equal(np.asarray(ours.fetch_images(path)), np.asarray(picture))
    else:
        same(ours.fetch_images(str(path)), theirs.fetch_images(str(path)))


def test_what_other_code_asks_of_a_class() -> None:
    ours = processor_class("GotOcr2ImageProcessor")
    theirs = reference_class("GotOcr2ImageProcessor")
    assert set(theirs.valid_kwargs.__annotations__) <= {*ours.valid_kwargs.__annotations__, *NO_METHODS}
    assert ours._auto_class is None
    kind: Any = type("Mine", (ours,), {})
    kind.register_for_auto_class()
    assert (kind._auto_class, ours._auto_class) == ("AutoImageProcessor", None)


@pytest.mark.parametrize("name", ["Emu3ImageProcessor", "VideoLlavaImageProcessor", "VivitImageProcessor"])
def test_unknown_keywords_that_transformers_ignores_are_ignored_with_a_warning(name: str) -> None:
    ours = processor_class(name)()
    frames = [np.moveaxis(shades(3), 0, -1)] * 2
    with pytest.warns(UserWarning, match="extra_argument is no keyword of a call"):
        have = ours(frames, extra_argument=True)
    again = ours(frames)
    assert all(np.array_equal(have[key], again[key]) for key in again)
    with pytest.raises(TypeError, match="unknown keyword 'extra_argument'"):
        processor_class("ViTImageProcessor")()(frames, extra_argument=True)
