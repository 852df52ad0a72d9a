"""Molmo 2: overlapping crops of an image behind a view of the whole, as patches, and which patches pool to one token.

Source: transformers 5.23, `models/molmo2/image_processing_molmo2.py`.
"""

from __future__ import annotations

from typing import NamedTuple

from graphproc.configs.config import Config
from graphproc.errors import ConfigError
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ir.types import FLOATS
from graphproc.ops import Cast, Choose, Combine, Concat, Crop, Rearrange, RoundToBytes, Take
from graphproc.ops import Grid as GridOf
from graphproc.processors import stages, tiling
from graphproc.processors.constants import BILINEAR, INCEPTION, NORMALIZE, RGB, resize_to, square
from graphproc.processors.row import ONLY_TORCHVISION, Row
from graphproc.processors.tiling import INDEX
from graphproc.sizes.canvas import Grid
from graphproc.sizes.num import Num
from graphproc.sizes.tile_canvas import overlapping_grid

SETTINGS = {"max_crops": 8, "overlap_margins": (4, 4), "patch_size": 14, "pooling_size": (2, 2)}
OUTPUTS = ("pixel_values", "image_token_pooling", "image_grids", "image_num_crops")


class _Crops(NamedTuple):
    """The crops of an image: their grid, the patches along a crop and between two, and a crop's margins, in patches."""

    grid: Grid
    along: int
    apart: int
    before: int
    after: int


def _pair(config: Config, key: str, least: int) -> tuple[int, int]:
    """A setting of two whole numbers.

    Raises:
        ConfigError: there are none, or one of them is too small.
    """
    first, second = getattr(config, key) or (least - 1, least - 1)
    if min(first, second) < least:
        raise ConfigError(f"{key}: expected two whole numbers of at least {least}, got {getattr(config, key)!r}")
    return first, second


def _crops(b: ProgramBuilder, config: Config) -> _Crops:
    """The crops of the image.

    Raises:
        ConfigError: `size` is no square of whole patches, or margins leave nothing of it.
    """
    height, width = stages.sides("size", config.size or {})
    patch = stages.count(config, "patch_size")
    if height != width or height % patch:
        raise ConfigError(f"size: expected a square of whole patches of {patch} pixels, got {height} x {width}")
    along, (before, after) = height // patch, _pair(config, "overlap_margins", 0)
    apart = along - before - after
    if apart < 1:
        raise ConfigError(f"overlap_margins: expected less than the {along} patches of a crop, got {before} and {after}")
    sides = b.image.type.size("H"), b.image.type.size("W")
    grid = overlapping_grid(*sides, apart * patch, (before + after) * patch, stages.count(config, "max_crops"))
    return _Crops(grid, along, apart, before, after)


def crops(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """The whole image and its crops, row by row, resized as floats that are rounded to bytes again, whatever `do_resize` says."""
    plan, side, patch = _crops(b, config), config.size["height"], config.patch_size
    step, margin = plan.apart * patch, (plan.before + plan.after) * patch

    def resized(height: Num, width: Num) -> Value:
        if x.type.dtype in FLOATS:
            return stages.resample(b, x, height, width, config.resample, antialias=False)
        y = stages.resample(b, b.add(Cast("f32"), x), height, width, config.resample, antialias=False)
        y = b.add(RoundToBytes(), y)
        return y if x.type.dtype == "u8" else b.add(Cast(x.type.dtype), y)

    canvas = resized(plan.grid.rows * step + margin, plan.grid.columns * step + margin)
    crop = Crop(INDEX // plan.grid.columns * step, INDEX % plan.grid.columns * step, side, side)
    cut = tiling.for_each(b, config, canvas, plan.grid.rows * plan.grid.columns, crop, ())
    return tiling.join(b, tiling.as_tile(b, resized(side, side)), cut)


def _pooled(b: ProgramBuilder, plan: _Crops, pooling: tuple[int, int], first: int) -> tuple[Value, Grid]:
    """The patches of each token and the tokens' grid; of patches that several crops have, one counts, and -1 is none.

    Args:
        b: the builder.
        plan: the crops.
        pooling: the rows and columns of patches that a token is pooled of.
        first: the position of the first patch.
    """
    have = tuple(count * plan.apart + plan.before + plan.after for count in plan.grid)
    tokens = Grid(*((length + (side - 1)) // side for length, side in zip(have, pooling, strict=True)))
    sides = tuple(count * side for count, side in zip(tokens, pooling, strict=True))
    missing = tuple((side - length) // 2 for side, length in zip(sides, have, strict=True))

    def each(x: Value, operator: str, *numbers: Num) -> Value:
        return b.add(Combine(operator, numbers), x)

    def both(x: Value, operator: str) -> Value:
        return b.add(Combine(operator), *(b.add(Take(-1, axis, 1), x) for axis in (0, 1)))

    places = each(b.add(GridOf(sides[0], sides[1])), "subtract", *missing)
    beyond = each(each(places, "subtract", plan.before, plan.before), "maximum", 0, 0)
    crop = each(each(beyond, "quotient", plan.apart, plan.apart), "minimum", *(count - 1 for count in plan.grid))
    within = b.add(Combine("subtract"), places, each(crop, "multiply", plan.apart, plan.apart))
    size = plan.along**2
    crop, within = each(crop, "multiply", plan.grid.columns * size, size), each(within, "multiply", plan.along, 1)
    position = b.add(Combine("add", first), both(b.add(Combine("add"), crop, within), "add"))
    there = b.add(Combine("and"), each(places, "greater_or_equal", 0, 0), each(places, "less", *have))
    position = b.add(Choose(-1), both(there, "and"), position)
    lengths = (("r", tokens.rows), ("h", pooling[0]), ("k", tokens.columns), ("w", pooling[1]))
    return b.add(Rearrange("(r h k w) 1 -> (r k) (h w)", lengths), position), tokens


def finish(b: ProgramBuilder, config: Config, x: Value) -> None:
    """The patches of all crops, those of each token, the tokens' grids of the whole image and of crops, and how many crops."""
    plan, patch, pooling = _crops(b, config), config.patch_size, _pair(config, "pooling_size", 1)
    x = b.add(Rearrange("n c (gh p) (gw q) -> n (gh gw) (p q c)", (("p", patch), ("q", patch)), "NPF"), x)
    b.output(OUTPUTS[0], x, "concatenate")
    whole, low = _pooled(b, plan._replace(grid=Grid(1, 1)), pooling, 0)
    parts, high = _pooled(b, plan, pooling, plan.along**2)
    b.output(OUTPUTS[1], b.add(Cast("i32"), b.add(Concat(-2), whole, parts)), "shifted")
    tiling.tell(b, OUTPUTS[2], *low, *high)
    tiling.tell(b, OUTPUTS[3], 1 + plan.grid.rows * plan.grid.columns)


ROWS = (
    Row(
        "Molmo2ImageProcessor",
        "tiles",
        (crops, tiling.in_model_units),
        {**RGB, **resize_to(square(378), BILINEAR), **NORMALIZE, **INCEPTION, **SETTINGS},
        extra_keys=tuple(SETTINGS),
        not_compiled="negative overlap_margins",
        outputs=OUTPUTS,
        input_names=OUTPUTS,
        backends=ONLY_TORCHVISION,
        finish=finish,
    ),
)
