"""Document pages: margins cut off, turned, scaled to fit, and put in the middle of a page of one size.

Source of the defaults: transformers 5.23, `models/*/image_processing_*.py`.
"""

from __future__ import annotations

from graphproc.configs import legacy
from graphproc.configs.config import Config
from graphproc.configs.settings import Setting, flag
from graphproc.errors import ConfigError
from graphproc.ir.backends import TORCHVISION
from graphproc.ir.delivery import NESTED, NUMBERS, STACKED, TUPLES
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import AveragePool, ContentBox, Numbers, Pad, Resample, Rotate, Slice
from graphproc.processors import stages
from graphproc.processors.constants import BICUBIC, IMAGENET, INCEPTION, NORMALIZE, resize_to, square, usual
from graphproc.processors.padding import padded
from graphproc.processors.settings import PATCH_SIDES
from graphproc.processors.spec import ONLY_TORCHVISION, ProcessorSpec
from graphproc.sizes import fit, num
from graphproc.sizes.rules import Size

REDUCING_GAP = 2.0
"""How many times Nougat's thumbnail still shrinks an image after Pillow averaged blocks of pixels."""


def crop_margin(b: ProgramBuilder, config: Config, x: Value, threshold: int = 200) -> Value:
    """Apply `do_crop_margin`: only the box around the page's content, which is darker than a threshold."""
    if not config.do_crop_margin:
        return x
    content = ContentBox(threshold, stages.BYTE_ARITHMETICS[b.backend])
    box = b.name_sizes(b.add(content, x), content_top=0, content_left=0, content_height=1, content_width=1)
    return b.add(Slice.window(*box), x)


