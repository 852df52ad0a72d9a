"""The case of Aria; its squares have 490 or 980 pixels a side, so that few images are tried."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase

SMALL = {"max_image_size": 490, "min_image_size": 90}
SPLIT = {**SMALL, "split_image": True, "split_resolutions": [[490, 980], [980, 490], [490, 490], [600, 500]]}

CASES: Mapping[str, ProcessorCase] = {
    "AriaImageProcessor": ProcessorCase(
        standard=False,
        images=(((1, 1), "noise"), ((333, 500), "photograph"), ((500, 10), "noise")),
        batch=((60, 90), (500, 60), (45, 45)),
        edges=((490, 490), (980, 980), (491, 982), (979, 980), (1, 500), (3000, 200), (2940, 490)),
        extra={
            "small": SMALL,
            "small, lanczos": {**SMALL, "resample": 1},
            "small, no filter": {**SMALL, "resample": None},
            "small, bytes": {**SMALL, "do_rescale": False, "do_normalize": False},
            "small, least side 490": {**SMALL, "min_image_size": 490},
            "least side above the most": {**SMALL, "min_image_size": 491},
            "least side far above the most, split": {**SPLIT, "min_image_size": 700},
            "another side": {"max_image_size": 500},
            "split, tiles of several sizes": {"split_image": True, "split_resolutions": [[490, 980], [980, 1470]]},
            "split, ragged": SPLIT,
            "split, whole": {**SPLIT, "split_resolutions": [[490, 980], [980, 490]]},
            "split, rescale alone": {**SPLIT, "do_normalize": False, "rescale_factor": 1 / 127.5},
            "canvases null": {**SMALL, "split_image": True, "split_resolutions": None},
        },
    ),
}
