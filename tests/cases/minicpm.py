"""The case of MiniCPM-V 4.6: a whole view and slices as strips of patches."""

from __future__ import annotations

from collections.abc import Mapping

from cases.case import Case, Settings

SMALL: Settings = {"scale_resolution": 60, "patch_size": 4}

CASES: Mapping[str, Case] = {
    "MiniCPMV4_6ImageProcessor": Case(
        always=SMALL,
        standard=False,
        batch=((60, 90), (33, 31), (90, 60), (200, 190)),
        edges=((448, 448), (448, 449), (1, 900), (900, 1), (896, 672), (3000, 40), (1344, 1344)),
        extra={
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
            "do_resize false": {"do_resize": False},
            "do_resize false, patches of 1": {"do_resize": False, "patch_size": 1},
            "do_resize false, patches of 2": {"do_resize": False, "patch_size": 2},
            "do_resize false, patches of 14": {"do_resize": False, "patch_size": 14, "scale_resolution": 112},
            "do_resize and slice_mode false": {"do_resize": False, "slice_mode": False, "patch_size": 1},
            "do_convert_rgb false": {"do_convert_rgb": False},
        },
        # A rest beside the slices can be whole patches only where these are smaller than the grid has rows or columns.
        refuses=lambda size, settings: settings.get("do_resize") is False and settings.get("patch_size", 14) < 9,
    ),
}
