"""SLANeXt's resize of bytes against transformers, over many sizes."""

from __future__ import annotations

import numpy as np
import pytest
import tiers
from oracles.pixels import fixed_point_resize
from support.graphs import assert_same, one_step, ort

from graphproc.emitters.onnx.emit import EmitOptions, emit
from graphproc.errors import ShapeError
from graphproc.ir.types import TensorType
from graphproc.ops.resample import FIXED_POINT, Resample
from graphproc.sizes import num
from graphproc.sizes.num import Num

CHW = TensorType("u8", (3, 9, 8), "CHW")


def _resample(height: Num, width: Num) -> Resample:
    return Resample(height, width, "bilinear", False, FIXED_POINT)


@pytest.mark.parametrize("longest", tiers.rows([6, 40, 300], [6, 40]))
def test_sizes(longest: int, rng: np.random.Generator) -> None:
    import torch
    from transformers import SLANeXtImageProcessor
    from transformers.image_utils import SizeDict

    processor = SLANeXtImageProcessor()
    for _ in range(60):
        height, width, edge = (int(v) for v in rng.integers(1, longest + 1, 3))
        new = [round(side * (edge / max(height, width))) for side in (height, width)]
        if min(new) < 1:
            continue
        x = rng.integers(0, 256, (3, height, width), dtype=np.uint8)
        expected = processor._resize(torch.from_numpy(x[None]), SizeDict(height=edge, width=1))[0].numpy()
        assert_same(_resample(*new).numpy(x), expected, f"{height} x {width} to {new}")


@pytest.mark.parametrize("value", [0, 1, 127, 254, 255])
def test_one_color(value: int) -> None:
    x = np.full((1, 7, 5), value, dtype=np.uint8)
    for new in ((7, 5), (20, 3), (3, 11)):
        assert_same(_resample(*new).numpy(x), np.full((1, *new), value, dtype=np.uint8), str(new))


@pytest.mark.slow
def test_one_graph_for_all_sizes(rng: np.random.Generator) -> None:
    run = ort(
        emit(
            one_step(lambda h, w: _resample(64, num.maximum(w * 64 // h, 1)), "u8", (3, 1, 1), "CHW"),
            EmitOptions("cpu", "image"),
        )
    )
    for height, width in ((64, 50), (128, 30), (37, 200), (1, 2), (300, 5)):
        x = rng.integers(0, 256, (3, height, width), dtype=np.uint8)
        x[0] = 255
        expected = fixed_point_resize(x, 64, max(width * 64 // height, 1))
        assert_same(run({"image": x})["y"][0], expected, f"{height} x {width}")


@pytest.mark.parametrize(
    ("op", "type", "message"),
    [
        (_resample(0, 4), CHW, "resample: expected sides of at least 1 pixel, got 0 x 4"),
        (_resample(3, 4), CHW.with_dtype("f32"), "resample: fixed_point takes pixels of u8"),
        (_resample(3, 4), TensorType("u8", (9, 8, 3), "HWC"), "resample: expected the last axes CHW"),
    ],
    ids=str,
)
def test_refused(op: Resample, type: TensorType, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        op.infer(type)
