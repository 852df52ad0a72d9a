"""The case of FLAVA."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase

BOTH = {"return_codebook_pixels": True, "size": {"height": 61, "width": 45}, "crop_size": 50}

CASES: Mapping[str, ProcessorCase] = {
    "FlavaImageProcessor": ProcessorCase(
        extra={
            "codebook": {"return_codebook_pixels": True},
            "codebook, own sizes": {**BOTH, "codebook_size": 70, "codebook_crop_size": {"height": 33, "width": 90}},
            "codebook, edge": {**BOTH, "codebook_size": 70, "default_to_square": False, "codebook_crop_size": 64},
            "codebook, bicubic": {**BOTH, "codebook_resample": 3, "codebook_rescale_factor": 1 / 127.5},
            "codebook, no filter": {**BOTH, "codebook_resample": None},
            "codebook, mean and std": {**BOTH, "codebook_image_mean": [0.1, 0.47, 0.9], "codebook_image_std": [0.31, 0.6, 1.2]},
            "codebook, not mapped": {**BOTH, "codebook_do_map_pixels": False},
            "codebook, not rescaled": {**BOTH, "codebook_do_rescale": False},
            "codebook, not normalized": {**BOTH, "codebook_do_normalize": False},
            "codebook, not resized": {**BOTH, "codebook_do_resize": False},
            "codebook, not cropped": {**BOTH, "codebook_do_center_crop": False},
            "codebook, nothing done": {
                **BOTH,
                **dict.fromkeys((f"codebook_do_{step}" for step in ("rescale", "normalize", "map_pixels")), False),
            },
            "codebook_size null": {**BOTH, "codebook_size": None},
        }
    ),
}
