"""Idefics2, Idefics3, SmolVLM and UltraVBert: samples of several images, cut into parts, padded to the batch's largest.

Source: transformers 5.23, `models/idefics2`, `models/idefics3` and `models/smolvlm`, `image_processing_pil_*.py`, and
`models/ultravbert/image_processing_ultravbert.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from itertools import product

from graphproc import joins
from graphproc.configs.config import Config
from graphproc.configs.settings import Setting, Whole
from graphproc.errors import ConfigError
from graphproc.ir.backends import TORCHVISION
from graphproc.ir.delivery import LISTS, NESTED, TENSOR
from graphproc.ir.join import Join
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Concat, Full, Numbers, Pad, Slice
from graphproc.processors import stages
from graphproc.processors.constants import INCEPTION, RESCALE, RGB, resize_to
from graphproc.processors.settings import DO_IMAGE_SPLITTING, RETURN_ROW_COL_INFO
from graphproc.processors.spec import ONLY_TORCHVISION, ProcessorSpec, Samples, Stage
from graphproc.sizes import num
from graphproc.sizes.canvas import Grid
from graphproc.sizes.num import Bool
from graphproc.sizes.rules import Size
from graphproc.sizes.slices import capped_long_side, tile_split, to_long_side, within_long_side

PADDED = {**RESCALE, "do_normalize": True, **INCEPTION, "do_pad": True}
TILE = Setting(None, None, "The side of a tile in pixels, as its longest_edge.")
SPLIT = {
    **RGB,
    **PADDED,
    "do_image_splitting": DO_IMAGE_SPLITTING.of(True),
    "max_image_size": TILE,
    "return_row_col_info": replace(RETURN_ROW_COL_INFO, default=False, saved=False),
}
OUTPUTS = ("pixel_values", "pixel_attention_mask")


@stages.when("do_resize")
def resize_within(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_resize`: down to the longest edge, then up to the shortest one; or to a height and width."""
    if set(config.size) != {"shortest_edge", "longest_edge"}:
        return stages.resample(b, x, *stages.sides("size", config.size), config.resample)
    edges = config.size["longest_edge"], config.size["shortest_edge"]
    return stages.resample(b, x, *within_long_side(x.type.size("H"), x.type.size("W"), *edges), config.resample)


STAGES = (resize_within, stages.rescale, stages.normalize)


