"""Step 3.7: the whole image, and square windows of large and of elongated images.

Source: transformers 5.23, `models/step3p7/image_processing_step3p7.py`.
"""

from __future__ import annotations

from graphproc import joins
from graphproc.configs.config import Config
from graphproc.configs.settings import Setting, Whole
from graphproc.ir.delivery import OMITTED_IF_EMPTY, STACKED, Delivery
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Cast, Concat, Full, Pad, Rearrange
from graphproc.processors import stages, tiling
from graphproc.processors.calls import OWN
from graphproc.processors.constants import BILINEAR, CLIP, NORMALIZE, RGB, square
from graphproc.processors.spec import ONLY_TORCHVISION, ProcessorSpec
from graphproc.sizes import num
from graphproc.sizes.canvas import Grid
from graphproc.sizes.windows import snapped_windows

OUTPUTS = ("pixel_values", "num_local_patches", "pixel_values_local", "patch_newline_masks")


def views_and_windows(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the whole images, how many windows each has, and where there are any, the windows and where rows end."""
    view, side = stages.sides("size", config.size or {})[0], stages.count(config, "patch_size")
    height, width = x.type.size("H"), x.type.size("W")
    snapped = snapped_windows(height, width, view, side, stages.count(config, "max_image_size"))
    x = b.add(Pad.canvas(0, 0, *snapped.padded), x)
    whole = tiling.resample(b, config, tiling.resample(b, config, x, *snapped.shrunk), view, view)
    b.output("pixel_values", tiling.rescale_and_normalize(b, config, whole), delivery=STACKED)
    tiling.size_output(b, "num_local_patches", snapped.grid.rows * snapped.grid.columns)
    windows = tiling.cut(b, tiling.resample(b, config, x, *snapped.canvas), *snapped.window)
    windows = tiling.tiles_if(b, snapped.grid.rows > 0, tiling.resample(b, config, windows, side, side))
    b.output(
        "pixel_values_local", tiling.rescale_and_normalize(b, config, windows), joins.Concatenate(), delivery=OMITTED_IF_EMPTY
    )
    b.output("patch_newline_masks", row_ends(b, snapped.grid), joins.Pad(), delivery=Delivery("lists", omit_if_empty=True))


def row_ends(b: ProgramBuilder, grid: Grid) -> Value:
    """Tell for each window, as bools [windows], whether a row ends with it. The last row does not count as ended."""
    before = b.add(Full((1, num.maximum(grid.columns - 1, 0)), 0, "i64"))
    row = b.add(Concat(-1), before, b.add(Full((1, 1), 1, "i64")))
    rows = b.add(Rearrange("1 k -> (r k)", (("r", num.maximum(grid.rows - 1, 0)),)), row)
    return b.add(Cast("bool"), b.add(Pad.end(-1, grid.rows * grid.columns), rows))


SPECS = (
    ProcessorSpec(
        "Step3p7ImageProcessor",
        (),
        {
            **RGB,
            "size": square(728),
            "resample": BILINEAR,
            **NORMALIZE,
            **CLIP,
            "patch_size": Setting(504, Whole(1), "The side of a tile, in pixels."),
            "max_image_size": Setting(
                3024, Whole(1), "The longest side in pixels; larger images are shrunk before they are cut."
            ),
        },
        outputs=OUTPUTS,
        model_inputs=("pixel_values", "pixel_values_local", "num_local_patches"),
        backends=ONLY_TORCHVISION,
        finish=views_and_windows,
        calls={"max_image_size": OWN},
        about_model={"vision_patch_size": 14, "downsampler_stride": 4},
    ),
)
