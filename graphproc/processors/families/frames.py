"""Videos as lists of frames, each processed alone: TVP, VideoMAE and ViViT. A list of frames is one video."""

from __future__ import annotations

from collections.abc import Mapping

from graphproc import joins
from graphproc.configs import legacy
from graphproc.configs.config import Config
from graphproc.configs.settings import Setting
from graphproc.errors import ConfigError
from graphproc.ir.backends import TORCHVISION
from graphproc.ir.delivery import NESTED
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Pad
from graphproc.ops.pad import Mode
from graphproc.processors import stages
from graphproc.processors.calls import GIVEN
from graphproc.processors.constants import (
    BY_CROP,
    BY_NORMALIZE,
    BY_RESCALE,
    BY_RESIZE,
    BY_RESULT,
    INCEPTION,
    shortest,
    square,
    usual,
)
from graphproc.processors.deliveries import nested_in_pil
from graphproc.processors.families.plain.llava import resize as resize_shortest
from graphproc.processors.padding import padded
from graphproc.processors.settings import DO_FLIP_CHANNEL_ORDER
from graphproc.processors.spec import ONLY_PIL, ProcessorSpec, Samples
from graphproc.processors.stages import WITHOUT_PAD
from graphproc.sizes import fit

PAD_MODES: Mapping[str, Mode] = {"reflect": "reflect", "replicate": "edge", "symmetric": "symmetric"}
"""The modes that pad with the image's own pixels, and numpy's names for them."""


def video(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare `pixel_values`, [videos, frames, channels, height, width]."""
    b.output("pixel_values", x, sample=joins.STACK, delivery=nested_in_pil(b))


def nested_video(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the same as `video`. Both backends of TVP give lists of frames."""
    b.output("pixel_values", x, sample=joins.STACK, delivery=NESTED)


def rescale(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply ViViT's `do_rescale`; with `offset`, subtract 1."""
    if config.offset and not config.do_rescale:
        raise ConfigError("offset: needs do_rescale. Set offset to false, or do_rescale to true.")
    x = stages.rescale(b, config, x)
    return x - 1.0 if config.offset else x


def resize_longest(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply TVP's `do_resize`: a longest edge alone is a size as well, and wins over the other keys of `size`."""
    if not config.do_resize or "longest_edge" not in config.size:
        return stages.resize(b, config, x)
    sides = fit.longest_edge(x.type.size("H"), x.type.size("W"), config.size["longest_edge"])
    return stages.resample(b, x, *sides, config.resample)


@stages.when("do_pad")
def pad(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply TVP's `do_pad` to `pad_size`: by `pad_mode`, or with `constant_values` in the pixels' units at this step.

    Torchvision's backend does not read `pad_mode`, and pads nothing without a `pad_size`.
    """
    value, mode = config.constant_values, config.pad_mode
    if b.backend == TORCHVISION and config.pad_size is None:
        return x
    height, width = stages.sides("pad_size", config.pad_size)
    if b.backend == TORCHVISION:
        return padded(b, x, (0, 0, height, width), value)
    for side, limit in ((x.type.size("H"), height), (x.type.size("W"), width)):
        b.require(side <= limit, f"the frame is larger than pad_size's {height} x {width}. Resize it or raise pad_size.")
    if mode in PAD_MODES:
        return b.add(Pad.canvas(0, 0, height, width, mode=PAD_MODES[mode]), x)
    if mode != "constant":
        raise ConfigError(f"pad_mode: expected constant, {', '.join(PAD_MODES)}, got {mode!r}")
    if not isinstance(value, (int, float)) or (x.type.dtype == "u8" and value not in range(256)):
        raise ConfigError(f"constant_values: expected a number that {x.type.dtype} pixels can have, got {value!r}")
    return b.add(Pad.canvas(0, 0, height, width, value), x)


VIVIT = usual(
    shortest(256),
    "bilinear",
    INCEPTION,
    crop=224,
    rescale_factor=1 / 127.5,
    offset=Setting(True, None, "Subtract 1 after rescaling."),
)

SPECS = (
    ProcessorSpec(
        "TvpImageProcessor",
        (resize_longest, *WITHOUT_PAD[1:], pad, stages.flip_channels),
        usual(
            {"longest_edge": 448},
            "bilinear",
            INCEPTION,
            crop=448,
            default_to_square=False,
            do_pad=True,
            pad_size=square(448),
            do_flip_channel_order=DO_FLIP_CHANNEL_ORDER.of(True),
            constant_values=Setting(0, None, "The value of the padding, in the units that pixels have by then."),
            pad_mode=Setting("constant", None, "What the padding is: constant, reflect, replicate or symmetric."),
        ),
        finish=nested_video,
        samples=Samples(0),
    ),
    ProcessorSpec(
        "VideoMAEImageProcessor",
        WITHOUT_PAD,
        usual(shortest(224), "bilinear", INCEPTION, crop=224),
        finish=video,
        samples=Samples(0),
    ),
    ProcessorSpec(
        "VivitImageProcessor",
        (resize_shortest, stages.center_crop, rescale, stages.normalize),
        {**VIVIT, "default_to_square": True},
        settings_by_position=(*BY_RESIZE, *BY_CROP, *BY_RESCALE, "offset", *BY_NORMALIZE, *BY_RESULT),
        finish=video,
        samples=Samples(0),
        backends=ONLY_PIL,
        calls=dict.fromkeys(VIVIT, GIVEN),
        reads="frames",
        older=legacy.PLAIN_NULLS,
        unmoved=True,
    ),
)
