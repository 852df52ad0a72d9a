"""What classes that cut an image into tiles share: the cut, the overview beside the tiles, steps on each crop."""

from __future__ import annotations

from collections.abc import Sequence

from graphproc import joins
from graphproc.configs.config import Config
from graphproc.errors import ConfigError
from graphproc.ir.delivery import TENSOR, Delivery
from graphproc.ir.join import Join
from graphproc.ir.op import Op
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Concat, ForEach, Numbers, Slice
from graphproc.processors import stages
from graphproc.processors.spec import Stage
from graphproc.sizes import num, rules
from graphproc.sizes.num import Bool, Num

INDEX = num.symbol("index", 0)
"""The number of a crop in `for_each`, counted from 0."""


def resample(b: ProgramBuilder, config: Config, x: Value, height: Num, width: Num) -> Value:
    """Resize, whatever `do_resize` says. The same size changes nothing."""
    if (height, width) == (x.type.size("H"), x.type.size("W")):
        return x
    return stages.resample(b, x, height, width, config.resample)


@stages.when("do_resize")
def resize(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_resize` to tiles, which often have the size already."""
    return resample(b, config, x, *rules.resized_size(x.type.size("H"), x.type.size("W"), config.size))


def rescale_and_normalize(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_rescale` and `do_normalize`."""
    return stages.normalize(b, config, stages.rescale(b, config, x))


def as_tile(b: ProgramBuilder, x: Value) -> Value:
    """Return an image [C, H, W] as its only tile [1, C, H, W]."""
    return x.rearrange("c h w -> 1 c h w", "NCHW")


def cut(b: ProgramBuilder, x: Value, height: Num, width: Num) -> Value:
    """Cut a canvas of whole tiles [C, rows * height, columns * width] into them, row by row: [N, C, height, width]."""
    return x.rearrange("c (r h) (k w) -> (r k) c h w", "NCHW", h=height, w=width)


def tiles_if(b: ProgramBuilder, condition: Bool, tiles: Value) -> Value:
    """Return the tiles if a condition holds, else none: an axis of length 0."""
    axis = tiles.type.axis("N")
    return b.add(Slice((axis,), (0,), (num.where(condition, tiles.type.shape[axis], 0),)), tiles)


def join(b: ProgramBuilder, *tiles: Value) -> Value:
    """Join tiles of one size, one after another.

    Raises:
        ConfigError: the settings make tiles of several sizes, which no tensor holds.
    """
    shapes = {value.type.shape[1:] for value in tiles}
    if len(shapes) > 1:
        shown = " and ".join(str(list(shape)) for shape in shapes)
        raise ConfigError(f"size, crop_size: the settings make tiles of {shown}. Resize or crop all of them to one size.")
    return b.add(Concat(tiles[0].type.axis("N")), *tiles)


def for_each(b: ProgramBuilder, config: Config, x: Value, count: Num, first: Op, steps: Sequence[Stage]) -> Value:
    """Run stages on each of a number of crops. The crops may differ in size, their results not.

    Args:
        b: the builder.
        config: the settings.
        x: what is cropped.
        count: how many crops there are.
        first: the crop, with a place and size that depend on `INDEX`.
        steps: stages made of ops with one operand.

    Raises:
        ConfigError: the results have several sizes, which no tensor holds.
    """
    inner = ProgramBuilder(b.name, b.parity, backend=b.backend)
    y = inner.add(first, inner.input(x.name, x.type))
    for step in steps:
        y = step(inner, config, y)
    if "index" in {name for side in y.type.shape for name in num.symbols(side)}:
        raise ConfigError(f"{b.name}: the settings make tiles of several sizes. Resize or crop all of them to one size.")
    return b.add(ForEach(count, tuple(step.op for step in inner.steps)), x)


def join_of(x: Value) -> Join:
    """Return the join of images: tiles are concatenated, images that are not cut are stacked."""
    return joins.Concatenate() if "N" in x.type.layout else joins.STACK


def size_output(b: ProgramBuilder, name: str, *values: Num, delivery: Delivery = TENSOR) -> None:
    """Declare an output of int64 numbers for each image: a scalar, or a vector of several."""
    b.output(name, b.add(Numbers(values, shape=() if len(values) == 1 else None)), delivery=delivery)
