"""Image processors: settings as attributes, a call that preprocesses, and compilation to a program or a graph."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from functools import cache, partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from graphproc.batch_feature import BatchFeature, TensorType, tensor_type_of
from graphproc.configs.classes import BACKEND_SUFFIXES
from graphproc.configs.config import Config
from graphproc.errors import ConfigError, ImageError, warn
from graphproc.ir.program import Program
from graphproc.processors.calls import settle, with_own
from graphproc.processors.registry import lookup
from graphproc.processors.row import Row
from graphproc.runtime import forks, workers
from graphproc.runtime.memory import Memory
from graphproc.wrappers.array_dtypes import check_for_bytes, graph_takes, program_options, run_array
from graphproc.wrappers.arrays import ArrayMethods
from graphproc.wrappers.attributes import class_attributes, computed, shown
from graphproc.wrappers.cautions import warn_once
from graphproc.wrappers.common_methods import CommonMethods, call_keywords
from graphproc.wrappers.compilation import Compilation, options_of, program_key, setting_names
from graphproc.wrappers.containers import FLOATS, TENSORS, check_lengths, contained, in_tensors
from graphproc.wrappers.description import Description
from graphproc.wrappers.devices import device_for
from graphproc.wrappers.further_inputs import by_name, has_own_prompts, read_further, stand_ins
from graphproc.wrappers.image_files import is_file
from graphproc.wrappers.images import flatten_images, nest_images, to_array
from graphproc.wrappers.loading import BACKEND_KEY, ImageProcessingMixin
from graphproc.wrappers.methods.registry import methods
from graphproc.wrappers.post_process import PostProcessing, post_processing_methods
from graphproc.wrappers.recent import Recent
from graphproc.wrappers.running import Plan, Runner, about, labels_of

if TYPE_CHECKING:
    from graphproc.runtime.session import Session

Array = np.ndarray[Any, Any]
Sides = tuple[int, int]

CALL_ONLY_KEYS = ("return_tensors", "input_data_format", "data_format", "device", "disable_grouping", "image_seq_length")
VIDEOS = (
    "'videos' is no keyword of an image processor: it reads images. Give frames as images, or for a class of videos each video's "
    "frames as one list, images=[[frame, ...], ...]."
)
ENGINES = ("onnxruntime", "numpy")

MOST_PROGRAMS = 64
"""How many programs, and normalised sets of settings, a processor keeps; those used least recently are dropped."""
MOST_PLANS = 256
"""How many plans for image sizes a processor keeps."""
MOST_SESSIONS = 16
"""How many sessions a processor keeps, those of the workers not counted."""


class BaseImageProcessor(ImageProcessingMixin, Compilation, ArrayMethods, CommonMethods, PostProcessing):
    """What every image processor class shares.

    Settings are attributes under transformers' names (`size`, `image_mean`, `do_resize`, ...); sizes are dictionaries.
    Changing one takes effect at the next call. Every distinct set of settings is compiled once, as long as there are not
    many in turn.

    Attributes:
        threads: how many threads a call uses: those of a single image are ONNX Runtime's, in its operators; several images
            are read and run side by side. None for the number of cores, at most 8, and for 1 in a process that
            `multiprocessing` started. Results are the same bits.
    """

    row: ClassVar[Row]
    named_backend: ClassVar[str | None] = None
    model_input_names: ClassVar[list[str]] = ["pixel_values"]
    _configs: Recent[bytes, Config]
    _programs: Recent[str, Program]
    _sessions: Recent[str, Session]
    _plans: Recent[Any, Plan]
    _memory: Memory
    _said: set[str]

    def __init__(self, /, *, backend: str | None = None, engine: str = "onnxruntime", **settings: Any) -> None:
        """Make a processor with some settings other than the class's defaults.

        Args:
            backend: whose arithmetic results equal: `pil`, transformers' numpy and Pillow backend, or `torchvision`, its other
                one. None is the one that the class's name asks for (`...Fast`, `...Pil`),
                or the first that the class has here (`graphproc list`).
            engine: what runs a call: `onnxruntime` or `numpy`. Results are the same bits.
            **settings: settings by transformers' names; unknown ones can be read as attributes, are saved back and
                change nothing.

        Raises:
            ConfigError: a setting has no meaning, or the class does not have the backend.
        """
        wanted, missed = self.row.backend_wanted(settings.pop(BACKEND_KEY, None) or self.named_backend)
        if backend is None:
            for text in missed:
                warn(text)
        self.backend = self.row.check_backend(backend or wanted)
        self.engine = _engine(engine)
        config = self.row.config(settings)
        self._computed = tuple(found := computed(config))
        for key, value in ({key: shown(self.row, key, value) for key, value in config.settings.items()} | found).items():
            setattr(self, key, value)
        self._threads: int | None = None
        self.__dict__.update(_caches())
        self._unknown = {key: value for key, value in config.unknown.items() if key not in found}

    def __getattr__(self, name: str) -> Any:
        # Unknown settings are looked up last, so that a file cannot replace a method by naming a key like one.
        unknown = self.__dict__.get("_unknown", {})
        if name in unknown:
            return unknown[name]
        raise AttributeError(f"{type(self).__name__} has no attribute or setting {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        unknown = self.__dict__.get("_unknown", {})
        if name in unknown and not hasattr(type(self), name):
            unknown[name] = value
        else:
            super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, Any]:
        # Programs and sessions are made again when needed; a session cannot be pickled.
        caches = _caches()
        return {name: value for name, value in self.__dict__.items() if name not in caches}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        self.__dict__.update(_caches())

    @property
    def threads(self) -> int | None:
        """How many threads a call uses; see the class."""
        return self._threads

    @threads.setter
    def threads(self, threads: int | None) -> None:
        if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
            raise ConfigError(f"threads: expected a whole number from 1, or None, got {threads!r}")
        self._threads = threads

    # ---- configuration -----------------------------------------------------------------------------------------

    @classmethod
    def _class_named(cls, name: str) -> type[BaseImageProcessor]:
        return processor_class(name)

    def _config(self, changes: Mapping[str, Any]) -> Config:
        given = {**self._own_settings(), **changes}
        try:
            key = pickle.dumps(given)  # which tells True from 1 and sees dictionaries that were changed in place
        except Exception:  # what cannot be pickled is no setting, which is said below
            return self.row.config(given, call=True)
        config: Config | None = self._configs.get(key)
        if config is None:
            config = self._configs[key] = self.row.config(given, call=True)
        return config

    def _call_config(self, changes: Mapping[str, Any]) -> Config:
        """The settings of a call, with a warning for each that transformers does not read, or not everywhere."""
        if not (reads := self.row.calls):
            return self._config(changes)
        own = {key: getattr(self, key) for key in reads}
        settled = settle(reads, self.backend, own, self.row.defaults, changes)
        warn_once(self._said, self.row.name, settled.unread)
        config = self._config({**self._forgotten(), **settled.changes})
        return with_own(config, self._config({}), settled) if settled.own else config

    # ---- preprocessing -----------------------------------------------------------------------------------------

    def __call__(self, images: Any, *inputs: Any, **kwargs: Any) -> BatchFeature:
        """Preprocess images; the same as `preprocess`."""
        return self.preprocess(images, *inputs, **kwargs)

    def preprocess(
        self,
        images: Any,
        *inputs: Any,
        return_tensors: Any = None,
        input_data_format: Any = None,
        device: Any = None,
        engine: str | None = None,
        **changes: Any,
    ) -> BatchFeature:
        """Preprocess one image or a list of images of any sizes.

        Args:
            images: PIL images, numpy arrays, torch tensors, paths, or lists of these; 4-D arrays are batches. None where only
                prompts are to be processed, of a class that has those.
            *inputs: what the class takes beside images, such as label maps, one for each image; also by name (`Row.arguments`).
            return_tensors: `np`, `pt`, `tf`, `jax` or `mlx`; None for the containers of transformers' class, mostly lists of an
                array for each image; with torchvision's backend they hold torch tensors where torch is installed.
            input_data_format: `channels_first` or `channels_last` for arrays; None looks for the axis of 1, 3 or 4.
            device: where torch tensors of torchvision's backend are put; pil's stay on the CPU, as in transformers.
            engine: `onnxruntime` or `numpy` for this call.
            **changes: settings to use instead of the processor's own. None means None, not the processor's. Of what transformers
                does not read in a call, or not in all steps, a warning says so once, and results are transformers'.

        Returns:
            A BatchFeature with the outputs of transformers' class.

        Raises:
            ConfigError: a setting has no meaning.
            ImageError: an image cannot be read or used, or is too small, large or elongated for the settings.
            ShapeError: the images' results have several shapes where transformers stacks or concatenates them.
            TypeError: an unknown keyword, or too many arguments.
        """
        if inputs:
            own = {"return_tensors": return_tensors, "input_data_format": input_data_format, "device": device, "engine": engine}
            given = changes | {key: value for key, value in own.items() if value is not None}
            return self.preprocess(images, **by_name(self.row, inputs, given))
        for key in CALL_ONLY_KEYS:
            changes.pop(key, None)
        extras = {e.keyword: changes.pop(e.keyword) for e in self.row.extras.values() if e.keyword in changes}
        texts = {name: make(changes.pop(name, None)) for name, make in self.row.texts.items()}
        known = setting_names(self.row)
        if unknown := sorted(set(changes) - set(known)):
            if "videos" in unknown and not self.row.unmoved:
                raise TypeError(f"{type(self).__name__}: {VIDEOS}")
            left_out = f". Not compiled: {self.row.not_compiled}" if self.row.not_compiled else ""
            if not self.row.unmoved:
                raise TypeError(f"{type(self).__name__}: unknown keyword {unknown[0]!r}. Known: {', '.join(known)}{left_out}")
            warn_once(self._said, self.row.name, {key: f"{key} is no keyword of a call. It changes nothing." for key in unknown})
            changes = {key: value for key, value in changes.items() if key in known}
        config = self._call_config(changes)
        target = device_for(device, self.backend, return_tensors)
        if self.backend == "pil" and device is not None and str(device) != "cpu":
            text = f"device={device!r} changes nothing with backend 'pil', as in transformers. Move the result."
            warn_once(self._said, self.row.name, {"device": text})
        absent = images is None and has_own_prompts(self.row)
        samples = self._samples(stand_ins(extras) if absent else images)
        counts = [len(sample) for sample in samples]
        if self.row.per_sample > 1 and set(counts) != {self.row.per_sample}:
            raise ImageError(f"{self.row.name}: expected samples of {self.row.per_sample} images each, got {counts}")
        several = [bool(self.row.counts) and count > 1 for count in counts for _ in range(count)]
        flat = [image for sample in samples for image in sample]
        further = read_further(self.row, extras, len(flat))
        threads = 1 if len(flat) == 1 else self._threads or workers.default_threads()
        runner = Runner(labels_of(flat), threads, self._plans, self._memory)
        kind = self._run(runner, config, flat, further, several, _engine(engine or self.engine), _format(input_data_format))
        declared = self._program(config, **kind, **options_of(further)).outputs
        outputs = [output for output in declared if output.name != self.row.counts]
        if absent:
            of_images = {output.name for output in self._program(config, **kind).outputs}
            outputs = [output for output in outputs if output.name not in of_images]
        listed = {output.name for output in outputs if output.listed or output.apart}
        joined = runner.joined(outputs, counts, return_tensors is not None)
        for output in outputs:
            if return_tensors is None and output.name in joined and not output.listed:
                apart = partial(runner.apart, output.name)
                joined[output.name] = contained(self.row.name, self.backend, output, joined[output.name], apart)
            elif return_tensors is not None and output.name not in listed:
                check_lengths(self.row.name, self.backend, output, joined.get(output.name))
            if output.name in FLOATS and return_tensors is not None:
                joined[output.name] = np.asarray(joined[output.name]).tolist()
        features = BatchFeature(joined | ({self.row.counts: counts} if self.row.counts else {}), return_tensors, listed)
        for output in outputs:
            if output.apart:  # each a tensor of its own
                tensors = (BatchFeature({output.name: array}, return_tensors) for array in features[output.name])
                features[output.name] = [one[output.name] for one in tensors]
            if output.name in TENSORS and output.name in features:
                features[output.name] = in_tensors(features[output.name])
            if output.bfloat16 and tensor_type_of(features[output.name]) is TensorType.PYTORCH:
                features[output.name] = features[output.name].bfloat16()
        if texts:
            features.update(texts)
        if target is not None:
            features.to(device=target)
        return features[outputs[0].name] if self.row.bare else features

    def reading(self, config: Config | None = None) -> dict[str, Any]:
        """How a call reads images: keywords of `to_array`, by some settings or the processor's own."""
        config = self._config({}) if config is None else config
        converts = bool(config.do_convert_rgb) and self.row.reads not in ("plain", "frames")
        counts: dict[str, Any] = {"channel_counts": (1, 3)} if self.row.reads in ("pil", "frames", "bytes") else {}
        arrays = {"converts_arrays": self.row.reads not in ("pil", "frames"), **counts}
        return {"do_convert_rgb": converts, "backend": self.backend, "background": self.row.background, **arrays}

    def _samples(self, images: Any) -> list[list[Any]]:
        """The images of each sample, still unread."""
        if self.row.reads == "bytes":
            check_for_bytes(images)
        if self.row.counts and isinstance(images, (list, tuple)) and images and isinstance(images[0], (list, tuple)):
            return nest_images([sample for sample in images if len(sample)])
        if self.row.per_sample == 1:
            return [[image] for image in flatten_images(images)]
        return nest_images(images)

    def _run(
        self,
        runner: Runner,
        config: Config,
        images: Sequence[Any],
        further: Mapping[str, list[Array]],
        several: list[bool],
        engine: str,
        input_data_format: str | None,
    ) -> dict[str, Any]:
        """Read and run the images, those that it takes through the graph; returns the program's options for the first."""
        kind: dict[str, Any] | None = None
        numbered = list(enumerate(images))

        options = {**self.reading(config), "input_data_format": input_data_format}

        def read(item: tuple[int, Any]) -> Array:
            index, image = item
            with about(runner.labels[index]):
                return to_array(image, **options)

        arrays = workers.ahead(read, numbered, runner.threads, lambda item: not is_file(item[1]))
        try:
            with closing(arrays):
                loaded: Iterable[Array] = arrays
                if self.row.together is not None:
                    loaded = list(arrays)
                    config = self.row.together(config, [array.shape[:2] for array in loaded])
                for index, array in enumerate(loaded):
                    kind = program_options(self.row, self.backend, array) if kind is None else kind
                    one = {name: rows[index] for name, rows in further.items()}
                    plain = graph_takes(self.row, array, one)
                    if plain and engine == "onnxruntime":
                        self._add(runner, index, config, {"image": array, **one}, options_of(further, several[index]))
                        continue
                    with about(runner.labels[index], *(() if plain else (ConfigError,))):
                        runner.results[index] = self._run_reference(config, array, one, several[index])
            runner.finish()
        finally:
            runner.stop()
        return kind or {}

    def _add(self, runner: Runner, index: int, config: Config, inputs: Mapping[str, Array], options: Mapping[str, Any]) -> None:
        threads = self._threads or (1 if workers.in_child() else None)
        threads = 1 if len(runner.results) > 1 else threads
        runner.add(index, self._program(config, **options), lambda: self._session(config, threads, **options), inputs)

    def _run_reference(self, config: Config, array: Array, further: Mapping[str, Array], several: bool) -> Mapping[str, Array]:
        """One image of any dtype and channel count on the numpy executor."""

        def compiled(**options: Any) -> Program:
            return self._program(config, **options_of(further, several), **options)

        return run_array(self.row, self.backend, config, compiled, array, further)

    def _session(self, config: Config, threads: int | None, **options: Any) -> Session:
        key = f"{program_key(config, self.backend, options)} {threads}"
        session: Session | None = self._sessions.get(key)
        if session is None:
            with forks.unforked():
                from graphproc.emitters.onnx.emit import EmitOptions, emit
                from graphproc.runtime.one_size import of_program
                from graphproc.runtime.session import Session

                program = self._program(config, **options)
                session = Session(emit(program, EmitOptions()), threads=threads, one_size=of_program(program))
            self._sessions[key] = session
        return session


