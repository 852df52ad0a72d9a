"""Run a preprocessing graph as a `torch.nn.Module`: the same bits on tensors, on the CPU or a GPU."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphproc.batch_feature import BatchFeature
from graphproc.errors import GraphError, ImageError, RuntimeUnavailableError

try:
    import torch
except ImportError:
    raise RuntimeUnavailableError("TorchModule: torch is not installed. pip install 'graphproc[torch]'") from None

from torch import Tensor
from torch.utils import _pytree as pytree

from graphproc.runtime.description import settings_of
from graphproc.runtime.torch_ops import IMPLEMENTATIONS
from graphproc.runtime.torch_ops.body import Environment, Node, compile_graph
from graphproc.runtime.torch_ops.dtypes import DTYPES

if TYPE_CHECKING:
    import onnx


class TorchModule(torch.nn.Module):
    """Run a preprocessing graph on torch tensors, with the bits that ONNX Runtime gives.

    `torch.export.export(module, (images,))` works as it is for graphs without loops and choices: those
    with `image_size`, and `batch_size` or `input="image"`, of target `cuda` or `portable`. Its program
    returns a `BatchFeature`, too. `torch.compile` leaves the module as it is, because compiled code may
    round once where the definition rounds twice.

    The graph's constants are buffers: `.to("cuda")` moves them, and images must then be there, too.
    Their element types are part of the result, so `.half()` and the like change nothing, and they
    are not in `state_dict()`. Size arithmetic stays on the CPU. Pixels stay on their device, except
    for classes that find sizes in pixels.

    Attributes:
        inputs: the names of the graph's inputs.
        outputs: the names of its outputs.
        dims: each input's dimensions by name: ints, or names of free ones; None where images of a
            sequence differ.
        sequences: the inputs that are lists of tensors of different shapes.
        metadata: the graph's description of itself: the entries `graphproc.*` of `metadata_props`,
            without the prefix.
    """

    def __init__(self, preprocessing: Any, **options: Any) -> None:
        """Read a graph.

        Args:
            preprocessing: a processor, or a preprocessing graph: its path, bytes or model.
            **options: for a processor, what its `to_onnx` takes (`input`, `color`, `image_size`,
                ...). `target` is `cuda` unless it is given: the form with plain float32 products,
                which suits torch on every device.

        Raises:
            GraphError: the file is missing or not a valid ONNX model, or the graph has an operator
                that is not implemented here.
        """
        super().__init__()
        model = _model(preprocessing, options)
        self._body, constants = compile_graph(model.graph)
        given = {value.name: value.type for value in model.graph.input if value.name in self._body.inputs}
        self.inputs = list(self._body.inputs)
        self.outputs = list(self._body.outputs)
        self.sequences = frozenset(name for name, kind in given.items() if kind.HasField("sequence_type"))
        tensors = {
            name: (kind.sequence_type.elem_type if name in self.sequences else kind).tensor_type for name, kind in given.items()
        }
        self.dims = {name: _dims(kind) for name, kind in tensors.items()}
        self._dtypes = {name: DTYPES[kind.elem_type] for name, kind in tensors.items()}
        entries = {entry.key: entry.value for entry in model.metadata_props}
        self.metadata = {k.removeprefix("graphproc."): v for k, v in sorted(entries.items()) if k.startswith("graphproc.")}
        self._constants = constants
        self._buffer_of = {name: f"constant_{index}" for index, name in enumerate(constants)}
        for name, buffer in self._buffer_of.items():
            self.register_buffer(buffer, constants[name], persistent=False)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> TorchModule:
        # `.to`, `.half` and `.cuda` call this. Devices change, element types do not.
        super()._apply(lambda tensor: tensor.to(fn(tensor).device), recurse)
        return self

    @property
    def device(self) -> torch.device:
        """Return where the constants are, and images have to be."""
        return next(self.buffers(), torch.empty(0)).device

    def forward(self, *tensors: Any, **inputs: Any) -> BatchFeature:
        """Preprocess tensors, in order or by name: `module(images)`, `module(images=images)`.

        Args:
            *tensors: the graph's inputs: `images`, uint8 [batch, height, width, C]; with
                `input="image"` one image, uint8 [height, width, C]; with `input="sequence"` a list
                of such; then the graph's extra inputs.
            **inputs: the same by name.

        Returns:
            Tensors on the module's device, under the graph's output names. They have no gradient.

        Raises:
            ImageError: an input is missing or unknown, or has another dtype, rank, size or device
                than the graph's.
        """
        if len(tensors) > len(self.inputs):
            raise ImageError(
                f"graph inputs: expected {', '.join(self.inputs)}, got {len(tensors)} tensors. Stack images into one."
            )
        named = {**dict(zip(self.inputs, tensors, strict=False)), **inputs}
        if set(named) != set(self.inputs):
            raise ImageError(f"graph inputs: expected {', '.join(self.inputs)}, got {', '.join(named) or 'none'}")
        if torch.compiler.is_compiling():  # a compiler may fuse two operations into one that rounds once
            return torch.compiler.disable(self._run)(named)
        return self._run(named)

    def _run(self, named: Mapping[str, Any]) -> BatchFeature:
        """Check the tensors by name and compute the outputs.

        Raises:
            ImageError: a tensor does not fit the graph, or torch refuses it.
        """
        device = self.device
        self._check(named, device)
        environment: Environment = {**self._constants, **named}
        fetch = _fetch if device.type == "cpu" else self._fetch
        with torch.no_grad(), _exact_products(device):
            try:
                self._body.run(environment, fetch)
            except (torch.cuda.OutOfMemoryError, ImageError):  # the first is a RuntimeError, but nothing is wrong with the input
                raise
            except (RuntimeError, IndexError, ValueError) as error:
                raise ImageError(f"graph: torch refused the input. {str(error).splitlines()[0]}") from error
        return BatchFeature({name: environment[name].to(device) for name in self.outputs})

    def config(self) -> dict[str, Any]:
        """Return the processor settings that the graph was compiled from.

        Raises:
            GraphError: graphproc did not write the graph.
        """
        return settings_of(self.metadata)

    def extra_repr(self) -> str:
        """Return the names of inputs and outputs, for `print(module)`."""
        return f"{', '.join(self.inputs)} -> {', '.join(self.outputs)}"

    def _fetch(self, node: Node, environment: Environment) -> list[Any]:
        """Return the inputs of a node, all on one device.

        If one input is on the module's device, the others go there, but not those that are read on
        the host.
        """
        values = _fetch(node, environment)
        stay = IMPLEMENTATIONS[node.operator].stay
        here = [index for index, value in enumerate(values) if isinstance(value, Tensor) and index not in stay]
        device = next((values[index].device for index in here if values[index].device.type != "cpu"), None)
        if device is not None:
            for index in here:
                if values[index].device != device:
                    # torch takes a scalar on the CPU, but then divides by multiplying: other bits.
                    buffer = self._buffer_of.get(node.inputs[index])
                    values[index] = values[index].to(device) if buffer is None else getattr(self, buffer)
        return values

    def _check(self, named: Mapping[str, Any], device: torch.device) -> None:
        """Check tensors by name against the graph's inputs.

        Raises:
            ImageError: one is no torch tensor, or has another dtype, device or shape than the
                input.
        """
        sizes: dict[str, int] = {}
        for name, value in named.items():
            several = name in self.sequences
            if several and not (isinstance(value, (list, tuple)) and value):
                raise ImageError(f"{name}: expected a list of at least one tensor, got {type(value).__name__}")
            for tensor in value if several else [value]:
                if not isinstance(tensor, Tensor):
                    raise ImageError(f"{name}: expected a torch tensor, got {type(tensor).__name__}. torch.from_numpy makes one.")
                if tensor.dtype != self._dtypes[name]:
                    raise ImageError(f"{name}: expected {self._dtypes[name]}, got {tensor.dtype}. Give pixels as they were read.")
                if tensor.device != device:
                    raise ImageError(f"{name}: is on {tensor.device}, the module on {device}. Move one with .to(device).")
                dims = self.dims[name]
                fits = tensor.ndim == len(dims) and all(
                    size == (sizes.setdefault(dim, size) if isinstance(dim, str) else dim)
                    for dim, size in zip(dims, tensor.shape, strict=True)
                    if dim is not None
                )
                if not fits or not tensor.numel():
                    shown = ", ".join(str(sizes.get(str(dim), dim or "any")) for dim in dims)
                    raise ImageError(f"{name}: expected the shape [{shown}], got {list(tensor.shape)}")


def _flattened(features: BatchFeature) -> tuple[list[Any], list[str]]:
    return list(features.values()), list(features)


def _flattened_with_keys(features: BatchFeature) -> tuple[list[tuple[Any, Any]], list[str]]:
    return [(pytree.MappingKey(name), value) for name, value in features.items()], list(features)


def _restored(values: Iterable[Any], names: list[str]) -> BatchFeature:
    return BatchFeature(dict(zip(names, values, strict=True)))


# What `torch.export` asks of a result that is no plain container, as transformers does for its outputs.
pytree.register_pytree_node(
    BatchFeature,
    _flattened,
    _restored,
    serialized_type_name="graphproc.BatchFeature",
    flatten_with_keys_fn=_flattened_with_keys,
)


def _fetch(node: Node, environment: Environment) -> list[Any]:
    """Return the inputs of a node, each where it is; absent ones are None."""
    return [environment[name] if name else None for name in node.inputs]


def _dims(kind: Any) -> list[int | str | None]:
    return [d.dim_value if d.HasField("dim_value") else d.dim_param or None for d in kind.shape.dim]


@contextmanager
def _exact_products(device: torch.device) -> Iterator[None]:
    """Compute matrix products in full float32, whatever the calling program has set."""
    with ExitStack() as stack:
        for kind in {"cpu", device.type}:
            if torch.amp.is_autocast_available(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        stack.enter_context(_float32_products())
        yield


@contextmanager
def _float32_products() -> Iterator[None]:
    """Turn off products of float32 in bfloat16 or TF32.

    Before torch 2.9 one setting is for all devices. Since then each device has its own, and the old
    one may not be read.
    """
    devices = [d for d in (torch.backends.mkldnn, torch.backends.cuda) if hasattr(getattr(d, "matmul", None), "fp32_precision")]
    if not devices:
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("highest")
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(before)
        return
    settings = [(d.matmul, d.matmul.fp32_precision) for d in devices]
    try:
        for matmul, _ in settings:
            matmul.fp32_precision = "ieee"
        yield
    finally:
        for matmul, precision in settings:
            matmul.fp32_precision = precision


def _model(preprocessing: Any, options: dict[str, Any]) -> onnx.ModelProto:
    """Return the model of a processor, a path, bytes, or a model.

    Raises:
        GraphError: it is none of these, it cannot be read, or options are given for a graph.
    """
    if hasattr(preprocessing, "to_onnx"):
        made: onnx.ModelProto = preprocessing.to_onnx(**{"target": "cuda", **options})
        return made
    if options:
        raise GraphError(f"TorchModule: {next(iter(options))!r} is for processors; a preprocessing graph is as it was exported")
    import onnx

    if isinstance(preprocessing, onnx.ModelProto):
        return preprocessing
    if not isinstance(preprocessing, (str, os.PathLike, bytes)):
        raise GraphError(f"TorchModule: expected a processor, a path, bytes or a model, got {type(preprocessing).__name__}")
    try:
        content = preprocessing if isinstance(preprocessing, bytes) else Path(preprocessing).read_bytes()
    except OSError as error:
        raise GraphError(
            f"{os.fspath(preprocessing)!r}: cannot be read ({error.strerror}). Give the path of an ONNX file."
        ) from None
    try:
        return onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's own class has no base but Exception
        raise GraphError(f"graph: expected an ONNX model, got something else or half a file ({error})") from None
