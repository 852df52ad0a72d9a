"""OpenCV's resize of bytes against OpenCV, over many sizes."""

from __future__ import annotations

import numpy as np
import pytest
from oracles.pixels import opencv_resize
from support.graphs import assert_same, one_step, ort

from graphproc.emitters.onnx.emit import EmitOptions, emit
from graphproc.errors import ShapeError
from graphproc.ir.types import TensorType
from graphproc.ops.resample import OPENCV, Resample
from graphproc.sizes import num
from graphproc.sizes.num import Num

CHW = TensorType("u8", (3, 9, 8), "CHW")


def _resample(height: Num, width: Num) -> Resample:
    return Resample(height, width, "bilinear", False, OPENCV)


@pytest.mark.parametrize("longest", [6, 40, 300])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sizes(longest: int, channels: int, rng: np.random.Generator) -> None:
    for case in range(60):
        height, width, *new = (int(v) for v in rng.integers(1, longest + 1, 4))
        if case % 6 == 0:
            height, width = 2 * new[0], 2 * new[1]
        x = rng.integers(0, 256, (channels, height, width), dtype=np.uint8)
        assert_same(_resample(*new).numpy(x), opencv_resize(x, *new), f"{height} x {width} to {new}")


@pytest.mark.parametrize("value", [0, 1, 127, 254, 255])
def test_one_color(value: int) -> None:
    x = np.full((1, 7, 5), value, dtype=np.uint8)
    for new in ((7, 5), (20, 3), (3, 11)):
        assert_same(_resample(*new).numpy(x), opencv_resize(x, *new), str(new))


def test_one_graph_for_all_sizes(rng: np.random.Generator) -> None:
    run = ort(
        emit(
            one_step(lambda h, w: _resample(64, num.maximum(w * 64 // h, 1)), "u8", (3, 1, 1), "CHW"),
            EmitOptions("cpu", "image"),
        )
    )
    for height, width in ((64, 50), (128, 30), (37, 200), (1, 2), (300, 5)):
        x = rng.integers(0, 256, (3, height, width), dtype=np.uint8)
        assert_same(run({"image": x})["y"][0], opencv_resize(x, 64, max(width * 64 // height, 1)), f"{height} x {width}")


@pytest.mark.parametrize(
    ("op", "type", "message"),
    [
        (_resample(0, 4), CHW, "resample: expected sides of at least 1 pixel, got 0 x 4"),
        (_resample(3, 4), CHW.with_dtype("f32"), "resample: opencv takes pixels of u8"),
        (_resample(3, 4), CHW.with_sizes(C=2), "resample: opencv takes 1, 3 or 4 channels, got u8"),
        (_resample(3, 4), TensorType("u8", (9, 8, 3), "HWC"), "resample: expected the last axes CHW"),
    ],
    ids=str,
)
def test_refused(op: Resample, type: TensorType, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        op.infer(type)
