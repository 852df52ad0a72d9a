"""What is torchvision's own: its weights at large sizes, images of every type and of any channels, alpha.

`test_parity.py` compares every class in each of its backends.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import cases.parity as cases
import numpy as np
import pytest
import tiers
from cases.parity import Size
from cases.processors.case import Settings
from cases.processors.tiles.pan_and_scan import SCAN
from PIL import Image

import graphproc as gp
from graphproc.errors import ConfigError, GraphprocError, ImageError
from graphproc.numerics.color import blend_on_white_in_float32
from graphproc.processors.parity import THREADS
from graphproc.processors.registry import lookup, specs

BACKEND = "torchvision"
NAMES = [name for name, spec in specs().items() if BACKEND in spec.backends]
FIRST = tiers.firsts(NAMES)


def test_most_classes_have_it() -> None:
    assert len(NAMES) >= 60


@pytest.mark.parametrize("filter", [2, 3])
@pytest.mark.parametrize("size", [(240, 320), (427, 640), (1080, 1920), (1500, 700)])
def test_graphs_of_any_and_of_fixed_size(size: Size, filter: int) -> None:
    """Sizes with weights of few bits and of many: both forms of the products."""
    settings: dict[str, Any] = {"backend": BACKEND, "resample": filter}
    image = cases.picture(size, "noise")
    expected = cases.transformers_result("CLIPImageProcessor", settings, image)
    processor = gp.CLIPImageProcessor(**settings)
    for options in ({}, {"image_size": size}):
        found = gp.Session(processor.to_onnx(**options), threads=1).run({"images": np.asarray(image)[None]})
        assert cases.difference(dict(found), expected) == "", options


BYTES_ALONE = ("Chameleon", "Llama4", "MuseGlimmer", "Nougat", "PPDocLayoutV4", "PPFormulaNet", "SLANeXt")
"""By a filter or a step that this package has for bytes alone."""
FLOATS = [name for name in NAMES if not lookup(name).extra_inputs and lookup(name).samples.images == 1]


FLOAT_ROWS = [(name, 1) for name in FLOATS] + [(name, 255) for name in FLOATS if name in FIRST]


@pytest.mark.parametrize(
    ("name", "largest"), tiers.rows(FLOAT_ROWS, [row for row in FLOAT_ROWS[::9] if row[0] not in tiers.LARGE])
)
def test_float32_images(name: str, largest: int) -> None:
    """Results are torch's bits, or within what the class states, with the filters that this package has, and close elsewhere."""
    settings = {**cases.CASES[name].always, "backend": BACKEND}
    image = np.random.default_rng(7).random((150, 200, 3), dtype=np.float32) * np.float32(largest)
    if name.removesuffix("ImageProcessor") in BYTES_ALONE:
        with pytest.raises(ImageError, match="does not take it here"):
            cases.ours(name, settings)(image)
        return
    expected = cases.attempt(lambda: cases.theirs(name, settings)(image, return_tensors="pt"), Exception)
    found = cases.attempt(lambda: cases.ours(name, settings)(image, return_tensors="pt"), GraphprocError)
    bound = lookup(name).parity_of(BACKEND).bound if cases.takes_torch_kernels(THREADS) else 1e-4
    assert cases.difference(found, expected, bound) == ""


TYPES = ("bool", "int8", "uint16", "int32", "int64", "float16", "float64")
WHOLE = {"do_normalize": False, "rescale_factor": 1}
"""A factor that is a whole number: torch makes whole numbers of bools and keeps others as they are."""
TYPED = ("CLIP", "Detr", "DINOv3ViT", "EfficientNet", "Molmo2", "RfDetr", "UVDoc")
"""Classes that treat pixels differently: resized first or rescaled first, in one step or two, and rounded to bytes."""


