"""Borders of every width around small images, against numpy.pad, and canvases that do not fit."""

from __future__ import annotations

import numpy as np
import pytest
from oracles.ops import numpy_pad
from support.graphs import assert_same, emit_unoptimized, images, one_step, ort

from graphproc.emitters.onnx.emit import EmitOptions
from graphproc.errors import ShapeError
from graphproc.ir.types import TensorType
from graphproc.ops import Pad

MODES = ["symmetric", "reflect", "edge"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_every_width(mode: str, size: int) -> None:
    x = np.arange(3 * size).reshape(1, 3, size)
    for before in range(12):
        for after in range(12):
            found = Pad.canvas(0, before, 3, before + size + after, mode=mode).numpy(x)  # type: ignore[arg-type]
            assert_same(found, numpy_pad(x, mode, [(0, 0), (before, after)]), f"{before}, {after}")
            turned = Pad.canvas(before, 0, before + size + after, 3, mode=mode).numpy(x.swapaxes(1, 2))  # type: ignore[arg-type]
            assert_same(turned, numpy_pad(x.swapaxes(1, 2), mode, [(before, after), (0, 0)]), f"{before}, {after}")


@pytest.mark.parametrize("mode", MODES)
def test_one_graph_for_every_size(mode: str) -> None:
    """Three rows above, up to the next multiple of 8 and beyond below; columns from a third of the width on."""
    program = one_step(
        lambda h, w: Pad.canvas(3, w // 3, (h // 8 + 2) * 8, w * 3, mode=mode),  # type: ignore[arg-type]
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
    with pytest.raises(ShapeError, match="pad: expected the mode constant, edge, reflect, symmetric, got 'wrap'"):
        Pad.canvas(0, 0, 9, 9, mode="wrap").infer(TensorType("u8", (3, 4, 5), "CHW"))  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["constant", *MODES])
@pytest.mark.parametrize("box", [(0, 0, 3, 4), (2, 0, 4, 5), (-1, 0, 3, 5)])
def test_what_does_not_fit_the_canvas_is_refused(mode: str, box: tuple[int, int, int, int]) -> None:
    """numpy refuses constants alone."""
    with pytest.raises(ShapeError, match=r"pad: \d elements after -?\d do not fit into \d"):
        Pad.canvas(*box, mode=mode).numpy(np.zeros((2, 3, 5)))  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["constant", *MODES])
def test_a_canvas_of_the_same_size_is_no_node(mode: str) -> None:
    model = emit_unoptimized(one_step(Pad.canvas(0, 0, 4, 5, mode=mode), "u8", (3, 4, 5), "CHW"), EmitOptions(image_size=(4, 5)))  # type: ignore[arg-type]
    assert {node.op_type for node in model.graph.node} <= {"Transpose", "Identity"}
