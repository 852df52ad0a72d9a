"""Kimi K2.5 and NeoMME: images resized to a budget and padded to whole patches at the bottom and right.

Source: transformers 5.23, `models/kimi_k25` and `models/neomme`, `image_processing_*.py`.
"""

from __future__ import annotations

from graphproc import joins
from graphproc.configs.config import Config
from graphproc.configs.settings import Setting, Whole
from graphproc.errors import ConfigError
from graphproc.ir.delivery import STACKED
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Numbers, Pad
from graphproc.processors import stages
from graphproc.processors.constants import BICUBIC, BILINEAR, INCEPTION, NORMALIZE, RGB
from graphproc.processors.families.naflex.siglip2 import PIXELS_LAST, WITHOUT_SIZE
from graphproc.processors.families.patches.patches import patches
from graphproc.processors.settings import MERGE_SIZE, PATCH_SIZE
from graphproc.processors.spec import ONLY_TORCHVISION, ProcessorSpec
from graphproc.sizes import multiples, patch_budget

IMAGES = "c (gh p) (gw q) -> (gh gw) c p q"
"""Patches row by row, each kept as an image [C, H, W]."""


def shrink_on_canvas(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_resize` of Kimi K2.5: to at most `max_patches` patches and `size` patches along a side, on whole tokens.

    Raises:
        ConfigError: the size is not `max_height` and `max_width`, equal numbers of patches.
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
    return b.add(Pad.canvas(0, 0, to.height, to.width), x)


def resize_to_pixels(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_resize` of NeoMME: between the pixels of `size`, with no side above `max_side`; each may be null.

    Raises:
        ConfigError: the size has another form, or the filter is null.
    """
    if config.size is not None and set(config.size) != {"min_pixels", "max_pixels"}:
        raise ConfigError(f"size: expected min_pixels and max_pixels, or null, got {config.size}")
    longest = stages.optional(config, "max_side")
    if not config.do_resize or (config.size is None and longest is None):
        return x
    if config.size is not None and config.resample is None:
        raise ConfigError("resample: expected a filter beside size, got null. Set it, or do_resize to false.")
    least, most = (None if config.size is None else config.size[key] for key in ("min_pixels", "max_pixels"))
    size = patch_budget.pixels_between(x.type.size("H"), x.type.size("W"), least, most, longest)
    return stages.resample(b, x, *size, config.resample)


def pad_to_patches(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Pad with zeros to whole patches, at the bottom and right."""
    size = multiples.ceil_multiple(x.type.size("H"), x.type.size("W"), stages.count(config, "patch_size"))
    return b.add(Pad.canvas(0, 0, *size), x)


def patches_and_grid(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the patches, row by row, one image after another, and the rows and columns of patches of each."""
    patch = stages.count(config, "patch_size")
    grid = x.type.size("H") // patch, x.type.size("W") // patch
    x = x.rearrange(PIXELS_LAST, "PF", p=patch, q=patch)
    b.output("pixel_values", x, joins.Concatenate())
    b.output("image_grid_hw", b.add(Numbers(grid)), delivery=STACKED)


THW, HW = ("pixel_values", "image_grid_thw"), ("pixel_values", "image_grid_hw")

SPECS = (
    ProcessorSpec(
        "Kimi_K25ImageProcessor",
        (shrink_on_canvas, stages.rescale, stages.normalize),
        {
            **RGB,
            "do_resize": True,
            "resample": BICUBIC,
            "size": {"max_height": 512, "max_width": 512},
            **NORMALIZE,
            **INCEPTION,
            "max_patches": Setting(16384, Whole(1), "The most patches of an image."),
            "patch_size": PATCH_SIZE.of(14),
            "merge_size": MERGE_SIZE.of(2),
        },
        outputs=THW,
        backends=ONLY_TORCHVISION,
        finish=patches(IMAGES, layout="PCHW"),
    ),
    ProcessorSpec(
        "NeoMMEImageProcessor",
        (resize_to_pixels, pad_to_patches, stages.rescale, stages.normalize),
        {
            **RGB,
            "do_resize": True,
            "resample": BILINEAR,
            **NORMALIZE,
            **INCEPTION,
            "patch_size": PATCH_SIZE.of(32),
            "max_side": Setting(None, Whole(1), "The longest side in pixels; null is any."),
        },
        outputs=HW,
        backends=ONLY_TORCHVISION,
        finish=patches_and_grid,
        needs=WITHOUT_SIZE,
    ),
)
