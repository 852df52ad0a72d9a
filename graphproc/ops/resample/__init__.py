"""Resample images: one op, and a file for each arithmetic that it may have."""

from graphproc.numerics.filters import NEAREST, PILLOW, TORCH_BYTES
from graphproc.numerics.interpolation import ALIGNED
from graphproc.ops.resample.fixed_point import FIXED_POINT
from graphproc.ops.resample.op import Resample
from graphproc.ops.resample.opencv import OPENCV
from graphproc.ops.resample.scipy import SCIPY
from graphproc.ops.resample.torch_floats import TORCH_FLOATS, TORCH_UNFUSED
from graphproc.ops.resample.torch_nearest import NEAREST_EXACT, TORCH_NEAREST

__all__ = [
    "ALIGNED",
    "FIXED_POINT",
    "NEAREST",
    "NEAREST_EXACT",
    "OPENCV",
    "PILLOW",
    "SCIPY",
    "TORCH_BYTES",
    "TORCH_FLOATS",
    "TORCH_NEAREST",
    "TORCH_UNFUSED",
    "Resample",
]
