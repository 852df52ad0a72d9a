"""Give each image mean 0 and standard deviation 1 over all its pixels and channels.

A mean in float32 depends on the order of its sum, and the result of a nearly uniform image depends
on the mean's last bit. So the graph adds in numpy's order:

    a run of more than 128 numbers is the sum of two runs; the first is the largest multiple of 8 not above half;
    a run of at most 128 is added in 8 columns, each from its first row to its last; the columns' sums are added as
    ((0+1)+(2+3))+((4+5)+(6+7)), and the numbers after the last whole row of 8 are added to that, one after another.

A run's length is counted in rows of 8. After `d` splits, runs are `(rows + r) >> d` long, where `r`
is the run's path, with its first turn as the lowest bit. So all of them are computed at once, for
any size of the image. A run of 17 rows or more has more than 128 numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype, require_layout
from graphproc.ir.types import TensorType
from graphproc.sizes import num
from graphproc.sizes.num import Num

_ROW = 8
_LEAF_ROWS = 16
_SPLITS = 26
"""How many splits the graph has nodes for.

They are enough for images of up to 17 * 8 * 2**26 numbers.
"""


@op("standardize")
@dataclass(frozen=True, slots=True)
class Standardize(Op):
    """Compute `(x - mean) / max(std, 1 / sqrt(n))` over all `n` numbers of an image.

    `std` is the population standard deviation.

    Shapes:   (..., C, H, W) -> the same.
    Dtypes:   u8 or f32 -> f32.
    Rounding: float32 after every step. Sums are added as `numpy.sum` adds an image stored channels
              last (see the module). The quotients by `n` are computed in float64.
    Source:   transformers `normalize` of Pix2Struct and Kosmos2_5 (Pil backend); numpy's pairwise
              summation.
    """

    def infer(self, x: TensorType) -> TensorType:
        """Return the same shape in float32."""
        require_layout(self, x, "CHW")
        require_dtype(self, x, "u8", "f32")
        if len(x.layout) != 3:
            raise ShapeError(f"standardize: expected one image, got {x}")
        return x.with_dtype("f32")

    def numpy(self, x: Array) -> Array:
        """Apply `numpy.mean` and `numpy.std` to each image, stored channels last.

        Images of other types are computed as numpy does it; their result is f64, but f32 for f16.
        """
        x = x.astype(np.float32) if x.dtype == np.uint8 else x
        images = np.ascontiguousarray(np.moveaxis(x, -3, -1)).reshape(-1, *x.shape[-2:], x.shape[-3])
        y = np.empty(images.shape, np.float32 if x.dtype in (np.float16, np.float32) else np.float64)
        with np.errstate(over="ignore", invalid="ignore"):  # float16 holds no large squares
            for image, result in zip(images, y, strict=True):
                result[...] = (image - np.mean(image)) / max(np.std(image), 1.0 / math.sqrt(image.size))
        return np.ascontiguousarray(np.moveaxis(y.reshape(*x.shape[:-3], *y.shape[1:]), -1, -3))

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit two pairwise sums, and the result from the pixels as they are.

        For the sums, the pixels are read channels last.
        """
        t = g.type_of(x)
        rank = t.rank + g.leading
        last = [*range(rank - 3), rank - 2, rank - 1, rank - 3]
        height, width, channels = t.size("H"), t.size("W"), t.channels
        count = height * width * channels
        x = g.cast(x, "f32")
        flat = g.vector(-1, count)
        back = g.vector(*[0] * (rank - 3), 1, 1, 1) if rank > 3 else g.vector(1, 1, 1)
        pixels = g.Reshape(g.Transpose(x, perm=last), flat)
        runs = _Runs(g, count)
        mean = _quotient(g, runs.sum(g, pixels), count)
        centered = g.Sub(pixels, mean)
        deviation = g.Sqrt(_quotient(g, runs.sum(g, g.Mul(centered, centered)), count))
        deviation = g.Max(deviation, g.cast(g.num(1.0 / num.sqrt(num.as_float(count))), "f32"))
        return g.Div(g.Sub(x, g.Reshape(mean, back)), g.Reshape(deviation, back))


def _quotient(g: Builder, total: Value, count: Num) -> Value:
    """Emit `float32(total / count)`, computed in float64.

    One float32 division gives the same if float32 holds the count exactly.
    """
    if num.high(count) <= 1 << 24:
        return g.Div(total, g.cast(g.num(count), "f32"))
    return g.cast(g.Div(g.cast(total, "f64"), g.cast(g.num(count), "f64")), "f32")


