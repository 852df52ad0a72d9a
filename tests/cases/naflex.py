"""The cases of the NaFlex family: numbers of patches, and of soft tokens."""

from __future__ import annotations

from collections.abc import Mapping

from cases.case import Case, Settings

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

CASES: Mapping[str, Case] = {
    "Gemma4ImageProcessor": Case(
        always={"max_soft_tokens": 70},
        standard=False,
        edges=((1, 629), (1, 630), (1, 631), (48, 47), (768, 768), (3000, 40), (100, 7000)),
        extra={
            **STEPS,
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
    ),
    "Siglip2ImageProcessor": Case(
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
