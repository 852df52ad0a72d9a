"""VitPose: each box and what is around it, warped to one size."""

from __future__ import annotations

from graphproc import joins
from graphproc.configs.config import Config
from graphproc.configs.settings import Above, Setting, flag
from graphproc.ir.backends import PIL
from graphproc.ir.delivery import PARTS
from graphproc.ir.program import Parity, ProgramBuilder, Value
from graphproc.ops import AffineWarp, Rearrange
from graphproc.processors import stages
from graphproc.processors.constants import IMAGENET, NORMALIZE
from graphproc.processors.spec import PIL_PARITY, ExtraInput, ProcessorSpec


@stages.when("do_affine_transform")
def warp(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_affine_transform`: one tile for each box."""
    factor = stages.number(config, "normalize_factor")
    # transformers takes the first axis of an image with 3 rows or fewer for its channels
    b.require(x.type.size("H") > x.type.channels, "boxes are warped from images of at least 4 rows. Use a taller image.")
    boxes = b.extra_inputs["box"]
    copies = b.add(Rearrange("c h w -> n c h w", (("n", boxes.type.size("N")),), "NCHW"), x)
    return b.add(AffineWarp(*stages.sides("size", config.size), float(factor)), copies, boxes)


def tiles(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare `pixel_values`: the crops of all images' boxes, one after another."""
    b.output("pixel_values", x, joins.Concatenate() if config.do_affine_transform else joins.STACK, delivery=PARTS)


SPECS = (
    ProcessorSpec(
        "VitPoseImageProcessor",
        (warp, stages.rescale, stages.normalize),
        {
            "size": {"height": 256, "width": 192},
            **NORMALIZE,
            **IMAGENET,
            "do_affine_transform": Setting(True, flag, "Cut a crop out around each box."),
            "normalize_factor": Setting(200.0, Above(0), "The pixels that a box's scale is counted in."),
        },
        parity={
            PIL: Parity(
                f"{PIL_PARITY.compared_with} and scipy",
                1 / 255 / 0.224 * 1.001,
                "where a pixel's exact value is within 1e-10 of a half, LAPACK's last bit decides its rounding; another "
                "rescale_factor or image_std scales that",
            )
        },
        extra_inputs={"box": ExtraInput("boxes", "NF", "f64", required=True)},
        finish=tiles,
    ),
)
