"""One call of a processor: sort its arguments, read and run the images, deliver the results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from graphproc.batch_feature import BatchFeature, TensorType, tensor_type_of
from graphproc.configs.config import Config
from graphproc.errors import ConfigError, ImageError
from graphproc.ir.program import Output, Program
from graphproc.processors.spec import ProcessorSpec
from graphproc.runtime import workers
from graphproc.runtime.side_by_side import SideBySide
from graphproc.runtime.thread_counts import default_threads, operator_threads
from graphproc.wrappers.array_dtypes import check_for_bytes, graph_takes, program_options, run_array
from graphproc.wrappers.cautions import warn_once
from graphproc.wrappers.compilation import Compilation, options_of
from graphproc.wrappers.containers import as_numbers, check_lengths, check_unpadded, contained, in_tensors, of_backend
from graphproc.wrappers.extra_inputs import has_own_prompts, read_extra_inputs, stand_ins
from graphproc.wrappers.image_files import is_file
from graphproc.wrappers.images import flatten_images, nest_images, to_array
from graphproc.wrappers.running import Runner, about, labels_of

Array = np.ndarray[Any, Any]

CALL_ONLY_KEYS = ("return_tensors", "input_data_format", "data_format", "device", "disable_grouping", "image_seq_length")
"""Keywords of a call that are not settings."""
VIDEOS = (
    "'videos' is no keyword of an image processor: it reads images. Give frames as images, or for a class of videos each video's "
    "frames as one list, images=[[frame, ...], ...]."
)


@dataclass(frozen=True)
class Arguments:
    """Hold the arguments of a call besides the images.

    Attributes:
        extra_inputs: extra inputs, by the call's keywords.
        texts: outputs of text, by their names.
        settings: settings to use instead of the processor's own.
    """

    extra_inputs: Mapping[str, Any]
    texts: Mapping[str, list[str]]
    settings: Mapping[str, Any]


def arguments(processor: Compilation, given: Mapping[str, Any]) -> Arguments:
    """Sort the keywords of a call into extra inputs, texts and settings.

    Raises:
        TypeError: the class does not know a keyword.
    """
    spec = processor.spec
    settings = {key: value for key, value in given.items() if key not in CALL_ONLY_KEYS}
    extra_inputs = {e.keyword: settings.pop(e.keyword) for e in spec.extra_inputs.values() if e.keyword in settings}
    texts = {name: make(settings.pop(name, None)) for name, make in spec.texts.items()}
    known = processor._setting_names
    if unknown := sorted(set(settings) - set(known)):
        if not spec.unmoved:
            left_out = f". Not compiled: {spec.limitations}" if spec.limitations else ""
            text = f"unknown keyword {unknown[0]!r}. Known: {', '.join(known)}{left_out}"
            raise TypeError(f"{type(processor).__name__}: {VIDEOS if 'videos' in unknown else text}")
        texts_of = {key: f"{key} is no keyword of a call. It changes nothing." for key in unknown}
        warn_once(processor._cache.warned, spec.name, texts_of)
        settings = {key: value for key, value in settings.items() if key in known}
    return Arguments(extra_inputs, texts, settings)


def reading(spec: ProcessorSpec, backend: str, config: Config) -> dict[str, Any]:
    """Return the keywords of `to_array` with which a call reads images."""
    converts = bool(config.do_convert_rgb) and spec.reads not in ("plain", "frames")
    counts: dict[str, Any] = {"channel_counts": (1, 3)} if spec.reads in ("pil", "frames", "bytes") else {}
    arrays = {"converts_arrays": spec.reads not in ("pil", "frames"), **counts}
    return {"do_convert_rgb": converts, "backend": backend, "background": spec.background, **arrays}


class Call:
    """One call of a processor.

    Attributes:
        counts: how many images each sample has.
    """

    def __init__(
        self,
        processor: Compilation,
        config: Config,
        images: Any,
        extra_inputs: Mapping[str, Any],
        engine: str,
        split: bool = False,
    ) -> None:
        """Take the images and extra inputs of a call, unread.

        Args:
            processor: compiles the settings, and keeps what it compiled.
            config: the settings of the call.
            images: as for `preprocess`.
            extra_inputs: the extra inputs by the call's keywords.
            engine: `onnxruntime` or `numpy`.
            split: whether results stay bytes (`passes/split.py`).

        Raises:
            ImageError: there are no images, samples do not have as many images as the class takes, or
                extra inputs are not those that the class takes.
        """
        spec = processor.spec
        self._processor, self._spec, self._config, self._engine, self._split = processor, spec, config, engine, split
        self._absent = images is None and has_own_prompts(spec)
        samples = samples_of(spec, stand_ins(extra_inputs) if self._absent else images)
        self.counts = [len(sample) for sample in samples]
        check_counts(spec, self.counts)
        self._several = [bool(spec.samples.counts) and count > 1 for count in self.counts for _ in range(count)]
        self._images = [image for sample in samples for image in sample]
        self._extra_inputs = read_extra_inputs(spec, extra_inputs, len(self._images))
        threads = 1 if len(self._images) == 1 else processor.threads or default_threads()
        self._runs = SideBySide(threads)
        self._kind: dict[str, Any] = {}
        self._runner = Runner(labels_of(self._images), self._runs, processor._cache.arrangements, processor._cache.memory)

    def run(self, input_data_format: str | None) -> list[Output]:
        """Read and run the images. Those that the graph does not take run in the numpy reference.

        Returns:
            The outputs of the program.

        Raises:
            ConfigError: a setting has no meaning.
            ImageError: an image cannot be read or used.
        """
        spec, processor, runner, config = self._spec, self._processor, self._runner, self._config
        kind: dict[str, Any] = {}
        options = {**reading(spec, processor.backend, config), "input_data_format": input_data_format}

        def read(index: int) -> Array:
            with about(runner.labels[index]):
                return to_array(self._images[index], **options)

        arrays = workers.prefetch(
            read, range(len(self._images)), self._runs.threads, lambda index: not is_file(self._images[index])
        )
        with self._runs:
            with closing(arrays):
                loaded: Iterable[Array] = arrays
                if spec.samples.settings is not None:
                    loaded = list(arrays)
                    config = spec.samples.settings(config, [array.shape[:2] for array in loaded])
                for index, array in enumerate(loaded):
                    kind = kind if index else program_options(spec, processor.backend, array)
                    self._run_one(index, config, array)
            runner.finish()
        self._kind = kind
        declared = processor._program(self._config, **kind, **options_of(self._extra_inputs, split=self._split)).outputs
        outputs = [output for output in declared if output.name != spec.samples.counts]
        if self._absent:
            of_images = {output.name for output in processor._program(self._config, **kind).outputs}
            outputs = [output for output in outputs if output.name not in of_images]
        return outputs

    def _run_one(self, index: int, config: Config, array: Array) -> None:
        """Run one image, or pass it to the runner, which may run it together with others."""
        processor, runner, several = self._processor, self._runner, self._several[index]
        extra_inputs = {name: rows[index] for name, rows in self._extra_inputs.items()}
        plain = graph_takes(self._spec, array, extra_inputs)
        if self._split and array.dtype != np.uint8:
            with about(self._runner.labels[index]):
                raise ImageError(f"expected an image of bytes to split, got {array.dtype}. Leave split out, or convert it.")
        if plain and self._engine == "onnxruntime":
            options = options_of(extra_inputs, several, self._split)
            own_threads = processor.threads or operator_threads()
            threads = 1 if len(self._images) > 1 else own_threads
            program = processor._program(config, **options)
            session = partial(processor._session, program, config, threads, **options)
            runner.add(index, program, session, {"image": array, **extra_inputs})
            return

        def compiled(**options: Any) -> Program:
            return processor._program(config, **options_of(extra_inputs, several, self._split), **options)

        with about(runner.labels[index], *(() if plain else (ConfigError,))):
            runner.results[index] = run_array(self._spec, processor.backend, config, compiled, array, extra_inputs)

    def delivered(self, outputs: list[Output], return_tensors: Any) -> BatchFeature:
        """Return the results of all images, in the containers of transformers' class or as a framework's tensors.

        Raises:
            ShapeError: the images' results have several shapes where transformers stacks or
                concatenates them.
        """
        spec, backend = self._spec, self._processor.backend
        listed = {output.name for output in outputs if output.delivery.kind != "tensor"}
        joined = self._runner.joined(outputs, self.counts, return_tensors is not None)
        lines = self._lines(joined) if self._split else {}
        for output in outputs:
            if output.delivery.ends_with_images:
                joined[output.name] = joined[output.name][: max(index for index, count in enumerate(self.counts) if count) + 1]
            if return_tensors is None and output.name in joined and output.delivery.kind != "lists":
                results_by_image = partial(self._runner.results_of, output.name)
                joined[output.name] = contained(backend, output, joined[output.name], results_by_image)
            elif return_tensors is not None and output.name not in listed:
                check_lengths(backend, output, joined.get(output.name))
            if return_tensors is not None and output.delivery.container == "numbers":
                joined[output.name] = as_numbers(joined[output.name])
        features = BatchFeature(
            joined | ({spec.samples.counts: self.counts} if spec.samples.counts else {}) | lines,
            return_tensors,
            listed,
        )
        for output in outputs:
            if output.delivery.kind == "separate":  # a tensor for each image
                tensors = (BatchFeature({output.name: array}, return_tensors) for array in features[output.name])
                features[output.name] = [one[output.name] for one in tensors]
            if output.delivery.container == "tensors":
                features[output.name] = in_tensors(features[output.name])
            dtype = output.delivery.torch_dtype
            if dtype and tensor_type_of(features[output.name]) is TensorType.PYTORCH:
                features[output.name] = features[output.name].to(getattr(import_module("torch"), dtype))
        if return_tensors is None:
            features.update({name: of_backend(backend, value) for name, value in lines.items()})
        return features

    def _lines(self, joined: Mapping[str, Any]) -> dict[str, Array]:
        """Return the scale and offset of each output that is left as bytes, by the names that a call gives them.

        Raises:
            ShapeError: outputs of several shapes would be padded with a number that no byte is mapped to.
        """
        mapped = self._processor._split(self._config, **self._kind, **options_of(self._extra_inputs)).mapped
        check_unpadded(mapped, joined)
        found: dict[str, Array] = {}
        for name in mapped.keys() & joined.keys():
            line = mapped[name].affine()
            found |= {f"{name}_scale": line.scale, f"{name}_offset": line.offset}
        return found


def check_counts(spec: ProcessorSpec, counts: Sequence[int]) -> None:
    """Check how many images each sample has.

    Raises:
        ImageError: samples do not have as many images as the class takes.
    """
    if spec.samples.images > 1 and set(counts) != {spec.samples.images}:
        raise ImageError(f"{spec.name}: expected samples of {spec.samples.images} images each, got {list(counts)}")


def samples_of(spec: ProcessorSpec, images: Any) -> list[list[Any]]:
    """Return the images of each sample, not read yet."""
    if spec.reads == "bytes":
        check_for_bytes(images)
    if spec.samples.counts and isinstance(images, (list, tuple)) and images and isinstance(images[0], (list, tuple)):
        return nest_images([sample for sample in images if len(sample)])
    if spec.samples.images == 1:
        return [[image] for image in flatten_images(images)]
    return nest_images(images)
