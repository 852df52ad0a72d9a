"""The case of SegGPT."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from cases.processors.case import ProcessorCase, Size
from PIL import Image


def prompts(size: Size) -> dict[str, Any]:
    """Return an image of noise and a map of the classes 0 to 6, both of other sides than the image."""
    height, width = size[0] + 3, size[1] + size[1] // 9
    pixels = np.random.default_rng(size).integers(0, 256, (height, width, 3), dtype=np.uint8)
    rows, columns = np.indices((height + 2, width))
    classes = ((rows // 5 + 3 * (columns // 4)) % 7).astype(np.uint8)
    return {"prompt_images": Image.fromarray(pixels), "prompt_masks": Image.fromarray(classes)}


SMALL = {"size": {"height": 61, "width": 45}}

CASES: Mapping[str, ProcessorCase] = {
    "SegGptImageProcessor": ProcessorCase(
        keywords=prompts,
        extra={
            "one channel": {**SMALL, "do_convert_rgb": False, "do_normalize": False},
            "a factor that leaves bytes": {**SMALL, "rescale_factor": 1, "do_normalize": False},
        }
        | {f"num_labels {n}": {**SMALL, "num_labels": n} for n in (6, 7, 26, 27, 64, 150, 254)},
    ),
}
