"""Pix2Struct and Kosmos-2.5: the image standardised, resized as floats, and cut into patches with their positions.

Source: transformers 5.23, `models/pix2struct` and `models/kosmos2_5`, `image_processing_*.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from graphproc.configs.config import Config
from graphproc.configs.settings import Setting, Whole
from graphproc.errors import ConfigError
from graphproc.ir.backends import PIL, TORCHVISION
from graphproc.ir.op import Op
from graphproc.ir.program import Parity, ProgramBuilder, Value
from graphproc.ir.types import FLOATS
from graphproc.ir.value import maximum
from graphproc.ops import Cast, Concat, Full, Indices, Numbers, Pad, Standardize
from graphproc.ops.resample import TORCH_FLOATS, Resample
from graphproc.processors import stages
from graphproc.processors.constants import BILINEAR, RGB, square
from graphproc.processors.settings import PATCH_SIDES
from graphproc.processors.spec import PIL_PARITY, TORCHVISION_PARITY, ProcessorSpec
from graphproc.sizes import num, patch_budget
from graphproc.sizes.num import Num

PIXELS_LAST = "c (gh p) (gw q) -> (gh gw) (p q c)"


def standardize(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_normalize`: by the image's own mean and deviation. Torchvision's backend leaves it to `in_torch`."""
    if b.backend == TORCHVISION:
        return x
    return b.add(Standardize() if config.do_normalize else Cast("f32"), x)


