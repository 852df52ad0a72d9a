"""The case of LFM2-VL: whole images, tiles and thumbnails, at sizes where images begin to be cut and where grids change."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase, Settings

SMALL: Settings = {"encoder_patch_size": 4, "tile_size": 40, "min_image_tokens": 4, "max_image_tokens": 16}
BARE: Settings = {"do_pad": False}

CASES: Mapping[str, ProcessorCase] = {
    "Lfm2VlImageProcessor": ProcessorCase(
        always=SMALL,
        standard=False,
        images=(
            ((1, 1), "noise"),
            ((17, 31), "noise"),
            ((33, 31), "noise"),
            ((100, 100), "noise"),
            ((100, 40), "noise"),
            ((333, 500), "photograph"),
            ((2, 90), "noise"),
            ((3, 2000), "noise"),
        ),
        batch=((60, 90), (20, 31), (90, 60), (200, 190)),
        edges=((32, 32), (45, 44), (46, 45), (1, 65), (3000, 40), (40, 3000), (125, 100), (100, 125), (40, 100), (1, 4000)),
        extra={
            "default sizes": {"encoder_patch_size": 16, "tile_size": 512, "min_image_tokens": 64, "max_image_tokens": 256},
            "default sizes, most tokens": {"encoder_patch_size": 16, "tile_size": 96, "max_image_tokens": 20},
            "do_image_splitting false": {"do_image_splitting": False},
            "do_image_splitting null": {"do_image_splitting": None},
            "1 tile": {"min_tiles": 1, "max_tiles": 1},
            "1 to 4": {"min_tiles": 1, "max_tiles": 4},
            "3 to 3": {"min_tiles": 3, "max_tiles": 3},
            "4 to 4": {"min_tiles": 4, "max_tiles": 4},
            "fewest above most": {"min_tiles": 5, "max_tiles": 4},
            "fewest above most, not cut": {"min_tiles": 5, "max_tiles": 4, "do_image_splitting": False},
            "large tiles": {"tile_size": 64},
            "tiles of a rest": {"tile_size": 42},
            "use_thumbnail false": {"use_thumbnail": False},
            "use_thumbnail null": {"use_thumbnail": None},
            "no fewest tokens": {"min_image_tokens": 0},
            "factor 1": {"downsample_factor": 1},
            "factor 3": {"downsample_factor": 3},
            "tolerance 0.5": {"max_pixels_tolerance": 0.5},
            "tolerance 1": {"max_pixels_tolerance": 1},
            "tolerance null": {"max_pixels_tolerance": None},
            "do_pad false": BARE,
            "do_pad false, no thumbnail": {**BARE, "use_thumbnail": False},
            "do_pad false, not cut": {**BARE, "do_image_splitting": False},
            "rows and columns": {"return_row_col_info": True},
            "rows and columns, not cut": {"return_row_col_info": True, "do_image_splitting": False, "do_pad": False},
            "do_resize false": {"do_resize": False},
            "size changes nothing": {"size": {"height": 30, "width": 90}},
            "do_resize false, resample and size null": {"do_resize": False, "resample": None, "size": None},
            "resample null": {"resample": None},
            "lanczos": {"resample": 1},
            "bytes": {"do_rescale": False, "do_normalize": False},
            "normalize alone": {"do_rescale": False, "image_mean": [0.1, 120, 0.9], "image_std": 0.4},
            "rescale alone": {"do_normalize": False, "rescale_factor": 1 / 127.5},
            "do_convert_rgb": {"do_convert_rgb": True},
        },
    ),
}