class _Runs:
    """Compute where the runs of `count` numbers lie, once for several sums.

    Attributes:
        table: int64 [runs * 16], the rows of 8 that each run adds, in order. Past a run's own rows
            it holds `rows`, the index of a row of zeros.
        rows: how many whole rows of 8 there are.
        count: how many numbers there are.
    """

    def __init__(self, g: Builder, count: Num) -> None:
        self.count = count
        self.rows = count // _ROW
        one, eight = g.constant([1], "i64"), g.constant([_ROW], "i64")
        rows = g.num(self.rows)
        # Split while even the shortest run has 17 rows; this leaves runs of 16 and 17 rows, or runs of at most 16.
        powers = np.asarray([1 << i for i in range(_SPLITS)], dtype=np.int64)
        splits = g.cast(g.GreaterOrEqual(rows, g.constant((_LEAF_ROWS + 1) * powers, "i64")), "i64")
        runs = g.Add(g.ReduceSum(g.Mul(splits, g.constant(powers, "i64")), g.vector(0), keepdims=1), one)
        index = g.range(g.as_num(runs, 1), "i64")
        # The index's highest bit is its first turn: reverse the bits.
        bits = g.Mod(g.Div(g.Unsqueeze(index, g.vector(1)), g.constant(powers, "i64")), g.constant([2], "i64"))
        path = g.ReduceSum(g.Mul(bits, g.Div(runs, g.constant(2 * powers, "i64"))), g.vector(1), keepdims=0)
        lengths = g.Div(g.Add(rows, path), runs)
        starts = g.Sub(g.CumSum(lengths, g.constant(0, "i64")), lengths)
        # The last split is of runs that still have more than 128 numbers; the last run has the remainder, too.
        rest = g.Mul(g.cast(g.Equal(index, g.Sub(runs, one)), "i64"), g.num(self.count - self.rows * _ROW))
        small = g.LessOrEqual(g.Add(g.Mul(lengths, eight), rest), g.constant([_LEAF_ROWS * _ROW], "i64"))
        first = g.Where(small, lengths, g.Div(lengths, g.constant([2], "i64")))
        begins = g.Concat(*(g.Unsqueeze(v, g.vector(1)) for v in (starts, g.Add(starts, first))), axis=1)
        sizes = g.Concat(*(g.Unsqueeze(v, g.vector(1)) for v in (first, g.Sub(lengths, first))), axis=1)
        step = g.constant(np.arange(_LEAF_ROWS), "i64")
        table = g.Add(g.Unsqueeze(begins, g.vector(2)), step)
        table = g.Where(g.Less(step, g.Unsqueeze(sizes, g.vector(2))), table, rows)
        self.table = g.Reshape(table, g.vector(-1))
        # The remainder follows the last run's last row: it is in the second half if the run was split, else in the first.
        self.in_first = g.cast(g.Slice(small, g.vector(-1), g.vector(np.iinfo(np.int64).max), g.vector(0)), "f32")

    def sum(self, g: Builder, x: Value) -> Value:
        """Emit the sum of each row of float32 `[images, count]`, as `[images, 1]`.

        No number may be -0.0.
        """
        zeros = g.constant(np.zeros((1, _ROW)), "f32")
        images = g.Shape(x, start=0, end=1)
        zeros = g.Expand(zeros, g.Concat(images, g.vector(_ROW), axis=0))
        padded = g.Concat(x, zeros, axis=1)
        whole = g.Slice(padded, g.vector(0), g.num(self.rows * _ROW), g.vector(1))
        whole = g.Reshape(g.Concat(whole, zeros, axis=1), g.vector(-1, self.rows + 1, _ROW))
        gathered = g.Reshape(g.Gather(whole, self.table, axis=1), g.vector(0, -1, _LEAF_ROWS, _ROW))
        rows = g.Split(gathered, g.vector(*[1] * _LEAF_ROWS), axis=2, outputs=_LEAF_ROWS)
        total = rows[0]
        for row in rows[1:]:
            total = g.Add(total, row)
        total = g.Squeeze(total, g.vector(2))
        for _ in range(3):
            total = self._pairs(g, total, 2)
        total = g.Squeeze(total, g.vector(2))
        return self._join(g, self._with_rest(g, total, padded))

    @staticmethod
    def _pairs(g: Builder, x: Value, axis: int) -> Value:
        """Emit each number at an even place plus its right neighbour."""
        end = g.vector(np.iinfo(np.int64).max)
        even, odd = (g.Slice(x, g.vector(i), end, g.vector(axis), g.vector(2)) for i in (0, 1))
        return g.Add(even, odd)

    def _with_rest(self, g: Builder, total: Value, padded: Value) -> Value:
        """Emit the sums with the remainder added, then join the two halves of every last split.

        The remainder, with zeros after it, belongs to the run that holds the last row.
        """
        big = g.vector(np.iinfo(np.int64).max)
        rest = g.Slice(padded, g.num(self.rows * _ROW), g.num(self.rows * _ROW + _ROW - 1), g.vector(1))
        kept = g.Slice(total, g.vector(0), g.vector(-2), g.vector(1))
        first, second = (g.Slice(total, g.vector(i), end, g.vector(1)) for i, end in ((-2, g.vector(-1)), (-1, big)))
        for item in g.Split(rest, g.vector(*[1] * (_ROW - 1)), axis=1, outputs=_ROW - 1):
            here = g.Mul(item, self.in_first)
            first, second = g.Add(first, here), g.Add(second, g.Sub(item, here))
        return self._pairs(g, g.Concat(kept, first, second, axis=1), 1)

    def _join(self, g: Builder, total: Value) -> Value:
        """Emit sums of neighbours until one run is left.

        Further rounds add zeros to it.
        """
        zero = g.constant(np.zeros((1, 1)), "f32")
        for _ in range(self._levels()):
            zeros = g.Expand(zero, g.Concat(g.Shape(total, start=0, end=1), g.vector(1), axis=0))
            padded = g.Concat(total, zeros, axis=1)
            runs = g.Shape(total, start=1, end=2)
            even = g.Slice(padded, g.vector(0), runs, g.vector(1), g.vector(2))
            odd = g.Slice(padded, g.vector(1), g.Add(runs, g.vector(1)), g.vector(1), g.vector(2))
            total = g.Add(even, odd)
        return total

    def _levels(self) -> int:
        """Return how many rounds of joins the largest image needs."""
        most = num.high(self.rows)
        return next((d for d in range(_SPLITS) if most < (_LEAF_ROWS + 1) << d), _SPLITS)
