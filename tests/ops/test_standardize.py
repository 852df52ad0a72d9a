"""The order of the sums behind a mean and a standard deviation."""

from __future__ import annotations

import numpy as np
import pytest
from oracles.pixels import per_image, transformers_standardize
from support.graphs import assert_same, emit_unoptimized, one_step, ort

from graphproc.emitters.onnx.checks import cuda_fallbacks
from graphproc.emitters.onnx.emit import EmitOptions
from graphproc.errors import ShapeError
from graphproc.ir.types import TensorType
from graphproc.ops import Standardize

GRAPH = one_step(Standardize(), "f32", (1, 0, 0), "CHW")


@pytest.fixture(scope="module")
def run():  # type: ignore[no-untyped-def]
    return ort(emit_unoptimized(GRAPH, EmitOptions("cpu")))


def test_any_count(run, rng: np.random.Generator) -> None:  # type: ignore[no-untyped-def]
    """Around every change of the tree's shape: the ends of rows of 8, runs of 128, and the powers of two above."""
    around = {n + d for k in range(8) for n in (128 << k, 136 << k, 144 << k) for d in (-9, -8, -7, -1, 0, 1, 7, 8, 9)}
    for count in sorted(around | set(range(1, 140))):
        x = rng.random((2, 1, 1, count), dtype=np.float32)
        assert_same(run({"images": x})["y"], Standardize().numpy(x), str(count))


@pytest.mark.slow
@pytest.mark.parametrize("size", [(480, 640), (333, 501), (4000, 1400)], ids=str)
def test_large_images(size: tuple[int, int], rng: np.random.Generator) -> None:
    """A sum above 2**24 is rounded on the way; of a nearly uniform image, little is left but the mean's own rounding."""
    noise = rng.integers(0, 256, (3, *size), dtype=np.uint8)
    flat = np.full((3, *size), 253, dtype=np.uint8)
    flat[1, 5, 7] = 252
    model = emit_unoptimized(one_step(Standardize(), "u8", (3, 0, 0), "CHW"), EmitOptions("cpu"))
    x = np.stack([noise, flat])
    expected = per_image(transformers_standardize)(x)
    assert_same(Standardize().numpy(x), expected)
    assert_same(ort(model)({"images": x})["y"], expected)


def test_every_node_has_a_cuda_kernel() -> None:
    model = emit_unoptimized(GRAPH, EmitOptions("cuda"))
    assert cuda_fallbacks(model) == []


def test_refused() -> None:
    with pytest.raises(ShapeError, match="standardize: expected one image"):
        Standardize().infer(TensorType("u8", (2, 3, 4, 5), "NCHW"))
    with pytest.raises(ShapeError, match="standardize: expected u8 or f32"):
        Standardize().infer(TensorType("i64", (3, 4, 5), "CHW"))
