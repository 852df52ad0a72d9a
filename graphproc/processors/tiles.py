"""Equal tiles of a canvas whose grid is chosen by the image's shape.

GOT-OCR 2, Cohere 2 Vision, Ovis 2, Granite Docling, DeepSeek OCR 2, Unlimited OCR and Perception LM.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from graphproc.configs.config import Config
from graphproc.errors import ConfigError
from graphproc.ir.program import Parity, ProgramBuilder, Value
from graphproc.ops import Cast, Full, Numbers, SelectChannels
from graphproc.processors import stages, tiling
from graphproc.processors.calls import OWN, PARTLY
from graphproc.processors.constants import BICUBIC, CLIP, INCEPTION, NORMALIZE, RESCALE, RGB, resize_to, square
from graphproc.processors.row import ONLY_PIL, ONLY_TORCHVISION, PIL, Row, Stage
from graphproc.sizes import fit, num
from graphproc.sizes.canvas import Dense, Grid, Page, covering_grid, grid_by_aspect, grid_by_fit, grid_by_scale, page_grid

Rule = Callable[[Config, Value], Grid]
"""The grid of an image, by its settings."""

PATCHES = {"crop_to_patches": False, "min_patches": 1, "max_patches": 12}
DENSE = {"dense_max_patches": 0, "dense_max_scale": 0.0, "dense_min_aspect": 0.0, "dense_max_aspect": 0.0}
COVERING_PARITY = Parity(f"{PIL.reference}, where both run on Python 3.11 or earlier, or both on a later one")
"""Ovis2 adds floats with `sum`, which rounds otherwise since Python 3.12."""


def is_cut(config: Config) -> bool:
    """Whether images are cut at all."""
    return bool(config.crop_to_patches) and tiling.setting(config, "max_patches") > 1


def by_aspect(config: Config, image: Value) -> Grid:
    """The grid nearest to the image's shape."""
    least, most = tiling.setting(config, "min_patches"), tiling.setting(config, "max_patches")
    return grid_by_aspect(image.type.size("H"), image.type.size("W"), stages.sides("size", config.size), least, most)


def by_scale(config: Config, image: Value) -> Grid:
    """Cohere 2 Vision: the grid that enlarges the image least. It takes tiles for squares as high as they are."""
    side, most = stages.sides("size", config.size)[0], tiling.setting(config, "max_patches")
    return grid_by_scale(image.type.size("H"), image.type.size("W"), side, most)


def covering(config: Config, image: Value) -> Grid:
    """Ovis2: the smallest grid that keeps most of the image's pixels, or by `use_covering_area_grid` the nearest one."""
    if not config.use_covering_area_grid:
        return by_aspect(config, image)
    side, most = stages.sides("size", config.size)[0], tiling.setting(config, "max_patches")
    return covering_grid(image.type.size("H"), image.type.size("W"), side, most, compensated=sys.version_info >= (3, 12))


def page(config: Config, image: Value) -> Page:
    """Granite Docling: the grid of a page, and the one that is told."""
    least, most = (tiling.setting(config, key) if config.crop_to_patches else 1 for key in ("min_patches", "max_patches"))
    dense = Dense()
    if config.dense_max_patches:
        most_of_dense, *tests = DENSE
        dense = Dense(stages.count(config, most_of_dense, 0), *(stages.number(config, key) for key in tests))
    return page_grid(image.type.size("H"), image.type.size("W"), stages.sides("size", config.size), least, most, dense)


def tiles(rule: Rule, *, overview_first: bool, when: Callable[[Config], bool] = is_cut) -> Stage:
    """The stage that cuts an image into tiles of `size`, beside an overview of that size where there are several."""

    def stage(b: ProgramBuilder, config: Config, x: Value) -> Value:
        if not when(config):
            return x
        b.batch = "concatenate"
        grid, (height, width) = rule(config, x), stages.sides("size", config.size)
        canvas = tiling.resample(b, config, x, grid.rows * height, grid.columns * width)
        overview = tiling.as_tile(b, tiling.resample(b, config, x, height, width))
        parts = [tiling.only_if(b, _several(grid), overview), tiling.cut(b, canvas, height, width)]
        return tiling.join(b, *(parts if overview_first else parts[::-1]))

    return stage


def _several(grid: Grid) -> num.Bool:
    return grid.rows * grid.columns > 1


def with_number(b: ProgramBuilder, config: Config, x: Value) -> None:
    """`pixel_values`, and `num_patches`, the tiles of each image."""
    b.output("pixel_values", x)
    tiling.tell(b, "num_patches", x.type.size("N") if "N" in x.type.layout else 1)


def with_grid(b: ProgramBuilder, config: Config, x: Value) -> None:
    """`pixel_values`, and `grids`, the rows and columns of each image's tiles."""
    b.output("pixel_values", x)
    tiling.tell(b, "grids", *(covering(config, b.image) if is_cut(config) else (1, 1)))


