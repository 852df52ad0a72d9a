"""The plain family: resize, centre crop, rescale, normalize, each optional. One row a class.

Source of the defaults and of which steps each class takes: transformers 5.23, `models/*/image_processing_*.py`.
"""

from __future__ import annotations

from graphproc.processors import stages
from graphproc.processors.constants import (
    BICUBIC,
    BILINEAR,
    CLIP,
    IMAGENET,
    INCEPTION,
    LANCZOS,
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
from graphproc.processors.stages import STANDARD, WITHOUT_CROP_AND_PAD, WITHOUT_PAD

CLIP_LIKE = {**RGB, **resize_to(shortest(224), BICUBIC), **crop_to(224), **NORMALIZE, **CLIP}
TIPS = {**RGB, **resize_to(square(448), BILINEAR), **RESCALE, "do_normalize": False}

ROWS = (
    Row(
        "BeitImageProcessor",
        "plain",
        WITHOUT_PAD,
        {**resize_to(square(224), BICUBIC), **crop_to(224, on=False), **NORMALIZE, **INCEPTION, **REDUCE_LABELS},
        finish=with_labels(stages.resize, stages.center_crop, resample=None),
        extras=LABEL_MAPS,
    ),
    Row("BitImageProcessor", "plain", STANDARD, CLIP_LIKE),
    Row(
        "BlipImageProcessor",
        "plain",
        STANDARD,
        {**RGB, **resize_to(square(384), BICUBIC), **NORMALIZE, **CLIP},
    ),
    Row("CLIPImageProcessor", "plain", STANDARD, CLIP_LIKE),
    Row(
        "ChameleonImageProcessor",
        "plain",
        STANDARD,
        {
            **RGB,
            **resize_to(shortest(512), LANCZOS),
            **crop_to(512),
            **NORMALIZE,
            "rescale_factor": 0.0078,
            "image_mean": (1.0, 1.0, 1.0),
            "image_std": (1.0, 1.0, 1.0),
        },
    ),
    Row("ChineseCLIPImageProcessor", "plain", STANDARD, CLIP_LIKE),
    Row(
        "DeiTImageProcessor",
        "plain",
        STANDARD,
        {**resize_to(square(256), BICUBIC), **crop_to(224), **NORMALIZE, **INCEPTION},
    ),
    Row(
        "MobileNetV1ImageProcessor",
        "plain",
        STANDARD,
        {**resize_to(shortest(256), BILINEAR), **crop_to(224), **NORMALIZE, **INCEPTION},
    ),
    Row(
        "MobileNetV2ImageProcessor",
        "plain",
        WITHOUT_PAD,
        {**resize_to(shortest(256), BILINEAR), **crop_to(224), **NORMALIZE, **INCEPTION, **REDUCE_LABELS},
        finish=with_labels(stages.resize, stages.center_crop),
        extras=LABEL_MAPS,
    ),
    Row(
        "MobileViTImageProcessor",
        "plain",
        (stages.resize, stages.center_crop, stages.rescale, stages.flip_channels),
        {
            **resize_to(shortest(224), BICUBIC),
            **crop_to(256),
            **RESCALE,
            **INCEPTION,
            "do_flip_channel_order": True,
            **REDUCE_LABELS,
        },
        finish=with_labels(stages.resize, stages.center_crop),
        extras=LABEL_MAPS,
        backends=ONLY_PIL,
    ),
    Row(
        "OwlViTImageProcessor",
        "plain",
        STANDARD,
        {**RGB, **resize_to(square(768), BICUBIC), **crop_to(768, on=False), **NORMALIZE, **CLIP},
    ),
    Row(
        "PPChart2TableImageProcessor",
        "plain",
        STANDARD,
        {**resize_to(square(1024), BICUBIC), **NORMALIZE, **CLIP},
    ),
    Row(
        "PI0ImageProcessor",
        "plain",
        STANDARD,
        {
            **RGB,
            **resize_to({"max_height": 224, "max_width": 224}, BICUBIC),
            **NORMALIZE,
            **INCEPTION,
            "default_to_square": False,
            "do_pad": True,
            "pad_size": square(224),
            "image_seq_length": 256,
        },
        backends=ONLY_TORCHVISION,
    ),
    Row("PvtImageProcessor", "plain", STANDARD, {**resize_to(square(224), BICUBIC), **NORMALIZE, **IMAGENET}),
    Row(
        "SegformerImageProcessor",
        "plain",
        WITHOUT_CROP_AND_PAD,
        {**resize_to(square(512), BILINEAR), **NORMALIZE, **IMAGENET, **REDUCE_LABELS},
        finish=with_labels(stages.resize),
        extras=LABEL_MAPS,
    ),
    Row(
        "SiglipImageProcessor",
        "plain",
        STANDARD,
        {**RGB, **resize_to(square(224), BICUBIC), **NORMALIZE, **INCEPTION, "default_to_square": False},
    ),
    Row("Tipsv2DptImageProcessor", "plain", STANDARD, TIPS, backends=ONLY_TORCHVISION),
    Row("Tipsv2ImageProcessor", "plain", STANDARD, TIPS, backends=ONLY_TORCHVISION),
    Row("ViTImageProcessor", "plain", STANDARD, {**resize_to(square(224), BILINEAR), **NORMALIZE, **INCEPTION}),
)
