"""Nemotron-H Omni: floats resized to a grid of patches within a budget, and cut into these.

Source: transformers 5.23, `models/nemotron_h_omni`, `image_processing_nemotron_h_omni.py`.
"""

from __future__ import annotations

from graphproc import joins
from graphproc.configs import legacy
from graphproc.configs.config import Config
from graphproc.configs.settings import Above, Setting, Whole
from graphproc.errors import ConfigError
from graphproc.ir.delivery import STACKED
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Numbers
from graphproc.processors import stages
from graphproc.processors.constants import BICUBIC, CLIP, NORMALIZE, RGB
from graphproc.processors.settings import PATCH_SIZE
from graphproc.processors.spec import ONLY_TORCHVISION, ProcessorSpec
from graphproc.sizes import patch_budget

PATCHES = "c (gh p) (gw q) -> (gh gw) (c p q)"
"""Patches row by row."""


def merge_side(config: Config) -> int:
    """Return how many patches along a side the model merges into one.

    Raises:
        ConfigError: `downsample_ratio` is null, or out of its range.
    """
    return round(1 / stages.number(config, "downsample_ratio"))


def budget(config: Config) -> tuple[int, int]:
    """Return the fewest and the most patches of an image.

    Raises:
        ConfigError: the most patches would depend on the call's other images, because the limit is the
            model's length, which they share.
    """
    merge, fewest, length = merge_side(config), stages.count(config, "min_num_patches"), stages.count(config, "max_model_len")
    most, shared = config.max_num_patches, (length - 4) * merge**2
    if isinstance(most, bool) or not isinstance(most, int) or not 0 < most <= max(shared, fewest):
        raise ConfigError(
            f"max_num_patches: expected a whole number from 1 to {max(shared, fewest)}, which max_model_len has room for, got "
            f"{most!r}: the number of an image's patches would depend on how many images there are. Set it, or max_model_len."
        )
    return fewest, max(most, fewest)


def resize(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Resize to whole patches within the budget, as floats; `do_resize` changes nothing."""
    patch = stages.count(config, "patch_size")
    to = patch_budget.merged_patches_between(x.type.size("H"), x.type.size("W"), patch, merge_side(config), *budget(config))
    b.require(to.holds, f"{to.message}.")
    return stages.resample(b, x.cast("f32"), *to.size, config.resample)


def patches(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the patches, one image after another, and the rows and columns of patches of each image."""
    patch = stages.count(config, "patch_size")
    b.output("pixel_values", x.rearrange(PATCHES, "PF", p=patch, q=patch), joins.Concatenate())
    b.output("image_grid_hw", b.add(Numbers((x.type.size("H") // patch, x.type.size("W") // patch))), delivery=STACKED)


OUTPUTS = ("pixel_values", "image_grid_hw")

SPECS = (
    ProcessorSpec(
        "NemotronH_Omni_Reasoning_V3ImageProcessor",
        (resize, stages.rescale, stages.normalize),
        {
            **RGB,
            "resample": BICUBIC,
            **NORMALIZE,
            **CLIP,
            "patch_size": PATCH_SIZE.of(16),
            "downsample_ratio": Setting(0.5, Above(1e-6, 2), "The factor by which merging multiplies the patches along a side."),
            "min_num_patches": Setting(1024, Whole(0), "The fewest patches of an image."),
            "max_num_patches": Setting(13312, None, "The most patches of an image, which max_model_len has to have room for."),
            "max_model_len": Setting(16384, Whole(1), "The most tokens of a text, those of its images included."),
        },
        older=legacy.NEMOTRON,
        limitations="resample 1 (lanczos); a max_num_patches that is 0 or above what max_model_len has room for",
        outputs=OUTPUTS,
        backends=ONLY_TORCHVISION,
        finish=patches,
    ),
)
