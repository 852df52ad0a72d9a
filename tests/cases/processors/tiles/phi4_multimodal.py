"""The case of Phi-4 multimodal: canvases of whole tiles, at sizes where their number grows or is too large."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase

CASES: Mapping[str, ProcessorCase] = {
    "Phi4MultimodalImageProcessor": ProcessorCase(
        always={"size": {"height": 56, "width": 56}, "dynamic_hd": 9},
        standard=False,
        images=(
            ((1, 1), "noise"),
            ((17, 31), "noise"),
            ((56, 56), "noise"),
            ((57, 112), "noise"),
            ((333, 500), "photograph"),
            ((1, 500), "noise"),
            ((260, 40), "photograph"),
            ((120, 160), "noise"),
        ),
        batch=((60, 90), (20, 31), (90, 60), (150, 140)),
        edges=(
            (448, 448),
            (448, 449),
            (500, 1000),
            (60, 600),
            (600, 60),
            (3000, 2000),
            (9, 40),
            (10, 56),
            (168, 168),
            (169, 168),
        ),
        # Transformers refuses these filters, too, but not of a canvas that has the size already.
        refuses=lambda size, settings: settings.get("resample") in (1, 4, 5),
        extra={
            "default size": {"size": {"height": 448, "width": 448}, "dynamic_hd": 4},
            "default size and tiles": {"size": {"height": 448, "width": 448}, "dynamic_hd": 36},
            **{f"at most {most}": {"dynamic_hd": most} for most in (1, 2, 36)},
            "no tiles": {"dynamic_hd": 0},
            "patches of 8": {"patch_size": 8},
            "patches of 11": {"patch_size": 11},
            "odd size": {"size": {"height": 45, "width": 45}, "patch_size": 9},
            "oblong size": {"size": {"height": 33, "width": 50}},
            "size by an edge": {"size": {"shortest_edge": 40}},
            "do_resize false": {"do_resize": False},
            "do_resize true": {"do_resize": True},
            "bilinear": {"resample": 2},
            "nearest": {"resample": 0},
            "lanczos": {"resample": 1},
            "box": {"resample": 4},
            "resample null": {"resample": None},
            "bytes": {"do_rescale": False, "do_normalize": False},
            "bytes, nearest": {"do_rescale": False, "do_normalize": False, "resample": 0},
            "normalize alone": {"do_rescale": False, "image_mean": [0.1, 120, 0.9], "image_std": 100},
            "rescale alone": {"do_normalize": False, "rescale_factor": 1 / 127.5},
            "mean and std": {"image_mean": [0.1, 0.47, 0.9], "image_std": [0.31, 0.6, 1.2]},
            "rescale_factor 1": {"rescale_factor": 1, "do_normalize": False},
            "do_convert_rgb false": {"do_convert_rgb": False},
        },
    ),
}
