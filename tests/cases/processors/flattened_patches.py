"""The cases of the flattened patches family: numbers and shapes of patches."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase, Settings

SMALL: Settings = {"max_patches": 100}
PATCHES: Mapping[str, Settings] = {
    "max_patches 1": {"max_patches": 1},
    "max_patches 257": {"max_patches": 257},
    "patches of 8 x 8": {"patch_size": {"height": 8, "width": 8}},
    "patches of 6 x 20": {"patch_size": {"height": 6, "width": 20}},
    "patch_size 14": {"patch_size": 14},
    "patch_size null": {"patch_size": None},
    "patch_size, one edge": {"patch_size": {"shortest_edge": 14}},
    "resize and rescale change nothing": {"do_resize": True, "size": 30, "resample": 3, "do_rescale": True, "rescale_factor": 2},
}
EDGES = ((100, 101), (1, 3000), (3000, 1), (160, 161), (900, 40))

CASES: Mapping[str, ProcessorCase] = {
    "Kosmos2_5ImageProcessor": ProcessorCase(
        always=SMALL,
        standard=False,
        edges=EDGES,
        extra={**PATCHES, "do_normalize false": {"do_normalize": False}},
    ),
    "Pix2StructImageProcessor": ProcessorCase(
        always=SMALL,
        standard=False,
        edges=EDGES,
        extra={
            **PATCHES,
            "do_normalize null": {"do_normalize": None},
            "header_text without is_vqa": {"header_text": "a cat"},
            "is_vqa, no header_text": {"is_vqa": True},
        },
    ),
}