def document(b: ProgramBuilder, config: Config, x: Value) -> None:
    """The tiles of a document's pages, filled up to those of the longest one, and what tells them apart.

    Raises:
        ConfigError: tiles of pil's backend have other than three channels; of one it makes three.
    """
    if x.type.channels == 1 and b.backend == "pil":
        x = b.add(SelectChannels((0, 0, 0)), x)
    if x.type.channels != 3 and b.backend == "pil":
        raise ConfigError(f"do_convert_rgb: {config.processor} makes tiles of 3 channels, got {x.type.channels}")
    x = b.add(Cast("f32"), x) if x.type.dtype != "f32" and b.backend == "pil" else x
    b.output("pixel_values", x, "pad", sample="concatenate")
    there = Full((x.type.size("N"),), 1, "bool", "N")
    b.output("pixel_attention_mask", b.add(there), "pad", sample="concatenate")
    if config.fine_route:
        b.output("tile_fine_mask", b.add(Full((), 1, "bool")), "stack", sample="largest")
    for name, count in zip(("rows", "cols"), page(config, b.image).reported, strict=True):
        b.output(name, b.add(Numbers((count,), shape=())), "stack", sample="stack", listed=True)


def local_grid(config: Config, image: Value) -> tuple[num.Bool, Grid]:
    """DeepSeek OCR 2: whether the image is larger than a tile of `tile_size` and is cut, and its grid, 1 x 1 if it is not."""
    side, height, width = stages.count(config, "tile_size"), image.type.size("H"), image.type.size("W")
    least, most = tiling.setting(config, "min_patches"), tiling.setting(config, "max_patches")
    large = num.maximum(height, width) > side
    grid = grid_by_aspect(height, width, (side, side), least, most)
    return large, Grid(*(num.where(large, count, 1) for count in grid))


def local_tiles(b: ProgramBuilder, config: Config, x: Value) -> Value | None:
    """DeepSeek OCR 2: the tiles of `tile_size` of images that are larger than one."""
    if not config.crop_to_patches:
        return None
    side, (large, grid) = stages.count(config, "tile_size"), local_grid(config, x)
    canvas = tiling.resample(b, config, x, *(count * side for count in grid))
    return tiling.only_if(b, large, tiling.cut(b, canvas, side, side))


def whole_view(b: ProgramBuilder, config: Config, x: Value, side: int) -> Value:
    """The image in the middle of a square, surrounded by `background_color`."""
    color = config.background_color
    if color is None:
        raise ConfigError("background_color: expected a byte for each channel, got null")
    color = color if isinstance(color, tuple) else (color, *[0] * (x.type.channels - 1))  # as in the reference
    height, width = fit.longest_edge_half_even(x.type.size("H"), x.type.size("W"), side)
    return stages.pad_to_square(b, tiling.resample(b, config, x, height, width), color, side)


def views(b: ProgramBuilder, config: Config, x: Value) -> None:
    """DeepSeek OCR 2: `pixel_values`, whole views; `num_local_patches`, and `pixel_values_local` where there are any."""
    local = local_tiles(b, config, x)
    side = stages.sides("size", config.size or {})[0] if config.crop_to_patches else stages.count(config, "tile_size")
    b.output("pixel_values", tiling.in_model_units(b, config, whole_view(b, config, x, side)))
    tiling.tell(b, "num_local_patches", 0 if local is None else local.type.size("N"))
    if local is not None:
        b.output("pixel_values_local", tiling.in_model_units(b, config, local), "concatenate", optional=True)


