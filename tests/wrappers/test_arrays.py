"""The single steps on arrays against the methods of transformers' Pillow backend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import transformers
from transformers.image_utils import ChannelDimension, SizeDict

import graphproc as gp
from graphproc.errors import ConfigError, ImageError

Array = np.ndarray[Any, Any]
OURS = gp.CLIPImageProcessorPil()
THEIRS: Any = transformers.CLIPImageProcessorPil()
DTYPES = ("uint8", "int32", "float16", "float32", "float64")
LAYOUTS = ("channels_first", "channels_last")


def image(dtype: str = "uint8", channels: int = 3, unit: bool = False) -> Array:
    values = np.random.default_rng(0).integers(0, 256, (channels, 37, 52))
    return (values / 255).astype(dtype) if unit else values.astype(dtype)


def check(method: str, x: Array, settings: dict[str, Any], theirs: dict[str, Any] | None = None) -> None:
    """Assert equal to transformers in every combination of layouts."""
    expected = getattr(THEIRS, method)(x, **(theirs or settings))
    for given in LAYOUTS:
        laid_out = x if given == "channels_first" else np.moveaxis(x, 0, -1)
        for named in (None, given, ChannelDimension(given)):
            for wanted in (None, *LAYOUTS):
                found = getattr(OURS, method)(laid_out, **settings, data_format=wanted, input_data_format=named)
                found = np.moveaxis(found, -1, 0) if (wanted or given) == "channels_last" else found
                assert found.dtype == expected.dtype
                assert found.shape == expected.shape
                assert (found == expected).all()


SIZES: list[tuple[Any, dict[str, int]]] = [
    (20, {"height": 20, "width": 20}),
    ((20, 31), {"height": 20, "width": 31}),
    ({"shortest_edge": 20}, {"shortest_edge": 20}),
    ({"shortest_edge": 30, "longest_edge": 40}, {"shortest_edge": 30, "longest_edge": 40}),
    ({"max_height": 60, "max_width": 70}, {"max_height": 60, "max_width": 70}),
]


@pytest.mark.parametrize(("size", "form"), SIZES, ids=str)
def test_resize_sizes(size: Any, form: dict[str, int]) -> None:
    check("resize", image(), {"size": size, "resample": 3}, {"size": SizeDict(**form), "resample": 3})


@pytest.mark.parametrize("resample", [None, 0, 1, 2, 3, 4, 5])
def test_resize_filters(resample: int | None) -> None:
    check("resize", image(), {"size": 20, "resample": resample}, {"size": SizeDict(height=20, width=20), "resample": resample})


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("dtype", "unit"), [(d, u) for d in DTYPES for u in (False, True) if d.startswith("float") or not u])
def test_resize_dtypes(dtype: str, channels: int, unit: bool) -> None:
    check("resize", image(dtype, channels, unit), {"size": 20}, {"size": SizeDict(height=20, width=20)})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(20, 31), (38, 20), (60, 61)])
def test_center_crop(dtype: str, size: tuple[int, int]) -> None:
    form = SizeDict(height=size[0], width=size[1])
    check("center_crop", image(dtype), {"size": size}, {"size": form})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1 / 255, 0.0078, 3])
def test_rescale(dtype: str, scale: float) -> None:
    check("rescale", image(dtype), {"scale": scale})
    assert OURS.rescale(image(dtype), scale, dtype=np.float64).dtype == np.float64


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("statistics", [([0.1, 0.2, 0.3], (0.4, 0.5, 0.6)), (0.25, 0.5), ([7, 8, 9], [1, 2, 3])])
def test_normalize(dtype: str, statistics: tuple[Any, Any]) -> None:
    check("normalize", image(dtype, unit=dtype.startswith("float")), dict(zip(("mean", "std"), statistics, strict=True)))


@pytest.mark.parametrize("fill", [0, 3])
def test_pad(fill: int) -> None:
    images = [image()[:, :h, :w].copy() for h, w in ((20, 30), (37, 10), (5, 52))]
    for ours, theirs in ((None, None), ((40, 60), SizeDict(height=40, width=60))):
        expected, masks = THEIRS.pad(images, pad_size=theirs, fill_value=fill, return_mask=True)
        for pictures in (images, [np.moveaxis(x, 0, -1) for x in images]):
            found, found_masks = OURS.pad(pictures, ours, fill, return_mask=True, data_format="channels_first")
            for have, want in zip([*found, *found_masks], [*expected, *masks], strict=True):
                assert have.dtype == want.dtype
                assert (have == want).all()
    one, mask = OURS.pad(images[0], 40, return_mask=True)
    assert (one.shape, mask.sum()) == ((3, 40, 40), 600)
    assert OURS.pad(images[0]).shape == images[0].shape


def test_the_steps_in_a_row_are_a_call() -> None:
    x = image()
    for step in (
        lambda x: OURS.resize(x, OURS.size, OURS.resample),
        lambda x: OURS.center_crop(x, OURS.crop_size),
        lambda x: OURS.rescale(x, OURS.rescale_factor),
        lambda x: OURS.normalize(x, OURS.image_mean, OURS.image_std),
    ):
        x = step(x)
    assert (x == OURS(image(), return_tensors="np")["pixel_values"][0]).all()


def test_tensors_are_taken() -> None:
    assert (OURS.resize(torch.from_numpy(image()), 20) == OURS.resize(image(), 20)).all()


def test_results_do_not_share_memory_with_the_input() -> None:
    x = image()
    for found in (OURS.resize(x, {"height": 37, "width": 52}), OURS.center_crop(x, (37, 52)), OURS.pad(x)):
        found[:] = 0
        assert x.any()


def test_an_image_that_could_be_either_layout_is_taken_channels_first_with_a_warning() -> None:
    x = image()[:, :, :3].copy()
    with pytest.warns(UserWarning, match="both be channels; taking the first"):
        assert OURS.resize(x, 5).shape == (3, 5, 5)
    assert OURS.resize(x, 5, input_data_format="channels_last").shape == (5, 5, 3)


@pytest.mark.parametrize(
    ("method", "arguments", "message"),
    [
        ("resize", {"size": "big"}, "size: expected"),
        ("resize", {"size": 20, "resample": 9}, "resample: expected one of"),
        ("resize", {"size": {"longest_edge": 20}}, "size: expected"),
        ("center_crop", {"size": {"shortest_edge": 20}}, "size: expected height and width"),
        ("normalize", {"mean": [1, 2], "std": 1}, "mean: expected a number, or one for each of the 3 channels"),
        ("normalize", {"mean": 1, "std": {"a": 1}}, "std: expected a number"),
        ("pad", {"pad_size": 30}, "expected at most pad_size, 30 x 30"),
        ("rescale", {"scale": 1, "data_format": "HWC"}, "data_format: expected"),
    ],
)
def test_what_has_no_meaning_is_refused(method: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises((ConfigError, ImageError), match=message):
        getattr(OURS, method)(image(), **arguments)


@pytest.mark.parametrize("value", [None, "a.png", np.zeros((3, 4)), np.zeros((5, 6, 7)), np.zeros((3, 0, 4)), np.array("x")])
def test_what_is_no_single_image_is_refused(value: Any) -> None:
    with pytest.raises(ImageError):
        OURS.center_crop(value, 3)


@pytest.mark.parametrize("resample", [0, 2, 3])
def test_four_channels_are_resized_with_the_last_as_alpha(resample: int) -> None:
    sizes = {"size": 20, "resample": resample}, {"size": SizeDict(height=20, width=20), "resample": resample}
    check("resize", image(channels=4), *sizes)
