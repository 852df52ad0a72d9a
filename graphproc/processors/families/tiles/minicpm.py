"""MiniCPM-V 4.6 and MiniCPM-OCR: each whole image and slices of large ones, as patches in one long row.

Source: transformers 5.23, `models/minicpmv4_6/image_processing_pil_minicpmv4_6.py` and
`models/minicpm_ocr/image_processing_minicpm_ocr.py`.
"""

from __future__ import annotations

from graphproc import joins
from graphproc.configs.config import NEEDS, Config
from graphproc.configs.settings import Setting, Whole
from graphproc.errors import ConfigError
from graphproc.ir.backends import TORCHVISION
from graphproc.ir.delivery import LISTS
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Concat, Numbers, Rearrange
from graphproc.processors import stages
from graphproc.processors.constants import BICUBIC, INCEPTION, NORMALIZE, RGB
from graphproc.processors.settings import PATCH_SIZE
from graphproc.processors.spec import ONLY_TORCHVISION, ProcessorSpec
from graphproc.sizes import num
from graphproc.sizes.num import Num
from graphproc.sizes.slices import Slices, slices

SETTINGS = {
    "max_slice_nums": Setting(9, Whole(), "The most slices of an image."),
    "scale_resolution": Setting(448, Whole(1), "The side in pixels of a square of a slice's area."),
    "patch_size": PATCH_SIZE.of(14),
    "slice_mode": Setting(True, None, "Cut large images into slices."),
    "downsample_mode": Setting("16x", None, 'How many patches make one token: 4 for "4x", 16 for others.'),
    "use_image_id": Setting(True, None, "Number images in the text; it changes nothing in images."),
}


def _slices(b: ProgramBuilder, config: Config) -> Slices:
    """Return the sizes and the grid of the image's views; without `do_resize`, those of the image and its parts.

    Raises:
        ConfigError: `small_image_upsize` is "adaptive", by which OpenCV would find sizes in the pixels.
    """
    most = stages.count(config, "max_slice_nums") if config.slice_mode else 1
    height, width = b.image.type.size("H"), b.image.type.size("W")
    merged = 2 if config.downsample_mode == "4x" else 4
    patch = stages.count(config, "patch_size")
    upsize = config.settings.get("small_image_upsize", "always")
    if upsize == "adaptive":
        raise ConfigError(
            'small_image_upsize: expected "always", or another word for never, got "adaptive", '
            "by which OpenCV looks for letters in the pixels. Choose one of the others."
        )
    cut = slices(height, width, most, stages.count(config, "scale_resolution"), patch * merged, enlarging=upsize == "always")
    if config.do_resize:
        return cut
    rows, columns = num.maximum(cut.grid.rows, 1), num.maximum(cut.grid.columns, 1)
    return Slices((height, width), cut.grid, (height // rows, width // columns), (height, width))


def patches_in_a_row(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Return the whole image and then the slices, row by row, all cut into rows of patches laid side by side.

    Raises:
        ConfigError: `do_resize` is off in torchvision's backend, which finds no sizes then.
    """
    if b.backend == TORCHVISION and not config.do_resize:
        raise ConfigError(f"do_resize: torchvision's backend always does this, got {config.do_resize}. Set it to true.")
    cut, patch = _slices(b, config), config.patch_size
    if not config.do_resize:
        for name, side, parts in zip(("height", "width"), cut.source, cut.grid, strict=True):
            message = f"without do_resize the {name} has to be slices of whole patches of {patch} pixels. Resize the image."
            b.require(num.eq(side % (num.maximum(parts, 1) * patch), 0), message)

    def view(size: tuple[Num, Num]) -> Value:
        return stages.resample(b, x, *size, config.resample) if config.do_resize else x

    whole = b.add(Rearrange("c (g p) w -> 1 c p (g w)", (("p", patch),), layout="NCHW"), view(cut.source))
    grid = Rearrange(
        "c (r g p) (k w) -> 1 c p (r k g w)", (("p", patch), ("g", cut.slice[0] // patch), ("w", cut.slice[1])), layout="NCHW"
    )
    length = cut.grid.rows * cut.grid.columns * (cut.slice[0] // patch) * cut.slice[1]
    return b.add(Concat(-1), whole, b.add(grid, view(cut.refined)).narrow(-1, 0, length))


def as_floats(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Cast pixels to float32 in torchvision's backend, unless they are bytes: the next step makes the same floats of these."""
    floats_follow = config.do_normalize or (config.do_rescale and isinstance(config.rescale_factor, float))
    if b.backend != TORCHVISION or (floats_follow and x.type.dtype == "u8" and x.type.channels > 1):
        return x
    return x.cast("f32")


def finish(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the patches of all images in one row, the rows and columns of each view, the grids, and the number of views."""
    cut, patch = _slices(b, config), config.patch_size
    count = cut.grid.rows * cut.grid.columns
    whole, each = (b.add(Numbers(tuple(side // patch for side in size), "i32", (1, 2))) for size in (cut.source, cut.slice))
    sizes = b.add(Concat(-2), whole, each.rearrange("1 f -> n f", n=count))
    b.output("pixel_values", x, joins.Concatenate(axis=-1))
    b.output("target_sizes", sizes, joins.Concatenate())
    b.output("grids", b.add(Numbers(tuple(cut.grid))), delivery=LISTS)
    b.output("num_patches_per_image", b.add(Numbers((count + 1,), shape=())), delivery=LISTS)


OUTPUTS = ("pixel_values", "target_sizes", "grids", "num_patches_per_image")
DEFAULTS = {**RGB, "do_resize": True, "resample": BICUBIC, **NORMALIZE, **INCEPTION, **SETTINGS}
STAGES = (patches_in_a_row, as_floats, stages.rescale, stages.normalize)
NEEDED = {switch: keys for switch, keys in NEEDS.items() if switch != "do_resize"}

SPECS = (
    ProcessorSpec(
        "MiniCPMOcrImageProcessor",
        STAGES,
        {
            **DEFAULTS,
            "downsample_mode": Setting("4x", None, 'How many patches make one token: 4 for "4x", 16 for others.'),
            "small_image_upsize": Setting("always", None, 'Enlarge small images: "always", or another word for never.'),
        },
        limitations='small_image_upsize="adaptive", by which OpenCV finds sizes in the pixels',
        outputs=OUTPUTS,
        model_inputs=OUTPUTS[:2],
        finish=finish,
        needs=NEEDED,
        backends=ONLY_TORCHVISION,
    ),
    ProcessorSpec(
        "MiniCPMV4_6ImageProcessor",
        STAGES,
        DEFAULTS,
        limitations="without do_resize, slices that leave a rest of the image",
        outputs=OUTPUTS,
        model_inputs=OUTPUTS[:2],
        finish=finish,
        needs=NEEDED,
    ),
)
