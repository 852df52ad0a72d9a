"""Inkling and Inkling 2: images of their own size, padded with -1 to whole patches, channels last.

Inkling scales an image by a factor, if at all. Where the width is a whole number of patches, it adds
one more column of them. It gives every patch twice. Inkling 2 does none of that; it composites alpha
on a checkerboard.

Source: transformers 5.23, `models/inkling` and `models/inkling2`, `image_processing_*.py`.
"""

from __future__ import annotations

from graphproc import joins
from graphproc.configs.config import Config
from graphproc.configs.settings import Above, Setting, Whole
from graphproc.errors import ConfigError
from graphproc.ir.delivery import STACKED
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Numbers, Pad, Rearrange
from graphproc.processors import stages
from graphproc.processors.constants import CLIP, INCEPTION, LANCZOS, NORMALIZE, RGB, square
from graphproc.processors.spec import ONLY_TORCHVISION, ProcessorSpec, Stage
from graphproc.sizes import fit
from graphproc.sizes.num import Num

FRAMES = 2
"""How many times Inkling repeats every patch."""
OUTSIDE = -1.0
"""The value of the padding, in units of bytes."""


def patch_sides(config: Config) -> tuple[int, int]:
    """Return the height and width of a patch, in pixels: `size`.

    Raises:
        ConfigError: it has another form.
    """
    height, width = stages.sides("size", config.size or {})
    if min(height, width) < 1:
        raise ConfigError(f"size: expected sides of at least 1 pixel, got {config.size}")
    return height, width


def scale(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Multiply both sides by `rescale_image_frac`; a filter that is null is bilinear.

    Raises:
        ConfigError: the factor is not above 0, `do_resize` is false, or patches are not square.
    """
    if config.do_resize is False:
        raise ConfigError("do_resize: expected null or true, got false, which the class refuses. Set rescale_image_frac to null.")
    height, width = patch_sides(config)
    if height != width:
        raise ConfigError(f"size: expected equal sides, got {config.size}")
    factor = stages.optional(config, "rescale_image_frac")
    if factor is None:
        return x
    most = stages.optional(config, "rescale_image_max_upscaled_long_edge")
    size = fit.longest_edge_times(x.type.size("H"), x.type.size("W"), factor, most)
    return stages.resample(b, x, *size, config.resample)


def surround(extra: int) -> Stage:
    """Make the stage that pads to whole patches at the bottom and right.

    `extra` pixels are added to the width before it is rounded up: 1 gives another column of patches
    where the width already is a whole number of them.
    """

    def stage(b: ProgramBuilder, config: Config, x: Value) -> Value:
        patch_height, patch_width = patch_sides(config)
        height, width = x.type.size("H"), x.type.size("W")
        rows = (height + (patch_height - 1)) // patch_height
        columns = (width + (patch_width - 1 + extra)) // patch_width
        return b.add(Pad.canvas(0, 0, rows * patch_height, columns * patch_width, OUTSIDE), x.cast("f32"))

    return stage


def cut(b: ProgramBuilder, config: Config, x: Value, frames: int = 0) -> tuple[Num, Num]:
    """Declare the patches, row by row, one image after another; return the rows and columns of patches."""
    height, width = patch_sides(config)
    pattern = f"c (gh p) (gw q) -> (gh gw) {'t ' if frames else ''}p q c"
    sizes = {"p": height, "q": width, **({"t": frames} if frames else {})}
    rearranged = b.add(Rearrange(pattern, tuple(sizes.items()), layout="PTHWC" if frames else "PHWC"), x)
    b.output("pixel_values", rearranged, joins.Concatenate())
    return x.type.size("H") // height, x.type.size("W") // width


def frames_and_count(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the patches, each twice, and how many each image has."""
    rows, columns = cut(b, config, x, FRAMES)
    b.output("num_patches", b.add(Numbers((rows * columns,), shape=())), delivery=STACKED)


def patches_and_grid(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the patches, and the grid of each image: 1 frame, rows, columns."""
    b.output("image_grid_thw", b.add(Numbers((1, *cut(b, config, x)))), delivery=STACKED)


SN = (stages.rescale, stages.normalize)

SPECS = (
    ProcessorSpec(
        "InklingImageProcessor",
        (scale, surround(1), *SN),
        {
            **RGB,
            "resample": LANCZOS,
            **NORMALIZE,
            **CLIP,
            "size": square(40),
            "default_to_square": False,
            "rescale_image_frac": Setting(None, Above(0), "What both sides are multiplied by; null leaves them."),
            "rescale_image_max_upscaled_long_edge": Setting(2048, Whole(1), "The longest side that enlarging reaches."),
        },
        outputs=("pixel_values", "num_patches"),
        model_inputs=("pixel_values",),
        backends=ONLY_TORCHVISION,
        finish=frames_and_count,
    ),
    ProcessorSpec(
        "Inkling2ImageProcessor",
        (surround(0), *SN),
        {**RGB, **NORMALIZE, **INCEPTION, "size": square(40)},
        outputs=("pixel_values", "image_grid_thw"),
        backends=ONLY_TORCHVISION,
        finish=patches_and_grid,
        background="checkerboard",
    ),
)
