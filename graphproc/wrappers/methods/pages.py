"""Steps of pages: `align_long_axis`, `crop_margin` and `thumbnail`, and Fuyu's `resize`.

Pages are arrays or tensors `[C, H, W]`. Results are of the same kind.

Source: transformers 5.23, the methods of these names of Donut, Nougat, PP-FormulaNet and Fuyu.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphproc.processors.families import documents
from graphproc.sizes import num
from graphproc.sizes.fit import shrink_within
from graphproc.wrappers.methods.steps import Array, arrays, both_sides, each, resize_image, staged

Settings = Mapping[str, Any]


def _on_page(self: Any, stage: Any, image: Any, settings: Settings) -> Any:
    return arrays(lambda x: each(lambda one: staged(self, stage, one, settings), x), image)


def _page(size: Any) -> dict[str, int]:
    height, width = both_sides("size", size)
    return {"height": height, "width": width}


def align_long_axis(self: Any, image: Any, size: Any) -> Any:
    """Turn the page a quarter clockwise where it is wide and `size` is tall, or the other way round."""
    return _on_page(self, documents.align_long_axis, image, {"size": _page(size), "do_align_long_axis": True})


def crop_margin(self: Any, image: Any, gray_threshold: int = 200) -> Any:
    """Cut out the box around everything darker than `gray_threshold`, after gray values are stretched to 0 .. 255."""

    def stage(b: Any, config: Any, x: Any) -> Any:
        return documents.crop_margin(b, config, x, gray_threshold)

    return _on_page(self, stage, image, {"do_crop_margin": True})


def thumbnail(self: Any, image: Any, size: Any) -> Any:
    """Shrink the page to fit `size`, with the bicubic filter."""
    return _on_page(self, documents.reduced_thumbnail, image, {"size": _page(size), "do_thumbnail": True})


def _thumbnail_by(self: Any, image: Any, size: Any, resample: Any = None) -> Any:
    """Shrink the page to fit `size`, with Pillow's filter `resample`; None is bicubic."""
    return _on_page(self, documents.thumbnail, image, {"size": _page(size), "do_thumbnail": True, "resample": resample})


def shrink(self: Any, image: Any, size: Any, resample: Any = None, **_: Any) -> Any:
    """Shrink the image to fit `size`, height and width in pixels, keeping its shape; one that fits stays as it is."""
    limits = both_sides("size", size)

    def shrunk(x: Array) -> Array:
        height, width = (num.known(side) for side in shrink_within(x.shape[-2], x.shape[-1], *limits))
        return x if (height, width) == x.shape[-2:] else resize_image(self, x, height, width, resample)

    return arrays(lambda x: each(shrunk, x), image)


NOUGATS = ("NougatImageProcessor", "PPFormulaNetImageProcessor")
METHODS: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    "align_long_axis": dict.fromkeys((*NOUGATS, "DonutImageProcessor"), align_long_axis),
    "resize": {"FuyuImageProcessor": shrink},
    "crop_margin": dict.fromkeys(NOUGATS, crop_margin),
    "thumbnail": {**dict.fromkeys(NOUGATS, thumbnail), "DonutImageProcessor": _thumbnail_by},
}
