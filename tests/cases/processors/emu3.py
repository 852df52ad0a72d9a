"""The case of Emu3."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase, Settings

SMALL: Settings = {"min_pixels": 900, "max_pixels": 9000}

CASES: Mapping[str, ProcessorCase] = {
    "Emu3ImageProcessor": ProcessorCase(
        always=SMALL,
        standard=False,
        derived=("do_pad",),
        # The class has no Pillow backend: it takes the first axis of an array with 1 or 3 rows for its channels.
        skip=lambda size, settings: size[0] in (1, 3),
        edges=((5, 3), (4, 12), (2, 400), (2, 402), (200, 1), (201, 1), (44, 36)),
        extra={
            "more pixels": {"min_pixels": 40000, "max_pixels": 60000},
            "spatial_factor 1": {"spatial_factor": 1},
            "spatial_factor 21": {"spatial_factor": 21},
            "size changes nothing": {"size": {"min_pixels": 1, "max_pixels": 2}},
            "lanczos": {"resample": 1},
            "bytes": {"do_rescale": False, "do_normalize": False},
            "normalize alone": {"do_rescale": False, "image_mean": [0.1, 120, 0.9], "image_std": 0.4},
            "rescale alone": {"do_normalize": False, "rescale_factor": 1 / 127.5},
            "do_resize false": {"do_resize": False},
            "mean and std null": {"image_mean": None, "image_std": None},
            "resample null": {"resample": None},
        },
    ),
}
