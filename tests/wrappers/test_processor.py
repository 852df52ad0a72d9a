"""Image processor classes against those of transformers: inputs of every kind, settings, files, copies."""

from __future__ import annotations

import base64
import contextlib
import copy
import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import tiers
import torch
import transformers
from PIL import Image

import graphproc as gp
from graphproc.batch_feature import BatchFeature
from graphproc.errors import ConfigError, ImageError, UnsupportedProcessorError
from graphproc.numerics.as_bytes import as_bytes
from graphproc.wrappers.processor import BaseImageProcessor, processor_class

transformers.logging.set_verbosity_error()

Array = np.ndarray[Any, Any]

CLIP = "CLIPImageProcessor"
SMALL: dict[str, dict[str, Any]] = {
    "CLIPImageProcessor": {"size": {"shortest_edge": 30}, "crop_size": 24},
    "ViTImageProcessor": {"size": 32},
    "LayoutLMv2ImageProcessor": {"size": 20, "apply_ocr": False},
    "MobileViTImageProcessor": {"size": 33, "crop_size": 40},
    "PoolFormerImageProcessor": {"size": {"shortest_edge": 21}, "crop_size": 20},
    "PerceiverImageProcessor": {"size": 25, "crop_size": 30},
}
FEW = (CLIP, "PoolFormerImageProcessor")
"""Classes with and without RGB conversion, with an own order of steps, and with settings that make them quick."""


SUFFIXES = ("", "Pil")
"""The ends of names of classes: the default, which is torchvision's backend here as in transformers, and Pillow's."""


def pair(name: str, suffix: str = "", **settings: Any) -> tuple[BaseImageProcessor, Any]:
    """Return the class of this package and the class of transformers of the same name, with equal settings."""
    given = {**SMALL.get(name, {}), **settings}
    return processor_class(f"{name}{suffix}")(**given), getattr(transformers, f"{name}{suffix}")(**given)


def noise(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng((seed, *shape)).integers(0, 256, shape, dtype=np.uint8)


def assert_same(found: Any, expected: Any) -> None:
    """Assert equal keys, and equal types, dtypes, shapes and elements of the values."""
    assert isinstance(found, BatchFeature)
    assert list(found) == list(expected)
    for key in expected:
        assert_same_value(found[key], expected[key])


def assert_same_value(have: Any, want: Any) -> None:
    assert type(have) is type(want)
    if isinstance(want, list):
        assert len(have) == len(want)
        for a, b in zip(have, want, strict=True):
            assert_same_value(a, b)
    else:
        assert have.dtype == want.dtype
        assert have.shape == want.shape
        np.testing.assert_array_equal(np.asarray(have), np.asarray(want), strict=True)


def assert_as_transformers(name: str, images: Any, settings: dict[str, Any] | None = None, **call: Any) -> None:
    """Assert of both backends equal results of both engines and transformers; where transformers fails, so do they."""
    for suffix in SUFFIXES:
        assert_as_class(name, suffix, images, settings, **call)


def assert_as_class(name: str, suffix: str, images: Any, settings: dict[str, Any] | None = None, **call: Any) -> None:
    """Assert the same of one backend's class."""
    ours, theirs = pair(name, suffix, **(settings or {}))
    call = {"return_tensors": "np", **call}
    try:
        expected = theirs(images, **call)
    except Exception:  # transformers raises what it happens to
        for engine in ("onnxruntime", "numpy"):
            with pytest.raises(gp.GraphprocError):
                ours(images, engine=engine, **call)
        return
    for engine in ("onnxruntime", "numpy"):
        assert_same(ours(images, engine=engine, **call), expected)


# ---- images ----------------------------------------------------------------------------------------------------------


def picture(mode: str) -> Image.Image:
    if mode == "RGBA":
        return Image.fromarray(noise(37, 52, 4))
    if mode == "LA":
        return Image.fromarray(noise(37, 52, 2))
    return Image.fromarray(noise(37, 52, 3)).convert(mode)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "CMYK", "1", "I;16", "I", "F", "YCbCr", "HSV"])
