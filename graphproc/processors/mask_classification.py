"""MaskFormer, Mask2Former and OneFormer: an aspect-preserving resize, normalization, and padding with a mask, always.

Source of the defaults and of the order of the outputs: transformers 5.23, `models/*/image_processing_pil_*.py`.
"""

from __future__ import annotations

from typing import Any

from graphproc.configs.config import NEEDS, Config
from graphproc.configs.settings import Setting, Whole
from graphproc.errors import ConfigError
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.processors import stages
from graphproc.processors.constants import IMAGENET, RGB, usual
from graphproc.processors.detr import CAPPED, edges, pad_with_mask
from graphproc.processors.row import Row
from graphproc.processors.settings import DO_REDUCE_LABELS, IGNORE_INDEX, NUM_LABELS
from graphproc.processors.stages import WITHOUT_CROP_AND_PAD
from graphproc.sizes import multiples
from graphproc.sizes.num import Num
from graphproc.sizes.rules import Size

DEFAULTS = usual(CAPPED, "bilinear", IMAGENET)
LABEL_SETTINGS = {"ignore_index": IGNORE_INDEX, "do_reduce_labels": DO_REDUCE_LABELS.of(False), "num_labels": NUM_LABELS}
LABELS = "segmentation_maps and the mask_labels and class_labels made of them (lists of as many masks as a map has labels)"


@stages.resizing
def resize(config: Config, height: Num, width: Num) -> Size:
    """`do_resize`, to sides rounded up to multiples of `size_divisor`; 0 leaves them as they are."""
    return multiples.resized_ceiled(height, width, edges(config), stages.count(config, "size_divisor"))


def finish(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Padding to `pad_size`, or else to the largest image, and the mask of the image."""
    x, mask = pad_with_mask(b, x, config.pad_size)
    b.output("pixel_values", x, stages.join_padded_to(config.pad_size))
    b.output("pixel_mask", mask, stages.join_padded_to(config.pad_size))


def finish_with_batch(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Padding to the largest image, whatever `pad_size` says, and the mask of the image."""
    finish(b, config.changed(pad_size=None), x)


def sentences(tasks: Any) -> list[str]:
    """OneFormer's `task_inputs`: a sentence for each task; a batch without tasks has a single one."""
    if isinstance(tasks, str):
        raise ConfigError(f"task_inputs: expected a list of tasks, one for each image, got {tasks!r}")
    return [f"the task is {task}" for task in (["panoptic"] if tasks is None else tasks)]


def _row(name: str) -> Row:
    return Row(
        name,
        (resize, stages.rescale, stages.normalize),
        {
            **DEFAULTS,
            "size_divisor": Setting(32, Whole(), "What the sides become multiples of, in pixels; 0 leaves them."),
            **LABEL_SETTINGS,
        },
        not_compiled=LABELS,
        outputs=("pixel_values", "pixel_mask"),
        finish=finish,
        needs={**NEEDS, "do_resize": (*NEEDS["do_resize"], "size_divisor")},
    )


ROWS = (
    _row("Mask2FormerImageProcessor"),
    _row("MaskFormerImageProcessor"),
    Row(
        "OneFormerImageProcessor",
        WITHOUT_CROP_AND_PAD,
        {
            **RGB,
            **DEFAULTS,
            **LABEL_SETTINGS,
            "repo_path": Setting("shi-labs/oneformer_demo", None, "The folder of `class_info_file`."),
            "class_info_file": Setting(None, None, "A JSON file in `repo_path` with the name of each class."),
            "num_text": Setting(None, None, "The number of texts, of which none is compiled."),
        },
        not_compiled=f"{LABELS}, and text_inputs (strings of the class names in class_info_file)",
        outputs=("pixel_values", "pixel_mask", "task_inputs"),
        finish=finish_with_batch,
        texts={"task_inputs": sentences},
    ),
)
