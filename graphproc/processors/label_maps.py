"""Label maps beside images: the input `segmentation_maps` goes through the image's steps and becomes `labels`.

The maps have sides of their own. Graphs take maps of bytes. Maps of other types run on the numpy
executor in the type they have, because resizes that interpolate depend on it.
"""

from __future__ import annotations

from graphproc.configs.config import Config
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ir.types import FLOATS
from graphproc.ops import ReduceLabels
from graphproc.processors.constants import NEAREST
from graphproc.processors.settings import DO_REDUCE_LABELS
from graphproc.processors.spec import ExtraInput, Finish, Stage
from graphproc.processors.stages import join_after

LABEL_MAPS = {"segmentation_map": ExtraInput("segmentation_maps", aligned=False, any_type=True)}
"""The extra input of classes that take label maps."""
REDUCE_LABELS = {"do_reduce_labels": DO_REDUCE_LABELS.of(False)}


def with_labels(*steps: Stage, resample: int | None = NEAREST) -> Finish:
    """Make the `finish` that declares `pixel_values`, and `labels` where maps are given.

    Args:
        *steps: the stages that a map goes through.
        resample: the code of the filter that maps are resized with; None for the image's own.
    """

    def finish(b: ProgramBuilder, config: Config, x: Value) -> None:
        b.output("pixel_values", x)
        output_labels(b, config if resample is None else config.changed(resample=resample), *steps)

    return finish


def output_labels(b: ProgramBuilder, config: Config, *steps: Stage) -> None:
    """Declare `labels`, int64 `[height, width]`: the map after some stages; nothing where no map is given."""
    if "segmentation_map" not in b.extra_inputs:
        return
    x = b.extra_inputs["segmentation_map"].rearrange("h w -> 1 h w", "CHW")
    if config.settings.get("do_reduce_labels"):
        x = b.add(ReduceLabels(), x)
    for step in steps:
        x = step(b, config, x)
    x = x.rearrange("1 h w -> h w", "HW")
    labels = x.truncate("i64") if x.type.dtype in FLOATS else x.cast("i64")
    b.output("labels", labels, join_after(config, steps))
