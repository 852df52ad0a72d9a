"""Phi-4 multimodal: the whole white canvas as one tile, then its tiles, and a mask of patches that are not padding.

Source: transformers 5.23, `models/phi4_multimodal/image_processing_phi4_multimodal.py`.
"""

from __future__ import annotations

from graphproc import joins
from graphproc.configs.config import Config
from graphproc.configs.settings import Setting, Whole
from graphproc.errors import ConfigError
from graphproc.ir.delivery import STACKED
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Full, Pad
from graphproc.processors import stages, tiling
from graphproc.processors.constants import BICUBIC, BILINEAR, INCEPTION, NORMALIZE, RGB, square
from graphproc.processors.settings import PATCH_SIZE
from graphproc.processors.spec import ONLY_TORCHVISION, ProcessorSpec
from graphproc.sizes import num
from graphproc.sizes.num import Num
from graphproc.sizes.tile_canvas import PaddedGrid, padded_grid

SETTINGS = {"patch_size": PATCH_SIZE.of(14), "dynamic_hd": Setting(36, Whole(), "The most tiles of an image.")}
OUTPUTS = ("image_pixel_values", "image_sizes", "image_attention_mask", "num_img_tokens")
LEAST_SIDE = 10
"""The fewest pixels along a side of a scaled image; transformers refuses smaller ones."""
FIXED_TOKENS = 256 + 1 + 16
"""The tokens of the whole view and those between views, the same for every image."""


def _side(config: Config) -> int:
    """Return the side of a tile.

    Raises:
        ConfigError: `size` is not a square.
    """
    height, width = stages.sides("size", config.size or {})
    if height != width:
        raise ConfigError(f"size: expected a square, got {height} x {width}")
    return height


def _placed(b: ProgramBuilder, config: Config) -> PaddedGrid:
    height, width = b.image.type.size("H"), b.image.type.size("W")
    return padded_grid(height, width, _side(config), stages.count(config, "dynamic_hd"))


def views(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Return the whole canvas reduced to a tile, then its tiles. Images are scaled bilinearly, whatever `resample` says."""
    side, placed = _side(config), _placed(b, config)
    if x.type.channels != 3:
        raise ConfigError(f"do_convert_rgb: Phi-4 makes tiles of 3 channels, got {x.type.channels}. Set it to true.")
    for name, length in zip(("height", "width"), placed.fitted, strict=True):
        b.require(length >= LEAST_SIDE, f"the scaled {name} is below {LEAST_SIDE} pixels. Use a less elongated image.")
    x = stages.resample(b, x, *placed.fitted, BILINEAR, has_pixels=True)
    x = b.add(Pad.canvas(0, 0, placed.grid.rows * side, placed.grid.columns * side, 255), x)
    canvas = tiling.rescale_and_normalize(b, config, x)
    whole = stages.resample(b, canvas, side, side, config.resample, antialias=False)
    return tiling.join(b, tiling.as_tile(b, whole), tiling.cut(b, canvas, side, side))


def finish(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the views and their masks, the canvas's size, and the number of tokens.

    A view that fills up a batch has pixels of 0 and a mask of 1.
    """
    side, (grid, _, rest) = _side(config), _placed(b, config)
    patch = stages.count(config, "patch_size")
    cells = side // patch
    kept = tuple(num.maximum(count * cells - missing // patch, 0) for count, missing in zip(grid, rest, strict=True))
    mask = b.add(Full(kept, 1, "f32", "HW"))
    mask = b.add(Pad.end(-1, grid.columns * cells), b.add(Pad.end(-2, grid.rows * cells), mask))
    mask = mask.rearrange("(r h) (k w) -> (r k) h w", "NHW", h=cells, w=cells)
    mask = tiling.join(b, b.add(Full((1, cells, cells), 1, "f32", "NHW")), mask)

    rows, columns = (_every_other(length, cells) for length in kept)
    b.output(OUTPUTS[0], x, joins.Pad(), delivery=STACKED)
    tiling.size_output(b, OUTPUTS[1], grid.rows * side, grid.columns * side, delivery=STACKED)
    b.output(OUTPUTS[2], mask, joins.Pad(1), delivery=STACKED)
    tiling.size_output(b, OUTPUTS[3], FIXED_TOKENS + rows * columns + rows * num.minimum(columns, 1))


def _every_other(length: Num, cells: int) -> Num:
    """Count the tokens among the first `length` cells of a row of tiles: every other cell of a tile is a token."""
    return length // cells * ((cells + 1) // 2) + (length % cells + 1) // 2


SPECS = (
    ProcessorSpec(
        "Phi4MultimodalImageProcessor",
        (views,),
        {**RGB, "size": square(448), "resample": BICUBIC, "default_to_square": True, **NORMALIZE, **INCEPTION, **SETTINGS},
        outputs=OUTPUTS,
        meanings={"image_sizes": "height and width of the tiles together in pixels"},
        model_inputs=OUTPUTS[:3],
        backends=ONLY_TORCHVISION,
        finish=finish,
    ),
)
