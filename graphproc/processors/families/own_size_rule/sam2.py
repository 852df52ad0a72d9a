"""SAM 2 and SAM 3: stretched to a square, with the sizes before, and the labels of a map."""

from __future__ import annotations

from dataclasses import replace

from graphproc.configs.config import Config, check
from graphproc.ir.delivery import TUPLES
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Numbers
from graphproc.processors import stages
from graphproc.processors.constants import IMAGENET, INCEPTION, NEAREST, square, usual
from graphproc.processors.label_maps import LABEL_MAPS, output_labels
from graphproc.processors.settings import MASK_SIZE
from graphproc.processors.spec import ONLY_TORCHVISION, ProcessorSpec


def with_sizes(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare `pixel_values`, `original_sizes` (height, width), and the labels of a map."""
    b.output("pixel_values", x, stages.join_padded(config))
    b.output("original_sizes", b.add(Numbers((b.image.type.size("H"), b.image.type.size("W")))), delivery=TUPLES)
    if b.extra_inputs:
        of_map = config.changed(size=config.mask_size, resample=NEAREST)
        output_labels(b, check(of_map), stages.resize, stages.center_crop, stages.pad)


SAM2 = ProcessorSpec(
    "Sam2ImageProcessor",
    stages.STANDARD,
    usual(square(1024), "bilinear", IMAGENET, rgb=True, mask_size=MASK_SIZE.of(square(256))),
    outputs=("pixel_values", "original_sizes"),
    model_inputs=("pixel_values",),
    backends=ONLY_TORCHVISION,
    finish=with_sizes,
    extra_inputs=LABEL_MAPS,
)

SPECS = (
    SAM2,
    replace(
        SAM2,
        name="Sam3ImageProcessor",
        settings=usual(square(1008), "bilinear", INCEPTION, rgb=True, mask_size=MASK_SIZE.of(square(288))),
    ),
)
