"""PaddleOCR's classes for pages: finding their layout, and flattening pages that are curved.

Source of the defaults: transformers 5.23, `models/*/image_processing_*.py`.
"""

from __future__ import annotations

from graphproc import joins
from graphproc.configs.config import Config
from graphproc.errors import ConfigError
from graphproc.ir.delivery import Delivery
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ir.types import FLOATS
from graphproc.ops import Rescale
from graphproc.processors import stages
from graphproc.processors.constants import RESCALE, resize_to, square, usual
from graphproc.processors.families.multiples import to_bgr
from graphproc.processors.spec import DROPPED, ONLY_TORCHVISION, ProcessorSpec


def rescale_floats(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_rescale` before anything else, always to floats."""
    return b.add(Rescale(float(config.rescale_factor), "f32"), x) if config.do_rescale else x


@stages.when("do_resize")
def within_bytes(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Clip what a resize gave to the range of bytes: 0 to 255, rescaled if bytes were.

    Raises:
        ConfigError: the image is of floats. transformers finds their range in their values.
    """
    if b.image.type.dtype in FLOATS:
        raise ConfigError("do_resize: the range of floats is found in their values, which is not compiled.")
    x = x if x.type.dtype in FLOATS else x.cast("f32")  # as torch makes of whole numbers between float bounds
    upper = 255.0 * (config.rescale_factor if config.do_rescale else 1.0)
    return x.clip(0.0, upper)


@stages.when("do_resize")
def align_corners(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_resize`: linearly between the corners' centres; `resample` says nothing."""
    return stages.with_aligned_corners(b, x, *stages.sides("size", config.size))


def with_originals(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the pixels resized, and as they were before."""
    b.output("pixel_values", align_corners(b, config, x))
    b.output("original_images", x, joins.Pad(), delivery=Delivery("separate"))


LAYOUT = usual(square(800), "bicubic", image_mean=(0, 0, 0), image_std=(1, 1, 1))

SPECS = (
    *(
        ProcessorSpec(name, (stages.resize_without_antialias, *stages.STANDARD[1:]), LAYOUT, backends=ONLY_TORCHVISION)
        for name in ("PPDocLayoutV2ImageProcessor", "PPDocLayoutV3ImageProcessor")
    ),
    ProcessorSpec(
        "PPDocLayoutV4ImageProcessor",
        (
            rescale_floats,
            stages.resize_without_antialias,
            within_bytes,
            stages.center_crop,
            stages.normalize_apart,
            stages.pad,
        ),
        LAYOUT,
        backends=ONLY_TORCHVISION,
    ),
    ProcessorSpec(
        "UVDocImageProcessor",
        (stages.rescale, stages.normalize, to_bgr),
        {**resize_to({"height": 712, "width": 488}, "bilinear"), **RESCALE},
        outputs=("pixel_values", "original_images"),
        model_inputs=("pixel_values",),
        backends=ONLY_TORCHVISION,
        finish=with_originals,
        background=DROPPED,
    ),
)
