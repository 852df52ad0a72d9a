"""The case of Mllama: tiles of a canvas."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase

CASES: Mapping[str, ProcessorCase] = {
    "MllamaImageProcessor": ProcessorCase(
        always={"size": {"height": 60, "width": 60}},
        standard=False,
        edges=((560, 560), (561, 560), (1, 3000), (3000, 1), (120, 60), (121, 60), (60, 241)),
        extra={
            **{f"at most {n} tiles": {"max_image_tiles": n} for n in (1, 2, 3, 7, 12)},
            "no tiles": {"max_image_tiles": 0},
            "max_image_tiles null": {"max_image_tiles": None},
            "tiles of 1": {"size": 1},
            "tiles of 33": {"size": 33},
            "default size": {"size": {"height": 224, "width": 224}},
            "no square": {"size": {"height": 60, "width": 61}},
            "shortest edge": {"size": {"shortest_edge": 60}},
            "filter lanczos": {"resample": 1},
            "resample null": {"resample": None},
            "bytes": {"do_rescale": False, "do_normalize": False},
            "normalize alone": {"do_rescale": False, "image_mean": [0.1, 120, 0.9], "image_std": 0.4},
            "rescale alone": {"do_normalize": False, "rescale_factor": 1 / 127.5},
            "do_resize false": {"do_resize": False},
            "do_pad false": {"do_pad": False},
            "do_convert_rgb false": {"do_convert_rgb": False},
        },
    ),
}
