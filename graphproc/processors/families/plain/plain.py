"""The plain family: resize, centre crop, rescale, normalize, each optional.

Source of each class's defaults and steps: transformers 5.23, `models/*/image_processing_*.py`.
"""

from __future__ import annotations

from typing import Any

from graphproc.configs import legacy
from graphproc.configs.config import Config
from graphproc.configs.settings import Setting
from graphproc.errors import ConfigError
from graphproc.ir.backends import TORCHVISION
from graphproc.ir.delivery import Delivery
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import SelectChannels
from graphproc.processors import stages
from graphproc.processors.calls import OWN
from graphproc.processors.constants import CLIP, IMAGENET, INCEPTION, RESCALE, RGB, crop_to, resize_to, shortest, square, usual
from graphproc.processors.label_maps import LABEL_MAPS, REDUCE_LABELS, with_labels
from graphproc.processors.settings import DO_FLIP_CHANNEL_ORDER
from graphproc.processors.spec import ONLY_TORCHVISION, ProcessorSpec
from graphproc.processors.stages import STANDARD, WITHOUT_CROP_AND_PAD, WITHOUT_PAD


def nothing(key: str, value: Any) -> Any:
    """Refuse every value but null.

    Raises:
        ConfigError: always; null is not checked.
    """
    raise ConfigError(f"{key}: expected null, because a Python function cannot be compiled. Apply it before the call.")


def flip_first_channels(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_flip_channel_order`: RGB to BGR; torchvision's backend leaves a fourth channel where it is."""
    if b.backend != TORCHVISION or not config.do_flip_channel_order:
        return stages.flip_channels(b, config, x)
    return b.add(SelectChannels((2, 1, 0, *range(3, x.type.channels))), x)


def alone(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare `pixel_values`, which Idefics returns by itself."""
    b.output("pixel_values", x, stages.join_padded(config), delivery=Delivery(alone=True))


CLIP_LIKE = usual(shortest(224), "bicubic", CLIP, rgb=True, crop=224)
TIPS = {**RGB, **resize_to(square(448), "bilinear"), **RESCALE, "do_normalize": False}

SPECS = (
    ProcessorSpec(
        "BeitImageProcessor",
        WITHOUT_PAD,
        usual(square(224), "bicubic", INCEPTION, REDUCE_LABELS, crop=224, do_center_crop=False),
        finish=with_labels(stages.resize, stages.center_crop, resample=None),
        extra_inputs=LABEL_MAPS,
    ),
    ProcessorSpec("BitImageProcessor", STANDARD, CLIP_LIKE),
    ProcessorSpec(
        "BlipImageProcessor",
        STANDARD,
        usual(square(384), "bicubic", CLIP, rgb=True),
    ),
    ProcessorSpec("CLIPImageProcessor", STANDARD, CLIP_LIKE, older=legacy.KOSMOS_2),
    ProcessorSpec(
        "ChameleonImageProcessor",
        STANDARD,
        usual(
            shortest(512),
            "lanczos",
            rgb=True,
            crop=512,
            rescale_factor=0.0078,
            image_mean=(1.0, 1.0, 1.0),
            image_std=(1.0, 1.0, 1.0),
        ),
    ),
    ProcessorSpec("ChineseCLIPImageProcessor", STANDARD, CLIP_LIKE),
    ProcessorSpec(
        "DeiTImageProcessor",
        STANDARD,
        usual(square(256), "bicubic", INCEPTION, crop=224),
    ),
    ProcessorSpec(
        "IdeficsImageProcessor",
        STANDARD,
        usual(
            square(224),
            "bicubic",
            CLIP,
            rgb=True,
            transform=Setting(None, nothing, "A Python function, which is not compiled."),
            image_size=Setting(None, None, "The older spelling of a square `size`."),
            image_num_channels=Setting(3, None, "Saved with the settings; it changes nothing."),
        ),
        limitations="transform (a Python function)",
        finish=alone,
        calls={"image_size": OWN},
        older=legacy.IDEFICS,
        computed=lambda config: {"image_size": (config.size or {}).get("height")},
    ),
    ProcessorSpec(
        "MobileNetV1ImageProcessor",
        STANDARD,
        usual(shortest(256), "bilinear", INCEPTION, crop=224),
    ),
    ProcessorSpec(
        "MobileNetV2ImageProcessor",
        WITHOUT_PAD,
        usual(shortest(256), "bilinear", INCEPTION, REDUCE_LABELS, crop=224),
        finish=with_labels(stages.resize, stages.center_crop),
        extra_inputs=LABEL_MAPS,
    ),
    ProcessorSpec(
        "MobileViTImageProcessor",
        (stages.resize, stages.center_crop, stages.rescale_alone, flip_first_channels),
        {
            **resize_to(shortest(224), "bicubic"),
            **crop_to(256),
            **RESCALE,
            **INCEPTION,
            "do_flip_channel_order": DO_FLIP_CHANNEL_ORDER.of(True),
            **REDUCE_LABELS,
        },
        finish=with_labels(stages.resize, stages.center_crop),
        extra_inputs=LABEL_MAPS,
    ),
    ProcessorSpec(
        "OwlViTImageProcessor",
        STANDARD,
        usual(square(768), "bicubic", CLIP, rgb=True, crop=768, do_center_crop=False),
        older=legacy.OWL,
    ),
    ProcessorSpec(
        "PPChart2TableImageProcessor",
        STANDARD,
        usual(square(1024), "bicubic", CLIP),
    ),
    ProcessorSpec(
        "PI0ImageProcessor",
        STANDARD,
        usual(
            {"max_height": 224, "max_width": 224},
            "bicubic",
            INCEPTION,
            rgb=True,
            default_to_square=False,
            do_pad=True,
            pad_size=square(224),
            image_seq_length=Setting(256, None, "The tokens of an image; it changes nothing in images."),
        ),
        backends=ONLY_TORCHVISION,
    ),
    ProcessorSpec("PvtImageProcessor", STANDARD, usual(square(224), "bicubic", IMAGENET)),
    ProcessorSpec(
        "SegformerImageProcessor",
        WITHOUT_CROP_AND_PAD,
        usual(square(512), "bilinear", IMAGENET, REDUCE_LABELS),
        finish=with_labels(stages.resize),
        extra_inputs=LABEL_MAPS,
    ),
    ProcessorSpec(
        "SiglipImageProcessor",
        STANDARD,
        usual(square(224), "bicubic", INCEPTION, rgb=True, default_to_square=False),
    ),
    ProcessorSpec("Tipsv2DptImageProcessor", STANDARD, TIPS, backends=ONLY_TORCHVISION),
    ProcessorSpec("Tipsv2ImageProcessor", STANDARD, TIPS, backends=ONLY_TORCHVISION),
    ProcessorSpec("ViTImageProcessor", STANDARD, usual(square(224), "bilinear", INCEPTION)),
)
