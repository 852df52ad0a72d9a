"""Depth maps, and maps of normals (directions of surfaces), at the size of the image.

Source: transformers 5.23, `post_process_depth_estimation` and `post_process_normal_estimation` of the classes below.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from graphproc import joins
from graphproc.errors import ConfigError, ImageError
from graphproc.ir.program import Parity, Value
from graphproc.ir.value import maximum
from graphproc.ops import Numbers, Slice
from graphproc.ops.resample import ALIGNED, NEAREST_EXACT, TORCH_NEAREST, TORCH_UNFUSED, Resample
from graphproc.postprocessing.builder import MethodBuilder
from graphproc.postprocessing.method import TRANSFORMERS, Field, Method, over_pixels
from graphproc.processors.constants import BICUBIC, BILINEAR, NEAREST
from graphproc.sizes import num
from graphproc.sizes.num import Num

CLASSES = ("DPTImageProcessor", "PromptDepthAnythingImageProcessor")
NAME = "post_process_depth_estimation"
NORMALS = "post_process_normal_estimation"
DEPTH = {"predicted_depth": Field(("depth_height", "depth_width"), "HW")}
PARITY = Parity(TRANSFORMERS, 1e-5, "relative to the largest depth; torch's compiled code fuses products with sums")
OF_ANGLES = Parity(
    TRANSFORMERS,
    1e-5,
    "relative to the largest depth; sines and cosines are the runtime's, and torch's compiled code fuses products with sums",
)
VIEW = "field_of_view"
FILTERS = {BILINEAR: "bilinear", BICUBIC: "bicubic"}
"""DepthPro's filters by its setting `resample`; nearest pixels have an arithmetic of their own."""
NEAREST_DEPTH, FARTHEST_DEPTH = 1e-4, 1e4
"""Inverse depths of DepthPro are clipped to this range."""
SHORTEST = 1e-12
"""The least that normals are divided by, so that none is divided by 0."""


def resize_map(b: MethodBuilder, image: Value, size: tuple[Num, ...] | None, filter: str = "bicubic", weights: str = "") -> Value:
    """Resize an image [C, H, W] to (height, width) if there is a size; without antialiasing."""
    return image if size is None else b.add(Resample(size[0], size[1], filter, False, TORCH_UNFUSED, weights=weights), image)


def finish(b: MethodBuilder, depth: Value) -> None:
    """Declare the output, a map [H, W], of an image of one channel."""
    b.output("predicted_depth", depth.rearrange("1 h w -> h w", "HW"), joins.Pad())


def as_image(b: MethodBuilder) -> Value:
    """Read the model's depths as an image of one channel."""
    return b["predicted_depth"].rearrange("h w -> 1 h w", "CHW")


def build(b: MethodBuilder) -> None:
    """Resize the depths to the wanted size, by cubic interpolation."""
    finish(b, resize_map(b, as_image(b), b.target))


def build_linear(b: MethodBuilder) -> None:
    """Resize the depths to the wanted size, by linear interpolation."""
    finish(b, resize_map(b, as_image(b), b.target, "bilinear"))


def build_aligned(b: MethodBuilder) -> None:
    """Resize the depths to the wanted size, by linear interpolation between the corners' pixels."""
    finish(b, resize_map(b, as_image(b), b.target, ALIGNED))


def build_pro(b: MethodBuilder) -> None:
    """Make depths of the model's inverse depths, for the camera's field of view, at the wanted size."""
    depth, size, view = as_image(b), b.target, None
    if VIEW in b:
        view = b[VIEW]
        b.output(VIEW, view)
    if size is not None:
        if view is not None:
            width, focal = focal_length(view, size[1])
            b.output("focal_length", focal.max())
            depth = depth * over_pixels(width) / over_pixels(focal)
        depth = as_set(b, depth, size)
    finish(b, 1 / depth.clip(NEAREST_DEPTH, FARTHEST_DEPTH))


def focal_length(view: Value, width: Num) -> tuple[Value, Value]:
    """Compute an image's width, and the focal length for its field of view in degrees; both in pixels, f32 [1]."""
    half = view.rearrange("-> 1") * (math.pi / 180) * 0.5
    tangent = half.sin() / half.cos()
    whole = view.builder.add(Numbers((width,))).cast("f32")
    return whole, whole * 0.5 / tangent


def as_set(b: MethodBuilder, image: Value, size: tuple[Num, Num]) -> Value:
    """Resize an image as the processor's `resample` says.

    Raises:
        ConfigError: the setting is not nearest, bilinear or bicubic.
    """
    resample = b.config.resample
    if resample == NEAREST:
        return b.add(Resample(*size, NEAREST_EXACT, False, TORCH_NEAREST), image)
    if resample not in FILTERS:
        raise ConfigError(
            f"resample: expected {NEAREST}, {BILINEAR} or {BICUBIC} (nearest, bilinear, bicubic) to resize depths, "
            f"got {resample!r}"
        )
    return resize_map(b, image, size, FILTERS[resample])