def with_quarters(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the image and which pixels are not padding; with `do_image_splitting`, its four quarters come first."""
    if not config.do_image_splitting:
        mask = b.add(Full((x.type.size("H"), x.type.size("W")), 1, "i64", "HW")) if config.do_pad else None
        _outputs(b, x, mask, stages.PADDED if config.do_pad else joins.STACK)
        return
    if config.do_resize:
        for name, side in (("height", b.image.type.size("H")), ("width", b.image.type.size("W"))):
            b.require(side >= 2, f"do_image_splitting needs 2 pixels of {name}. Use a larger image, or switch it off.")
    parts = [reduce(lambda y, stage: stage(b, config, y), STAGES, quarter) for quarter in _quarters(b)] + [x]
    sizes = [(part.type.size("H"), part.type.size("W")) for part in parts]
    height, width = (reduce(num.maximum, sides) for sides in zip(*sizes, strict=True))
    if not config.do_pad:
        equal: Bool = True
        for h, w in sizes:
            equal = num.both(equal, num.both(num.eq(h, height), num.eq(w, width)))
        b.require(equal, "the quarters and the image have different sizes after resizing. Set do_pad.")
    padded = (b.add(Pad.canvas(0, 0, height, width), part) for part in parts)
    x = b.add(Concat(-4), *(part.rearrange("c h w -> 1 c h w", "NCHW") for part in padded))
    masks = []
    for h, w in sizes if config.do_pad else []:
        lines = b.add(Pad.end(-2, height), b.add(Full((1, h, w), 1, "i64", "NHW")))
        masks.append(b.add(Pad.end(-1, width), lines))
    _outputs(b, x, b.add(Concat(-3), *masks) if masks else None, joins.Concatenate(fill=0))


def _outputs(b: ProgramBuilder, x: Value, mask: Value | None, sample: Join) -> None:
    """Declare the pixels. With a mask, pad all samples to the most images, the greatest height and the greatest width.

    Padded images are floats in torchvision's backend.
    """
    promotes = b.backend != TORCHVISION  # transformers' Pillow classes fill samples up with images of floats
    padded = joins.STACK if mask is None else replace(stages.PADDED, promotes=promotes)
    if mask is not None and b.backend == TORCHVISION and x.type.dtype != "f32":
        x = x.cast("f32")
    b.output("pixel_values", x, padded, sample=sample, delivery=NESTED if mask is None else TENSOR)
    if mask is not None:
        b.output("pixel_attention_mask", mask, joins.Pad(), sample=sample)


def _quarters(b: ProgramBuilder) -> list[Value]:
    """Return the upper left, upper right, lower left and lower right quarter.

    The middle row and column of odd sides belong to the lower and the right quarters.
    """
    height, width = b.image.type.size("H"), b.image.type.size("W")
    upper, left = height // 2, width // 2
    vertical, horizontal = ((0, upper), (upper, height - upper)), ((0, left), (left, width - left))
    return [b.add(Slice.window(top, start, h, w), b.image) for (top, h), (start, w) in product(vertical, horizontal)]


FirstSize = Callable[[Config, Value], Size]
"""The size of an image before it is resized to whole tiles."""


def split(first_size: FirstSize) -> Stage:
    """Make the stage that cuts an image into tiles of side `max_image_size`, and adds the whole image as one more.

    With `do_resize`, the image is resized to `first_size` before. Without `do_image_splitting`, or
    where one tile is enough, there is only the whole image.
    """

    def stage(b: ProgramBuilder, config: Config, x: Value) -> Value:
        tile = _tile(config)
        if config.do_resize:
            x = stages.resample(b, x, *first_size(config, x), config.resample, has_pixels=True)
        grid = Grid(0, 0)
        tiles = []
        if config.do_image_splitting:
            size, grid = tile_split(x.type.size("H"), x.type.size("W"), tile)
            x = stages.resample(b, x, *size, config.resample, has_pixels=True)
            cut = x.rearrange("c (r h) (k w) -> (r k) c h w", "NCHW", h=tile, w=tile)
            tiles.append(cut.narrow(-4, 0, grid.rows * grid.columns))
        whole = stages.resample(b, x, tile, tile, config.resample)
        x = b.add(Concat(-4), *tiles, whole.rearrange("c h w -> 1 c h w", "NCHW"))
        if config.return_row_col_info:
            lists = replace(LISTS, ends_with_images=b.backend == TORCHVISION and bool(config.do_image_splitting))
            for name, count in zip(("rows", "cols"), grid, strict=True):
                b.output(name, b.add(Numbers((count,), shape=())), sample=joins.STACK, delivery=lists)
        return x

    return stage


def _tile(config: Config) -> int:
    """Return the side of a tile in pixels."""
    tile = config.max_image_size.get("longest_edge") if isinstance(config.max_image_size, dict) else None
    if isinstance(tile, bool) or not isinstance(tile, int) or tile < 1:
        raise ConfigError(f"max_image_size: expected a longest_edge of at least 1, got {config.max_image_size!r}")
    return tile


def to_size(config: Config, x: Value) -> Size:
    """Return the size to resize to: by the longest edge, up or down, or a height and width."""
    if "longest_edge" in config.size:
        return to_long_side(x.type.size("H"), x.type.size("W"), config.size["longest_edge"])
    return stages.sides("size", config.size)


def to_capped_size(config: Config, x: Value) -> Size:
    """Return the size to resize to in UltraVBert: as `to_size`.

    Images that are split get a longest edge that gives at most `max_image_tiles` tiles.
    """
    if not config.do_image_splitting:
        return to_size(config, x)
    if "longest_edge" not in config.size:
        raise ConfigError(f"size: expected a longest_edge to split images by, got {config.size}")
    height, width = x.type.size("H"), x.type.size("W")
    most = stages.count(config, "max_image_tiles")
    return to_long_side(height, width, capped_long_side(height, width, config.size["longest_edge"], _tile(config), most))


def with_tiles(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the tiles of all images of a sample, one after another, and which pixels are not padding."""
    mask = b.add(Full(tuple(x.type.size(axis) for axis in "NHW"), 1, "i64", "NHW")) if config.do_pad else None
    _outputs(b, x, mask, joins.Concatenate())


SPECS = (
    ProcessorSpec(
        "Idefics2ImageProcessor",
        STAGES,
        {
            **RGB,
            **resize_to({"shortest_edge": 378, "longest_edge": 980}, "bilinear"),
            **PADDED,
            "do_image_splitting": DO_IMAGE_SPLITTING.of(False),
        },
        limitations="parts of different sizes without do_pad",
        outputs=OUTPUTS,
        finish=with_quarters,
        samples=Samples(0),
    ),
    *(
        ProcessorSpec(
            f"{name}ImageProcessor",
            (split(to_size), stages.rescale, stages.normalize),
            {
                **SPLIT,
                **resize_to({"longest_edge": 4 * 364}, "lanczos"),
                "max_image_size": TILE.of({"longest_edge": 364}),
            },
            outputs=OUTPUTS,
            finish=with_tiles,
            samples=Samples(0),
        )
        for name in ("Idefics3", "SmolVLM")
    ),
    ProcessorSpec(
        "UltraVBertImageProcessor",
        (split(to_capped_size), stages.rescale, stages.normalize),
        {
            **SPLIT,
            **resize_to({"longest_edge": 3072}, "lanczos"),
            "max_image_size": TILE.of({"longest_edge": 512}),
            "max_image_tiles": Setting(27, Whole(), "The most tiles of an image, the whole one not counted."),
        },
        outputs=OUTPUTS,
        finish=with_tiles,
        samples=Samples(0),
        backends=ONLY_TORCHVISION,
    ),
)
