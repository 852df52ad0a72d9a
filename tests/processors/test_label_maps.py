"""Label maps beside images: where they differ from images, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from parity_cases import reference_class

from graphproc.errors import ConfigError, ImageError
from graphproc.processors.label_maps import LABEL_MAPS
from graphproc.processors.registry import rows
from graphproc.wrappers.processor import processor_class

Array = np.ndarray[Any, Any]

LABELLED = [name for name, row in rows().items() if row.extras is LABEL_MAPS]
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


@pytest.mark.parametrize(
    ("maps", "message"),
    [
        (np.full((17, 25), 300), "expected whole numbers that uint8 holds"),
        (np.full((17, 25), -1), "expected whole numbers that uint8 holds"),
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
