"""DETR and similar classes: a resize that keeps the shape, normalization, padding, and a mask of the image's pixels.

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
from graphproc.ops import Full, Pad
from graphproc.processors import stages
from graphproc.processors.constants import IMAGENET, square, usual
from graphproc.processors.deliveries import stacked_in_torchvision
from graphproc.processors.spec import ONLY_TORCHVISION, ProcessorSpec
from graphproc.sizes import multiples, rules
from graphproc.sizes.num import Num
from graphproc.sizes.rules import Size

FORMATS = ("coco_detection", "coco_panoptic")

YOLOS_MULTIPLE = 16
"""YOLOS makes sides that it scales by their edges multiples of this many pixels."""

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
    """Return `size`.

    Raises:
        ConfigError: it has a shortest edge and no longest one.
    """
    if set(config.size) == {"shortest_edge"}:
        raise ConfigError(f"size: {config.processor} needs a longest_edge beside the shortest_edge, got {config.size}")
    return config.size  # type: ignore[no-any-return]


@stages.resizing
def resize(config: Config, height: Num, width: Num) -> Size:
    """Apply `do_resize` by the standard rules."""
    return rules.resized_size(height, width, edges(config))


@stages.resizing
def resize_yolos(config: Config, height: Num, width: Num) -> Size:
    """Apply `do_resize`; sizes scaled by their edges are rounded down to multiples of `YOLOS_MULTIPLE`."""
    size = edges(config)
    if "shortest_edge" not in size:
        return rules.resized_size(height, width, size)
    return multiples.capped_edge_floored(height, width, size["shortest_edge"], size["longest_edge"], YOLOS_MULTIPLE)


def pad_with_mask(b: ProgramBuilder, x: Value, size: dict[str, int] | None) -> tuple[Value, Value]:
    """Pad the image to a size and return it with its mask, int64 [H, W]: 1 on the image, 0 on padding.

    Without a size nothing is padded here: the outputs' join pads them to the largest of the batch.
    """
    mask = b.add(Full((x.type.size("H"), x.type.size("W")), 1, "i64", "HW"))
    x = stages.pad_to(b, x, size)
    if size is not None:
        mask = b.add(Pad.end(-1, x.type.size("W")), b.add(Pad.end(-2, x.type.size("H")), mask))
    return x, mask


def finish(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare `pixel_values`, and with `do_pad` the mask before it.

    `format`, the format of annotations, must be a known one although no annotations are compiled.
    """
    stages.given(config, "format")
    delivery = stacked_in_torchvision(b)
    if config.do_pad:
        x, mask = pad_with_mask(b, x, config.pad_size)
        b.output("pixel_mask", mask, stages.join_padded(config), delivery=delivery)
    b.output("pixel_values", x, stages.join_padded(config), delivery=delivery)


@stages.when("do_resize")
def resize_floats(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_resize` by the standard rules, without antialiasing, to pixels of any type."""
    size = rules.resized_size(x.type.size("H"), x.type.size("W"), edges(config))
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
