"""Rows for every op: an input, the op's settings, and the result by someone else's code.

A row runs on the numpy rule, ONNX Runtime with and without its optimisations, and onnx.reference; with and without a
batch axis; with sizes symbolic and known; for each target. Add rows to a module of `cases/ops` when you add an op.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from cases.ops.case import Case

CASES: tuple[Case, ...] = tuple(
    case
    for module in sorted((Path(__file__).parent / "ops").glob("*.py"))
    for case in getattr(import_module(f"cases.ops.{module.stem}"), "CASES", ())
)
FIRSTS = {case.bound().name: case for case in reversed(CASES)}.values()
"""The first row of each op."""
