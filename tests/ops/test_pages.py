"""Nougat's crop and thumbnail, and VitPose's warp, as their classes do them."""

from __future__ import annotations

import numpy as np
import pytest
from oracles.pixels import FLOAT32_BELOW, per_image, pillow_content_box, torchvision_gray, transformers_warp
from PIL import Image
from support.graphs import assert_same, emit_unoptimized, one_step, ort

from graphproc.emitters.onnx.checks import cuda_fallbacks
from graphproc.emitters.onnx.emit import EmitOptions
from graphproc.errors import ShapeError
from graphproc.ir.program import Parity, Program, ProgramBuilder
from graphproc.ir.types import TensorType
from graphproc.numerics.filters import TORCH_BYTES
from graphproc.ops import AffineWarp, AveragePool, ContentBox, Resample
from graphproc.sizes import num

BYTES = TensorType("u8", (3, 9, 8), "CHW")


def test_every_spread_of_gray(rng: np.random.Generator) -> None:
    """Each darkest and lightest gray with each one between, at the edges of the comparison."""
    from transformers.models.nougat.image_processing_pil_nougat import NougatImageProcessorPil

    processor = NougatImageProcessorPil()
    for low in (0, 1, 100):
        for high in range(low + 1, 256, 7):
            grays = rng.permutation(np.arange(low, high + 1, dtype=np.uint8))
            x = np.full((3, 9, 300), high, dtype=np.uint8)
            x[:, rng.integers(2, 7, len(grays)), np.arange(20, 20 + len(grays))] = grays
            top, left, height, width = ContentBox().numpy(x)
            assert_same(np.ascontiguousarray(x[:, top : top + height, left : left + width]), processor.crop_margin(x))


def test_grays_that_round_either_way(rng: np.random.Generator) -> None:
    """Colours half a gray level from the threshold, one in each page of white with a black corner."""
    colors = rng.integers(120, 256, (200000, 3), dtype=np.uint8)
    gray = colors @ np.array([0.299, 0.587, 0.114])
    colors = colors[np.abs(gray - 199.5) < 0.05][:100]
    pages = np.full((len(colors), 3, 5, 6), 255, dtype=np.uint8)
    pages[:, :, 0, 0] = 0
    pages[:, :, 3, 4] = colors
    expected = per_image(pillow_content_box)(pages)
    assert 10 < (expected[:, 2] == 4).sum() < len(colors) - 10
    assert_same(ContentBox().numpy(pages), expected)
    model = emit_unoptimized(one_step(ContentBox(), "u8", (3, 0, 0), "CHW"), EmitOptions("cpu"))
    assert_same(ort(model)({"images": pages})["y"], expected)


def test_every_gray_of_torchvision() -> None:
    """Of each colour; and as content, of the three that float32 rounds down."""
    green, blue = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    for red in range(256):
        x = np.stack([np.full_like(green, red), green, blue])
        assert_same(ContentBox(arithmetic=TORCH_BYTES)._gray(x), torchvision_gray(x))
    for color, gray in zip(FLOAT32_BELOW, (105, 98, 124), strict=True):
        page = np.full((3, 4, 5), 255, dtype=np.uint8)
        page[:, 2, 3] = color
        page[:, 0, 0] = gray + 2  # a gray of gray + 1
        for threshold in (1, 255):
            op = ContentBox(threshold, TORCH_BYTES)
            model = emit_unoptimized(one_step(op, "u8", (3, 0, 0), "CHW"), EmitOptions("cpu"))
            assert_same(ort(model)({"images": page[None]})["y"][0], op.numpy(page))
        assert op.numpy(page).tolist() == [0, 0, 3, 4]
        assert ContentBox(1, TORCH_BYTES).numpy(page).tolist() == [2, 3, 1, 1]


