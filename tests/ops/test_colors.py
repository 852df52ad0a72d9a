"""Ops on the colours of pixels: affine maps, gray values, nearest clusters."""

from __future__ import annotations

import numpy as np
import pytest
import torch
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


def torch_fuses() -> None:
    """Skip a test where torch's code does not round products and sums together."""
    if torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"):
        pytest.skip("torch rounds products and sums together on processors with AVX2")


@pytest.mark.parametrize("dtype", ["uint8", "bool", "int8", "int16", "int32", "int64", "float16", "float32", "float64"])
def test_gray_as_torch_adds_it(dtype: str, rng: np.random.Generator) -> None:
    torch_fuses()
    x = (rng.uniform(0, 2 if dtype == "bool" else 1 if dtype.startswith("float") else 120, (3, 64, 80))).astype(dtype)
    red, green, blue = torch.from_numpy(x)
    gray = red.mul(0.2989).add_(green, alpha=0.587).add_(blue, alpha=0.114).to(red.dtype)
    assert_same(Grayscale(fused=True).numpy(x), np.stack([gray.numpy()] * 3))


def test_torch_makes_gray_of_three_channels_alone(rng: np.random.Generator) -> None:
    x = rng.random((4, 5, 6))
    with pytest.raises(ShapeError, match="expected 1 or 3 channels where colours differ"):
        Grayscale(fused=True).numpy(x)
    x[1:3] = x[0]
    assert_same(Grayscale(fused=True).numpy(x), x)


@pytest.mark.parametrize("apart", [1.0, 2.0**-24])
def test_clusters_as_torch_multiplies_them(apart: float, rng: np.random.Generator) -> None:
    """Also of clusters so close that last places decide."""
    torch_fuses()
    clusters = (0.3 + apart * rng.integers(-99, 99, (512, 3)) / 10).astype(np.float32)
    x = (rng.integers(0, 256, (3, 64, 64)).astype(np.float32) - np.float32(127.5)) / np.float32(127.5)
    pixels, colors = torch.from_numpy(x.reshape(3, -1)).T.contiguous(), torch.from_numpy(clusters).T
    distances = (pixels**2).sum(1)[:, None] - 2 * (pixels @ colors) + (colors**2).sum(0)[None]
    op = NearestColor(tuple(map(tuple, clusters.tolist())), fused=True)
    assert_same(op.numpy(x), distances.argmin(1).numpy())
    model = emit_unoptimized(one_step(op, "f32", (3, 0, 0), "CHW"), EmitOptions("cpu"))
    assert_same(ort(model)({"images": x[None]})["y"][0], op.numpy(x))


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
