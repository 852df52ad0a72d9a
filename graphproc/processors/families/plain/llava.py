"""Llava and Video-Llava: the plain steps, with a square canvas first or an output of another name."""

from __future__ import annotations

from graphproc.configs import legacy
from graphproc.configs.config import Config
from graphproc.configs.settings import Setting
from graphproc.errors import ConfigError
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.processors import stages
from graphproc.processors.calls import CALL_ALONE, GIVEN
from graphproc.processors.constants import BY_CROP, BY_NORMALIZE, BY_RESCALE, BY_RESIZE, BY_RESULT, CLIP, shortest, usual
from graphproc.processors.spec import ONLY_PIL, ProcessorSpec
from graphproc.processors.stages import WITHOUT_PAD

DEFAULTS = usual(shortest(224), "bicubic", CLIP, rgb=True, crop=224)


@stages.when("do_pad")
def pad_to_square(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_pad`: in the middle of a square as wide as the longer side, in the colour of `image_mean`, truncated to bytes."""
    mean = config.image_mean
    if not mean and b.backend == "pil":  # torchvision's backend fails without one
        mean = (0.0,) * x.type.channels
    if not isinstance(mean, tuple) or len(mean) != x.type.channels:
        raise ConfigError(f"image_mean: do_pad needs a number for each of {x.type.channels} channels, got {mean}")
    return stages.pad_to_square(b, x, tuple(int(v * 255) for v in mean))


@stages.when("do_resize")
def resize(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_resize` to a shortest edge or to both sides; a longest edge beside the shortest one does nothing."""
    edge = config.size.get("shortest_edge")
    sides = stages.shortest_edge_size(x, edge) if edge else stages.sides("size", config.size)
    return stages.resample(b, x, *sides, config.resample)


def pixel_values_images(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare `pixel_values_images`, or `pixel_values` where `return_legacy_image_output` is false."""
    b.output("pixel_values_images" if config.return_legacy_image_output else "pixel_values", x)


SPECS = (
    ProcessorSpec("LlavaImageProcessor", (pad_to_square, *WITHOUT_PAD), {**DEFAULTS, "do_pad": False}),
    ProcessorSpec(
        "VideoLlavaImageProcessor",
        (resize, *WITHOUT_PAD[1:]),
        {
            **DEFAULTS,
            "default_to_square": True,
            "return_legacy_image_output": Setting(True, None, "Name the output `pixel_values_images`; if false, `pixel_values`."),
        },
        settings_by_position=(
            *(*BY_RESIZE, *BY_CROP, *BY_RESCALE, *BY_NORMALIZE),
            *("do_convert_rgb", *BY_RESULT, "return_legacy_image_output"),
        ),
        outputs=("pixel_values_images",),
        model_inputs=("pixel_values",),
        finish=pixel_values_images,
        reads="pil",
        older=legacy.PLAIN_NULLS,
        unmoved=True,
        backends=ONLY_PIL,
        calls={**dict.fromkeys(DEFAULTS, GIVEN), "return_legacy_image_output": CALL_ALONE},
    ),
)
