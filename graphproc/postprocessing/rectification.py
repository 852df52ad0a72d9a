"""UVDoc: pages straightened by a model's field of where each pixel comes from.

Source: transformers 5.23, `post_process_document_rectification` of `UVDocImageProcessor`; the positions and weights are those
of `torch.nn.functional.grid_sample(align_corners=True)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphproc.errors import ImageError
from graphproc.ir.program import Parity, Value
from graphproc.ops import Cast, Choose, Combine, Function, Pick, Rearrange, SelectChannels, Take, Truncate
from graphproc.ops.resample import ALIGNED, TORCH_UNFUSED, Resample
from graphproc.postprocessing.method import REQUIRED, TRANSFORMERS, Field, Method, Steps
from graphproc.sizes.num import Num

IMAGE = "original_images"
FIELDS = {
    "prediction": Field((2, "mesh_height", "mesh_width"), "CHW"),
    IMAGE: Field((3, "image_height", "image_width"), "CHW", call=True),
}
PARITY = Parity(TRANSFORMERS, 1, "of 255; torch's kernels fuse products with sums, and a value may be cut to the byte below")


def build(steps: Steps) -> None:
    """The page straightened: bytes of blue, green and red, channels last."""
    image = steps[IMAGE]
    height, width = image.type.size("H"), image.type.size("W")
    mesh = steps.add(Resample(height, width, ALIGNED, False, TORCH_UNFUSED), steps["prediction"])
    x = sampled(steps, image, place(steps, mesh, 0, width), place(steps, mesh, 1, height))
    x = steps.add(SelectChannels((2, 1, 0)), steps.add(Combine("multiply", steps.number("scale")), x))
    x = steps.add(Cast("u8"), steps.add(Truncate("i32"), x))
    steps.output("images", steps.add(Rearrange("c h w -> h w c", layout="HWC"), x), "pad")


def place(steps: Steps, mesh: Value, axis: int, side: Num) -> Value:
    """Positions from -1 to 1 along an axis, in pixels, f32 [pixels]."""
    flat = steps.add(Rearrange("1 h w -> (h w)"), steps.add(Take(-3, axis, 1), mesh))
    return steps.add(Combine("multiply", (side - 1) / 2), steps.add(Combine("add", 1), flat))


def sampled(steps: Steps, image: Value, x: Value, y: Value) -> Value:
    """An image's pixels between those around each position, 0 outside."""
    height, width = image.type.size("H"), image.type.size("W")
    pixels = steps.add(Rearrange("c h w -> (h w) c"), image)
    left, top = (steps.add(Function("floor"), v) for v in (x, y))
    right_share, lower_share = steps.add(Combine("subtract"), x, left), steps.add(Combine("subtract"), y, top)
    left_share, upper_share = (complement(steps, v) for v in (right_share, lower_share))
    right, below = (steps.add(Combine("add", 1), v) for v in (left, top))

    def corner(column: Value, row: Value, across: Value, down: Value) -> Value:
        limits = [(v, operator, limit) for v, side in ((column, width), (row, height)) for operator, limit in within(side)]
        inside = steps.all_of(*(steps.add(Combine(operator, limit), v) for v, operator, limit in limits))
        places = [steps.add(Truncate("i64"), steps.add(Choose(0), inside, v)) for v in (column, row)]
        at = steps.add(Combine("add"), steps.add(Combine("multiply", width), places[1]), places[0])
        share = steps.add(Choose(0), inside, steps.add(Combine("multiply"), across, down))
        return steps.add(Combine("multiply"), steps.add(Pick(-2), pixels, at), steps.add(Rearrange("n -> n 1"), share))

    total = corner(left, top, left_share, upper_share)
    for other in (
        corner(right, top, right_share, upper_share),
        corner(left, below, left_share, lower_share),
        corner(right, below, right_share, lower_share),
    ):
        total = steps.add(Combine("add"), total, other)
    return steps.add(Rearrange("(h w) c -> c h w", (("h", height), ("w", width)), "CHW"), total)


def within(side: Num) -> tuple[tuple[str, Num], ...]:
    """What a position in a side is."""
    return (("greater_or_equal", 0), ("less_or_equal", side - 1))


def complement(steps: Steps, x: Value) -> Value:
    """1 minus each element."""
    return steps.add(Combine("add", 1), steps.add(Function("negative"), x))


def prepare(given: Mapping[str, Any], options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The images, without the batch axes of one that they may have.

    Raises:
        ImageError: a batch has several images.
    """
    images = list(options[IMAGE])
    if any(getattr(image, "ndim", 0) == 4 and len(image) != 1 for image in images):
        raise ImageError(f"{IMAGE}: expected one image [3, height, width] in each entry, got {[tuple(i.shape) for i in images]}")
    return {IMAGE: [image[0] if getattr(image, "ndim", 0) == 4 else image for image in images]}


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """The page of one image."""
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
        sized=(),
        takes="prediction",
        prepare=prepare,
    ),
)
