"""Split a program in two: what resizes and moves bytes, and the map of these bytes to floats.

The first part runs where images are read, the second on the device that runs the model, to which a
quarter of the memory is copied. Where the map of bytes comes last, the two compute what the whole
computes, bit for bit. Two passes bring the map to the end, as far as it gets. They are of use here
alone: bytes that a rearrangement repeats are then mapped more than once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from graphproc.errors import ProgramError
from graphproc.ir.join import Join
from graphproc.ir.op import Op
from graphproc.ir.program import Input, Output, Program, Step, ValueInfo
from graphproc.ir.types import FLOATS, TensorType
from graphproc.ir.verify import verify
from graphproc.joins import STACK, Concatenate, Stack
from graphproc.joins import Pad as PadJoin
from graphproc.numerics import affine
from graphproc.ops import Binary, ByteMap, Cast, Normalize, Pad, Rearrange, Rescale, SelectChannels
from graphproc.passes.base import Declined, Kinds, Many, Match
from graphproc.passes.fold_byte_map import FoldByteMap
from graphproc.passes.late_byte_map import LateByteMap
from graphproc.sizes.num import Num

Array = np.ndarray[Any, Any]

_PASSED = (Binary, Cast, Normalize, Pad, Rearrange, Rescale, SelectChannels)
"""Ops behind which a reason is looked for further up: arithmetic on single values, and moves."""


class FoldCast(FoldByteMap):
    """Make one `byte_map` of arithmetic on bytes that were cast to float32 before, too."""

    matches: ClassVar[tuple[Kinds | Many, ...]] = (Cast | Rescale | Normalize, Many(Normalize | Binary))

    def rewrite(self, match: Match) -> Sequence[Op] | Declined:
        """Return the map, as `FoldByteMap` does."""
        first = match.ops[0]
        if isinstance(first, Cast) and first.dtype != "f32":
            return Declined(f"bytes become {first.dtype}")
        return super().rewrite(match)


class LastByteMap(LateByteMap):
    """Move a `byte_map` behind more than it pays to: behind repetitions, and canvases of a value that bytes are mapped to."""

    def rewrite(self, match: Match) -> Sequence[Op] | Declined:
        """Return the move, then the map; decline where the result is none of bytes."""
        mapped, move = match.ops
        assert isinstance(mapped, ByteMap)
        if isinstance(move, Pad) and move.mode == "constant":
            canvas = _in_bytes(mapped, move.value)
            return (
                Declined(f"no byte is mapped to {_shown(move.value)}")
                if canvas is None
                else [replace(move, value=canvas), mapped]
            )
        if isinstance(move, Rearrange) and move.repeats(match.x.type):
            place = move.destination(match.x.type, mapped.axis)
            if place is not None:
                return [move, replace(mapped, axis=place[0], each=place[1] * mapped.each)]
        return super().rewrite(match)


@dataclass(frozen=True, slots=True)
class Affine:
    """Approximate a map of bytes by `byte * scale + offset`, in float32.

    Attributes:
        scale, offset: float32.
        bound: the largest absolute difference from the map, for all bytes and channels; 0 where the
            two are equal.
    """

    scale: Array
    offset: Array
    bound: float


@dataclass(frozen=True, slots=True)
class MappedOutput:
    """Describe an output that the first part of a split program gives as bytes.

    Attributes:
        map: the map of these bytes.
        type: the type of one image's bytes.
        padded: what the whole program pads this output of several images with where their results
            differ in shape, and no byte is mapped to; None if nothing prevents padding.
    """

    map: ByteMap
    type: TensorType
    padded: float | None = None

    def line(self) -> Affine:
        """Return the line that is nearest to the map, with a scale and an offset for each channel."""
        return _nearest(self.map)

    def affine(self) -> Affine:
        """Return the same line in new arrays that broadcast to the output."""
        line = self.line()
        if self.map.channels == 1:
            return Affine(line.scale.copy(), line.offset.copy(), line.bound)
        length = self.type.shape[self.map.axis]
        assert isinstance(length, int)
        return Affine(self.map.spread(line.scale, length), self.map.spread(line.offset, length), line.bound)


@dataclass(frozen=True, slots=True)
class Split:
    """Hold a program in two parts.

    Attributes:
        bytes: the first part. Its outputs are those of the whole; mapped ones are bytes.
        mapped: the outputs that are mapped, by name.
    """

    bytes: Program
    mapped: Mapping[str, MappedOutput]

    def map_of(self, shapes: Mapping[str, tuple[Num, ...]]) -> Program:
        """Return the second part, for results of these shapes that were joined for all images.

        It reads and gives each mapped output under its name. It has no axis for images: the joined
        result is one value.
        """
        steps, outputs = [], []
        inputs = tuple(Input(name, TensorType("u8", shapes[name])) for name in self.mapped)
        for number, (read, (name, output)) in enumerate(zip(inputs, self.mapped.items(), strict=True)):
            made = ValueInfo(f"byte_map_{number + 1}" if number else "byte_map", output.map.infer(read.type))
            steps.append(Step(output.map, (read.name,), made))
            outputs.append(Output(name, made.name, Concatenate()))
        return verify(Program(self.bytes.name, inputs, tuple(steps), tuple(outputs), self.bytes.parity))


@lru_cache(maxsize=64)
def _nearest(map: ByteMap) -> Affine:
    return Affine(*affine.fitted(map.table()))


def split(program: Program) -> Split | Declined:
    """Split a program into bytes and their map, or say why the map is not what comes last."""
    late = FoldCast().run(program).program
    done = LastByteMap().run(late)
    late, declined = done.program, {names.rpartition(", ")[2]: reason for names, reason in done.declined}
    made = {step.output.name: step for step in late.steps}
    mapped: dict[str, MappedOutput] = {}
    outputs = []
    for output in late.outputs:
        step = made.get(output.value)
        if step is not None and isinstance(step.op, ByteMap):
            type = late.value(step.inputs[0]).type
            joins = _byte_joins(output, step.op, type)
            if isinstance(joins, Declined):
                return Declined(f"{output.name}: {joins.reason}")
            join, sample, padded = joins
            mapped[output.name] = MappedOutput(step.op, type, padded)
            delivery = replace(output.delivery, torch_dtype="")
            output = replace(output, value=step.inputs[0], join=join, sample=sample, delivery=delivery)
        elif late.value(output.value).type.dtype in FLOATS and _reads(late, output.value, made):
            return Declined(f"{output.name}: {_reason(output.value, made, declined)}")
        outputs.append(output)
    if not mapped:
        return Declined("no output is a map of bytes to floats")
    read = {name for step in late.steps for name in step.inputs} | {output.value for output in outputs}
    steps = tuple(step for step in late.steps if not isinstance(step.op, ByteMap) or step.output.name in read)
    return Split(verify(replace(late, steps=steps, outputs=tuple(outputs))), mapped)


def required(program: Program) -> Split:
    """Return the two parts of a program.

    Raises:
        ProgramError: its map of bytes does not come last.
    """
    found = split(program)
    if isinstance(found, Declined):
        raise ProgramError(f"{program.name}: it cannot be split into bytes and their map. {found.reason}. Leave split out.")
    return found


def _byte_joins(output: Output, map: ByteMap, type: TensorType) -> tuple[Join, Join | None, float | None] | Declined:
    """Return the joins of an output's bytes, of samples too, and what they cannot pad with; decline joins that change values."""
    joins: list[Join] = []
    padded = None
    for _, join in output.joins:
        if isinstance(join, PadJoin) or (isinstance(join, Concatenate) and join.fill is not None):
            fill = _in_bytes(map, join.fill) if isinstance(join.fill, (int, float)) else None
            if isinstance(fill, int):
                joins.append(replace(join, fill=fill))
                continue
            padded = float(np.ravel(np.asarray(join.fill))[0])
            joins.append(STACK if isinstance(join, PadJoin) else Concatenate(join.axis))
        elif isinstance(join, (Stack, Concatenate)):
            joins.append(join)
        else:
            return Declined(f"the join {join.name} changes values")
        if isinstance(join, Concatenate) and map.channels > 1 and join.axis % type.rank == map.axis % type.rank:
            return Declined("images are joined along the axis of the channels")
    *sample, last = joins
    return last, (sample[0] if sample else None), padded


