"""timm models: the evaluation transform that a model's `pretrained_cfg` describes.

Source: timm 1.0.31, `data/transforms_factory.py` and `data/transforms.py`; torchvision's `resize`, `center_crop` and
`to_tensor` on PIL images.
"""

from __future__ import annotations

from graphproc.configs import timm
from graphproc.configs.config import Config
from graphproc.configs.settings import Setting
from graphproc.errors import ConfigError
from graphproc.ir.backends import PIL
from graphproc.ir.program import Parity, ProgramBuilder, Value
from graphproc.ops import Normalize, Pad, Rescale, Slice
from graphproc.ops.resample import NEAREST, Resample
from graphproc.processors import stages
from graphproc.processors.spec import ONLY_PIL, ProcessorSpec
from graphproc.sizes import num
from graphproc.sizes.num import Num
from graphproc.sizes.rules import shortest_edge


def transform(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Resize, crop or add a border, rescale to [0, 1], normalize: always all, whatever the standard settings say."""
    wanted = timm.evaluation(config.pretrained_cfg)
    if x.type.channels != 3:
        raise ConfigError(f"{timm.KEY}: expected an image of 3 channels, got {x.type.channels}. Set do_convert_rgb.")
    height, width = _resized(x.type.size("H"), x.type.size("W"), wanted)
    stages.at_least_a_pixel(b, height, width)
    top, rows, above = _window(height, wanted.size[0])
    left, columns, before = _window(width, wanted.size[1])
    x = b.add(Resample(height, width, wanted.filter, wanted.filter != NEAREST), x)
    if (top, left, rows, columns) != (0, 0, height, width):
        x = b.add(Slice.window(top, left, rows, columns), x)
    if (rows, columns) != wanted.size:
        x = b.add(Pad.canvas(above, before, *wanted.size, _fill(wanted)), x)
    return b.add(Normalize(wanted.mean, wanted.std), b.add(Rescale(1 / 255), x))


def _resized(height: Num, width: Num, wanted: timm.Evaluation) -> tuple[Num, Num]:
    """Return the sides that the image is resized to.

    Source: torchvision's `Resize` for `squash` and for a square `center`; else timm's `ResizeKeepRatio`.
    """
    tall, wide = wanted.scaled
    if wanted.mode == "squash":
        return tall, wide
    if wanted.mode == "center" and tall == wide:
        return shortest_edge(height, width, tall)
    border = wanted.mode == "border"
    ratio = (num.maximum if border else num.minimum)(height / tall, width / wide)
    sides = num.round_half_even(height / ratio), num.round_half_even(width / ratio)
    return sides if border else (num.assume_at_least(sides[0], tall), num.assume_at_least(sides[1], wide))


def _window(side: Num, crop: int) -> tuple[Num, Num, Num]:
    """Return where the middle `crop` pixels of an axis lie: the first pixel, their number, and the pixels missing in front.

    Where an odd number of pixels is too much, the first pixel is an even one. Where an odd number is
    missing, one more is added behind than in front.

    Source: torchvision `center_crop`, timm `center_crop_or_pad`.
    """
    first = num.maximum(num.round_half_even((side - crop) / 2), 0)
    return first, num.minimum(side, crop), num.maximum((crop - side) // 2, 0)


def _fill(wanted: timm.Evaluation) -> tuple[float, ...] | float:
    """Return the border's colour: the mean as bytes, clipped as Pillow does; black around a crop."""
    return tuple(min(max(round(255 * v), 0), 255) for v in wanted.mean) if wanted.mode == "border" else 0


SPECS = (
    ProcessorSpec(
        timm.CLASS,
        (transform,),
        {
            timm.KEY: Setting(timm.DEFAULTS, timm.checked, "The preprocessing of timm's model."),
            "architecture": Setting(None, None, "The name of timm's model."),
        },
        settings_by_position=("return_tensors",),
        limitations="the training transform; a torch tensor by itself, which timm resizes as floats; PIL images of mode LAB",
        backends=ONLY_PIL,
        reads="bytes",
        parity={PIL: Parity("timm 1.0 (evaluation transform, PIL images) with Pillow 13")},
    ),
)
