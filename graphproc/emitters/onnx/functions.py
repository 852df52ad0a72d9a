"""Emit ops as calls of native kernels, each with a function in the model that computes the same.

A call is one node of the domain `graphproc`. The model has a function of the same name, with the
nodes of the op's `onnx` rule. ONNX Runtime runs the kernel where the native library is registered
(`runtime/native.py`), and the function where it is not.

A function knows nothing of the graph around it. So the sizes that its op needs are inputs of it: the
vectors that the op's `kernel` rule lists. Sizes that are known stay known inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import onnx_ir as ir
from onnx_ir.convenience import convert_attribute

from graphproc.emitters.onnx.choices import never
from graphproc.emitters.onnx.operators import ELEMENT
from graphproc.errors import EmitError
from graphproc.ir.op import KernelNode, Op
from graphproc.ir.types import TensorType
from graphproc.sizes import num
from graphproc.sizes.num import Num, Sym

if TYPE_CHECKING:
    from graphproc.emitters.onnx.builder import GraphBuilder
    from graphproc.emitters.onnx.nodes import Value

DOMAIN = "graphproc"
"""The domain of kernels and their functions."""
DOMAIN_VERSION = 1
"""The version of the domain: what kernels read (`native/ort.cpp` has the same)."""
NAMES = 16
"""How many names the library registers for each kernel (`native/ort.cpp` has the same).

A function has one body. So calls of a kernel that differ in their nodes need functions of different
names: `Resize`, `Resize_2`, ...
"""


@dataclass(frozen=True, slots=True)
class _Content:
    """What decides a function's nodes: the op, with symbols for sizes, and its operands' types."""

    op: Op
    types: tuple[TensorType, ...]
    leading: int
    vectors: tuple[str, ...]
    reshaped: bool


class Functions:
    """The functions of one model, each once.

    Attributes:
        made: the functions, in the order in which they were first called.
    """

    def __init__(self) -> None:
        """Begin without functions."""
        self.made: list[ir.Function] = []
        self._names: dict[_Content, str] = {}
        self._calls: dict[ir.Node, tuple[KernelNode, _Content, TensorType]] = {}

    def call(self, g: GraphBuilder, op: Op, node: KernelNode, operands: tuple[Value, ...]) -> Value | None:
        """Emit the call of a kernel; None if all its names are taken by other functions.

        Args:
            g: the graph under construction.
            op: the op.
            node: what its `kernel` rule returned.
            operands: the op's operands.
        """
        types = tuple(g.type_of(x) for x in operands)
        content = _content(op, node, types, g.leading)
        name = self._function(g, node, content)
        if name is None:
            return None
        vectors = [_vector(g, dtype, items) for dtype, items in node.vectors]
        at = g.unique(name)
        made_type = op.infer(*types)
        # ONNX Runtime infers no shape behind a kernel, and some bodies of loops need at least the rank.
        shape = ir.Shape([*[None] * g.leading, *(s if isinstance(s, int) else None for s in made_type.shape)])
        result = ir.Value(name=f"{at}_out", shape=shape, type=ir.TensorType(ELEMENT[made_type.dtype]))
        inputs = [*operands, *vectors, g.constant([], "i64")]
        made = ir.node(name, inputs, dict(node.attributes), domain=DOMAIN, outputs=[result], name=at)
        g.nodes.append(made)
        self._calls[made] = node, content, made_type
        return result

    def shape(self, g: GraphBuilder, call: ir.Node) -> Value:
        """Emit the shape of a call's result, an int64 vector."""
        given = call.inputs[-1]
        if given is not None and (given.const_value is None or given.const_value.size):
            return given
        leading = [g.Shape(call.inputs[0], start=0, end=g.leading)] if g.leading else []
        return g.vector(*leading, *self._calls[call][2].shape)

    def reshape(self, g: GraphBuilder, call: ir.Node, shape: Value) -> bool:
        """Let a call write its result in another shape with as many elements; return whether it can.

        The last input of every call is this shape; empty, it stands for the op's own.
        """
        node, content, made_type = self._calls[call]
        content = _Content(content.op, content.types, content.leading, content.vectors, reshaped=True)
        name = self._function(g, node, content)
        if name is None:
            return False
        call.op_type = name
        call.outputs[0].shape = None
        call.replace_input_with(len(call.inputs) - 1, shape)
        self._calls[call] = node, content, made_type
        return True

    def is_call(self, node: ir.Node | None) -> bool:
        """Return whether a node is the call of a kernel."""
        return node in self._calls

    def used(self, nodes: set[str]) -> list[ir.Function]:
        """Return the functions with these names."""
        return [function for function in self.made if function.name in nodes]

    def _function(self, g: GraphBuilder, node: KernelNode, content: _Content) -> str | None:
        """Return the name of the function with a content, made if there is none; None if no name is left."""
        if content not in self._names:
            taken = sum(function.name.partition("_")[0] == node.name for function in self.made)
            if taken == NAMES:
                return None
            self._names[content] = node.name if taken == 0 else f"{node.name}_{taken + 1}"
            self.made.append(_made(g, self._names[content], node, content))
        return self._names[content]


