"""Check that a program keeps every rule of the IR."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from graphproc.errors import ProgramError, ShapeError
from graphproc.ir.op import Op
from graphproc.ir.types import TensorType
from graphproc.sizes import num

if TYPE_CHECKING:
    from graphproc.ir.program import Output, Program, ValueInfo


def verify(program: Program, before: Program | None = None) -> Program:
    """Check every rule of the IR and return the program.

    Args:
        program: the program.
        before: a verified program, or None. A step that both programs share, and that reads values
            of the same types in both, is not checked again. So verifying after each pass costs
            little.

    Raises:
        ProgramError: a name is used twice or before it is assigned, a step's type is not what its
            op infers, an expression uses an unknown symbol, an output is unknown, or its join does
            not take its type.
    """
    types: dict[str, TensorType] = {}
    known: set[str] = set()
    seen: set[num.Sym] = set()
    checked: set[int] = set()
    declared: dict[str, TensorType] = {}
    if before is not None and (before.inputs, before.data_dependent_sizes) == (program.inputs, program.data_dependent_sizes):
        checked = {id(step) for step in before.steps if not step.size_names}
        declared = {v.name: v.type for v in (*before.inputs, *(step.output for step in before.steps))}
    for value in program.inputs:
        _assign(program, types, value)
        known.update(s for size in value.type.shape for s in num.symbols(size))
        _check_size_names(program, value.name, value.type, value.size_names)
        known.update(value.size_names)
    for step in program.steps:
        for name in step.inputs:
            if name not in types:
                raise ProgramError(f"program {program.name}: {step.op.name} reads {name!r} before it is assigned")
        if id(step) in checked and all(types[name] == declared[name] for name in step.inputs):
            _assign(program, types, step.output)
            continue
        inferred = step.op.infer(*(types[name] for name in step.inputs))
        if inferred != step.output.type:
            raise ProgramError(
                f"program {program.name}: {step.output.name} is declared {step.output.type}, but {step.op.name} gives {inferred}"
            )
        _check_symbols(program, step.output.name, (inferred.shape, *(value for _, value in step.op.fields())), known, seen)
        _assign(program, types, step.output)
        _check_size_names(program, step.output.name, inferred, step.size_names)
        known.update(step.size_names)
    for condition in program.preconditions:
        _check_symbols(program, f"the condition {condition.message!r}", condition.holds, known, seen)
    if not program.outputs:
        raise ProgramError(f"program {program.name}: it has no output")
    names = Counter(output.name for output in program.outputs)
    nested = program.nested
    for output in program.outputs:
        if output.value not in types or names[output.name] > 1:
            raise ProgramError(f"program {program.name}: output {output} names no value, or is repeated")
        if (output.sample is not None) != nested:
            raise ProgramError(
                f"program {program.name}: output {output.name}: expected a join of samples for all outputs or for none"
            )
        _check_joins(program, output, types[output.value])
    return program


def _check_joins(program: Program, output: Output, type: TensorType) -> None:
    """Refuse a join that does not take a value's type."""
    try:
        for role, join in output.joins:
            join.check(type, role)
    except ShapeError as error:
        raise ProgramError(f"program {program.name}: output {output.name}: {error}") from error


def _check_symbols(program: Program, what: str, value: Any, known: set[str], seen: set[num.Sym]) -> None:
    """Refuse an expression, or a tuple or an op that holds expressions, with a symbol that is not known.

    Subexpressions in `seen` were checked before.
    """
    if isinstance(value, tuple):
        for item in value:
            if not isinstance(item, Op):  # a body of several ops has symbols of its own
                _check_symbols(program, what, item, known, seen)
    elif isinstance(value, Op):
        for _, item in value.fields():
            _check_symbols(program, what, item, known, seen)
    elif isinstance(value, num.Sym) and (unknown := sorted(set(num.symbols(value, seen)) - known)):
        raise ProgramError(f"program {program.name}: {what} depends on unknown sizes {unknown}")


def _elements(type: TensorType) -> int | None:
    """Return the number of elements of a shape; None if a size is not known."""
    return math.prod(s for s in type.shape if isinstance(s, int)) if all(isinstance(s, int) for s in type.shape) else None


def _check_size_names(program: Program, name: str, type: TensorType, size_names: tuple[str, ...]) -> None:
    if size_names and (type.dtype != "i64" or _elements(type) != len(size_names)):
        raise ProgramError(f"program {program.name}: {name} names {len(size_names)} sizes, but is {type}")


def _assign(program: Program, types: dict[str, TensorType], value: ValueInfo) -> None:
    if value.name in types:
        raise ProgramError(f"program {program.name}: the value {value.name!r} is assigned twice")
    types[value.name] = value.type