def unlimited_view(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Unlimited OCR: the whole view, which is warped instead where images are not cut and it is small."""
    side = max(stages.sides("size", config.size or {}))
    if not config.crop_to_patches and side <= tiling.setting(config, "maximum_pad_value"):
        return tiling.resample(b, config, x, side, side)
    return whole_view(b, config, x, side)


def views_and_grid(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Unlimited OCR: `pixel_values`, `pixel_values_local` where there are any, their number and `patches_grid`.

    The grid's columns come before its rows.
    """
    local = local_tiles(b, config, x)
    b.output("pixel_values", tiling.in_model_units(b, config, unlimited_view(b, config, x)))
    if local is not None:
        b.output("pixel_values_local", tiling.in_model_units(b, config, local), "concatenate", optional=True)
    tiling.tell(b, "num_local_patches", 0 if local is None else local.type.size("N"), listed=True)
    grid = Grid(1, 1) if local is None else local_grid(config, x)[1]
    tiling.tell(b, "patches_grid", grid.columns, grid.rows, listed=True)


def thumbnail_and_tiles(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Perception LM: the whole image as a tile and, for "thumb+tile", the tiles of its canvas; as it is without `do_resize`."""
    if not config.do_resize:
        return tiling.as_tile(b, x)
    side = stages.count(config, "tile_size")
    overview = tiling.as_tile(b, tiling.resample(b, config, x, side, side))
    if config.vision_input_type != "thumb+tile":
        return overview
    several = tiling.setting(config, "max_num_tiles") > 1
    grid = grid_by_fit(x.type.size("H"), x.type.size("W"), side, config.own("max_num_tiles") if several else 1)
    canvas = tiling.resample(b, config, x, grid.rows * side, grid.columns * side)
    return tiling.join(b, overview, tiling.cut(b, canvas, side, side))


TILED = {**RGB, **RESCALE, "do_normalize": True, **CLIP, **PATCHES}

ROWS = (
    Row(
        "Cohere2VisionImageProcessor",
        "tiles",
        (
            tiles(by_scale, overview_first=False, when=lambda config: bool(config.crop_to_patches)),
            tiling.resize,
            tiling.in_model_units,
        ),
        {**TILED, **resize_to(square(512), BICUBIC), "crop_to_patches": True},
        extra_keys=tuple(PATCHES),
        outputs=("pixel_values", "num_patches"),
        backends=ONLY_TORCHVISION,
        finish=with_number,
    ),
    Row(
        "DeepseekOcr2ImageProcessor",
        "tiles",
        (),
        {
            **TILED,
            **resize_to(square(1024), BICUBIC),
            **INCEPTION,
            "crop_to_patches": True,
            "min_patches": 2,
            "max_patches": 6,
            "tile_size": 768,
            "background_color": (127, 127, 127),
        },
        extra_keys=(*PATCHES, "tile_size", "background_color"),
        outputs=("pixel_values", "num_local_patches", "pixel_values_local"),
        input_names=("pixel_values", "num_local_patches"),
        finish=views,
        backends=ONLY_PIL,
    ),
    Row(
        "GotOcr2ImageProcessor",
        "tiles",
        (tiles(by_aspect, overview_first=False), tiling.resize, tiling.in_model_units),
        {**TILED, **resize_to(square(384), BICUBIC)},
        extra_keys=tuple(PATCHES),
        outputs=("pixel_values", "num_patches"),
        finish=with_number,
    ),
    Row(
        "GraniteDoclingImageProcessor",
        "tiles",
        (
            tiles(lambda config, x: page(config, x).grid, overview_first=False, when=lambda _: True),
            tiling.in_model_units,
        ),
        {
            **TILED,
            **resize_to(square(512), BICUBIC),
            "crop_to_patches": True,
            "max_patches": 32,
            "fine_route": False,
            **DENSE,
        },
        extra_keys=(*PATCHES, "fine_route", *DENSE),
        outputs=("pixel_values", "pixel_attention_mask", "rows", "cols"),
        input_names=("pixel_values", "pixel_attention_mask"),
        finish=document,
        per_sample=0,
    ),
    Row(
        "Ovis2ImageProcessor",
        "tiles",
        (tiles(covering, overview_first=True), tiling.resize, stages.center_crop, tiling.in_model_units),
        {**TILED, **resize_to(square(384), BICUBIC), "use_covering_area_grid": True},
        extra_keys=(*PATCHES, "use_covering_area_grid"),
        parity=COVERING_PARITY,
        outputs=("pixel_values", "grids"),
        finish=with_grid,
    ),
    Row(
        "PerceptionLMImageProcessor",
        "tiles",
        (thumbnail_and_tiles, tiling.in_model_units),
        {
            **RGB,
            **NORMALIZE,
            **resize_to(square(448), BICUBIC),
            **INCEPTION,
            "vision_input_type": "thumb+tile",
            "tile_size": 448,
            "max_num_tiles": 36,
        },
        extra_keys=("vision_input_type", "tile_size", "max_num_tiles"),
        backends=ONLY_TORCHVISION,
        calls={"max_num_tiles": PARTLY},
    ),
    Row(
        "UnlimitedOcrImageProcessor",
        "tiles",
        (),
        {
            **TILED,
            **resize_to(square(1024), BICUBIC),
            **INCEPTION,
            "crop_to_patches": True,
            "min_patches": 2,
            "max_patches": 32,
            "tile_size": 640,
            "background_color": (127, 127, 127),
            "maximum_pad_value": 640,
        },
        extra_keys=(*PATCHES, "tile_size", "background_color", "maximum_pad_value"),
        outputs=("pixel_values", "pixel_values_local", "num_local_patches", "patches_grid"),
        input_names=("pixel_values", "num_local_patches", "patches_grid"),
        backends=ONLY_TORCHVISION,
        finish=views_and_grid,
        calls={"background_color": OWN},
    ),
)
