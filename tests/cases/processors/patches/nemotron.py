"""The cases of Nemotron-H Omni: numbers of patches, and the limit that images of a call share."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase, Settings

FEW: Settings = {"min_num_patches": 8, "max_num_patches": 60}

CASES: Mapping[str, ProcessorCase] = {
    "NemotronH_Omni_Reasoning_V3ImageProcessor": ProcessorCase(
        standard=False,
        edges=((16, 16), (15, 17), (32, 33), (127, 120), (128, 128), (1, 960), (1, 1000), (512, 512), (496, 544)),
        extra={
            "few patches": FEW,
            "few patches, patches of 5": {**FEW, "patch_size": 5},
            "as many as one": {"min_num_patches": 30, "max_num_patches": 30},
            "more than most": {"min_num_patches": 50, "max_num_patches": 30, "downsample_ratio": 1 / 3},
            "merge 3": {**FEW, "downsample_ratio": 0.3},
            "merge 1": {**FEW, "downsample_ratio": 1},
            "merge 4": {**FEW, "downsample_ratio": 0.25, "patch_size": 4},
            "a short model": {"min_num_patches": 8, "max_num_patches": 24, "max_model_len": 10},
            "bilinear": {**FEW, "resample": 2},
            "filter nearest": {**FEW, "resample": 0},
            "resample null": {**FEW, "resample": None},
            "floats of bytes": {**FEW, "do_rescale": False, "do_normalize": False},
            "normalize alone": {**FEW, "do_rescale": False, "image_mean": [0.1, 120, 0.9], "image_std": 0.4},
            "rescale alone": {**FEW, "do_normalize": False, "rescale_factor": 1 / 127.5},
            "rescale_factor 1": {**FEW, "do_normalize": False, "rescale_factor": 1},
            "do_resize false": {**FEW, "do_resize": False},
            "do_resize without size": {**FEW, "do_resize": True},
            "do_resize, a size that means nothing": {**FEW, "do_resize": True, "size": 90},
            "norm_mean and norm_std": {**FEW, "norm_mean": [0.5, 0.4, 0.3], "norm_std": [0.2, 0.3, 0.4]},
            "norm_mean beside image_mean": {**FEW, "norm_mean": [0.5, 0.4, 0.3], "image_mean": [0.2, 0.3, 0.4]},
            "norm_mean null, _downsample_factor": {**FEW, "norm_mean": None, "_downsample_factor": 2},
            "do_convert_rgb false": {**FEW, "do_convert_rgb": False},
            "patch_size null": {**FEW, "patch_size": None},
            "downsample_ratio 0": {**FEW, "downsample_ratio": 0},
        },
    ),
}
