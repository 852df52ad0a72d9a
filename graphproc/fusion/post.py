"""Put post-processing behind a fused graph: find the method that fits the model's outputs, and pass it the sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import onnx_ir as ir

from graphproc.errors import FusionError
from graphproc.fusion.join import free_name
from graphproc.fusion.sources import Side, describe, dims, read
from graphproc.postprocessing.method import Method
from graphproc.postprocessing.registry import lookup, methods

LABEL = "postprocessing"
SAY_WHAT = "Say what is what with post_map={output: name} (--post-map OUTPUT=NAME)."
Map = Mapping[str, str | Sequence[str]]


def postprocessing(
    source: Any,
    fused: Side,
    method: str | None,
    options: Mapping[str, Any],
    map: Map | None,
    export_options: Mapping[str, Any],
) -> Side:
    """Return the post-processing graph that follows the model.

    Args:
        source: a processor, or the path, the bytes or the model of a post-processing graph.
        fused: the graph that it follows, with the model's outputs.
        method: for a processor: the method's name, or None for the one that fits the model's
            outputs.
        options: for a processor: the method's options, and `id2label`, `ragged`.
        map: the method's input for each model output with another name.
        export_options: for a processor: the graph's `opset` and `target`.

    Raises:
        FusionError: no method or more than one fits, or a graph is given options.
    """
    if not hasattr(source, "post_processing_to_onnx"):
        given = [*(["post_method"] if method is not None else []), *options]
        if given:
            raise FusionError(f"fuse: {given[0]!r} is for processors; a post-processing graph is as it was exported")
        return read(source, LABEL)
    outputs = _renamed(fused, map)
    spec = source.spec.name
    chosen = _best_method(spec, outputs) if method is None else lookup(spec, method)
    for name, field in chosen.inputs.items():
        if name not in outputs and not (field.optional or field.call or field.replaced_by in outputs):
            available = ", ".join(describe(value) for value in fused.graph.outputs)
            raise FusionError(f"post: {chosen.name} of {spec} reads {name}, and the model gives {available}. {SAY_WHAT}")
    fields = [name for name, field in chosen.inputs.items() if field.optional and name in outputs]
    several = isinstance(fused.graph.inputs[0].type, ir.SequenceType)
    made = source.post_processing_to_onnx(
        chosen.name, input="sequence" if several else "batch", fields=fields, **export_options, **options
    )
    return read(made, LABEL)


def _renamed(fused: Side, map: Map | None) -> dict[str, ir.Value]:
    """Return the model's outputs by the names that a method has for them.

    Raises:
        FusionError: the map names an output that the model does not have.
    """
    known = {str(value.name) for value in fused.graph.outputs}
    if unknown := [name for name in map or {} if name not in known]:
        available = ", ".join(describe(value) for value in fused.graph.outputs)
        raise FusionError(f"post_map: the {fused.where} has no output {unknown[0]!r}; it has {available}")
    found = {}
    for value in fused.graph.outputs:
        names = (map or {}).get(str(value.name), str(value.name))
        found.update(dict.fromkeys([names] if isinstance(names, str) else names, value))
    return found


def _best_method(processor: str, outputs: Mapping[str, ir.Value]) -> Method:
    """Return the method that can read all its inputs from the model.

    If several can, it is the one that reads most outputs.

    Raises:
        FusionError: no method fits, or several read as many.
    """
    known = methods(processor).values()
    fitting = [method for method in known if all(_can_read(outputs, method, name) for name in method.inputs)]
    most = max((_inputs_read(method, outputs) for method in fitting), default=0)
    best = [method for method in fitting if _inputs_read(method, outputs) == most]
    if len(best) == 1:
        return best[0]
    available = ", ".join(describe(value) for value in outputs.values())
    if not best:
        wanted = "; ".join(f"{m.name} reads {', '.join(m.inputs)}" for m in known)
        raise FusionError(f"post: no method of {processor} fits a model that gives {available}. {wanted}. {SAY_WHAT}")
    raise FusionError(
        f"post: {' and '.join(m.name for m in best)} of {processor} fit a model that gives {available}. "
        "Say which with post_method=NAME (--post-method NAME)."
    )


def _inputs_read(method: Method, outputs: Mapping[str, ir.Value]) -> int:
    """Count the inputs of a method that the model has."""
    return sum(name in outputs for name in method.inputs)


def _can_read(outputs: Mapping[str, ir.Value], method: Method, name: str) -> bool:
    """Tell whether the model has an input of a method, or need not have it.

    An output with another number of axes is not the input.
    """
    field = method.inputs[name]
    if name not in outputs:
        return field.optional or field.call or field.replaced_by in outputs
    shape = dims(outputs[name])
    return shape is None or len(shape) == len(field.shape) + 1


def under_its_inputs(map: Map | None, fused: Side, following: Side) -> dict[str, list[str]]:
    """Return the following graph's inputs by model output: those in `map`, and those named `input_` and an output's name."""
    inputs = {str(value.name) for value in following.graph.inputs}

    def named(name: str) -> str:
        return f"input_{name}" if name not in inputs and f"input_{name}" in inputs else name

    found = {key: [named(name) for name in ([value] if isinstance(value, str) else value)] for key, value in (map or {}).items()}
    taken = {name for names in found.values() for name in names}
    for value in fused.graph.outputs:
        name = named(str(value.name))
        if name != value.name and name not in taken:
            found.setdefault(str(value.name), []).append(name)
    return found


def size_outputs(fused: Side, following: Side) -> dict[str, list[str]]:
    """Add outputs for the sizes that the post-processing reads: height and width of the images.

    An input with a singular name such as `target_size` gets one size for all images. One with a
    plural name gets a size for each image of a sequence.

    Returns:
        For each output's name, the inputs that read it.

    Raises:
        FusionError: the post-processing needs one size and the images are a sequence, or the
            reverse.
    """
    images = fused.graph.inputs[0]
    several = isinstance(images.type, ir.SequenceType)
    given = {str(value.name) for value in fused.graph.outputs}
    readers_by_output: dict[str, list[str]] = {}
    for wanted in following.graph.inputs:
        name, shape = str(wanted.name), dims(wanted) or []
        if name in given or not name.endswith(("_size", "_sizes")):
            continue
        if several != name.endswith("s"):
            wanted_input = "sequence" if several else "batch"
            raise FusionError(
                f"post: the images are {describe(images)}, and the post-processing reads {name}. "
                f"Export it with input={wanted_input!r}."
            )
        rank = len(dims(images) or ())
        if not several and rank < 3:
            raise FusionError(f"post: expected images [..., height, width, channels] to take sizes from, got {describe(images)}")
        nodes, value = _each_size(images, name) if several else _one_size(images, name, rank - 3)
        if shape[-2:] == [2, 2]:
            nodes, value = _of_pairs(nodes, value, name, several)
        value.name = free_name(fused, name)
        readers_by_output[value.name] = [name]
        fused.graph.extend(nodes)
        fused.graph.outputs.append(value)
    return readers_by_output


def _one_size(images: ir.Value, name: str, start: int) -> tuple[list[ir.Node], ir.Value]:
    """Make nodes for the height and width of images of one size; return them and the value, int64 [2]."""
    result = _whole(f"{LABEL}/{name}/Shape_out", [2])
    settings = {"start": start, "end": start + 2}
    return [ir.node("Shape", [images], settings, outputs=[result], name=f"{LABEL}/{name}/Shape")], result


def _of_pairs(nodes: list[ir.Node], sizes: ir.Value, name: str, several: bool) -> tuple[list[ir.Node], ir.Value]:
    """Make sizes of pairs of images: [2, 2] from one size, [pairs, 2, 2] from a size for each image."""
    wanted = ir.tensor([-1, 2, 2] if several else [2, 2], name=f"{LABEL}/{name}/shape")
    shape = ir.Value(name=wanted.name)
    constant = ir.node("Constant", [], {"value": wanted}, outputs=[shape], name=f"{LABEL}/{name}/Constant")
    result = _whole(name, ["pairs", 2, 2] if several else [2, 2])
    op = "Reshape" if several else "Expand"
    return [*nodes, constant, ir.node(op, [sizes, shape], outputs=[result], name=f"{LABEL}/{name}/{op}")], result


def _whole(name: str, shape: Sequence[int | str]) -> ir.Value:
    return ir.Value(name=name, shape=ir.Shape(shape), type=ir.TensorType(ir.DataType.INT64))


def _each_size(images: ir.Value, name: str) -> tuple[list[ir.Node], ir.Value]:
    """Make nodes for the height and width of each image of a sequence; return them and the value, int64 [batch, 2]."""
    scope = f"{LABEL}/{name}"

    def value(name: str, dtype: ir.DataType = ir.DataType.INT64, shape: Sequence[int | str] | None = ()) -> ir.Value:
        return ir.Value(name=f"{scope}/{name}", shape=None if shape is None else ir.Shape(shape), type=ir.TensorType(dtype))

    count, index = value("count"), value("index")
    more, on = value("more", ir.DataType.BOOL), value("on", ir.DataType.BOOL)
    image = value("image", ir.DataType.UINT8, None)
    size = value("size", shape=[2])
    body = ir.Graph(
        [index, more],
        [on, size],
        nodes=[
            ir.node("Identity", [more], outputs=[on], name=f"{scope}/Identity"),
            ir.node("SequenceAt", [images, index], outputs=[image], name=f"{scope}/SequenceAt"),
            ir.node("Shape", [image], {"start": 0, "end": 2}, outputs=[size], name=f"{scope}/Shape"),
        ],
        name=f"{scope}/graph",
    )
    result = _whole(f"{scope}/Loop_out", ["batch", 2])
    nodes = [
        ir.node("SequenceLength", [images], outputs=[count], name=f"{scope}/SequenceLength"),
        ir.Node("", "Loop", [count, None], [ir.AttrGraph("body", body)], outputs=[result], name=f"{scope}/Loop"),
    ]
    return nodes, result