@tiers.crossed(("dtype", TYPES), ("name", TYPED))
def test_images_of_every_type(name: str, dtype: str) -> None:
    """In the type that they have, which resizes round to and products keep."""
    rng, name = np.random.default_rng(5), f"{name}ImageProcessor"
    image = rng.random((3, 40, 53)) if dtype.startswith("float") else rng.integers(0, 2 if dtype == "bool" else 120, (3, 40, 53))
    size = {"size": {"height": 54, "width": 54} if name.startswith("Molmo2") else {"height": 37, "width": 61}}
    size |= {"size": {"shortest_edge": 37, "longest_edge": 61}, "do_pad": False} if name.startswith("Detr") else {}
    for switches in ({}, {"do_rescale": False}, {"do_normalize": False}, {"do_resize": False}, {"rescale_factor": 2}, WHOLE):
        settings = {**size, **switches, "backend": BACKEND}
        given = {"images": image.astype(dtype), "input_data_format": "channels_first"}
        expected = cases.attempt(partial(cases.theirs(name, settings), **given, return_tensors="pt"), Exception)
        found = cases.attempt(partial(cases.ours(name, settings), **given, return_tensors="np"), GraphprocError)
        bound = 0.0 if cases.takes_torch_kernels(THREADS) else 1e-2 * float(dtype == "float16") or 1e-4
        assert cases.difference(found, expected, bound) == "", switches


@pytest.mark.parametrize("name", ["SuperGlue", "SuperPoint"])
@pytest.mark.parametrize("dtype", ["uint8", *TYPES])
def test_gray_of_every_type(name: str, dtype: str) -> None:
    """Ahead of the resize in one class, behind it in the others; bytes stay bytes."""
    rng, name = np.random.default_rng(5), f"{name}ImageProcessor"
    for channels in (1, 3, 4):
        # 64 pixels at once: torch rounds the last float16 ones, if there are fewer, otherwise
        shape = (channels, 32, 48)
        image = rng.random(shape) if dtype.startswith("float") else rng.integers(0, 2 if dtype == "bool" else 120, shape)
        images = [image.astype(dtype), image[..., ::-1].astype(dtype)][: lookup(name).samples.images]
        for switches in ({}, {"do_rescale": False}, {"do_resize": False}, {"do_rescale": False, "do_resize": False}):
            settings = {"size": {"height": 64, "width": 16}, "do_grayscale": True, **switches, "backend": BACKEND}
            given = {"images": images, "input_data_format": "channels_first"}
            expected = cases.attempt(partial(cases.theirs(name, settings), **given, return_tensors="pt"), Exception)
            found = cases.attempt(partial(cases.ours(name, settings), **given, return_tensors="np"), GraphprocError)
            bound = 0.0 if cases.takes_torch_kernels(THREADS) else 1e-2 if dtype.startswith("float") else 2.1
            assert cases.difference(found, expected, bound) == "", (channels, switches)


PAGE = {"do_normalize": False, "size": {"height": 60, "width": 45}}


@pytest.mark.parametrize(("name", "settings"), [("MobileViT", {}), ("Nougat", PAGE), ("PPFormulaNet", PAGE), ("Swin2SR", {})])
@pytest.mark.parametrize("channels", [1, 4])
def test_other_channels_where_nothing_asks_for_three(name: str, settings: Settings, channels: int) -> None:
    """MobileViT's flip leaves a fourth channel where it is, and fails without three; a page's margin is found in one or three."""
    image, name = np.random.default_rng(7).integers(0, 256, (channels, 40, 53), dtype=np.uint8), f"{name}ImageProcessor"
    image[..., :7], image[..., -9:, :] = 255, 255
    settings = {**settings, "do_convert_rgb": False, "backend": BACKEND}
    given = {"images": image, "input_data_format": "channels_first"}
    expected = cases.attempt(partial(cases.theirs(name, settings), **given, return_tensors="pt"), Exception)
    found = cases.attempt(partial(cases.ours(name, settings), **given, return_tensors="np"), GraphprocError)
    assert cases.difference(found, expected) == ""


def test_graphs_of_gray_bytes() -> None:
    image = cases.picture((40, 53), "photograph")
    settings = {"do_grayscale": True, "do_rescale": False, "size": {"height": 30, "width": 31}, "backend": BACKEND}
    expected = cases.transformers_result("SuperPointImageProcessor", settings, image)
    found = cases.graph_result(cases.graph("SuperPointImageProcessor", settings), "SuperPointImageProcessor", image)
    assert cases.difference(found, expected, cases.allowed("SuperPointImageProcessor", settings, (40, 53))) == ""
    assert expected["pixel_values"].dtype == np.uint8


