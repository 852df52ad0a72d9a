"""Emit nodes and constants: the part of the graph builder that knows no sizes and no subgraphs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir

from graphproc.emitters.onnx.operators import DTYPE_OF, ELEMENT, FOLDED, LATER_RESULTS, RESULT, TYPED_BY_SECOND
from graphproc.ir.types import DTYPES, TensorType

Value = ir.Value
_FROM_NUMPY = {dtype: name for name, dtype in DTYPES.items()}


@dataclass(frozen=True, slots=True)
class Note:
    """Record a choice between ways to emit the same results.

    Attributes:
        step: the scopes that it was made in, the step's name first.
        about: what was decided, e.g. `vertical axis`.
        choice: what was chosen.
        reason: why.
    """

    step: str
    about: str
    choice: str
    reason: str = ""


class NodeBuilder:
    """Emit nodes and constants with names that follow scopes.

    Attributes:
        target: what the graph is written for: `cpu`, `cuda` or `portable`.
        opset: the version of the default ONNX domain.
        leading: the number of batch axes in front of an IR value's own axes.
        nodes: the nodes emitted so far; inside a subgraph, its nodes.
        initializers: the constants, by dtype, shape and bytes.
        types: the IR types of values that have one.
        notes: the choices, in the order in which they were made, each once.
    """

    def __init__(self, target: str, opset: int, leading: int) -> None:
        """Begin without nodes."""
        self.target = target
        self.opset = opset
        self.leading = leading
        self.nodes: list[ir.Node] = []
        self.initializers: dict[tuple[Any, ...], Value] = {}
        self.types: dict[Value, TensorType] = {}
        self.notes: dict[Note, None] = {}
        self._scopes: list[str] = []
        self._used: dict[str, int] = {}

    @property
    def pixel_dtype(self) -> str:
        """Return the element type that uint8 pixels have in the graph.

        `portable` graphs hold them as float32.
        """
        return "f32" if self.target == "portable" else "u8"

    # ---- names -------------------------------------------------------------------------------------------------

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Prefix the names of what is emitted inside."""
        self._scopes.append(name)
        try:
            yield
        finally:
            self._scopes.pop()

    def unique(self, name: str) -> str:
        """Return a name in the current scope, with a number from its second use on."""
        path = "/".join((*self._scopes, name))
        count = self._used.get(path, 0)
        self._used[path] = count + 1
        return f"{path}_{count + 1}" if count else path

    def note(self, about: str, choice: str, reason: str = "") -> None:
        """Record a choice, unless it was recorded for the same step before."""
        self.notes[Note("/".join(self._scopes), about, choice, reason)] = None

    # ---- nodes -------------------------------------------------------------------------------------------------

    def __getattr__(self, op_type: str) -> Callable[..., Any]:
        if not op_type[:1].isupper():
            raise AttributeError(op_type)

        def emit(*inputs: Any, outputs: int = 1, dtype: str = "", **attributes: Any) -> Any:
            return self._node(op_type, inputs, outputs, dtype, attributes)

        return emit

    def _emit(self, op_type: str, *inputs: Any, **settings: Any) -> Value:
        value: Value = getattr(self, op_type)(*inputs, **settings)
        return value

    def _node(self, op_type: str, inputs: Sequence[Any], outputs: int, dtype: str, attributes: dict[str, Any]) -> Any:
        """Emit a node, or compute it if all its inputs are constants.

        Args:
            op_type: the ONNX operator.
            inputs: values, arrays, or None for an omitted input.
            outputs: how many outputs the node has.
            dtype: the IR dtype of the first output; empty for the operator's rule.
            attributes: its attributes; those that are None are left out.

        Returns:
            The output, or a tuple of several.
        """
        values = [self._input(x) for x in inputs]
        if not dtype:
            source = values[1 if op_type in TYPED_BY_SECOND else 0] if values else None
            dtype = RESULT.get(op_type) or (self.dtype(source) if source is not None else "i64")
        given = {k: v for k, v in attributes.items() if v is not None}
        known = [value.const_value.numpy() for value in values if value is not None and value.const_value is not None]
        if op_type in FOLDED and len(known) == len(values):
            return self._initializer(np.asarray(FOLDED[op_type](*known, **given), dtype=DTYPES[dtype]))
        name = self.unique(op_type)
        further = ir.TensorType(ELEMENT[LATER_RESULTS.get(op_type, dtype)])
        kinds: list[Any] = [ir.TensorType(ELEMENT[dtype]), *[further] * (outputs - 1)]
        if op_type == "SequenceInsert":
            kinds = [values[0].type]  # type: ignore[union-attr]
        results = [Value(name=f"{name}_out{i if outputs > 1 else ''}", type=kind) for i, kind in enumerate(kinds)]
        node = ir.node(op_type, values, given, outputs=results, name=name)
        self.nodes.append(node)
        return results[0] if outputs == 1 else tuple(results)

    def _input(self, x: Any) -> Value | None:
        """Return the value of an operand; an array becomes a constant.

        Raises:
            TypeError: it is no value, array or None.
        """
        if x is None or isinstance(x, Value):
            return x
        if isinstance(x, np.ndarray):
            return self._initializer(x)
        raise TypeError(f"expected a value, a numpy array or None, got {type(x).__name__}")

    def _initializer(self, array: np.ndarray[Any, Any]) -> Value:
        """Return the constant of an array's dtype, shape and bytes.

        One of a single element is named after it: `255_u8`.
        """
        array = np.asarray(array, order="C")  # ascontiguousarray would give scalars an axis
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self.initializers:
            kind = _FROM_NUMPY[array.dtype]
            if array.size == 1:
                name = f"{array.reshape(-1)[0]!s}_{kind}" + ("" if array.ndim == 1 else f"_rank{array.ndim}")
            else:
                name = "/".join((*self._scopes, f"constant_{kind}_{'x'.join(map(str, array.shape))}"))
            count = self._used.get(name, 0)
            self._used[name] = count + 1
            name = f"{name}_{count + 1}" if count else name
            tensor = ir.tensor(array, name=name)
            value = Value(name=name, shape=ir.Shape(array.shape), type=ir.TensorType(tensor.dtype), const_value=tensor)
            self.initializers[key] = value
        return self.initializers[key]

    # ---- values ------------------------------------------------------------------------------------------------

    def dtype(self, x: Value) -> str:
        """Return the IR dtype of a value."""
        assert x.dtype is not None
        return DTYPE_OF[x.dtype]

    def type_of(self, x: Value) -> TensorType:
        """Return the IR type of a step's operand.

        The value in the graph has `leading` more axes in front.
        """
        return self.types[x]

    def with_type(self, x: Value, type: TensorType) -> Value:
        """Remember a value's IR type, and return the value."""
        self.types[x] = type
        return x

    def constant(self, value: Any, dtype: str) -> Value:
        """Return a constant; equal ones are one."""
        return self._initializer(np.asarray(value, dtype=DTYPES[dtype]))

    def full(self, shape: Value, value: float, dtype: str) -> Value:
        """Emit a tensor of one value; `shape` is an int64 vector."""
        element = ir.tensor(np.array([value], DTYPES[dtype]))
        return self._emit("ConstantOfShape", shape, dtype=dtype, value=element)

    def cast(self, x: Value, dtype: str) -> Value:
        """Convert to an IR dtype."""
        if self.dtype(x) == dtype:
            return x
        return self._emit("Cast", x, dtype=dtype, to=int(ELEMENT[dtype]))
