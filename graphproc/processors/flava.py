"""FLAVA: the image for the model, and on demand a second, smaller one for the codebook of a discrete autoencoder."""

from __future__ import annotations

from graphproc.configs.config import Config, check
from graphproc.errors import ConfigError
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import MultiplyAdd
from graphproc.processors.constants import BILINEAR, CLIP, NORMALIZE, crop_to, resize_to, square
from graphproc.processors.row import Row
from graphproc.processors.stages import WITHOUT_PAD

EPSILON = 0.1
"""How far the codebook's pixels stay from 0 and 1."""

MASK = {
    "return_image_mask": False,
    "input_size_patches": 14,
    "total_mask_patches": 75,
    "mask_group_min_patches": 16,
    "mask_group_max_patches": None,
    "mask_group_min_aspect_ratio": 0.3,
    "mask_group_max_aspect_ratio": None,
}
STEPS = {**resize_to(square(112), "lanczos"), **crop_to(112), **NORMALIZE}
CODEBOOK = {
    "return_codebook_pixels": False,
    **{f"codebook_{key}": value for key, value in STEPS.items() if key != "default_to_square"},
    "codebook_image_mean": (0.0, 0.0, 0.0),
    "codebook_image_std": (1.0, 1.0, 1.0),
    "codebook_do_map_pixels": True,
}


def with_codebook(b: ProgramBuilder, config: Config, x: Value) -> None:
    """`pixel_values`, and with `return_codebook_pixels` the image once more by the settings that start with `codebook_`."""
    b.output("pixel_values", x)
    if not config.return_codebook_pixels:
        return
    codebook = {key.removeprefix("codebook_"): value for key, value in config.settings.items() if key.startswith("codebook_")}
    codebook["resample"] = BILINEAR if codebook["resample"] is None else codebook["resample"]
    config = check(config.changed(**codebook))
    x = b.image
    for stage in WITHOUT_PAD:
        x = stage(b, config, x)
    if config.codebook_do_map_pixels:
        if x.type.dtype != "f32":
            raise ConfigError("codebook_do_map_pixels: expected codebook_do_rescale or codebook_do_normalize to be on, too")
        x = b.add(MultiplyAdd(1 - 2 * EPSILON, EPSILON), x)
    b.output("codebook_pixel_values", x)


ROWS = (
    Row(
        "FlavaImageProcessor",
        WITHOUT_PAD,
        {**resize_to(square(224), "bicubic"), **crop_to(224), **NORMALIZE, **CLIP, **MASK, **CODEBOOK},
        not_compiled="bool_masked_pos (random masks); codebook_do_map_pixels of pixels neither rescaled nor normalized",
        finish=with_codebook,
    ),
)
