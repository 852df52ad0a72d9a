"""Equal tiles of a canvas; the image's shape decides how many rows and columns of tiles there are.

GOT-OCR 2, Cohere 2 Vision, Ovis 2, Granite Docling, DeepSeek OCR 2, Unlimited OCR and Perception LM.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from graphproc import joins
from graphproc.configs.config import Config
from graphproc.configs.settings import Setting, Whole, flag, number
from graphproc.errors import ConfigError
from graphproc.ir.backends import PIL
from graphproc.ir.delivery import LISTS, NUMBERS, PARTS, STACKED, Delivery
from graphproc.ir.program import Parity, ProgramBuilder, Value
from graphproc.ops import Full, Numbers, SelectChannels
from graphproc.processors import stages, tiling
from graphproc.processors.calls import OWN, PARTLY
from graphproc.processors.constants import CLIP, INCEPTION, NORMALIZE, RGB, resize_to, square, usual
from graphproc.processors.settings import MAX_PATCHES, TILE_SIZE
from graphproc.processors.spec import ONLY_TORCHVISION, PIL_PARITY, ProcessorSpec, Samples, Stage
from graphproc.sizes import fit, num
from graphproc.sizes.canvas import Dense, Grid, Page, grid_by_aspect, grid_by_fit, grid_by_scale, page_grid
from graphproc.sizes.covering_grid import covering_grid

GridChoice = Callable[[Config, Value], Grid]
"""Chooses the grid of an image by its settings."""


def color(key: str, value: Any) -> tuple[int, ...] | int:
    """Return a colour: a byte, or a tuple of one byte for each channel.

    Raises:
        ConfigError: the value is something else.
    """
    channels = value if isinstance(value, (list, tuple)) else [value]
    if not channels or not all(0 <= Whole()(key, channel) <= 255 for channel in channels):
        raise ConfigError(f"{key}: expected bytes, one for each channel, got {value!r:.80}")
    return tuple(channels) if isinstance(value, (list, tuple)) else int(value)


CROP = Setting(False, flag, "Cut images into tiles.")
FEWEST = Setting(1, Whole(), "The fewest tiles of an image.")
BACKGROUND = Setting((127, 127, 127), color, "The bytes of the colour around the image, one for each channel.")
PATCHES = {
    "crop_to_patches": CROP,
    "min_patches": FEWEST,
    "max_patches": MAX_PATCHES.of(12),
}
DENSE = {
    "dense_max_patches": Setting(0, Whole(0), "The most tiles of a dense page; 0 cuts no page as one."),
    "dense_max_scale": Setting(0.0, number, "The most that a dense page may be enlarged; 0 is any."),
    "dense_min_aspect": Setting(0.0, number, "The least height over width of a dense page; 0 is any."),
    "dense_max_aspect": Setting(0.0, number, "The most height over width of a dense page; 0 is any."),
}
COVERING_PARITY = Parity(f"{PIL_PARITY.compared_with}, where both run on Python 3.11 or earlier, or both on a later one")
"""Ovis2 adds floats with Python's `sum`, which rounds otherwise since Python 3.12."""


def is_cut(config: Config) -> bool:
    """Tell whether images are cut at all."""
    return bool(config.crop_to_patches) and stages.count(config, "max_patches") > 1


def by_aspect(config: Config, image: Value) -> Grid:
    """Return the grid nearest to the image's shape."""
    least, most = stages.count(config, "min_patches"), stages.count(config, "max_patches")
    return grid_by_aspect(image.type.size("H"), image.type.size("W"), stages.sides("size", config.size), least, most)


def by_scale(config: Config, image: Value) -> Grid:
    """Return Cohere 2 Vision's grid, which enlarges the image least. Tiles count as squares as wide as they are high."""
    side, most = stages.sides("size", config.size)[0], stages.count(config, "max_patches")
    return grid_by_scale(image.type.size("H"), image.type.size("W"), side, most)


