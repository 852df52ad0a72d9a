"""Emu3: an image with sides that are multiples of `spatial_factor` pixels, and its size before padding.

Source: transformers 5.23, `models/emu3/image_processing_emu3.py`.
"""

from __future__ import annotations

from graphproc import joins
from graphproc.configs import legacy
from graphproc.configs.config import NEEDS, Config
from graphproc.configs.settings import Setting, Whole
from graphproc.ir.delivery import STACKED, TENSOR, TUPLES
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Numbers
from graphproc.processors import stages
from graphproc.processors.calls import CALL_ALONE, GIVEN, OWN
from graphproc.processors.constants import BICUBIC, BY_NORMALIZE, BY_RESCALE, BY_RESIZE, BY_RESULT, CLIP, NORMALIZE, RESCALE, RGB
from graphproc.processors.spec import ONLY_PIL, ProcessorSpec
from graphproc.sizes import smart_resize

RESIZE = {"do_resize": True, "resample": BICUBIC}
LIMITS = {
    "min_pixels": Setting(512 * 512, Whole(1), "The fewest pixels of a resized image."),
    "max_pixels": Setting(1024 * 1024, Whole(1), "The most pixels of a resized image."),
}
UNUSED = Setting(None, None, "Saved with the settings; it changes nothing in images.")
READ_AGAIN = ("do_convert_rgb", *RESIZE, *RESCALE, "do_normalize", *CLIP)
DEFAULTS = {
    **RGB,
    **RESIZE,
    "size": {key: setting.default for key, setting in LIMITS.items()},
    **LIMITS,
    "spatial_factor": Setting(8, Whole(1), "What the sides become multiples of, in pixels."),
    "ratio": UNUSED,
    "image_area": UNUSED,
    **NORMALIZE,
    **CLIP,
    "do_pad": True,
}


@stages.when("do_resize")
def resize(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_resize`: to between `min_pixels` and `max_pixels`; `size` changes nothing."""
    limits = (stages.count(config, key) for key in LIMITS)
    to = smart_resize.pixels_within(x.type.size("H"), x.type.size("W"), stages.count(config, "spatial_factor"), *limits)
    b.require(to.holds, f"{to.message}.")
    return stages.resample(b, x, *to.size, config.resample)


def finish(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the image, and its height and width; with `do_pad`, a batch pads images with zeros below and right."""
    join, delivery = (stages.PADDED, STACKED) if config.do_pad else (joins.STACK, TENSOR)
    b.output("pixel_values", x, join, delivery=delivery)
    b.output("image_sizes", b.add(Numbers((x.type.size("H"), x.type.size("W")))), delivery=TUPLES)


SPECS = (
    ProcessorSpec(
        "Emu3ImageProcessor",
        (resize, stages.rescale, stages.normalize),
        DEFAULTS,
        settings_by_position=(*BY_RESIZE, *BY_RESCALE, *BY_NORMALIZE, "do_convert_rgb", "do_pad", *BY_RESULT),
        older=legacy.EMU3,
        unmoved=True,
        limitations="image_sizes with input_data_format channels_last, where transformers gives channels and height",
        outputs=("pixel_values", "image_sizes"),
        meanings={"image_sizes": "height and width of each resized image in pixels, without the padding"},
        finish=finish,
        needs={switch: keys for switch, keys in NEEDS.items() if switch != "do_center_crop"},
        backends=ONLY_PIL,
        calls={
            **dict.fromkeys(READ_AGAIN, GIVEN),
            **dict.fromkeys((*LIMITS, "spatial_factor"), OWN),
            "do_pad": CALL_ALONE,
        },
    ),
)
