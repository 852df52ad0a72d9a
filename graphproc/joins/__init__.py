"""Join several images' results into one output.

Importing this package registers every join. A new join needs one import line here.
"""

from graphproc.joins.concatenate import Concatenate
from graphproc.joins.maximum import Maximum
from graphproc.joins.offset_by_image import OffsetByImage
from graphproc.joins.pad import Pad
from graphproc.joins.prefix_image_index import PrefixImageIndex
from graphproc.joins.stack import STACK, Stack

__all__ = ["STACK", "Concatenate", "Maximum", "OffsetByImage", "Pad", "PrefixImageIndex", "Stack"]
