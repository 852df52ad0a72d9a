"""The ops of the IR. Importing this package registers every op; add one import line for a new op."""

from graphproc.ops.blank import Blank
from graphproc.ops.byte_map import ByteMap
from graphproc.ops.center_crop import CenterCrop
from graphproc.ops.composite_on_white import CompositeOnWhite
from graphproc.ops.normalize import Normalize
from graphproc.ops.pad import Pad
from graphproc.ops.rescale import Rescale
from graphproc.ops.resize import Resize
from graphproc.ops.select_channels import SelectChannels
from graphproc.ops.to_channels_first import ToChannelsFirst

__all__ = [
    "Blank",
    "ByteMap",
    "CenterCrop",
    "CompositeOnWhite",
    "Normalize",
    "Pad",
    "Rescale",
    "Resize",
    "SelectChannels",
    "ToChannelsFirst",
]
