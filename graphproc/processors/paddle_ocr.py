"""PaddleOCR's classes for tables and text.

Source of the defaults: transformers 5.23, `models/*/image_processing_*.py`.
"""

from __future__ import annotations

from graphproc.configs.config import Config
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import FixedPointResize
from graphproc.processors import stages
from graphproc.processors.constants import BILINEAR, IMAGENET, NORMALIZE, RGB, resize_to, square
from graphproc.processors.row import ONLY_TORCHVISION, Row
from graphproc.sizes import fit


def fixed_point(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_resize`: the longer side to the larger one of `size`, as OpenCV interpolates; `resample` says nothing."""
    if not config.do_resize:
        return x
    edge = max(stages.sides("size", config.size))
    height, width = fit.longest_edge_half_even(x.type.size("H"), x.type.size("W"), edge)
    for name, side in (("height", height), ("width", width)):
        b.require(side >= 1, f"the resized {name} rounds to less than 1 pixel. Use a less elongated image.")
    return b.add(FixedPointResize(height, width), x)


ROWS = (
    Row(
        "SLANeXtImageProcessor",
        "text",
        (fixed_point, *stages.STANDARD[1:]),
        {**RGB, **resize_to(square(512), BILINEAR), **NORMALIZE, **IMAGENET, "do_pad": True, "pad_size": square(512)},
        backends=ONLY_TORCHVISION,
    ),
)
