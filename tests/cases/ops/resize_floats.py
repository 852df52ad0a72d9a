"""Rows of the lowered resize of floats, with what it does before and behind."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from cases.ops.case import Case
from cases.ops.computed import INTERPOLATION
from oracles.ops import channels_first
from oracles.pixels import per_image, scalar_interpolate

from graphproc.ir.op import Op
from graphproc.ops import ByteMap, Cast, Normalize, ResizeFloats
from graphproc.ops.resample import TORCH_FLOATS, TORCH_UNFUSED
from graphproc.sizes.num import Num

Array = np.ndarray[Any, Any]
MIDDLES, SPREADS = (127.5, 100.0, 90.0), (127.5, 60.0, 70.5)
MAPS: dict[str, tuple[ByteMap | Cast | None, Callable[[Array], Array]]] = {
    "floats": (None, lambda x: x),
    "product": (ByteMap((("mul", (1 / 255,)),)), lambda x: x.astype(np.float32) * np.float32(1 / 255)),
    "quotient": (ByteMap((("sub", MIDDLES), ("div", SPREADS))), lambda x: _centred(x.astype(np.float32), MIDDLES, SPREADS)),
    "cast": (Cast("f32"), lambda x: x.astype(np.float32)),
}
"""Maps, and what they compute of an image, channels first."""
NORMALIZE = Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def _centred(x: Array, middles: tuple[float, ...], spreads: tuple[float, ...]) -> Array:
    planes = [(x[..., c, :, :] - np.float32(m)) / np.float32(s) for c, (m, s) in enumerate(zip(middles, spreads, strict=True))]
    return np.stack(planes, axis=-3)


def _row(
    size: tuple[int, int],
    new: tuple[int, int],
    mode: str,
    *,
    map: str = "floats",
    layout: str = "CHW",
    channels: int = 3,
    normalize: bool = False,
    traced: bool = False,
    fused: bool = True,
) -> Case:
    """Return a row; with `traced`, sizes are expressions of the input's sides instead of numbers."""

    mapped, map_oracle = MAPS[map]

    def oracle(x: Array) -> Array:
        x = map_oracle(channels_first(x) if layout == "HWC" else x)
        y = per_image(partial(scalar_interpolate, height=new[0], width=new[1], mode=mode, fused=fused))(x)
        return _centred(y, NORMALIZE.mean, NORMALIZE.std) if normalize else y

    def make(height: Num, width: Num) -> Op:
        sides = height - size[0] + new[0], width - size[1] + new[1]
        filter, antialias = INTERPOLATION[mode]
        arithmetic = TORCH_FLOATS if fused else TORCH_UNFUSED
        return ResizeFloats(*sides, filter, antialias, arithmetic, layout, mapped, NORMALIZE if normalize else None)

    shape = (channels, *size) if layout == "CHW" else (*size, channels)
    said = [name for name, is_so in (("normalized", normalize), ("traced", traced), ("unfused", not fused)) if is_so]
    what = ", ".join([f"{mode} {size} to {new}", map, layout, f"{channels} channels", *said])
    dtype = "f32" if mapped is None else "u8"
    return Case(make if traced else make(*size), shape, layout, oracle, what, dtype, portable=not fused)


CASES = (
    *(
        _row(size, new, mode, map="product", layout="HWC", normalize=True)
        for mode in INTERPOLATION
        for size, new in (((45, 41), (17, 13)), ((9, 7), (70, 61)), ((1, 1), (3, 2)), ((130, 9), (3, 90)))
    ),
    *(_row((31, 40), new, mode, map="quotient") for mode in INTERPOLATION for new in ((75, 64), (16, 40))),
    *(_row((20, 30), new, mode, map="cast", layout="HWC", traced=True) for mode in INTERPOLATION for new in ((7, 41), (90, 59))),
    *(_row((33, 29), (14, 37), mode, normalize=True, fused=False) for mode in INTERPOLATION),
    *(_row((19, 35), (90, 50), "linear", channels=c) for c in (1, 2, 4, 9)),
    *(_row((19, 35), (90, 50), "linear", map="cast", layout="HWC", channels=c) for c in (1, 4, 9)),
    _row((40, 33), (40, 33), "antialias", map="product", layout="HWC"),
)
