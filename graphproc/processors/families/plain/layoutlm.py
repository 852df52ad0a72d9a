"""LayoutLMv2 and LayoutLMv3, without the words and boxes that the program tesseract reads."""

from __future__ import annotations

from graphproc.configs.config import Config
from graphproc.configs.settings import Setting
from graphproc.errors import ConfigError
from graphproc.ir.backends import TORCHVISION
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.processors import stages
from graphproc.processors.constants import INCEPTION, resize_to, square, usual
from graphproc.processors.spec import ProcessorSpec

OCR = {
    "apply_ocr": Setting(True, None, "Read words and boxes with tesseract in transformers; here it changes nothing."),
    "ocr_lang": Setting(None, None, "The language that tesseract reads; here it changes nothing."),
    "tesseract_config": Setting("", None, "Options of tesseract; here they change nothing."),
}
NO_OCR = "words and boxes (OCR by tesseract, an external program)"


def to_bgr(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Turn RGB into BGR, always; pixels stay bytes."""
    return stages.reverse_channels(b, x)


def crop(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_center_crop` in torchvision's backend; refuse it in Pillow's, where transformers' class fails."""
    if b.backend == TORCHVISION:
        return stages.center_crop(b, config, x)
    if config.do_center_crop:
        raise ConfigError(f"do_center_crop: {config.processor} cannot crop, in transformers either. Set it to false.")
    return x


SPECS = (
    ProcessorSpec(
        "LayoutLMv2ImageProcessor",
        (stages.resize, to_bgr),
        {**resize_to(square(224), "bilinear"), **OCR},
        limitations=NO_OCR,
    ),
    ProcessorSpec(
        "LayoutLMv3ImageProcessor",
        (stages.resize, crop, stages.rescale, stages.normalize),
        usual(square(224), "bilinear", INCEPTION, OCR),
        limitations=NO_OCR,
    ),
)
