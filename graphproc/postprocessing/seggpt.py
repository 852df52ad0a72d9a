"""SegGPT: classes read off the lower half of a painted image, where colours stand for classes.

Source: transformers 5.23, `post_process_semantic_segmentation` of `SegGptImageProcessorPil`.
"""

from __future__ import annotations

from graphproc import joins
from graphproc.errors import ConfigError
from graphproc.ir.program import Value
from graphproc.ops import Numbers
from graphproc.ops.resample import TORCH_NEAREST, Resample
from graphproc.postprocessing.builder import MethodBuilder
from graphproc.postprocessing.mask_semantic import NAME
from graphproc.postprocessing.method import Field, Method
from graphproc.postprocessing.semantic import OUTSIDE, result
from graphproc.processors.families.prompts import palette

PAINTED = Field((3, "mask_height", "mask_width"), "CHW")


def build(b: MethodBuilder) -> None:
    """Return the class of the nearest colour at each pixel; without `num_labels` the mean of the three channels."""
    colors = _colors(b)
    if b.target is not None:
        colors = b.add(Resample(*b.target, "nearest", False, TORCH_NEAREST), colors)
    channels = [colors.narrow(-3, channel, 1) for channel in range(3)]
    labels = b.options["num_labels"]
    if labels is None:
        mean = _sum(channels) / 3
        b.output("segmentation", mean.sum(-3).truncate("i32"), joins.Pad(OUTSIDE))
        return
    tables = palette(labels)
    if labels >= len(tables[0]):
        raise ConfigError(f"num_labels: expected at most {len(tables[0]) - 1}, got {labels}")
    squares = []
    for channel, table in zip(channels, tables, strict=True):
        difference = channel - b.add(Numbers(table[: labels + 1], "f32", (labels + 1, 1, 1)))
        squares.append(difference * difference)
    scores = -_sum(squares)
    b.output("segmentation", scores.argmax(-3), joins.Pad(OUTSIDE))
    if b.options["return_segmentation_scores"]:
        b.output("segmentation_scores", scores, joins.Pad())


def _colors(b: MethodBuilder) -> Value:
    """Return the lower half of the painted image as colours from 0 to 255, f32 [3, H, W]."""
    x = b["pred_masks"]
    height = x.type.size("H")
    x = x.narrow(-2, height // 2, height - height // 2)
    x = x * _per_channel(b, "image_std")
    x = x + _per_channel(b, "image_mean")
    return (x * 255).clip(0, 255)


def _per_channel(b: MethodBuilder, name: str) -> Value:
    """Return a mean or standard deviation as an operand for images, f32 [3, 1, 1].

    Raises:
        ConfigError: it is neither one number nor three.
    """
    setting = getattr(b.config, name)
    numbers = tuple(setting) if isinstance(setting, (list, tuple)) else (setting,) * 3
    if len(numbers) != 3:
        raise ConfigError(f"image_mean and image_std: expected three numbers, got {list(numbers)}")
    return b.add(Numbers(numbers, "f32", (3, 1, 1)))


def _sum(channels: list[Value]) -> Value:
    """Add red and green, then blue: the order of the sum decides how it is rounded."""
    red, green, blue = channels
    return red + green + blue


METHODS = (
    Method(
        NAME,
        ("SegGptImageProcessor",),
        {"pred_masks": PAINTED},
        build,
        result,
        {"target_sizes": None, "num_labels": None, "return_segmentation_scores": False},
    ),
)
