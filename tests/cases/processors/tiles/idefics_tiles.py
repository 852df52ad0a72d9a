"""The cases of Idefics2, Idefics3, SmolVLM and UltraVBert: images, quarters or tiles, padded to the batch's largest."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase, Settings, Size

STEPS: Mapping[str, Settings] = {
    "filter box": {"resample": 4},
    "filter nearest": {"resample": 0},
    "resample null": {"resample": None},
    "bytes": {"do_rescale": False, "do_normalize": False},
    "normalize alone": {"do_rescale": False, "image_mean": [0.1, 120, 0.9], "image_std": 0.4},
    "rescale alone": {"do_normalize": False, "rescale_factor": 1 / 127.5},
    "size of height and width": {"size": {"height": 91, "width": 70}},
    "size of a shortest edge": {"size": {"shortest_edge": 60}},
    "size a number": {"size": 81},
    "size null": {"size": None},
    "do_convert_rgb false": {"do_convert_rgb": False},
}
EDGES: Mapping[str, Settings] = {
    "default sizes": {"size": {"shortest_edge": 378, "longest_edge": 980}},
    "edges crossed": {"size": {"shortest_edge": 90, "longest_edge": 40}},
    "do_resize false": {"do_resize": False},
    "do_resize and do_pad false": {"do_resize": False, "do_pad": False},
    "do_pad false": {"do_pad": False},
}
QUARTERS: Mapping[str, Settings] = {
    f"quarters, {label}": {**settings, "do_image_splitting": True}
    for label, settings in {"usual": {}, "bytes": STEPS["bytes"], **EDGES}.items()
}


def unequal_quarters(size: Size, settings: Settings) -> bool:
    """Tell whether quarters are of another size than the image, which transformers returns only as lists, or without pixels."""
    return bool(settings.get("do_image_splitting")) and (settings.get("do_pad") is False or size[1] < 2)


TILES: Mapping[str, Settings] = {
    **STEPS,
    **{f"longest edge {n}": {"size": {"longest_edge": n}} for n in (1, 51, 64, 65, 200)},
    "shortest edge ignored": {"size": {"longest_edge": 100, "shortest_edge": 300}},
    "tiles of 33": {"max_image_size": {"longest_edge": 33}},
    "tiles of 1": {"max_image_size": {"longest_edge": 1}, "size": {"longest_edge": 5}},
    "no tiles": {"max_image_size": {}},
    "no splitting": {"do_image_splitting": False},
    "no splitting, rows and columns": {"do_image_splitting": False, "return_row_col_info": True},
    "rows and columns": {"return_row_col_info": True},
    "do_resize false": {"do_resize": False, "return_row_col_info": True},
    "do_resize false, resample null": {"do_resize": False, "resample": None},
    "do_resize and splitting false": {"do_resize": False, "do_image_splitting": False},
    "do_pad false": {"do_pad": False, "return_row_col_info": True},
}

ONE_PIXEL = ("longest edge 1", "tiles of 1")
"""Torch fails where a resize of bytes gives a single pixel."""


def one_pixel(size: Size, settings: Settings) -> bool:
    """Tell whether torch fails where Pillow does not."""
    makes_one = any(settings[key] == TILES[label][key] for label in ONE_PIXEL for key in TILES[label])
    return settings.get("backend") == "torchvision" and makes_one


SMALL: Settings = {"size": {"longest_edge": 150}, "max_image_size": {"longest_edge": 50}}
TILE_EDGES: tuple[Size, ...] = ((364, 364), (365, 364), (364, 1457), (1, 900), (3000, 40), (728, 729))

CASES: Mapping[str, ProcessorCase] = {
    "Idefics2ImageProcessor": ProcessorCase(
        always={"size": {"shortest_edge": 40, "longest_edge": 90}},
        standard=False,
        edges=((90, 91), (980, 980), (981, 980), (1, 3000), (3000, 40), (378, 377)),
        extra={**STEPS, **EDGES, **QUARTERS},
        refuses=unequal_quarters,
    ),
    "Idefics3ImageProcessor": ProcessorCase(always=SMALL, standard=False, edges=TILE_EDGES, extra=TILES, skip=one_pixel),
    "SmolVLMImageProcessor": ProcessorCase(
        always=SMALL,
        standard=False,
        edges=TILE_EDGES,
        extra={
            "default sizes": {"size": {"longest_edge": 4 * 364}, "max_image_size": {"longest_edge": 364}},
            "tiles of 33": TILES["tiles of 33"],
            "rows and columns": TILES["rows and columns"],
            "do_resize false": TILES["do_resize false"],
            "no splitting": TILES["no splitting"],
        },
    ),
    "UltraVBertImageProcessor": ProcessorCase(
        always=SMALL,
        standard=False,
        edges=(*TILE_EDGES, (512, 512), (513, 512), (3072, 40)),
        extra={
            **{label: settings for label, settings in TILES.items() if label not in ONE_PIXEL},
            "tiles of 2": {"max_image_size": {"longest_edge": 2}, "size": {"longest_edge": 6}},
            "default sizes, 6 tiles": {
                "size": {"longest_edge": 3072},
                "max_image_size": {"longest_edge": 512},
                "max_image_tiles": 6,
            },
            **{f"at most {n} tiles": {"max_image_tiles": n, "return_row_col_info": True} for n in (0, 1, 2, 3, 5, 8)},
            "max_image_tiles null": {"max_image_tiles": None},
            "many edges, 7 tiles": {
                "size": {"longest_edge": 333},
                "max_image_size": {"longest_edge": 30},
                "max_image_tiles": 7,
            },
            "bytes, do_pad false": {"do_rescale": False, "do_normalize": False, "do_pad": False},
            "height and width, no splitting": {"size": {"height": 91, "width": 70}, "do_image_splitting": False},
        },
    ),
}
