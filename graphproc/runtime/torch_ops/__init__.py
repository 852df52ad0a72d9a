"""ONNX's operators in torch. Importing this package registers every rule; add one import line for a new group."""

from graphproc.runtime.torch_ops import arithmetic, control, logic, products, reductions, select, sequences, shapes
from graphproc.runtime.torch_ops.table import RULES, Rule

__all__ = ["RULES", "Rule", "arithmetic", "control", "logic", "products", "reductions", "select", "sequences", "shapes"]
