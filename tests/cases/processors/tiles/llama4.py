"""The case of Llama 4: canvases with several limits of tiles, at sizes where another canvas fits better."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase

CASES: Mapping[str, ProcessorCase] = {
    "Llama4ImageProcessor": ProcessorCase(
        always={"size": {"height": 40, "width": 40}},
        standard=False,
        images=(
            ((1, 1), "noise"),
            ((17, 31), "noise"),
            ((40, 40), "noise"),
            ((41, 80), "noise"),
            ((333, 500), "photograph"),
            ((1, 500), "noise"),
            ((260, 40), "photograph"),
            ((120, 160), "noise"),
        ),
        batch=((60, 90), (20, 31), (90, 60), (39, 40)),
        edges=((336, 336), (336, 337), (672, 336), (500, 333), (1344, 1344), (41, 41), (3000, 40), (40, 3000), (3, 2000)),
        extra={
            "default size": {"size": {"height": 336, "width": 336}},
            "largest canvas": {"resize_to_max_canvas": True},
            "resize_to_max_canvas null": {"resize_to_max_canvas": None},
            **{f"at most {most}": {"max_patches": most} for most in (1, 2, 5, 25)},
            "at most 7, largest canvas": {"max_patches": 7, "resize_to_max_canvas": True},
            "no tiles": {"max_patches": 0},
            "oblong size": {"size": {"height": 33, "width": 50}},
            "size by an edge": {"size": {"shortest_edge": 40}},
            "do_resize false": {"do_resize": False},
            "lanczos": {"resample": 1},
            "nearest": {"resample": 0},
            "resample null": {"resample": None},
            "bytes": {"do_rescale": False, "do_normalize": False},
            "normalize alone": {"do_rescale": False},
            "rescale alone": {"do_normalize": False, "rescale_factor": 1 / 127.5},
            "mean and std": {"image_mean": [0.1, 0.47, 0.9], "image_std": [0.31, 0.6, 1.2]},
            "mean and std, numbers": {"image_mean": 0.4, "image_std": 0.2},
            "mean of one element": {"image_mean": [0.4]},
            "std of two elements": {"image_std": [0.4, 0.2]},
            "std of a zero": {"image_std": [0.4, 0, 1]},
            "rescale_factor 1": {"rescale_factor": 1},
            "rescale_factor 0": {"rescale_factor": 0.0},
            "rescale_factor 1/127.5": {"rescale_factor": 1 / 127.5},
            "do_convert_rgb false": {"do_convert_rgb": False},
        },
    ),
}
