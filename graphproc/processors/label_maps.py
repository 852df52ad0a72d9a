"""Label maps beside images: the further input `segmentation_maps`, which goes through the image's steps to the output `labels`.

The maps hold bytes and have sides of their own. Without a resize transformers also takes larger labels; here they are refused.
"""

from __future__ import annotations

from graphproc.configs.config import Config
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Cast, LookUp, Rearrange
from graphproc.processors.constants import NEAREST
from graphproc.processors.row import Extra, Finish, Stage

LABEL_MAPS = {"segmentation_map": Extra("segmentation_maps", aligned=False)}
"""The further input of classes that take label maps."""
REDUCE_LABELS = {"do_reduce_labels": False}

REDUCED = (255, *range(254), 255)
"""What `do_reduce_labels` makes of each byte: background, 0, becomes 255, which stays; the rest loses one.

Source: transformers `reduce_label` of Beit, DPT, MobileNetV2, MobileViT and Segformer.
"""


def with_labels(*steps: Stage, resample: int | None = NEAREST) -> Finish:
    """A finish that declares `pixel_values`, and `labels` where maps are given.

    Args:
        *steps: the stages that a map goes through.
        resample: the filter that maps are resized with; None is the image's own.
    """

    def finish(b: ProgramBuilder, config: Config, x: Value) -> None:
        b.output("pixel_values", x)
        output_labels(b, config if resample is None else config.changed(resample=resample), *steps)

    return finish


def output_labels(b: ProgramBuilder, config: Config, *steps: Stage) -> None:
    """Declare `labels`, int64 `[height, width]`, of the map that went through some stages; nothing where none is given."""
    if "segmentation_map" not in b.extras:
        return
    b.batch = "stack"  # it said something of the image
    x = b.add(Rearrange("h w -> 1 h w", layout="CHW"), b.extras["segmentation_map"])
    if config.settings.get("do_reduce_labels"):
        x = b.add(LookUp((REDUCED,)), x)
    for step in steps:
        x = step(b, config, x)
    b.output("labels", b.add(Cast("i64"), b.add(Rearrange("1 h w -> h w", layout="HW"), x)))
