"""Implement ONNX's operators in torch.

Importing this package registers all of them. A new module needs one import line here.
"""

from graphproc.runtime.torch_ops import arithmetic, control, logic, products, reductions, select, sequences, shapes
from graphproc.runtime.torch_ops.table import IMPLEMENTATIONS, Implementation

__all__ = [
    "IMPLEMENTATIONS",
    "Implementation",
    "arithmetic",
    "control",
    "logic",
    "products",
    "reductions",
    "select",
    "sequences",
    "shapes",
]