def align_long_axis(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_align_long_axis`: a quarter turn clockwise where the image is wide and the page tall, or the other way round."""
    height, width = stages.sides("size", config.size)
    if not config.do_align_long_axis or height == width:
        return x
    rows, columns = x.type.size("H"), x.type.size("W")
    return b.add(Rotate(rows < columns if width < height else rows > columns, 3), x)


def aligned(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_align_long_axis`; refuse it in torchvision's backend, which turns the wrong axes and fails.

    Raises:
        ConfigError: the backend is torchvision's, and images are to be turned.
    """
    height, width = stages.sides("size", config.size)
    if b.backend == TORCHVISION and config.do_align_long_axis and height != width:
        raise ConfigError("do_align_long_axis: torchvision's backend cannot turn images. Turn them before, and set it to false.")
    return align_long_axis(b, config, x)


@stages.when("do_resize")
def shorter_side(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_resize`: the shorter side to the page's shorter side."""
    return stages.resample(b, x, *stages.shortest_edge_size(x, min(stages.sides("size", config.size))), config.resample)


@stages.when("do_thumbnail")
def thumbnail(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_thumbnail`: shrunk to fit the page; in Pillow's backend, a filter of 0 stands for bicubic."""
    size = fit.thumbnail(x.type.size("H"), x.type.size("W"), *stages.sides("size", config.size))
    filter = config.resample if b.backend == TORCHVISION else config.resample or BICUBIC
    return stages.resample(b, x, *size, filter, keeps_size=True)


@stages.when("do_thumbnail")
def reduced_thumbnail(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_thumbnail`: shrunk to fit the page, bicubic.

    Where an image shrinks much, Pillow averages blocks of pixels first.
    """
    rows, columns = x.type.size("H"), x.type.size("W")
    size = fit.thumbnail(rows, columns, *stages.sides("size", config.size))
    height, width = stages.at_least_a_pixel(b, *size, "thumbnail's")
    if b.backend == TORCHVISION:
        return stages.resample(b, x, height, width, BICUBIC)
    r = fit.reduction(rows, columns, height, width, REDUCING_GAP)
    x = b.add(AveragePool(r.factor_height, r.factor_width), x)
    return b.add(Resample(height, width, "bicubic", extent=(r.box_height, r.box_width), keeps_size=True), x)


@stages.when("do_pad")
def center_on_page(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_pad`: zeros all around up to the page's size."""
    height, width = stages.sides("size", config.size)
    rows, columns = x.type.size("H"), x.type.size("W")
    for name, side, limit in (("height", rows, height), ("width", columns, width)):
        b.require(side <= limit, f"the image's {name} is larger than size's {limit}. Resize it, or make it a thumbnail.")
    return b.add(Pad.canvas((height - rows) // 2, (width - columns) // 2, height, width), x)


def on_page(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_pad`: the page's middle, with zeros all around; torchvision's backend cuts off what is larger than the page."""
    if b.backend != TORCHVISION or not config.do_pad:
        return center_on_page(b, config, x)
    (height, width), rows, columns = stages.sides("size", config.size), x.type.size("H"), x.type.size("W")
    # Pixels missing in front. A negative number is cut off there: the larger half of what is too much.
    top, left = (height - rows) // 2, (width - columns) // 2
    inside = num.minimum(rows, height), num.minimum(columns, width)
    x = b.add(Slice.window(num.maximum(0 - top, 0), num.maximum(0 - left, 0), *inside), x)
    return b.add(Pad.canvas(num.maximum(top, 0), num.maximum(left, 0), height, width), x)


def shrunk(config: Config, x: Value) -> Size:
    """Return the size after `do_resize`: reduced to fit inside `size`; smaller images keep theirs."""
    height, width = x.type.size("H"), x.type.size("W")
    return fit.shrink_within(height, width, *stages.sides("size", config.size)) if config.do_resize else (height, width)


def shrink(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_resize`: shrunk to inside `size`; smaller images keep theirs."""
    return stages.resample(b, x, *shrunk(config, x), config.resample, keeps_size=True) if config.do_resize else x


def canvas(config: Config) -> Size:
    """Return the page's height and width in pixels."""
    return stages.sides("size", config.size)


@stages.when("do_pad")
def fill_page(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_pad`: `padding_value`, in the pixels' units at this step, or the image mirrored, at the bottom and right."""
    height, width = canvas(config)
    if b.backend == TORCHVISION:
        return padded(b, x, (0, 0, height, width), config.padding_value, config.padding_mode)
    if not config.do_resize:  # an image that is larger both ways stays as it is
        rows, columns = x.type.size("H"), x.type.size("W")
        alike = num.either(num.both(rows <= height, columns <= width), num.both(rows >= height, columns >= width))
        b.require(alike, f"one side of the image is larger than size's, {height} x {width}, and one smaller. Resize it.")
        height, width = num.maximum(rows, height), num.maximum(columns, width)
    mode, value = config.padding_mode, config.padding_value
    if mode in ("symmetric", "reflect", "edge"):
        return b.add(Pad.canvas(0, 0, height, width, mode=mode), x)
    if mode != "constant" or isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 256:
        raise ConfigError(
            "padding_mode, padding_value: expected constant and a number of 0 to 255, or symmetric, reflect or edge, "
            f"got {mode!r} and {value!r}"
        )
    return b.add(Pad.canvas(0, 0, height, width, int(value) if value == int(value) else value), x)


def with_scales(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the image as a sample's only one, its sizes before and after the resize, and the scale, new by old height."""
    before = b.image.type
    height, width = shrunk(config, b.image)
    b.output("images", x.rearrange("c h w -> 1 c h w", "NCHW"), delivery=STACKED if b.backend == TORCHVISION else NESTED)
    b.output("image_unpadded_heights", b.add(Numbers((height,))), delivery=NUMBERS)
    b.output("image_unpadded_widths", b.add(Numbers((width,))), delivery=NUMBERS)
    b.output("image_scale_factors", b.add(Numbers((height / before.size("H"),), "f64")), delivery=NUMBERS)
    b.output("image_sizes", b.add(Numbers((before.size("H"), before.size("W")))), delivery=TUPLES)


DO_CROP_MARGIN = Setting(True, flag, "Cut off the margins around a page's content.")
PAGE = {
    **NORMALIZE,
    "do_thumbnail": Setting(True, flag, "Shrink an image that is larger than the page."),
    "do_align_long_axis": Setting(False, flag, "Turn a wide image for a high page, and a high one for a wide page."),
    "do_pad": True,
}
CONTENT_ON_PAGE = (crop_margin, aligned, shorter_side, reduced_thumbnail, on_page, stages.rescale, stages.normalize)

SPECS = (
    ProcessorSpec(
        "DonutImageProcessor",
        (align_long_axis, shorter_side, thumbnail, on_page, *stages.STANDARD[1:-1]),
        {**resize_to({"height": 2560, "width": 1920}, "bilinear"), **PAGE, **INCEPTION},
        older=legacy.DONUT,
    ),
    ProcessorSpec(
        "FuyuImageProcessor",
        (shrink, fill_page, stages.rescale, stages.normalize),
        usual(
            {"height": 1080, "width": 1920},
            "bilinear",
            image_mean=0.5,
            image_std=0.5,
            do_pad=True,
            padding_value=Setting(1.0, None, "The value of a constant padding, as a byte."),
            padding_mode=Setting("constant", None, "What the padding is: constant, symmetric, reflect or edge."),
            patch_size=PATCH_SIDES.of({"height": 30, "width": 30}),
        ),
        limitations="samples of several images: transformers describes only the first",
        outputs=("images", "image_unpadded_heights", "image_unpadded_widths", "image_scale_factors", "image_sizes"),
        model_inputs=(
            "images",
            "image_input_ids",
            "image_patches",
            "image_patch_indices_per_batch",
            "image_patch_indices_per_subsequence",
        ),
        finish=with_scales,
    ),
    ProcessorSpec(
        "NougatImageProcessor",
        CONTENT_ON_PAGE,
        {
            **resize_to({"height": 896, "width": 672}, "bilinear"),
            **PAGE,
            **IMAGENET,
            "do_crop_margin": DO_CROP_MARGIN,
        },
        limitations="do_align_long_axis with torchvision's backend, which fails on images that are to be turned",
    ),
    ProcessorSpec(
        "PPFormulaNetImageProcessor",
        CONTENT_ON_PAGE,
        {
            **resize_to(square(768), "bilinear"),
            **PAGE,
            "image_mean": (0.7931, 0.7931, 0.7931),
            "image_std": (0.1738, 0.1738, 0.1738),
            "do_crop_margin": DO_CROP_MARGIN,
        },
        limitations="do_align_long_axis, which fails on images that are to be turned",
        backends=ONLY_TORCHVISION,
    ),
)
