"""`reduce_label`: lower labels by one and ignore the background.

Source: transformers 5.23, the method of that name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from graphproc.wrappers.methods.steps import Array, arrays


def _reduced(x: Array) -> Array:
    return np.where((x == 0) | (x == 255), np.asarray(255, x.dtype), x - np.asarray(1, x.dtype))


def reduce_label(self: Any, labels: Any) -> Any:
    """Lower the labels of maps by one: 0, the background, becomes 255, and 255 stays.

    The maps of a list are replaced in it, and the list is returned.
    """
    if not isinstance(labels, list):
        return arrays(_reduced, labels)
    labels[:] = [arrays(_reduced, label) for label in labels]
    return labels


STEMS = (
    "Beit",
    "CHMv2",
    "DPT",
    "Mask2Former",
    "MaskFormer",
    "MobileNetV2",
    "MobileViT",
    "Sapiens2",
    "Segformer",
)
METHODS: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    "reduce_label": {f"{stem}ImageProcessor": reduce_label for stem in STEMS}
}