TILED: Mapping[str, Settings] = {
    "Aria": {"max_image_size": 490},
    "DeepseekOcr2": {},
    "Gemma3": SCAN,
    "Idefics2": {"do_image_splitting": True},
    "Idefics3": {"resample": 2},
    "MiniCPMOcr": {},
    "MiniCPMV4_6": {},
    "SmolVLM": {"resample": 3},
    "UltraVBert": {"resample": 2},
}
"""Classes that cut images and fill up tiles, or samples, in the pixels' type or in floats."""


@pytest.mark.parametrize("name", tiers.rows(TILED, ["Idefics2", "MiniCPMV4_6"]))
@pytest.mark.parametrize("dtype", tiers.rows((*TYPES, "float32"), ["int32", "float16", "float64"]))
def test_tiles_of_every_type(name: str, dtype: str) -> None:
    rng = np.random.default_rng(5)
    image = rng.random((3, 60, 93)) if dtype.startswith("float") else rng.integers(0, 2 if dtype == "bool" else 120, (3, 60, 93))
    given = {"images": image.astype(dtype), "input_data_format": "channels_first"}
    for switches in ({}, {"do_rescale": False}, {"do_normalize": False}, WHOLE, {"do_resize": False}):
        settings = {**cases.CASES[f"{name}ImageProcessor"].always, **TILED[name], **switches, "backend": BACKEND}
        expected = cases.attempt(
            partial(cases.theirs(f"{name}ImageProcessor", settings), **given, return_tensors="pt"), Exception
        )
        found = cases.attempt(
            partial(cases.ours(f"{name}ImageProcessor", settings), **given, return_tensors="np"), GraphprocError
        )
        bound = 0.0 if cases.takes_torch_kernels(THREADS) else 1e-2 * float(dtype == "float16") or 1e-4
        assert cases.difference(found, expected, bound) == "", switches


@pytest.mark.parametrize("name", ["DINOv3ViT", "EfficientNet", "PPDocLayoutV4", "PPOCRV5ServerDet", "RfDetr", "CLIP"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_one_channel_becomes_three_where_torch_broadcasts(name: str, dtype: str) -> None:
    if (name, dtype) == ("PPDocLayoutV4", "float32"):
        pytest.skip("refused: the range of floats is found in their values")
    image, name = np.random.default_rng(6).integers(0, 256, (1, 40, 53)).astype(dtype), f"{name}ImageProcessor"
    settings = {"backend": BACKEND, "do_convert_rgb": False}
    given = {"images": image, "input_data_format": "channels_first"}
    expected = cases.attempt(partial(cases.theirs(name, settings), **given, return_tensors="pt"), Exception)
    found = cases.attempt(partial(cases.ours(name, settings), **given, return_tensors="np"), GraphprocError)
    assert cases.difference(found, expected, 0.0 if cases.takes_torch_kernels(THREADS) else 1e-1) == ""


@pytest.mark.parametrize("channels", [1, 4])
def test_float32_images_of_other_channels(channels: int) -> None:
    image = np.random.default_rng(8).random((37, 52, channels), dtype=np.float32)
    settings = {"backend": BACKEND, "do_resize": False, "crop_size": 33}
    expected = cases.attempt(lambda: cases.theirs("CLIPImageProcessor", settings)(image, return_tensors="pt"), Exception)
    assert cases.difference(cases.attempt(lambda: gp.CLIPImageProcessor(**settings)(image), GraphprocError), expected) == ""


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "CMYK"])
def test_pil_modes(mode: str) -> None:
    image = Image.fromarray(np.random.default_rng(4).integers(0, 256, (37, 52, 3), dtype=np.uint8)).convert(mode)
    settings = {"backend": BACKEND, "size": 40, "crop_size": 33}
    expected = cases.transformers_result("CLIPImageProcessor", settings, image)
    assert cases.difference(cases.numpy_result("CLIPImageProcessor", settings, image), expected) == ""


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "RGBa", "L", "LA", "La", "P", "PA", "CMYK"])
@pytest.mark.parametrize("as_array", [False, True])
def test_alpha_over_a_checkerboard(mode: str, as_array: bool) -> None:
    rgba = np.random.default_rng(4).integers(0, 256, (37, 52, 4), dtype=np.uint8)
    image = Image.fromarray(rgba)
    image = image.convert("LA").convert(mode) if mode in ("La", "PA") else image.convert(mode)
    given = np.array(image) if as_array else image
    expected = cases.attempt(lambda: cases.theirs("Inkling2ImageProcessor", {})(given, return_tensors="np"), Exception)
    found = cases.attempt(lambda: cases.ours("Inkling2ImageProcessor", {})(given, return_tensors="np"), GraphprocError)
    assert cases.difference(found, expected) == ""


