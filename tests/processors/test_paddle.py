"""PaddleOCR's classes: images of one call that depend on each other, and outputs that stay separate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import transformers
from cases.parity import ours, picture, theirs

import graphproc as gp
from graphproc.errors import ConfigError, GraphprocError

LINES = [(30, 90), (20, 400), (50, 500), (61, 500)]
RECOGNIZERS = ("PPOCRV5ServerRecImageProcessor", "PPOCRV6SmallRecImageProcessor")


@pytest.mark.parametrize("engine", ["numpy", "onnxruntime"])
@pytest.mark.parametrize("name", RECOGNIZERS)
def test_lines_become_as_wide_as_the_first_widest(name: str, engine: str) -> None:
    processor = getattr(gp, name)(engine=engine)
    found = processor([picture(size, "noise") for size in LINES])["pixel_values"]
    assert {line.shape for line in found} == {(3, 48, 480)}  # 48 * 500 / 50, of the first of two lines of 500
    alone = [processor(picture(size, "noise"))["pixel_values"][0] for size in LINES]
    assert [line.shape[-1] for line in alone] == [320, 960, 480, 393]
    np.testing.assert_array_equal(found[2], alone[2])
    assert (alone[0][..., 144:] == 0).all()  # 48 * 90 / 30
    assert (found[0][..., 144:] != 0).any()


@pytest.mark.parametrize("name", RECOGNIZERS)
def test_graphs_of_a_sequence_make_each_line_as_wide_as_it_is_alone(name: str) -> None:
    processor = getattr(gp, name)()
    images = [picture(size, "noise") for size in ((30, 90), (50, 90))]
    run = gp.Session(processor.to_onnx(input="sequence"), threads=1).run
    found = run({"images": [np.asarray(image) for image in images]})["pixel_values"]
    for line, image in zip(found, images, strict=True):
        np.testing.assert_array_equal(line, processor(image)["pixel_values"][0])


@pytest.mark.parametrize("sizes", [[(40, 57), (31, 90)], [(40, 57), (40, 57)], [(40, 57)]], ids=str)
@pytest.mark.parametrize("engine", ["numpy", "onnxruntime"])
def test_original_images_stay_apart(engine: str, sizes: list[tuple[int, int]]) -> None:
    images = [picture(size, "noise") for size in sizes]
    processor = gp.UVDocImageProcessor(size={"height": 50, "width": 41}, engine=engine)
    for tensors in (None, "np"):
        features = processor(images, return_tensors=tensors)
        originals = features["original_images"]
        assert isinstance(originals, list)
        for original, image in zip(originals, images, strict=True):
            expected = np.asarray(image, dtype=np.float32)[..., ::-1].transpose(2, 0, 1) * np.float32(1 / 255)
            np.testing.assert_array_equal(original, expected)
        assert np.shape(features["pixel_values"]) == (len(images), 3, 50, 41)


def test_original_images_as_tensors() -> None:
    torch = pytest.importorskip("torch")
    features = gp.UVDocImageProcessor()([picture((40, 57), "noise"), picture((31, 90), "noise")], return_tensors="pt")
    assert [tuple(original.shape) for original in features["original_images"]] == [(3, 40, 57), (3, 31, 90)]
    assert all(isinstance(original, torch.Tensor) for original in features["original_images"])


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("PPOCRV5ServerDetImageProcessor", {"limit_type": "other"}, "limit_type: expected one of max, min, resize_long"),
        (
            "PPOCRV5ServerDetImageProcessor",
            {"resample": 1},
            "resample: torchvision resizes floats with the filters 0, 2, 3 alone",
        ),
        ("PPOCRV6SmallRecImageProcessor", {"resample": 1}, "resample: torchvision resizes images without antialiasing"),
        ("PPOCRV6SmallRecImageProcessor", {"pad_size": None}, "do_pad: needs pad_size"),
        ("PPOCRV6SmallRecImageProcessor", {"max_image_width": 0}, "max_image_width: expected a whole number of at least 1"),
        ("PPOCRV6SmallRecImageProcessor", {"character_list": 5}, "character_list: expected texts, got 5"),
        ("PPFormulaNetImageProcessor", {"do_align_long_axis": True, "size": (9, 6)}, "torchvision's backend cannot turn images"),
        ("NougatImageProcessor", {"do_align_long_axis": True, "backend": "torchvision"}, "backend cannot turn images"),
        ("PPLCNetImageProcessor", {"resize_short": 0}, "resize_short: expected a whole number of at least 1"),
    ],
)
def test_refused(name: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        getattr(gp, name)(**settings).compile()


@pytest.mark.parametrize(
    ("name", "settings", "size", "message"),
    [
        ("PPOCRV5ServerRecImageProcessor", {}, (100, 2), "less than 2 pixels wide"),
        ("SLANeXtImageProcessor", {"size": 10}, (1, 90), "rounds to less than 1 pixel"),
    ],
)
def test_images_that_are_refused(name: str, settings: dict[str, Any], size: tuple[int, int], message: str) -> None:
    with pytest.raises(GraphprocError, match=message):
        getattr(gp, name)(**settings)(picture(size, "noise"))


@pytest.mark.parametrize("limit", ["max", "min", "resize_long"])
@pytest.mark.parametrize("key", ["limit_side_len", "max_side_limit"])
def test_a_limit_of_nothing_leaves_the_smallest_size(key: str, limit: str) -> None:
    settings, image = {key: 0, "limit_type": limit, "backend": "torchvision"}, picture((28, 52), "noise")
    found, wanted = (make("PPOCRV5ServerDetImageProcessor", settings)(image, return_tensors="np") for make in (ours, theirs))
    for name, array in wanted.items():
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64"])
def test_whole_numbers_that_are_clipped_become_floats(dtype: str) -> None:
    image = torch.from_numpy(np.random.default_rng(0).integers(-100, 120, (3, 15, 9)).astype(dtype))
    settings = {"size": {"height": 61, "width": 45}, "do_normalize": False, "do_rescale": False}
    expected = transformers.PPDocLayoutV4ImageProcessor(**settings)(image, return_tensors="np")["pixel_values"]
    found = gp.PPDocLayoutV4ImageProcessor(**settings)(image, return_tensors="np")["pixel_values"]
    assert found.dtype == expected.dtype == np.float32
    assert (found == expected).all()
