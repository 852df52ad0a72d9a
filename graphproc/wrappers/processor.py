"""Image processors: settings as attributes, a call that preprocesses, and compilation to a program or a graph."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

from graphproc.batch_feature import BatchFeature
from graphproc.configs.classes import BACKEND_SUFFIXES
from graphproc.configs.config import Config
from graphproc.ir.backends import PIL
from graphproc.processors.registry import lookup
from graphproc.wrappers.arrays import ArrayMethods
from graphproc.wrappers.attributes import class_attributes
from graphproc.wrappers.calls import CALL_ONLY_KEYS, Call, arguments, reading
from graphproc.wrappers.cautions import warn_once
from graphproc.wrappers.common_methods import CommonMethods, call_keywords
from graphproc.wrappers.description import Description
from graphproc.wrappers.devices import device_for
from graphproc.wrappers.extra_inputs import by_name
from graphproc.wrappers.loading import ImageProcessingMixin
from graphproc.wrappers.methods.registry import methods
from graphproc.wrappers.plan_source import PlanSource
from graphproc.wrappers.planning import Planning
from graphproc.wrappers.post_process import PostProcessing, post_processing_methods
from graphproc.wrappers.settings import checked_engine, setting_names


class BaseImageProcessor(ImageProcessingMixin, Planning, PlanSource, ArrayMethods, CommonMethods, PostProcessing):
    """The base of all image processor classes.

    Settings are attributes under transformers' names (`size`, `image_mean`, `do_resize`, ...). Sizes are
    dictionaries. A changed setting takes effect at the next call. Each set of settings is compiled once,
    unless many of them take turns.

    Attributes:
        threads: how many threads a call uses. A single image is run by several threads of ONNX Runtime,
            several images are read and run side by side. None is the number of cores, at most 8; or, where
            it is set, what `OMP_NUM_THREADS` says; or 1 in a process that `multiprocessing`, a data loader,
            `multiprocess`, Ray or Spark started, unless Ray, Spark or joblib gave it more cores. The whole rule
            is that of `graphproc.runtime.thread_counts`. Results are the same bits.
    """

    model_input_names: ClassVar[list[str]] = ["pixel_values"]

    @classmethod
    def _class_named(cls, name: str) -> type[BaseImageProcessor]:
        return processor_class(name)

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
        split: bool = False,
        **changes: Any,
    ) -> BatchFeature:
        """Preprocess one image or a list of images of any sizes.

        Args:
            images: PIL images, numpy arrays, torch tensors, paths, or lists of these; 4-D arrays are
                batches. None to process only prompts, in a class that has them.
            *inputs: what the class takes beside images, such as label maps, one for each image. Keywords
                work as well.
            return_tensors: `np`, `pt`, `tf`, `jax` or `mlx`. None for the containers of transformers'
                class, mostly a list of one array for each image; with torchvision's backend they hold
                torch tensors if torch is installed.
            input_data_format: `channels_first` or `channels_last` for arrays; None looks for an axis of
                length 1, 3 or 4.
            device: the device for torch tensors of torchvision's backend; pil's stay on the CPU, as in
                transformers.
            engine: `onnxruntime` or `numpy` for this call.
            split: whether to leave the map of bytes to floats to the device that runs the model. `pixel_values`
                is then uint8, a quarter of the memory, and there are `pixel_values_scale` and
                `pixel_values_offset`, float32 and of a shape that broadcasts. `bytes * scale + offset` in float32 is
                equal, or within the bound that `split` gives; an exact map is `to_torch(part="map")` or a graph.
            **changes: settings to use instead of the processor's own; None means None, not the
                processor's value. If transformers does not read a setting in a call, or only in some
                steps, a warning says so once, and results are transformers'.

        Returns:
            A BatchFeature with the outputs of transformers' class.

        Raises:
            ConfigError: a setting has no meaning.
            ImageError: an image cannot be read or used, or is too small, large or elongated for the settings.
            ProgramError: `split`, and the map of bytes does not come last; the message says why.
            ShapeError: the images' results have several shapes where transformers stacks or concatenates them.
            TypeError: a keyword is unknown, or there are too many arguments.
        """
        if inputs:
            own = {"return_tensors": return_tensors, "input_data_format": input_data_format, "device": device, "engine": engine}
            given = changes | {key: value for key, value in (own | {"split": split or None}).items() if value is not None}
            return self.preprocess(images, **by_name(self.spec, inputs, given))
        found = arguments(self, changes)
        config = self._call_config(found.settings)
        target = device_for(device, self.backend, return_tensors)
        if self.backend == PIL and device is not None and str(device) != "cpu":
            text = f"device={device!r} changes nothing with backend 'pil', as in transformers. Move the result."
            warn_once(self._cache.warned, self.spec.name, {"device": text})
        call = Call(self, config, images, found.extra_inputs, checked_engine(engine or self.engine), split)
        outputs = call.run(getattr(input_data_format, "value", input_data_format))  # transformers' enum, or its value
        features = call.delivered(outputs, return_tensors)
        if found.texts:
            features.update(found.texts)
        if target is not None:
            features.to(device=target)
        return features[outputs[0].name] if outputs[0].delivery.alone else features

    def reading(self, config: Config | None = None) -> dict[str, Any]:
        """Return the keywords of `to_array` with which a call reads images; `config` None is the processor's own."""
        return reading(self.spec, self.backend, self._config({}) if config is None else config)


class AutoImageProcessor(BaseImageProcessor):
    """Loads whichever class a configuration is for: `AutoImageProcessor.from_pretrained(source)`."""


def processor_class(name: str) -> type[BaseImageProcessor]:
    """Return the processor class of a transformers name. A name with `Fast` or `Pil` gets a subclass with that backend.

    Raises:
        UnsupportedProcessorError: no such class is supported.
    """
    suffix = next((suffix for suffix in BACKEND_SUFFIXES if name.endswith(suffix)), "")
    return _class_of(lookup(name).name, suffix)


@cache
def _class_of(name: str, suffix: str) -> type[BaseImageProcessor]:
    """Return the one class for a spec and a suffix, whichever of its names was used, so that instances can be pickled."""
    spec = lookup(name)
    if suffix:
        backend = BACKEND_SUFFIXES[suffix]
        doc = f"{spec.name} with {backend} as its default backend, where it has that."
        body: dict[str, Any] = {"named_backend": backend, "__doc__": doc, "__module__": "graphproc"}
        return type(f"{spec.name}{suffix}", (_class_of(spec.name, ""),), body)
    names = setting_names(spec)
    body = {"spec": spec, "_setting_names": names, "__doc__": Description(), "__module__": "graphproc"}
    body["model_input_names"] = list(spec.input_names)
    body["valid_kwargs"] = call_keywords(spec.name, (*names, *CALL_ONLY_KEYS))
    body |= class_attributes(spec) | dict(methods(spec.name)) | post_processing_methods(spec.name)
    return type(spec.name, (BaseImageProcessor,), body)
