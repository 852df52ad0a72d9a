"""SigLIP 2 and Gemma 4: as many patches as fit an image of any shape, filled up to a fixed number.

Source: transformers 5.23, `models/siglip2` and `models/gemma4`, `image_processing_pil_*.py`.
"""

from __future__ import annotations

from dataclasses import replace

from graphproc.configs.config import NEEDS, Config
from graphproc.configs.settings import OneOf, Setting, Whole
from graphproc.errors import ConfigError
from graphproc.ir.backends import TORCHVISION
from graphproc.ir.delivery import STACKED, TENSOR, TUPLES, Delivery
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Full, Indices, Numbers, Pad
from graphproc.ops.resample import TORCH_NEAREST, Resample
from graphproc.processors import stages
from graphproc.processors.constants import BICUBIC, BILINEAR, INCEPTION, NEAREST, RESCALE, RGB
from graphproc.processors.settings import MAX_NUM_PATCHES, PATCH_SIZE
from graphproc.processors.spec import ONLY_TORCHVISION, ProcessorSpec
from graphproc.sizes import num, patch_budget
from graphproc.sizes.num import Num

PIXELS_LAST = "c (gh p) (gw q) -> (gh gw) (p q c)"
RESIZE = {"do_resize": True, "resample": BICUBIC, **RESCALE}
UNCHANGED = {"image_mean": (0.0, 0.0, 0.0), "image_std": (1.0, 1.0, 1.0)}
SOFT_TOKENS = (70, 140, 280, 560, 1120)
WITHOUT_SIZE = {key: needed for key, needed in NEEDS.items() if key != "do_resize"}
"""What steps need in this family: a resize needs neither size nor filter.

The size follows from the number of patches, and a filter that is null is bilinear.
"""


