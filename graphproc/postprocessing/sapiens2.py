"""Sapiens 2: maps of normals (directions of surfaces) and of points, without padding, at the size of the image.

Source: transformers 5.23, `post_process_normal_estimation` and `post_process_pointmap_estimation` of
`Sapiens2ImageProcessor`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphproc import joins
from graphproc.errors import ConfigError
from graphproc.ir.program import Value
from graphproc.postprocessing.builder import MethodBuilder
from graphproc.postprocessing.depth import NORMALS, PARITY, normals_result, resize_map, unit_vectors
from graphproc.postprocessing.method import Field, Method, over_pixels
from graphproc.processors import stages
from graphproc.sizes import num, rules

MAP = Field((3, "map_height", "map_width"), "CHW")
SCALES = "scales"
SHORTEST = 1e-8
"""The least that normals are divided by, so that none is divided by 0."""


def normals(b: MethodBuilder) -> None:
    """Return vectors of length 1, without the padding, resized linearly to the wanted size or the image's."""
    b.output("normals", fitted(b, unit_vectors(b["normals"], SHORTEST)), joins.Pad())


def points(b: MethodBuilder) -> None:
    """Return points, divided by the model's scale if it gives one, without the padding, resized as wanted or as the image."""
    x = b["pointmaps"]
    if SCALES in b:
        x = x / over_pixels(b[SCALES])
    b.output("pointmap", fitted(b, x), joins.Pad())


def fitted(b: MethodBuilder, x: Value) -> Value:
    """Remove the padding of a map if that is wanted, and resize it to the wanted size.

    Raises:
        ConfigError: padding is to be removed, but the images' sizes were not given.
    """
    remove, source = b.options["do_remove_padding"], b.sizes.get("source_sizes")
    if source is None and remove:
        raise ConfigError(
            "source_sizes: expected (height, width) of each image to remove its padding, got none. Give them, or leave "
            "do_remove_padding out."
        )
    if source is not None and (remove or remove is None):
        whole = stages.sides("size", b.config.size)
        kept = rules.fit_within(source[0], source[1], *whole)
        b.require(num.minimum(*kept) >= 1, "nothing is left of a map without its padding. Use less elongated images.")
        for axis, side, length in zip((-2, -1), whole, kept, strict=True):
            size = x.shape[axis]
            start = num.minimum((side - length) // 2, size)
            x = x.narrow(axis, start, num.minimum(length, size - start))
    return resize_map(b, x, b.sizes.get("target_sizes", source), "bilinear")


def points_result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return one image's map of points."""
    return {"pointmap": outputs["pointmap"]}


_CLASSES = ("Sapiens2ImageProcessor",)
_OPTIONS = {"source_sizes": None, "target_sizes": None, "do_remove_padding": None}
_SIZED = ("source_sizes", "target_sizes")

METHODS = (
    Method(NORMALS, _CLASSES, {"normals": MAP}, normals, normals_result, _OPTIONS, parity=PARITY, size_arguments=_SIZED),
    Method(
        "post_process_pointmap_estimation",
        _CLASSES,
        {"pointmaps": MAP, SCALES: Field((1,), "F", optional=True)},
        points,
        points_result,
        _OPTIONS,
        parity=PARITY,
        size_arguments=_SIZED,
    ),
)