@pytest.mark.parametrize("dtype", ["bool", "int8", "int16", "int64", "float16", "float32", "float64"])
@pytest.mark.parametrize("largest", [1, 255])
def test_alpha_of_every_type_over_a_checkerboard(largest: int, dtype: str) -> None:
    """In int32, to which the class truncates everything."""
    pixels = np.random.default_rng(9).random((20, 25, 4)) * (largest + 1 if "int" in dtype else largest)
    image = pixels.astype(np.int64).astype(dtype) if "int" in dtype else pixels.astype(dtype)
    expected = cases.theirs("Inkling2ImageProcessor", {"backend": BACKEND})(image, return_tensors="pt")
    assert cases.difference(dict(gp.Inkling2ImageProcessor()(image, return_tensors="np")), _arrays(expected)) == ""


def _arrays(features: Any) -> dict[str, Any]:
    return {key: np.asarray(value) for key, value in features.items()}


@pytest.mark.parametrize("factor", [1, 2, 1 / 127.5])
@pytest.mark.parametrize("dtype", ["uint8", *(dtype for dtype in TYPES if dtype != "uint16")])  # torch subtracts none of these
def test_an_offset_in_every_type(dtype: str, factor: float) -> None:
    """EfficientNet's minus one has the pixels' type: whole numbers wrap."""
    image = (np.random.default_rng(7).random((3, 30, 36)) * (1 if "f" in dtype else 120)).astype(dtype)
    settings = {"do_resize": False, "rescale_offset": True, "rescale_factor": factor, "do_normalize": False, "backend": BACKEND}
    settings |= {"include_top": False, "do_center_crop": False}
    given = {"images": image, "input_data_format": "channels_first"}
    expected = cases.attempt(
        partial(cases.theirs("EfficientNetImageProcessor", settings), **given, return_tensors="pt"), Exception
    )
    found = cases.attempt(
        partial(cases.ours("EfficientNetImageProcessor", settings), **given, return_tensors="np"), GraphprocError
    )
    assert cases.difference(found, expected) == ""


@pytest.mark.parametrize("channels", [1, 4])
def test_pages_of_other_channels(channels: int) -> None:
    """Granite Docling's tiles have them where nothing asks for three."""
    image = np.random.default_rng(2).integers(0, 256, (channels, 60, 90), dtype=np.uint8)
    settings = {"size": {"height": 40, "width": 40}, "do_convert_rgb": False, "do_normalize": False, "backend": BACKEND}
    expected = cases.theirs("GraniteDoclingImageProcessor", settings)(image, return_tensors="pt")
    found = cases.ours("GraniteDoclingImageProcessor", settings)(image, return_tensors="np")
    assert found["pixel_values"].shape[2] == channels
    np.testing.assert_array_equal(found["pixel_values"], np.asarray(expected["pixel_values"]))


