"""The cases of the NaFlex family: numbers of patches, and of soft tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from cases.processors.case import ProcessorCase, Settings, Size

STEPS: Mapping[str, Settings] = {
    "lanczos": {"resample": 1},
    "resample null": {"resample": None},
    "bytes": {"do_rescale": False, "do_normalize": False},
    "normalize alone": {"do_rescale": False, "do_normalize": True, "image_mean": [0.1, 120, 0.9], "image_std": 0.4},
    "rescale alone": {"do_normalize": False, "rescale_factor": 1 / 127.5},
    "size changes nothing": {"size": {"height": 30, "width": 90}},
    "do_resize false": {"do_resize": False},
    "do_resize false, patches of 1": {"do_resize": False, "patch_size": 1},
    "patch_size null": {"patch_size": None},
}

GEMMA = ProcessorCase(
    always={"max_soft_tokens": 70},
    standard=False,
    edges=((1, 629), (1, 630), (1, 631), (48, 47), (768, 768), (3000, 40), (100, 7000)),
    extra={
        **STEPS,
        "filter nearest": {"resample": 0},
        "max_soft_tokens 280": {"max_soft_tokens": 280},
        "max_soft_tokens 1120": {"max_soft_tokens": 1120},
        "max_soft_tokens 100": {"max_soft_tokens": 100},
        "max_soft_tokens null": {"max_soft_tokens": None},
        "pooling 1": {"pooling_kernel_size": 1},
        "pooling 2, patches of 14": {"pooling_kernel_size": 2, "patch_size": 14},
        "do_normalize": {"do_normalize": True},
        "do_resize false, patches of 2": {"do_resize": False, "patch_size": 2, "pooling_kernel_size": 2},
        "do_convert_rgb false": {"do_convert_rgb": False},
    },
)


def in_parts(size: Size, settings: Settings) -> bool:
    """Tell whether an image that is not resized has no whole tokens; transformers may still merge its patches in some order."""
    token = (settings.get("patch_size") or 16) * settings.get("pooling_kernel_size", 3)
    return settings.get("do_resize") is False and (size[0] % token > 0 or size[1] % token > 0)


CASES: Mapping[str, ProcessorCase] = {
    "Gemma4ImageProcessor": GEMMA,
    "Gemma4UnifiedImageProcessor": replace(
        GEMMA,
        extra={
            **GEMMA.extra,
            "do_resize false, whole tokens": {"do_resize": False, "patch_size": 1, "pooling_kernel_size": 1},
            "do_resize false, 0 x 0 tokens": {"do_resize": False, "patch_size": 1, "pooling_kernel_size": 9},
        },
        refuses=in_parts,
    ),
    "Siglip2ImageProcessor": ProcessorCase(
        standard=False,
        edges=((256, 256), (257, 256), (1, 4096), (1, 4097), (3000, 40), (170, 171)),
        extra={
            **STEPS,
            "max_num_patches 1024": {"max_num_patches": 1024},
            "max_num_patches 60, patches of 14": {"max_num_patches": 60, "patch_size": 14},
            "max_num_patches 1": {"max_num_patches": 1},
            "max_num_patches null": {"max_num_patches": None},
            "do_convert_rgb": {"do_convert_rgb": True},
        },
    ),
}
