"""Export a torch module with torch's exporter, on inputs that the preprocessing makes, to join it."""

from __future__ import annotations

import inspect
import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir

from graphproc.errors import FusionError, RuntimeUnavailableError
from graphproc.fusion import sizes
from graphproc.fusion.match import Map
from graphproc.fusion.sources import Side, describe, dims, read

Array = np.ndarray[Any, Any]

EXAMPLE_SIZE = (480, 640)
"""(height, width) of the images that a module is exported on, if the preprocessing takes any size."""
EXAMPLES = 2
"""The number of these images. A size of 1 would count as fixed for torch."""
MAX_IN_MEMORY = 1 << 30
"""An exported model with more bytes of weights than this goes through files, not through one ONNX message."""
_LOGGERS = ("torch", "onnxscript", "onnx_ir")


def is_module(model: Any) -> bool:
    """Tell whether a model is a torch module, without loading torch."""
    return hasattr(model, "forward") and hasattr(model, "state_dict")


@contextmanager
def as_graph(
    preprocessing: Any,
    model: Any,
    *,
    map: Map | None,
    image_size: tuple[int, int] | None,
    outputs: Sequence[str] | None,
    example_inputs: Mapping[str, Any] | None,
    options: Mapping[str, Any],
) -> Iterator[Any]:
    """Yield the model in a form that can be joined: export a torch module, leave anything else as it is.

    Args:
        preprocessing: a processor or a preprocessing graph, as for `fuse`.
        model: a torch module, or a graph.
        map: the parameter of the module's `forward` for each preprocessing output with another name.
        image_size: (height, width) of every image, or None for any.
        outputs: the names of the module's outputs that the graph has; None for every tensor that it
            returns under a name.
        example_inputs: tensors for parameters that the preprocessing does not give. These stay inputs of
            the graph.
        options: for a processor: options of its `to_onnx`.

    Yields:
        The model, or a path; its files are deleted afterwards.

    Raises:
        RuntimeUnavailableError: torch's exporter is not installed.
        FusionError: the module's parameters do not fit, or torch cannot export it; the message names the module.
    """
    if not is_module(model):
        if outputs is not None or example_inputs is not None:
            name = "outputs" if outputs is not None else "example_inputs"
            raise FusionError(f"fuse: {name} is for torch modules; a graph has the inputs and outputs that it has")
        yield model
        return
    side, examples = _examples(preprocessing, image_size, options)
    program = export(model, side, examples, map or {}, outputs, example_inputs or {})
    if sum(tensor.nbytes for tensor in [*model.parameters(), *model.buffers()]) <= MAX_IN_MEMORY:
        yield program.model_proto
        return
    with tempfile.TemporaryDirectory(prefix="graphproc-") as folder:
        path = Path(folder) / "model.onnx"
        program.save(str(path), external_data=True)
        del program
        yield path


def _examples(source: Any, image_size: tuple[int, int] | None, options: Mapping[str, Any]) -> tuple[Side, dict[str, Array]]:
    """Return the preprocessing, and its outputs for images of noise, by name."""
    from graphproc.runtime.session import Session

    if hasattr(source, "to_onnx"):
        source = source.to_onnx(**{"image_size": image_size, **options})
    side = read(source, "preprocessing")
    if image_size is not None:
        sizes.fix_image(side, image_size)
    session = Session(source, specialise_after=None)
    sides = dict(zip(("height", "width"), image_size or EXAMPLE_SIZE, strict=True))
    rng = np.random.default_rng(0)
    inputs: dict[str, Any] = {}
    for value in side.graph.inputs:
        name = str(value.name)
        free = iter(sides.values())  # the sides of images of a sequence have no names
        shape = [d if isinstance(d, int) else sides.get(d, EXAMPLES) if d else next(free, EXAMPLES) for d in dims(value) or ()]
        dtype = (value.dtype or ir.DataType.FLOAT).numpy()
        arrays = [rng.integers(0, 8 if index else 256, shape).astype(dtype) for index in range(EXAMPLES)]
        inputs[name] = arrays if name in session.sequences else arrays[0]
    return side, session.run(inputs)


