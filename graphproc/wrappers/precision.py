"""Floats other than float32 in post-processing: the type that each step is rounded to.

torch computes in the type of the model's outputs: each operation's result is rounded to it. A product
with a size of a wider type has the wider type, and so has everything made from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from functools import reduce
from typing import Any

import numpy as np

from graphproc.executors import reference
from graphproc.ir import types as element_types
from graphproc.ir.op import Op
from graphproc.ir.program import Program, Step, ValueInfo
from graphproc.ir.types import TensorType
from graphproc.numerics.narrow import NARROW, rounded
from graphproc.ops import Binary, Cast, Numbers, Reduce, Unary
from graphproc.ops.resample import TORCH_FLOATS, TORCH_UNFUSED, Resample
from graphproc.sizes import num

Array = np.ndarray[Any, Any]
FLOATS = ("f16", "bf16", "f32", "f64")
"""The types of floats by width. Neither of the first two holds the other's numbers."""
WHOLE = "i64"
"""The type of whole numbers, which widens no floats."""


def promoted(one: str, other: str) -> str:
    """Return the type that torch gives the product of two types."""
    if "bf16" not in (one, other):
        return element_types.promoted(one, other)
    rest = other if one == "bf16" else one
    return {WHOLE: "bf16", "f16": "f32"}.get(rest, rest)


def kinds(program: Program, kind: str, sizes: str) -> dict[str, str]:
    """Return the type that torch gives each of a program's float32 values, by name.

    Args:
        program: the program.
        kind: the type of the input floats.
        sizes: the type of the sizes that they are multiplied by.
    """
    found = {v.name: kind for v in program.inputs if v.type.dtype == "f32"}
    names = _sizes(program)
    for step in program.steps:
        if isinstance(step.op, Numbers) and len(step.op.values) == 1:
            found[step.output.name] = WHOLE  # a constant widens nothing
        if step.output.type.dtype != "f32" or step.output.name in found:
            continue
        types = [found[name] for name in step.inputs if name in found]
        if isinstance(step.op, Binary) and not names.isdisjoint(_symbols(step.op)):
            types.append(sizes)
        found[step.output.name] = reduce(promoted, types) if types else "f32"
    return found


def must_be_whole(program: Program) -> set[str]:
    """Return the inputs of sizes that the program uses other than as factors."""
    others = [op for op in (step.op for step in program.steps) if not (isinstance(op, Binary) and op.operator == "multiply")]
    used = {name for op in others for name in _symbols(op)}
    return {value.name for value in program.inputs if not used.isdisjoint(value.size_names)}


def run(program: Program, inputs: Mapping[str, Array], kind: str, sizes: str) -> dict[str, Array]:
    """Run a program on one image in the numpy reference.

    Args:
        program: the program.
        inputs: its inputs; floats and sizes may be float64.
        kind: the type of the input floats.
        sizes: the type of the sizes that they are multiplied by.
    """
    found = kinds(program, kind, sizes)
    whole = _within_lengths(program)

    def rounded_result(step: Step, result: Array) -> Array:
        name = step.output.name
        return rounded(result, found[name]) if result.dtype == np.float32 and name not in whole else result

    declared = [
        replace(v, type=TensorType("f64", v.type.shape, v.type.layout)) if inputs[v.name].dtype == np.float64 else v
        for v in program.inputs
    ]
    inputs = {name: rounded(x, kind) if x.dtype == np.float32 else x for name, x in inputs.items()}
    steps = tuple(
        after
        for step in program.steps
        for after in _in_float64(_with_narrow_weights(_with_rounded_number(step, found), found), found)
    )
    return reference.run(replace(program, inputs=tuple(declared), steps=steps), inputs, rounded_result)


def _within_lengths(program: Program) -> set[str]:
    """Return the names of squares and sums inside lengths of vectors. torch rounds only the length."""
    by_name = {step.output.name: step for step in program.steps}
    found: set[str] = set()
    for step in program.steps:
        total = by_name.get(step.inputs[0]) if step.op == Unary("sqrt") else None
        if total is None or not isinstance(total.op, Reduce) or total.op.kind != "sum":
            continue
        square = by_name.get(total.inputs[0])
        if square is not None and square.op == Binary("multiply") and len(set(square.inputs)) == 1:
            found |= {total.output.name, square.output.name}
    return found


def _in_float64(step: Step, kinds: Mapping[str, str]) -> Iterator[Step]:
    """Yield a step that computes in float64, after the casts of what it reads."""
    if kinds.get(step.output.name) == "f64" and step.output.type.dtype == "f32":
        names = tuple(f"{name} for {step.output.name}" if kinds.get(name) in FLOATS[:-1] else name for name in step.inputs)
        for name, wide in zip(step.inputs, names, strict=True):
            if name != wide:
                yield Step(Cast("f64"), (name,), ValueInfo(wide, TensorType("f64", ())))
        step = replace(step, inputs=names)
    yield step


def _with_rounded_number(step: Step, kinds: Mapping[str, str]) -> Step:
    """Return a step with the number it compares with rounded to the operand's type, as in torch."""
    op = step.op
    if not isinstance(op, Binary) or step.output.type.dtype != "bool" or not isinstance(op.number, (int, float)):
        return step
    number = float(rounded(np.float32(op.number), kinds.get(step.inputs[0], "f32")))
    return replace(step, op=replace(op, number=number)) if kinds.get(step.inputs[0]) in NARROW else step


def _sizes(program: Program) -> frozenset[str]:
    return frozenset(name for value in program.inputs for name in value.size_names)


def _symbols(op: Op) -> set[str]:
    """Return the names of the sizes that an op contains."""
    values = [getattr(op, f.name) for f in fields(op)]  # type: ignore[arg-type]
    return {name for value in _flat(values) for name in num.symbols(value)}


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _with_narrow_weights(step: Step, kinds: Mapping[str, str]) -> Step:
    """Return a step that resizes narrow floats with weights of their type, as torch does.

    torch has no compiled code for this with antialiasing; torchvision then resizes in float32.
    """
    op, kind = step.op, kinds.get(step.output.name, "f32")
    if not isinstance(op, Resample) or op.arithmetic not in (TORCH_FLOATS, TORCH_UNFUSED) or op.antialias:
        return step
    if op.weights or kind not in NARROW:
        return step
    return replace(step, op=replace(op, arithmetic=TORCH_FLOATS, weights=kind))
