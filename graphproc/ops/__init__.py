"""Provide the ops of the IR, and functions of values besides their operators (`ir/value.py`).

Importing this package registers every op; add one import line for a new op.
"""

from graphproc.ir.value import concatenate, maximum, minimum, where
from graphproc.ops.affine_warp import AffineWarp
from graphproc.ops.average_pool import AveragePool
from graphproc.ops.binary import Binary
from graphproc.ops.blank import Blank
from graphproc.ops.blur import Blur
from graphproc.ops.byte_map import ByteMap
from graphproc.ops.cast import Cast
from graphproc.ops.center_crop import CenterCrop
from graphproc.ops.composite_on_checkerboard import CompositeOnCheckerboard
from graphproc.ops.composite_on_white import CompositeOnWhite
from graphproc.ops.compress import Compress
from graphproc.ops.concat import Concat
from graphproc.ops.content_box import ContentBox
from graphproc.ops.cum_sum import CumSum
from graphproc.ops.distinct import Distinct
from graphproc.ops.for_each import ForEach
from graphproc.ops.full import Full
from graphproc.ops.gather import Gather
from graphproc.ops.gaussian_blur import GaussianBlur
from graphproc.ops.grayscale import Grayscale
from graphproc.ops.indices import Indices
from graphproc.ops.look_up import LookUp
from graphproc.ops.lowered.rearrange_mapped import RearrangeMapped
from graphproc.ops.lowered.resize import Resize
from graphproc.ops.lowered.resize_floats import ResizeFloats
from graphproc.ops.mat_mul import MatMul
from graphproc.ops.nearest_color import NearestColor
from graphproc.ops.non_max_suppression import NonMaxSuppression
from graphproc.ops.normalize import Normalize
from graphproc.ops.numbers import Numbers
from graphproc.ops.pad import Pad
from graphproc.ops.path_sum import PathSum
from graphproc.ops.range import Range
from graphproc.ops.rearrange import Rearrange
from graphproc.ops.reduce import Reduce
from graphproc.ops.reduce_labels import ReduceLabels
from graphproc.ops.resample import Resample
from graphproc.ops.rescale import Rescale
from graphproc.ops.rotate import Rotate
from graphproc.ops.select_channels import SelectChannels
from graphproc.ops.slice import Slice
from graphproc.ops.softmax import Softmax
from graphproc.ops.standardize import Standardize
from graphproc.ops.to_channels_first import ToChannelsFirst
from graphproc.ops.top_k import TopK
from graphproc.ops.unary import Unary
from graphproc.ops.where_op import Where

__all__ = [
    "AffineWarp",
    "AveragePool",
    "Binary",
    "Blank",
    "Blur",
    "ByteMap",
    "Cast",
    "CenterCrop",
    "CompositeOnCheckerboard",
    "CompositeOnWhite",
    "Compress",
    "Concat",
    "ContentBox",
    "CumSum",
    "Distinct",
    "ForEach",
    "Full",
    "Gather",
    "GaussianBlur",
    "Grayscale",
    "Indices",
    "LookUp",
    "MatMul",
    "NearestColor",
    "NonMaxSuppression",
    "Normalize",
    "Numbers",
    "Pad",
    "PathSum",
    "Range",
    "Rearrange",
    "RearrangeMapped",
    "Reduce",
    "ReduceLabels",
    "Resample",
    "Rescale",
    "Resize",
    "ResizeFloats",
    "Rotate",
    "SelectChannels",
    "Slice",
    "Softmax",
    "Standardize",
    "ToChannelsFirst",
    "TopK",
    "Unary",
    "Where",
    "concatenate",
    "maximum",
    "minimum",
    "where",
]