@pytest.mark.parametrize("mean", [(1.2, 0.4, 0.5), (0.3, -0.2, 0.5)])
@pytest.mark.parametrize("name", ["DeepseekVLImageProcessor", "LlavaImageProcessor"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_margins_beyond_bytes_around_floats(name: str, mean: tuple[float, ...], dtype: str) -> None:
    """Bytes have no such colour."""
    settings = {"image_mean": mean, "do_pad": True, "backend": BACKEND}
    image = np.random.default_rng(3).random((3, 40, 61)).astype(dtype)
    expected = np.asarray(cases.theirs(name, settings)(image, return_tensors="pt")["pixel_values"])
    found = cases.ours(name, settings)(image, return_tensors="np")["pixel_values"]
    np.testing.assert_allclose(found, expected, rtol=0, atol=0 if cases.takes_torch_kernels(THREADS) else 1e-4)
    with pytest.raises(GraphprocError, match="background: expected a byte for each of 3 channels"):
        cases.ours(name, settings)((image * 255).astype(np.uint8))


def test_a_graph_that_reads_rgba_has_the_checkerboard_too() -> None:
    rgba = np.random.default_rng(4).integers(0, 256, (37, 52, 4), dtype=np.uint8)
    expected = cases.transformers_result("Inkling2ImageProcessor", {}, Image.fromarray(rgba))
    session = gp.Session(gp.Inkling2ImageProcessor().to_onnx(color="rgba"), threads=1)
    assert cases.difference(dict(session.run({"images": rgba[None]})), expected) == ""


def test_a_graph_that_reads_rgba_leaves_alpha_out_where_the_class_does() -> None:
    """UVDoc takes the first three channels, back to front."""
    rgba = np.random.default_rng(4).integers(0, 256, (37, 52, 4), dtype=np.uint8)
    expected = cases.theirs("UVDocImageProcessor", {})(rgba, return_tensors="pt")
    found = gp.Session(gp.UVDocImageProcessor().to_onnx(color="rgba"), threads=1).run({"images": rgba[None]})
    np.testing.assert_array_equal(found["original_images"], np.stack([np.asarray(one) for one in expected["original_images"]]))
    assert np.abs(found["pixel_values"] - np.asarray(expected["pixel_values"])).max() < 1e-5


def test_a_palette_with_a_transparent_colour_over_a_checkerboard() -> None:
    image = Image.fromarray(np.random.default_rng(4).integers(0, 256, (20, 30, 3), dtype=np.uint8)).quantize(7)
    image.info["transparency"] = 3
    expected = cases.transformers_result("Inkling2ImageProcessor", {}, image)
    assert cases.difference(cases.numpy_result("Inkling2ImageProcessor", {}, image), expected) == ""


def test_every_colour_and_alpha_over_white() -> None:
    import torch
    import transformers

    colour, alpha = np.meshgrid(np.arange(256), np.arange(256))
    rgba = np.stack([colour, 255 - colour, colour, alpha], -1).astype(np.uint8)
    planes = torch.from_numpy(rgba.transpose(2, 0, 1).copy())
    expected = transformers.CLIPImageProcessor().convert_to_rgb(planes, input_data_format="channels_first").numpy()
    np.testing.assert_array_equal(blend_on_white_in_float32(rgba), expected.transpose(1, 2, 0))


@pytest.mark.parametrize("resample", [4, 5])
def test_filters_that_it_lacks_are_refused(resample: int) -> None:
    with pytest.raises(ConfigError, match="torchvision resizes bytes with the filters 0, 1, 2, 3 alone"):
        gp.CLIPImageProcessor(backend=BACKEND, resample=resample).compile()


@pytest.mark.parametrize("dtype", ["int8", "int16", "uint16", "bool", "float16", "float64", "int32", "int64"])
def test_alpha_of_every_type_over_white(dtype: str) -> None:
    rng = np.random.default_rng(9)
    low, high = {"int8": (-128, 128), "bool": (0, 2)}.get(dtype, (0, 1 if dtype.startswith("float") else 256))
    image = rng.uniform(low, high, (21, 17, 4)).astype("uint8" if dtype == "bool" else dtype).astype(dtype)
    settings = {"do_resize": False, "do_center_crop": False, "do_rescale": False, "do_normalize": False}
    expected = cases.attempt(lambda: cases.theirs("CLIPImageProcessor", settings | {"backend": BACKEND})(image), Exception)
    found = cases.attempt(lambda: gp.CLIPImageProcessor(backend=BACKEND, **settings)(image), GraphprocError)
    assert cases.difference(found, expected) == ""
    assert isinstance(found, Exception) == (dtype in ("int32", "int64"))