def _in_bytes(map: ByteMap, fill: float | tuple[float, ...]) -> int | tuple[int, ...] | None:
    """Return the byte that is mapped to a number, or one for each channel if these differ; None if there is none."""
    table = map.table()
    wanted = np.broadcast_to(np.asarray(fill, dtype=np.float32).reshape(-1, 1), (max(len(table), np.size(fill)), 1))
    equal = np.broadcast_to(table, (len(wanted), 256)).view(np.uint32) == np.ascontiguousarray(wanted).view(np.uint32)
    everywhere = np.flatnonzero(equal.all(axis=0))
    if everywhere.size:
        return int(everywhere[0])
    of_planes = (map.axis, map.each) == (-3, 1)
    return tuple(int(row.argmax()) for row in equal) if of_planes and equal.any(axis=1).all() else None


def _reads(program: Program, name: str, made: Mapping[str, Step]) -> bool:
    """Return whether a value depends on the pixels of the program's first input."""
    step = made.get(name)
    if step is None:
        return name == program.inputs[0].name
    return any(_reads(program, read, made) for read in step.inputs)


def _reason(name: str, made: Mapping[str, Step], declined: Mapping[str, str]) -> str:
    """Say what stands between a map of bytes and an output."""
    step = made[name]
    if name in declined:
        return f"{step.op.name} comes behind the map of bytes, and {declined[name]}"
    before = made.get(step.inputs[0]) if len(step.inputs) == 1 else None
    if isinstance(step.op, _PASSED) and before is not None and not isinstance(before.op, ByteMap):
        return _reason(before.output.name, made, declined)
    return f"{step.op.name} comes behind the map of bytes"


def _shown(value: float | tuple[float, ...]) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) else ", ".join(f"{one:g}" for one in value)
