"""Fuse a preprocessing graph and a model to one graph that takes raw pixels, and with post-processing gives answers."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx_ir as ir

from graphproc.errors import FusionError
from graphproc.fusion import external, sizes
from graphproc.fusion.checks import check
from graphproc.fusion.fold import Folded, fold
from graphproc.fusion.from_torch import as_graph
from graphproc.fusion.join import join
from graphproc.fusion.match import Joint, Map, match
from graphproc.fusion.opsets import align, emitted_opset
from graphproc.fusion.post import postprocessing, size_outputs, under_its_inputs
from graphproc.fusion.sources import Side, describe, dims, free_inputs, read, type_name

if TYPE_CHECKING:
    import onnx
    import torch

PREFIX = "graphproc."


@dataclass(frozen=True)
class Fused:
    """Hold a fused graph, and facts about how it was made.

    Attributes:
        model: the graph; weights that were written to a file refer to it.
        joints: which output goes into which input, as in the entry `graphproc.fusion` of the
            graph's metadata.
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
    model: str | os.PathLike[str] | bytes | onnx.ModelProto | torch.nn.Module,
    *,
    map: Map | None = None,
    keep: Collection[str] = (),
    image_size: tuple[int, int] | None = None,
    layout: str | None = None,
    fold_normalize: bool = False,
    post: Any = None,
    post_method: str | None = None,
    post_options: Mapping[str, Any] | None = None,
    post_map: Map | None = None,
    outputs: Sequence[str] | None = None,
    example_inputs: Mapping[str, Any] | None = None,
    output: str | os.PathLike[str] | None = None,
    **options: Any,
) -> onnx.ModelProto:
    """Join a preprocessing graph to a model, and post-processing behind it.

    The fused graph's inputs are those of the preprocessing, then the model's other inputs. Its outputs are
    the model's, or those of the post-processing. Outputs are joined to inputs of the same name. If one
    image output and one image input are left over, they are joined as well. The post-processing gets the
    size of the images that come in, so boxes and maps are in their pixels.

    Args:
        preprocessing: a processor, or the path, the bytes or the model of a preprocessing graph.
        model: the path, the bytes or the model of the graph that follows; weights in files beside it are
            found by path. Or a torch module, which is exported with torch's exporter: its inputs are the
            parameters of `forward`.
        map: the model input for each preprocessing output with another name, e.g.
            `{"pixel_values": "input.1"}`; a list leads one output into several inputs.
        keep: names of outputs of the preprocessing, or of the model before post-processing, that the fused
            graph gives as well.
        image_size: (height, width) of every image, or None for any.
        layout: `nhwc` for models that take images as [batch, height, width, channels].
        fold_normalize: whether to move the normalization into the weights of the model's first convolution.
            Results are then close, not the same bits.
        post: a processor with a `post_process_*` method that follows the model, or a post-processing
            graph; None for no post-processing.
        post_method: the method, e.g. `object_detection`; None for the one that fits the model's outputs.
        post_options: the method's options, e.g. `{"threshold": 0.7}`; `id2label`, the names of classes for
            the metadata; and `ragged`, for as many rows as the image has instead of padded ones.
        post_map: the name that the method has for each model output with another name, e.g.
            `{"output0": "logits"}`.
        outputs: for a torch module: the names of its outputs that the graph has, e.g. `["logits"]`, or
            nested ones such as `hidden_states.0`. None for every tensor that it returns under a name.
        example_inputs: for a torch module: tensors, for a batch of 2, for parameters that the preprocessing
            does not give. These stay inputs of the graph.
        output: a file to write the fused graph to, whole or not at all. Weights from files are copied to
            `<output>.data` without being loaded. None loads them into the returned model.
        **options: for a processor: options of its `to_onnx` (`target`, `input`, `color`, ...).

    Returns:
        The fused model, in the highest opset of the graphs.

    Raises:
        FusionError: the graphs do not fit, cannot be converted to one opset, or a file is missing, broken
            or cannot be written.
        ConfigError: the processor has no such method, or an option has no meaning.
        RuntimeUnavailableError: the model is a torch module, and torch's exporter is not installed.
    """
    torch_only: dict[str, Any] = {"outputs": outputs, "example_inputs": example_inputs}
    given: dict[str, Any] = {"map": map, "keep": keep, "image_size": image_size, "layout": layout}
    given |= {"post": post, "post_method": post_method, "post_options": post_options, "post_map": post_map}
    with as_graph(preprocessing, model, map=map, image_size=image_size, **torch_only, options=options) as graph:
        return fuse_graphs(preprocessing, graph, **given, fold_normalize=fold_normalize, output=output, **options).model


