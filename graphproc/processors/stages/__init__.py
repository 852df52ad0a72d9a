"""The stages that most processors share. Each reads its own settings; a class's spec puts them in order."""

from graphproc.processors.stages.cropping import (
    PADDED,
    center_crop,
    cropped,
    join_after,
    join_padded,
    join_padded_to,
    pad,
    pad_to,
    pad_to_square,
)
from graphproc.processors.stages.resizing import (
    BYTE_ARITHMETICS,
    NATIVE,
    SizeRule,
    as_it_was,
    at_least_a_pixel,
    resample,
    resize,
    resize_without_antialias,
    resizing,
    shortest_edge_size,
    with_aligned_corners,
)
from graphproc.processors.stages.settings import count, edge, given, number, optional, sides
from graphproc.processors.stages.stage import Stage, only, when
from graphproc.processors.stages.values import (
    flip_channels,
    normalize,
    normalize_alone,
    normalize_apart,
    normalized,
    per_channel,
    rescale,
    rescale_alone,
    reverse_channels,
    spread,
    times,
)

__all__ = [
    "BYTE_ARITHMETICS",
    "NATIVE",
    "PADDED",
    "STANDARD",
    "WITHOUT_CROP_AND_PAD",
    "WITHOUT_PAD",
    "SizeRule",
    "Stage",
    "as_it_was",
    "at_least_a_pixel",
    "center_crop",
    "count",
    "cropped",
    "edge",
    "flip_channels",
    "given",
    "join_after",
    "join_padded",
    "join_padded_to",
    "normalize",
    "normalize_alone",
    "normalize_apart",
    "normalized",
    "number",
    "only",
    "optional",
    "pad",
    "pad_to",
    "pad_to_square",
    "per_channel",
    "resample",
    "rescale",
    "rescale_alone",
    "resize",
    "resize_without_antialias",
    "resizing",
    "reverse_channels",
    "shortest_edge_size",
    "sides",
    "spread",
    "times",
    "when",
    "with_aligned_corners",
]

STANDARD = (resize, center_crop, rescale, normalize, pad)
"""The steps of transformers' base class, in order."""
WITHOUT_PAD = STANDARD[:-1]
"""The steps of classes that never pad."""
WITHOUT_CROP_AND_PAD = (resize, rescale, normalize)
"""The steps of classes that have no centre crop either."""