def covering(config: Config, image: Value) -> Grid:
    """Return Ovis2's grid: the smallest that keeps most of the image's pixels.

    Without `use_covering_area_grid`, it is the grid nearest to the image's shape.
    """
    if not config.use_covering_area_grid:
        return by_aspect(config, image)
    side, most = stages.sides("size", config.size)[0], stages.count(config, "max_patches")
    return covering_grid(image.type.size("H"), image.type.size("W"), side, most, compensated=sys.version_info >= (3, 12))


def page(config: Config, image: Value) -> Page:
    """Return Granite Docling's grid of a page, and the one that the outputs `rows` and `cols` report."""
    least, most = (stages.count(config, key) if config.crop_to_patches else 1 for key in ("min_patches", "max_patches"))
    dense = Dense()
    if config.dense_max_patches:
        most_of_dense, *tests = DENSE
        dense = Dense(stages.count(config, most_of_dense), *(stages.number(config, key) for key in tests))
    return page_grid(image.type.size("H"), image.type.size("W"), stages.sides("size", config.size), least, most, dense)


def tiles(rule: GridChoice, *, overview_first: bool, when: Callable[[Config], bool] = is_cut) -> Stage:
    """Make the stage that cuts an image into tiles of `size`; several tiles get an overview of that size beside them."""

    def stage(b: ProgramBuilder, config: Config, x: Value) -> Value:
        if not when(config):
            return x
        grid, (height, width) = rule(config, x), stages.sides("size", config.size)
        canvas = tiling.resample(b, config, x, grid.rows * height, grid.columns * width)
        overview = tiling.as_tile(b, tiling.resample(b, config, x, height, width))
        parts = [tiling.tiles_if(b, _several(grid), overview), tiling.cut(b, canvas, height, width)]
        return tiling.join(b, *(parts if overview_first else parts[::-1]))

    return stage


def _several(grid: Grid) -> num.Bool:
    return grid.rows * grid.columns > 1


