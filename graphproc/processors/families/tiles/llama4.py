"""Llama 4: images on canvases of square tiles, and the whole image as one more tile, computed in bfloat16.

Source: transformers 5.23, `models/llama4/image_processing_llama4.py`.
"""

from __future__ import annotations

import numpy as np

from graphproc import joins
from graphproc.configs.config import Config
from graphproc.configs.settings import Setting, Whole
from graphproc.errors import ConfigError
from graphproc.ir.delivery import Delivery
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.numerics.bfloat16 import rounded
from graphproc.ops import ByteMap, Concat, Pad, SelectChannels
from graphproc.processors import stages, tiling
from graphproc.processors.constants import INCEPTION, square, usual
from graphproc.processors.spec import ONLY_TORCHVISION, ProcessorSpec
from graphproc.sizes.tile_canvas import ChunkedCanvas, chunked_canvas

SETTINGS = {
    "max_patches": Setting(16, Whole(1), "The most tiles of an image."),
    "resize_to_max_canvas": Setting(False, None, "Enlarge images as far as the most tiles allow."),
}


def _canvas(b: ProgramBuilder, config: Config) -> ChunkedCanvas:
    """Return the canvas of the image.

    Raises:
        ConfigError: images are not resized, or `size` is no square.
    """
    if not config.do_resize:
        raise ConfigError(f"do_resize: Llama 4 always does this, got {config.do_resize}. Set it to true.")
    height, width = stages.sides("size", config.size)
    if height != width:
        raise ConfigError(f"size: expected a square, got {height} x {width}")
    sides, most = (b.image.type.size("H"), b.image.type.size("W")), stages.count(config, "max_patches")
    return chunked_canvas(*sides, height, most, largest=bool(config.resize_to_max_canvas))


def tiles(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Return the tiles of the canvas, black below and right of the image.

    Several tiles are followed by the whole image as one more.
    """
    canvas, side = _canvas(b, config), config.size["height"]
    placed = b.add(Pad.canvas(0, 0, *canvas.canvas), tiling.resample(b, config, x, *canvas.fitted))
    whole = tiling.as_tile(b, tiling.resample(b, config, x, side, side))
    several = canvas.grid.rows * canvas.grid.columns > 1
    return tiling.join(b, tiling.cut(b, placed, side, side), tiling.tiles_if(b, several, whole))


def in_bfloat16(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_rescale` and `do_normalize`: both together in bfloat16, rescaling alone in float32.

    The bfloat16 results of all 256 bytes are computed beforehand, as a table for each channel.

    Raises:
        ConfigError: pixels would be normalized without having been rescaled, or divided by zero.
    """
    if not (config.do_rescale and config.do_normalize):
        if config.do_normalize:
            raise ConfigError("do_rescale: expected true beside do_normalize, which takes no bytes. Set it, or switch both off.")
        return stages.rescale(b, config, x)
    x = stages.spread(b, x, config.image_mean, config.image_std)
    mean, std = (rounded(stages.per_channel(b, key, getattr(config, key), x)) for key in ("image_mean", "image_std"))
    if (std == 0).any():
        raise ConfigError(f"image_std: expected numbers that are not 0 in bfloat16, got {config.image_std!r}")
    with np.errstate(all="ignore"):
        values = rounded(np.arange(256, dtype=np.float32) * np.float32(config.rescale_factor))
        values = rounded(rounded(values - mean[:, None]) / std[:, None])
    tables = [ByteMap((("table", tuple(row.tolist())),)) for row in values]
    if len(set(tables)) == 1:
        return b.add(tables[0], x)
    channels = [b.add(SelectChannels((index,)), x) for index in range(len(tables))]
    mapped = [b.add(table, channel) for table, channel in zip(tables, channels, strict=True)]
    return b.add(Concat(x.type.axis("C")), *mapped)


def finish(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare `pixel_values`, and `aspect_ratios`, the rows and columns of each image's tiles."""
    delivery = Delivery(torch_dtype="bfloat16" if config.do_rescale and config.do_normalize else "", container="apart")
    b.output("pixel_values", x, joins.Concatenate(), delivery=delivery)
    tiling.size_output(b, "aspect_ratios", *_canvas(b, config).grid)


SPECS = (
    ProcessorSpec(
        "Llama4ImageProcessor",
        (tiles, in_bfloat16),
        usual(square(336), "bilinear", INCEPTION, SETTINGS, rgb=True),
        limitations="the type bfloat16: arrays and graphs hold its numbers in float32, torch tensors have it",
        outputs=("pixel_values", "aspect_ratios"),
        model_inputs=("pixel_values",),
        backends=ONLY_TORCHVISION,
        finish=finish,
    ),
)
