"""`processor.post_process_*`: turn a model's outputs into answers, for numpy arrays and torch tensors."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from graphproc.batch_feature import BatchFeature
from graphproc.configs.config import Config
from graphproc.errors import ImageError
from graphproc.executors import reference
from graphproc.ir.program import Program
from graphproc.numerics.narrow import NARROW, rounded
from graphproc.postprocessing.method import AsIs, Method
from graphproc.postprocessing.registry import lookup, methods
from graphproc.version import __version__
from graphproc.wrappers import post_inputs, precision
from graphproc.wrappers.settings import Settings

if TYPE_CHECKING:
    import onnx


Array = np.ndarray[Any, Any]
Run = dict[str, Array]


class PostProcessing(Settings):
    """Post-processing of the outputs of a processor's model.

    Each class has transformers' `post_process_*` methods. Every class has `post_process_image_classification`.
    """

    def _post_config(self) -> Config:
        """Return the settings, with those that matter only after the model (OneFormer's `metadata`)."""
        return self._config({**self._unknown, **{key: getattr(self, key) for key in self._computed}})

    def compile_post_processing(
        self, method: str, *, sized: bool = True, ragged: bool = False, fields: Sequence[str] = (), **options: Any
    ) -> Program:
        """Return the program of a post-processing method.

        Args:
            method: its name, with or without `post_process_`, e.g. `object_detection`.
            sized: whether sizes are inputs as well, such as `target_size`.
            ragged: whether rows that count are concatenated, image after image; otherwise they are padded
                to a fixed number.
            fields: optional outputs that the model has.
            **options: the method's options, e.g. `threshold=0.5`.

        Raises:
            ConfigError: the class has no such method, or an option is unknown or has no meaning.
        """
        found = lookup(self.spec.name, method)
        settings = found.settings(options)
        return found.program(
            self._post_config(),
            settings,
            sized=None if sized else (),
            ragged=ragged,
            fields=tuple(fields),
            backend=self.backend,
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
        """Return the ONNX graph of a post-processing method.

        Its inputs are:

        - the model's outputs under transformers' names (`logits`, `pred_boxes`, ...), [batch, ...]. Names
          that the graph's outputs have too (`predicted_depth`, `keypoints`, ...) begin with `input_`.
        - the height and width to resize results to, in pixels: `target_size`, int64 [2], for all images, or
          with `input="sequence"` `target_sizes`, int64 [batch, 2].
        - what a call gives beside these: `boxes` of a pose estimation, float64 [batch, 4], (x, y, width,
          height) in pixels of what each of the model's heatmaps shows.

        If the number of rows depends on the image, the first `count` rows of an output count. With `ragged`
        there are only these, those of one image after those of another.

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
        found = lookup(self.spec.name, method)
        metadata = {
            "graphproc.version": __version__,
            "graphproc.post": {"processor": self.spec.name, "method": found.name, "options": found.settings(options)},
            "graphproc.parity": str(program.parity),
            **({} if id2label is None else {"graphproc.id2label": {str(k): str(v) for k, v in id2label.items()}}),
        }
        return emit(program, EmitOptions(target, input, opset), metadata)  # type: ignore[arg-type]

    def _post_process(self, method: Method, outputs: Any, given: Mapping[str, Any]) -> Any:
        """Run a method on a batch of a model's outputs, image by image."""
        config = self._post_config()
        options = {**method.options, **given}
        options |= {"backend": self.backend, "config": config}
        flags = (key for key, value in options.items() if value is None and key.startswith("do_"))
        options |= {key: config.settings[key] for key in flags if key in config.settings}
        read = post_inputs.read(method, outputs, options)
        settings = method.settings(given)
        options["rounded"] = partial(rounded, kind=read.kind)
        sizes = post_inputs.read_sizes(method, options, read.count)
        post_inputs.check_masks(method, read, sizes)
        present = tuple(name for name in read.fields if method.inputs[name].optional)
        about = [
            method.name,
            settings,
            sorted(sizes.rows),
            present,
            dict(config.settings),
            dict(config.unknown),
            self.backend,
            read.empty,
        ]
        key = json.dumps(about, default=str)
        forms: dict[str, Any] = {
            "sized": tuple(sizes.rows),
            "fields": present,
            "ragged": method.has_masks,
            "backend": self.backend,
            "empty": read.empty,
        }
        program = self._cache.programs.get_or_make(key, lambda: method.program(config, settings, **forms))
        whole = precision.must_be_whole(program) if sizes.fractional else set()
        if wrong := [keyword for keyword in sizes.fractional if keyword.removesuffix("s") in whole]:
            raise ImageError(f"{wrong[0]}: expected whole numbers of pixels, got {options[wrong[0]]!r:.80}")
        kinds = precision.kinds(program, read.kind, sizes.kind)
        kinds = {output.name: kinds[output.value] for output in program.outputs if kinds.get(output.value) in precision.FLOATS}
        by_reference = bool(sizes.fractional) or read.unusual or read.kind != "f32" or "f64" in kinds.values()
        results = []
        for index in range(read.count):
            one = {name: arrays[index] for name, arrays in read.fields.items()}
            if method.rows:
                one = {name: post_inputs.with_a_row(array) for name, array in one.items()}
            one |= {keyword.removesuffix("s"): rows[index] for keyword, rows in sizes.rows.items()}
            run = (
                self._run_in_reference(program, one, read.kind, sizes.kind)
                if by_reference
                else self._run_in_graph(program, key, one)
            )
            cut = {name: value[: _row_count(run, name)] if name in method.rows else value for name, value in run.items()}
            found = {name: np.asarray(value) for name, value in cut.items()}
            typed = _kinds_by_id(found, kinds)
            results.append(_converted(method.result(found, options), typed, read.tensors))
        return results if method.collect is None else method.collect(results, options)

    def _run_in_reference(self, program: Program, one: Mapping[str, Array], kind: str, sizes: str) -> Run:
        """Run inputs that only the numpy reference computes; return one image's outputs.

        Raises:
            ImageError: there is nothing to choose from.
        """
        try:
            return precision.run(program, one, kind, sizes)
        except ValueError as error:  # numpy has no largest element of an empty axis
            if not any(0 in array.shape for array in one.values()):
                raise
            empty = ", ".join(f"{name} {list(array.shape)}" for name, array in one.items() if 0 in array.shape)
            raise ImageError(f"{program.name}: expected something to choose from, got {empty}") from error

    def _run_in_graph(self, program: Program, key: str, one: Mapping[str, Array]) -> Run:
        """Run one image's inputs in the graph; return the outputs."""
        if self.engine == "numpy":
            return reference.run(program, one)
        program.check(reference.sizes_from(program, one))  # graphs leave this check to their callers
        session = self._cache.session(key, program, specialise_after=None)
        inputs = {
            program.graph_input_name(v.name, plural=False): one[v.name] if v.size_names else one[v.name][None]
            for v in program.inputs
        }
        found = session.run(inputs)
        return {output.name: reference.of_image(output, found[output.name]) for output in program.outputs}


def _row_count(run: Run, name: str) -> int:
    """Return how many rows of an output are valid; the others are padding."""
    return int(run[f"{name}_count"] if f"{name}_count" in run else run["count"])


def _kinds_by_id(found: Mapping[str, Array], kinds: Mapping[str, str]) -> dict[int, str]:
    """Return the float types of outputs, by the `id` of their arrays and of the arrays they view."""
    arrays = [(array, kinds[name]) for name, value in found.items() if name in kinds for array in (value, value.base)]
    return {id(array): kind for array, kind in arrays if array is not None}


def _converted(value: Any, kinds: Mapping[int, str], tensors: bool) -> Any:
    """Convert the arrays in a result.

    Args:
        value: the result, with arrays at any depth.
        kinds: the float type of each array, by `id`.
        tensors: whether the model's outputs were tensors, and so results are.
    """
    if isinstance(value, BatchFeature):
        return BatchFeature({key: _converted(item, kinds, tensors) for key, item in value.items()})
    if isinstance(value, Mapping):
        return {key: _converted(item, kinds, tensors) for key, item in value.items()}
    if isinstance(value, AsIs):
        return list(value)
    if isinstance(value, (list, tuple)):
        return type(value)(_converted(item, kinds, tensors) for item in value)
    if not isinstance(value, np.ndarray):
        return value
    kind = kinds.get(id(value)) or kinds.get(id(value.base), "f32")  # a view has the type of its base
    if kind == "f64" or (kind == "f16" and not tensors):
        value = value.astype(np.float64 if kind == "f64" else np.float16)
    if not tensors:
        return np.require(value, requirements=["W"])
    import torch

    tensor = torch.from_numpy(np.require(value, requirements=["C", "W"]))  # some are views that repeat elements
    return tensor.to({"f16": torch.float16, "bf16": torch.bfloat16}[kind]) if kind in NARROW else tensor


def post_processing_methods(processor: str) -> dict[str, Any]:
    """Return the `post_process_*` functions of a processor class by name; their signatures have the options."""
    return {name: _function(method) for name, method in methods(processor).items()}


def _function(method: Method) -> Any:
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(name, kind) for name in ("self", method.first_argument)]
    parameters += [inspect.Parameter(name, kind, default=default) for name, default in method.options.items()]
    parameters += [inspect.Parameter("kwargs", inspect.Parameter.VAR_KEYWORD)] if method.accepts_unknown_keywords else []
    signature = inspect.Signature(parameters)

    def post_process(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs).arguments
        processor, outputs = bound.pop("self"), bound.pop(method.first_argument)
        bound.pop("kwargs", None)
        if method.first_argument != "outputs":
            name = next(name for name, field in method.inputs.items() if not field.call)
            outputs = {name: outputs} if post_inputs.named(outputs, name) is None else outputs
        return processor._post_process(method, outputs, bound)

    post_process.__name__ = method.name
    post_process.__qualname__ = method.name
    post_process.__signature__ = signature  # type: ignore[attr-defined]
    post_process.__doc__ = _doc(method)
    return post_process


def _doc(method: Method) -> str:
    reads = ", ".join(f"`{name}` [batch, {', '.join(map(str, f.shape))}]" for name, f in method.inputs.items() if not f.call)
    lines = [f"{(method.build.__doc__ or '').splitlines()[0]}", "", f"Reads the model's {reads}; numpy arrays or torch tensors."]
    lines += [f"`{keyword}` are (height, width) in pixels, for each image." for keyword in method.size_arguments]
    return "\n".join([*lines, f"Results, one for each image, are {method.parity}."])
