"""The padded grids family: images that are shrunk to a budget, if at all, and filled up to whole patches at the bottom and right.

Source: transformers 5.23, `models/kimi_k25` and `models/neomme`, `image_processing_*.py`.
"""

from __future__ import annotations

from graphproc.configs.config import Config
from graphproc.errors import ConfigError
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Numbers, Pad, Rearrange
from graphproc.processors import stages
from graphproc.processors.constants import BICUBIC, BILINEAR, INCEPTION, NORMALIZE, RGB
from graphproc.processors.naflex import PIXELS_LAST, WITHOUT_SIZE
from graphproc.processors.patches import patches
from graphproc.processors.row import ONLY_TORCHVISION, Row
from graphproc.sizes import patch_budget

IMAGES = "c (gh p) (gw q) -> (gh gw) c p q"
"""Patches row by row, each an image of its own."""


def shrink_on_canvas(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_resize` of Kimi K2.5: to at most `max_patches` patches and `size` patches along a side, on whole tokens.

    Raises:
        ConfigError: the size is no number of patches along both sides.
    """
    size = config.size
    if size is not None and (set(size) != {"max_height", "max_width"} or size["max_height"] != size["max_width"]):
        raise ConfigError(f"size: expected max_height and max_width, equal numbers of patches, got {size}")
    if not config.do_resize:
        return x
    patch, merge, most = (stages.count(config, key) for key in ("patch_size", "merge_size", "max_patches"))
    height, width = x.type.size("H"), x.type.size("W")
    to = patch_budget.shrunk_on_canvas(height, width, patch, merge, most, size["max_height"])
    x = stages.resample(b, x, to.content_height, to.content_width, config.resample)
    return b.add(Pad(0, 0, to.height, to.width), x)


def resize_to_pixels(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_resize` of NeoMME: between the pixels of `size`, with no side above `max_side`; each may be null.

    Raises:
        ConfigError: the size has another form, or no filter goes with it.
    """
    if config.size is not None and set(config.size) != {"min_pixels", "max_pixels"}:
        raise ConfigError(f"size: expected min_pixels and max_pixels, or null, got {config.size}")
    longest = None if config.max_side is None else stages.count(config, "max_side")
    if not config.do_resize or (config.size is None and longest is None):
        return x
    if config.size is not None and config.resample is None:
        raise ConfigError("resample: expected a filter beside size, got null. Set it, or do_resize to false.")
    least, most = (None if config.size is None else config.size[key] for key in ("min_pixels", "max_pixels"))
    size = patch_budget.pixels_between(x.type.size("H"), x.type.size("W"), least, most, longest)
    return stages.resample(b, x, *size, config.resample)


def pad_to_patches(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Zeros up to whole patches."""
    size = patch_budget.on_whole_patches(x.type.size("H"), x.type.size("W"), stages.count(config, "patch_size"))
    return b.add(Pad(0, 0, *size), x)


def patches_and_grid(b: ProgramBuilder, config: Config, x: Value) -> None:
    """The patches, row by row, those of all images in one row, and the grid of each image."""
    patch = stages.count(config, "patch_size")
    grid = x.type.size("H") // patch, x.type.size("W") // patch
    x = b.add(Rearrange(PIXELS_LAST, (("p", patch), ("q", patch)), layout="PF"), x)
    b.output("pixel_values", x, "concatenate")
    b.output("image_grid_hw", b.add(Numbers(grid)), "stack")


THW, HW = ("pixel_values", "image_grid_thw"), ("pixel_values", "image_grid_hw")

ROWS = (
    Row(
        "Kimi_K25ImageProcessor",
        "padded grids",
        (shrink_on_canvas, stages.rescale, stages.normalize),
        {
            **RGB,
            "do_resize": True,
            "resample": BICUBIC,
            "size": {"max_height": 512, "max_width": 512},
            **NORMALIZE,
            **INCEPTION,
            "max_patches": 16384,
            "patch_size": 14,
            "merge_size": 2,
        },
        extra_keys=("max_patches", "patch_size", "merge_size"),
        outputs=THW,
        input_names=THW,
        backends=ONLY_TORCHVISION,
        finish=patches(IMAGES, layout="PCHW"),
    ),
    Row(
        "NeoMMEImageProcessor",
        "padded grids",
        (resize_to_pixels, pad_to_patches, stages.rescale, stages.normalize),
        {**RGB, "do_resize": True, "resample": BILINEAR, **NORMALIZE, **INCEPTION, "patch_size": 32},
        extra_keys=("patch_size", "max_side"),
        outputs=HW,
        input_names=HW,
        backends=ONLY_TORCHVISION,
        finish=patches_and_grid,
        needs=WITHOUT_SIZE,
    ),
)
