"""Calls of native kernels: what an op's `kernel` rule says, run through the C interface, in this process or another.

A file of calls, and one of their results, go between this module and `tests/native/replay.cpp`, which runs them on another
processor or in a sanitizer. All numbers in them are little-endian.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from graphproc.executors import reference
from graphproc.ir.op import Attribute, Op
from graphproc.ir.program import Program
from graphproc.ir.types import DTYPES, TensorType
from graphproc.runtime import native

Array = np.ndarray[Any, Any]
ELEMENTS: Mapping[int, np.dtype[Any]] = {1: DTYPES["f32"], 2: DTYPES["u8"], 7: DTYPES["i64"], 11: DTYPES["f64"]}
"""ONNX's numbers of the element types that kernels take, as `graphproc/native/interface.h` says."""
NUMBERS = {dtype: number for number, dtype in ELEMENTS.items()}
KINDS = {int: 0, float: 1, str: 2}
"""What `graphproc_attribute.kind` says of each type of value."""


@dataclass(frozen=True, eq=False)
class Call:
    """One run of a kernel.

    Attributes:
        name: the kernel's name.
        attributes: its settings.
        inputs: its inputs: an op's operands and the vectors of its `kernel` rule.
    """

    name: str
    attributes: Mapping[str, Attribute]
    inputs: tuple[Array, ...]


class RefusedError(Exception):
    """A kernel does not accept its settings or inputs."""


def call_of(op: Op, types: tuple[TensorType, ...], operands: Iterable[Array]) -> Call | None:
    """Return the call that computes an op, or None if it has no kernel.

    Args:
        op: the op; its sizes are numbers.
        types: its operands' types, without axes in front.
        operands: its operands.
    """
    node = op.kernel(*types)
    if node is None:
        return None
    vectors = [np.array(items, DTYPES[dtype]) for dtype, items in node.vectors]
    return Call(node.name, node.attributes, tuple(np.asarray(x, order="C") for x in (*operands, *vectors)))


def calls_of(program: Program, inputs: Mapping[str, Array]) -> Iterator[tuple[Call, Array]]:
    """Yield the calls of a program's kernels on one image, each with the result of its op's numpy rule."""
    sizes = reference.sizes_from(program, inputs)
    values = dict(inputs)
    types = {declared.name: declared.type for declared in program.inputs}
    for step in program.steps:
        op, operands = step.op.bind(sizes), [values[name] for name in step.inputs]
        with np.errstate(invalid="ignore"):
            result = values[step.output.name] = op.numpy(*operands)
        types[step.output.name] = step.output.type
        sizes.update(zip(step.size_names, result.tolist(), strict=True) if step.size_names else ())
        known = tuple(
            TensorType(types[name].dtype, x.shape, types[name].layout) for name, x in zip(step.inputs, operands, strict=True)
        )
        call = call_of(op, known, operands)
        if call is not None:
            yield call, result


# --- in this process


class _Attribute(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("kind", ctypes.c_int32), ("count", ctypes.c_size_t), ("values", ctypes.c_char_p))


class _Tensor(ctypes.Structure):
    _fields_ = (
        ("element", ctypes.c_int32),
        ("rank", ctypes.c_size_t),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("data", ctypes.c_void_p),
    )


_Allocate = ctypes.CFUNCTYPE(
    ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int32, ctypes.POINTER(ctypes.c_int64), ctypes.c_size_t
)


def run(call: Call, threads: int = 1) -> list[Array]:
    """Run a kernel of the library that this process has loaded, and return its outputs.

    Raises:
        RefusedError: the kernel does not accept its settings or inputs.
    """
    functions, error, made = native.functions(), ctypes.create_string_buffer(1000), ctypes.c_void_p()
    packed = [(name.encode(), *_packed(value)) for name, value in call.attributes.items()]
    attributes = (_Attribute * len(packed))(*packed)
    arguments = (call.name.encode(), attributes, ctypes.c_size_t(len(packed)), ctypes.byref(made), error)
    if functions.graphproc_create(*arguments, ctypes.c_size_t(len(error))) != 0:
        raise RefusedError(error.value.decode())
    outputs: dict[int, Array] = {}

    @_Allocate
    def allocate(user: int, index: int, element: int, shape: Any, rank: int) -> int:
        outputs[index] = np.full(shape[:rank], 77, ELEMENTS[element])
        return outputs[index].ctypes.data or 1

    shapes = [(ctypes.c_int64 * x.ndim)(*x.shape) for x in call.inputs]
    described = [_Tensor(NUMBERS[x.dtype], x.ndim, s, x.ctypes.data) for x, s in zip(call.inputs, shapes, strict=True)]
    tensors = (_Tensor * len(described))(*described)
    try:
        counts = (ctypes.c_size_t(len(described)), ctypes.c_size_t(threads))
        code = functions.graphproc_run(made, tensors, *counts, allocate, None, error, ctypes.c_size_t(len(error)))
    finally:
        functions.graphproc_destroy(made)
    if code != 0:
        raise RefusedError(error.value.decode())
    return [outputs[index] for index in sorted(outputs)]


def _packed(value: Attribute) -> tuple[int, int, bytes]:
    """Return an attribute's kind, the number of its elements, and their bytes."""
    if isinstance(value, str):
        return KINDS[str], len(value.encode()), value.encode()
    items = value if isinstance(value, tuple) else (value,)
    kind = KINDS[type(items[0])] if items else KINDS[int]
    return kind, len(items), np.array(items, np.float32 if kind == KINDS[float] else np.int64).tobytes()


# --- in another process


def write(calls: Iterable[Call], file: BinaryIO) -> None:
    """Write calls for `replay.cpp`."""
    for call in calls:
        _text(call.name.encode(), file)
        file.write(struct.pack("<I", len(call.attributes)))
        for name, value in call.attributes.items():
            kind, count, data = _packed(value)
            _text(name.encode(), file)
            file.write(struct.pack("<iI", kind, count))
            _text(data, file)
        file.write(struct.pack("<I", len(call.inputs)))
        for x in call.inputs:
            file.write(struct.pack(f"<iI{x.ndim}q", NUMBERS[x.dtype], x.ndim, *x.shape) + x.tobytes())


def _text(data: bytes, file: BinaryIO) -> None:
    file.write(struct.pack("<I", len(data)) + data)


def read(path: Path) -> Iterator[list[Array] | str]:
    """Yield what `replay.cpp` wrote: the outputs of each call, or the text of its error."""
    with path.open("rb") as file:
        while head := file.read(4):
            (count,) = struct.unpack("<i", head)
            if count < 0:
                yield file.read(-count - 1).decode()
                continue
            yield [_array(file) for _ in range(count)]


def _array(file: BinaryIO) -> Array:
    element, rank = struct.unpack("<iI", file.read(8))
    shape = struct.unpack(f"<{rank}q", file.read(8 * rank))
    dtype = ELEMENTS[element]
    return np.frombuffer(file.read(int(np.prod(shape, dtype=np.int64)) * dtype.itemsize), dtype).reshape(shape)
