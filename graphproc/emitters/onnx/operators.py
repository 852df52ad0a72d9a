"""Hold what the builder knows of ONNX's operators.

These are element types, result types, and the numpy functions that give the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx_ir as ir

Array = np.ndarray[Any, Any]

ELEMENT: Mapping[str, ir.DataType] = {
    "u8": ir.DataType.UINT8,
    "i8": ir.DataType.INT8,
    "u16": ir.DataType.UINT16,
    "i16": ir.DataType.INT16,
    "i32": ir.DataType.INT32,
    "i64": ir.DataType.INT64,
    "f16": ir.DataType.FLOAT16,
    "f32": ir.DataType.FLOAT,
    "f64": ir.DataType.DOUBLE,
    "bool": ir.DataType.BOOL,
}
"""ONNX's element type for each dtype of the IR."""
DTYPE_OF: Mapping[ir.DataType, str] = {element: name for name, element in ELEMENT.items()}
"""The IR's dtype for each of these element types."""

RESULT: Mapping[str, str] = {
    "Shape": "i64",
    "Size": "i64",
    "ArgMax": "i64",
    "SequenceLength": "i64",
    "Equal": "bool",
    "Less": "bool",
    "LessOrEqual": "bool",
    "Greater": "bool",
    "GreaterOrEqual": "bool",
    "MatMulInteger": "i32",
    "NonMaxSuppression": "i64",
}
"""The dtype of an operator's first output, if it is not that of its first input."""
LATER_RESULTS: Mapping[str, str] = {"TopK": "i64"}
"""The dtype of an operator's outputs after the first, if it is another."""
TYPED_BY_SECOND = ("Where",)
"""Operators that return the type of their second input."""

FOLDED: Mapping[str, Callable[..., Array]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Min": np.minimum,
    "Max": np.maximum,
    "Floor": np.floor,
    "Less": np.less,
    "Where": np.where,
    "Reshape": lambda x, shape, allowzero=0: x.reshape(
        [size if size or allowzero else x.shape[axis] for axis, size in enumerate(shape.tolist())]
    ),
    "Concat": lambda *parts, axis: np.concatenate(parts, axis),
    "Pad": lambda x, pads, value: np.pad(x, pads.reshape(2, -1).T, constant_values=value),
    "Squeeze": lambda x, axes=None: np.squeeze(x, None if axes is None else tuple(axes.tolist())),
    "Cast": lambda x, to: x.astype(ir.DataType(to).numpy()),
}
"""Operators that are computed while emitting if all their inputs are constants.

The numpy functions give the same bits. Runtimes would compute them when they load a graph. Done
here, no float64 arithmetic of known weights gets into a graph.
"""
INVARIANT = frozenset({"Add", "Cast", "Concat", "Expand", "Max", "Min", "Mul", "Pad", "Reshape", "Squeeze", "Sub", "Unsqueeze"})
"""Operators that are moved out of a loop if they compute the same in every run.

None of them fails on numbers that the loop would never have met.
"""
