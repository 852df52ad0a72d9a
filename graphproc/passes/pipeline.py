"""The passes that run before a program is emitted."""

from __future__ import annotations

from graphproc.ir.program import Program, verify
from graphproc.passes.absorb_layout import AbsorbLayout
from graphproc.passes.base import Pass
from graphproc.passes.crop_into_resize import CropIntoResize
from graphproc.passes.fold_byte_map import FoldByteMap
from graphproc.passes.late_byte_map import LateByteMap
from graphproc.passes.late_channels import LateChannels
from graphproc.passes.lower_resample import LowerResample
from graphproc.passes.map_into_resize import MapIntoResize

PASSES: tuple[Pass, ...] = (
    LowerResample(),
    LateChannels(),
    AbsorbLayout(),
    CropIntoResize(),
    FoldByteMap(),
    LateByteMap(),
    MapIntoResize(),
)
"""The bit-exact passes in the order in which `optimize` runs them.

Resampling of bytes as a resize, late channel selection, layout and crop into the resize, rescale and normalize as one function
of a byte, that function last, or by the resize where it is next to it.
"""


def optimize(program: Program) -> Program:
    """Run the bit-exact passes in order, and verify the result."""
    for step in PASSES:
        program = step.run(program)
    return verify(program)
