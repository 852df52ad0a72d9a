"""SegGPT: images, and prompts. A prompt is an image and a map of classes; the map becomes an image of colours."""

from __future__ import annotations

from graphproc.configs.config import Config
from graphproc.configs.settings import Setting, Whole
from graphproc.ir.backends import TORCHVISION
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import LookUp, SelectChannels, ToChannelsFirst
from graphproc.processors import stages
from graphproc.processors.constants import IMAGENET, NEAREST, square, usual
from graphproc.processors.spec import ExtraInput, ProcessorSpec

NUM_LABELS = Whole(0)
"""The check of a number of classes: of a setting, of a method's option and of an argument."""
STAGES = (stages.resize, stages.rescale, stages.normalize)


def palette(labels: int) -> tuple[tuple[int, ...], ...]:
    """Return the colours of the classes 0 to `labels`: 256 values of red, of green and of blue.

    Class 0 is black, and so are classes above `labels`, which are an error in transformers.

    Raises:
        ConfigError: `labels` is no whole number of at least 0.

    Source: transformers `build_palette`: a cube of colours that has room for all, counted down from white.
    """
    NUM_LABELS.used("num_labels", NUM_LABELS("num_labels", labels))
    base = int(labels ** (1 / 3)) + 1
    digits = [(n // base**2, n % base**2 // base, n % base) for n in range(min(labels, 255))]
    colors = [(0, 0, 0), *(tuple(255 - d * (256 // base) for d in digit) for digit in digits)]
    colors += [(0, 0, 0)] * (256 - len(colors))
    return tuple(zip(*colors, strict=True))


def with_prompts(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare `pixel_values`, and `prompt_pixel_values` and `prompt_masks` where the call gives prompts."""
    b.output("pixel_values", x)
    if "prompt_image" in b.extra_inputs:
        b.output("prompt_pixel_values", _processed(b, config, b.add(ToChannelsFirst(), b.extra_inputs["prompt_image"])))
    if "prompt_map" not in b.extra_inputs:
        return
    y = b.extra_inputs["prompt_map"].rearrange("h w -> 1 h w", "CHW")
    if config.do_resize:  # resized before colours are looked up, which gives the same: this filter only picks pixels
        y = stages.resize(b, config.changed(resample=NEAREST), y)
    if config.do_convert_rgb:
        labels = stages.optional(config, "num_labels")
        y = b.add(SelectChannels((0, 0, 0)) if labels is None else LookUp(palette(labels)), y)
        if b.backend == TORCHVISION and y.type.dtype != "u8":  # colours are floats there
            y = y.cast("f32")
    y = _processed(b, config.changed(do_resize=False), y)
    if config.do_convert_rgb and b.backend == TORCHVISION and y.type.dtype == "u8":  # no stage made floats of the bytes
        y = y.cast("f32")
    b.output("prompt_masks", y)


def _processed(b: ProgramBuilder, config: Config, x: Value) -> Value:
    for stage in STAGES:
        x = stage(b, config, x)
    return x


SPECS = (
    ProcessorSpec(
        "SegGptImageProcessor",
        STAGES,
        usual(
            square(448),
            "bicubic",
            IMAGENET,
            rgb=True,
            num_labels=Setting(None, NUM_LABELS, "The number of classes that prompt masks show in colours; null is none."),
        ),
        limitations="prompt_masks as images of colours (do_convert_rgb false)",
        finish=with_prompts,
        reads="plain",
        extra_inputs={
            "prompt_image": ExtraInput("prompt_images", "HWC", aligned=False),
            "prompt_map": ExtraInput("prompt_masks", aligned=False, any_type=True),
        },
    ),
)
