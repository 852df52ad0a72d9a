"""The plain family: resize, centre crop, rescale, normalize, each optional. One row a class.

Source of the defaults and of which steps each class takes: transformers 5.23, `models/*/image_processing_*.py`.
"""

from __future__ import annotations

from typing import Any

from graphproc.configs.settings import Setting
from graphproc.errors import ConfigError
from graphproc.processors import stages
from graphproc.processors.calls import OWN
from graphproc.processors.constants import (
    CLIP,
    IMAGENET,
    INCEPTION,
    NORMALIZE,
    RESCALE,
    RGB,
    crop_to,
    resize_to,
    shortest,
    square,
)
from graphproc.processors.label_maps import LABEL_MAPS, REDUCE_LABELS, with_labels
from graphproc.processors.row import ONLY_PIL, ONLY_TORCHVISION, Row
from graphproc.processors.settings import DO_FLIP_CHANNEL_ORDER
from graphproc.processors.stages import STANDARD, WITHOUT_CROP_AND_PAD, WITHOUT_PAD


def nothing(key: str, value: Any) -> Any:
    """No value but null."""
    raise ConfigError(f"{key}: expected null, because a Python function cannot be compiled. Apply it before the call.")


CLIP_LIKE = {**RGB, **resize_to(shortest(224), "bicubic"), **crop_to(224), **NORMALIZE, **CLIP}
TIPS = {**RGB, **resize_to(square(448), "bilinear"), **RESCALE, "do_normalize": False}

ROWS = (
    Row(
        "BeitImageProcessor",
        WITHOUT_PAD,
        {**resize_to(square(224), "bicubic"), **crop_to(224, on=False), **NORMALIZE, **INCEPTION, **REDUCE_LABELS},
        finish=with_labels(stages.resize, stages.center_crop, resample=None),
        extras=LABEL_MAPS,
    ),
    Row("BitImageProcessor", STANDARD, CLIP_LIKE),
    Row(
        "BlipImageProcessor",
        STANDARD,
        {**RGB, **resize_to(square(384), "bicubic"), **NORMALIZE, **CLIP},
    ),
    Row("CLIPImageProcessor", STANDARD, CLIP_LIKE),
    Row(
        "ChameleonImageProcessor",
        STANDARD,
        {
            **RGB,
            **resize_to(shortest(512), "lanczos"),
            **crop_to(512),
            **NORMALIZE,
            "rescale_factor": 0.0078,
            "image_mean": (1.0, 1.0, 1.0),
            "image_std": (1.0, 1.0, 1.0),
        },
    ),
    Row("ChineseCLIPImageProcessor", STANDARD, CLIP_LIKE),
    Row(
        "DeiTImageProcessor",
        STANDARD,
        {**resize_to(square(256), "bicubic"), **crop_to(224), **NORMALIZE, **INCEPTION},
    ),
    Row(
        "IdeficsImageProcessor",
        STANDARD,
        {
            **RGB,
            **resize_to(square(224), "bicubic"),
            **NORMALIZE,
            **CLIP,
            "transform": Setting(None, nothing, "A Python function, which is not compiled."),
            "image_size": Setting(None, None, "The older spelling of a square `size`."),
            "image_num_channels": Setting(3, None, "Saved with the settings; it changes nothing."),
        },
        not_compiled="transform (a Python function)",
        bare=True,
        calls={"image_size": OWN},
    ),
    Row(
        "MobileNetV1ImageProcessor",
        STANDARD,
        {**resize_to(shortest(256), "bilinear"), **crop_to(224), **NORMALIZE, **INCEPTION},
    ),
    Row(
        "MobileNetV2ImageProcessor",
        WITHOUT_PAD,
        {**resize_to(shortest(256), "bilinear"), **crop_to(224), **NORMALIZE, **INCEPTION, **REDUCE_LABELS},
        finish=with_labels(stages.resize, stages.center_crop),
        extras=LABEL_MAPS,
    ),
    Row(
        "MobileViTImageProcessor",
        (stages.resize, stages.center_crop, stages.rescale, stages.flip_channels),
        {
            **resize_to(shortest(224), "bicubic"),
            **crop_to(256),
            **RESCALE,
            **INCEPTION,
            "do_flip_channel_order": DO_FLIP_CHANNEL_ORDER.of(True),
            **REDUCE_LABELS,
        },
        finish=with_labels(stages.resize, stages.center_crop),
        extras=LABEL_MAPS,
        backends=ONLY_PIL,
    ),
    Row(
        "OwlViTImageProcessor",
        STANDARD,
        {**RGB, **resize_to(square(768), "bicubic"), **crop_to(768, on=False), **NORMALIZE, **CLIP},
    ),
    Row(
        "PPChart2TableImageProcessor",
        STANDARD,
        {**resize_to(square(1024), "bicubic"), **NORMALIZE, **CLIP},
    ),
    Row(
        "PI0ImageProcessor",
        STANDARD,
        {
            **RGB,
            **resize_to({"max_height": 224, "max_width": 224}, "bicubic"),
            **NORMALIZE,
            **INCEPTION,
            "default_to_square": False,
            "do_pad": True,
            "pad_size": square(224),
            "image_seq_length": Setting(256, None, "The tokens of an image; it changes nothing in images."),
        },
        backends=ONLY_TORCHVISION,
    ),
    Row("PvtImageProcessor", STANDARD, {**resize_to(square(224), "bicubic"), **NORMALIZE, **IMAGENET}),
    Row(
        "SegformerImageProcessor",
        WITHOUT_CROP_AND_PAD,
        {**resize_to(square(512), "bilinear"), **NORMALIZE, **IMAGENET, **REDUCE_LABELS},
        finish=with_labels(stages.resize),
        extras=LABEL_MAPS,
    ),
    Row(
        "SiglipImageProcessor",
        STANDARD,
        {**RGB, **resize_to(square(224), "bicubic"), **NORMALIZE, **INCEPTION, "default_to_square": False},
    ),
    Row("Tipsv2DptImageProcessor", STANDARD, TIPS, backends=ONLY_TORCHVISION),
    Row("Tipsv2ImageProcessor", STANDARD, TIPS, backends=ONLY_TORCHVISION),
    Row("ViTImageProcessor", STANDARD, {**resize_to(square(224), "bilinear"), **NORMALIZE, **INCEPTION}),
)
