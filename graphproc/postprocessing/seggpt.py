"""SegGPT: the lower half of a painted image, whose colours stand for classes.

Source: transformers 5.23, `post_process_semantic_segmentation` of SegGPT's Pil form.
"""

from __future__ import annotations

from graphproc.errors import ConfigError
from graphproc.ir.program import Value
from graphproc.ops import Combine, Function, Numbers, Reduce, Take, Truncate
from graphproc.ops.resample import TORCH_NEAREST, Resample
from graphproc.postprocessing.mask_semantic import NAME
from graphproc.postprocessing.method import Field, Method, Steps
from graphproc.postprocessing.semantic import OUTSIDE, result
from graphproc.processors.seggpt import palette

PAINTED = Field((3, "mask_height", "mask_width"), "CHW")


def build(steps: Steps) -> None:
    """The class of the nearest colour at each pixel, or without classes the mean of the three channels."""
    colors = _colors(steps)
    if steps.target is not None:
        colors = steps.add(Resample(*steps.target, "nearest", False, TORCH_NEAREST), colors)
    channels = [steps.add(Take(-3, channel, 1), colors) for channel in range(3)]
    labels = steps.options["num_labels"]
    if labels is None:
        mean = steps.add(Combine("divide", 3), _sum(steps, channels))
        steps.output("segmentation", steps.add(Truncate("i32"), steps.add(Reduce("sum", -3), mean)), "pad", OUTSIDE)
        return
    tables = palette(labels)
    if labels >= len(tables[0]):
        raise ConfigError(f"num_labels: expected at most {len(tables[0]) - 1}, got {labels}")
    squares = []
    for channel, table in zip(channels, tables, strict=True):
        wanted = steps.add(Numbers(table[: labels + 1], "f32", (labels + 1, 1, 1)))
        difference = steps.add(Combine("subtract"), channel, wanted)
        squares.append(steps.add(Combine("multiply"), difference, difference))
    scores = steps.add(Function("negative"), _sum(steps, squares))
    steps.output("segmentation", steps.add(Reduce("argmax", -3), scores), "pad", OUTSIDE)
    if steps.options["return_segmentation_scores"]:
        steps.output("segmentation_scores", scores, "pad")


def _colors(steps: Steps) -> Value:
    """The lower half in colours from 0 to 255."""
    x = steps["pred_masks"]
    height = x.type.size("H")
    x = steps.add(Take(-2, height // 2, height - height // 2), x)
    for operator, values in (("multiply", steps.config.image_std), ("add", steps.config.image_mean)):
        numbers = tuple(values) if isinstance(values, (list, tuple)) else (values,) * 3
        if len(numbers) != 3:
            raise ConfigError(f"image_mean and image_std: expected three numbers, got {list(numbers)}")
        x = steps.add(Combine(operator), x, steps.add(Numbers(numbers, "f32", (3, 1, 1))))
    for operator, number in (("multiply", 255), ("maximum", 0), ("minimum", 255)):
        x = steps.add(Combine(operator, number), x)
    return x


def _sum(steps: Steps, channels: list[Value]) -> Value:
    """Red and green, then blue."""
    red, green, blue = channels
    return steps.add(Combine("add"), steps.add(Combine("add"), red, green), blue)


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
