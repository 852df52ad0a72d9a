"""Run an ONNX Runtime session with its inputs and outputs bound to memory, so that nothing is copied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphproc.runtime.memory import Memory

Array = np.ndarray[Any, Any]
Results = dict[str, tuple[list[Any], "np.dtype[Any] | None"]]
"""For each output, its dimensions, ints or names, and its dtype; None for a sequence."""


def execute(
    session: Any, inputs: Mapping[str, Array], declared: Results, batch: int, out: Mapping[str, Array], memory: Memory
) -> dict[str, Array]:
    """Run a session. Inputs are read in place, and outputs of known shape are written in place.

    Args:
        session: ONNX Runtime's session.
        inputs: an array for each input.
        declared: the graph's outputs.
        batch: the number of images.
        out: for outputs by name, arrays to write them to.
        memory: where other outputs go, if their shapes are known.
    """
    binding = session.io_binding()
    for name, array in inputs.items():
        binding.bind_cpu_input(name, array if array.flags.c_contiguous else np.ascontiguousarray(array))
    results: dict[str, Array] = {}
    for name, (dims, dtype) in declared.items():
        if name in out:
            results[name] = out[name]
        elif dtype is not None:
            shape = [batch if d == "batch" else d for d in dims]
            if all(isinstance(d, int) for d in shape):
                results[name] = memory.array(name, tuple(shape), dtype)
        if name in results:
            array = results[name]
            binding.bind_output(name, "cpu", 0, dtype, array.shape, array.ctypes.data)
        else:
            binding.bind_output(name, "cpu")
    session.run_with_iobinding(binding)
    if len(results) < len(declared):
        produced = dict(zip(declared, binding.get_outputs(), strict=True))
        return {name: results[name] if name in results else _array(produced[name]) for name in declared}
    return results


def _array(value: Any) -> Array:
    """Return an output that ONNX Runtime allocated, as an array that keeps it alive.

    It is a copy if the memory cannot be shared.
    """
    if hasattr(value, "__dlpack__"):
        array = np.from_dlpack(value)
        if array.flags.writeable:
            return array
    copied: Array = value.numpy()
    return copied