@pytest.mark.parametrize("name", tiers.rows(["CLIPImageProcessor", "MobileViTImageProcessor", "PerceiverImageProcessor"], [CLIP]))
@pytest.mark.parametrize("convert", tiers.rows([True, None], [None]))
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_pil_modes(name: str, mode: str, convert: bool | None, suffix: str) -> None:
    image = picture(mode) if mode != "I;16" else Image.fromarray(noise(37, 52).astype(np.uint16))
    ours, theirs = pair(name, suffix, do_convert_rgb=convert)
    try:
        expected = theirs(image, return_tensors="np")
    except Exception:  # e.g. a mean of three numbers for one channel
        with pytest.raises(gp.GraphprocError):
            ours(image, return_tensors="np")
        return
    assert_same(ours(image, return_tensors="np"), expected)


def test_transparency_of_a_palette_image_is_composited() -> None:
    image = picture("P")
    image.info["transparency"] = 3
    assert_as_transformers("CLIPImageProcessor", image)


@pytest.mark.parametrize("name", tiers.rows(SMALL, FEW))
@pytest.mark.parametrize("shape", [(37, 52, 3), (3, 37, 52), (2, 37, 52, 3), (2, 3, 37, 52)])
def test_arrays_with_channels_first_or_last(name: str, shape: tuple[int, ...]) -> None:
    assert_as_transformers(name, noise(*shape))


@pytest.mark.parametrize("shape", [(37, 52, 1), (1, 37, 52), (37, 52, 4), (4, 37, 52)])
@pytest.mark.parametrize("name", ["CLIPImageProcessor", "ViTImageProcessor"])
def test_arrays_of_one_or_four_channels(name: str, shape: tuple[int, ...]) -> None:
    assert_as_transformers(name, noise(*shape))


@pytest.mark.parametrize("statistics", [{"image_mean": [0.5], "image_std": [0.5]}, {"image_mean": 0.5, "image_std": 0.25}])
def test_one_channel_with_fitting_statistics(statistics: dict[str, Any]) -> None:
    assert_as_transformers("ViTImageProcessor", noise(37, 52, 1), statistics)
    assert_as_transformers("ViTImageProcessor", picture("L"), statistics)


@pytest.mark.parametrize("channels_first", [True, False])
def test_input_data_format_decides_where_both_axes_could_be_channels(channels_first: bool) -> None:
    data_format = "channels_first" if channels_first else "channels_last"
    assert_as_transformers("CLIPImageProcessor", noise(3, 40, 3), input_data_format=data_format)
    assert_as_transformers(
        "CLIPImageProcessor", noise(3, 40, 3), input_data_format=transformers.image_utils.ChannelDimension(data_format)
    )


def test_an_unknown_input_data_format_is_refused() -> None:
    with pytest.raises(ImageError, match='expected "channels_first", "channels_last" or None, got \'HWC\''):
        pair("CLIPImageProcessor")[0](noise(5, 5, 3), input_data_format="HWC")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int16", "uint16", "int32", "int64", "bool"])
@pytest.mark.parametrize("name", tiers.rows(["CLIPImageProcessor", "ViTImageProcessor", "PerceiverImageProcessor"], [CLIP]))
def test_whole_numbers_of_any_dtype(name: str, dtype: str) -> None:
    image = noise(37, 52, 3) if dtype != "bool" else noise(37, 52, 3) > 127
    assert_as_transformers(name, image.astype(dtype))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", tiers.rows(SMALL, FEW))
def test_floats_in_the_unit_range_are_rescaled_twice(name: str, dtype: str) -> None:
    """The bytes go back to [0, 1] after the resize, then `do_rescale` divides by 255 once more."""
    assert_as_transformers(name, (noise(37, 52, 3) / 255).astype(dtype))


def test_floats_in_the_unit_range_without_rescaling() -> None:
    assert_as_transformers("CLIPImageProcessor", noise(37, 52, 3) / 255, {"do_rescale": False})


