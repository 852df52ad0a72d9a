"""Move bytes, not floats."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

from graphproc.ir.op import Op
from graphproc.ir.program import Program, Step, ValueInfo
from graphproc.ir.types import TensorType
from graphproc.ops import ByteMap, Concat, MirrorPad, Rearrange, SelectChannels, Take
from graphproc.passes.base import Pass, chain, replace_chain


class LateByteMap(Pass):
    """`byte_map; move` becomes `move; byte_map`, where a move copies elements: a quarter of the memory goes through it.

    The constants of a map follow its channels, which may end up among the features of patches. A rearrangement that repeats
    every channel is done without repeating; then each channel is mapped once and joined on several times.
    """

    name: ClassVar[str] = "late-byte-map"
    numerics: ClassVar[Literal["bit-exact", "reassociates"]] = "bit-exact"

    def run(self, program: Program) -> Program:
        """Move maps back step by step until none moves."""
        index = 0
        while index < len(program.steps):
            pair = next(filter(None, (chain(program, index, ByteMap, kind) for kind in _MOVES)), None)
            changed = _late(program, index, pair) if pair else None
            program, index = (program, index + 1) if changed is None else (changed, max(index - 1, 0))
        return program


_MOVES = (Rearrange, MirrorPad, SelectChannels)


def _late(program: Program, index: int, pair: list[Op]) -> Program | None:
    """The program with the two steps the other way round; None where that cannot be, or leaves more to map."""
    mapped, move = pair
    assert isinstance(mapped, ByteMap)
    x = program.value(program.steps[index].inputs[0]).type
    after: ByteMap | None = mapped
    if isinstance(move, SelectChannels):
        after = _selected(mapped, move, x)
    elif isinstance(move, Rearrange) and move.repeats(x):
        return _each_channel(program, index, mapped, move)
    elif isinstance(move, Rearrange) and mapped.channels > 1:
        place = move.destination(x, mapped.axis)
        after = None if place is None else replace(mapped, axis=place[0], each=place[1] * mapped.each)
    return None if after is None else replace_chain(program, index, 2, [move, after])


def _selected(mapped: ByteMap, move: SelectChannels, x: TensorType) -> ByteMap | None:
    """The constants of the selected channels; a selection that repeats channels stays behind the map."""
    if len(move.order) > x.channels:
        return None
    if mapped.channels == 1:
        return mapped
    return replace(mapped, forms=_forms(mapped, move.order)) if (mapped.axis, mapped.each) == (-3, 1) else None


def _forms(mapped: ByteMap, order: tuple[int, ...]) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """The forms of some channels."""
    alike = ("split", "table")
    return tuple((form, c if len(c) == 1 or form in alike else tuple(c[i] for i in order)) for form, c in mapped.forms)


def _each_channel(program: Program, index: int, mapped: ByteMap, move: Rearrange) -> Program | None:
    """Rearranged once, each channel's stretch mapped, and those joined, each as often as the rearrangement repeats it.

    None where the repetition is not that of an image's whole channels, or not on the last axis.
    """
    source = program.steps[index].inputs[0]
    x = program.value(source).type
    if not x.layout.endswith("CHW"):
        return None
    once = move.without_repeats(x)
    whole, place = move.destination(x, mapped.axis), once.destination(x, mapped.axis)
    if whole is None or place is None or (mapped.axis, mapped.each, place[0]) != (-3, 1, -1):
        return None
    count, each, type = x.channels, place[1], once.infer(x)
    times = whole[1] // each
    if not move.repeats_each(x, mapped.axis) or type.shape[-1] != count * each:
        return None
    taken = {value.name for value in (*program.inputs, *(step.output for step in program.steps))}

    def named(label: str) -> str:
        name = next(n for n in (label, *(f"{label}_{i}" for i in range(2, len(taken) + 9))) if n not in taken)
        taken.add(name)
        return name

    steps = [Step(once, (source,), ValueInfo(named(once.name), type))]
    parts: list[ValueInfo] = []
    for channel in range(count):
        cut = Take(-1, channel * each, each)
        steps.append(Step(cut, (steps[0].output.name,), ValueInfo(named(cut.name), cut.infer(type))))
        own = ByteMap(_forms(mapped, (channel,)))
        steps.append(Step(own, (steps[-1].output.name,), ValueInfo(named(own.name), own.infer(steps[-1].output.type))))
        parts += [steps[-1].output] * times
    join = Concat(-1)
    result = program.steps[index + 1].output
    steps.append(Step(join, tuple(v.name for v in parts), ValueInfo(result.name, join.infer(*(v.type for v in parts)))))
    return replace(program, steps=(*program.steps[:index], *steps, *program.steps[index + 2 :]))
