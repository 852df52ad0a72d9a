"""The cases of classes that make sizes multiples of a number."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from cases.processors.case import ProcessorCase, Size

DIVISOR = {"size_divisor 7": {"size_divisor": 7, "size": {"shortest_edge": 61}}}
DEPTH = {
    "multiples of 14": {"size": {"height": 61, "width": 90}, "ensure_multiple_of": 14},
    "aspect ratio kept": {"size": {"height": 70, "width": 70}, "ensure_multiple_of": 14, "keep_aspect_ratio": True},
    "padded": {"size": {"height": 61, "width": 45}, "do_pad": True, "size_divisor": 16},
    "padded alone": {"do_resize": False, "do_pad": True, "size_divisor": 7},
}


def label_map(size: Size) -> Mapping[str, np.ndarray]:
    """Return a map of labels 0 to 255, more of them the smaller ones."""
    rng = np.random.default_rng(size)
    return {"segmentation_maps": (rng.random(size) ** 3 * 256).astype(np.uint8)}


def prompt(size: Size) -> Mapping[str, np.ndarray]:
    """Return depths in millimetres from a coarser sensor; all equal for a narrow image."""
    height, width = max(size[0] // 3, 1), max(size[1] // 4, 1)
    depths = np.random.default_rng(size).integers(300, 5000, (height, width), dtype=np.int32)
    return {"prompt_depth": depths if width > 10 else np.full_like(depths, 1234)}


CASES: Mapping[str, ProcessorCase] = {
    "BridgeTowerImageProcessor": ProcessorCase(
        extra={
            **DIVISOR,
            "no crop": {"do_center_crop": False, "size": {"shortest_edge": 70}},
            "no padding": {"do_pad": False, "size": {"shortest_edge": 70}, "crop_size": {"shortest_edge": 50}},
            "crop by height and width": {"crop_size": {"height": 50, "width": 50}},
            "no divisor": {"size_divisor": None},
        },
        standard=False,
    ),
    "CHMv2ImageProcessor": ProcessorCase(
        extra={
            **{label: {"do_resize": True, "size_divisor": 16, **settings} for label, settings in DEPTH.items()},
            "resized": {"do_resize": True, "size": {"height": 61, "width": 90}},
            "not padded": {"do_pad": False},
            "labels reduced": {"do_reduce_labels": True},
        },
        keywords=label_map,
    ),
    "DPTImageProcessor": ProcessorCase(extra={**DEPTH, "labels reduced": {"do_reduce_labels": True}}, keywords=label_map),
    "GLPNImageProcessor": ProcessorCase(
        extra={
            "divisor 7": {"size_divisor": 7},
            "bicubic": {"resample": 3, "size_divisor": 10},
            "normalized": {"do_normalize": True, "image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6]},
            "not resized": {"do_resize": False},
        },
        standard=False,
    ),
    "PixtralImageProcessor": ProcessorCase(
        extra={
            "edge 100": {"size": {"longest_edge": 100}},
            "height and width": {"size": {"height": 70, "width": 120}},
            "patches of 10": {"size": {"longest_edge": 99}, "patch_size": 10},
            "patches of 8 x 12": {"size": {"longest_edge": 99}, "patch_size": {"height": 8, "width": 12}},
            "no padding": {"size": {"longest_edge": 99}, "do_pad": False},
            "crop": {"size": {"longest_edge": 99}, "do_center_crop": True, "crop_size": 60},
        },
        standard=False,
    ),
    "PPLCNetImageProcessor": ProcessorCase(
        extra={
            "edge 61": {"resize_short": 61, "crop_size": 50},
            "edge 61, multiples of 8": {"resize_short": 61, "size_divisor": 8, "do_center_crop": False},
            "edge 33, size_divisor null": {"resize_short": 33, "size_divisor": None, "do_center_crop": False},
            "size alone": {"resize_short": None, "size": {"height": 70, "width": 91}},
            "size alone, shortest edge": {"resize_short": None, "size": {"shortest_edge": 61}, "crop_size": 50},
            "bicubic": {"resize_short": 91, "resample": 3, "crop_size": 101},
            "not cropped": {"resize_short": 40, "do_center_crop": False},
        },
        # scaling a thin image's shorter side to 256 makes its longer one long
        images=(((1, 1), "noise"), ((17, 31), "noise"), ((333, 500), "photograph"), ((2, 90), "noise")),
    ),
    "PromptDepthAnythingImageProcessor": ProcessorCase(
        extra={**DEPTH, "prompt in centimetres": {"prompt_scale_to_meter": 0.01}, "no divisor": {"do_pad": True}},
        keywords=prompt,
        # the prompt's own sides are those of the first image here: transformers stacks what it returns
        batch=((60, 90), (60, 90)),
    ),
    "Swin2SRImageProcessor": ProcessorCase(
        extra={"divisor 5": {"size_divisor": 5}, "pad_size": {"pad_size": 16}, "not rescaled": {"do_rescale": False}},
        standard=False,
    ),
    "TextNetImageProcessor": ProcessorCase(
        extra={
            **DIVISOR,
            "crop": {"do_center_crop": True, "size": {"shortest_edge": 70}, "crop_size": 50},
            "size by height and width": {"size": {"height": 50, "width": 50}},
        },
        standard=False,
        images=(((1, 1), "noise"), ((17, 31), "noise"), ((333, 500), "photograph"), ((260, 40), "photograph")),
    ),
    "ViltImageProcessor": ProcessorCase(
        extra={**DIVISOR, "no padding": {"do_pad": False, "size": {"shortest_edge": 70}}, "edge 91": {"size": 91}},
        standard=False,
    ),
}
