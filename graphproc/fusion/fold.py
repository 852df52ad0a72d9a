"""Move the normalization of pixels into the weights of the model's first convolution.

`conv(scale * x + shift)` is a convolution of `x` with the weights `scale * w` and the bias
`b + sum(w * shift)`, if every product reads a pixel. A convolution that pads reads zeros that were not
normalized, so it is refused. Results are close, not the same bits, so this happens only on demand.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir

from graphproc.errors import FusionError
from graphproc.fusion import external
from graphproc.fusion.normalization import normalization
from graphproc.fusion.sources import dims

if TYPE_CHECKING:
    import onnx

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Folded:
    """Describe what folding did.

    Attributes:
        convolution: the node with changed weights.
        difference: the largest absolute difference of its output on the shipped photograph; None if
            the graph takes inputs other than images.
        magnitude: the largest absolute value of that output.
        outputs: the largest absolute difference of each output of the fused graph; empty if the
            model takes inputs other than images, or has weights in another file.
    """

    convolution: str
    difference: float | None
    magnitude: float | None
    outputs: dict[str, float]


def fold(model: ir.Model, arrived: list[ir.Value], images: int) -> Folded:
    """Fold the normalization in front of the model, in place, and measure what that changes.

    Args:
        model: the fused graph.
        arrived: the values that arrive at the model's inputs; the normalized image is replaced by the pixels.
        images: how many of the graph's first inputs are the preprocessing's.

    Raises:
        FusionError: the graph has no normalization directly before a convolution, or the convolution pads.
    """
    pictures = [v for v in arrived if v.shape is not None and len(v.shape) == 4 and v.dtype is not None and _floating(v.dtype)]
    if len(pictures) != 1:
        raise FusionError(f"fold_normalize: expected one float image that goes into the model, got {len(pictures)}")
    conv = _convolution(pictures[0])
    weight, bias = _constant(conv, 1), _constant(conv, 2)
    pixels, batch, normalized = normalization(pictures[0])
    _refuse_padding(conv, normalized.shift)
    before = _measure(model, conv, images)
    _rewrite(model.graph, conv, pixels, batch, weight, bias, normalized.scale, normalized.shift)
    assert conv.inputs[0] is not None
    arrived[arrived.index(pictures[0])] = conv.inputs[0]
    after = _measure(model, conv, images)
    name = str(conv.name or conv.outputs[0].name)
    if before is None or after is None:
        return Folded(name, None, None, {})
    changed = {key: _largest(after[key].astype(np.float64) - value.astype(np.float64)) for key, value in before.items()}
    inner = str(conv.outputs[0].name)
    names = {v.name for v in model.graph.outputs}
    outputs = {key: value for key, value in changed.items() if key in names}
    return Folded(name, changed[inner], _largest(before[inner].astype(np.float64)), outputs)


def _largest(array: Array) -> float:
    return float(np.abs(array).max(initial=0))


def _floating(dtype: ir.DataType) -> bool:
    return dtype in (ir.DataType.FLOAT, ir.DataType.FLOAT16, ir.DataType.BFLOAT16, ir.DataType.DOUBLE)


def _convolution(value: ir.Value) -> ir.Node:
    readers = [use.node for use in value.uses()]
    if len(readers) != 1 or readers[0].op_type != "Conv" or readers[0].domain:
        found = ", ".join(f"{n.op_type} {n.name}".strip() for n in readers) or "nothing"
        raise FusionError(f"fold_normalize: expected one Conv that reads {value.name} and nothing else, got {found}")
    return readers[0]


def _refuse_padding(conv: ir.Node, shift: Array) -> None:
    pads = [int(p) for p in conv.attributes.get_ints("pads", ())]
    automatic = conv.attributes.get_string("auto_pad", "NOTSET")
    if (any(pads) or automatic.startswith("SAME")) and shift.any():
        padding = f"pads {pads}" if any(pads) else f"auto_pad {automatic}"
        raise FusionError(
            f"fold_normalize: the convolution {conv.name or conv.outputs[0].name!r} has {padding}. It pads with zeros, which "
            "stand for the mean colour after the normalization and for black before it: the border would change."
        )


def _constant(conv: ir.Node, index: int) -> Array | None:
    value = conv.inputs[index] if len(conv.inputs) > index else None
    if value is None:
        return None
    tensor = ir.convenience.get_const_tensor(value)
    if tensor is None:
        raise FusionError(f"fold_normalize: expected constant weights of the convolution, but {value.name} is computed")
    return (external.load(tensor) if isinstance(tensor, ir.ExternalTensor) else tensor).numpy()


def _rewrite(
    graph: ir.Graph,
    conv: ir.Node,
    pixels: ir.Value,
    batch: ir.Node | None,
    weight: Array | None,
    bias: Array | None,
    scale: Array,
    shift: Array,
) -> None:
    assert weight is not None
    outputs, channels = weight.shape[:2]
    groups = conv.attributes.get_int("group", 1)
    if len({len(scale), len(shift), groups * channels} - {1}) > 1:
        raise FusionError(f"fold_normalize: {groups * channels} channels of the convolution, {len(scale)} of the normalization")
    wide = weight.astype(np.float64)
    # The input channel of each weight; outputs of a group read only that group's channels.
    of_weight = np.arange(outputs)[:, None] // (outputs // groups) * channels + np.arange(channels)
    scales, shifts = (np.broadcast_to(v, (groups * channels,))[of_weight] for v in (scale, shift))
    added = (wide * shifts[:, :, None, None]).sum(axis=(1, 2, 3))
    total = added if bias is None else bias.astype(np.float64) + added
    old = [value for value in conv.inputs[1:] if value is not None]
    names = {v.name for node in graph.all_nodes() for v in node.outputs} | set(graph.initializers)
    made = []
    for array, what in ((wide * scales[:, :, None, None], "weight"), (total, "bias")):
        name = f"{conv.outputs[0].name}/normalized_{what}"
        while name in names:
            name += "_"
        tensor = ir.tensor(array.astype(weight.dtype), name=name)
        value = ir.Value(name=name, shape=ir.Shape(array.shape), type=ir.TensorType(tensor.dtype), const_value=tensor)
        graph.register_initializer(value)
        made.append(value)
    wanted = made[0].dtype
    assert wanted is not None
    moves: list[tuple[str, list[ir.Value | None], dict[str, Any]]] = []
    if batch is not None:
        moves.append(("Unsqueeze", list(batch.inputs[1:]), {}))
    if pixels.dtype != wanted:
        moves.append(("Cast", [], {"to": int(wanted)}))
    for op, constants, settings in moves:
        kind = wanted if op == "Cast" else pixels.dtype
        assert kind is not None
        result = ir.Value(name=f"{made[0].name}/{op}_out", type=ir.TensorType(kind))
        graph.insert_before(conv, ir.node(op, [pixels, *constants], settings, outputs=[result], name=f"{made[0].name}/{op}"))
        pixels = result
    unused = conv.inputs[0]
    conv.resize_inputs(3)
    for index, value in enumerate((pixels, *made)):
        conv.replace_input_with(index, value)
    while unused is not None and not unused.uses() and not unused.is_graph_output() and unused.producer() is not None:
        node = unused.producer()
        assert node is not None
        following = node.inputs[0]
        graph.remove(node, safe=True)
        unused = following
    for name in [name for name, value in graph.initializers.items() if value in old and not value.uses()]:
        del graph.initializers[name]


# ---- measuring -------------------------------------------------------------------------------------------------


def _measure(model: ir.Model, conv: ir.Node, images: int) -> dict[str, Array] | None:
    """Run the shipped photograph; return the convolution's output, and the graph's outputs if they can be computed."""
    given = list(model.graph.inputs)[:images]
    if len(given) != 1:
        return None
    outputs = [conv.outputs[0]]
    whole = len(model.graph.inputs) == 1 and not any(external.tensors(model))
    if whole:
        outputs += [v for v in model.graph.outputs if v is not conv.outputs[0]]
    graph = ir.convenience.extract(model.graph, given, outputs)
    part = ir.Model(graph, ir_version=model.ir_version, functions=[f.clone() for f in model.functions.values()])
    feeds = _photograph(given[0])
    return None if feeds is None else _run(external.embed(part), {str(given[0].name): feeds})


def _run(model: onnx.ModelProto, feeds: dict[str, Any]) -> dict[str, Array]:
    import onnxruntime

    from graphproc.runtime.providers import session_options

    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), session_options("cpu", None), providers=["CPUExecutionProvider"]
        )
        names = [o.name for o in session.get_outputs()]
        return dict(zip(names, session.run(names, feeds), strict=True))
    except Exception as error:  # onnxruntime's own classes share no base but Exception
        raise FusionError(f"fold_normalize: ONNX Runtime cannot run the fused graph ({str(error).splitlines()[0]})") from error


def _photograph(value: ir.Value) -> Any:
    """Return the shipped photograph in the form of the graph's input, or None if that is not a uint8 image."""
    from PIL import Image

    sides = dims(value)
    if value.dtype != ir.DataType.UINT8 or sides is None or len(sides) not in (3, 4):
        return None
    with Image.open(str(files("graphproc") / "data" / "cat.png")) as image:
        modes = {1: "L", 3: "RGB", 4: "RGBA"}
        channels = sides[-1]
        if channels not in modes:
            return None
        array = np.asarray(image.convert(modes[channels]))
    array = array.reshape(*array.shape[:2], channels)
    for axis, side in enumerate(sides[-3:-1]):
        if isinstance(side, int):
            array = array.take(np.arange(side) * array.shape[axis] // side, axis)
    if len(sides) == 3:
        return array
    return np.repeat(array[None], sides[0] if isinstance(sides[0], int) else 1, axis=0)
