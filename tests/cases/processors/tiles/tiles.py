"""The cases of the classes that cut a canvas of equal tiles, at sizes where their grids change."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import Content, ProcessorCase, Settings, Size

SMALL = {"height": 40, "width": 40}
IMAGES: tuple[tuple[Size, Content], ...] = (
    ((1, 1), "noise"),
    ((40, 40), "noise"),
    ((41, 80), "noise"),
    ((333, 500), "photograph"),
    ((1, 500), "noise"),
    ((260, 40), "photograph"),
    ((120, 160), "noise"),
)
EDGES: tuple[Size, ...] = ((384, 384), (385, 768), (1000, 300), (512, 513), (3000, 200), (768, 768), (769, 768))
CUT = {"crop_to_patches": True, "size": SMALL}
STEPS: Mapping[str, Settings] = {
    "lanczos": {"resample": 1},
    "bytes": {"do_rescale": False, "do_normalize": False},
    "normalize alone": {"do_rescale": False, "image_mean": [0.1, 120, 0.9], "image_std": 0.4},
    "rescale alone": {"do_normalize": False, "rescale_factor": 1 / 127.5},
    "oblong tiles": {"size": {"height": 33, "width": 50}},
    "2 to 6": {"min_patches": 2, "max_patches": 6},
    "3 to 3": {"min_patches": 3, "max_patches": 3},
    "fewest above most": {"min_patches": 5, "max_patches": 4},
    "1 at most": {"max_patches": 1},
    "most null": {"max_patches": None},
    "do_convert_rgb false": {"do_convert_rgb": False},
    "size by an edge": {"size": {"shortest_edge": 40}},
}
NO_RESIZE = {"do_resize false": {"do_resize": False}, "do_resize false, no filter": {"do_resize": False, "resample": None}}
WHOLE = {
    "not cut": {"crop_to_patches": False},
    "not cut, at the default size": {"crop_to_patches": False, "size": {"height": 384, "width": 384}},
    "not cut, edge": {"crop_to_patches": False, "size": {"shortest_edge": 61}},
    "not cut, do_resize false": {"crop_to_patches": False, "do_resize": False},
}


def no_number(size: Size, settings: Settings) -> bool:
    """Tell whether `max_patches` is null, in which transformers finds no number only for images that are cut."""
    return settings.get("max_patches", 6) is None and max(size) <= 40


CASES: Mapping[str, ProcessorCase] = {
    "Cohere2VisionImageProcessor": ProcessorCase(
        always=CUT,
        standard=False,
        images=IMAGES,
        edges=EDGES,
        extra={
            **STEPS,
            **NO_RESIZE,
            **WHOLE,
            "no tiles": {"max_patches": 0},
            "up to 40": {"max_patches": 40, "size": {"height": 21, "width": 21}},
            "resample null": {"resample": None, "do_resize": False},
            "default size, 3 at most": {"size": {"height": 512, "width": 512}, "max_patches": 3},
            "filter box": {"resample": 4},
        },
    ),
    "DeepseekOcr2ImageProcessor": ProcessorCase(
        always={"size": {"height": 61, "width": 61}, "tile_size": 40},
        standard=False,
        images=(*IMAGES, ((9, 500), "noise")),
        edges=EDGES,
        batch=((60, 90), (90, 60), (30, 20)),
        extra={
            **STEPS,
            "default sizes, small tiles": {"size": {"height": 1024, "width": 1024}, "tile_size": 384, "max_patches": 3},
            "not cut": {"crop_to_patches": False},
            "another colour": {"background_color": [0, 200, 255]},
            "one colour": {"background_color": 9},
            "tiles above most images": {"tile_size": 340},
        },
        refuses=no_number,
    ),
    "GotOcr2ImageProcessor": ProcessorCase(
        always=CUT,
        standard=False,
        images=IMAGES,
        edges=EDGES,
        extra={**STEPS, **NO_RESIZE, **WHOLE},
    ),
    "GraniteDoclingImageProcessor": ProcessorCase(
        always={"size": SMALL},
        standard=False,
        images=IMAGES,
        edges=EDGES,
        extra={
            **STEPS,
            "not cut": {"crop_to_patches": False},
            "default size, 4 at most": {"size": {"height": 512, "width": 512}, "max_patches": 4},
            "fine": {"fine_route": True},
            "dense, no scale": {"max_patches": 4, "dense_max_patches": 9, "dense_max_scale": None},
            "dense by scale": {"max_patches": 4, "dense_max_patches": 9, "dense_max_scale": 0.6},
            "dense by aspect": {"max_patches": 4, "dense_max_patches": 9, "dense_min_aspect": 1.2, "dense_max_aspect": 2.5},
            "dense by both, fine": {
                "max_patches": 3,
                "dense_max_patches": 12,
                "dense_max_scale": 2.0,
                "dense_min_aspect": 0.9,
                "fine_route": True,
            },
            "dense, fewer": {"max_patches": 6, "min_patches": 3, "dense_max_patches": 2, "dense_min_aspect": 1.2},
        },
    ),
    "Ovis2ImageProcessor": ProcessorCase(
        always=CUT,
        standard=False,
        images=IMAGES,
        edges=EDGES,
        extra={
            **STEPS,
            **NO_RESIZE,
            **WHOLE,
            "nearest grid": {"use_covering_area_grid": False},
            "nearest grid, 3 to 6": {"use_covering_area_grid": False, "min_patches": 3, "max_patches": 6},
            "cropped": {"do_center_crop": True, "crop_size": {"height": 33, "width": 50}},
            "not cut, cropped": {"crop_to_patches": False, "do_center_crop": True, "crop_size": 33},
            "large tiles": {"size": {"height": 150, "width": 150}, "max_patches": 9},
        },
    ),
    "PerceptionLMImageProcessor": ProcessorCase(
        always={"tile_size": 40, "max_num_tiles": 9},
        standard=False,
        images=(*IMAGES, ((500, 3), "noise"), ((75, 79), "noise")),
        edges=((448, 448), (448, 449), (1344, 1345), (1000, 300), (3000, 200), (40, 361), (90, 3600), (120, 120)),
        batch=((60, 90), (79, 118), (90, 60)),  # as many tiles each, in grids of two shapes
        extra={
            **{label: settings for label, settings in STEPS.items() if "resample" in settings or "do_" in "".join(settings)},
            **{f"at most {n} tiles": {"max_num_tiles": n} for n in (0, 1, 2, 5, 17)},
            "default sizes, 4 at most": {"tile_size": 448, "max_num_tiles": 4},
            "tiles of 33, 36 at most": {"tile_size": 33, "max_num_tiles": 36},
            "max_num_tiles null": {"max_num_tiles": None},
            "tile_size null": {"tile_size": None},
            "single tiles": {"vision_input_type": "vanilla"},
            "vision_input_type null": {"vision_input_type": None},
            "size ignored": {"size": {"shortest_edge": 30}},
            "size null": {"size": None},
            "do_resize false": {"do_resize": False},
            "do_resize false, nothing to resize by": {"do_resize": False, "resample": None, "size": None, "tile_size": None},
            "filter box": {"resample": 4},
        },
    ),
    "UnlimitedOcrImageProcessor": ProcessorCase(
        always={"size": {"height": 61, "width": 61}, "tile_size": 40},
        standard=False,
        images=(*IMAGES, ((9, 500), "noise")),
        edges=EDGES,
        batch=((60, 90), (90, 60), (30, 20)),
        extra={
            **STEPS,
            **NO_RESIZE,
            "default sizes, 4 at most": {"size": {"height": 1024, "width": 1024}, "tile_size": 640, "max_patches": 4},
            "oblong size": {"size": {"height": 50, "width": 70}},
            "not cut": {"crop_to_patches": False},
            "not cut, padded": {"crop_to_patches": False, "maximum_pad_value": 60},
            "not cut, size at maximum_pad_value": {"crop_to_patches": False, "maximum_pad_value": 61},
            "not cut, maximum_pad_value null": {"crop_to_patches": False, "maximum_pad_value": None},
            "maximum_pad_value null": {"maximum_pad_value": None},
            "another colour": {"background_color": [0, 200, 255]},
            "one colour": {"background_color": 9},
            "tiles above most images": {"tile_size": 340},
            "bytes, do_rescale by 1": {"do_normalize": False, "rescale_factor": 1},
        },
        refuses=no_number,
    ),
}
