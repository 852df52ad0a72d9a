"""SAM: the longer side scaled to a length, then padded to a square, with the sizes before and after the resize."""

from __future__ import annotations

from graphproc.configs.config import Config, check
from graphproc.configs.settings import Setting, Sides
from graphproc.errors import ConfigError
from graphproc.ir.delivery import TUPLES
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Numbers
from graphproc.processors import stages
from graphproc.processors.constants import IMAGENET, NEAREST, square, usual
from graphproc.processors.label_maps import LABEL_MAPS, output_labels
from graphproc.processors.settings import MASK_SIZE
from graphproc.processors.spec import ProcessorSpec
from graphproc.sizes import fit
from graphproc.sizes.num import Num
from graphproc.sizes.rules import Size


def resized_size(config: Config, height: Num, width: Num) -> Size:
    """Return the size of an image or map of a height and width after `do_resize`."""
    if not config.do_resize:
        return height, width
    if "longest_edge" not in config.size:
        raise ConfigError(f"size, mask_size: {config.processor} needs a longest_edge, got {config.size}")
    return fit.longest_edge_half_up(height, width, config.size["longest_edge"])


def resize(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_resize`: the longer side to `longest_edge`."""
    return (
        stages.resample(b, x, *resized_size(config, x.type.size("H"), x.type.size("W")), config.resample)
        if config.do_resize
        else x
    )


def with_sizes(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare `pixel_values`, `original_sizes` and `reshaped_input_sizes` (height, width), and the labels of a map."""
    b.output("pixel_values", x, stages.join_padded(config))
    b.output("original_sizes", b.add(Numbers((b.image.type.size("H"), b.image.type.size("W")))), delivery=TUPLES)
    shape = b.add(Numbers(resized_size(config, b.image.type.size("H"), b.image.type.size("W"))))
    b.output("reshaped_input_sizes", shape, delivery=TUPLES)
    if b.extra_inputs:
        of_map = config.changed(size=config.mask_size, pad_size=config.mask_pad_size, resample=NEAREST)
        output_labels(b, check(of_map), resize, stages.center_crop, stages.pad)


SPECS = (
    ProcessorSpec(
        "SamImageProcessor",
        (resize, stages.center_crop, stages.rescale, stages.normalize, stages.pad),
        usual(
            {"longest_edge": 1024},
            "bilinear",
            IMAGENET,
            rgb=True,
            do_pad=True,
            pad_size=square(1024),
            mask_size=MASK_SIZE.of({"longest_edge": 256}),
            mask_pad_size=Setting(square(256), Sides(("do_pad",)), "The size that label maps are padded to, in pixels."),
        ),
        outputs=("pixel_values", "original_sizes", "reshaped_input_sizes"),
        model_inputs=("pixel_values",),
        finish=with_sizes,
        extra_inputs=LABEL_MAPS,
    ),
)