def in_torch(config: Config, x: Value, least: Callable[[Num], Num]) -> Value:
    """Apply `do_normalize` in torchvision's backend: minus the mean, over the sample's deviation.

    Sums are exact for bytes, where torch's are rounded to float32 in an order that its threads decide.

    Args:
        config: the settings.
        x: the image, of bytes or floats.
        least: returns the least deviation, given how many numbers the image has.

    Raises:
        ConfigError: the pixels are whole numbers but no bytes; torch has no mean for these.
    """
    if not config.do_normalize:
        return x
    if x.dtype not in ("u8", *FLOATS):
        raise ConfigError(f"do_normalize: torch has a mean of bytes and floats alone, not of {x.dtype}. Convert the image.")
    count = x.type.size("C") * x.type.size("H") * x.type.size("W")
    whole, held = x.dtype == "u8", "f64" if x.dtype == "f64" else "f32"

    def total(values: Value) -> Value:
        by_place = values.sum(-3, True)
        return (by_place.cast("i64") if whole else by_place).sum(-2, True).sum(-1, True)

    def rounded(values: Value) -> Value:
        values = _in(held, values)
        return values.cast("f16").cast("f32") if x.dtype == "f16" else values

    pixels = _in("i32" if whole else "f64", x)
    sum = total(pixels)
    middle = ((sum * 2 + count) // (2 * count)).cast("i32") if whole else sum / count
    apart = pixels - middle
    rest = _in("f64", total(apart))
    variance = (_in("f64", total(apart * apart)) - rest * rest / count) / (count - 1)
    deviation = rounded(maximum(rounded(variance.sqrt()), least(count)))
    centered = rounded(_in(held, x) - rounded(_in(held, sum) / count))
    return _in("f16" if x.dtype == "f16" else held, rounded(centered / deviation))


def _in(dtype: str, x: Value) -> Value:
    """Return values in an element type."""
    return x if x.dtype == dtype else x.cast(dtype)


def patches(
    b: ProgramBuilder, config: Config, x: Value, *, resizes_float64: bool, taken: Collection[str] = FLOATS
) -> tuple[Num, Num, Num, Num]:
    """Declare `max_patches` rows of (row, column, pixels...), zeros behind the image's, and which rows are the image's.

    Args:
        b: the builder.
        config: the settings.
        x: the standardised image.
        resizes_float64: whether the image is resized in the type that numpy standardises it in, which
            may be float64, and not in float32.
        taken: the types of pixels that torch resizes and cuts, in torchvision's backend.

    Returns:
        The width and height in pixels that the image is resized to, and the rows and columns of its patches.
    """
    size, most = config.patch_size, stages.count(config, "max_patches")
    if size is None:
        raise ConfigError("patch_size: expected height and width, got null")
    patch_height, patch_width = stages.sides("patch_size", size)
    rows, columns = patch_budget.patch_grid_within(x.type.size("H"), x.type.size("W"), patch_height, patch_width, most)
    height, width = rows * patch_height, columns * patch_width
    if b.backend == TORCHVISION:
        if x.dtype not in taken:
            raise ConfigError(f"do_normalize: torch cuts patches out of floats alone, and the pixels are {x.dtype}. Set it.")
        x = _in("f32", stages.resample(b, x, height, width, BILINEAR, has_pixels=True))
    else:
        steps: list[Op] = [Cast("f32"), Resample(height, width, "bilinear", arithmetic=TORCH_FLOATS)]
        for step in reversed(steps) if resizes_float64 else steps:
            x = b.add(step, x)
    x = x.rearrange(PIXELS_LAST, "PF", gh=rows, p=patch_height, gw=columns, q=patch_width)
    places = b.add(Indices(rows, columns, first=1, dtype="f32"))
    b.output("flattened_patches", b.add(Pad.end(-2, most), b.add(Concat(-1), places, x)))
    mask = b.add(Full((rows * columns,), 1, "f32", layout="P"))
    b.output("attention_mask", b.add(Pad.end(-1, most), mask))
    return width, height, rows, columns


def pix2struct(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the patches alone."""
    if config.is_vqa:
        raise ConfigError("is_vqa: a header text is drawn with a font, which is not compiled. Set is_vqa to false.")
    if b.backend == TORCHVISION:
        x = in_torch(config, x.cast("f32") if x.dtype == "u8" and not config.do_normalize else x, lambda n: 1 / num.sqrt(n))
    patches(b, config, x, resizes_float64=False, taken=(*FLOATS, "bool"))


def kosmos(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the patches, the size that the image is resized to, and the rows and columns of its patches."""
    if b.backend == TORCHVISION:
        if x.dtype == "f16":
            raise ConfigError("do_normalize: torch does not resize float16 so. Convert the image to float32.")
        x = in_torch(config, x, lambda n: 1 / num.to_float32(num.sqrt(num.to_float32(n))))
    elif not config.do_normalize:
        raise ConfigError("do_normalize: bytes that are not standardised are resized in torch's own way, which is not compiled.")
    for name, value in zip(KOSMOS_SIZES, patches(b, config, x, resizes_float64=True), strict=True):
        b.output(name, b.add(Numbers((value,), shape=())))


KOSMOS_SIZES = ("width", "height", "rows", "cols")
OUTPUTS = ("flattened_patches", "attention_mask")
FUSES = "torch's compiled code fuses other products with sums on processors without AVX2"
NEAR = {
    PIL: Parity(PIL_PARITY.compared_with, 1e-4, f"{FUSES}, and numpy adds up channels-first arrays in another order"),
    TORCHVISION: Parity(
        TORCHVISION_PARITY.compared_with,
        1e-4,
        f"{FUSES}, and its sums depend on its number of threads; images of nearly one colour magnify that",
    ),
}


def defaults(most: int) -> dict[str, Any]:
    """Return the defaults that both classes share."""
    return {
        **RGB,
        "do_normalize": True,
        "patch_size": PATCH_SIDES.of(square(16)),
        "max_patches": Setting(most, Whole(1), "The number of patches; smaller images have padding behind theirs."),
    }


SPECS = (
    ProcessorSpec(
        "Pix2StructImageProcessor",
        (standardize,),
        {
            **defaults(2048),
            "is_vqa": Setting(False, None, "Draw a question above the image, which is not compiled."),
            "header_text": Setting(None, None, "A text drawn above the image, which is not compiled."),
        },
        limitations="is_vqa (a header text drawn with a font)",
        parity=NEAR,
        outputs=OUTPUTS,
        finish=pix2struct,
        needs={},
    ),
    ProcessorSpec(
        "Kosmos2_5ImageProcessor",
        (standardize,),
        defaults(4096),
        limitations="do_normalize false with the pil backend",
        parity=NEAR,
        outputs=(*OUTPUTS, *KOSMOS_SIZES),
        model_inputs=("pixel_values",),
        finish=kosmos,
        needs={},
    ),
)
