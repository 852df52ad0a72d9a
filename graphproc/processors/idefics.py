"""Idefics: plain, and a call returns the pixel values themselves."""

from __future__ import annotations

from graphproc.processors.calls import OWN
from graphproc.processors.constants import BICUBIC, CLIP, NORMALIZE, RGB, resize_to, square
from graphproc.processors.row import Row
from graphproc.processors.stages import STANDARD

ROWS = (
    Row(
        "IdeficsImageProcessor",
        "plain",
        STANDARD,
        {
            **RGB,
            **resize_to(square(224), BICUBIC),
            **NORMALIZE,
            **CLIP,
            "transform": None,
            "image_size": None,
            "image_num_channels": 3,
        },
        not_compiled="transform (a Python function)",
        bare=True,
        calls={"image_size": OWN},
    ),
)
