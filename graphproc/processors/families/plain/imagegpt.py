"""ImageGPT: each pixel becomes the index of the nearest colour."""

from __future__ import annotations

from typing import Any

from graphproc.configs.config import NEEDS, Config
from graphproc.configs.settings import Setting, flag, number
from graphproc.errors import ConfigError
from graphproc.ir.backends import TORCHVISION
from graphproc.ir.delivery import TENSOR, Delivery
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import NearestColor
from graphproc.processors import stages
from graphproc.processors.constants import INCEPTION, square, usual
from graphproc.processors.spec import ProcessorSpec


def colors(key: str, value: Any) -> tuple[tuple[float, ...], ...]:
    """Return the colours of a setting: rows of three numbers."""
    rows = value.tolist() if hasattr(value, "tolist") else value
    if (
        not isinstance(rows, (list, tuple))
        or not rows
        or not all(isinstance(row, (list, tuple)) and len(row) == 3 for row in rows)
    ):
        raise ConfigError(f"{key}: expected one or more rows of 3 numbers, got {value!r:.80}")
    return tuple(tuple(float(number(key, v)) for v in row) for row in rows)


def input_ids(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare `input_ids`, one for each pixel, row by row; `pixel_values` where `do_color_quantize` is off."""
    if not config.do_color_quantize:
        b.output("pixel_values", x)
    elif x.type.dtype != "f32":
        raise ConfigError("do_color_quantize: expected do_rescale or do_normalize to be on; clusters are no bytes")
    else:
        torchvision = b.backend == TORCHVISION
        ids = b.add(NearestColor(config.clusters, fused=torchvision), x)
        b.output("input_ids", ids, delivery=TENSOR if torchvision else Delivery(container="alike"))


SPECS = (
    ProcessorSpec(
        "ImageGPTImageProcessor",
        (stages.resize, stages.only(TORCHVISION, stages.center_crop), stages.rescale, stages.normalize),
        usual(
            square(256),
            "bilinear",
            INCEPTION,
            clusters=Setting(None, colors, "The colours, in [-1, 1]; a pixel becomes the number of the nearest one."),
            do_color_quantize=Setting(True, flag, "Replace pixels by the number of the nearest colour in `clusters`."),
        ),
        limitations="do_color_quantize of pixels that are neither rescaled nor normalized",
        outputs=("input_ids",),
        finish=input_ids,
        needs={**NEEDS, "do_color_quantize": ("clusters",)},
    ),
)
