"""DETR and its kin: an aspect-preserving resize, normalization, padding to the largest image, and a mask of what is image.

Source of the defaults and of the order of the outputs: transformers 5.23, `models/*/image_processing_*.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from graphproc.configs import legacy
from graphproc.configs.config import Config
from graphproc.configs.settings import OneOf, Setting, flag
from graphproc.errors import ConfigError
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Extend, Full
from graphproc.processors import stages
from graphproc.processors.constants import IMAGENET, square, usual
from graphproc.processors.spec import ONLY_TORCHVISION, ProcessorSpec
from graphproc.sizes import multiples, rules
from graphproc.sizes.num import Num
from graphproc.sizes.rules import Size

FORMATS = ("coco_detection", "coco_panoptic")

YOLOS_MULTIPLE = 16
"""The sides of an image that YOLOS scales are multiples of this."""

CAPPED = {"shortest_edge": 800, "longest_edge": 1333}
DETECTION = usual(
    CAPPED,
    "bilinear",
    IMAGENET,
    do_pad=True,
    format=Setting("coco_detection", OneOf(FORMATS), "The format of annotations, which are not compiled."),
    do_convert_annotations=Setting(True, flag, "Convert annotations in transformers; here it changes nothing."),
)
TARGETS = "annotations (dictionaries, polygons and PNG files to train on) and the labels made of them"


def edges(config: Config) -> Mapping[str, int]:
    """`size`, in which a shortest edge without the longest is an error."""
    if set(config.size) == {"shortest_edge"}:
        raise ConfigError(f"size: {config.processor} needs a longest_edge beside the shortest_edge, got {config.size}")
    return config.size  # type: ignore[no-any-return]


@stages.resizing
def resize(config: Config, height: Num, width: Num) -> Size:
    """`do_resize` by the standard rules."""
    return rules.resized(height, width, edges(config))


@stages.resizing
def resize_yolos(config: Config, height: Num, width: Num) -> Size:
    """`do_resize`; what is scaled by its edges is floored to multiples."""
    size = edges(config)
    if "shortest_edge" not in size:
        return rules.resized(height, width, size)
    return multiples.capped_edge_floored(height, width, size["shortest_edge"], size["longest_edge"], YOLOS_MULTIPLE)


def pad_with_mask(b: ProgramBuilder, x: Value, size: dict[str, int] | None) -> tuple[Value, Value]:
    """The image padded to a size, or with its batch where there is none, and its int64 mask: 1 on the image, 0 beside it."""
    mask = b.add(Full((x.type.size("H"), x.type.size("W")), 1, "i64", "HW"))
    x = stages.pad_to(b, x, size)
    if size is not None:
        mask = b.add(Extend(-1, x.type.size("W")), b.add(Extend(-2, x.type.size("H")), mask))
    return x, mask


def finish(b: ProgramBuilder, config: Config, x: Value) -> None:
    """`do_pad` and its mask, which comes first; the format of annotations must be known even where there are none."""
    stages.given(config, "format")
    if config.do_pad:
        x, mask = pad_with_mask(b, x, config.pad_size)
        b.output("pixel_mask", mask, stages.join_padded(config))
    b.output("pixel_values", x, stages.join_padded(config))


@stages.when("do_resize")
def resize_floats(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_resize` by the standard rules, without antialiasing, of whatever the pixels are by then."""
    size = rules.resized(x.type.size("H"), x.type.size("W"), edges(config))
    return stages.resample(b, x, *size, config.resample, antialias=False)


DETR = ProcessorSpec(
    "DetrImageProcessor",
    (resize, stages.rescale, stages.normalize),
    DETECTION,
    limitations=TARGETS,
    outputs=("pixel_mask", "pixel_values"),
    model_inputs=("pixel_values", "pixel_mask"),
    finish=finish,
    older=legacy.DETR,
)

SPECS = (
    DETR,
    replace(DETR, name="ConditionalDetrImageProcessor"),
    replace(DETR, name="DeformableDetrImageProcessor"),
    replace(DETR, name="GroundingDinoImageProcessor"),
    replace(
        DETR,
        name="RfDetrImageProcessor",
        stages=(stages.rescale_alone, resize_floats, stages.normalize_alone),
        backends=ONLY_TORCHVISION,
    ),
    replace(
        DETR,
        name="RTDetrImageProcessor",
        settings={**DETECTION, "size": square(640), "default_to_square": False, "do_normalize": False, "do_pad": False},
        older={},
    ),
    replace(DETR, name="YolosImageProcessor", stages=(resize_yolos, *DETR.stages[1:])),
)
