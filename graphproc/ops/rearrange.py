"""Split, reorder, merge and repeat axes, written as a pattern."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Attribute, KernelNode, Op, op
from graphproc.ir.types import TensorType
from graphproc.sizes import num
from graphproc.sizes.num import Num

_TOKEN = re.compile(r"\s*(?:([A-Za-z_]\w*)|([()1]))")
_Groups = tuple[tuple[str, ...], ...]
"""The axes of one side of a pattern; each axis is a tuple of the names of its parts."""


@op("rearrange")
@dataclass(frozen=True, slots=True)
class Rearrange(Op):
    """Reshape, transpose, repeat and reshape a value, as a pattern says.

    Example:  `"c (gh p) (gw q) -> (gh gw) (p q c)"` cuts an image into patches.

    The left side names all axes of the value. Parentheses split an axis (left) or merge parts
    (right), the slowest part first. A name only on the right repeats the value. `1` is an axis of
    one element. `sizes` gives the lengths of parts. In each axis at most one part may be left out,
    and is then found by division. If all parts of an axis are given, its length must be their
    product.

    Shapes:   the left side's -> the right side's, with axes named by `layout`.
    Dtypes:   any; unchanged.
    Rounding: none.
    Source:   numpy.reshape, numpy.transpose, numpy.broadcast_to; the notation is that of einops.
    """

    pattern: str
    sizes: tuple[tuple[str, Num], ...] = ()
    layout: str = ""

    def infer(self, x: TensorType) -> TensorType:
        """Return the type with the right side's axes."""
        axes = _Axes(self, x.shape)
        return TensorType(x.dtype, tuple(axes.extent(group) for group in axes.right), self.layout)

    def destination(self, x: TensorType, axis: int) -> tuple[int, int] | None:
        """Find where the elements of one axis of an operand go.

        Args:
            x: the operand's type.
            axis: the axis, counted from the end.

        Returns:
            The result's axis that holds them, counted from the end, and how many of its elements
            belong to one of them before the next begins. None if the axis is cut into parts or that
            number is not known.
        """
        axes = _Axes(self, x.shape)
        if len(axes.left[axis]) != 1:
            return None
        (name,) = axes.left[axis]
        at, group = next((at, group) for at, group in enumerate(axes.right) if name in group)
        each = axes.extent(group[group.index(name) + 1 :])
        return (at - len(axes.right), each) if isinstance(each, int) else None

    def counts(self, x: TensorType, cut: str, along: str) -> Num:
        """Return how many parts of an operand's axis the result counts along one of its own.

        Example:  `"c (gh p) (gw q) -> (gh gw) (p q c)"` counts `gh` parts of the height along its first axis.

        Args:
            x: the operand's type.
            cut: the letter of the operand's axis.
            along: the letter of the result's.
        """
        axes = _Axes(self, x.shape)
        group = axes.right[self.layout.index(along)]
        parts = axes.left[x.layout.index(cut)]
        return math.prod(axes.lengths[name] for name in parts if name in group)

    def repeats(self, x: TensorType) -> list[str]:
        """Return the parts on the right side that repeat a value of that type."""
        axes = _Axes(self, x.shape)
        have = {name for group in axes.left for name in group}
        return [name for group in axes.right for name in group if name not in have and axes.lengths[name] != 1]

    def repeats_each(self, x: TensorType, axis: int) -> bool:
        """Return whether each element of an axis is followed by its own repetitions and nothing else.

        Example:  `"c (h p) -> h (c t p)"` for its axis `c`.
        """
        left, right = _parsed(self.pattern)
        once, name = self.repeats(x), left[axis][:1]
        return any(group[i : i + 1 + len(once)] == (*name, *once) for group in right for i in range(len(group)))

    def without_repeats(self, x: TensorType) -> Rearrange:
        """Return the op with length 1 for every part that repeats a value of that type."""
        once = self.repeats(x)
        return replace(self, sizes=tuple((name, 1 if name in once else length) for name, length in self.sizes))

    def numpy(self, x: Array) -> Array:
        """Follow the definition step by step."""
        left, right = _parsed(self.pattern)
        lead = x.ndim - len(left)
        axes = _Axes(self, x.shape[lead:])
        lengths = {name: num.known(length) for name, length in axes.lengths.items()}
        parts = [name for group in left for name in group]
        wanted = [name for group in right for name in group]
        x = x.reshape((*x.shape[:lead], *(lengths[name] for name in parts)))
        kept = [name for name in wanted if name in parts]
        x = x.transpose(*range(lead), *(lead + parts.index(name) for name in kept))
        x = np.expand_dims(x, tuple(lead + i for i, name in enumerate(wanted) if name not in parts))
        x = np.broadcast_to(x, (*x.shape[:lead], *(lengths[name] for name in wanted)))
        return x.reshape(*x.shape[:lead], *(math.prod(lengths[name] for name in group) for group in right))

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit Reshape, Transpose, Reshape, Expand and Reshape, each only if it changes something."""
        t = g.type_of(x)
        axes = _Axes(self, t.shape)
        # Parts that stay neighbours move as one, which is faster, unless it takes more nodes to cut them apart after.
        steps = min((_steps(axes, t.shape, fused) for fused in (True, False)), key=len)
        y = x
        for name, argument in steps:
            if name == "Reshape":
                y = _reshaped(g, y, argument)
            elif name == "Transpose":
                y = g.Transpose(y, perm=[*range(g.leading), *(g.leading + axis for axis in argument)])
            elif 0 in argument:  # ONNX Runtime drops an Expand to a constant shape with a 0
                y = g.Slice(y, g.vector(0), g.vector(0), g.vector(argument.index(0) - len(argument)))
            else:
                y = g.Expand(y, g.vector(*argument))
        return g.Identity(y) if y is x else y  # each graph value has one IR type; the result's axes have other names

    def kernel(self, x: TensorType) -> KernelNode | None:
        """Name the kernel for bytes; `native/kernels/rearrange.cpp` says what it reads.

        There is none where a Reshape does it, which moves nothing.
        """
        if x.dtype != "u8" or all(name == "Reshape" for name, _ in _steps(_Axes(self, x.shape), x.shape, fused=True)):
            return None
        lengths, placement = self.placement()
        return KernelNode("Rearrange", (lengths,), placement)

    def placement(self) -> tuple[tuple[str, tuple[Num, ...]], dict[str, Attribute]]:
        """Return the pattern as a vector and attributes of a kernel (`native/rearrangement.h`)."""
        left, right = _parsed(self.pattern)
        parts = [name for group in left for name in group]
        wanted = [name for group in right for name in group]
        parts += [name for name in wanted if name not in parts]
        given = dict(self.sizes)
        attributes: dict[str, Attribute] = {
            "left": tuple(map(len, left)),
            "order": tuple(map(parts.index, wanted)),
            "right": tuple(map(len, right)),
        }
        return ("i64", tuple(given.get(name, -1) for name in parts)), attributes


class _Axes:
    """Apply a pattern to a value of known shape and find the length of every part.

    Attributes:
        left, right: the pattern's sides.
        lengths: the length of each part, by name.
    """

    def __init__(self, op: Rearrange, shape: Sequence[Num]) -> None:
        self.left, self.right = _parsed(op.pattern)
        self.lengths: dict[str, Num] = dict(op.sizes)
        self._shape = shape
        names = {name for group in (*self.left, *self.right) for name in group}
        if len(self.lengths) != len(op.sizes) or not set(self.lengths) <= names:
            raise _refusal(op.pattern, f"expected sizes of its parts, each once, got {[name for name, _ in op.sizes]}")
        if len(self.left) != len(shape):
            raise _refusal(op.pattern, f"expected a value of {len(self.left)} axes, got {len(shape)}: {_shown(shape)}")
        for group, size in zip(self.left, shape, strict=True):
            self._split(op.pattern, group, size)
        if missing := [name for group in self.right for name in group if name not in self.lengths]:
            raise _refusal(op.pattern, f"how often {missing[0]!r} repeats must be given in sizes")

    def _split(self, pattern: str, group: tuple[str, ...], size: Num) -> None:
        """Check the parts of one axis and find the one that is not given."""
        unknown = [name for name in group if name not in self.lengths]
        if len(unknown) > 1:
            raise _refusal(pattern, f"the lengths of {', '.join(unknown)} are not known; give all but one in sizes")
        product: Num = math.prod(self.lengths[name] for name in group if name not in unknown)
        if isinstance(size, int) and isinstance(product, int):
            fits = product > 0 and size % product == 0 if unknown else size == product
            if not fits:
                parts = " x ".join(f"{name} {self.lengths.get(name, '?')}" for name in group) or "1"
                raise _refusal(pattern, f"an axis of length {size} cannot be {parts}")
        for name in unknown:
            self.lengths[name] = size // product

    def extent(self, names: Iterable[str]) -> Num:
        """Return the product of some parts' lengths.

        If all parts of an axis are among them, its own size stands for them.
        """
        rest = list(names)
        product: Num = 1
        for group, size in zip(self.left, self._shape, strict=True):
            if group and set(group) <= set(rest):
                product = product * size
                rest = [name for name in rest if name not in group]
        return product * math.prod(self.lengths[name] for name in rest)


def _steps(axes: _Axes, shape: Sequence[Num], fused: bool) -> list[tuple[str, list[Num]]]:
    """Return the nodes of a rearrangement of a value of that shape, by name.

    Args:
        axes: the pattern.
        shape: the operand's shape.
        fused: whether parts that stay neighbours are taken together.

    Returns:
        `("Reshape", sizes)`, `("Transpose", axes)` and `("Expand", factors)` of the last axes, in
        order.
    """
    steps: list[tuple[str, list[Num]]] = []
    state = list(shape)

    def reshape(wanted: list[Num]) -> None:
        if state != wanted:
            steps.append(("Reshape", wanted))
            state[:] = wanted

    have = [name for group in axes.left for name in group if axes.lengths[name] != 1]
    want = [name for group in axes.right for name in group if axes.lengths[name] != 1]
    kept = [name for name in want if name in have]
    if turned := _turned(have, kept):
        front, parts, behind = turned
        reshape([axes.extent(run) for run in turned if run])
        steps.append(("Transpose", [0, 2, 1] if front else [1, 0]))
        have = front + behind + parts
        state[:] = [axes.extent(run) for run in (front, behind, parts) if run]
    if kept != have:
        blocks = _runs(kept, lambda a, b: fused and have.index(b) == have.index(a) + 1)
        before = sorted(blocks, key=lambda block: have.index(block[0]))
        reshape([axes.extent(block) for block in before])
        steps.append(("Transpose", [before.index(block) for block in blocks]))
        state[:] = [axes.extent(block) for block in blocks]
    if kept != want:
        spans = _runs(want, lambda a, b: fused and (a in have) == (b in have))
        reshape([axes.extent(span) if span[0] in have else 1 for span in spans])
        times: list[Num] = [1 if span[0] in have else axes.extent(span) for span in spans]
        first = next(i for i, span in enumerate(spans) if span[0] not in have)
        steps.append(("Expand", times[first:]))
        state[:] = [axes.extent(span) for span in spans]
    reshape([axes.extent(group) for group in axes.right])
    return steps


def _turned(have: list[str], kept: list[str]) -> tuple[list[str], list[str], list[str]] | None:
    """Find parts to move behind all others first: for example, the channels of patches.

    There, the channels of a pixel end up side by side. A transpose that moves single elements goes
    through them one by one. It is several times as fast to move these parts to the end by the
    transpose of a matrix, and then to move pixels as a whole.

    Returns:
        The parts in front of those that move, those that move, and the parts after them; None if
        nothing is gained.
    """
    if not have or have[-1] not in kept[:-1]:
        return None
    parts = kept[kept.index(have[-1]) + 1 :]
    start = have.index(parts[0])
    before, after = have[:start], have[start + len(parts) :]
    return (before, parts, after) if have == before + parts + after and kept != before + after + parts else None


def _runs(names: Sequence[str], follows: Callable[[str, str], bool]) -> list[list[str]]:
    """Group names: a name that follows the one before joins its group."""
    runs: list[list[str]] = []
    for name in names:
        if runs and follows(runs[-1][-1], name):
            runs[-1].append(name)
        else:
            runs.append([name])
    return runs


def _reshaped(g: Builder, x: Value, sizes: Sequence[Num]) -> Value:
    """Emit a Reshape of the axes after the leading axes."""
    unknown = [size for size in sizes if not isinstance(size, int)]
    if all(num.low(size) >= 1 for size in sizes) or (len(unknown) <= 1 and 0 not in sizes):
        sizes = [-1 if len(unknown) == 1 and not isinstance(size, int) else size for size in sizes]
        return g.Reshape(x, g.vector(*[0] * g.leading, *sizes))
    # A length may turn out to be 0 (no tiles), which Reshape would otherwise take for "as in the input".
    lead = [g.Shape(x, start=0, end=g.leading)] if g.leading else []
    return g.Reshape(x, g.vector(*lead, *sizes), allowzero=1)


@lru_cache(maxsize=256)
def _parsed(pattern: str) -> tuple[_Groups, _Groups]:
    """Return both sides of a pattern."""
    sides = pattern.split("->")
    if len(sides) != 2:
        raise _refusal(pattern, "expected two sides with '->' between them")
    left, right = (_groups(pattern, side) for side in sides)
    names = {name for group in right for name in group}
    if dropped := [name for group in left for name in group if name not in names]:
        raise _refusal(pattern, f"{dropped[0]!r} is missing on the right")
    return left, right


def _groups(pattern: str, side: str) -> _Groups:
    """Return the axes of one side."""
    groups: list[list[str]] = []
    names: set[str] = set()
    inside = False
    position, side = 0, side.rstrip()
    while position < len(side):
        token = _TOKEN.match(side, position)
        if token is None:
            raise _refusal(pattern, f"expected names, 1 and parentheses, got {side[position:].strip()!r}")
        position = token.end()
        name, sign = token.groups()
        if (sign == "(" and inside) or (sign == ")" and not inside):
            raise _refusal(pattern, "its parentheses do not pair, or are nested")
        if name in names:
            raise _refusal(pattern, f"{name!r} occurs twice on one side")
        if sign in ("(", ")"):
            inside = sign == "("
        if sign == "(" or (not inside and sign != ")"):
            groups.append([])
        if name:
            names.add(name)
            groups[-1].append(name)
    if inside:
        raise _refusal(pattern, "its parentheses do not pair, or are nested")
    return tuple(tuple(group) for group in groups)


def _refusal(pattern: str, what: str) -> ShapeError:
    return ShapeError(f"rearrange {pattern!r}: {what}")


def _shown(shape: Sequence[Num]) -> str:
    return f"[{', '.join(str(size) for size in shape)}]"
