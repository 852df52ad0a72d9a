"""Connect a preprocessing graph and a model that stay apart, by the server's own maps of names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import onnx_ir as ir

from graphproc.errors import FusionError
from graphproc.fusion.join import Names, lead, names_of
from graphproc.fusion.match import Joint, Map, match
from graphproc.fusion.sources import Side, describe, free_inputs
from graphproc.serving.tensors import described


@dataclass(frozen=True)
class Chain:
    """Hold two graphs that run one after the other.

    Attributes:
        first: the preprocessing.
        second: the model.
        given: the first one's output for each of the second one's inputs that has one.
        notes: what was assumed, a sentence each.
    """

    first: Side
    second: Side
    given: dict[str, str]
    notes: list[str]

    def inputs(self) -> list[tuple[Side, ir.Value]]:
        """Return what comes in from outside, with the graph that reads it."""
        own = [(self.second, value) for value in free_inputs(self.second) if value.name not in self.given]
        return [*((self.first, value) for value in free_inputs(self.first)), *own]

    def scheduling(self, first: str, second: str, shapes: Sequence[Mapping[str, Any]], batched: bool) -> dict[str, Any]:
        """Return the fields of an ensemble's configuration that say what it reads, runs and gives.

        Args:
            first: the name of the preprocessing in the repository.
            second: the name of the model there.
            shapes: the shapes of the inputs and outputs of both, by name.
            batched: whether the server adds a batch axis in front.

        Raises:
            FusionError: two tensors would have one name.
        """
        outside = [value for _, value in self.inputs()]
        names = [str(value.name) for value in (*outside, *self.second.graph.outputs)]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise FusionError(
                f"{self.second.where}: {repeated[0]!r} would be two tensors of the ensemble. Rename one of them, or fuse the "
                "graphs to one model (graphproc fuse)."
            )
        used = Names(names)
        between = {output: used.free(f"{self.first.label}/{output}") for output in dict.fromkeys(self.given.values())}
        read = {str(value.name): str(value.name) for side, value in self.inputs() if side is self.second}
        read |= {name: between[output] for name, output in self.given.items()}
        gives = [str(value.name) for value in self.second.graph.outputs]
        steps = [
            _step(first, {str(v.name): str(v.name) for v in free_inputs(self.first)}, between),
            _step(second, read, {name: name for name in gives}),
        ]
        return {
            "input": [self._outside(side, value, shapes, batched) for side, value in self.inputs()],
            "output": [self._outside(self.second, value, shapes, batched) for value in self.second.graph.outputs],
            "ensemble_scheduling": {"step": steps},
        }

    def _outside(self, side: Side, value: ir.Value, shapes: Sequence[Mapping[str, Any]], batched: bool) -> dict[str, Any]:
        shape = shapes[0 if side is self.first else 1][str(value.name)]
        return described(value, shape, batched, side.where, inside=False)


def _step(model: str, read: dict[str, str], gives: dict[str, str]) -> dict[str, Any]:
    """Return a step: the tensors of the ensemble for each input of a model, and for each output."""
    maps = (("input_map", read), ("output_map", gives))
    entries = {field: [{"key": key, "value": value} for key, value in found.items()] for field, found in maps}
    return {"model_name": model, "model_version": -1, **entries}


def chain(first: Side, second: Side, map: Map | None, layout: str | None) -> Chain:
    """Pair outputs with inputs as `fuse` does; what lies between them becomes part of the preprocessing, in place.

    Raises:
        FusionError: the graphs do not fit.
    """
    joints, notes = match(first, second, map, layout)
    given = _arriving(first, joints)
    for _, value in Chain(first, second, given, []).inputs()[len(free_inputs(first)) :]:
        notes.append(f"nothing gives {describe(value)} of the model: it is an input of the ensemble")
    return Chain(first, second, given, notes)


def _arriving(first: Side, joints: Sequence[Joint]) -> dict[str, str]:
    """Return the output for each input, and add one for each that is transposed or converted on its way."""
    names = names_of(first.graph)
    added: dict[tuple[ir.Value, bool, ir.DataType | None], ir.Value] = {}
    found: dict[str, str] = {}
    for joint in joints:
        key = (joint.source, joint.transpose, joint.cast)
        if key not in added:
            before: list[ir.Node] = []
            added[key] = lead(joint, names, before, first.label)
            if before:
                first.graph.extend(before)
                first.graph.outputs.append(added[key])
        found[str(joint.target.name)] = str(added[key].name)
    return found
