"""The cases of the patches family: sizes in pixels of the whole image, and patches of other sides and numbers."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase, Settings, Size

LIMITS = {"shortest_edge": 900, "longest_edge": 9000}
SMALL: Settings = {"size": LIMITS}
# 32 is where both sides of a token round; 1 : 200 is the longest image, and 1 : 201 too long.
EDGES: tuple[Size, ...] = ((13, 15), (14, 42), (27, 29), (31, 33), (1, 200), (1, 201), (200, 1), (41, 43), (70, 98))

EXTRA: Mapping[str, Settings] = {
    "few pixels": SMALL,
    "more pixels": {"size": {"shortest_edge": 40000, "longest_edge": 60000}},
    "one pixel": {"size": {"shortest_edge": 1, "longest_edge": 1}},
    "patches of 8": {**SMALL, "patch_size": 8},
    "merge 1": {**SMALL, "merge_size": 1},
    "merge 3, frames 3": {**SMALL, "patch_size": 6, "merge_size": 3, "temporal_patch_size": 3},
    "frames 1": {**SMALL, "temporal_patch_size": 1},
    "lanczos": {**SMALL, "resample": 1},
    "bytes": {**SMALL, "do_rescale": False, "do_normalize": False},
    "normalize alone": {**SMALL, "do_rescale": False, "image_mean": [0.1, 120, 0.9], "image_std": 0.4},
    "rescale alone": {**SMALL, "do_normalize": False, "rescale_factor": 1 / 127.5},
    "do_resize false": {"do_resize": False, "patch_size": 8, "merge_size": 2},
    "do_resize false, patches of 1": {"do_resize": False, "patch_size": 1, "merge_size": 1},
    "do_resize false, merge 4": {"do_resize": False, "patch_size": 4, "merge_size": 4},
    "size, one edge": {"size": {"shortest_edge": 900}},
    "size, height and width": {"size": {"height": 90, "width": 90}},
    "size null": {"size": None},
    "size 90": {"size": 90},
    "resample null": {**SMALL, "resample": None},
    "patch_size null": {**SMALL, "patch_size": None},
}
PIXELS: Mapping[str, Settings] = {
    **EXTRA,
    "min_pixels": {"min_pixels": 30000},
    "max_pixels": {"max_pixels": 9000},
    "min_pixels and max_pixels": {"min_pixels": 900, "max_pixels": 9000},
    "min_pixels and max_pixels over size": {**SMALL, "min_pixels": 30000, "max_pixels": 40000},
    "min_pixels and max_pixels twice": {
        "size": {"min_pixels": 1, "max_pixels": 2},
        "min_pixels": 900,
        "max_pixels": 9000,
    },
    "min_pixels and max_pixels in size": {"size": {"min_pixels": 900, "max_pixels": 9000}},
    "min_pixels in part": {"size": {"min_pixels": 900, "max_pixels": 9000}, "min_pixels": 900},
    "min_pixels over an int": {"size": 90, "min_pixels": 900},
    "min_pixels null": {**SMALL, "min_pixels": None, "max_pixels": None},
}
TOKENS: Mapping[str, Settings] = {
    **{label: settings for label, settings in EXTRA.items() if "pixel" not in label},
    "few tokens": {"min_image_tokens": 4, "max_image_tokens": 12},
    "one token": {"min_image_tokens": 1, "max_image_tokens": 1},
    "more tokens, patches of 4": {"min_image_tokens": 300, "max_image_tokens": 400, "patch_size": 4},
    "9 tokens, merge 3": {"min_image_tokens": 9, "max_image_tokens": 9, "merge_size": 3, "temporal_patch_size": 3},
    "patch_expand_factor": {"patch_expand_factor": 2},
}
GRIDS: Mapping[str, Settings] = {
    **{label: {**settings, "max_image_tokens": 30} for label, settings in EXTRA.items() if "pixel" not in label},
    "default tokens": {},
    "resample null": {"resample": None, "max_image_tokens": 30},
    "filter nearest": {"resample": 0, "max_image_tokens": 30},
    "size null": {"size": None, "max_image_tokens": 30},
    "one token": {"max_image_tokens": 1},
    "more tokens, patches of 4": {"max_image_tokens": 400, "patch_size": 4},
    "max_image_tokens null": {"max_image_tokens": None},
}


def case(extra: Mapping[str, Settings]) -> ProcessorCase:
    """Return the family's case with some settings."""
    return ProcessorCase(extra=extra, standard=False, edges=EDGES)


CASES: Mapping[str, ProcessorCase] = {
    "CohereCompassImageProcessor": case(PIXELS),
    "Cosmos3EdgeImageProcessor": case(EXTRA),
    "Ernie4_5_VLMoeImageProcessor": case(EXTRA),
    "Glm46VImageProcessor": case(EXTRA),
    "Glm4vImageProcessor": case(EXTRA),
    "Glm5NextImageProcessor": case(TOKENS),
    "GlmImageImageProcessor": case(PIXELS),
    "GlmgaImageProcessor": case({**EXTRA, "patch_expand_factor": {**SMALL, "patch_expand_factor": 2}}),
    "HunYuanVLImageProcessor": case(PIXELS),
    "MiniMaxM3VLImageProcessor": case({**PIXELS, "size of the file": {"size": [672, 672]}}),
    # of 17.5 tokens and of 1.5 x 2: two grids are equally near
    "MuseGlimmerImageProcessor": ProcessorCase(
        extra=GRIDS, standard=False, edges=(*EDGES, (490, 490), (42, 56), (600, 400), (1, 9000))
    ),
    "PaddleOCRVLImageProcessor": case(PIXELS),
    "Qwen2VLImageProcessor": case(PIXELS),
    "VideoLlama3ImageProcessor": case(PIXELS),
}
