"""A preprocessing graph and a model as one graph, which takes raw pixels."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx_ir as ir

from graphproc.errors import FusionError
from graphproc.fusion import external, sizes
from graphproc.fusion.fold import Folded, fold
from graphproc.fusion.join import join
from graphproc.fusion.match import Joint, Map, match
from graphproc.fusion.opsets import align, emitted_opset
from graphproc.fusion.sources import Side, read, type_name

if TYPE_CHECKING:
    import onnx

PREFIX = "graphproc."


@dataclass(frozen=True)
class Fused:
    """A fused graph and how it came about.

    Attributes:
        model: the graph; weights that were written to a file refer to it.
        joints: what leads where, as `graphproc.fusion` in the graph's metadata says it.
        notes: what was assumed or changed, a sentence each.
        files: the files that were written.
        folded: what folding the normalization changed, or None.
    """

    model: onnx.ModelProto
    joints: tuple[dict[str, str], ...]
    notes: tuple[str, ...]
    files: tuple[Path, ...]
    folded: Folded | None


def fuse(
    preprocessing: Any,
    model: str | os.PathLike[str] | bytes | onnx.ModelProto,
    *,
    map: Map | None = None,
    keep: Collection[str] = (),
    image_size: tuple[int, int] | None = None,
    layout: str | None = None,
    fold_normalize: bool = False,
    output: str | os.PathLike[str] | None = None,
    **options: Any,
) -> onnx.ModelProto:
    """Join a preprocessing graph to a model.

    The fused graph takes what the preprocessing takes, then the model's other inputs, and gives what the model gives.
    Outputs go to inputs of the same name; one image output left over goes to the one image input left over.

    Args:
        preprocessing: a processor, or the path, the bytes or the model of a preprocessing graph.
        model: the path, the bytes or the model of the graph that follows. Weights in files beside it are found by path.
        map: preprocessing outputs to model inputs, e.g. `{"pixel_values": "input.1"}`; a list gives one output to several.
        keep: names of preprocessing outputs that the fused graph gives too.
        image_size: (height, width) of every image, or None for any.
        layout: `nhwc` for models that take images as [batch, height, width, channels].
        fold_normalize: move the normalization into the weights of the model's first convolution. Results are then close,
            not the same bits.
        output: a file to write the fused graph to, whole or not at all; weights that stood in files are copied to
            `<output>.data` without being loaded. None loads them into the returned model.
        **options: for a processor: what its `to_onnx` takes (`target`, `input`, `color`, ...).

    Returns:
        The fused model, in the higher opset of both.

    Raises:
        FusionError: the two do not fit, cannot be brought to one opset, or a file is missing, broken or cannot be written.
    """
    given: dict[str, Any] = {"map": map, "keep": keep, "image_size": image_size, "layout": layout}
    return fuse_graphs(preprocessing, model, **given, fold_normalize=fold_normalize, output=output, **options).model


def fuse_graphs(
    preprocessing: Any,
    model: Any,
    *,
    map: Map | None = None,
    keep: Collection[str] = (),
    image_size: tuple[int, int] | None = None,
    layout: str | None = None,
    fold_normalize: bool = False,
    output: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Fused:
    """As `fuse`, with what was assumed and measured on the way."""
    second = read(model, "model")
    if second.model.metadata_props.keys() & {f"{PREFIX}config", f"{PREFIX}fusion"}:
        raise FusionError(f"{second.where}: is a graph with preprocessing already. Give the preprocessing first, then the model.")
    first = _preprocessing(preprocessing, second, image_size, options)
    source = {"producer": f"{second.model.producer_name or ''} {second.model.producer_version or ''}".strip()}
    facts = {**source, "opset": second.opset, "ir_version": second.model.ir_version}
    joints, notes = match(first, second, map, layout)
    told = [_tell(joint) for joint in joints]
    notes += align(first, second)
    joints = _again(joints, first, second)  # converting a side makes new values
    notes += sizes.unify(first, second, joints)
    metadata = dict(first.model.metadata_props)
    images = len(first.graph.inputs)
    arrived, renamed = join(first, second, joints, keep)
    folded = fold(second.model, arrived, images) if fold_normalize else None
    entry = {"joints": told, "model": facts, "folded": fold_normalize}
    _describe(second.model, metadata, entry)
    result = second.model
    written: list[Path] = []
    if output is None:
        proto = external.embed(result)
    else:
        proto, written = external.write(result, Path(output), [s.path for s in (first, second) if s.path is not None])
    return Fused(proto, tuple(told), (*notes, *renamed), tuple(written), folded)


def _preprocessing(source: Any, model: Side, image_size: tuple[int, int] | None, options: dict[str, Any]) -> Side:
    if hasattr(source, "to_onnx"):
        made = source.to_onnx(**{"opset": emitted_opset(model), "image_size": image_size, **options})
        return read(made, "preprocessing")
    if options:
        raise FusionError(f"fuse: {next(iter(options))!r} is for processors; a preprocessing graph is as it was exported")
    side = read(source, "preprocessing")
    if image_size is not None:
        sizes.fix_image(side, image_size)
    return side


def _again(joints: list[Joint], first: Side, second: Side) -> list[Joint]:
    """The same joints on the values that the sides have now."""
    outputs = {v.name: v for v in first.graph.outputs}
    inputs = {v.name: v for v in second.graph.inputs}
    return [Joint(outputs[j.source.name], inputs[j.target.name], j.transpose, j.cast) for j in joints]


def _tell(joint: Joint) -> dict[str, str]:
    found = {"output": str(joint.source.name), "input": str(joint.target.name)}
    if joint.transpose:
        found["transpose"] = "nhwc"
    if joint.cast is not None:
        found["cast"] = type_name(joint.target)
    return found


def _describe(model: ir.Model, metadata: dict[str, str], entry: dict[str, Any]) -> None:
    """The preprocessing's entries beside the model's own; of two of one name, the preprocessing's gets a prefix."""
    own = model.metadata_props
    for key, value in metadata.items():
        own[key if own.get(key, value) == value else f"preprocessing.{key}"] = value
    own[f"{PREFIX}fusion"] = json.dumps(entry, sort_keys=True)
    model.producer_name, model.producer_version = "graphproc", None