@stages.when("do_resize")
def siglip_resize(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_resize`: to at most `max_num_patches` whole patches."""
    patch, most = stages.count(config, "patch_size"), stages.count(config, "max_num_patches")
    return stages.resample(b, x, *patch_budget.patches_within(x.type.size("H"), x.type.size("W"), patch, most), config.resample)


@stages.when("do_resize")
def gemma_resize(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_resize`: to whole soft tokens, at most `max_soft_tokens`.

    Raises:
        ConfigError: the filter is null in torchvision's backend.
    """
    if b.backend == TORCHVISION and config.resample is None:
        raise ConfigError("resample: torchvision's backend of this class needs a filter, got null. Set one, e.g. 3 (bicubic).")
    patch, pooling = stages.count(config, "patch_size"), stages.count(config, "pooling_kernel_size")
    most = gemma_patches(config)
    to = patch_budget.pooled_patches_within(x.type.size("H"), x.type.size("W"), patch, most, pooling)
    b.require(to.holds, f"{to.message}.")
    if b.backend == TORCHVISION and config.resample == NEAREST:  # only this class does not make "nearest-exact" of it
        return b.add(Resample(*to.size, "nearest", False, TORCH_NEAREST), x)
    return stages.resample(b, x, *to.size, config.resample)


def gemma_patches(config: Config) -> int:
    """Return the number of patches that are pooled to `max_soft_tokens` soft tokens.

    Raises:
        ConfigError: the number of tokens is not one of `SOFT_TOKENS`.
    """
    return stages.count(config, "max_soft_tokens") * stages.count(config, "pooling_kernel_size") ** 2


def patches(
    b: ProgramBuilder, config: Config, x: Value, most: int, merge: int = 1, delivery: Delivery = TENSOR
) -> tuple[Num, Num, Num]:
    """Declare `most` patches of the image, or all that it has; return the rows, the columns and the number declared.

    With `merge`, a patch's side is that many times as long.
    """
    patch = stages.count(config, "patch_size") * merge
    height, width = x.type.size("H"), x.type.size("W")
    if not config.do_resize:
        for name, side in (("height", height), ("width", width)):
            b.require(num.eq(side % patch, 0), f"the {name} is no multiple of {patch} pixels. Resize the image.")
    rows, columns = height // patch, width // patch
    length: Num = most if config.do_resize else num.maximum(most, rows * columns)
    x = x.rearrange(PIXELS_LAST, "PF", p=patch, q=patch)
    b.output("pixel_values", b.add(Pad.end(-2, length), x), delivery=delivery)
    return rows, columns, length


def siglip(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the patches, a mask that is 1 for the image's own, and the rows and columns of patches."""
    most = stages.count(config, "max_num_patches")
    rows, columns, _ = patches(b, config, x, most)
    mask = b.add(Full((num.minimum(rows * columns, most),), 1, "i32", layout="P"))
    b.output("pixel_attention_mask", b.add(Pad.end(-1, most), mask))
    b.output("spatial_shapes", b.add(Numbers((rows, columns))), delivery=TUPLES)


def gemma(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the patches, the column and row of each (-1 for padding), and the number of soft tokens."""
    rows, columns, length = patches(b, config, x, gemma_patches(config), delivery=STACKED)
    positions = b.add(Indices(rows, columns, order="xy"))
    b.output("image_position_ids", b.add(Pad.end(-2, length, -1), positions), delivery=STACKED)
    tokens = rows * columns // stages.count(config, "pooling_kernel_size") ** 2
    b.output("num_soft_tokens_per_image", b.add(Numbers((tokens,), shape=())))


def unified_gemma(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the soft tokens, the column and row of each, and how many there are.

    Each soft token holds the pixels that Gemma 4 pools to one.

    Raises:
        ConfigError: images do not have three channels, or the number of tokens is unknown (`gemma_patches`).
    """
    if x.type.channels != 3:
        raise ConfigError(f"{config.processor}: expected images of 3 channels, got {x.type.channels}. Convert them to RGB.")
    pooling = stages.count(config, "pooling_kernel_size")
    rows, columns, length = patches(b, config, x, gemma_patches(config) // pooling**2, pooling, STACKED)
    b.output("image_position_ids", b.add(Pad.end(-2, length, -1), b.add(Indices(rows, columns, order="xy"))), delivery=STACKED)
    b.output("num_soft_tokens_per_image", b.add(Numbers((rows * columns,), shape=())))


SIGLIP_OUTPUTS = ("pixel_values", "pixel_attention_mask", "spatial_shapes")
GEMMA_OUTPUTS = ("pixel_values", "image_position_ids", "num_soft_tokens_per_image")

GEMMA = ProcessorSpec(
    "Gemma4ImageProcessor",
    (gemma_resize, stages.rescale, stages.normalize),
    {
        **RGB,
        **RESIZE,
        "do_normalize": False,
        **UNCHANGED,
        "patch_size": PATCH_SIZE.of(16),
        "max_soft_tokens": Setting(280, OneOf(SOFT_TOKENS), "The most tokens of an image: 70, 140, 280, 560 or 1120."),
        "pooling_kernel_size": Setting(3, Whole(1), "How many patches along a side are pooled to one token."),
    },
    outputs=GEMMA_OUTPUTS,
    finish=gemma,
    needs=WITHOUT_SIZE,
)

SPECS = (
    ProcessorSpec(
        "Siglip2ImageProcessor",
        (siglip_resize, stages.rescale, stages.normalize),
        {
            **RESIZE,
            "resample": BILINEAR,
            "do_normalize": True,
            **INCEPTION,
            "patch_size": PATCH_SIZE.of(16),
            "max_num_patches": MAX_NUM_PATCHES.of(256),
        },
        outputs=SIGLIP_OUTPUTS,
        finish=siglip,
        needs=WITHOUT_SIZE,
    ),
    GEMMA,
    replace(
        GEMMA,
        name="Gemma4UnifiedImageProcessor",
        limitations="images that are not resized, with sides that are not multiples of a soft token's side",
        backends=ONLY_TORCHVISION,
        finish=unified_gemma,
    ),
)
