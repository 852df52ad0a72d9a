"""MaskFormer and Mask2Former: a resize that keeps the shape, normalization, and always padding with a mask.

Source of the defaults and of the order of the outputs: transformers 5.23, `models/*/image_processing_pil_*.py`.
"""

from __future__ import annotations

from dataclasses import replace

from graphproc.configs import legacy
from graphproc.configs.config import NEEDS, Config
from graphproc.configs.settings import Setting, Whole
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.processors import stages
from graphproc.processors.constants import IMAGENET, usual
from graphproc.processors.families.detection import CAPPED, edges, pad_with_mask
from graphproc.processors.settings import DO_REDUCE_LABELS, IGNORE_INDEX, NUM_LABELS
from graphproc.processors.spec import ProcessorSpec
from graphproc.sizes import multiples
from graphproc.sizes.num import Num
from graphproc.sizes.rules import Size

LABEL_SETTINGS = {"ignore_index": IGNORE_INDEX, "do_reduce_labels": DO_REDUCE_LABELS.of(False), "num_labels": NUM_LABELS}
SIZE_DIVISOR = Setting(32, Whole(), "What the sides become multiples of, in pixels; 0 leaves them.")
LABELS = "segmentation_maps and the mask_labels and class_labels made of them (a list with one mask for each label of the map)"


@stages.resizing
def resize(config: Config, height: Num, width: Num) -> Size:
    """Apply `do_resize`, with sides rounded up to multiples of `size_divisor`; 0 leaves them as they are."""
    return multiples.resized_ceiled(height, width, edges(config), stages.count(config, "size_divisor"))


def finish(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the image padded to `pad_size`, or else to the batch's largest, and its mask."""
    x, mask = pad_with_mask(b, x, config.pad_size)
    b.output("pixel_values", x, stages.join_padded_to(config.pad_size))
    b.output("pixel_mask", mask, stages.join_padded_to(config.pad_size))


MASK2FORMER = ProcessorSpec(
    "Mask2FormerImageProcessor",
    (resize, stages.rescale, stages.normalize),
    usual(CAPPED, "bilinear", IMAGENET, {"size_divisor": SIZE_DIVISOR}, LABEL_SETTINGS),
    limitations=LABELS,
    outputs=("pixel_values", "pixel_mask"),
    finish=finish,
    older=legacy.MASK_FORMER,
    needs={**NEEDS, "do_resize": (*NEEDS["do_resize"], "size_divisor")},
)

SPECS = (
    MASK2FORMER,
    replace(MASK2FORMER, name="MaskFormerImageProcessor"),
)
