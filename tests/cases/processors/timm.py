"""The case of timm's models, compared with timm itself; `test_timm.py` tries many more settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from cases.processors.case import ProcessorCase, Settings

SMALL = {"input_size": [3, 64, 61], "crop_pct": 0.95}


def by_timm(settings: Settings) -> Callable[..., Mapping[str, Any]]:
    """Return timm's evaluation transform, made as transformers' class makes it, of one image or a list."""
    from timm import data

    config = data.resolve_data_config(settings.get("pretrained_cfg") or {"crop_pct": None}, model=None)
    transform = data.create_transform(**config, is_training=False)

    def preprocess(images: Any, return_tensors: str) -> Mapping[str, Any]:
        given = images if isinstance(images, list) else [images]
        return {"pixel_values": np.stack([transform(image).numpy() for image in given])}

    return preprocess


CASES: Mapping[str, ProcessorCase] = {
    "TimmWrapperImageProcessor": ProcessorCase(
        standard=False,
        reference=by_timm,
        # transformers makes its own attributes of the file's settings, and needs timm for it.
        derived=("pretrained_cfg", "architecture"),
        extra={mode: {"pretrained_cfg": {**SMALL, "crop_mode": mode}} for mode in ("center", "squash", "border")},
    ),
}
