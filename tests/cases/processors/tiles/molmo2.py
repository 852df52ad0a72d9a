"""The case of Molmo 2: overlapping crops, at sizes where others cover an image and below those of a margin."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase

CASES: Mapping[str, ProcessorCase] = {
    "Molmo2ImageProcessor": ProcessorCase(
        always={"size": {"height": 54, "width": 54}, "patch_size": 6, "overlap_margins": [1, 2]},
        standard=False,
        images=(
            ((1, 1), "noise"),
            ((17, 31), "noise"),
            ((18, 18), "noise"),
            ((54, 54), "noise"),
            ((55, 120), "noise"),
            ((333, 500), "photograph"),
            ((1, 500), "noise"),
            ((260, 40), "photograph"),
        ),
        batch=((60, 90), (20, 31), (90, 60), (150, 140), (60, 90)),
        edges=((378, 378), (379, 378), (112, 112), (112, 113), (111, 400), (644, 910), (18, 70), (54, 90), (3000, 40)),
        # Transformers refuses these filters, too, but not of an image that has the size already; and negative margins of
        # several crops.
        refuses=lambda size, settings: settings.get("resample") in (1, 4, 5) or min(settings.get("overlap_margins") or [0]) < 0,
        extra={
            "default size": {"size": {"height": 378, "width": 378}, "patch_size": 14, "overlap_margins": [4, 4]},
            **{f"at most {most}": {"max_crops": most} for most in (1, 2, 5)},
            "no crops": {"max_crops": 0},
            "no margins": {"overlap_margins": [0, 0]},
            "margin before": {"overlap_margins": [3, 0]},
            "margin after": {"overlap_margins": [0, 3]},
            "margins alone": {"overlap_margins": [4, 5]},
            "one margin": {"overlap_margins": [4]},
            "margins null": {"overlap_margins": None},
            "negative margin": {"overlap_margins": [-1, 2]},
            "pooling of nothing": {"pooling_size": [0, 2]},
            "pooling 3 x 2": {"pooling_size": [3, 2]},
            "pooling 1 x 4": {"pooling_size": [1, 4]},
            "pooling 1 x 1": {"pooling_size": [1, 1]},
            "patches of 9": {"patch_size": 9, "overlap_margins": [1, 1]},
            "patches of a rest": {"patch_size": 7},
            "oblong size": {"size": {"height": 54, "width": 48}},
            "size by an edge": {"size": {"shortest_edge": 54}},
            "do_resize false": {"do_resize": False},
            "bicubic": {"resample": 3},
            "nearest": {"resample": 0},
            "lanczos": {"resample": 1},
            "resample null": {"resample": None},
            "bytes": {"do_rescale": False, "do_normalize": False},
            "normalize alone": {"do_rescale": False, "image_mean": [0.1, 120, 0.9], "image_std": 0.4},
            "rescale alone": {"do_normalize": False, "rescale_factor": 1 / 127.5},
            "mean and std": {"image_mean": [0.1, 0.47, 0.9], "image_std": [0.31, 0.6, 1.2]},
            "do_convert_rgb false": {"do_convert_rgb": False},
        },
    ),
}
