"""List every arithmetic of `Resample` by its name; add one entry for a new file."""

from __future__ import annotations

from collections.abc import Mapping

from graphproc.ops.resample.arithmetic import Arithmetic
from graphproc.ops.resample.fixed_point import FixedPoint
from graphproc.ops.resample.opencv import OpenCV
from graphproc.ops.resample.pillow import Pillow
from graphproc.ops.resample.scipy import Scipy
from graphproc.ops.resample.torch_bytes import TorchBytes
from graphproc.ops.resample.torch_floats import TorchFloats, TorchUnfused
from graphproc.ops.resample.torch_nearest import TorchNearest

ARITHMETICS: Mapping[str, Arithmetic] = {
    rules.name: rules
    for rules in (
        Pillow(),
        TorchBytes(),
        TorchFloats(),
        TorchUnfused(),
        TorchNearest(),
        FixedPoint(),
        OpenCV(),
        Scipy(),
    )
}
