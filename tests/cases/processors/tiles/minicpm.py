"""The cases of MiniCPM-V 4.6 and MiniCPM-OCR: a whole view and slices as strips of patches."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase, Settings, Size

SMALL: Settings = {"scale_resolution": 60, "patch_size": 4}

BATCH: tuple[Size, ...] = ((60, 90), (33, 31), (90, 60), (200, 190))
EDGES: tuple[Size, ...] = ((448, 448), (448, 449), (1, 900), (900, 1), (896, 672), (3000, 40), (1344, 1344))
EXTRA: Mapping[str, Settings] = {
    "default sizes": {"scale_resolution": 448, "patch_size": 14},
    **{f"at most {n} slices": {"max_slice_nums": n} for n in (0, 1, 2, 3, 6)},
    "slice_mode false": {"slice_mode": False},
    "4x": {"downsample_mode": "4x"},
    "patches of 3": {"patch_size": 3, "scale_resolution": 41},
    "use_image_id false": {"use_image_id": False},
    "filter lanczos": {"resample": 1},
    "resample null": {"resample": None},
    "bytes": {"do_rescale": False, "do_normalize": False},
    "normalize alone": {"do_rescale": False, "image_mean": [0.1, 120, 0.9], "image_std": 0.4},
    "rescale alone": {"do_normalize": False, "rescale_factor": 1 / 127.5},
    "do_convert_rgb false": {"do_convert_rgb": False},
}

CASES: Mapping[str, ProcessorCase] = {
    "MiniCPMOcrImageProcessor": ProcessorCase(
        always=SMALL,
        standard=False,
        batch=BATCH,
        edges=EDGES,
        extra={
            **EXTRA,
            "16x": {"downsample_mode": "16x"},
            "never": {"small_image_upsize": "never"},
            "another word for never": {"small_image_upsize": "sometimes"},
            "small_image_upsize null": {"small_image_upsize": None},
            "never, 16x": {"small_image_upsize": "never", "downsample_mode": "16x"},
            "never, not sliced": {"small_image_upsize": "never", "slice_mode": False},
            "never, patches of 14": {"small_image_upsize": "never", "patch_size": 14, "scale_resolution": 112},
            "do_resize false": {"do_resize": False},
            "do_resize null": {"do_resize": None},
            "bytes, do_rescale by 1": {"do_normalize": False, "rescale_factor": 1},
            "rescale by 2": {"do_normalize": False, "rescale_factor": 2},
            "filter box": {"resample": 4},
        },
    ),
    "MiniCPMV4_6ImageProcessor": ProcessorCase(
        always=SMALL,
        standard=False,
        batch=BATCH,
        edges=EDGES,
        extra={
            **EXTRA,
            "do_resize false": {"do_resize": False},
            "do_resize false, patches of 1": {"do_resize": False, "patch_size": 1},
            "do_resize false, patches of 2": {"do_resize": False, "patch_size": 2},
            "do_resize false, patches of 14": {"do_resize": False, "patch_size": 14, "scale_resolution": 112},
            "do_resize and slice_mode false": {"do_resize": False, "slice_mode": False, "patch_size": 1},
        },
        # A rest beside the slices can be whole patches only where these are smaller than the grid has rows or columns.
        refuses=lambda size, settings: settings.get("do_resize") is False and settings.get("patch_size", 14) < 9,
    ),
}
