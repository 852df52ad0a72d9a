"""The cases of classes that resize by a share of the size: shares, and edges at which the rule changes."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase

CROP_PCT = {
    "crop_pct .5": {"crop_pct": 0.5, "size": {"shortest_edge": 61}},
    "crop_pct 1": {"crop_pct": 1.0, "size": {"shortest_edge": 61}},
    "crop_pct null": {"crop_pct": None, "size": {"shortest_edge": 61}},
    "crop_pct 0": {"crop_pct": 0, "size": {"shortest_edge": 61}},
}

CASES: Mapping[str, ProcessorCase] = {
    "ConvNextImageProcessor": ProcessorCase(
        extra={
            **CROP_PCT,
            "edge 383, cropped": {"size": {"shortest_edge": 383}},
            "edge 384, crop_pct null": {"size": {"shortest_edge": 384}, "crop_pct": None},
            "edge 400, warped": {"size": {"shortest_edge": 400}},
            "edge 61, then a crop": {"size": 61, "do_center_crop": True, "crop_size": {"height": 33, "width": 80}},
        }
    ),
    "LevitImageProcessor": ProcessorCase(extra={"edge 7": {"size": {"shortest_edge": 7}, "crop_size": 7}}),
    # The crop is size / crop_size of the shorter side, down to no pixels, and without a resize the result is empty.
    "PerceiverImageProcessor": ProcessorCase(
        refuses=lambda size, settings: min(size) <= 5 and not settings.get("do_resize", True),
        extra={
            "crop of the whole": {"crop_size": {"height": 224, "width": 224}},
            "crop of a part, odd": {"size": {"height": 50, "width": 71}, "crop_size": {"height": 97, "width": 113}},
            "crop above the image": {"size": {"height": 90, "width": 71}, "crop_size": {"height": 60, "width": 64}},
        },
    ),
    "PoolFormerImageProcessor": ProcessorCase(
        extra={
            **CROP_PCT,
            "crop_pct, square": {"size": {"height": 61, "width": 61}},
            "crop_pct, height and width": {"size": {"height": 61, "width": 90}},
            "crop_pct null, square": {"size": {"height": 61, "width": 61}, "crop_pct": None},
        }
    ),
}