@pytest.mark.parametrize(
    ("size", "new"), [((900, 673), (150, 112)), ((300, 400), (30, 99)), ((97, 1200), (90, 50)), ((64, 64), (31, 31))], ids=str
)
def test_reducing_gap(size: tuple[int, int], new: tuple[int, int], rng: np.random.Generator) -> None:
    """Pillow's two steps: blocks, then a resize of the part of the last blocks that exists."""
    x = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(x).resize(new[::-1], Image.Resampling.BICUBIC, reducing_gap=2.0)).transpose(2, 0, 1)
    x = np.ascontiguousarray(x.transpose(2, 0, 1))
    program = _thumbnail(*new)
    y = x
    for step in program.bind(height=size[0], width=size[1]).steps:
        y = step.op.numpy(y)
    assert_same(np.ascontiguousarray(y), np.ascontiguousarray(expected))
    for target in ("cpu", "cuda"):
        model = emit_unoptimized(program, EmitOptions(target))  # type: ignore[arg-type]
        assert_same(ort(model)({"images": x[None]})["y"][0], np.ascontiguousarray(expected), target)
    assert cuda_fallbacks(model) == []


def _thumbnail(new_height: int, new_width: int) -> Program:
    b = ProgramBuilder("thumbnail", Parity("itself"))
    height, width = num.symbol("height"), num.symbol("width")
    x = b.input("image", TensorType("u8", (3, height, width), "CHW"))
    down, across = (num.maximum(num.trunc(side / new / 2.0), 1) for side, new in ((height, new_height), (width, new_width)))
    x = b.add(AveragePool(down, across), x)
    b.output("y", b.add(Resample(new_height, new_width, "bicubic", extent=(height / down, width / across)), x))
    return b.finish()


def test_block_counts(rng: np.random.Generator) -> None:
    """The quotient's rounding for every block of up to 1500 pixels."""
    for count in range(1, 1500):
        x = rng.integers(200, 256, (1, 1, count), dtype=np.uint8)
        expected = np.asarray(Image.fromarray(x[0]).reduce((count, 1)))
        assert AveragePool(1, count).numpy(x)[0] == expected, count


@pytest.mark.parametrize("seed", range(4))
def test_boxes_of_a_batch(seed: int) -> None:
    """A different box for each image, inside and outside of it, with whole and broken corners."""
    rng = np.random.default_rng(seed)
    b = ProgramBuilder("warp", Parity("itself"))
    image = b.input("image", TensorType("u8", (3, num.symbol("height"), num.symbol("width")), "CHW"))
    box = b.input("box", TensorType("f64", (4,), "F"))
    b.output("y", b.add(AffineWarp(64, 48), image, box))
    model = emit_unoptimized(b.finish(), EmitOptions("cpu"))
    names = [value.name for value in model.graph.input]
    height, width = (int(v) for v in rng.integers(5, 200, 2))
    x = rng.integers(0, 256, (6, 3, height, width), dtype=np.uint8)
    corner, sides = rng.uniform(-9, (width, height), (6, 2)), rng.uniform(1, (width, height), (6, 2))
    boxes = np.concatenate([corner, sides], axis=1)
    boxes[:2] = np.round(boxes[:2])
    expected = np.stack([transformers_warp(i, b.tolist(), 64, 48) for i, b in zip(x, boxes, strict=True)])
    assert_same(AffineWarp(64, 48).numpy(x, boxes), expected)
    assert_same(ort(model)(dict(zip(names, (x, boxes), strict=True)))["y"], expected)


def test_refused() -> None:
    for op, types, message in (
        (ContentBox(0), (BYTES,), "content_box: expected a threshold"),
        (ContentBox(), (BYTES.with_sizes(C=1),), "content_box: expected one image of 2 or 3 or 4 channels"),
        (AveragePool(0, 1), (BYTES,), "average_pool: expected factors of at least 1, got 0 x 1"),
        (Resample(3, 3, "nearest", False, extent=(2.5, 3.0)), (BYTES,), "resample: an extent has no meaning"),
        (AffineWarp(1, 9), (BYTES, TensorType("f64", (4,))), "affine_warp: expected sides of at least 2 pixels"),
        (AffineWarp(9, 9), (BYTES, TensorType("f64", (5,))), "affine_warp: expected a box of 4 numbers"),
        (AffineWarp(9, 9), (BYTES, TensorType("f32", (4,))), "affine_warp: expected f64"),
    ):
        with pytest.raises(ShapeError, match=message):
            op.infer(*types)
