"""The cases of the classes that resize floats."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase

CASES: Mapping[str, ProcessorCase] = {
    "DINOv3ViTImageProcessor": ProcessorCase(
        extra={
            "bicubic": {"resample": 3},
            "bytes, bicubic": {"resample": 3, "do_rescale": False, "do_normalize": False},
            "filter lanczos": {"resample": 1, "do_rescale": False, "do_normalize": False},  # of floats it is not compiled
        },
    ),
    "DepthProImageProcessor": ProcessorCase(
        always={"size": {"height": 153, "width": 160}},
        extra={
            "bicubic": {"resample": 3},
            "bytes": {"do_rescale": False, "do_normalize": False},
            "bytes, bicubic": {"do_rescale": False, "do_normalize": False, "resample": 3},
        },
    ),
    "Owlv2ImageProcessor": ProcessorCase(
        extra={
            "size 96": {"size": 96},
            "height and width": {"size": {"height": 61, "width": 45}},
            "not padded": {"size": {"height": 61, "width": 90}, "do_pad": False},
            "not normalized": {"size": 70, "do_normalize": False},
            "not resized": {"do_resize": False},
        },
        standard=False,
        images=(((1, 1), "noise"), ((17, 31), "noise"), ((333, 500), "photograph"), ((260, 40), "noise")),
    ),
    "ZoeDepthImageProcessor": ProcessorCase(
        extra={
            "multiples of 32": {"ensure_multiple_of": 32, "size": {"height": 90, "width": 131}},
            "warped": {"keep_aspect_ratio": False, "size": {"height": 61, "width": 45}},
            "not padded": {"do_pad": False, "size": {"height": 61, "width": 90}},
            "not normalized": {"do_normalize": False, "size": {"height": 61, "width": 90}},
            "not resized": {"do_resize": False},
            "bytes": {"do_rescale": False, "do_normalize": False, "size": {"height": 61, "width": 90}},
            "bytes, normalized": {"do_rescale": False, "size": {"height": 61, "width": 90}},
            "nearest": {"resample": 0},
        },
        standard=False,
    ),
}
