"""Run the passes over a program before it is emitted."""

from __future__ import annotations

from collections.abc import Iterator

from graphproc.errors import GraphprocError, ProgramError
from graphproc.ir.program import Program
from graphproc.ir.verify import verify
from graphproc.passes.absorb_layout import AbsorbLayout
from graphproc.passes.base import Pass, Rewritten
from graphproc.passes.crop_into_resize import CropIntoResize
from graphproc.passes.floats_from_pixels import FloatsFromPixels
from graphproc.passes.fold_byte_map import FoldByteMap
from graphproc.passes.late_byte_map import LateByteMap
from graphproc.passes.late_channels import LateChannels
from graphproc.passes.lower_resample import LowerResample
from graphproc.passes.map_into_floats import MapIntoFloats
from graphproc.passes.map_into_rearrange import MapIntoRearrange
from graphproc.passes.map_into_resize import MapIntoResize
from graphproc.passes.normalize_in_resize import NormalizeInResize
from graphproc.passes.pad_into_resize import PadIntoResize

PASSES: tuple[Pass, ...] = (
    LowerResample(),
    LateChannels(),
    AbsorbLayout(),
    CropIntoResize(),
    FoldByteMap(),
    LateByteMap(),
    MapIntoResize(),
    PadIntoResize(),
    MapIntoFloats(),
    FloatsFromPixels(),
    NormalizeInResize(),
    MapIntoRearrange(),
)
"""The passes in the order in which `optimize` runs them.

Lower resampling to a resize, select channels late, put layout and crop into the resize, make
rescale and normalize one function of a byte, and compute that function last, or in the resize if it
is next to it, which also writes to the canvas behind it. Then do the same for a resize of floats:
map, layout, and the normalization behind it. Last, map bytes where they are rearranged.
"""


KERNEL_PASSES: tuple[Pass, ...] = tuple(AbsorbLayout(kernels=True) if isinstance(p, AbsorbLayout) else p for p in PASSES)
"""The passes for graphs that call kernels, in order."""


def rewrites(program: Program, *, kernels: bool = False) -> Iterator[Rewritten]:
    """Yield what each pass makes of a program, in order, and verify what changed.

    Args:
        program: the program.
        kernels: whether ops that have a kernel will call it.

    Raises:
        ProgramError: the program breaks a rule of the IR, or a pass made one that does; the message
            names the pass.
    """
    verify(program)
    for step in KERNEL_PASSES if kernels else PASSES:
        try:
            done = step.run(program)
            program = verify(done.program, program) if done.changes else program
        except GraphprocError as error:
            raise ProgramError(f"pass {step.name}: {error}") from error
        yield done


def optimize(program: Program, *, kernels: bool = False) -> Program:
    """Run the passes in order and return the program; arguments are those of `rewrites`.

    Raises:
        ProgramError: as for `rewrites`.
    """
    for done in rewrites(program, kernels=kernels):
        program = done.program
    return program
