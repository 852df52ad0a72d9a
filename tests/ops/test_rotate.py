"""Turning images: the direction is transformers'."""

from __future__ import annotations

import numpy as np
import pytest
from support.graphs import assert_same, emit_unoptimized, images, one_step, ort

from graphproc.emitters.onnx.emit import EmitOptions
from graphproc.errors import ShapeError
from graphproc.ir.types import TensorType
from graphproc.ops import Rotate
from graphproc.sizes import num


@pytest.mark.parametrize("wanted", [(20, 10), (10, 20), (10, 10)])
def test_the_long_axis_of_donut(wanted: tuple[int, int]) -> None:
    from transformers.image_utils import SizeDict
    from transformers.models.donut.image_processing_pil_donut import DonutImageProcessorPil

    def make(h: num.Num, w: num.Num) -> Rotate:
        return Rotate(h < w if wanted[1] < wanted[0] else w < h if wanted[0] < wanted[1] else False, 3)

    run = ort(emit_unoptimized(one_step(make, "u8", (3, 4, 5), "CHW"), EmitOptions("cpu", "image")))
    for size in ((4, 7), (7, 4), (5, 5), (1, 6), (6, 1)):
        image = images(1, 3, *size)[0]
        expected = DonutImageProcessorPil().align_long_axis(image, SizeDict(height=wanted[0], width=wanted[1]))
        assert_same(make(*size).numpy(image), np.ascontiguousarray(expected))
        assert_same(run({"image": image})["y"], np.ascontiguousarray(expected)[None])


def test_sides_are_swapped_where_the_condition_holds() -> None:
    height, width = num.symbol("height"), num.symbol("width")
    x = TensorType("u8", (3, height, width), "CHW")
    turned = Rotate(height < width, 3).infer(x)
    assert turned.bind({"height": 4, "width": 9}).shape == (3, 9, 4)
    assert turned.bind({"height": 9, "width": 4}).shape == (3, 9, 4)
    assert Rotate(height < width, 2).infer(x) == x
    assert Rotate(True, 1).infer(x).shape == (3, width, height)
    assert Rotate(False, 1).infer(x) == x


def test_other_layouts_are_refused() -> None:
    with pytest.raises(ShapeError, match="rotate: expected the last axes HW"):
        Rotate(True, 1).infer(TensorType("u8", (4, 5, 3), "HWC"))