@pytest.mark.parametrize(
    "make",
    [
        lambda x: x + 0.5,
        lambda x: x.astype(np.float32) - 3,
        lambda x: x.astype(np.int16) + 200,
        lambda x: np.where(x > 3, x, np.nan),
        lambda x: np.where(x > 3, x, np.inf),
    ],
    ids=["fractions", "negative", "above 255", "NaN", "infinity"],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning:transformers")
def test_values_that_are_no_bytes_are_refused_where_images_are_resized(make: Callable[[Array], Array]) -> None:
    assert_as_transformers("CLIPImageProcessor", make(noise(37, 52, 3)))


UNRESIZED = {"do_resize": False, "do_center_crop": True, "crop_size": 30}


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64", "int16", "uint16", "int32", "int64", "bool"])
@pytest.mark.parametrize("rescale", [True, False])
@pytest.mark.parametrize("normalize", [True, False])
def test_any_values_where_images_are_not_resized(dtype: str, rescale: bool, normalize: bool) -> None:
    values = noise(25, 52, 3) if dtype == "uint8" else np.random.default_rng(0).normal(0, 1000, (25, 52, 3))
    image = (abs(values) if dtype == "uint16" else values).astype(dtype)
    settings = {**UNRESIZED, "do_rescale": rescale, "do_normalize": normalize}
    assert_as_transformers("CLIPImageProcessor", image, settings)


def test_large_integers_keep_their_bits() -> None:
    image = np.random.default_rng(0).integers(2**40, 2**52, (30, 30, 3))
    for rescale in (True, False):
        assert_as_transformers("CLIPImageProcessor", image, {**UNRESIZED, "do_rescale": rescale, "do_normalize": False})


@pytest.mark.parametrize("name", tiers.rows(SMALL, FEW))
def test_torch_tensors(name: str) -> None:
    tensor = torch.from_numpy(noise(3, 37, 52))
    assert_as_transformers(name, tensor)
    assert_as_transformers(name, [tensor, tensor.flip(-1)], return_tensors="pt")
    assert_as_transformers(name, tensor.float() / 255)
    assert_as_transformers(name, tensor[None].repeat(2, 1, 1, 1))


def test_a_strided_array_is_read_in_its_order() -> None:
    strided = noise(37, 52, 3)[::-1, ::2]
    assert_as_class("CLIPImageProcessor", "Pil", strided)
    ours, theirs = pair("CLIPImageProcessor")  # torch takes no negative strides
    assert_same(ours(strided, return_tensors="np"), theirs(strided.copy(), return_tensors="np"))


@pytest.mark.filterwarnings("ignore:The image decoding:DeprecationWarning")
@pytest.mark.parametrize("name", tiers.rows(SMALL, FEW))
def test_files(name: str, tmp_path: Path) -> None:
    png, jpeg = tmp_path / "a.png", tmp_path / "b.jpg"
    picture("RGBA").save(png)
    exif = Image.Exif()
    exif[274] = 6  # turned by 90 degrees
    Image.fromarray(noise(30, 44, 3)).save(jpeg, exif=exif)
    assert_as_transformers(name, str(png))
    assert_as_transformers(name, [str(png), str(jpeg)])
    ours = pair(name)[0]
    assert_same(ours(jpeg, return_tensors="np"), ours(str(jpeg), return_tensors="np"))


@pytest.mark.filterwarnings("ignore:The image decoding:DeprecationWarning")
def test_base64_images() -> None:
    data = io.BytesIO()
    picture("RGB").save(data, format="PNG")
    assert_as_transformers("ViTImageProcessor", "data:image/png;base64," + base64.b64encode(data.getvalue()).decode())


@pytest.mark.slow
@pytest.mark.parametrize("name", tiers.rows(SMALL, FEW))
def test_lists_and_nested_lists(name: str) -> None:
    a, b, c = (Image.fromarray(noise(37, 52, 3, seed=i)) for i in range(3))
    assert_as_transformers(name, [a, b, c])
    assert_as_transformers(name, (a, b))
    assert_as_transformers(name, [[a, b], [c]])
    assert_as_transformers(name, [[a], []])


@pytest.mark.parametrize("engine", ["onnxruntime", "numpy"])
@pytest.mark.parametrize("name", tiers.rows(SMALL, FEW))
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_mixed_sizes_keep_their_order(name: str, engine: str, suffix: str) -> None:
    sizes = [(37, 52), (52, 37), (37, 52), (30, 30), (52, 37)]
    images = [Image.fromarray(noise(*size, 3, seed=i)) for i, size in enumerate(sizes)]
    ours, theirs = pair(name, suffix)
    for return_tensors in (None, "np"):
        assert_same(ours(images, return_tensors=return_tensors, engine=engine), theirs(images, return_tensors=return_tensors))


@pytest.mark.parametrize("return_tensors", [None, "np", "pt"])
def test_results_of_different_sizes_make_no_single_tensor(return_tensors: str | None) -> None:
    images = [Image.fromarray(noise(h, w, 3)) for h, w in [(37, 52), (52, 37)]]
    off = {"do_resize": False, "do_center_crop": False}
    assert_as_transformers("CLIPImageProcessor", images, off, return_tensors=return_tensors)


def test_images_of_several_kinds_in_one_call() -> None:
    images = [noise(3, 20, 30), noise(20, 30, 3) / 255, noise(20, 30, 3)]
    assert_as_transformers("CLIPImageProcessor", images)


@pytest.mark.parametrize("name", ["CLIPImageProcessor", "PoolFormerImageProcessor", "ViTImageProcessor"])
def test_padding_to_the_largest_of_the_batch(name: str) -> None:
    images = [Image.fromarray(noise(h, w, 3)) for h, w in [(37, 52), (52, 37), (20, 60)]]
    off = {"do_resize": False, "do_center_crop": False}
    assert_as_transformers(name, images, {**off, "do_pad": True})
    assert_as_transformers(name, images, {**off, "do_pad": True, "pad_size": {"height": 64, "width": 70}})
    assert_as_transformers(name, images, {**off, "do_pad": True, "pad_size": {"height": 64, "width": 50}})


@pytest.mark.parametrize("name", ["ConvNextImageProcessor", "SegformerImageProcessor", "BeitImageProcessor"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_classes_that_never_pad_leave_sizes_as_they_are(name: str, suffix: str) -> None:
    images = [Image.fromarray(noise(h, w, 3)) for h, w in [(37, 52), (52, 37)]]
    settings = {"do_resize": False, "do_center_crop": False, "do_pad": True}
    ours, theirs = pair(name, suffix, **settings)
    assert_same(ours(images), theirs(images))


@pytest.mark.parametrize("value", [None, [], [[]], 3, {"a": 1}, b"bytes", np.zeros((0, 4, 3), np.uint8), "no such file.png"])
def test_what_is_no_image_is_refused(value: Any) -> None:
    with pytest.raises(ImageError):
        pair("CLIPImageProcessor")[0](value)


def test_a_size_that_rounds_to_nothing_is_refused_by_both_engines() -> None:
    ours = gp.ViTImageProcessor(size={"shortest_edge": 10, "longest_edge": 12})
    for engine in ("onnxruntime", "numpy"):
        with pytest.raises(ImageError, match="rounds to less than 1 pixel"):
            ours(Image.new("RGB", (100, 1)), engine=engine)


def test_as_bytes_tells_what_it_got() -> None:
    with pytest.raises(ImageError, match=r"dtype float32: .* got values from -0\.5 to 0\.5"):
        as_bytes(np.array([-0.5, 0.5], np.float32))


# ---- results ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("return_tensors", [None, "np", "pt"])
@pytest.mark.parametrize("name", tiers.rows(SMALL, FEW))
def test_return_tensors(name: str, return_tensors: str | None) -> None:
    image = Image.fromarray(noise(37, 52, 3))
    assert_as_transformers(name, image, return_tensors=return_tensors)
    assert_as_transformers(name, [image, image], return_tensors=return_tensors)


def test_unknown_return_tensors_are_refused() -> None:
    with pytest.raises(ConfigError, match="return_tensors: expected None or one of"):
        pair("CLIPImageProcessor")[0](Image.new("RGB", (40, 40)), return_tensors="xyz")


def test_results_of_one_batch_do_not_share_memory_with_the_input() -> None:
    image = noise(30, 30, 3)
    kept = image.copy()
    ours = gp.ViTImageProcessor(do_resize=False, do_rescale=False, do_normalize=False)
    for engine in ("onnxruntime", "numpy"):
        ours(image, engine=engine)["pixel_values"][0][:] = 0
        assert (image == kept).all()


# ---- settings of a call ----------------------------------------------------------------------------------------------

OVERRIDES: list[dict[str, Any]] = [
    {"size": {"shortest_edge": 40}},
    {"size": {"height": 20, "width": 31}},
    {"size": 35},
    {"size": 35, "default_to_square": True},
    {"crop_size": {"height": 11, "width": 50}},
    {"do_resize": False},
    {"do_resize": None},
    {"do_center_crop": None},
    {"do_rescale": None},
    {"do_normalize": None, "image_mean": None},
    {"do_convert_rgb": None},
    {"resample": Image.Resampling.NEAREST},
    {"resample": 4},
    {"image_mean": [0.1, 0.2, 0.3], "image_std": (0.4, 0.5, 0.6)},
    {"image_mean": 0.25},
    {"rescale_factor": 0.5},
    {"do_pad": True, "pad_size": 70},
    {"size": None},
    {"image_std": None},
    {"rescale_factor": None},
    {"crop_size": None},
    {"resample": None},
]


@pytest.mark.parametrize("change", tiers.rows(OVERRIDES, OVERRIDES[::6]), ids=str)
def test_keywords_of_a_call_override_settings(change: dict[str, Any]) -> None:
    image = Image.fromarray(noise(37, 52, 3))
    assert_as_transformers("CLIPImageProcessor", image, **change)
    for suffix in SUFFIXES:
        ours, theirs = pair("CLIPImageProcessor", suffix)
        with contextlib.suppress(gp.GraphprocError):
            ours(image, **change)
        assert_same(ours(image, return_tensors="np"), theirs(image, return_tensors="np"))


def test_keywords_without_effect_are_taken() -> None:
    call = {"data_format": "channels_last", "device": "cpu", "disable_grouping": True}
    assert_as_transformers("CLIPImageProcessor", Image.fromarray(noise(37, 52, 3)), **call)


@pytest.mark.parametrize("keyword", ["do_resise", "crop_pct", "images_mean"])
def test_an_unknown_keyword_is_a_type_error(keyword: str) -> None:
    ours, theirs = pair("CLIPImageProcessor")
    for processor in (ours, theirs):
        with pytest.raises(TypeError, match=keyword):
            processor(Image.new("RGB", (40, 40)), **{keyword: 1})
    with pytest.raises(TypeError, match=f"unknown setting '{keyword}'. Known: .*do_resize"):
        ours.compile(**{keyword: 1})


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_changed_attribute_takes_effect_at_the_next_call(suffix: str) -> None:
    image = Image.fromarray(noise(37, 52, 3))
    ours, theirs = pair("CLIPImageProcessor", suffix)
    first = ours(image, return_tensors="np")
    ours.size, theirs.size = {"shortest_edge": 50}, transformers.image_utils.SizeDict(shortest_edge=50)
    ours.image_mean = theirs.image_mean = [0.1, 0.2, 0.3]
    ours.do_center_crop = theirs.do_center_crop = None
    assert_same(ours(image, return_tensors="np"), theirs(image, return_tensors="np"))
    assert ours(image, return_tensors="np")["pixel_values"].shape != first["pixel_values"].shape
    ours.size["shortest_edge"] = 21
    assert ours(image, return_tensors="np")["pixel_values"].shape[2:] == (21, 29)
    assert ours.to_dict()["size"] == {"shortest_edge": 21}


def test_an_attribute_of_a_wrong_value_is_refused_at_the_next_call() -> None:
    ours = pair("CLIPImageProcessor")[0]
    ours.size = "large"
    with pytest.raises(ConfigError, match=r"^size: "):
        ours(Image.new("RGB", (40, 40)))


def test_the_engine_is_a_setting_of_processor_and_call() -> None:
    image = Image.fromarray(noise(37, 52, 3))
    ours = gp.CLIPImageProcessor(engine="numpy")
    assert_same(ours(image, return_tensors="np"), gp.CLIPImageProcessor()(image, return_tensors="np"))
    assert not ours._cache.sessions
    ours(image, engine="onnxruntime")
    assert ours._cache.sessions
    for make in (lambda: gp.CLIPImageProcessor(engine="cuda"), lambda: ours(image, engine="cuda")):
        with pytest.raises(ConfigError, match="engine: expected one of onnxruntime, numpy, got 'cuda'"):
            make()


def test_a_backend_that_the_class_lacks_is_refused() -> None:
    with pytest.raises(ConfigError, match="backend: CLIPImageProcessor has torchvision, pil, got 'mlx'"):
        gp.CLIPImageProcessor(backend="mlx")


def test_the_backend_goes_with_the_settings(tmp_path: Path) -> None:
    processor = gp.ViTImageProcessor(size=40)
    image = noise(37, 52, 3)
    assert 'arithmetic="torch_bytes"' in str(processor.compile())
    own, pil = (made(image, return_tensors="np")["pixel_values"][0] for made in (processor, gp.ViTImageProcessorPil(size=40)))
    assert (own != pil).mean() > 0
    np.testing.assert_allclose(own, pil, atol=1.01 / 127.5)  # at most one step of a byte
    report = gp.verify(processor.export(tmp_path / "p.onnx"), image)
    assert report.ok
    assert "torchvision" in report.parity
    assert gp.Session(tmp_path / "p.onnx").metadata["backend"] == "torchvision"
    processor.backend = "pil"
    np.testing.assert_array_equal(processor(image)["pixel_values"][0], pil)
    loaded = gp.AutoImageProcessor.from_dict(processor.to_dict(), backend="torchvision")
    np.testing.assert_array_equal(loaded(image, return_tensors="np")["pixel_values"][0], own)


def test_torchvisions_backend_divides_by_no_zero() -> None:
    with pytest.raises(ConfigError, match="rescale_factor: expected a number other than 0"):
        gp.ViTImageProcessor(rescale_factor=0.0).compile()


def test_each_set_of_settings_is_compiled_once() -> None:
    ours = pair("CLIPImageProcessor")[0]
    assert ours.compile() is ours.compile()
    assert ours.compile(size=50) is ours.compile(size={"shortest_edge": 50})
    assert ours.compile(size=50) is not ours.compile()
    ours(noise(30, 40, 3))
    sessions = dict(ours._cache.sessions)
    ours(noise(40, 30, 3))
    assert ours._cache.sessions == sessions


# ---- configurations --------------------------------------------------------------------------------------------------


def test_what_neither_class_nor_anyone_set_is_left_out() -> None:
    saved = gp.ViTImageProcessor().to_dict()
    assert saved["image_processor_type"] == "ViTImageProcessor"
    assert not {"do_convert_rgb", "crop_size", "pad_size", "default_to_square", "do_pad"} & set(saved)
    assert gp.ViTImageProcessor(do_resize=None).to_dict()["do_resize"] is None
    assert "default_to_square" in gp.ViTImageProcessor(default_to_square=False).to_dict()


def test_the_dictionary_says_what_was_set_since() -> None:
    ours = gp.ViTImageProcessor(note="a")
    ours.note, ours.do_pad = "b", True
    saved = ours.to_dict()
    assert (saved["note"], saved["do_pad"]) == ("b", True)


@pytest.mark.parametrize("key", ["compile", "to_dict", "row", "_cache", "_unknown", "self", "__class__", "backend", "engine"])
def test_a_key_named_like_something_of_the_class_does_no_harm(key: str) -> None:
    settings = {"image_processor_type": "ViTImageProcessor", "size": 20, key: "x"}
    ours = gp.AutoImageProcessor.from_dict(settings)
    assert ours(noise(30, 40, 3), return_tensors="np")["pixel_values"].shape == (1, 3, 20, 20)
    assert ours.to_dict().get(key) == (None if key in ("backend", "engine") else "x")


def test_unknown_settings_are_attributes() -> None:
    ours = gp.CLIPImageProcessor(some_note="kept")
    assert ours.some_note == "kept"
    with pytest.raises(AttributeError, match="CLIPImageProcessor has no attribute or setting 'other_note'"):
        _ = ours.other_note


def save(folder: Path, value: dict[str, Any], name: str = "preprocessor_config.json") -> Path:
    (folder / name).write_text(json.dumps(value), encoding="utf-8")
    return folder / name


def test_from_pretrained_of_a_folder_and_a_file(tmp_path: Path) -> None:
    settings = {"image_processor_type": "ViTImageProcessor", "size": 40, "extra": 1}
    file = save(tmp_path, settings)
    for source in (tmp_path, str(tmp_path), file, str(file)):
        for make in (gp.AutoImageProcessor, gp.ViTImageProcessor):
            ours = make.from_pretrained(source)
            assert type(ours) is gp.ViTImageProcessor
            assert (ours.size, ours.extra) == ({"height": 40, "width": 40}, 1)
    theirs = transformers.AutoImageProcessor.from_pretrained(tmp_path)
    assert_same(ours(noise(30, 40, 3), return_tensors="np"), theirs(noise(30, 40, 3), return_tensors="np"))


def test_settings_given_to_from_pretrained_win(tmp_path: Path) -> None:
    save(tmp_path, {"image_processor_type": "ViTImageProcessor", "size": 40, "do_normalize": True})
    ours = gp.AutoImageProcessor.from_pretrained(tmp_path, size=20, do_normalize=None, engine="numpy")
    assert (ours.size, ours.do_normalize, ours.engine) == ({"height": 20, "width": 20}, None, "numpy")
    theirs = transformers.ViTImageProcessor.from_pretrained(tmp_path, size=20, do_normalize=None)
    assert (dict(theirs.size), theirs.do_normalize) == (ours.size, ours.do_normalize)


@pytest.mark.parametrize(
    "key", [{"image_processor_type": "CLIPImageProcessorFast"}, {"feature_extractor_type": "CLIPFeatureExtractor"}]
)
def test_older_files_name_older_classes(tmp_path: Path, key: dict[str, str]) -> None:
    save(tmp_path, {**key, "size": 40})
    ours = gp.AutoImageProcessor.from_pretrained(tmp_path)
    assert type(ours) is gp.CLIPImageProcessor
    assert ours.size == {"shortest_edge": 40}
    assert ours.to_dict()["image_processor_type"] == "CLIPImageProcessor"
    assert "feature_extractor_type" not in ours.to_dict()


def test_a_file_of_an_unsupported_class_is_refused(tmp_path: Path) -> None:
    save(tmp_path, {"image_processor_type": "SomethingImageProcessor"})
    with pytest.raises(UnsupportedProcessorError, match="SomethingImageProcessor"):
        gp.AutoImageProcessor.from_pretrained(tmp_path)


def test_auto_is_not_made_by_hand() -> None:
    with pytest.raises(TypeError, match="from_pretrained"):
        gp.AutoImageProcessor()


def test_every_name_of_a_class_is_one_class() -> None:
    assert gp.CLIPImageProcessor is gp.CLIPFeatureExtractor
    assert issubclass(gp.CLIPImageProcessorFast, gp.CLIPImageProcessor)
    assert (gp.CLIPImageProcessorFast().backend, gp.CLIPImageProcessorPil().backend) == ("torchvision", "pil")
    with pytest.raises(AttributeError, match="nearest one is CLIPImageProcessor"):
        _ = gp.ClipImageProcessor


# ---- copies and files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_copies_work_on_their_own(duplicate: Callable[[BaseImageProcessor], BaseImageProcessor]) -> None:
    image = noise(30, 40, 3)
    ours = gp.CLIPImageProcessorFast(size={"shortest_edge": 30}, note="n", engine="numpy")
    expected = ours(image, return_tensors="np", engine="onnxruntime")
    twin = duplicate(ours)
    assert type(twin) is type(ours)
    assert twin.to_dict() == ours.to_dict()
    assert twin.engine == "numpy"
    assert_same(twin(image, return_tensors="np", engine="onnxruntime"), expected)
    twin.size = {"shortest_edge": 50}
    assert ours.size == {"shortest_edge": 30}


def test_an_export_is_a_graph_that_describes_itself(tmp_path: Path) -> None:
    ours = gp.CLIPImageProcessor(size=40, crop_size=32, note="n")
    path = ours.export(tmp_path / "graph.onnx")
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = gp.Session(path)
    assert session.config() == json.loads(json.dumps(ours.to_dict()))
    assert {"version", "backend", "target", "input", "color", "parity"} <= set(session.metadata)
    image = noise(50, 60, 3)
    assert_same_value(session(image[None])["pixel_values"], ours(image, return_tensors="np")["pixel_values"])
    assert ours.export(tmp_path / "again.onnx").read_bytes() == path.read_bytes()


def test_an_export_with_changed_settings_says_so(tmp_path: Path) -> None:
    session = gp.Session(gp.CLIPImageProcessor().export(tmp_path / "graph.onnx", size=40, crop_size=32))
    assert session.config()["size"] == {"shortest_edge": 40}
    assert session(noise(1, 50, 60, 3))["pixel_values"].shape == (1, 3, 32, 32)


def test_a_failed_export_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "graph.onnx"
    path.write_bytes(b"old")
    ours = gp.CLIPImageProcessor()

    def fail(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", fail)
        with pytest.raises(ConfigError, match="cannot be written"):
            ours.export(path)
    assert path.read_bytes() == b"old"
    with pytest.raises(ConfigError):
        ours.export(path, size="large")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["graph.onnx"]


def test_an_export_into_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Create the folder first"):
        gp.CLIPImageProcessor().export(tmp_path / "none" / "graph.onnx")


def test_an_exported_file_has_ordinary_permissions(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"")
    path = gp.CLIPImageProcessor().export(tmp_path / "graph.onnx")
    assert path.stat().st_mode == (tmp_path / "other").stat().st_mode