def with_number(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare `pixel_values` and `num_patches`, the number of each image's tiles."""
    b.output("pixel_values", x, tiling.join_of(x), delivery=PARTS)
    tiling.size_output(b, "num_patches", x.type.size("N") if "N" in x.type.layout else 1)


def with_grid(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare `pixel_values` and `grids`, the rows and columns of each image's tiles."""
    b.output("pixel_values", x, tiling.join_of(x), delivery=PARTS)
    tiling.size_output(b, "grids", *(covering(config, b.image) if is_cut(config) else (1, 1)), delivery=NUMBERS)


def document(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the tiles of a document's pages, filled up to the longest document's, their mask, and the pages' grids.

    Pillow's backend makes three channels of one.

    Raises:
        ConfigError: images have neither one nor three channels in Pillow's backend.
    """
    if x.type.channels == 1 and b.backend == "pil":
        x = b.add(SelectChannels((0, 0, 0)), x)
    if x.type.channels != 3 and b.backend == "pil":
        raise ConfigError(f"do_convert_rgb: {config.processor} makes tiles of 3 channels, got {x.type.channels}")
    x = x.cast("f32") if x.type.dtype != "f32" and b.backend == "pil" else x
    b.output("pixel_values", x, stages.PADDED, sample=joins.Concatenate())
    there = Full((x.type.size("N"),), 1, "bool", "N")
    b.output("pixel_attention_mask", b.add(there), joins.Pad(), sample=joins.Concatenate())
    if config.fine_route:
        b.output("tile_fine_mask", b.add(Full((), 1, "bool")), sample=joins.Maximum(), delivery=STACKED)
    for name, count in zip(("rows", "cols"), page(config, b.image).reported, strict=True):
        b.output(name, b.add(Numbers((count,), shape=())), sample=joins.STACK, delivery=LISTS)


def local_grid(config: Config, image: Value) -> tuple[num.Bool, Grid]:
    """Tell whether an image is larger than a tile of DeepSeek OCR 2 (`tile_size`) and is cut; return that and its grid.

    The grid of an image that is not cut is 1 x 1.
    """
    side, height, width = stages.count(config, "tile_size"), image.type.size("H"), image.type.size("W")
    least, most = stages.count(config, "min_patches"), stages.count(config, "max_patches")
    large = num.maximum(height, width) > side
    grid = grid_by_aspect(height, width, (side, side), least, most)
    return large, Grid(*(num.where(large, count, 1) for count in grid))


def local_tiles(b: ProgramBuilder, config: Config, x: Value) -> Value | None:
    """Return DeepSeek OCR 2's tiles: none of an image within `tile_size`; None where no image is cut."""
    if not config.crop_to_patches:
        return None
    side, (large, grid) = stages.count(config, "tile_size"), local_grid(config, x)
    canvas = tiling.resample(b, config, x, *(count * side for count in grid))
    return tiling.tiles_if(b, large, tiling.cut(b, canvas, side, side))


def whole_view(b: ProgramBuilder, config: Config, x: Value, side: int) -> Value:
    """Return the image in the middle of a square, surrounded by `background_color`."""
    color = config.background_color
    if color is None:
        raise ConfigError("background_color: expected a byte for each channel, got null")
    color = color if isinstance(color, tuple) else (color, *[0] * (x.type.channels - 1))  # as in transformers
    height, width = fit.longest_edge_half_even(x.type.size("H"), x.type.size("W"), side)
    return stages.pad_to_square(b, tiling.resample(b, config, x, height, width), color, side)


LOCAL = Delivery(omit_if_empty=True, container="parts")


def views(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare DeepSeek OCR 2's outputs: whole images, the number of tiles of each, and the tiles if there are any."""
    local = local_tiles(b, config, x)
    side = stages.sides("size", config.size or {})[0] if config.crop_to_patches else stages.count(config, "tile_size")
    b.output("pixel_values", tiling.rescale_and_normalize(b, config, whole_view(b, config, x, side)))
    tiling.size_output(b, "num_local_patches", 0 if local is None else local.type.size("N"))
    if local is not None:
        b.output("pixel_values_local", tiling.rescale_and_normalize(b, config, local), joins.Concatenate(), delivery=LOCAL)


def unlimited_view(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Return Unlimited OCR's whole image on a square; stretched to it where images are not cut and it is small."""
    side = max(stages.sides("size", config.size or {}))
    if not config.crop_to_patches and side <= stages.count(config, "maximum_pad_value"):
        return tiling.resample(b, config, x, side, side)
    return whole_view(b, config, x, side)


def views_and_grid(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare Unlimited OCR's outputs: whole images, tiles if there are any, their number and grid.

    `patches_grid` has columns before rows.
    """
    local = local_tiles(b, config, x)
    b.output("pixel_values", tiling.rescale_and_normalize(b, config, unlimited_view(b, config, x)))
    if local is not None:
        b.output("pixel_values_local", tiling.rescale_and_normalize(b, config, local), joins.Concatenate(), delivery=LOCAL)
    tiling.size_output(b, "num_local_patches", 0 if local is None else local.type.size("N"), delivery=LISTS)
    grid = Grid(1, 1) if local is None else local_grid(config, x)[1]
    tiling.size_output(b, "patches_grid", grid.columns, grid.rows, delivery=LISTS)


def thumbnail_and_tiles(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Return Perception LM's tiles: the whole image, and for "thumb+tile" the tiles of its canvas.

    Without `do_resize` there is only the image as it is.
    """
    if not config.do_resize:
        return tiling.as_tile(b, x)
    side = stages.count(config, "tile_size")
    overview = tiling.as_tile(b, tiling.resample(b, config, x, side, side))
    if config.vision_input_type != "thumb+tile":
        return overview
    several = stages.count(config, "max_num_tiles") > 1
    grid = grid_by_fit(x.type.size("H"), x.type.size("W"), side, config.own("max_num_tiles") if several else 1)
    canvas = tiling.resample(b, config, x, grid.rows * side, grid.columns * side)
    return tiling.join(b, overview, tiling.cut(b, canvas, side, side))


TILED = {**RGB, **NORMALIZE, **CLIP, **PATCHES}

SPECS = (
    ProcessorSpec(
        "Cohere2VisionImageProcessor",
        (
            tiles(by_scale, overview_first=False, when=lambda config: bool(config.crop_to_patches)),
            tiling.resize,
            tiling.rescale_and_normalize,
        ),
        {**TILED, **resize_to(square(512), "bicubic"), "crop_to_patches": CROP.of(True)},
        outputs=("pixel_values", "num_patches"),
        model_inputs=("pixel_values",),
        backends=ONLY_TORCHVISION,
        finish=with_number,
        about_model={"patch_size": 16},
    ),
    ProcessorSpec(
        "DeepseekOcr2ImageProcessor",
        (),
        {
            **TILED,
            **resize_to(square(1024), "bicubic"),
            **INCEPTION,
            "crop_to_patches": CROP.of(True),
            "min_patches": FEWEST.of(2),
            "max_patches": MAX_PATCHES.of(6),
            "tile_size": TILE_SIZE.of(768),
            "background_color": BACKGROUND,
        },
        outputs=("pixel_values", "num_local_patches", "pixel_values_local"),
        model_inputs=("pixel_values", "num_local_patches"),
        finish=views,
        calls={"background_color": replace(OWN, backends=ONLY_TORCHVISION)},
    ),
    ProcessorSpec(
        "GotOcr2ImageProcessor",
        (tiles(by_aspect, overview_first=False), tiling.resize, tiling.rescale_and_normalize),
        {**TILED, **resize_to(square(384), "bicubic")},
        outputs=("pixel_values", "num_patches"),
        model_inputs=("pixel_values",),
        finish=with_number,
    ),
    ProcessorSpec(
        "GraniteDoclingImageProcessor",
        (
            tiles(lambda config, x: page(config, x).grid, overview_first=False, when=lambda _: True),
            tiling.rescale_and_normalize,
        ),
        {
            **TILED,
            **resize_to(square(512), "bicubic"),
            "crop_to_patches": CROP.of(True),
            "max_patches": MAX_PATCHES.of(32),
            "fine_route": Setting(False, flag, "Give `tile_fine_mask` as well."),
            **DENSE,
        },
        outputs=("pixel_values", "pixel_attention_mask", "tile_fine_mask", "rows", "cols"),
        model_inputs=("pixel_values", "pixel_attention_mask"),
        finish=document,
        samples=Samples(0),
    ),
    ProcessorSpec(
        "Ovis2ImageProcessor",
        (tiles(covering, overview_first=True), tiling.resize, stages.center_crop, tiling.rescale_and_normalize),
        {
            **TILED,
            **resize_to(square(384), "bicubic"),
            "use_covering_area_grid": Setting(
                True, flag, "Choose the smallest grid that keeps most pixels, not the nearest shape."
            ),
        },
        parity={PIL: COVERING_PARITY},
        outputs=("pixel_values", "grids"),
        meanings={"grids": "columns and rows of the tile grid"},
        model_inputs=("pixel_values",),
        finish=with_grid,
    ),
    ProcessorSpec(
        "PerceptionLMImageProcessor",
        (thumbnail_and_tiles, tiling.rescale_and_normalize),
        usual(
            square(448),
            "bicubic",
            INCEPTION,
            rgb=True,
            vision_input_type=Setting("thumb+tile", None, '"thumb+tile" cuts images into tiles; any other word does not.'),
            tile_size=TILE_SIZE.of(448),
            max_num_tiles=Setting(36, Whole(), "The most tiles of an image, the whole one not counted."),
        ),
        backends=ONLY_TORCHVISION,
        calls={"max_num_tiles": PARTLY},
    ),
    ProcessorSpec(
        "UnlimitedOcrImageProcessor",
        (),
        {
            **TILED,
            **resize_to(square(1024), "bicubic"),
            **INCEPTION,
            "crop_to_patches": CROP.of(True),
            "min_patches": FEWEST.of(2),
            "max_patches": MAX_PATCHES.of(32),
            "tile_size": TILE_SIZE.of(640),
            "background_color": BACKGROUND,
            "maximum_pad_value": Setting(640, Whole(), "The longest side of a view that is warped instead of padded."),
        },
        outputs=("pixel_values", "pixel_values_local", "num_local_patches", "patches_grid"),
        model_inputs=("pixel_values", "num_local_patches", "patches_grid"),
        backends=ONLY_TORCHVISION,
        finish=views_and_grid,
        calls={"background_color": OWN},
    ),
)
