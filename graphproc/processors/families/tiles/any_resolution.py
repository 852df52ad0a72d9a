"""LLaVA-NeXT and LLaVA-OneVision: the image on the canvas of a list that keeps most pixels, cut into tiles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

from graphproc import joins
from graphproc.configs.config import Config
from graphproc.errors import ConfigError
from graphproc.ir.delivery import TUPLES
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Pad, Slice
from graphproc.processors import stages, tiling
from graphproc.processors.calls import PARTLY
from graphproc.processors.constants import CLIP, NORMALIZE, RGB, crop_to, resize_to, shortest, square
from graphproc.processors.families.plain import llava
from graphproc.processors.settings import CANVASES
from graphproc.processors.spec import ProcessorSpec, Samples, Stage
from graphproc.processors.tiling import INDEX
from graphproc.sizes import num
from graphproc.sizes.canvas import best_resolution
from graphproc.sizes.num import Num

StagesFor = Callable[[Num, Num], Sequence[Stage]]
"""Makes the stages that a tile of a height and a width goes through."""


def tiles(b: ProgramBuilder, config: Config, x: Value, key: str, side: int, steps: StagesFor) -> Value:
    """Put the image in the middle of the best canvas, cut it into tiles, and run stages on each tile.

    Args:
        b: the builder.
        config: the settings.
        x: the image.
        key: the setting that lists the canvases.
        side: height and width of a tile in pixels. Tiles at the lower and right edge are smaller where
            a canvas is not a whole number of tiles.
        steps: makes the stages for tiles of a height and a width.
    """
    candidates = getattr(config, key)
    if candidates is None:
        raise ConfigError(f"{key}: expected pairs of a height and a width, got null. List the canvases to choose from.")
    best = best_resolution(x.type.size("H"), x.type.size("W"), candidates, side)
    canvas = b.add(Pad.canvas(*best.before, *best.canvas), tiling.resample(b, config, x, *best.fitted))
    if all(length % side == 0 for pair in candidates for length in pair):
        x = tiling.cut(b, canvas, side, side)
        for step in steps(side, side):
            x = step(b, config, x)
        return x
    top, left = INDEX // best.grid.columns * side, INDEX % best.grid.columns * side
    height, width = (num.minimum(length - start, side) for length, start in zip(best.canvas, (top, left), strict=True))
    count = best.grid.rows * best.grid.columns
    return tiling.for_each(b, config, canvas, count, Slice.window(top, left, height, width), steps(height, width))


def overview_and_tiles(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Return the whole image and its tiles, each resized and cropped.

    An image that is one of several in its sample becomes a single square instead.
    """
    steps = (tiling.resize, stages.center_crop)
    if b.in_multi_image_sample:
        overview = llava.pad_to_square(b, config.changed(do_pad=True, image_mean=config.own("image_mean")), x)
    else:
        size = config.size or {}
        edge = size.get("shortest_edge")
        height, width = (edge, edge) if edge else stages.sides("size", size)
        overview = tiling.resample(b, config, x, height, width)
    overview = tiling.as_tile(b, overview)
    for step in steps:
        overview = step(b, config, overview)
    if b.in_multi_image_sample:
        return overview
    side = (config.crop_size or {}).get("height") or height
    return tiling.join(b, overview, tiles(b, config, x, "image_grid_pinpoints", side, lambda *_: steps))


def with_sizes(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare `pixel_values` and `image_sizes`; with `do_pad`, every image gets as many tiles as the largest."""
    b.output("pixel_values", x, joins.Pad(unpadded=(-3, -2, -1)) if config.do_pad else joins.STACK)
    tiling.size_output(b, "image_sizes", b.image.type.size("H"), b.image.type.size("W"), delivery=TUPLES)


def with_counts(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the outputs of LLaVA-OneVision: as `with_sizes`, and `batch_num_images`, the images of each sample."""
    with_sizes(b, config, x)
    if not b.in_multi_image_sample:
        tiling.size_output(b, "batch_num_images", 1)


LLAVA = {**RGB, **NORMALIZE, **CLIP, "do_pad": True}

SPECS = (
    ProcessorSpec(
        "LlavaNextImageProcessor",
        (overview_and_tiles, tiling.rescale_and_normalize),
        {
            **LLAVA,
            **resize_to(shortest(224), "bicubic"),
            **crop_to(224),
            "image_grid_pinpoints": CANVASES.of(((336, 672), (672, 336), (672, 672), (1008, 336), (336, 1008))),
        },
        outputs=("pixel_values", "image_sizes"),
        finish=with_sizes,
    ),
    ProcessorSpec(
        "LlavaOnevisionImageProcessor",
        (overview_and_tiles, tiling.rescale_and_normalize),
        {
            **LLAVA,
            **resize_to(square(384), "bicubic"),
            "default_to_square": False,
            "image_grid_pinpoints": CANVASES.of(tuple(product(range(384, 7 * 384, 384), repeat=2))),
        },
        outputs=("pixel_values", "image_sizes", "batch_num_images"),
        finish=with_counts,
        samples=Samples(counts="batch_num_images"),
        calls={"image_mean": PARTLY},
        limitations="a size of other keys than height and width, with which transformers fails for a single image",
    ),
)
