"""FLAVA: the image for the model, and on demand a second, smaller one for the codebook of a discrete autoencoder."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from graphproc.configs.config import Config, check
from graphproc.configs.settings import STANDARD, Setting, Sides, flag
from graphproc.errors import ConfigError
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.processors.constants import BILINEAR, CLIP, LANCZOS, NORMALIZE, crop_to, square, usual
from graphproc.processors.spec import ProcessorSpec
from graphproc.processors.stages import WITHOUT_PAD

EPSILON = 0.1
"""How far the codebook's pixels stay from 0 and 1."""

MASK = {
    "return_image_mask": Setting(False, None, "Give random masks as well, which are not compiled."),
    "input_size_patches": Setting(14, None, "A setting of random masks, which are not compiled."),
    "total_mask_patches": Setting(75, None, "A setting of random masks, which are not compiled."),
    "mask_group_min_patches": Setting(16, None, "A setting of random masks, which are not compiled."),
    "mask_group_max_patches": Setting(None, None, "A setting of random masks, which are not compiled."),
    "mask_group_min_aspect_ratio": Setting(0.3, None, "A setting of random masks, which are not compiled."),
    "mask_group_max_aspect_ratio": Setting(None, None, "A setting of random masks, which are not compiled."),
}
STEPS = {
    "do_resize": True,
    "size": square(112),
    "resample": LANCZOS,
    **crop_to(112),
    **NORMALIZE,
    "image_mean": (0.0, 0.0, 0.0),
    "image_std": (1.0, 1.0, 1.0),
}


def _for_codebook(key: str, default: Any) -> Setting:
    """Return the setting for the codebook's image that corresponds to a standard one."""
    check = STANDARD[key].check
    if isinstance(check, Sides):
        check = replace(check, switches=(f"codebook_{check.switches[0]}",))
    return Setting(default, check, f"As `{key}`, for the codebook's image.")


CODEBOOK = {
    "return_codebook_pixels": Setting(False, None, "Give the image for the codebook as well."),
    **{f"codebook_{key}": _for_codebook(key, value) for key, value in STEPS.items()},
    "codebook_do_map_pixels": Setting(True, flag, "Move the codebook's pixels away from 0 and 1."),
}


def with_codebook(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare `pixel_values`, and with `return_codebook_pixels` the image by the settings named `codebook_...`."""
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
        x = x * (1 - 2 * EPSILON) + EPSILON
    b.output("codebook_pixel_values", x)


SPECS = (
    ProcessorSpec(
        "FlavaImageProcessor",
        WITHOUT_PAD,
        usual(square(224), "bicubic", CLIP, MASK, CODEBOOK, crop=224),
        limitations="bool_masked_pos (random masks); codebook_do_map_pixels of pixels neither rescaled nor normalized",
        finish=with_codebook,
    ),
)