def _content(op: Op, node: KernelNode, types: tuple[TensorType, ...], leading: int) -> _Content:
    """Return an op and its operands' types with a symbol for each unknown size."""
    symbols: dict[Sym, Sym] = {}
    for which, (_, items) in enumerate(node.vectors):
        for position, item in enumerate(items):
            if isinstance(item, Sym) and item not in symbols:
                symbols[item] = Sym("symbol", (f"{which}/{position}",), item.kind, num.low(item), num.high(item))

    def listed(expression: Sym) -> Num:
        if expression not in symbols:
            raise EmitError(f"{op.name}: its kernel {node.name} must list {expression}, which the op has, in a vector.")
        return symbols[expression]

    inner = []
    for which, type in enumerate(types):
        shape = [
            symbols.get(s, Sym("symbol", (f"x{which}/{axis}",), "int", num.low(s), num.high(s))) if isinstance(s, Sym) else s
            for axis, s in enumerate(type.shape)
        ]
        inner.append(TensorType(type.dtype, tuple(shape), type.layout))
    return _Content(op.replaced(listed), tuple(inner), leading, tuple(dtype for dtype, _ in node.vectors), reshaped=False)


def _made(g: GraphBuilder, name: str, node: KernelNode, content: _Content) -> ir.Function:
    """Return the function that computes an op with the nodes of its `onnx` rule."""
    body = g.of_function()
    operands = [
        _input(f"x{which}", type.dtype, type.rank + content.leading, type, body) for which, type in enumerate(content.types)
    ]
    vectors = [_input(f"numbers{which}", dtype, 1) for which, dtype in enumerate(content.vectors)]
    shape = _input("shape", "i64", 1)
    for which, (vector, (_, items)) in enumerate(zip(vectors, node.vectors, strict=True)):
        for position, item in enumerate(items):
            if isinstance(item, Sym):
                body.symbol(f"{which}/{position}", body.Slice(vector, body.vector(position), body.vector(position + 1)))
    for which, (x, type) in enumerate(zip(operands, content.types, strict=True)):
        for axis, size in enumerate(type.shape):
            if isinstance(size, Sym) and size.args == (f"x{which}/{axis}",):
                at = axis + content.leading
                body.symbol(f"x{which}/{axis}", body.Shape(x, start=at, end=at + 1))
    body.never = never(body, operands[0])
    result = content.op.onnx(body, *operands)
    if content.reshaped:
        result = body.Reshape(result, shape, allowzero=1)
    elif result.producer() is None:
        result = body.Identity(result)
    constants = []
    for value in body.initializers.values():
        assert value.const_value is not None
        constants.append(ir.node("Constant", [], {"value": value.const_value}, outputs=[value], name=value.name))
    graph = ir.Graph(
        [*operands, *vectors, shape], [result], nodes=[*constants, *body.nodes], opset_imports={"": g.opset}, name=name
    )
    attributes = [ir.Attr(key, convert_attribute(key, value).type, None) for key, value in node.attributes.items()]
    return ir.Function(DOMAIN, name, "", graph=graph, attributes=attributes)


def _input(name: str, dtype: str, rank: int, type: TensorType | None = None, body: GraphBuilder | None = None) -> Value:
    """Return an input of a function."""
    value = ir.Value(name=name, shape=ir.Shape([None] * rank), type=ir.TensorType(ELEMENT[dtype]))
    return value if type is None or body is None else body.with_type(value, type)


def _vector(g: GraphBuilder, dtype: str, items: tuple[Num, ...]) -> Value:
    """Emit a vector of numbers in int64 or float64."""
    if not any(isinstance(item, Sym) for item in items):
        return g.constant(list(items), dtype)
    if dtype == "i64":
        return g.vector(*items)
    joined: Value = g.Concat(*(g.float64(item) for item in items), axis=0)
    return joined


def calls(graph: ir.Graph) -> set[str]:
    """Return the names of the functions that a graph and the graphs inside it call."""
    return {node.op_type for node in ir.traversal.RecursiveGraphIterator(graph) if node.domain == DOMAIN}


def imports(functions: list[ir.Function]) -> Mapping[str, Any]:
    """Return the domains that a graph with these functions imports besides the default one."""
    return {DOMAIN: DOMAIN_VERSION} if functions else {}