def fuse_graphs(
    preprocessing: Any,
    model: Any,
    *,
    map: Map | None = None,
    keep: Collection[str] = (),
    image_size: tuple[int, int] | None = None,
    layout: str | None = None,
    fold_normalize: bool = False,
    post: Any = None,
    post_method: str | None = None,
    post_options: Mapping[str, Any] | None = None,
    post_map: Map | None = None,
    output: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Fused:
    """Fuse as `fuse` does, and return also what was assumed and measured."""
    second = read(model, "model")
    if second.model.metadata_props.keys() & {f"{PREFIX}config", f"{PREFIX}program", f"{PREFIX}fusion"}:
        raise FusionError(f"{second.where}: is a graph with preprocessing already. Give the preprocessing first, then the model.")
    first = _preprocessing(preprocessing, second, image_size, options)
    sides = [first, second]
    source = {"producer": f"{second.model.producer_name or ''} {second.model.producer_version or ''}".strip()}
    entry: dict[str, Any] = {"model": {**source, "opset": second.opset, "ir_version": second.model.ir_version}}
    metadata = dict(first.model.metadata_props)
    metadata.pop(f"{PREFIX}digest", None)  # of the preprocessing alone
    read_by_first = list(first.graph.inputs)
    images, model_outputs = len(read_by_first), [str(v.name) for v in second.graph.outputs]
    later = set() if post is None else set(keep) & set(model_outputs)
    attached = _attach(first, second, map, layout, [name for name in keep if name not in later])
    joints_as_data, notes = attached.joints_as_data, attached.notes
    folded = fold(second.model, attached.arrived, images) if fold_normalize else None
    attached.check(second.graph, first.label)
    whole = second
    if post is not None:
        kept = [str(v.name) for v in second.graph.outputs if v.name not in model_outputs or v.name in later]
        form = {"opset": emitted_opset(second), "target": options.get("target", "cpu")}
        whole = postprocessing(post, second, post_method, post_options or {}, post_map, form)
        sides.append(whole)
        sizes_of = size_outputs(second, whole)
        behind = _attach(second, whole, {**under_its_inputs(post_map, second, whole), **sizes_of}, None, kept)
        whole.graph.name, own = second.graph.name, dict(whole.model.metadata_props)
        whole.model.metadata_props.clear()
        whole.model.metadata_props.update(second.model.metadata_props)
        metadata |= {key: own[key] for key in (f"{PREFIX}post", f"{PREFIX}id2label") if key in own}
        behind.check(whole.graph, second.label)
        joints_as_data, notes = [*joints_as_data, *behind.joints_as_data], [*notes, *behind.notes]
    elif post_method or post_options or post_map:
        raise FusionError("fuse: post_method, post_options and post_map say how to post-process. Give post as well.")
    entry["inputs"] = [str(value.name) for value in read_by_first]
    inside = {str(v.name) for node in whole.graph for v in node.outputs}
    entry["preprocessing"] = {name: str(value.name) for name, value in attached.passed_on.items() if value.name in inside}
    if (stated := f"{PREFIX}parity") in metadata:
        metadata[stated] = f"the preprocessing inside: {metadata[stated]}" + (", before the folding" if fold_normalize else "")
    _describe(whole.model, metadata, {**entry, "joints": joints_as_data, "folded": fold_normalize})
    written: list[Path] = []
    if output is None:
        proto = external.embed(whole.model)
    else:
        proto, written = external.write(whole.model, Path(output), [s.path for s in sides if s.path is not None])
    return Fused(proto, tuple(joints_as_data), tuple(notes), tuple(written), folded)


@dataclass(frozen=True)
class _Attachment:
    """Describe how one graph was put behind another.

    Attributes:
        arrived: the value that arrives at each joint.
        joints_as_data: which output goes into which input, as plain data.
        notes: what was assumed, a sentence each.
        sizes: for each joint, the sizes by axis that must be checked, and the number of axes.
        passed_on: the first graph's outputs that are in the fused graph, by name.
    """

    arrived: list[ir.Value]
    joints_as_data: list[dict[str, str]]
    notes: list[str]
    sizes: list[tuple[dict[int, int], int]]
    passed_on: dict[str, ir.Value]

    def check(self, graph: ir.Graph, label: str) -> None:
        """Add a check to each joint with sizes that depend on the images."""
        for value, joint, (sizes_of, rank) in zip(self.arrived, self.joints_as_data, self.sizes, strict=True):
            if sizes_of:
                check(graph, value, sizes_of, rank, f"{label}/{joint['output']}")


def _attach(first: Side, second: Side, map: Map | None, layout: str | None, keep: Collection[str]) -> _Attachment:
    """Put one graph in front of another, in place: the second then contains both."""
    joints, notes = match(first, second, map, layout)
    joints_as_data = [_as_data(joint) for joint in joints]
    notes += align(first, second)
    joints = _on_current_values(joints, first, second)  # converting a side replaced its values
    outputs = {str(v.name): v for v in first.graph.outputs}
    checked = sizes.unify(first, second, joints)
    for joint, wanted in checked.items():
        takes = ", ".join(f"{size} in axis {axis}" for axis, size in wanted.items())
        joined = f"{describe(joint.target)}, joined to {describe(joint.source)} of the {first.label}"
        notes.append(f"the {second.label} takes only {takes} of {joined}: images of other sizes are refused when it runs")
    open_inputs = set(free_inputs(second)) - {joint.target for joint in joints}
    for value in [v for v in second.graph.inputs if v in open_inputs]:
        notes.append(f"nothing gives {describe(value)} of the {second.label}: it is an input of the fused graph")
    of_joints = [(checked.get(joint, {}), len(dims(joint.target) or ())) for joint in joints]
    passed_on = {name: value for name, value in outputs.items() if name in keep or any(j.source is value for j in joints)}
    arrived, renamed = join(first, second, joints, keep)
    return _Attachment(arrived, joints_as_data, [*notes, *renamed], of_joints, passed_on)


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


def _on_current_values(joints: list[Joint], first: Side, second: Side) -> list[Joint]:
    """Return the joints with the values that the sides have now, found by their names."""
    outputs = {v.name: v for v in first.graph.outputs}
    inputs = {v.name: v for v in second.graph.inputs}
    return [Joint(outputs[j.source.name], inputs[j.target.name], j.transpose, j.cast) for j in joints]


def _as_data(joint: Joint) -> dict[str, str]:
    """Return a joint as plain data: the names of output and input, and what happens between them."""
    found = {"output": str(joint.source.name), "input": str(joint.target.name)}
    if joint.transpose:
        found["transpose"] = "nhwc"
    if joint.cast is not None:
        found["cast"] = type_name(joint.target)
    return found


def _describe(model: ir.Model, metadata: dict[str, str], entry: dict[str, Any]) -> None:
    """Add the preprocessing's metadata to the model's. If both have an entry of one name, the preprocessing's gets a prefix."""
    own = model.metadata_props
    for key, value in metadata.items():
        own[key if own.get(key, value) == value else f"preprocessing.{key}"] = value
    own[f"{PREFIX}fusion"] = json.dumps(entry, sort_keys=True)
    model.producer_name, model.producer_version = "graphproc", None
