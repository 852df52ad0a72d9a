"""VitMatte: an image and its trimap as four channels. A trimap marks foreground, background and unknown pixels."""

from __future__ import annotations

from graphproc.configs import legacy
from graphproc.configs.config import Config
from graphproc.ir.backends import TORCHVISION
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ir.types import promoted
from graphproc.ops import Concat, Pad
from graphproc.processors import stages
from graphproc.processors.constants import INCEPTION, NORMALIZE
from graphproc.processors.settings import SIZE_DIVISOR
from graphproc.processors.spec import ExtraInput, ProcessorSpec
from graphproc.sizes import multiples


def with_trimap(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Add the trimap as the last channel, rescaled like the image but not normalized."""
    trimap = b.extra_inputs["trimap"].rearrange("h w -> 1 h w", "CHW")
    trimap = stages.rescale(b, config.changed(do_normalize=False), trimap)
    wanted = promoted(x.type.dtype, trimap.type.dtype) if b.backend == TORCHVISION else x.type.dtype
    parts = (part if part.type.dtype == wanted else part.cast(wanted) for part in (x, trimap))
    return b.add(Concat(-3), *parts)


@stages.when("do_pad")
def to_multiple(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_pad`: zeros at the bottom and right up to multiples of `size_divisor`."""
    divisor = stages.count(config, "size_divisor")
    return b.add(Pad.canvas(0, 0, *multiples.ceil_multiple(x.type.size("H"), x.type.size("W"), divisor)), x)


SPECS = (
    ProcessorSpec(
        "VitMatteImageProcessor",
        (stages.rescale, stages.normalize, with_trimap, to_multiple),
        {**NORMALIZE, **INCEPTION, "do_pad": True, "size_divisor": SIZE_DIVISOR.of(32)},
        older={"size_divisibility": legacy.older("size_divisor")},
        extra_inputs={"trimap": ExtraInput("trimaps", required=True, any_type=True)},
    ),
)
