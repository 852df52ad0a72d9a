"""Molmo 2: the whole image, then overlapping crops, as patches, and which patches are pooled to one token.

Source: transformers 5.23, `models/molmo2/image_processing_molmo2.py`.
"""

from __future__ import annotations

from typing import NamedTuple

from graphproc import joins
from graphproc.configs.config import Config
from graphproc.configs.settings import Pair, Setting, Whole
from graphproc.errors import ConfigError
from graphproc.ir.delivery import STACKED
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ir.types import FLOATS
from graphproc.ir.value import concatenate, maximum, minimum, where
from graphproc.ops import Indices, Slice
from graphproc.processors import stages, tiling
from graphproc.processors.constants import INCEPTION, square, usual
from graphproc.processors.settings import PATCH_SIZE
from graphproc.processors.spec import ONLY_TORCHVISION, ProcessorSpec
from graphproc.processors.tiling import INDEX
from graphproc.sizes.canvas import Grid
from graphproc.sizes.num import Num
from graphproc.sizes.tile_canvas import overlapping_grid

SETTINGS = {
    "max_crops": Setting(8, Whole(1), "The most crops of an image, the whole one not counted."),
    "overlap_margins": Setting((4, 4), Pair(0), "The patches at a crop's start and end that its neighbours have, too."),
    "patch_size": PATCH_SIZE.of(14),
    "pooling_size": Setting((2, 2), Pair(1), "The rows and columns of patches that are pooled to one token."),
}
OUTPUTS = ("pixel_values", "image_token_pooling", "image_grids", "image_num_crops")


class _Crops(NamedTuple):
    """The crops of an image: their grid, the patches along a crop, between the starts of two crops, and in its margins."""

    grid: Grid
    along: int
    apart: int
    before: int
    after: int


def _crops(b: ProgramBuilder, config: Config) -> _Crops:
    """Return the crops of the image.

    Raises:
        ConfigError: `size` is not a square of whole patches, or the margins leave nothing of it.
    """
    height, width = stages.sides("size", config.size or {})
    patch = stages.count(config, "patch_size")
    if height != width or height % patch:
        raise ConfigError(f"size: expected a square of whole patches of {patch} pixels, got {height} x {width}")
    along, (before, after) = height // patch, stages.given(config, "overlap_margins")
    apart = along - before - after
    if apart < 1:
        raise ConfigError(f"overlap_margins: expected less than the {along} patches of a crop, got {before} and {after}")
    sides = b.image.type.size("H"), b.image.type.size("W")
    grid = overlapping_grid(*sides, apart * patch, (before + after) * patch, stages.count(config, "max_crops"))
    return _Crops(grid, along, apart, before, after)


def crops(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Return the whole image and then its crops, row by row; `do_resize` changes nothing.

    Bytes are resized as floats without antialiasing, then rounded to bytes again.
    """
    overlapping, side, patch = _crops(b, config), config.size["height"], config.patch_size
    step, margin = overlapping.apart * patch, (overlapping.before + overlapping.after) * patch

    def resize_whole(height: Num, width: Num) -> Value:
        if x.type.dtype in FLOATS:
            return stages.resample(b, x, height, width, config.resample, antialias=False)
        y = stages.resample(b, x.cast("f32"), height, width, config.resample, antialias=False)
        y = y.cast("u8", "to nearest byte")
        return y if x.type.dtype == "u8" else y.cast(x.type.dtype)

    canvas = resize_whole(overlapping.grid.rows * step + margin, overlapping.grid.columns * step + margin)
    crop = Slice.window(INDEX // overlapping.grid.columns * step, INDEX % overlapping.grid.columns * step, side, side)
    cut = tiling.for_each(b, config, canvas, overlapping.grid.rows * overlapping.grid.columns, crop, ())
    return tiling.join(b, tiling.as_tile(b, resize_whole(side, side)), cut)


def _pooled(b: ProgramBuilder, overlapping: _Crops, pooling: tuple[int, int], first: int) -> tuple[Value, Grid]:
    """Return the numbers of each token's patches, int64 [tokens, patches], and the grid of tokens.

    Where crops overlap, the patches of one crop count. -1 stands for no patch.

    Args:
        b: the builder.
        overlapping: the crops.
        pooling: the rows and columns of patches that are pooled to one token.
        first: the number of the first patch.
    """
    have = tuple(count * overlapping.apart + overlapping.before + overlapping.after for count in overlapping.grid)
    tokens = Grid(*((length + (side - 1)) // side for length, side in zip(have, pooling, strict=True)))
    sides = tuple(count * side for count, side in zip(tokens, pooling, strict=True))
    missing = tuple((side - length) // 2 for side, length in zip(sides, have, strict=True))

    places = b.add(Indices(sides[0], sides[1])) - missing
    beyond = maximum(places - (overlapping.before, overlapping.before), (0, 0))
    crop = minimum(beyond // (overlapping.apart, overlapping.apart), tuple(count - 1 for count in overlapping.grid))
    within = places - crop * (overlapping.apart, overlapping.apart)
    size = overlapping.along**2
    crop, within = crop * (overlapping.grid.columns * size, size), within * (overlapping.along, 1)
    position = crop + within
    position = position.narrow(-1, 0, 1) + position.narrow(-1, 1, 1) + first
    there = (places >= (0, 0)) & (places < have)
    position = where(there.narrow(-1, 0, 1) & there.narrow(-1, 1, 1), position, -1)
    lengths = {"r": tokens.rows, "h": pooling[0], "k": tokens.columns, "w": pooling[1]}
    return position.rearrange("(r h k w) 1 -> (r k) (h w)", **lengths), tokens


def finish(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the patches of all crops, the patches of each token, the grids of tokens, and how many crops.

    There is a grid of tokens for the whole image, and one for its crops together.
    """
    overlapping, patch, pooling = _crops(b, config), config.patch_size, stages.given(config, "pooling_size")
    x = x.rearrange("n c (gh p) (gw q) -> n (gh gw) (p q c)", "NPF", p=patch, q=patch)
    b.output(OUTPUTS[0], x, joins.Concatenate())
    whole, low = _pooled(b, overlapping._replace(grid=Grid(1, 1)), pooling, 0)
    parts, high = _pooled(b, overlapping, pooling, overlapping.along**2)
    b.output(OUTPUTS[1], concatenate((whole, parts), axis=-2).cast("i32"), joins.OffsetByImage())
    tiling.size_output(b, OUTPUTS[2], *low, *high, delivery=STACKED)
    tiling.size_output(b, OUTPUTS[3], 1 + overlapping.grid.rows * overlapping.grid.columns, delivery=STACKED)


SPECS = (
    ProcessorSpec(
        "Molmo2ImageProcessor",
        (crops, tiling.rescale_and_normalize),
        usual(square(378), "bilinear", INCEPTION, SETTINGS, rgb=True),
        limitations="negative overlap_margins",
        outputs=OUTPUTS,
        backends=ONLY_TORCHVISION,
        finish=finish,
    ),
)
