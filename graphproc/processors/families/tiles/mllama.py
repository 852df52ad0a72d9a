"""Mllama: images on canvases of square tiles, any number of images in a sample, each filled up to the most tiles.

Source: transformers 5.23, `models/mllama/image_processing_pil_mllama.py`.
"""

from __future__ import annotations

from dataclasses import replace

from graphproc import joins
from graphproc.configs.config import Config
from graphproc.configs.settings import Setting, Whole
from graphproc.errors import ConfigError
from graphproc.ir.delivery import LISTS
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Numbers, Pad
from graphproc.processors import stages
from graphproc.processors.calls import OWN
from graphproc.processors.constants import INCEPTION, square, usual
from graphproc.processors.spec import ProcessorSpec, Samples
from graphproc.sizes.canvas import TiledCanvas, tiled_canvas

OUTPUTS = ("pixel_values", "aspect_ratio_ids", "aspect_ratio_mask", "num_tiles")


def _canvas(b: ProgramBuilder, config: Config) -> TiledCanvas:
    """Return the canvas of the image.

    Raises:
        ConfigError: `do_resize` or `do_pad` is off, or `size` is not a square.
    """
    for switch in ("do_resize", "do_pad"):
        if not getattr(config, switch):
            raise ConfigError(f"{switch}: Mllama always does this, got {getattr(config, switch)}. Set it to true.")
    height, width = stages.sides("size", config.size)
    if height != width:
        raise ConfigError(f"size: expected a square, got {height} x {width}")
    return tiled_canvas(b.image.type.size("H"), b.image.type.size("W"), height, stages.count(config, "max_image_tiles"))


def place(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Resize the image to fit the canvas, black below and right."""
    canvas = _canvas(b, config)
    return b.add(Pad.canvas(0, 0, *canvas.canvas), stages.resample(b, x, *canvas.fitted, config.resample))


def finish(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the tiles, the number of the canvas in the class's list, the mask of its tiles, and how many there are.

    Tiles that a canvas lacks are zeros. Images that a sample lacks have number 0 and a mask of one tile.
    """
    canvas, most, tile = _canvas(b, config), config.max_image_tiles, config.size["height"]
    x = x.rearrange("c (r h) (k w) -> (r k) c h w", "NCHW", h=tile, w=tile)
    x = b.add(Pad.end(-4, most), x if x.type.dtype == "f32" else x.cast("f32"))
    ids, mask, tiles = OUTPUTS[1:]
    b.output("pixel_values", x, replace(stages.PADDED, promotes=True), sample=joins.STACK)
    b.output(ids, b.add(Numbers((canvas.number,), shape=())), joins.Pad(), sample=joins.STACK)
    one = (1, *[0] * (most - 1))
    b.output(mask, b.add(Numbers(canvas.mask)), joins.Pad(one), sample=joins.STACK)
    count = b.add(Numbers((canvas.grid.rows * canvas.grid.columns,), shape=()))
    b.output(tiles, count, sample=joins.STACK, delivery=LISTS)


SPECS = (
    ProcessorSpec(
        "MllamaImageProcessor",
        (place, stages.rescale, stages.normalize),
        usual(
            square(224),
            "bilinear",
            INCEPTION,
            rgb=True,
            do_pad=True,
            max_image_tiles=Setting(4, Whole(1), "The most tiles of an image."),
        ),
        calls=dict.fromkeys(("do_resize", "do_pad"), OWN),
        outputs=OUTPUTS,
        model_inputs=("pixel_values", "num_tiles", "aspect_ratio_ids", "aspect_ratio_mask"),
        finish=finish,
        samples=Samples(0),
    ),
)
