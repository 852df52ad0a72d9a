"""Translate ONNX's element types to torch's."""

from __future__ import annotations

from collections.abc import Mapping

import torch

DTYPES: Mapping[int, torch.dtype] = {
    1: torch.float32,
    2: torch.uint8,
    3: torch.int8,
    6: torch.int32,
    7: torch.int64,
    9: torch.bool,
    10: torch.float16,
    11: torch.float64,
    16: torch.bfloat16,
}
"""torch's type for each number of `onnx.TensorProto.DataType`."""
