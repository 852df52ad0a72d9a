"""Mirrored borders of every width around small images, against numpy.pad."""

from __future__ import annotations

import numpy as np
import pytest
from oracles.ops import numpy_pad
from support.graphs import assert_same, emit_unoptimized, images, one_step, ort

from graphproc.emitters.onnx.emit import EmitOptions
from graphproc.errors import ShapeError
from graphproc.ir.types import TensorType
from graphproc.ops import MirrorPad

MODES = ["symmetric", "reflect", "edge"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_every_width(mode: str, size: int) -> None:
    x = np.arange(3 * size).reshape(1, 3, size)
    for before in range(12):
        for after in range(12):
            found = MirrorPad(0, before, 3, before + size + after, mode).numpy(x)  # type: ignore[arg-type]
            assert_same(found, numpy_pad(x, mode, [(0, 0), (before, after)]), f"{before}, {after}")
            turned = MirrorPad(before, 0, before + size + after, 3, mode).numpy(x.swapaxes(1, 2))  # type: ignore[arg-type]
            assert_same(turned, numpy_pad(x.swapaxes(1, 2), mode, [(before, after), (0, 0)]), f"{before}, {after}")


@pytest.mark.parametrize("mode", MODES)
def test_one_graph_for_every_size(mode: str) -> None:
    """Three rows above, up to the next multiple of 8 and beyond below; columns from a third of the width on."""
    program = one_step(
        lambda h, w: MirrorPad(3, w // 3, (h // 8 + 2) * 8, w * 3, mode),  # type: ignore[arg-type]
        "u8",
        (3, 4, 5),
        "CHW",
    )
    run = ort(emit_unoptimized(program, EmitOptions("cpu", "image")))
    for h, w in ((1, 1), (1, 2), (2, 1), (3, 7), (8, 9), (17, 4)):
        x = images(1, 3, h, w)
        expected = numpy_pad(x, mode, [(3, (h // 8 + 2) * 8 - h - 3), (w // 3, w * 2 - w // 3)])
        assert_same(run({"image": x[0]})["y"], expected, f"{h} x {w}")


def test_refused() -> None:
    with pytest.raises(ShapeError, match="expected the mode symmetric, reflect or edge, got 'wrap'"):
        MirrorPad(0, 0, 9, 9, "wrap").infer(TensorType("u8", (3, 4, 5), "CHW"))  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="mirror_pad: expected the last axes HW"):
        MirrorPad(0, 0, 9, 9, "edge").infer(TensorType("u8", (4, 5, 3), "HWC"))
