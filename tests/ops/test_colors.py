"""Ops on the colours of pixels: affine maps, gray values, nearest clusters."""

from __future__ import annotations

import numpy as np
import pytest
from oracles.pixels import per_image, transformers_clusters, transformers_grayscale
from support.graphs import assert_same, emit_unoptimized, one_step, ort

from graphproc.emitters.onnx.checks import cuda_fallbacks
from graphproc.emitters.onnx.emit import EmitOptions
from graphproc.errors import ShapeError
from graphproc.ir.op import Op
from graphproc.ir.types import TensorType
from graphproc.ops import Binary, Grayscale, NearestColor, Normalize, Rescale

FLOATS = TensorType("f32", (3, 9, 8), "CHW")


def test_efficientnet(rng: np.random.Generator) -> None:
    """`rescale_offset` and `include_top` are made of these ops."""
    from transformers.models.efficientnet.image_processing_pil_efficientnet import EfficientNetImageProcessorPil

    processor = EfficientNetImageProcessorPil()
    x = rng.integers(0, 256, (3, 40, 50), dtype=np.uint8)
    expected = processor.rescale(x, 1 / 127.5, offset=True)
    y = Binary("subtract", 1.0).numpy(Rescale(1 / 127.5).numpy(x))
    assert_same(y, expected)
    std = (0.47853944, 0.4732864, 0.47434163)
    assert_same(Normalize((0.0,), std).numpy(y), np.ascontiguousarray(processor.normalize(expected, 0, list(std))))


def test_flava(rng: np.random.Generator) -> None:
    from transformers.models.flava.image_processing_pil_flava import FlavaImageProcessorPil

    x = rng.random((3, 40, 50), dtype=np.float32)
    assert_same(Binary("add", 0.1).numpy(Binary("multiply", 1 - 2 * 0.1).numpy(x)), FlavaImageProcessorPil().map_pixels(x))


@pytest.mark.parametrize("opset", [17, 18, 23])
def test_gray_images_in_a_batch_of_others(opset: int, rng: np.random.Generator) -> None:
    x = rng.random((4, 3, 11, 13), dtype=np.float32)
    x[1, 1:] = x[1, :1]
    x[2, 1:] = x[2, :1]
    x[2, 2, 10, 12] += 0.01
    expected = per_image(transformers_grayscale)(x)
    assert (expected[1] == x[1]).all()
    assert (expected[2] != x[2]).all()
    assert_same(Grayscale().numpy(x), expected)
    model = emit_unoptimized(one_step(Grayscale(), "f32", (3, 0, 0), "CHW"), EmitOptions("cpu", opset=opset))
    assert_same(ort(model)({"images": x})["y"], expected)


@pytest.mark.slow
def test_clusters_of_a_model(rng: np.random.Generator) -> None:
    """512 clusters that are no float32 numbers, 65536 pixels, normalised as the processor does it."""
    clusters = rng.uniform(-1, 1, (512, 3))
    x = (rng.integers(0, 256, (1, 3, 256, 256)) / 255).astype(np.float32)
    x = (x - np.float32(0.5)) / np.float32(0.5)
    op = NearestColor(tuple(map(tuple, clusters.tolist())))
    expected = transformers_clusters(clusters.tolist())(x)
    assert_same(op.numpy(x), expected)
    model = emit_unoptimized(one_step(op, "f32", (3, 0, 0), "CHW"), EmitOptions("cuda"))
    assert cuda_fallbacks(model) == []
    assert_same(ort(model)({"images": x})["y"], expected)


@pytest.mark.parametrize(
    ("op", "type", "message"),
    [
        (Grayscale(), FLOATS.with_dtype("u8"), "grayscale: expected f32"),
        (Grayscale(), FLOATS.with_sizes(C=5), "grayscale: expected"),
        (NearestColor(()), FLOATS, "nearest_color: expected clusters of 3 numbers"),
        (NearestColor(((0.0, 1.0),)), FLOATS, "nearest_color: expected clusters of 3 numbers"),
        (NearestColor(((0.0, 1.0, 2.0),)), FLOATS.with_sizes(C=1), "nearest_color: expected 3 channels"),
    ],
    ids=str,
)
def test_refused(op: Op, type: TensorType, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        op.infer(type)