def build_normals(b: MethodBuilder) -> None:
    """Make vectors of length 1, then resize them to the wanted size, by linear interpolation."""
    b.output("normals", resize_map(b, unit_vectors(b["normals"], SHORTEST), b.target, "bilinear"), joins.Pad())


def unit_vectors(x: Value, shortest: float) -> Value:
    """Divide the vector at each pixel, f32 [3, H, W], by its length, or by `shortest` if that is larger."""
    return x / maximum((x * x).sum(-3, keepdims=True).sqrt(), shortest)


def padding(side: Num) -> Num:
    """Compute by how many pixels a side was padded at each end: `int(sqrt(side / 2) * 3)`."""
    return num.trunc(num.sqrt(side / 2) * 3)


def build_zoe(b: MethodBuilder) -> None:
    """Resize the depths to the padded image, cut the padding off, then resize them to the wanted size."""
    remove = b.options["do_remove_padding"]
    remove = b.config.do_pad if remove is None else remove
    depth, source = as_image(b), b.sizes.get("source_sizes")
    if source is None and remove:
        raise ConfigError(
            "source_sizes: expected (height, width) of each image to remove its padding, got none. Give them, or "
            "set do_remove_padding to false."
        )
    if source is not None:
        height, width = source
        top, left = (padding(height), padding(width)) if remove else (0, 0)
        depth = resize_map(b, depth, (height + 2 * top, width + 2 * left), weights="f32")  # by torchvision
        if remove:
            depth = b.add(Slice.window(top, left, height, width), depth)
    finish(b, resize_map(b, depth, b.sizes.get("target_sizes"), weights="f32"))


def prepare(given: Mapping[str, Any], options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Take the mean with the depths of the mirrored image, if the model was also run on that."""
    mirrored = options["outputs_flipped"]
    if mirrored is None:
        return {}
    depth = given["predicted_depth"]
    other = mirrored["predicted_depth"] if isinstance(mirrored, Mapping) else mirrored.predicted_depth
    if tuple(other.shape) != tuple(depth.shape):
        raise ImageError(f"outputs_flipped: expected depths {list(depth.shape)}, got the shape {list(other.shape)}")
    return {"predicted_depth": (depth + (other.flip(-1) if hasattr(other, "detach") else other[..., ::-1])) / 2}


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return one image's map."""
    return {"predicted_depth": outputs["predicted_depth"]}


def squeezed_result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return one image's map; resized to one row or column, it loses that axis, as upstream."""
    return {"predicted_depth": squeezed(outputs["predicted_depth"], options)}


def squeezed(depth: Any, options: Mapping[str, Any]) -> Any:
    """Drop axes of length 1, if the map was resized."""
    return depth if options["target_sizes"] is None else np.squeeze(depth)


def pro_result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return one image's map, field of view and focal length; None for what was not computed."""
    numbers = {name: outputs.get(name) for name in (VIEW, "focal_length")}
    return {"predicted_depth": squeezed(outputs["predicted_depth"], options), **numbers}


def normals_result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return one image's map."""
    return {"normals": outputs["normals"]}


METHODS = (
    Method(NAME, CLASSES, DEPTH, build, squeezed_result, {"target_sizes": None}, parity=PARITY),
    Method(NAME, ("GLPNImageProcessor",), DEPTH, build, result, {"target_sizes": None}, parity=PARITY),
    Method(
        NAME,
        ("ZoeDepthImageProcessor",),
        DEPTH,
        build_zoe,
        result,
        {"source_sizes": None, "target_sizes": None, "outputs_flipped": None, "do_remove_padding": None},
        parity=PARITY,
        size_arguments=("source_sizes", "target_sizes"),
        python_only_options=("outputs_flipped",),
        prepare=prepare,
    ),
    Method(NAME, ("Tipsv2DptImageProcessor",), DEPTH, build_linear, squeezed_result, {"target_sizes": None}, parity=PARITY),
    Method(NAME, ("CHMv2ImageProcessor",), DEPTH, build_aligned, squeezed_result, {"target_sizes": None}, parity=PARITY),
    Method(
        NAME,
        ("DepthProImageProcessor",),
        {**DEPTH, VIEW: Field((), optional=True)},
        build_pro,
        pro_result,
        {"target_sizes": None},
        parity=OF_ANGLES,
    ),
    Method(
        NORMALS,
        ("Tipsv2DptImageProcessor",),
        {"normals": Field((3, "depth_height", "depth_width"), "CHW")},
        build_normals,
        normals_result,
        {"target_sizes": None},
        parity=PARITY,
    ),
)
