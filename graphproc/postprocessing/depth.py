"""Depth maps at the size of the image.

Source: transformers 5.23, `post_process_depth_estimation` of the classes below.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphproc.errors import ConfigError, ImageError
from graphproc.ir.program import Parity, Value
from graphproc.ops import Crop, Interpolate, Rearrange
from graphproc.postprocessing.method import TRANSFORMERS, Field, Method, Steps
from graphproc.sizes import num
from graphproc.sizes.num import Num

CLASSES = ("DPTImageProcessor", "GLPNImageProcessor", "PromptDepthAnythingImageProcessor")
NAME = "post_process_depth_estimation"
DEPTH = {"predicted_depth": Field(("depth_height", "depth_width"), "HW")}
PARITY = Parity(TRANSFORMERS, 1e-5, "relative to the largest depth; torch's kernels fuse products with sums")


def resized(steps: Steps, depth: Value, size: tuple[Num, ...] | None) -> Value:
    """An image of one channel at a size, by cubic interpolation."""
    return depth if size is None else steps.add(Interpolate(size[0], size[1], "cubic"), depth)


def finish(steps: Steps, depth: Value) -> None:
    """One output, a map."""
    steps.output("predicted_depth", steps.add(Rearrange("1 h w -> h w", layout="HW"), depth), "pad")


def as_image(steps: Steps) -> Value:
    """The model's depths as an image of one channel."""
    return steps.add(Rearrange("h w -> 1 h w", layout="CHW"), steps["predicted_depth"])


def build(steps: Steps) -> None:
    """The depths at the wanted size, by cubic interpolation."""
    finish(steps, resized(steps, as_image(steps), steps.target))


def padding(side: Num) -> Num:
    """How far a side was padded at each end: `int(sqrt(side / 2) * 3)` pixels."""
    return num.trunc(num.sqrt(side / 2) * 3)


def build_zoe(steps: Steps) -> None:
    """The depths at the size of the padded image, without the padding, then at the wanted size."""
    remove = steps.options["do_remove_padding"]
    remove = steps.config.do_pad if remove is None else remove
    depth, source = as_image(steps), steps.sizes.get("source_sizes")
    if source is None and remove:
        raise ConfigError(
            "source_sizes: expected (height, width) of each image to remove its padding, got none. Give them, or "
            "set do_remove_padding to false."
        )
    if source is not None:
        height, width = source
        top, left = (padding(height), padding(width)) if remove else (0, 0)
        depth = resized(steps, depth, (height + 2 * top, width + 2 * left))
        if remove:
            depth = steps.add(Crop(top, left, height, width), depth)
    finish(steps, resized(steps, depth, steps.sizes.get("target_sizes")))


def prepare(given: Mapping[str, Any], options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The mean of the depths and those of the mirrored image, where the model was run on that too."""
    mirrored = options["outputs_flipped"]
    if mirrored is None:
        return {}
    depth = given["predicted_depth"]
    other = mirrored["predicted_depth"] if isinstance(mirrored, Mapping) else mirrored.predicted_depth
    if tuple(other.shape) != tuple(depth.shape):
        raise ImageError(f"outputs_flipped: expected depths {list(depth.shape)}, got the shape {list(other.shape)}")
    return {"predicted_depth": (depth + (other.flip(-1) if hasattr(other, "detach") else other[..., ::-1])) / 2}


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """The map of one image."""
    return {"predicted_depth": outputs["predicted_depth"]}


METHODS = (
    Method(NAME, CLASSES, DEPTH, build, result, {"target_sizes": None}, parity=PARITY),
    Method(
        NAME,
        ("ZoeDepthImageProcessor",),
        DEPTH,
        build_zoe,
        result,
        {"source_sizes": None, "target_sizes": None, "outputs_flipped": None, "do_remove_padding": None},
        parity=PARITY,
        sized=("source_sizes", "target_sizes"),
        left_to_python=("outputs_flipped",),
        prepare=prepare,
    ),
)
