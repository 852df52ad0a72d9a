"""PaddleOCR's classes that find and read text and tables.

Source of the defaults: transformers 5.23, `models/*/image_processing_*.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphproc import joins
from graphproc.configs.config import Config
from graphproc.configs.settings import OneOf, Setting, Whole
from graphproc.errors import ConfigError
from graphproc.ir.delivery import PARTS
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Cast, Numbers, Pad
from graphproc.ops.resample import FIXED_POINT, Resample
from graphproc.processors import stages
from graphproc.processors.calls import OWN
from graphproc.processors.constants import IMAGENET, IMAGENET_BGR, INCEPTION, NEAREST, square, usual
from graphproc.processors.families.multiples import to_bgr
from graphproc.processors.spec import ONLY_TORCHVISION, ProcessorSpec, Samples
from graphproc.sizes import fit, multiples, num
from graphproc.sizes.num import Num

WIDTH = "line_width"
"""A setting that `widest` adds to a call's: the width of all its images in pixels, where their sizes differ."""


@stages.when("do_resize")
def fixed_point(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_resize`: the longer side to the larger one of `size`, as OpenCV interpolates; `resample` says nothing."""
    edge = max(stages.sides("size", config.size))
    height, width = fit.longest_edge_half_even(x.type.size("H"), x.type.size("W"), edge)
    stages.at_least_a_pixel(b, height, width)
    return b.add(Resample(height, width, "bilinear", False, FIXED_POINT), x)


def as_floats(b: ProgramBuilder, config: Config, x: Value, height: Num, width: Num) -> Value:
    """Resize bytes as floats. For the nearest filter the order makes no difference, so it reads the bytes."""
    if config.resample == NEAREST:
        return b.add(Cast("f32"), stages.resample(b, x, height, width, NEAREST))
    return stages.resample(b, x.cast("f32"), height, width, config.resample)


@stages.when("do_resize")
def limited(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_resize`: by `limit_side_len`, `limit_type` and `max_side_limit`, to multiples of 32; `size` says nothing."""
    longest = stages.optional(config, "max_side_limit")
    limit, kind = stages.count(config, "limit_side_len"), stages.given(config, "limit_type")
    size = multiples.limited_side_rounded(x.type.size("H"), x.type.size("W"), limit, kind, longest)
    return as_floats(b, config, x, *size)


def with_target_sizes(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the pixels, and where they were resized the sizes before, to scale boxes back to."""
    b.output("pixel_values", x)
    before = (b.image.type.size("H"), b.image.type.size("W")) if config.do_resize else ()
    join = joins.STACK if config.do_resize else joins.Concatenate()
    b.output("target_sizes", b.add(Numbers(before, "f32")), join, delivery=PARTS)


def line_width(config: Config, height: Num, width: Num) -> Num:
    """Return the width of a line of text in pixels: the call's common one if it has one."""
    given = config.settings.get(WIDTH)
    if given is not None:
        return int(given)
    return fit.line_width(height, width, *stages.sides("size", config.size), stages.count(config, "max_image_width"))


def widest(config: Config, sizes: Sequence[tuple[int, int]]) -> Config:
    """Make images of different sizes as wide as the call's widest becomes; of several equally wide, the first counts."""
    if len(set(sizes)) < 2:
        return config
    return config.changed(**{WIDTH: line_width(config, *max(sizes, key=lambda size: size[1]))})


@stages.when("do_resize")
def line(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_resize`: to `size`'s height and as wide as goes with it, without antialiasing."""
    height, _ = stages.sides("size", config.size)
    return stages.resample(b, x, height, line_width(config, *_sides(x)), config.resample, antialias=False)


@stages.when("do_resize")
def line_of_floats(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_resize`: to `size`'s height and as wide as goes with it, as floats, with antialiasing."""
    height, _ = stages.sides("size", config.size)
    width = line_width(config, *_sides(x))
    # Resized to a single column, torch 2.14 repeats the value of the first row.
    b.require(width >= 2, "the line is too thin: resized, it is less than 2 pixels wide. Turn it, or raise size's height.")
    return as_floats(b, config, x, height, width)


@stages.when("do_pad")
def pad_short(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_pad`: zeros at the bottom and right of a line that is narrower than `pad_size`."""
    if config.pad_size is None:
        raise ConfigError("do_pad: needs pad_size, which is null. Set it, or do_pad to false.")
    tall, wide = stages.sides("pad_size", config.pad_size)
    height, width = _sides(x)
    short = line_width(config, *_sides(b.image)) < wide
    for name, side, limit in (("height", height, tall), ("width", width, wide)):
        message = f"the image's {name} is larger than pad_size's {limit}. Resize it or raise pad_size."
        b.require(num.either(num.negate(short), side <= limit), message)
    # Where a side is larger although the line is short, the requirement above fails.
    to_height, to_width = (num.where(short, num.maximum(limit, side), side) for limit, side in ((tall, height), (wide, width)))
    return b.add(Pad.canvas(0, 0, to_height, to_width), x)


def _sides(x: Value) -> tuple[Num, Num]:
    return x.type.size("H"), x.type.size("W")


def texts(key: str, value: Any) -> tuple[str, ...] | str:
    """Return a text, or a tuple of texts.

    Raises:
        ConfigError: the value is something else.
    """
    if isinstance(value, str):
        return value
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise ConfigError(f"{key}: expected texts, got {value!r:.80}")
    return tuple(value)


LINE = usual(
    {"height": 48, "width": 320},
    "bilinear",
    INCEPTION,
    rgb=True,
    do_pad=True,
    pad_size={"height": 48, "width": 320},
    max_image_width=Setting(3200, Whole(1), "The most pixels that a line is wide."),
    character_list=Setting((), texts, "The characters that the model recognizes, in order."),
)
LINE_CALLS = dict.fromkeys(("size", "max_image_width"), OWN)


def table_tokens(config: Config) -> dict[str, Any]:
    """Return SLANeXt's attributes: the tags that the model writes tables in, and their numbers."""
    spans = [f' {name}="{count}"' for name in ("colspan", "rowspan") for count in range(2, 21)]
    tags = ["<thead>", "</thead>", "<tbody>", "</tbody>", "<tr>", "</tr>", "<td", ">", "</td>"]
    tokens = ["sos", *tags, *spans, "<td></td>", "eos"]
    return {
        "character": tokens,
        "dict": {token: number for number, token in enumerate(tokens)},
        "td_token": ["<td>", "<td", "<td></td>"],
        "bos_id": 0,
        "eos_id": len(tokens) - 1,
    }


SPECS = (
    ProcessorSpec(
        "PPOCRV5ServerDetImageProcessor",
        (limited, stages.rescale, stages.normalize, to_bgr),
        usual(
            square(960),
            "bilinear",
            IMAGENET_BGR,
            limit_side_len=Setting(960, Whole(0), "The length in pixels that `limit_type` is about."),
            limit_type=Setting("max", OneOf(tuple(multiples.LIMITS)), "Which side has at most, at least or just that length."),
            max_side_limit=Setting(4000, Whole(0), "The longest side in pixels; null is any."),
        ),
        limitations="resample 1 (lanczos of floats)",
        outputs=("pixel_values", "target_sizes"),
        meanings={"target_sizes": "height and width of each image in pixels, as it came in"},
        model_inputs=("pixel_values",),
        backends=ONLY_TORCHVISION,
        finish=with_target_sizes,
    ),
    ProcessorSpec(
        "PPOCRV5ServerRecImageProcessor",
        (line_of_floats, stages.center_crop, stages.rescale, stages.normalize, pad_short),
        LINE,
        limitations="resample 1 (lanczos of floats); lines 1 pixel wide; in a graph of a sequence, the widest image's width",
        backends=ONLY_TORCHVISION,
        samples=Samples(settings=widest),
        calls=LINE_CALLS,
    ),
    ProcessorSpec(
        "PPOCRV6SmallRecImageProcessor",
        (line, to_bgr, stages.center_crop, stages.rescale, stages.normalize, pad_short),
        LINE,
        limitations="in a graph of a sequence, the widest image's width: each is as wide as it is alone",
        backends=ONLY_TORCHVISION,
        samples=Samples(settings=widest),
        calls=LINE_CALLS,
    ),
    ProcessorSpec(
        "SLANeXtImageProcessor",
        (fixed_point, *stages.STANDARD[1:]),
        usual(square(512), "bilinear", IMAGENET, rgb=True, do_pad=True, pad_size=square(512)),
        computed=table_tokens,
        backends=ONLY_TORCHVISION,
    ),
)
