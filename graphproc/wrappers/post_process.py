"""`processor.post_process_*`: from a model's outputs to answers, for numpy arrays and torch tensors."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from graphproc.configs.config import Config
from graphproc.errors import ConfigError, ImageError
from graphproc.executors import reference
from graphproc.ir.program import Program
from graphproc.ir.types import DTYPES
from graphproc.postprocessing.method import Method
from graphproc.postprocessing.registry import lookup, methods
from graphproc.version import __version__

if TYPE_CHECKING:
    import onnx

    from graphproc.processors.row import Row
    from graphproc.runtime.session import Session

Array = np.ndarray[Any, Any]
Run = dict[str, Array]


class PostProcessing:
    """Post-processing for processors, which have `row`, `engine` and settings.

    Each class has transformers' `post_process_*` methods; `post_process_image_classification` every class has.
    """

    row: ClassVar[Row]
    engine: str
    _programs: MutableMapping[str, Program]
    _sessions: MutableMapping[str, Session]

    def _config(self, changes: Mapping[str, Any]) -> Config:
        raise NotImplementedError

    def _post_config(self) -> Config:
        """The settings, and those that change nothing before a model but may after it (OneFormer's `metadata`)."""
        return self._config(self.__dict__.get("_unknown", {}))

    def compile_post_processing(
        self, method: str, *, sized: bool = True, ragged: bool = False, fields: Sequence[str] = (), **options: Any
    ) -> Program:
        """The program of a post-processing method.

        Args:
            method: its name, with or without `post_process_`, e.g. `object_detection`.
            sized: whether sizes are given, as further inputs such as `target_size`.
            ragged: whether rows that count are concatenated, image after image, instead of padded to a fixed number.
            fields: optional outputs that the model has.
            **options: the method's options, e.g. `threshold=0.5`.

        Raises:
            ConfigError: the class has no such method, or an option is unknown or has no meaning.
        """
        found = lookup(self.row.name, method)
        settings = found.settings(options)
        return found.program(
            self._post_config(),
            settings,
            sized=None if sized else (),
            ragged=ragged,
            fields=tuple(fields),
        )

    def post_processing_to_onnx(
        self,
        method: str,
        *,
        input: str = "batch",
        target: str = "cpu",
        opset: int = 18,
        id2label: Mapping[int, str] | None = None,
        sized: bool = True,
        ragged: bool = False,
        fields: Sequence[str] = (),
        **options: Any,
    ) -> onnx.ModelProto:
        """The ONNX graph of a post-processing method.

        It reads the model's outputs under transformers' names (`logits`, `pred_boxes`, ...), [batch, ...], with `input_` in
        front of those that its own outputs have (`predicted_depth`, `keypoints`, ...), and the height and width that results
        should have in pixels: `target_size`, int64 [2], for all images, or with `input="sequence"` `target_sizes`, int64
        [batch, 2]. What comes with a call is an input as well: of a pose estimation `boxes`, float64 [batch, 4], (x, y, width,
        height) in pixels of what each of the model's heatmaps shows. Of outputs with a number of rows that depends on the
        image, the first `count` count; with `ragged`, only these are there, those of all images in a row.

        Args:
            method, sized, ragged, fields, **options: as for `compile_post_processing`.
            input: `batch` or `sequence`.
            target: `cpu` or `cuda`.
            opset: version of the default ONNX domain, 17 to 23.
            id2label: the names of classes, kept in the graph's metadata as `graphproc.id2label`.

        Raises:
            ConfigError: as `compile_post_processing`.
            EmitError: the options do not fit together.
        """
        from graphproc.emitters.onnx.emit import EmitOptions, emit

        program = self.compile_post_processing(method, sized=sized, ragged=ragged, fields=fields, **options)
        found = lookup(self.row.name, method)
        metadata = {
            "graphproc.version": __version__,
            "graphproc.post": {"processor": self.row.name, "method": found.name, "options": found.settings(options)},
            "graphproc.parity": str(program.parity),
            **({} if id2label is None else {"graphproc.id2label": {str(k): str(v) for k, v in id2label.items()}}),
        }
        return emit(program, EmitOptions(target, input, opset), metadata)  # type: ignore[arg-type]

    def _post_process(self, method: Method, outputs: Any, given: Mapping[str, Any]) -> Any:
        """Run a method on a batch of a model's outputs, image by image."""
        options = {**method.options, **given}
        fields, back = _read(method, outputs, options)
        count = len(next(iter(fields.values())))
        sizes = _sizes(method, options, count)
        settings = method.settings(options)
        present = tuple(name for name in fields if method.inputs[name].optional)
        config = self._post_config()
        about = [method.name, settings, sorted(sizes), present, dict(config.settings), dict(config.unknown)]
        key = json.dumps(about, default=str)
        program = self._programs.get(key)
        if program is None:
            program = method.program(config, settings, sized=tuple(sizes), fields=present, ragged=method.has_masks)
            self._programs[key] = program
        results = []
        for index in range(count):
            one = {name: array[index] for name, array in fields.items()}
            one |= {keyword.removesuffix("s"): rows[index] for keyword, rows in sizes.items()}
            run = self._run_post(program, key, one)
            found = {name: value[: _count(run, name)] if name in method.rows else value for name, value in run.items()}
            results.append(_converted(method.result(found, options), back))
        return results if method.collect is None else method.collect(results, options)

    def _run_post(self, program: Program, key: str, one: Mapping[str, Array]) -> Run:
        """One image's outputs."""
        if self.engine == "numpy":
            return reference.run(program, one)
        session = self._sessions.get(key)
        if session is None:
            from graphproc.emitters.onnx.emit import EmitOptions, emit
            from graphproc.runtime.session import Session

            session = self._sessions[key] = Session(emit(program, EmitOptions()), specialise_after=None)
        inputs = {
            program.graph_input(v.name, several=False): one[v.name] if v.measures else one[v.name][None] for v in program.inputs
        }
        joined = {output.name for output in program.outputs if output.join in ("concatenate", "padded_rows")}
        return {name: value if name in joined else value[0] for name, value in session.run(inputs).items()}


def _read(method: Method, outputs: Any, options: Mapping[str, Any]) -> tuple[dict[str, list[Array]], Any]:
    """What a method reads, an array for each image, and how to make what came in of arrays again."""
    fields: dict[str, list[Array]] = {}
    back: Any = None
    given = {name: _of(outputs, name) for name, declared in method.inputs.items() if not declared.call}
    if method.prepare is not None and all(value is not None for value in given.values()):
        given |= method.prepare(given, options)
    for name, declared in method.inputs.items():
        value = given.get(name)
        if declared.unless in fields:
            continue
        if value is None:
            if declared.optional:
                continue
            raise ImageError(f"{method.name}: expected model outputs with {name!r}, got {_names(outputs)}")
        fields[name] = []
        for item in value:
            if hasattr(item, "detach"):  # a torch tensor
                import torch

                tensor = item.detach().cpu()
                item = (tensor.float() if tensor.is_floating_point() else tensor).numpy()
                back = torch.from_numpy
            array = np.asarray(item, dtype=DTYPES[declared.dtype])
            if array.ndim != len(declared.shape):
                wanted = ", ".join(map(str, declared.shape))
                raise ImageError(f"{method.name}: expected {name} [{wanted}] of each image, got the shape {list(array.shape)}")
            fields[name].append(array)
    counts = {name: len(array) for name, array in fields.items()}
    if len(set(counts.values())) > 1:
        raise ImageError(f"{method.name}: expected outputs of one batch, got {counts}")
    for index in range(len(next(iter(fields.values())))):
        _check_lengths(method, {name: arrays[index] for name, arrays in fields.items()})
    return fields, back


def _check_lengths(method: Method, fields: Mapping[str, Array]) -> None:
    """Raise ImageError unless axes of one name have one length in all fields of an image, and others the declared one."""
    known: dict[str, tuple[int, str]] = {}
    for name, array in fields.items():
        declared = method.inputs[name].shape
        for want, have in zip(declared, array.shape, strict=True):
            if isinstance(want, int) and have != want:
                wanted = ", ".join(map(str, declared))
                raise ImageError(f"{method.name}: expected {name} [{wanted}] of each image, got the shape {list(array.shape)}")
            if isinstance(want, str) and known.setdefault(want, (have, name))[0] != have:
                length, other = known[want]
                raise ImageError(f"{method.name}: expected as many {want} in {name} as in {other}, {length}, got {have}")


def _of(outputs: Any, name: str) -> Any:
    """One of a model's outputs; None where it has no such one."""
    return outputs.get(name) if isinstance(outputs, Mapping) else getattr(outputs, name, None)


def _names(outputs: Any) -> str:
    names = outputs if isinstance(outputs, Mapping) else getattr(outputs, "__dict__", {})
    return ", ".join(map(str, names)) or type(outputs).__name__


def _count(run: Run, name: str) -> int:
    """How many rows of an output count."""
    return int(run[f"{name}_count"] if f"{name}_count" in run else run["count"])


def _sizes(method: Method, options: Mapping[str, Any], count: int) -> dict[str, Array]:
    """The sizes that were given, by keyword: (height, width) of each image, int64 [count, 2], or of each pair's two."""
    found = {}
    for keyword in method.sized:
        given = options.get(keyword)
        if given is None:
            if method.needs_sizes:
                raise ConfigError(f"{method.name}: expected {keyword}, (height, width) in pixels for each image, got none")
            continue
        shape = (count, 2, 2) if method.pairs else (count, 2)
        rows = np.asarray(given.tolist() if hasattr(given, "tolist") else given)
        if rows.shape != shape or rows.dtype.kind not in "iuf" or rows.min() < 1:
            whose = "two images of each pair" if method.pairs else "each image"
            raise ImageError(f"{keyword}: expected (height, width) of {whose}, {list(shape)}, got {given!r:.80}")
        found[keyword] = rows.astype(np.int64)
    return found


def _converted(value: Any, back: Any) -> Any:
    """Arrays as tensors, where tensors came in; anything else as it is."""
    if isinstance(value, Mapping):
        return {key: _converted(item, back) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_converted(item, back) for item in value)
    if isinstance(value, np.ndarray) and back is not None:
        return back(np.require(value, requirements=["C", "W"]))  # some are views that repeat elements
    return value


def post_processing_methods(processor: str) -> dict[str, Any]:
    """The `post_process_*` functions of a processor class, by name, with the signatures of their options."""
    return {name: _function(method) for name, method in methods(processor).items()}


def _function(method: Method) -> Any:
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(name, kind) for name in ("self", method.takes)]
    parameters += [inspect.Parameter(name, kind, default=default) for name, default in method.options.items()]
    parameters += [inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD)] if method.ignores_more else []
    signature = inspect.Signature(parameters)

    def post_process(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs).arguments
        processor, outputs = bound.pop("self"), bound.pop(method.takes)
        bound.pop("kwargs", None)
        if method.takes != "outputs":
            (name,) = method.inputs
            outputs = {name: outputs}
        return processor._post_process(method, outputs, bound)

    post_process.__name__ = method.name
    post_process.__qualname__ = method.name
    post_process.__signature__ = signature  # type: ignore[attr-defined]
    post_process.__doc__ = _doc(method)
    return post_process


def _doc(method: Method) -> str:
    reads = ", ".join(f"`{name}` [batch, {', '.join(map(str, f.shape))}]" for name, f in method.inputs.items() if not f.call)
    lines = [f"{(method.build.__doc__ or '').splitlines()[0]}", "", f"Reads the model's {reads}; numpy arrays or torch tensors."]
    lines += [f"`{keyword}` are (height, width) in pixels, for each image." for keyword in method.sized]
    return "\n".join([*lines, f"Results, one for each image, are {method.parity}."])
