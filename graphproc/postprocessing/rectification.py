"""UVDoc: curved pages straightened; the model says for each pixel of the result where it comes from.

Source: transformers 5.23, `post_process_document_rectification` of `UVDocImageProcessor`. Positions and
weights are those of `torch.nn.functional.grid_sample(align_corners=True)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import add, and_
from typing import Any

from graphproc import joins
from graphproc.errors import ImageError
from graphproc.ir.program import Parity, Value
from graphproc.ir.value import where
from graphproc.ops import SelectChannels
from graphproc.ops.resample import ALIGNED, TORCH_UNFUSED, Resample
from graphproc.postprocessing.builder import MethodBuilder
from graphproc.postprocessing.method import REQUIRED, TRANSFORMERS, Field, Method
from graphproc.sizes.num import Num

IMAGE = "original_images"
FIELDS = {
    "prediction": Field((2, "mesh_height", "mesh_width"), "CHW"),
    IMAGE: Field((3, "image_height", "image_width"), "CHW", call=True),
}
PARITY = Parity(
    TRANSFORMERS, 1, "of 255; torch's compiled code fuses products with sums, and a value may be cut to the byte below"
)


def build(b: MethodBuilder) -> None:
    """Return the straightened page: bytes of blue, green and red, channels last."""
    image = b[IMAGE]
    height, width = image.type.size("H"), image.type.size("W")
    mesh = b.add(Resample(height, width, ALIGNED, False, TORCH_UNFUSED), b["prediction"])
    x = sampled(image, place(mesh, 0, width), place(mesh, 1, height))
    x = b.add(SelectChannels((2, 1, 0)), x * b.number("scale"))
    x = x.truncate("i32").cast("u8")
    b.output("images", x.rearrange("c h w -> h w c", "HWC"), joins.Pad())


def place(mesh: Value, axis: int, side: Num) -> Value:
    """Turn the mesh's positions along an axis, from -1 to 1, into pixels, f32 [pixels]."""
    return (mesh.narrow(-3, axis, 1).rearrange("1 h w -> (h w)") + 1) * ((side - 1) / 2)


def sampled(image: Value, x: Value, y: Value) -> Value:
    """Interpolate an image linearly between the four pixels around each position; pixels outside are 0."""
    height, width = image.type.size("H"), image.type.size("W")
    pixels = image.rearrange("c h w -> (h w) c")
    left, top = x.floor(), y.floor()
    right_share, lower_share = x - left, y - top
    left_share, upper_share = 1 - right_share, 1 - lower_share
    right, below = left + 1, top + 1

    def whole(v: Value, inside: Value) -> Value:
        return where(inside, v, 0).truncate("i64")

    def corner(column: Value, row: Value, across: Value, down: Value) -> Value:
        limits = column >= 0, column <= width - 1, row >= 0, row <= height - 1
        inside = reduce(and_, limits)
        places = whole(column, inside), whole(row, inside)
        at = places[1] * width + places[0]
        share = where(inside, across * down, 0)
        return pixels[at] * share.rearrange("n -> n 1")

    corners = (
        corner(left, top, left_share, upper_share),
        corner(right, top, right_share, upper_share),
        corner(left, below, left_share, lower_share),
        corner(right, below, right_share, lower_share),
    )
    total = reduce(add, corners)
    return total.rearrange("(h w) c -> c h w", "CHW", h=height, w=width)


def prepare(given: Mapping[str, Any], options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the images, without a batch axis of length 1 if they have one.

    Raises:
        ImageError: a batch has several images.
    """
    images = list(options[IMAGE])
    if any(getattr(image, "ndim", 0) == 4 and len(image) != 1 for image in images):
        raise ImageError(f"{IMAGE}: expected one image [3, height, width] in each entry, got {[tuple(i.shape) for i in images]}")
    return {IMAGE: [image[0] if getattr(image, "ndim", 0) == 4 else image for image in images]}


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return one image's page."""
    return {"images": outputs["images"]}


METHODS = (
    Method(
        "post_process_document_rectification",
        ("UVDocImageProcessor",),
        FIELDS,
        build,
        result,
        {IMAGE: REQUIRED, "scale": 255.0},
        parity=PARITY,
        size_arguments=(),
        first_argument="prediction",
        prepare=prepare,
    ),
)
