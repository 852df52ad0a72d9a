"""Decide which preprocessing output goes into which model input, and whether it fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import onnx_ir as ir

from graphproc.errors import FusionError
from graphproc.fusion.sources import Side, describe, dims, free_inputs, type_name

Map = Mapping[str, str | Sequence[str]]

LAYOUTS = ("nchw", "nhwc")
TO_NHWC = (0, 2, 3, 1)
_FLOATS = frozenset({ir.DataType.FLOAT, ir.DataType.FLOAT16, ir.DataType.BFLOAT16, ir.DataType.DOUBLE})
_WHOLE = frozenset({ir.DataType.INT64, ir.DataType.INT32, ir.DataType.BOOL})


@dataclass(frozen=True, eq=False)
class Joint:
    """Describe one connection of an output with an input.

    Attributes:
        source: the preprocessing's output.
        target: the model's input.
        transpose: whether the channels are moved to the end between them.
        cast: the element type that is converted to between them, or None.
    """

    source: ir.Value
    target: ir.Value
    transpose: bool
    cast: ir.DataType | None

    @property
    def sides(self) -> list[int | str | None] | None:
        """Return the dimensions of the value that arrives at the model."""
        found = dims(self.source)
        return [found[axis] for axis in TO_NHWC] if self.transpose and found is not None else found


def match(preprocessing: Side, model: Side, map: Map | None, layout: str | None) -> tuple[list[Joint], list[str]]:
    """Pair outputs with inputs: first by `map`, then by name, then the only image left on both sides.

    Args:
        preprocessing: the side that gives outputs.
        model: the side that takes them as inputs.
        map: input names by output names.
        layout: `nhwc` moves the channels of every image to the end; None or `nchw` leaves them.

    Returns:
        The joints, in the order of the model's inputs, and what was assumed, a sentence each.

    Raises:
        FusionError: a name is unknown or taken twice, nothing fits, or two values to join differ in rank,
            size or type.
    """
    if layout is not None and layout not in LAYOUTS:
        raise FusionError(f"layout: expected one of {', '.join(LAYOUTS)}, got {layout!r}")
    outputs = {str(v.name): v for v in preprocessing.graph.outputs}
    inputs = {str(v.name): v for v in free_inputs(model)}
    chosen = _mapped(map or {}, outputs, inputs, preprocessing, model)
    for name in inputs:
        if name in outputs and name not in chosen and name not in {str(v.name) for v in chosen.values()}:
            chosen[name] = outputs[name]
    notes = []
    sources = set(chosen.values())
    free_outputs = [v for v in outputs.values() if v not in sources and _is_image(v)]
    free = [v for name, v in inputs.items() if name not in chosen and _is_image(v)]
    if len(free_outputs) == 1 and len(free) == 1:
        chosen[str(free[0].name)] = free_outputs[0]
        notes.append(f"joined {free_outputs[0].name} to {free[0].name}, the only image on each side; say otherwise with map")
    if not chosen:
        raise FusionError(
            f"no output of the {preprocessing.where} fits an input of the {model.where}: "
            f"it gives {_described(outputs.values())}; the model takes {_described(inputs.values())}. "
            "Say which with map={output: input} (--map OUTPUT=INPUT)."
        )
    both = (preprocessing.label, model.label)
    joints = [_joint(chosen[name], target, layout, both) for name, target in inputs.items() if name in chosen]
    if layout == "nhwc" and not any(joint.transpose for joint in joints):
        raise FusionError("layout 'nhwc': no joined value is an image of 4 axes: " + _described(j.source for j in joints))
    return joints, notes


def _mapped(
    map: Map, outputs: Mapping[str, ir.Value], inputs: Mapping[str, ir.Value], preprocessing: Side, model: Side
) -> dict[str, ir.Value]:
    """Return the output for each input that `map` names.

    Raises:
        FusionError: an output or an input does not exist, or an input is named twice.
    """
    chosen: dict[str, ir.Value] = {}
    for output, names in map.items():
        if output not in outputs:
            raise FusionError(f"map: the {preprocessing.where} has no output {output!r}; it has {_described(outputs.values())}")
        for name in [names] if isinstance(names, str) else names:
            if name not in inputs:
                raise FusionError(f"map: the {model.where} has no input {name!r}; it has {_described(inputs.values())}")
            if name in chosen:
                raise FusionError(f"map: the model input {name!r} is given both {chosen[name].name!r} and {output!r}")
            chosen[name] = outputs[output]
    return chosen


def _is_image(value: ir.Value) -> bool:
    """Tell whether a value may be an image: a float tensor of 4 axes, or of an unknown number."""
    known = isinstance(value.type, ir.TensorType) and value.dtype in _FLOATS
    return known and (value.shape is None or len(value.shape) == 4)


def _described(values: object) -> str:
    return ", ".join(describe(v) for v in values) or "none"  # type: ignore[attr-defined]


def _joint(source: ir.Value, target: ir.Value, layout: str | None, labels: tuple[str, str]) -> Joint:
    """Return the joint of two values.

    Raises:
        FusionError: they differ in rank, size or type; the message names both.
    """
    both = f"{labels[0]} output {describe(source)} and {labels[1]} input {describe(target)}"
    if not (isinstance(source.type, ir.TensorType) and isinstance(target.type, ir.TensorType)):
        raise FusionError(f"{both}: expected two tensors")
    cast = None
    if source.dtype != target.dtype:
        for group in (_FLOATS, _WHOLE):
            if source.dtype in group and target.dtype in group:
                cast = target.dtype
        if cast is None:
            raise FusionError(
                f"{both} differ in type, {type_name(source)} and {type_name(target)}, and a conversion would hide a mistake. "
                "Change the preprocessing's settings, or map other names."
            )
    given, taken = dims(source), dims(target)
    if given is None or taken is None:
        return Joint(source, target, False, cast)
    if len(given) != len(taken):
        hint = "Map other names, or export the model for images."
        raise FusionError(f"{both} differ in rank, {len(given)} and {len(taken)}. {hint}")
    transpose = layout == "nhwc" and len(given) == 4 and source.dtype in _FLOATS
    moved = [given[axis] for axis in TO_NHWC] if len(given) == 4 else given
    arriving = moved if transpose else given
    if wrong := _differing(arriving, taken):
        if not transpose and moved is not given and not _differing(moved, taken):
            raise FusionError(
                f"{both}: the model takes channels last. Say layout='nhwc' (--layout nhwc) to move the channels between them."
            )
        axis = wrong[0]
        hint = "Export one of them for the other's size." if axis else "Export one of them for the other's batch size."
        raise FusionError(f"{both} differ in axis {axis}, {arriving[axis]} and {taken[axis]}. {hint}")
    return Joint(source, target, transpose, cast)


def _differing(given: Sequence[int | str | None], taken: Sequence[int | str | None]) -> list[int]:
    """List the axes with sizes that are known on both sides and differ."""
    pairs = enumerate(zip(given, taken, strict=True))
    return [axis for axis, (a, b) in pairs if isinstance(a, int) and isinstance(b, int) and a != b]