def export(
    module: Any, side: Side, examples: Mapping[str, Array], map: Map, outputs: Sequence[str] | None, others: Mapping[str, Any]
) -> Any:
    """Export a module in evaluation mode, with names, and with symbols for sizes where the preprocessing has them.

    Args:
        module: the torch module.
        side: the preprocessing.
        made: an example of each of its outputs.
        map: the module's parameter for each of its outputs with another name.
        outputs: the names of the outputs to keep, or None.
        others: tensors for the other parameters.

    Returns:
        A `torch.onnx.ONNXProgram`.

    Raises:
        RuntimeUnavailableError: torch's exporter is not installed.
        FusionError: the parameters do not fit, or torch cannot export the module.
    """
    try:
        import onnxscript  # noqa: F401
        import torch
    except ImportError as error:
        raise RuntimeUnavailableError(
            f"fuse: exporting a torch module needs {error.name}. pip install 'graphproc[torch]'"
        ) from None
    module = getattr(module, "_orig_mod", module)  # the module that torch.compile wrapped
    label = f"model {type(module).__name__}"
    sources = _matched(module, label, side, map, others)
    values = {str(v.name): v for v in side.graph.outputs}
    weight = next((p for p in module.parameters() if p.is_floating_point()), torch.zeros(0))
    names, tensors, free = list(sources), [], []
    for name, source in sources.items():
        tensor = torch.as_tensor(others[name] if source is None else examples[source]).to(weight.device)
        tensors.append(tensor.to(weight.dtype) if source is not None and tensor.is_floating_point() else tensor)
        if source is None:
            free.append(dict.fromkeys(range(tensor.ndim), torch.export.Dim.AUTO))
        else:
            sizes = dims(values[source]) or []
            free.append({axis: torch.export.Dim.DYNAMIC for axis, size in enumerate(sizes) if not isinstance(size, int)})
    wrapped = _wrapper(module, label, names, outputs)
    modes = {part: part.training for part in module.modules()}
    try:
        with torch.no_grad(), _quiet():
            program = torch.export.export(wrapped.eval(), tuple(tensors), dynamic_shapes=(tuple(free),), strict=False)
            found = list(program.call_spec.out_spec.context)
            return torch.onnx.export(program, dynamo=True, verbose=False, input_names=names, output_names=found)
    except FusionError:
        raise
    except Exception as error:  # the exporter's parts raise many types
        hint = "Fix the image's size with image_size=(height, width), or export it yourself and give the ONNX file."
        raise FusionError(f"{label}: torch cannot export it ({_first_line(error)}). {hint}") from error
    finally:
        for part, training in modes.items():
            part.training = training


def _matched(module: Any, label: str, side: Side, map: Map, others: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the preprocessing output for each parameter, in the order of `forward`.

    It is None for parameters with an example.

    Raises:
        FusionError: the names do not fit, or a parameter is left without a value.
    """
    known = inspect.signature(module.forward).parameters
    named = {n: p for n, p in known.items() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    outputs = {str(v.name): v for v in side.graph.outputs}
    mapped = {name: output for output, names in map.items() for name in ([names] if isinstance(names, str) else names)}
    for name in [*mapped, *others]:
        if name not in named:
            raise FusionError(f"{label}: its forward has no parameter {name!r}; it has {', '.join(named) or 'no named ones'}")
    for output in map:
        if output not in outputs:
            raise FusionError(f"map: the {side.where} has no output {output!r}; it has {', '.join(outputs)}")
    chosen: dict[str, str | None] = {**{name: name for name in named if name in outputs}, **mapped, **dict.fromkeys(others)}
    missing = [n for n, p in named.items() if n not in chosen and p.default is p.empty]
    images = [n for n, v in outputs.items() if n not in chosen.values() and len(dims(v) or ()) == 4 and _is_float(v)]
    if len(missing) == 1 and len(images) == 1:
        chosen[missing.pop()] = images[0]
    if missing or not any(chosen.values()):
        needs = f"needs {', '.join(missing)}" if missing else f"takes {', '.join(named) or 'no named parameters'}"
        raise FusionError(
            f"{label}: {needs}; the {side.where} gives {', '.join(describe(v) for v in outputs.values())}. Say which with "
            "map={output: parameter}, or give a tensor with example_inputs={parameter: tensor}."
        )
    return {name: chosen[name] for name in named if name in chosen}


def _is_float(value: ir.Value) -> bool:
    return value.dtype in (ir.DataType.FLOAT, ir.DataType.FLOAT16, ir.DataType.DOUBLE)


def _wrapper(module: Any, label: str, names: Sequence[str], outputs: Sequence[str] | None) -> Any:
    """Wrap the module in one that takes tensors in order and returns a dictionary of tensors."""
    import torch

    class Named(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = module

        def forward(self, *tensors: Any) -> dict[str, Any]:
            return _named(self.module(**dict(zip(names, tensors, strict=True))), label, outputs)

    return Named()


def _named(result: Any, label: str, outputs: Sequence[str] | None) -> dict[str, Any]:
    """Return the tensors of a module's result by name.

    Fields have their names, elements of a tuple are `output_0`, `output_1`, ..., and names of
    nested ones have dots: `hidden_states.0`.

    Raises:
        FusionError: there is no tensor, or a wanted name is missing.
    """
    every = dict(_tensors("", result))
    if outputs is None:
        top = {name: tensor for name, tensor in every.items() if "." not in name}
        outputs = list(top or every)
    unknown = [name for name in outputs if name not in every]
    if unknown or not outputs:
        what = f"no output {unknown[0]!r}" if unknown else "no outputs that are tensors"
        raise FusionError(f"{label}: has {what}; it has {', '.join(every) or 'none'}")
    return {name: every[name] for name in outputs}


def _tensors(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    import torch

    if isinstance(value, torch.Tensor):
        yield name or "output", value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _tensors(f"{name}.{key}" if name else str(key), item)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _tensors(f"{name}.{index}" if name else f"output_{index}", item)


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide the exporter's warnings and log lines until the block ends; what matters becomes an error."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _first_line(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
