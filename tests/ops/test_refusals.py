"""What each op refuses when its result's type is inferred."""

from __future__ import annotations

import pytest

from graphproc.errors import ShapeError, TracedBranchError
from graphproc.ir.op import Op
from graphproc.ir.types import TensorType
from graphproc.ops import (
    ByteMap,
    CenterCrop,
    CompositeOnCheckerboard,
    CompositeOnWhite,
    GaussianBlur,
    Normalize,
    Pad,
    Rescale,
    Resize,
    SelectChannels,
    ToChannelsFirst,
)
from graphproc.sizes import num

CHW = TensorType("u8", (3, 9, 8), "CHW")
HWC = TensorType("u8", (9, 8, 3), "HWC")
FLOATS = CHW.with_dtype("f32")
FLAT = TensorType("u8", (9, 8), "HW")


@pytest.mark.parametrize(
    ("op", "type", "message"),
    [
        (Resize(3, 4, "box"), HWC, "resize: expected the last axes CHW, got u8"),
        (Resize(3, 4, "box", layout="HWC"), CHW, "resize: expected the last axes HWC, got u8"),
        (Resize(3, 4, "box"), FLOATS, "resize: expected u8, got f32"),
        (Resize(0, 4, "box"), CHW, "resize: expected sides of at least 1 pixel, got 0 x 4"),
        (Resize(3, 4, "cubic"), CHW, "resize: the filter 'cubic' of the arithmetic 'pillow' is not known"),
        (Resize(3, 4, "box", "torch_bytes"), CHW, "resize: the filter 'box' of the arithmetic 'torch_bytes' is not known"),
        (Resize(3, 4, "nearest", extent=(9, 8)), CHW, "resize: the filter 'nearest' of the arithmetic 'pillow' with an extent"),
        (Rescale(0.5, "f16"), CHW, "rescale: expected a precision of 'f32' or 'f64', got 'f16'"),
        (CenterCrop(3, 3, "both"), CHW, "center_crop: expected the extra zero 'before' or 'after' the image, got 'both'"),
        (CenterCrop(3, 0), CHW, "center_crop: expected sides of at least 1 pixel, got 3 x 0"),
        (CenterCrop(3, 3), FLAT, "center_crop: expected the last axes CHW"),
        (Pad.canvas(0, 0, 9, 9, (1, 2, 3)), HWC, "pad: expected the last axes CHW"),
        (Pad((-3,), (0,), (4,), (1, 2, 3)), CHW, r"pad: expected a number, or one for each of the 3 channels, got \[1, 2, 3\]"),
        (Pad.canvas(0, 0, 9, 9, (1, 2)), CHW, r"pad: expected a number, or one for each of the 3 channels, got \[1, 2\]"),
        (Pad.canvas(0, 0, 9, 9, 254), TensorType("i8", (3, 9, 8), "CHW"), "pad: expected values that i8 holds, got 254"),
        (SelectChannels((0, 3)), CHW, r"select_channels: order \(0, 3\) names a channel that u8\[3, 9, 8\] CHW does not have"),
        (SelectChannels((-1,)), CHW, "select_channels: order"),
        (CompositeOnWhite(), HWC, "composite_on_white: expected 4 channels"),
        (CompositeOnWhite(), TensorType("f32", (9, 8, 4), "HWC"), "composite_on_white: expected u8, got f32"),
        (CompositeOnCheckerboard(), HWC, "composite_on_checkerboard: expected 4 channels"),
        (GaussianBlur(0.8, 2), CHW, "gaussian_blur: expected f32, got u8"),
        (GaussianBlur(0.8, 2), HWC.with_dtype("f32"), "gaussian_blur: expected the last axes HW"),
        (GaussianBlur(0.0, 2), FLOATS, "gaussian_blur: expected a sigma above 0 and a radius of at least 0, got 0.0 and 2"),
        (GaussianBlur(0.8, -1), FLOATS, "gaussian_blur: expected a sigma above 0 and a radius of at least 0, got 0.8 and -1"),
        (Normalize((0.5, 0.5), (1.0,)), FLOATS, r"normalize: image_mean must have 3 elements, got 2: \[0.5, 0.5\]"),
        (Normalize((0.5,), (1.0,) * 4), FLOATS, "normalize: image_std must have 3 elements, got 4"),
        (Normalize((0.5,), (1.0,)), CHW.with_dtype("i64"), "normalize: expected u8 or f16 or f32 or f64, got i64"),
        (ByteMap(()), FLOATS, "byte_map: expected u8, got f32"),
        (ByteMap((("sub", (1.0, 2.0)),)), CHW, "byte_map: expected 2 channels of 1 on axis -3, got u8"),
        (ByteMap((("sub", (1.0, 2.0, 3.0)),), each=2), CHW, "byte_map: expected 3 channels of 2 on axis -3, got u8"),
        (ByteMap((("sub", (1.0, 2.0, 3.0)),), axis=-4), CHW, "byte_map: expected an axis from -3 to -1, got -4"),
        (
            ByteMap((("sub", (1.0, 2.0)),), axis=-1),
            TensorType("u8", (9, num.symbol("width")), "HW"),
            r"byte_map: expected 2 channels of 1 on axis -1, got u8\[9, width\]",
        ),
        (ToChannelsFirst(), FLAT, "to_channels_first: expected the last axes HWC"),
    ],
    ids=lambda value: value.name if isinstance(value, Op) else None,
)
def test_refused(op: Op, type: TensorType, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        op.infer(type)


EVERY_LAYOUT = [
    *(
        (op, "HWC")
        for op in (ToChannelsFirst(), CompositeOnCheckerboard(), CompositeOnWhite(), Resize(1, 1, "box", layout="HWC"))
    ),
    *((op, "CHW") for op in (Resize(1, 1, "box"), CenterCrop(1, 1), Pad.canvas(0, 0, 9, 9, (1, 2, 3, 4)), SelectChannels((0,)))),
    (Normalize((0.5,), (1.0,)), "CHW"),
]


@pytest.mark.parametrize(("op", "layout"), EVERY_LAYOUT, ids=lambda value: getattr(value, "name", value))
def test_axes_in_another_order_are_refused(op: Op, layout: str) -> None:
    """Rules count axes from the end, so the right letters in the wrong places would be the wrong axes."""
    assert op.infer(TensorType("u8", (2, 4, 4, 4), f"N{layout}")).layout.startswith("N")
    for wrong in ({"HWC", "CHW"} - {layout}) | {"WHC", "CWH", "HW", ""}:
        with pytest.raises(ShapeError, match=f"{op.name}: expected the last axes {layout}"):
            op.infer(TensorType("u8", (4,) * (len(wrong) or 3), wrong))


@pytest.mark.parametrize(
    "op", [CenterCrop(num.symbol("height"), 3), Pad.canvas(0, 0, num.symbol("height"), 9)], ids=lambda op: op.name
)
def test_the_numpy_rule_needs_a_bound_op(op: Op, rng: object) -> None:
    import numpy as np

    with pytest.raises(TracedBranchError, match="bind the program's sizes first"):
        op.numpy(np.zeros((3, 4, 5), np.uint8))