class AutoImageProcessor(BaseImageProcessor):
    """Loads whichever class a configuration is for: `AutoImageProcessor.from_pretrained(source)`."""

    def __init__(self, /, **settings: Any) -> None:
        raise TypeError("AutoImageProcessor is made by AutoImageProcessor.from_pretrained(source)")


def _caches() -> dict[str, Any]:
    """What a processor keeps of earlier calls; copies of it begin anew, because a session cannot be copied."""
    return {
        "_configs": Recent(MOST_PROGRAMS),
        "_programs": Recent(MOST_PROGRAMS),
        "_sessions": Recent(MOST_SESSIONS),
        "_plans": Recent(MOST_PLANS),
        "_memory": Memory(),
        "_said": set(),
    }


def _engine(engine: str) -> str:
    if engine not in ENGINES:
        raise ConfigError(f"engine: expected one of {', '.join(ENGINES)}, got {engine!r}")
    return engine


def _format(input_data_format: Any) -> str | None:
    value: str | None = getattr(input_data_format, "value", input_data_format)  # transformers' enum, or its value
    return value


def processor_class(name: str) -> type[BaseImageProcessor]:
    """The processor class of a transformers name; with `Fast` or `Pil` at the end, its subclass with that default backend.

    Raises:
        UnsupportedProcessorError: no such class is supported.
    """
    suffix = next((suffix for suffix in BACKEND_SUFFIXES if name.endswith(suffix)), "")
    return _class_of(lookup(name).name, suffix)


@cache
def _class_of(name: str, suffix: str) -> type[BaseImageProcessor]:
    """One class a row and suffix, whichever of its names was asked for, so that instances can be pickled."""
    row = lookup(name)
    if suffix:
        backend = BACKEND_SUFFIXES[suffix]
        doc = f"{row.name} with {backend} as its default backend, where it has that."
        body: dict[str, Any] = {"named_backend": backend, "__doc__": doc, "__module__": "graphproc"}
        return type(f"{row.name}{suffix}", (_class_of(row.name, ""),), body)
    body = {"row": row, "model_input_names": list(row.input_names), "__doc__": Description(), "__module__": "graphproc"}
    body["valid_kwargs"] = call_keywords(row.name, (*setting_names(row), *CALL_ONLY_KEYS))
    body |= class_attributes(row) | dict(methods(row.name)) | post_processing_methods(row.name)
    return type(row.name, (BaseImageProcessor,), body)
