"""Keypoint detectors and matchers on gray images; matchers take pairs of images."""

from __future__ import annotations

from graphproc import joins
from graphproc.configs.config import Config
from graphproc.configs.settings import Setting, changed, flag
from graphproc.errors import ConfigError
from graphproc.ir.backends import PIL, TORCHVISION
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Grayscale
from graphproc.processors import stages
from graphproc.processors.constants import RESCALE, resize_to
from graphproc.processors.deliveries import nested_in_pil
from graphproc.processors.spec import ProcessorSpec, Samples

NOT_COMPILED = "do_rescale=False with do_grayscale and backend pil, which gives bytes for gray images and float64 for others"
SIZE = {"height": 480, "width": 640}
GRAY = Setting(False, flag, "Make gray of all channels.")
SETTINGS = {**resize_to(SIZE, "bilinear"), "default_to_square": False, **RESCALE, "do_grayscale": GRAY}


@stages.when("do_grayscale")
def gray(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_grayscale`: gray values in all channels.

    Raises:
        ConfigError: the pixels are still bytes in Pillow's backend.
    """
    if b.backend == PIL and not config.do_rescale:
        raise ConfigError(f"do_rescale: not compiled: {NOT_COMPILED}. Set do_rescale, or do_grayscale to false.")
    return b.add(Grayscale(fused=b.backend == TORCHVISION), x)


def pairs(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare `pixel_values`, with two images in each sample."""
    b.output("pixel_values", x, sample=joins.STACK, delivery=nested_in_pil(b))


STAGES = (stages.resize, stages.rescale_alone, gray)


def _matcher(name: str) -> ProcessorSpec:
    return ProcessorSpec(
        name,
        STAGES,
        changed(SETTINGS, do_grayscale=True),
        limitations=NOT_COMPILED,
        finish=pairs,
        samples=Samples(2),
    )


SPECS = (
    _matcher("EfficientLoFTRImageProcessor"),
    _matcher("LightGlueImageProcessor"),
    _matcher("SuperGlueImageProcessor"),
    ProcessorSpec(
        "SuperPointImageProcessor",
        (stages.only(TORCHVISION, gray), *STAGES[:2], stages.only(PIL, gray)),
        SETTINGS,
        limitations=NOT_COMPILED,
    ),
)
