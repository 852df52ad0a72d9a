"""The cases of Llava and Video-Llava."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase, Settings, Size

SMALL = {"size": {"shortest_edge": 61}, "crop_size": 45}
NULLS = {
    f"{key} null": {"do_center_crop": key == "crop_size", key: None} for key in ("size", "crop_size", "image_mean", "image_std")
}
"""Settings of null, which mean the default in classes outside transformers' backends."""


def taken_for_channels(size: Size, settings: Settings) -> bool:
    """Tell whether these classes of transformers take an image's rows for its channels, PIL image or not."""
    return size[0] in (1, 3)


CASES: Mapping[str, ProcessorCase] = {
    "LlavaImageProcessor": ProcessorCase(
        extra={
            "square": {**SMALL, "do_pad": True},
            "square, colour": {**SMALL, "do_pad": True, "image_mean": [0.999, 0.0, 0.5], "do_center_crop": False},
            "square alone": {
                "do_pad": True,
                **dict.fromkeys(("do_resize", "do_center_crop", "do_rescale", "do_normalize"), False),
            },
            "square, mean null": {**SMALL, "do_pad": True, "image_mean": None, "do_normalize": False},
            "square, mean 0": {**SMALL, "do_pad": True, "image_mean": 0.0},
            "square, mean a number": {**SMALL, "do_pad": True, "image_mean": 0.4},
        },
    ),
    "VideoLlavaImageProcessor": ProcessorCase(extra=NULLS, skip=taken_for_channels, derived=("return_legacy_image_output",)),
}
