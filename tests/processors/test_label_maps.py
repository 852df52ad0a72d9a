"""Label maps beside images: where they differ from images, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import cases.parity as cases
import numpy as np
import pytest
import tiers
from cases.parity import reference_class
from PIL import Image

from graphproc.errors import ConfigError, GraphprocError, ImageError
from graphproc.processors.label_maps import LABEL_MAPS
from graphproc.processors.registry import specs
from graphproc.wrappers.processor import processor_class

Array = np.ndarray[Any, Any]

LABELLED = [name for name, spec in specs().items() if spec.extra_inputs is LABEL_MAPS]
SEGFORMER = {"size": {"height": 20, "width": 30}, "do_reduce_labels": True}


def _map(height: int, width: int) -> Array:
    return np.random.default_rng(height).integers(0, 256, (height, width), dtype=np.uint8)


def _image(height: int, width: int) -> Array:
    return np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_some_classes_take_label_maps() -> None:
    assert {"BeitImageProcessor", "SamImageProcessor", "SegformerImageProcessor"} <= set(LABELLED)


@pytest.mark.parametrize("name", LABELLED)
def test_without_maps_there_are_no_labels(name: str) -> None:
    assert "labels" not in [output.name for output in processor_class(name)().compile().outputs]
    found = processor_class(name)().compile(inputs=["segmentation_map"])
    assert found.outputs[-1].name == "labels"
    assert found.value(found.outputs[-1].value).type.dtype == "i64"


@pytest.mark.parametrize("engine", ["numpy", "onnxruntime"])
def test_floats_of_the_image_leave_the_labels_alone(engine: str) -> None:
    """Such an image is scaled back after its resize, a map of bytes is not."""
    image = (_image(17, 25) / 255).astype(np.float32)
    expected = reference_class("SegformerImageProcessor")(**SEGFORMER)(image, _map(17, 25), return_tensors="np")
    ours = processor_class("SegformerImageProcessor")(**SEGFORMER)
    found = ours(image, segmentation_maps=_map(17, 25), return_tensors="np", engine=engine)
    assert set(found) == {"pixel_values", "labels"}
    for key in found:
        assert np.array_equal(found[key], expected[key]), key


@pytest.mark.parametrize("engine", ["numpy", "onnxruntime"])
def test_maps_have_sides_of_their_own(engine: str) -> None:
    images, maps = [_image(17, 25)] * 3, [_map(30, 9), _map(17, 25), _map(30, 9)]
    expected = reference_class("SegformerImageProcessor")(**SEGFORMER)(images, [m.copy() for m in maps], return_tensors="np")
    found = processor_class("SegformerImageProcessor")(**SEGFORMER)(
        images, segmentation_maps=maps, return_tensors="np", engine=engine
    )
    assert np.array_equal(found["labels"], expected["labels"])


def test_the_map_of_a_call_is_not_written_to() -> None:
    labels = _map(17, 25)
    processor_class("SegformerImageProcessor")(**SEGFORMER)(_image(17, 25), segmentation_maps=labels)
    assert np.array_equal(labels, _map(17, 25))


def _typed(dtype: str) -> Any:
    rng = np.random.default_rng(5)
    if dtype in ("1", "I", "F"):
        return Image.fromarray(rng.integers(0, 256, (17, 25), dtype=np.uint8)).convert(dtype)
    least, most = (0, 2) if dtype == "bool" else (-3 if dtype == "int32" else 0, 900 if dtype == "int64" else 120)
    return rng.integers(least, most, (17, 25)).astype(dtype)


TYPES = ("uint8", "int8", "int16", "uint16", "int32", "int64", "bool", "float16", "float32", "float64", "1", "I", "F")


@pytest.mark.parametrize("name", tiers.names([name for name in LABELLED if name != "Tipsv2DptImageProcessor"]))
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("backend", ["pil", "torchvision"])
def test_maps_of_every_type(name: str, dtype: str, backend: str) -> None:
    """An interpolating filter rounds to the map's type; labels above 255 and below 0 are labels, too."""
    if backend not in specs()[name].backends:
        pytest.skip("a backend that the class has not")
    size = {"mask_size": {"longest_edge": 20}} if name.startswith("Sam") else {"size": {"height": 20, "width": 30}}
    for more in ({}, {"do_reduce_labels": True} if "do_reduce_labels" in specs()[name].settings else {"do_resize": False}):
        settings = {**size, **more, "backend": backend}
        make = partial(cases.theirs, name, settings)
        tensors = "np" if backend == "pil" else "pt"
        expected = cases.attempt(partial(_labels, make, dtype, tensors), Exception)
        found = cases.attempt(partial(_labels, partial(cases.ours, name, settings), dtype, "np"), GraphprocError)
        assert cases.difference(found, expected) == "", more


def _labels(make: Callable[[], Any], dtype: str, tensors: str) -> Any:
    return make()(_image(17, 25), segmentation_maps=_typed(dtype), return_tensors=tensors)


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        (np.full((17, 25), 300, np.uint64), "expected an extra input of .*, got uint64"),
        ([_image(17, 25)], r"expected \[height, width\]"),
        ([_map(17, 25)] * 2, "expected one for each of the 1 images, got 2"),
    ],
)
def test_refused(maps: Any, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        processor_class("SegformerImageProcessor")()(_image(17, 25), segmentation_maps=maps)


def test_other_classes_take_no_maps() -> None:
    with pytest.raises(TypeError, match="segmentation_maps"):
        processor_class("CLIPImageProcessor")()(_image(17, 25), segmentation_maps=_map(17, 25))
    with pytest.raises(ConfigError, match="inputs: CLIPImageProcessor takes none beside the image"):
        processor_class("CLIPImageProcessor")().compile(inputs=["segmentation_map"])
